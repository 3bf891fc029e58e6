/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the KUnit suites of platform devices share: each message is in the registers
 * where the datasheet has it
 */
#ifndef _KUNIT_MSI_LAYOUT_H
#define _KUNIT_MSI_LAYOUT_H

#include <kunit/irq_layout.h>

#include <linux/types.h>

struct device;
struct kunit;
struct msi_msg;
struct platform_device;

/**
 * struct msi_layout_register - A register of a slot
 * @offset:	Its offset in the slot
 * @size:	Its size in bytes, 0 for none
 */
struct msi_layout_register {
	unsigned int	offset;
	unsigned int	size;
};

/**
 * struct msi_layout_table - Slots which follow each other
 * @offset:	Where the first one is
 * @slots:	How many they are
 */
struct msi_layout_table {
	u32		offset;
	unsigned int	slots;
};

/**
 * struct msi_layout - The messages of a platform device
 * @store:	What all stores have
 * @device:	The device
 * @nr:		How many messages are allocated
 * @passed:	They are passed on, by msi_layout_pass(), and in no registers
 * @big_endian:	Byte order of the registers
 * @stride:	From one slot to the next, in bytes
 * @tables:	Where the slots are
 * @nr_tables:	In how many pieces
 * @address_lo:	Low half of the address
 * @address_hi:	High half of it
 * @data:	The message data; of no size where it is the index, and one slot is that of all
 * @control:	The control word
 * @address_bits: Bits of an address that the device keeps, 0 for all
 * @fixed:	What is always set in the control word
 * @mask:	What masks the message there, 0 when nothing does
 * @mask_low:	It masks while it is cleared
 */
struct msi_layout {
	struct irq_layout_store		store;
	const struct irq_layout_device	*device;
	unsigned int			nr;
	bool				passed;
	bool				big_endian;
	unsigned int			stride;
	const struct msi_layout_table	*tables;
	unsigned int			nr_tables;
	struct msi_layout_register	address_lo;
	struct msi_layout_register	address_hi;
	struct msi_layout_register	data;
	struct msi_layout_register	control;
	u64				address_bits;
	u64				fixed;
	u64				mask;
	bool				mask_low;
};

/**
 * struct msi_layout_case - One thing to look at, of every such device
 * @name:	Its name
 * @run:	Looks
 */
struct msi_layout_case {
	const char	*name;
	void		(*run)(struct kunit *test, const struct msi_layout *layout);
};

#define MSI_LAYOUT_CASES	9
extern const struct msi_layout_case msi_layout_cases[MSI_LAYOUT_CASES];

void msi_layout_check_vector(struct kunit *test, const struct irq_layout_device *device);
void msi_layout_check(struct kunit *test, const struct msi_layout *layout);
struct platform_device *msi_layout_pdev(struct ims_fake *fake);
int msi_layout_fire(struct kunit *test, const struct irq_layout_store *store, unsigned int index);
void msi_layout_pass(struct device *dev, unsigned int index, const struct msi_msg *msg);
void msi_layout_exit(struct kunit *test);

#endif /* _KUNIT_MSI_LAYOUT_H */
