/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Interrupt Message Stores (IMS) of PCI devices
 *
 * Messages which are neither MSI nor MSI-X: in slots of a table in a BAR or in
 * memory, behind a command of the device, or at a peer which sends them.
 * Documentation/PCI/ims.rst says how a driver uses them.
 */
#ifndef _LINUX_PCI_IMS_H
#define _LINUX_PCI_IMS_H

#include <linux/bits.h>
#include <linux/io.h>
#include <linux/irq.h>
#include <linux/irqdomain.h>
#include <linux/module.h>
#include <linux/msi.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>

struct pci_dev;
struct pci_ims;

/**
 * struct pci_ims_msg - What a message behind a device command is to be
 * @index:	Its index in the store
 * @masked:	It must not be sent
 * @address_lo:	Message address, low half
 * @address_hi:	Message address, high half
 * @data:	Message data
 * @cookie:	What it was allocated with, pci_ims_info::nr_cookies values
 *
 * Address and data are 0 when nobody uses the message.
 */
struct pci_ims_msg {
	unsigned int	index;
	bool		masked;
	u32		address_lo;
	u32		address_hi;
	u32		data;
	const u32	*cookie;
};

/**
 * struct pci_ims_table - One of the tables that a store is split into
 * @offset:	Its offset in the BAR
 * @slots:	How many slots it has
 */
struct pci_ims_table {
	u32	offset;
	u32	slots;
};

/**
 * struct pci_ims_bits - An array of bits, one for each message, in 32-bit words
 * @bar:	The BAR it is in
 * @offset:	Its offset there
 * @present:	Whether there is such an array
 * @active_low:	A bit which is clear means that the message is masked
 * @big_endian:	The byte order of the words
 */
struct pci_ims_bits {
	u8	bar;
	u32	offset;
	bool	present;
	bool	active_low;
	bool	big_endian;
};

/**
 * struct pci_ims_select - The register which takes the index of the slot that shows
 * @offset:	Its offset in the BAR of the slots
 * @present:	Whether there is such a register: else all slots show at once
 * @big_endian:	The byte order of the register
 */
struct pci_ims_select {
	u32	offset;
	bool	present;
	bool	big_endian;
};

/**
 * struct pci_ims_info - What is known of a store when it is compiled
 * @name:	Name of the interrupt chip
 * @max:	Most messages it can have
 * @optional:	The device can do without the store
 * @isolated:	Interrupt remapping has to keep other functions from sending these
 *		messages, and this one from sending others
 * @cookie:	What messages carry along for whose users nothing else is said
 * @no_cookie:	They never carry anything else along: what a pool gives is for another
 *		store which it is over
 * @stride:	Bytes from one slot to the next; 0 where messages are in no slots
 * @align:	What the offset or the address of the slots is a multiple of
 * @address_bits: The bits that an address can have in a slot, 0 for all
 * @tables:	The tables that the slots are split into, NULL for one
 * @nr_tables:	Their number
 * @select:	The register which selects a slot, where they show one at a time
 * @mask_bits:	The mask bits, where they are not in the slots
 * @pending:	The bits of messages which wait for being unmasked
 * @is_pending:	Whether a message waits for that, where its slot says so
 * @write_ctrl:	Write the control word, where the driver has fields in it
 * @nr_registers: Registers of a slot which the driver writes
 * @write_register: Write one of them
 * @prepare:	Make a slot quiet which can hold anything
 * @irq_mask:	As in struct irq_chip; calls pci_ims_mask_parent()
 * @irq_unmask:	As in struct irq_chip; calls pci_ims_unmask_parent()
 * @irq_write_msi_msg: As in struct irq_chip; keeps the message in the descriptor
 * @irq_shutdown: As in struct irq_chip
 * @nr_cookies:	How many values a message behind a command carries along
 *
 * A store with slots has functions of its own for everything that happens to a
 * slot. Messages behind a command or at a peer need none.
 */
struct pci_ims_info {
	const char			*name;
	unsigned int			max;
	bool				optional;
	bool				isolated;
	bool				no_cookie;
	union msi_instance_cookie	cookie;

	unsigned int			stride;
	unsigned int			align;
	u64				address_bits;
	const struct pci_ims_table	*tables;
	unsigned int			nr_tables;
	struct pci_ims_select		select;
	struct pci_ims_bits		mask_bits;
	struct pci_ims_bits		pending;
	bool				(*is_pending)(struct msi_desc *desc);
	void				(*write_ctrl)(struct msi_desc *desc);
	unsigned int			nr_registers;
	void				(*write_register)(struct msi_desc *desc,
							  unsigned int which, u32 value);
	void				(*prepare)(struct pci_ims *ims, struct msi_desc *desc);
	void				(*irq_mask)(struct irq_data *data);
	void				(*irq_unmask)(struct irq_data *data);
	void				(*irq_write_msi_msg)(struct irq_data *data,
							     struct msi_msg *msg);
	void				(*irq_shutdown)(struct irq_data *data);

	unsigned int			nr_cookies;
};

/**
 * struct pci_ims_params - What only the driver knows of a store
 * @nr:		Messages it has, at most pci_ims_info::max
 * @bar:	The BAR with the slots, mapped
 * @bir:	Which BAR that is
 * @offset:	Offset of the slots in it, or of the window which shows one of them
 * @memory:	The slots, where they are in memory which the device fetches
 * @mask_bar:	The BAR with the mask bits, mapped
 * @pending_bar: The BAR with the pending bits, mapped
 * @command:	Puts a message into effect. May sleep, but must wait for no
 *		interrupt of this store. 0, or a negative errno
 * @changed:	Tells the peer a message. In atomic context, with a raw lock held:
 *		no spinlock_t with PREEMPT_RT
 *
 * One of @bar, @memory, @command and @changed says what kind of store it is.
 */
struct pci_ims_params {
	unsigned int	nr;
	void __iomem	*bar;
	unsigned int	bir;
	u32		offset;
	void		*memory;
	void __iomem	*mask_bar;
	void __iomem	*pending_bar;
	int		(*command)(struct pci_ims *ims, const struct pci_ims_msg *msg);
	void		(*changed)(struct pci_ims *ims, unsigned int index,
				   const struct msi_msg *msg);
};

struct pci_ims_shadow;

/**
 * struct pci_ims - A message store of a device
 * @pdev:	The device
 * @info:	What was known when it was compiled, NULL while it is not set up
 * @nr:		Its messages, 0 when it can't be used
 * @params:	What the driver said
 * @base:	The index of its first message in the domain, which the stores of a
 *		device share
 * @prev:	The store before it there, NULL for the first one
 * @last:	The last one
 * @name:	Name of @chip
 * @chip:	The chip of its interrupts: that of the domain, with the functions of
 *		the store
 * @window:	Where the slot shows whose index is in @selected
 * @selected:	The register which takes that index
 * @mask_words:	The mask bits on the device
 * @masks:	What they are
 * @reg_lock:	Protects registers which messages share: @window and @selected,
 *		@masks and @mask_words
 * @slot_lock:	Protects what the driver has in slots: its fields of control words,
 *		which are kept with all others in the message's instance cookie,
 *		and @registers. Taken outside of @reg_lock
 * @registers:	What the driver has written, pci_ims_info::nr_registers a message
 * @pending_words: The pending bits on the device
 * @shadow:	The messages behind a command
 * @cookies:	What they carry along
 * @lock:	Held by who changes messages behind a command, until the device
 *		has them
 * @dirty:	Messages which were masked where nobody could issue a command
 * @work:	Issues the command later
 * @failed:	Commands which failed
 * @gone:	The device does not answer, so it is told nothing
 * @restoring:	All messages are to be told again, changed or not
 */
struct pci_ims {
	struct pci_dev			*pdev;
	const struct pci_ims_info	*info;
	unsigned int			nr;
	struct pci_ims_params		params;

	unsigned int			base;
	struct pci_ims			*prev;
	struct pci_ims			*last;
	char				*name;
	struct irq_chip			chip;

	void __iomem			*window;
	void __iomem			*selected;
	void __iomem			*mask_words;
	u32				*masks;
	/* One slot shows at a time, and words are written as a whole */
	raw_spinlock_t			reg_lock;
	/* What the driver and the interrupt chip change is written as a whole */
	raw_spinlock_t			slot_lock;
	u32				*registers;
	void __iomem			*pending_words;

	struct pci_ims_shadow		*shadow;
	u32				*cookies;
	/* Serializes device commands */
	struct mutex			lock;
	unsigned long			*dirty;
	struct work_struct		work;
	unsigned long			failed;
	bool				gone;
	bool				restoring;
};

/**
 * struct pci_ims_setup - One of the stores of a device, for pci_ims_init_all()
 * @ims:	As for pci_ims_init()
 * @info:	As there
 * @params:	As there
 */
struct pci_ims_setup {
	struct pci_ims			*ims;
	const struct pci_ims_info	*info;
	const struct pci_ims_params	*params;
};

int pci_ims_init(struct pci_ims *ims, struct pci_dev *pdev, const struct pci_ims_info *info,
		 const struct pci_ims_params *params);
int pci_ims_init_all(struct pci_dev *pdev, const struct pci_ims_setup *setups, unsigned int nr);
void pci_ims_exit(struct pci_ims *ims);
void pci_ims_shutdown(struct pci_ims *ims);
void pci_ims_restore(struct pci_ims *ims);

struct msi_map pci_ims_alloc(struct pci_ims *ims, unsigned int index,
			     union msi_instance_cookie cookie,
			     const struct irq_affinity_desc *affdesc);
void pci_ims_free(struct pci_ims *ims, struct msi_map map);
int pci_ims_special(struct pci_ims *ims, unsigned int index, unsigned int *irq);
int pci_ims_error(const struct pci_ims *ims, unsigned int index);
void pci_ims_change_ctrl(struct pci_ims *ims, struct msi_desc *desc, u64 bits, u64 value);
int pci_ims_set_field(struct pci_ims *ims, unsigned int irq, unsigned int shift,
		      unsigned int width, u32 value);
int pci_ims_set_register(struct pci_ims *ims, unsigned int irq, unsigned int which,
			 unsigned int width, u32 value);
bool pci_ims_is_pending(const struct pci_ims *ims, unsigned int index);

/**
 * pci_ims_of - The store of an interrupt
 * @data:	The interrupt, of a domain of pci_ims_init()
 *
 * Context: Any.
 *
 * Return: The store
 */
static inline struct pci_ims *pci_ims_of(struct irq_data *data)
{
	return irq_data_get_irq_chip_data(data);
}

/**
 * pci_ims_mask_parent - Mask further up where the parent asks for that
 * @data:	The interrupt
 *
 * Context: Any.
 */
static inline void pci_ims_mask_parent(struct irq_data *data)
{
	struct msi_domain_info *info = data->domain->host_data;

	if (unlikely(info->flags & MSI_FLAG_PCI_MSI_MASK_PARENT))
		irq_chip_mask_parent(data);
}

/**
 * pci_ims_unmask_parent - Unmask further up where the parent asks for that
 * @data:	The interrupt
 *
 * Context: Any.
 */
static inline void pci_ims_unmask_parent(struct irq_data *data)
{
	struct msi_domain_info *info = data->domain->host_data;

	if (unlikely(info->flags & MSI_FLAG_PCI_MSI_MASK_PARENT))
		irq_chip_unmask_parent(data);
}

static __always_inline void pci_ims_write_word(u32 value, void __iomem *word, bool big_endian)
{
	if (big_endian)
		iowrite32be(value, word);
	else
		writel(value, word);
}

static __always_inline u32 pci_ims_read_word(void __iomem *word, bool big_endian)
{
	return big_endian ? ioread32be(word) : readl(word);
}

/**
 * pci_ims_set_mask - Change the mask bit of a message in an array of them
 * @ims:	The store
 * @hwirq:	Index of the message in the domain
 * @set:	What the bit is to be, a constant
 * @big_endian:	The byte order of the words, a constant
 *
 * Context: Any. Takes pci_ims::reg_lock.
 */
static __always_inline void pci_ims_set_mask(struct pci_ims *ims, unsigned int hwirq,
					     bool set, bool big_endian)
{
	unsigned int index = hwirq - ims->base;
	void __iomem *word = ims->mask_words + index / 32 * sizeof(u32);
	u32 *mask = &ims->masks[index / 32], bit = BIT(index % 32);
	unsigned long flags;

	raw_spin_lock_irqsave(&ims->reg_lock, flags);
	if (set)
		*mask |= bit;
	else
		*mask &= ~bit;
	pci_ims_write_word(*mask, word, big_endian);
	/* The device acts on it once this read has returned */
	pci_ims_read_word(word, big_endian);
	raw_spin_unlock_irqrestore(&ims->reg_lock, flags);
}

static inline void __iomem *pci_ims_slot_iobase(const struct msi_desc *desc)
{
	return desc->data.dcookie.iobase;
}

static inline void *pci_ims_slot_ptr(const struct msi_desc *desc)
{
	return desc->data.dcookie.ptr;
}

static inline struct msi_desc *pci_ims_slot_window(struct msi_desc *desc)
{
	return desc;
}

/**
 * pci_ims_select - Have the slot of a message show
 * @desc:	The message, of a store with a select register
 * @flags:	What pci_ims_deselect() needs
 *
 * What the register held is not relied on: a reset loses it.
 *
 * Context: Any. Takes pci_ims::reg_lock.
 *
 * Return: Where the slot shows until pci_ims_deselect()
 */
static inline void __iomem *pci_ims_select(struct msi_desc *desc, unsigned long *flags)
	__acquires(reg_lock)
{
	struct pci_ims *ims = desc->data.dcookie.ptr;

	raw_spin_lock_irqsave(&ims->reg_lock, *flags);
	pci_ims_write_word(desc->msi_index - ims->base, ims->selected,
			   ims->info->select.big_endian);
	return ims->window;
}

/**
 * pci_ims_deselect - Another slot may show
 * @desc:	The message, after the last read of its slot
 * @flags:	What pci_ims_select() stored
 *
 * Context: Any. Releases pci_ims::reg_lock.
 */
static inline void pci_ims_deselect(struct msi_desc *desc, unsigned long flags)
	__releases(reg_lock)
{
	struct pci_ims *ims = desc->data.dcookie.ptr;

	raw_spin_unlock_irqrestore(&ims->reg_lock, flags);
}

/**
 * PCI_IMS_SLOT_CHIP - Define what the interrupt chip of a store with slots calls
 * @fn:		What the names of the functions begin with
 * @where:	What leads to the slot: iobase or ptr of &union msi_domain_cookie, or
 *		window for slots which pci_ims_select() has show
 *
 * The functions are made of those which touch a slot: @fn_mask(slot, ctrl),
 * @fn_unmask(slot, ctrl) and @fn_reset(slot). With @ctrl, the control word of the
 * unmasked message, no control word is ever read back from the device. Slots in a
 * window are given as the &struct msi_desc of their message. One of
 * PCI_IMS_SLOT_WRITE() and PCI_IMS_SLOT_WRITE_LIVE() is needed as well.
 */
#define PCI_IMS_SLOT_CHIP(fn, where)						\
static void fn##_irq_mask(struct irq_data *data)				\
{										\
	struct msi_desc *desc = irq_data_get_msi_desc(data);			\
										\
	fn##_mask(pci_ims_slot_##where(desc), desc->data.icookie.value);		\
	pci_ims_mask_parent(data);						\
}										\
										\
static void fn##_irq_unmask(struct irq_data *data)				\
{										\
	struct msi_desc *desc = irq_data_get_msi_desc(data);			\
										\
	pci_ims_unmask_parent(data);						\
	fn##_unmask(pci_ims_slot_##where(desc), desc->data.icookie.value);	\
}										\
										\
static void fn##_irq_shutdown(struct irq_data *data)				\
{										\
	fn##_reset(pci_ims_slot_##where(irq_data_get_msi_desc(data)));		\
	pci_ims_mask_parent(data);						\
}										\
										\
static void fn##_prepare(struct pci_ims *ims, struct msi_desc *desc)		\
{										\
	fn##_mask(pci_ims_slot_##where(desc), desc->data.icookie.value);		\
}

/**
 * PCI_IMS_SLOT_WRITE - Define how the chip writes a message which nobody rewrites
 * @fn:		As for PCI_IMS_SLOT_CHIP(), with @fn_write(slot, msg)
 * @where:	As there
 */
#define PCI_IMS_SLOT_WRITE(fn, where)						\
static void fn##_irq_write_msi_msg(struct irq_data *data, struct msi_msg *msg)	\
{										\
	struct msi_desc *desc = irq_data_get_msi_desc(data);			\
										\
	desc->msg = *msg;							\
	fn##_write(pci_ims_slot_##where(desc), msg);				\
}

/**
 * PCI_IMS_SLOT_WRITE_LIVE - Define how the chip writes a message, in use as well
 * @fn:		As for PCI_IMS_SLOT_CHIP(), with @fn_write(slot, msg) and
 *		@fn_write_live(slot, ctrl, msg)
 * @where:	As there
 *
 * For parents which change the message together with the affinity. They do that
 * while the device sleeps, too: it gets the message later.
 */
#define PCI_IMS_SLOT_WRITE_LIVE(fn, where)					\
static void fn##_irq_write_msi_msg(struct irq_data *data, struct msi_msg *msg)	\
{										\
	struct msi_desc *desc = irq_data_get_msi_desc(data);			\
										\
	desc->msg = *msg;							\
	if (to_pci_dev(desc->dev)->current_state != PCI_D0)			\
		return;								\
										\
	if (irqd_irq_masked(data))						\
		fn##_write(pci_ims_slot_##where(desc), msg);			\
	else									\
		fn##_write_live(pci_ims_slot_##where(desc),			\
				desc->data.icookie.value, msg);			\
}

/**
 * PCI_IMS_SLOT_OPS - Initialisers of struct pci_ims_info for these functions
 * @fn:		As for PCI_IMS_SLOT_CHIP()
 */
#define PCI_IMS_SLOT_OPS(fn)							\
	.prepare		= fn##_prepare,					\
	.irq_mask		= fn##_irq_mask,				\
	.irq_unmask		= fn##_irq_unmask,				\
	.irq_write_msi_msg	= fn##_irq_write_msi_msg,			\
	.irq_shutdown		= fn##_irq_shutdown

MODULE_IMPORT_NS(PCI_IMS);

#endif /* _LINUX_PCI_IMS_H */
