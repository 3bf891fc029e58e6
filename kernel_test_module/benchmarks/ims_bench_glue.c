// SPDX-License-Identifier: GPL-2.0
/*
 * A peer for the benchmarks of mask, unmask and write: an interrupt chip for
 * slots in a BAR as one wrote it by hand in 2022, with the accessors from
 * lib/iomap.c, and a read after the last write. It works on the descriptors
 * of the generated domain.
 */
#include <linux/bits.h>
#include <linux/io.h>
#include <linux/irq.h>
#include <linux/msi.h>

#include "ims_bench.h"
#include "ims_bench_glue.h"

static void idxd2022_irq_mask(struct irq_data *data)
{
	struct msi_desc *desc = irq_data_get_msi_desc(data);

	idxd2022_mask(desc->data.dcookie.iobase, desc->data.icookie.value);
}

static void idxd2022_irq_unmask(struct irq_data *data)
{
	struct msi_desc *desc = irq_data_get_msi_desc(data);

	idxd2022_unmask(desc->data.dcookie.iobase, desc->data.icookie.value);
}

static void idxd2022_irq_write_msi_msg(struct irq_data *data, struct msi_msg *msg)
{
	struct msi_desc *desc = irq_data_get_msi_desc(data);

	desc->msg = *msg;
	idxd2022_write(desc->data.dcookie.iobase, msg);
}

static void idxd2022_irq_shutdown(struct irq_data *data)
{
	struct msi_desc *desc = irq_data_get_msi_desc(data);

	idxd2022_reset(desc->data.dcookie.iobase);
}

struct irq_chip idxd2022_chip = {
	.name			= "idxd2022",
	.irq_mask		= idxd2022_irq_mask,
	.irq_unmask		= idxd2022_irq_unmask,
	.irq_write_msi_msg	= idxd2022_irq_write_msi_msg,
	.irq_shutdown		= idxd2022_irq_shutdown,
};
