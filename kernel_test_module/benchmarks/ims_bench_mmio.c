// SPDX-License-Identifier: GPL-2.0
/*
 * The slot accesses of both sides, compiled with accessors which count. This
 * works everywhere; on UML the suite counts those of the real chips too, and
 * compares.
 */
#define IMS_FAKE_LOG_ACCESSORS
#include <kunit/ims_fake.h>
#include "../irq-bench-ims.h"

#undef ioread32
#undef iowrite32
#define ioread32(addr)		ims_fake_read32(addr)
#define iowrite32(value, addr)	ims_fake_write(value, addr, 4)
#include "ims_bench_glue.h"
#include "ims_bench.h"

#define COUNT(call) ({ ims_fake_log_start(fake); call; fake->reads + fake->writes; })

/**
 * ims_bench_count - Count the MMIO accesses of each operation of a store
 * @fake:	The fake device, its first slot not in use
 * @counts:	Is filled in, IMS_BENCH_MMIO entries
 */
void ims_bench_count(struct ims_fake *fake, struct ims_bench_mmio *counts)
{
	struct idxd2022_slot __iomem *theirs = fake->bar;
	struct bench_ims_slot __iomem *ours = fake->bar;
	struct msi_msg msg = { .data = 1 };

	/* Rule 12: the write, and its read-back */
	counts[0] = (struct ims_bench_mmio) {
		.path	= "mask",
		.least	= 1 + 1,
		.ours	= COUNT(bench_ims_mask(ours, 0)),
		.peer	= COUNT(idxd2022_mask(theirs, 0)),
	};
	counts[1] = (struct ims_bench_mmio) {
		.path	= "unmask",
		.least	= 1 + 1,
		.ours	= COUNT(bench_ims_unmask(ours, 0)),
		.peer	= COUNT(idxd2022_unmask(theirs, 0)),
	};
	/* Three registers of 32 bits each, and the read-back of the last */
	counts[2] = (struct ims_bench_mmio) {
		.path	= "write",
		.least	= 3 + 1,
		.ours	= COUNT(bench_ims_write(ours, &msg)),
		.peer	= COUNT(idxd2022_write(theirs, &msg)),
	};
	/* Rule 14: zeroes in all three, the mask, and its read-back */
	counts[3] = (struct ims_bench_mmio) {
		.path	= "shutdown",
		.least	= 3 + 1 + 1,
		.ours	= COUNT(bench_ims_reset(ours)),
		.peer	= COUNT(idxd2022_reset(theirs)),
	};
}
