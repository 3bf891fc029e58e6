/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the KUnit suites of devices with a message store share
 *
 * A suite describes each register of a slot as the datasheet does. What is here
 * allocates messages, has the interrupt chip write, mask and restore them, and
 * compares each byte of the device with what has to be there.
 */
#ifndef _KUNIT_IMS_LAYOUT_H
#define _KUNIT_IMS_LAYOUT_H

#include <kunit/irq_layout.h>

#include <linux/msi.h>
#include <linux/pci_ims.h>
#include <linux/types.h>

/**
 * enum ims_layout_kind - Where messages are
 * @IMS_LAYOUT_BAR:	In slots of a BAR
 * @IMS_LAYOUT_MEMORY:	In slots in memory, which the device fetches
 * @IMS_LAYOUT_COMMAND:	Behind a device command
 * @IMS_LAYOUT_PEER:	At a peer, which is told
 */
enum ims_layout_kind {
	IMS_LAYOUT_BAR,
	IMS_LAYOUT_MEMORY,
	IMS_LAYOUT_COMMAND,
	IMS_LAYOUT_PEER,
};

/**
 * struct ims_layout_register - A register
 * @offset:	Its offset in bytes: in the slot, or in the BAR
 * @size:	Its size in bytes, 0 when there is no such register
 */
struct ims_layout_register {
	unsigned int	offset;
	unsigned int	size;
};

/**
 * struct ims_layout_table - One of the tables that the slots are in
 * @offset:	Its offset in bytes
 * @slots:	How many slots it has
 */
struct ims_layout_table {
	unsigned int	offset;
	unsigned int	slots;
};

/**
 * struct ims_layout_bits - An array with one bit for each message
 * @there:	Whether there is one
 * @low:	A bit which is clear means that the message is masked
 * @offset:	Its offset in bytes
 */
struct ims_layout_bits {
	bool		there;
	bool		low;
	unsigned int	offset;
};

/**
 * struct ims_layout_driven - What the driver sets in a slot
 * @name:	Its name in the layout
 * @where:	The register it is in
 * @shift:	Its lowest bit there
 * @width:	How many bits it has
 * @set:	Sets it for an interrupt
 */
struct ims_layout_driven {
	const char			*name;
	struct ims_layout_register	where;
	unsigned int			shift;
	unsigned int			width;
	int	(*set)(void *irqs, unsigned int irq, u32 value);
};

/**
 * struct ims_layout - A message store as the datasheet has it
 * @store:	Its name, and how its messages are sent
 * @device:	The device
 * @ims:	Offset of the store in what the driver has of its interrupts
 * @number:	Its place among the stores of the device which a driver passes something of
 * @kind:	Where the messages are
 * @max:	How many there can be
 * @asks_slots:	The driver passes their number
 * @asks_bir:	It passes which BAR they are in
 * @asks_offset: It passes where they are
 * @optional:	The device can do without the store
 * @others:	But not without another one of its stores
 * @isolated:	Nobody else may be able to send the messages
 * @big_endian:	Byte order of all registers
 * @stride:	Bytes from one slot to the next
 * @tables:	Where the slots are
 * @nr_tables:	In how many pieces
 * @address_lo:	Low half of the message address
 * @address_hi:	High half
 * @data:	Message data
 * @control:	Control word
 * @address_bits: The bits that an address can have, 0 for all
 * @fixed:	What a control word always has
 * @mask:	The bit of the control word which masks
 * @mask_low:	It masks when it is clear
 * @pending_bit: The bit of the control word which is set for a message which waits
 * @driven:	What the driver sets in slots: fields of the control word, then registers
 * @nr_driven:	How much that is
 * @mask_bits:	The mask bits where they are not in the control words
 * @pending:	The pending bits
 * @select:	The register which takes the index, where slots show one at a time
 *
 * Offsets are those in ims_fake::mem.
 */
struct ims_layout {
	struct irq_layout_store		store;
	const struct irq_layout_device	*device;
	size_t				ims;
	unsigned int			number;
	enum ims_layout_kind		kind;
	unsigned int			max;
	bool				asks_slots;
	bool				asks_bir;
	bool				asks_offset;
	bool				optional;
	bool				others;
	bool				isolated;
	bool				big_endian;
	unsigned int			stride;
	const struct ims_layout_table	*tables;
	unsigned int			nr_tables;
	struct ims_layout_register	address_lo;
	struct ims_layout_register	address_hi;
	struct ims_layout_register	data;
	struct ims_layout_register	control;
	u64				address_bits;
	u64				fixed;
	u64				mask;
	bool				mask_low;
	u64				pending_bit;
	const struct ims_layout_driven	*driven;
	unsigned int			nr_driven;
	struct ims_layout_bits		mask_bits;
	struct ims_layout_bits		pending;
	struct ims_layout_register	select;
};

/**
 * struct ims_layout_case - One thing to look at, of every message store
 * @name:	Its name
 * @run:	Looks
 */
struct ims_layout_case {
	const char	*name;
	void		(*run)(struct kunit *test, const struct ims_layout *layout);
};

#define IMS_LAYOUT_CASES	11
extern const struct ims_layout_case ims_layout_cases[IMS_LAYOUT_CASES];

void ims_layout_check(struct kunit *test, const struct ims_layout *layout);
int ims_layout_fire(struct kunit *test, const struct irq_layout_store *store,
		    unsigned int index);
void ims_layout_carries(struct kunit *test, const struct irq_layout_store *store,
			unsigned int index, const void *cookie);
int ims_layout_command(struct pci_ims *ims, const struct pci_ims_msg *msg);
void ims_layout_changed(struct pci_ims *ims, unsigned int index, const struct msi_msg *msg);

#endif /* _KUNIT_IMS_LAYOUT_H */
