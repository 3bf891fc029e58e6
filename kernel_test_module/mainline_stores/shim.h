/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a function that writes an interrupt message needs of the kernel, in a program: registers are
 * bytes, and each access to them is recorded
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef u16 __le16, __be16;
typedef u32 __le32, __be32;
typedef u64 __le64, __be64;
typedef u64 phys_addr_t;

#define __iomem
#define static_assert		_Static_assert
#define BIT(n)			(1UL << (n))
#define BIT_ULL(n)		(1ULL << (n))
#define GENMASK_ULL(h, l)	((~0ULL >> (63 - (h))) & (~0ULL << (l)))
#define GENMASK(h, l)		GENMASK_ULL(h, l)

struct device { void *driver_data; };
struct msi_msg { u32 address_lo, address_hi, data; };
struct msi_desc { struct device *dev; u16 msi_index; struct msi_msg msg; };

#define msi_desc_to_dev(desc)	((desc)->dev)
#define dev_get_drvdata(dev)	((dev)->driver_data)
#define dev_err_once(dev, ...)	((void)(dev))
#define dev_warn(dev, ...)	((void)(dev))

/* Passes a message on */
typedef void passes(struct device *dev, unsigned int index, const struct msi_msg *msg);

#define REGISTERS	0x1000
#define LOG		64

struct access { bool write; unsigned int offset, size; };

static u8 registers[REGISTERS];
static struct access accesses[LOG];
static unsigned int nr_accesses;

static void record(bool write, const void *at, unsigned int size)
{
	struct access access = { write, (const u8 *)at - registers, size };

	if (nr_accesses < LOG)
		accesses[nr_accesses++] = access;
}

static void store(u64 value, void *at, unsigned int size)
{
	record(true, at, size);
	memcpy(at, &value, size);
}

static u64 load(const void *at, unsigned int size)
{
	u64 value = 0;

	record(false, at, size);
	memcpy(&value, at, size);
	return value;
}

#define writew(value, at)		store(value, at, 2)
#define writel(value, at)		store(value, at, 4)
#define writeq(value, at)		store(value, at, 8)
#define writel_relaxed(value, at)	store(value, at, 4)
#define writeq_relaxed(value, at)	store(value, at, 8)
#define readw(at)			load(at, 2)
#define readl(at)			load(at, 4)
#define readq(at)			load(at, 8)
