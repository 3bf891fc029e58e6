// SPDX-License-Identifier: GPL-2.0
/*
 * Interrupt Message Stores (IMS) of PCI devices
 *
 * The domain coexists with the one of MSI or MSI-X, and all other stores of the
 * device share it: each has a range of its indexes, and a chip of its own. What
 * happens to a slot is in the driver, made for its layout; what all stores have in
 * common is here.
 */
#include <linux/align.h>
#include <linux/bitmap.h>
#include <linux/bits.h>
#include <linux/dev_printk.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irqdomain.h>
#include <linux/lockdep.h>
#include <linux/math.h>
#include <linux/msi.h>
#include <linux/mutex.h>
#include <linux/nospec.h>
#include <linux/pci.h>
#include <linux/pci_ims.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/sprintf.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "msi.h"

/**
 * struct pci_ims_shadow - A message behind a command
 * @msg:	What it is to be
 * @sent:	What the device was told last
 * @error:	Why it does not know @msg
 * @claimed:	Somebody has it
 * @data:	Its interrupt while that is in use
 */
struct pci_ims_shadow {
	struct pci_ims_msg	msg;
	struct pci_ims_msg	sent;
	int			error;
	bool			claimed;
	struct irq_data		*data;
};

/* The index of an interrupt in its store */
static unsigned int pci_ims_index(struct irq_data *data)
{
	return data->hwirq - pci_ims_of(data)->base;
}

/* --- Messages behind a command ----------------------------------------------- */

/*
 * Nobody who could do anything about a command which fails is told by the
 * interrupt core. So note it, and try again when the message is touched next. A
 * device which is gone is asked once to find that out, and never again.
 */
static void pci_ims_send(struct pci_ims *ims, struct pci_ims_shadow *shadow)
{
	int ret = -ENODEV;

	lockdep_assert_held(&ims->lock);

	if (!ims->gone && !pci_dev_is_disconnected(ims->pdev)) {
		ret = ims->params.command(ims, &shadow->msg);
		/* A status of the device is no errno, and must not pass for an index */
		if (ret > 0)
			ret = -EIO;
		if (ret) {
			ims->failed++;
			dev_err_ratelimited(&ims->pdev->dev, "message %u: command failed: %d\n",
					    shadow->msg.index, ret);
			ims->gone = !pci_device_is_present(ims->pdev);
		}
	}
	WRITE_ONCE(shadow->error, ret);
	if (!ret)
		shadow->sent = shadow->msg;
}

static bool pci_ims_changed(const struct pci_ims_msg *a, const struct pci_ims_msg *b)
{
	return a->address_lo != b->address_lo || a->address_hi != b->address_hi ||
	       a->data != b->data || a->masked != b->masked;
}

static void pci_ims_sync(struct pci_ims *ims, struct pci_ims_shadow *shadow, bool masked)
{
	shadow->msg.masked = masked;
	if (shadow->error || pci_ims_changed(&shadow->msg, &shadow->sent))
		pci_ims_send(ims, shadow);
}

static void pci_ims_irq_bus_lock(struct irq_data *data)
{
	mutex_lock(&pci_ims_of(data)->lock);
}

static void pci_ims_irq_bus_sync_unlock(struct irq_data *data)
{
	struct pci_ims *ims = pci_ims_of(data);
	unsigned int index = pci_ims_index(data);
	bool masked;

	/*
	 * What the flow handler masks and unmasks while it runs does not count:
	 * it can't wait for a command. Whoever disables and enables can.
	 */
	masked = irqd_irq_disabled(data) && irqd_irq_masked(data);
	/* It is told here, so there is nothing left for the work */
	if (masked)
		clear_bit(index, ims->dirty);
	pci_ims_sync(ims, &ims->shadow[index], masked);
	mutex_unlock(&ims->lock);
}

/*
 * The state of the interrupt is looked at when the bus lock is dropped. Only when
 * the interrupt core has disabled an interrupt by itself, which it does when
 * nobody handles it, is there no bus lock.
 */
static void pci_ims_command_mask(struct irq_data *data)
{
	struct pci_ims *ims = pci_ims_of(data);

	pci_ims_mask_parent(data);
	if (irqd_irq_disabled(data)) {
		set_bit(pci_ims_index(data), ims->dirty);
		schedule_work(&ims->work);
	}
}

static void pci_ims_command_unmask(struct irq_data *data)
{
	pci_ims_unmask_parent(data);
}

static void pci_ims_work(struct work_struct *work)
{
	struct pci_ims *ims = container_of(work, struct pci_ims, work);
	struct pci_ims_shadow *shadow;
	unsigned int i;

	for_each_set_bit(i, ims->dirty, ims->nr) {
		shadow = &ims->shadow[i];
		mutex_lock(&ims->lock);
		/* That it is masked may be noted only after this has been scheduled */
		if (test_and_clear_bit(i, ims->dirty) && shadow->data)
			pci_ims_sync(ims, shadow, irqd_irq_disabled(shadow->data));
		mutex_unlock(&ims->lock);
	}
}

static void pci_ims_command_write(struct irq_data *data, struct msi_msg *msg)
{
	struct pci_ims *ims = pci_ims_of(data);
	struct pci_ims_shadow *shadow = &ims->shadow[pci_ims_index(data)];

	/* No command would follow. Parents which isolate messages don't do that */
	lockdep_assert_held(&ims->lock);

	irq_data_get_msi_desc(data)->msg = *msg;
	shadow->data = data;
	shadow->msg.address_lo = msg->address_lo;
	shadow->msg.address_hi = msg->address_hi;
	shadow->msg.data = msg->data;
}

static void pci_ims_command_shutdown(struct irq_data *data)
{
	struct msi_msg none = { };

	pci_ims_command_write(data, &none);
	pci_ims_mask_parent(data);
}

/*
 * Have a message ready for allocation. When the device was not told that its
 * last owner has left, it must be before anybody else gets it.
 */
static int pci_ims_claim(struct pci_ims *ims, unsigned int index, const u32 *cookie)
{
	struct pci_ims_shadow *shadow = &ims->shadow[index];
	u32 *cookies = ims->cookies + index * ims->info->nr_cookies;
	int ret;

	mutex_lock(&ims->lock);
	if (shadow->error && !shadow->claimed)
		pci_ims_send(ims, shadow);
	ret = shadow->claimed ? -EBUSY : shadow->error;
	if (!ret) {
		if (cookie)
			memcpy(cookies, cookie, ims->info->nr_cookies * sizeof(u32));
		else
			memset32(cookies, U32_MAX, ims->info->nr_cookies);
		shadow->msg = (struct pci_ims_msg) {
			.index = index,
			.masked = true,
			.cookie = cookies,
		};
		shadow->sent = shadow->msg;
		shadow->claimed = true;
	}
	mutex_unlock(&ims->lock);

	return ret;
}

/* The interrupt of a message goes away: nobody looks at it later */
static void pci_ims_disclaim(struct pci_ims *ims, unsigned int index)
{
	mutex_lock(&ims->lock);
	ims->shadow[index].data = NULL;
	ims->shadow[index].claimed = false;
	mutex_unlock(&ims->lock);
}

static void pci_ims_command_restore(struct pci_ims *ims)
{
	struct pci_ims_shadow *shadow;
	unsigned int i;

	mutex_lock(&ims->lock);
	/* It may have come back */
	ims->gone = false;
	for (i = 0; i < ims->nr; i++) {
		shadow = &ims->shadow[i];
		if (shadow->msg.data || shadow->msg.address_lo || shadow->error)
			pci_ims_send(ims, shadow);
	}
	mutex_unlock(&ims->lock);
}

static int pci_ims_command_init(struct pci_ims *ims)
{
	ims->shadow = kvcalloc(ims->nr, sizeof(*ims->shadow), GFP_KERNEL);
	ims->cookies = kvcalloc(ims->nr, ims->info->nr_cookies * sizeof(u32), GFP_KERNEL);
	ims->dirty = bitmap_zalloc(ims->nr, GFP_KERNEL);
	if (!ims->shadow || !ims->cookies || !ims->dirty)
		return -ENOMEM;

	mutex_init(&ims->lock);
	INIT_WORK(&ims->work, pci_ims_work);
	return 0;
}

/* --- Messages which a peer sends --------------------------------------------- */

/*
 * The peer can't be kept from sending, but remapping keeps it from sending
 * anything else. What arrives while masked stays pending in the descriptor.
 */
static void pci_ims_peer_mask(struct irq_data *data)
{
	pci_ims_mask_parent(data);
}

static void pci_ims_peer_unmask(struct irq_data *data)
{
	pci_ims_unmask_parent(data);
}

static void pci_ims_peer_write(struct irq_data *data, struct msi_msg *msg)
{
	struct pci_ims *ims = pci_ims_of(data);
	struct msi_msg *old = &irq_data_get_msi_desc(data)->msg;
	bool same = old->address_lo == msg->address_lo && old->address_hi == msg->address_hi &&
		    old->data == msg->data;

	/* After a reset the peer may have forgotten what it was told */
	if (same && !(READ_ONCE(ims->restoring) && (msg->address_lo || msg->data)))
		return;

	*old = *msg;
	ims->params.changed(ims, pci_ims_index(data), msg);
}

static void pci_ims_peer_shutdown(struct irq_data *data)
{
	struct msi_msg none = { };

	pci_ims_peer_write(data, &none);
	pci_ims_mask_parent(data);
}

/* --- The domain -------------------------------------------------------------- */

/* The store with an index of the domain */
static struct pci_ims *pci_ims_at(struct pci_ims *last, unsigned int index)
{
	while (index < last->base)
		last = last->prev;
	return last;
}

/* The slot of a message, or the store which has it show */
static void *pci_ims_slot(struct pci_ims *ims, unsigned int index)
{
	const struct pci_ims_table *table = ims->info->tables;
	u32 offset = ims->params.offset;

	if (ims->params.memory)
		return ims->params.memory + index * ims->info->stride;
	if (ims->window)
		return ims;

	if (table) {
		for (; index >= table->slots; table++)
			index -= table->slots;
		offset = table->offset;
	}
	return (__force void *)ims->params.bar + offset + index * ims->info->stride;
}

/*
 * A device which sleeps gets what it misses when it is restored. When devres runs
 * the core has forgotten the state of one which is up.
 */
static bool pci_ims_awake(const struct pci_ims *ims)
{
	pci_power_t state = ims->pdev->current_state;

	return ims->params.memory || state == PCI_D0 || state == PCI_UNKNOWN;
}

/* What the driver has written into the slot of a message */
static u32 *pci_ims_registers(struct pci_ims *ims, const struct msi_desc *desc)
{
	return ims->registers + (desc->msi_index - ims->base) * ims->info->nr_registers;
}

/* Whatever the slot held, it must not be sent */
static void pci_ims_prepare(struct pci_ims *ims, struct msi_desc *desc)
{
	const struct pci_ims_info *info = ims->info;
	unsigned long flags;
	unsigned int i;

	info->prepare(ims, desc);
	if (!pci_ims_awake(ims))
		return;
	for (i = 0; i < info->nr_registers; i++) {
		raw_spin_lock_irqsave(&ims->slot_lock, flags);
		info->write_register(desc, i, pci_ims_registers(ims, desc)[i]);
		raw_spin_unlock_irqrestore(&ims->slot_lock, flags);
	}
}

static void pci_ims_prepare_desc(struct irq_domain *domain, msi_alloc_info_t *arg,
				 struct msi_desc *desc)
{
	struct msi_domain_info *info = domain->host_data;
	struct pci_ims *ims = pci_ims_at(info->data, desc->msi_index);

	arg->hwirq = desc->msi_index;
	if (!ims->info->stride)
		return;

	desc->data.dcookie.ptr = pci_ims_slot(ims, desc->msi_index - ims->base);
	if (ims->registers)
		memset32(pci_ims_registers(ims, desc), 0, ims->info->nr_registers);
	pci_ims_prepare(ims, desc);
}

/**
 * pci_ims_is_pending - Whether the device waits to send a message
 * @ims:	The store, with an array of pending bits
 * @index:	Index of the message
 *
 * Context: Any.
 *
 * Return: True when there was an event while the message was masked
 */
bool pci_ims_is_pending(const struct pci_ims *ims, unsigned int index)
{
	void __iomem *word = ims->pending_words + index / 32 * sizeof(u32);

	return pci_ims_read_word(word, ims->info->pending.big_endian) & BIT(index % 32);
}
EXPORT_SYMBOL_NS_GPL(pci_ims_is_pending, PCI_IMS);

static int pci_ims_get_irqchip_state(struct irq_data *data, enum irqchip_irq_state which,
				     bool *state)
{
	struct pci_ims *ims = pci_ims_of(data);

	/* Of other states the device knows nothing */
	if (which != IRQCHIP_STATE_PENDING || !pci_ims_awake(ims))
		*state = false;
	else if (ims->info->is_pending)
		*state = ims->info->is_pending(irq_data_get_msi_desc(data));
	else
		*state = pci_ims_is_pending(ims, pci_ims_index(data));
	if (*state)
		return 0;
	/* What has left the device can still be pending further up */
	return irq_chip_get_parent_state(data, which, state);
}

static bool pci_ims_holds(const struct pci_ims *ims, const struct msi_msg *msg)
{
	u64 address = (u64)msg->address_hi << 32 | msg->address_lo;

	return !ims->info->address_bits || !(address & ~ims->info->address_bits);
}

/*
 * An interrupt can be moved to where the device can't send it. A part of the
 * address would be that of something else.
 */
static void pci_ims_narrow_write(struct irq_data *data, struct msi_msg *msg)
{
	struct pci_ims *ims = pci_ims_of(data);
	bool holds = pci_ims_holds(ims, msg);

	/* An empty message of who is masked opens nothing */
	if (holds && (msg->address_lo || msg->address_hi || irqd_irq_masked(data))) {
		ims->info->irq_write_msi_msg(data, msg);
		return;
	}

	if (!holds)
		dev_err_ratelimited(&ims->pdev->dev, "message %u: the address has too many bits\n",
				    pci_ims_index(data));
	irq_data_get_msi_desc(data)->msg = (struct msi_msg) { };
	if (!pci_ims_awake(ims))
		return;
	/* Empty until there is another message, and only the slot masked: open the parent again */
	ims->info->irq_shutdown(data);
	if (!irqd_irq_masked(data))
		pci_ims_unmask_parent(data);
}

/* A slot which was left empty stays masked, whoever enables its interrupt */
static void pci_ims_narrow_unmask(struct irq_data *data)
{
	const struct msi_msg *msg = &irq_data_get_msi_desc(data)->msg;

	if (msg->address_lo || msg->address_hi)
		pci_ims_of(data)->info->irq_unmask(data);
	else
		pci_ims_unmask_parent(data);
}

/* What interrupts of a store do, on top of what the parent has made of the domain's chip */
static void pci_ims_make_chip(struct pci_ims *ims, const struct irq_chip *domain)
{
	const struct pci_ims_info *info = ims->info;
	struct irq_chip *chip = &ims->chip;

	*chip = *domain;
	chip->name = ims->name;
	if (info->pending.present || info->is_pending)
		chip->irq_get_irqchip_state = pci_ims_get_irqchip_state;
	if (ims->params.command) {
		chip->irq_bus_lock = pci_ims_irq_bus_lock;
		chip->irq_bus_sync_unlock = pci_ims_irq_bus_sync_unlock;
		chip->irq_mask = pci_ims_command_mask;
		chip->irq_unmask = pci_ims_command_unmask;
		chip->irq_write_msi_msg = pci_ims_command_write;
		chip->irq_shutdown = pci_ims_command_shutdown;
	} else if (ims->params.changed) {
		chip->irq_mask = pci_ims_peer_mask;
		chip->irq_unmask = pci_ims_peer_unmask;
		chip->irq_write_msi_msg = pci_ims_peer_write;
		chip->irq_shutdown = pci_ims_peer_shutdown;
	} else {
		chip->irq_mask = info->irq_mask;
		chip->irq_unmask = info->irq_unmask;
		chip->irq_write_msi_msg = info->irq_write_msi_msg;
		if (info->address_bits) {
			chip->irq_unmask = pci_ims_narrow_unmask;
			chip->irq_write_msi_msg = pci_ims_narrow_write;
		}
		chip->irq_shutdown = info->irq_shutdown;
	}
}

/* As that of the MSI core, but with the chip of the store. Descriptors are locked */
static int pci_ims_msi_init(struct irq_domain *domain, struct msi_domain_info *info,
			    unsigned int virq, irq_hw_number_t hwirq, msi_alloc_info_t *arg)
{
	struct pci_ims *ims = pci_ims_at(info->data, hwirq);

	if (!ims->chip.name)
		pci_ims_make_chip(ims, info->chip);
	irq_domain_set_hwirq_and_chip(domain, virq, hwirq, &ims->chip, ims);
	if (info->handler && info->handler_name) {
		__irq_set_handler(virq, info->handler, 0, info->handler_name);
		if (info->handler_data)
			irq_set_handler_data(virq, info->handler_data);
	}
	return 0;
}

/* Parents refuse a domain without one. Each interrupt has the chip of its store */
static void pci_ims_write_msi_msg(struct irq_data *data, struct msi_msg *msg)
{
	pci_ims_of(data)->chip.irq_write_msi_msg(data, msg);
}

/* The domain of all stores up to the last one */
static int pci_ims_create_domain(struct pci_ims *last)
{
	struct msi_domain_template template = {
		.chip = {
			.name			= last->info->name,
			.irq_mask		= pci_ims_mask_parent,
			.irq_unmask		= pci_ims_unmask_parent,
			.irq_write_msi_msg	= pci_ims_write_msi_msg,
			.flags			= IRQCHIP_ONESHOT_SAFE,
		},

		.ops = {
			.msi_init		= pci_ims_msi_init,
			.prepare_desc		= pci_ims_prepare_desc,
		},

		.info = {
			.flags			= MSI_FLAG_ALLOC_SIMPLE_MSI_DESCS |
						  MSI_FLAG_FREE_MSI_DESCS |
						  MSI_FLAG_PCI_IMS,
			.bus_token		= DOMAIN_BUS_PCI_DEVICE_IMS,
		},
	};
	struct device *dev = &last->pdev->dev;
	int ret;

	ret = msi_setup_device_data(dev);
	if (ret)
		return ret;

	if (msi_match_device_irq_domain(dev, MSI_SECONDARY_DOMAIN, DOMAIN_BUS_PCI_DEVICE_IMS))
		return -EBUSY;

	return msi_create_device_irq_domain(dev, MSI_SECONDARY_DOMAIN, &template,
					    last->base + last->nr, last, NULL) ? 0 : -ENODEV;
}

/* Whether the machine can deliver such messages, as safely as the layout asks for */
static bool pci_ims_supported(struct pci_dev *pdev, const struct pci_ims_info *info)
{
	struct irq_domain *domain = dev_get_msi_domain(&pdev->dev);

	if (!domain || !irq_domain_is_msi_parent(domain))
		return false;
	if (!pci_msi_domain_supports(pdev, MSI_FLAG_PCI_IMS, DENY_LEGACY))
		return false;

	return !info->isolated || msi_device_has_isolated_msi(&pdev->dev);
}

/* --- Sizes and places -------------------------------------------------------- */

/* Whether @size bytes at @offset are in a BAR: both can come from the device */
static bool pci_ims_inside(struct pci_dev *pdev, unsigned int bar, u64 offset, u64 size)
{
	if (offset + size <= pci_resource_len(pdev, bar))
		return true;

	dev_err(&pdev->dev, "message store at %#llx, %llu bytes, is not inside of BAR %u\n",
		offset, size, bar);
	return false;
}

static bool pci_ims_slots_inside(struct pci_dev *pdev, const struct pci_ims_info *info,
				 const struct pci_ims_params *params)
{
	unsigned int i, left = params->nr, slots;

	if (info->select.present)
		return pci_ims_inside(pdev, params->bir, params->offset, info->stride) &&
		       pci_ims_inside(pdev, params->bir, info->select.offset, sizeof(u32));
	if (!info->tables)
		return pci_ims_inside(pdev, params->bir, params->offset,
				      (u64)params->nr * info->stride);

	for (i = 0; i < info->nr_tables && left; i++, left -= slots) {
		slots = min(left, info->tables[i].slots);
		if (!pci_ims_inside(pdev, params->bir, info->tables[i].offset,
				    (u64)slots * info->stride))
			return false;
	}
	return !left;
}

static bool pci_ims_bits_inside(struct pci_dev *pdev, const struct pci_ims_bits *bits,
				unsigned int nr)
{
	return !bits->present ||
	       pci_ims_inside(pdev, bits->bar, bits->offset, DIV_ROUND_UP(nr, 32) * sizeof(u32));
}

static int pci_ims_check(struct pci_dev *pdev, const struct pci_ims_info *info,
			 const struct pci_ims_params *params)
{
	if (!params->nr || params->nr > info->max)
		return -EINVAL;
	if (!info->stride)
		return params->command || params->changed ? 0 : -EINVAL;
	if ((info->mask_bits.present && !params->mask_bar) ||
	    (info->pending.present && !params->pending_bar))
		return -EINVAL;
	/* One store instruction has to replace address and data in memory */
	if (params->memory)
		return IS_ALIGNED((unsigned long)params->memory, info->align) ? 0 : -EINVAL;
	if (!params->bar || params->bir >= PCI_STD_NUM_BARS ||
	    !IS_ALIGNED(params->offset, info->align))
		return -EINVAL;
	if (!pci_ims_slots_inside(pdev, info, params) ||
	    !pci_ims_bits_inside(pdev, &info->mask_bits, params->nr) ||
	    !pci_ims_bits_inside(pdev, &info->pending, params->nr))
		return -EINVAL;
	return 0;
}

/* --- Registers which messages share ------------------------------------------ */

static int pci_ims_regs_init(struct pci_ims *ims)
{
	const struct pci_ims_bits *bits = &ims->info->mask_bits;
	unsigned int words = DIV_ROUND_UP(ims->nr, 32);

	raw_spin_lock_init(&ims->reg_lock);
	raw_spin_lock_init(&ims->slot_lock);
	if (ims->info->nr_registers) {
		ims->registers = kvcalloc(ims->nr, ims->info->nr_registers * sizeof(u32),
					  GFP_KERNEL);
		if (!ims->registers)
			return -ENOMEM;
	}
	if (ims->info->select.present) {
		ims->window = ims->params.bar + ims->params.offset;
		ims->selected = ims->params.bar + ims->info->select.offset;
	}
	if (ims->info->pending.present)
		ims->pending_words = ims->params.pending_bar + ims->info->pending.offset;
	if (!bits->present)
		return 0;

	ims->mask_words = ims->params.mask_bar + bits->offset;
	ims->masks = kvcalloc(words, sizeof(*ims->masks), GFP_KERNEL);
	if (!ims->masks)
		return -ENOMEM;
	memset32(ims->masks, bits->active_low ? 0 : U32_MAX, words);
	return 0;
}

/* Have all messages masked: those which should not be are unmasked one by one */
static void pci_ims_mask_all(struct pci_ims *ims)
{
	const struct pci_ims_bits *bits = &ims->info->mask_bits;
	unsigned int i, nr = DIV_ROUND_UP(ims->nr, 32);
	unsigned long flags;

	for (i = 0; i < nr; i++) {
		raw_spin_lock_irqsave(&ims->reg_lock, flags);
		ims->masks[i] = bits->active_low ? 0 : U32_MAX;
		pci_ims_write_word(ims->masks[i], ims->mask_words + i * sizeof(u32),
				   bits->big_endian);
		raw_spin_unlock_irqrestore(&ims->reg_lock, flags);
	}
	/* Push the writes out of the posting buffers */
	pci_ims_read_word(ims->mask_words, bits->big_endian);
}

/* --- For drivers ------------------------------------------------------------- */

static void pci_ims_release(struct pci_ims *ims)
{
	kfree(ims->name);
	kvfree(ims->masks);
	kvfree(ims->registers);
	kvfree(ims->shadow);
	kvfree(ims->cookies);
	bitmap_free(ims->dirty);
	memset(ims, 0, sizeof(*ims));
}

static void pci_ims_release_all(struct pci_ims *last)
{
	struct pci_ims *prev;

	for (; last; last = prev) {
		prev = last->prev;
		pci_ims_release(last);
	}
}

/* Set up a store but for its domain, in which it follows the last one so far */
static int pci_ims_add(struct pci_dev *pdev, const struct pci_ims_setup *setup,
		       struct pci_ims **last)
{
	const struct pci_ims_params *params = setup->params;
	const struct pci_ims_info *info = setup->info;
	struct pci_ims *ims = setup->ims;
	const char *prefix;
	int ret;

	if (info->optional && !params->nr)
		return 0;

	ret = pci_ims_check(pdev, info, params);
	if (ret)
		return ret;
	if (!pci_ims_supported(pdev, info)) {
		if (!info->optional)
			return -EOPNOTSUPP;
		dev_info(&pdev->dev, "the messages of %s can't be delivered\n", info->name);
		return 0;
	}

	ims->pdev = pdev;
	ims->info = info;
	ims->nr = params->nr;
	ims->params = *params;
	ims->prev = *last;
	ims->base = *last ? (*last)->base + (*last)->nr : 0;
	*last = ims;

	prefix = dev_get_msi_domain(&pdev->dev)->msi_parent_ops->prefix;
	ims->name = kasprintf(GFP_KERNEL, "%s%s-%s", prefix ?: "", info->name, pci_name(pdev));
	if (!ims->name)
		return -ENOMEM;
	ret = pci_ims_regs_init(ims);
	if (!ret && params->command)
		ret = pci_ims_command_init(ims);
	return ret;
}

/**
 * pci_ims_init_all - Set up the message stores of a device which has several
 * @pdev:	The device
 * @setups:	The stores, no two of which are the same
 * @nr:		Their number
 *
 * As pci_ims_init() does it with one. Each store has its own indexes, from 0 on;
 * in the domain, which is all that they share, its messages follow those of the
 * store before. Either all are set up then, but for optional ones which the device
 * or the machine does not have, or none.
 *
 * Context: Task context, may sleep.
 *
 * Return: As pci_ims_init()
 */
int pci_ims_init_all(struct pci_dev *pdev, const struct pci_ims_setup *setups, unsigned int nr)
{
	struct pci_ims *last = NULL, *ims;
	unsigned int i;
	int ret = 0;

	for (i = 0; i < nr; i++) {
		if (setups[i].ims->info)
			return -EBUSY;
	}

	for (i = 0; !ret && i < nr; i++)
		ret = pci_ims_add(pdev, &setups[i], &last);
	if (!ret && last)
		ret = pci_ims_create_domain(last);
	if (ret) {
		pci_ims_release_all(last);
		return ret;
	}

	for (ims = last; ims; ims = ims->prev)
		ims->last = last;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(pci_ims_init_all, PCI_IMS);

/**
 * pci_ims_init - Set up the message store of a device
 * @ims:	What is set up; zeroed, or after pci_ims_exit()
 * @pdev:	The device
 * @info:	What was known when it was compiled; has to stay
 * @params:	What only the driver knows
 *
 * Call it before the first MSI or MSI-X vector of the device is allocated: some
 * parents need to know by then how many interrupts the device can have.
 *
 * When the store is optional, and there are no messages or the machine can't
 * deliver them, pci_ims::nr is 0 afterwards.
 *
 * Context: Task context, may sleep.
 *
 * Return: 0 on success, -EBUSY when the device has a store which is set up
 *	   already, -EINVAL when a parameter is out of range or the store not inside
 *	   of its BAR, -EOPNOTSUPP when the machine can't deliver such messages,
 *	   -ENODEV when the interrupt domain can't be made, -ENOMEM
 */
int pci_ims_init(struct pci_ims *ims, struct pci_dev *pdev, const struct pci_ims_info *info,
		 const struct pci_ims_params *params)
{
	const struct pci_ims_setup setup = { .ims = ims, .info = info, .params = params };

	return pci_ims_init_all(pdev, &setup, 1);
}
EXPORT_SYMBOL_NS_GPL(pci_ims_init, PCI_IMS);

/**
 * pci_ims_exit - Release the message store of a device
 * @ims:	The store; one which is not set up is left alone
 *
 * The stores which were set up together go together. No interrupt may have a
 * handler any more, no vector be with a pool.
 *
 * Context: Task context, may sleep.
 */
void pci_ims_exit(struct pci_ims *ims)
{
	struct pci_ims *last = ims->last;
	struct device *dev;
	unsigned int i;

	if (!last)
		return;

	dev = &last->pdev->dev;
	for (ims = last; ims; ims = ims->prev) {
		if (!ims->shadow)
			continue;
		for (i = 0; i < ims->nr; i++)
			pci_ims_disclaim(ims, i);
		cancel_work_sync(&ims->work);
	}
	msi_domain_free_irqs_all(dev, MSI_SECONDARY_DOMAIN);
	msi_remove_device_irq_domain(dev, MSI_SECONDARY_DOMAIN);
	pci_ims_release_all(last);
}
EXPORT_SYMBOL_NS_GPL(pci_ims_exit, PCI_IMS);

/* Whether the device can hold the address which the parent has for an interrupt */
static bool pci_ims_address_fits(const struct pci_ims *ims, unsigned int irq)
{
	struct msi_msg msg = { };

	if (!ims->info->address_bits)
		return true;
	return !irq_chip_compose_msi_msg(irq_get_irq_data(irq), &msg) && pci_ims_holds(ims, &msg);
}

/**
 * pci_ims_alloc - Allocate the interrupt of a message
 * @ims:	The store
 * @index:	Index of the message
 * @cookie:	What it carries along: a control word, or for messages behind a
 *		command pci_ims_info::nr_cookies values of 32 bits, NULL for none
 * @affdesc:	Initial affinity, NULL for the default
 *
 * Context: Task context, may sleep. Takes the MSI descriptor mutex of the device.
 *
 * Return: msi_map::index is the index on success, else an errno: -EINVAL when it
 *	   is out of range, -EBUSY when it is in use, -EOPNOTSUPP when the device
 *	   can't hold the address, -ENOSPC, -ENOMEM, or what a command has returned
 */
struct msi_map pci_ims_alloc(struct pci_ims *ims, unsigned int index,
			     union msi_instance_cookie cookie,
			     const struct irq_affinity_desc *affdesc)
{
	struct msi_map map = { .index = -EINVAL };

	if (index >= ims->nr)
		return map;
	index = array_index_nospec(index, ims->nr);

	if (ims->shadow) {
		map.index = pci_ims_claim(ims, index, cookie.ptr);
		if (map.index)
			return map;
	}
	map = msi_domain_alloc_irq_at(&ims->pdev->dev, MSI_SECONDARY_DOMAIN, ims->base + index,
				      affdesc, &cookie);
	if (map.index >= 0)
		map.index = index;
	else if (ims->shadow)
		pci_ims_disclaim(ims, index);
	if (map.index >= 0 && !pci_ims_address_fits(ims, map.virq)) {
		pci_ims_free(ims, map);
		map.index = -EOPNOTSUPP;
	}
	return map;
}
EXPORT_SYMBOL_NS_GPL(pci_ims_alloc, PCI_IMS);

/**
 * pci_ims_free - Give the interrupt of a message back
 * @ims:	The store
 * @map:	What pci_ims_alloc() has returned
 *
 * The interrupt must have no handler any more. A device which sleeps does not see
 * that its slot is masked and emptied, and nothing does that later: wake it first.
 *
 * Context: Task context, may sleep. Takes the MSI descriptor mutex of the device.
 */
void pci_ims_free(struct pci_ims *ims, struct msi_map map)
{
	unsigned int index = ims->base + map.index;

	if (WARN_ON_ONCE(map.index < 0 || map.index >= ims->nr))
		return;

	if (ims->shadow)
		pci_ims_disclaim(ims, map.index);
	msi_domain_free_irqs_range(&ims->pdev->dev, MSI_SECONDARY_DOMAIN, index, index);
}
EXPORT_SYMBOL_NS_GPL(pci_ims_free, PCI_IMS);

/**
 * pci_ims_special - Allocate the interrupt of a message with a fixed purpose
 * @ims:	The store
 * @index:	Index of the message
 * @irq:	Where the Linux interrupt number is stored
 *
 * It is given back by pci_ims_exit().
 *
 * Context: Task context, may sleep. Takes the MSI descriptor mutex of the device.
 *
 * Return: 0 on success, an errno as of pci_ims_alloc()
 */
int pci_ims_special(struct pci_ims *ims, unsigned int index, unsigned int *irq)
{
	struct msi_map map = pci_ims_alloc(ims, index, ims->info->cookie, NULL);

	if (map.index < 0)
		return map.index;

	*irq = map.virq;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(pci_ims_special, PCI_IMS);

/**
 * pci_ims_error - Why the device does not know a message
 * @ims:	The store
 * @index:	Index of the message, below pci_ims::nr
 *
 * A device command which fails can't make request_irq() fail.
 *
 * Context: Any.
 *
 * Return: 0 when it knows, or what the last command for the message returned
 */
int pci_ims_error(const struct pci_ims *ims, unsigned int index)
{
	return ims->shadow ? READ_ONCE(ims->shadow[index].error) : 0;
}
EXPORT_SYMBOL_NS_GPL(pci_ims_error, PCI_IMS);

/**
 * pci_ims_change_ctrl - Change bits of a control word in which the driver has fields
 * @ims:	The store
 * @desc:	The message
 * @bits:	The bits
 * @value:	What they are to be
 *
 * The interrupt chip masks in this way, too: its mask bit and the driver's fields
 * are in one word, of which the instance cookie of the message is the shadow.
 *
 * Context: Any but NMI. Takes pci_ims::slot_lock.
 */
void pci_ims_change_ctrl(struct pci_ims *ims, struct msi_desc *desc, u64 bits, u64 value)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&ims->slot_lock, flags);
	desc->data.icookie.value = (desc->data.icookie.value & ~bits) | value;
	if (pci_ims_awake(ims))
		ims->info->write_ctrl(desc);
	raw_spin_unlock_irqrestore(&ims->slot_lock, flags);
}
EXPORT_SYMBOL_NS_GPL(pci_ims_change_ctrl, PCI_IMS);

/* The message of an interrupt, NULL if that is not one of the store */
static struct msi_desc *pci_ims_desc(struct pci_ims *ims, unsigned int irq)
{
	struct irq_data *data = irq_get_irq_data(irq);

	return data && pci_ims_of(data) == ims ? irq_data_get_msi_desc(data) : NULL;
}

/**
 * pci_ims_set_field - Set a field which the driver has in a control word
 * @ims:	The store
 * @irq:	The interrupt of the message
 * @shift:	The lowest bit of the field
 * @width:	How many bits it has, 1 to 32
 * @value:	What it is to be
 *
 * It is 0 when the message is allocated, and stays what it is set to until the
 * message is freed. The whole word is written, so not between a reset of the
 * device and pci_ims_restore().
 *
 * Context: Any but NMI. Takes pci_ims::slot_lock.
 *
 * Return: 0, or -EINVAL when @value is too large or @irq not of the store
 */
int pci_ims_set_field(struct pci_ims *ims, unsigned int irq, unsigned int shift,
		      unsigned int width, u32 value)
{
	struct msi_desc *desc = pci_ims_desc(ims, irq);
	u64 mask = GENMASK_ULL(width - 1, 0);

	if (!desc || !ims->info->write_ctrl || value > mask)
		return -EINVAL;

	pci_ims_change_ctrl(ims, desc, mask << shift, (u64)value << shift);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(pci_ims_set_field, PCI_IMS);

/**
 * pci_ims_set_register - Write a register of a slot which is the driver's
 * @ims:	The store
 * @irq:	The interrupt of the message
 * @which:	Which of them, below pci_ims_info::nr_registers
 * @width:	How many bits it has, 1 to 32
 * @value:	What is written
 *
 * It is 0 when the message is allocated, and is written again by
 * pci_ims_restore().
 *
 * Context: Any but NMI. Takes pci_ims::slot_lock.
 *
 * Return: 0, or -EINVAL when @value is too large or @irq not of the store
 */
int pci_ims_set_register(struct pci_ims *ims, unsigned int irq, unsigned int which,
			 unsigned int width, u32 value)
{
	struct msi_desc *desc = pci_ims_desc(ims, irq);
	unsigned long flags;

	if (!desc || which >= ims->info->nr_registers || value > GENMASK_ULL(width - 1, 0))
		return -EINVAL;

	raw_spin_lock_irqsave(&ims->slot_lock, flags);
	pci_ims_registers(ims, desc)[which] = value;
	if (pci_ims_awake(ims))
		ims->info->write_register(desc, which, value);
	raw_spin_unlock_irqrestore(&ims->slot_lock, flags);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(pci_ims_set_register, PCI_IMS);

/**
 * pci_ims_restore - Write all messages and masks again after a reset
 * @ims:	The store; one which can't be used is left alone
 *
 * The PCI core restores MSI and MSI-X, but does not know this store. Call it
 * after reset or D3, before the device may send interrupts again. Affinities and
 * masks may change meanwhile. A command which fails is noted as any other.
 *
 * Context: Task context, may sleep. Takes the MSI descriptor mutex of the device
 *	    or pci_ims::lock.
 */
void pci_ims_restore(struct pci_ims *ims)
{
	struct device *dev;
	struct msi_desc *desc;

	if (!ims->nr)
		return;
	if (ims->shadow) {
		pci_ims_command_restore(ims);
		return;
	}

	dev = &ims->pdev->dev;
	if (ims->masks)
		pci_ims_mask_all(ims);
	msi_lock_descs(dev);
	WRITE_ONCE(ims->restoring, true);
	msi_domain_for_each_desc(desc, dev, MSI_SECONDARY_DOMAIN, MSI_DESC_ASSOCIATED) {
		if (pci_ims_at(ims->last, desc->msi_index) != ims)
			continue;
		if (ims->info->prepare)
			pci_ims_prepare(ims, desc);
		msi_restore_irq(desc->irq);
	}
	WRITE_ONCE(ims->restoring, false);
	msi_unlock_descs(dev);
}
EXPORT_SYMBOL_NS_GPL(pci_ims_restore, PCI_IMS);

/**
 * pci_ims_shutdown - Mask all messages
 * @ims:	The store; one which can't be used is left alone
 *
 * For the shutdown function of a driver: whatever runs on the machine next is
 * not to be interrupted. Handlers which are running may still finish.
 *
 * Context: Task context, may sleep.
 */
void pci_ims_shutdown(struct pci_ims *ims)
{
	unsigned int i, irq;

	/* Special messages, which can be needed for commands, have low indexes */
	for (i = ims->nr; i--;) {
		irq = msi_domain_get_virq(&ims->pdev->dev, MSI_SECONDARY_DOMAIN, ims->base + i);
		if (irq)
			quiesce_irq(irq);
	}
}
EXPORT_SYMBOL_NS_GPL(pci_ims_shutdown, PCI_IMS);
