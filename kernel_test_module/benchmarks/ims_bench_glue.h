/* SPDX-License-Identifier: GPL-2.0 */
/* The slot accesses of ims_bench_glue.c, apart so that they can be counted */
#ifndef _IMS_BENCH_GLUE_H
#define _IMS_BENCH_GLUE_H

#include <linux/bits.h>
#include <linux/io.h>
#include <linux/msi.h>
#include <linux/types.h>

#define IDXD2022_MASKED		BIT(0)

/**
 * struct idxd2022_slot - One message
 * @lo:		Message address, low half
 * @hi:		Message address, high half
 * @data:	Message data
 * @ctrl:	Mask bit and PASID
 */
struct idxd2022_slot {
	u32	lo;
	u32	hi;
	u32	data;
	u32	ctrl;
};

static inline void idxd2022_flush(u32 value, u32 __iomem *reg)
{
	iowrite32(value, reg);
	ioread32(reg);
}

static inline void idxd2022_mask(struct idxd2022_slot __iomem *slot, u32 ctrl)
{
	idxd2022_flush(ctrl | IDXD2022_MASKED, &slot->ctrl);
}

static inline void idxd2022_unmask(struct idxd2022_slot __iomem *slot, u32 ctrl)
{
	idxd2022_flush(ctrl, &slot->ctrl);
}

static inline void idxd2022_write(struct idxd2022_slot __iomem *slot, const struct msi_msg *msg)
{
	iowrite32(msg->address_lo, &slot->lo);
	iowrite32(msg->address_hi, &slot->hi);
	idxd2022_flush(msg->data, &slot->data);
}

static inline void idxd2022_reset(struct idxd2022_slot __iomem *slot)
{
	iowrite32(0, &slot->lo);
	iowrite32(0, &slot->hi);
	iowrite32(0, &slot->data);
	idxd2022_flush(IDXD2022_MASKED, &slot->ctrl);
}

#endif /* _IMS_BENCH_GLUE_H */
