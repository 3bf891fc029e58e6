/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Registers are bytes, and each access to them is recorded: included before what accesses them
 */
#include <kunit/test.h>
#include <linux/bits.h>
#include <linux/device.h>
#include <linux/io.h>
#include <linux/list.h>
#include <linux/msi.h>
#include <linux/string.h>
#include <linux/types.h>
#include <linux/xarray.h>

#define REGISTERS	0x1000
#define LOG		16

struct access { bool write; unsigned int offset, size; };

static u8 registers[REGISTERS] __aligned(8);
static struct access accesses[LOG];
static unsigned int nr_accesses;

static void record(bool write, const void *at, unsigned int size)
{
	struct access access = { write, (const u8 *)at - registers, size };

	if (nr_accesses < LOG)
		accesses[nr_accesses++] = access;
}

static void __maybe_unused record_write(u64 value, void *at, unsigned int size)
{
	record(true, at, size);
	memcpy(at, &value, size);
}

static u64 __maybe_unused record_read(const void *at, unsigned int size)
{
	u64 value = 0;

	record(false, at, size);
	memcpy(&value, at, size);
	return value;
}

#undef writew
#undef writel
#undef writeq
#undef writel_relaxed
#undef writeq_relaxed
#undef readw
#undef readl
#undef readq
#define writew(value, at)		record_write(value, at, 2)
#define writel(value, at)		record_write(value, at, 4)
#define writeq(value, at)		record_write(value, at, 8)
#define writel_relaxed(value, at)	record_write(value, at, 4)
#define writeq_relaxed(value, at)	record_write(value, at, 8)
#define readw(at)			record_read(at, 2)
#define readl(at)			record_read(at, 4)
#define readq(at)			record_read(at, 8)
