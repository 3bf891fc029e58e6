// SPDX-License-Identifier: GPL-2.0
/*
 * What the KUnit suites of devices with a message store share
 *
 * Each byte of the device is compared with what the datasheet says has to be
 * there. Where accesses are counted, so are their order and their number.
 */
#include <kunit/ims_layout.h>
#include <kunit/test.h>

#include <linux/array_size.h>
#include <linux/bits.h>
#include <linux/completion.h>
#include <linux/container_of.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irqdomain.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/limits.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/msi.h>
#include <linux/pci.h>
#include <linux/pci_ims.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

/* What a device holds which has lost all it knew */
#define LAYOUT_LOST	0xa5

static struct pci_ims *layout_ims(const struct irq_layout_run *run,
				  const struct ims_layout *layout)
{
	return run->irqs + layout->ims;
}

/* How many messages the fake device has */
static unsigned int layout_nr(const struct ims_layout *layout)
{
	return layout->asks_slots ? layout->device->asked.slots[layout->number] :
				    layout->max;
}

static bool layout_has_slots(const struct ims_layout *layout)
{
	return layout->kind == IMS_LAYOUT_BAR || layout->kind == IMS_LAYOUT_MEMORY;
}

/* --- Registers as the datasheet has them -------------------------------------- */

static unsigned int layout_slot(const struct ims_layout *layout, unsigned int index)
{
	const struct ims_layout_table *table = layout->tables;

	while (index >= table->slots)
		index -= table++->slots;
	return table->offset + index * layout->stride;
}

static u64 layout_get(const struct ims_layout *layout, const u8 *at, unsigned int size)
{
	unsigned int i;
	u64 value = 0;

	for (i = 0; i < size; i++)
		value |= (u64)at[layout->big_endian ? size - 1 - i : i] << 8 * i;
	return value;
}

static void layout_put(const struct ims_layout *layout, u8 *at, unsigned int size, u64 value)
{
	unsigned int i;

	for (i = 0; i < size; i++)
		at[layout->big_endian ? size - 1 - i : i] = value >> 8 * i;
}

static u64 layout_register(const struct ims_layout *layout, const u8 *mem, unsigned int index,
			   const struct ims_layout_register *which)
{
	return layout_get(layout, mem + layout_slot(layout, index) + which->offset, which->size);
}

/* The control word of a message which carries @cookie along, NULL for none */
static u64 layout_ctrl(const struct ims_layout *layout, const void *cookie)
{
	u64 value, ctrl = layout->fixed | (layout->mask_low ? layout->mask : 0);
	const struct irq_layout_cookie *c;
	unsigned int i;

	for (i = 0; cookie && i < layout->store.nr_cookies; i++) {
		c = &layout->store.cookies[i];
		value = *(const u32 *)(cookie + c->member);
		if (value != U32_MAX)
			ctrl |= c->enable | value << c->shift;
	}
	return ctrl;
}

/* Some control word, no field of which is empty */
static u64 layout_some_ctrl(const struct ims_layout *layout)
{
	const struct irq_layout_cookie *c;
	u64 ctrl = layout_ctrl(layout, NULL);
	unsigned int i;

	for (i = 0; i < layout->store.nr_cookies; i++) {
		c = &layout->store.cookies[i];
		ctrl |= c->enable | (u64)((0x5a5a5a5a & c->limit) ?: c->limit) << c->shift;
	}
	return ctrl;
}

static u64 layout_masked_ctrl(const struct ims_layout *layout, u64 ctrl)
{
	return layout->mask_low ? ctrl & ~layout->mask : ctrl | layout->mask;
}

/* --- What a device or a peer was told ------------------------------------------ */

static struct irq_layout_told *layout_told(struct irq_layout_run *run, const void *store,
					   unsigned int index)
{
	unsigned int i;

	for (i = 0; i < run->nr_told; i++) {
		if (run->told[i].store == store && run->told[i].index == index)
			return &run->told[i];
	}
	return NULL;
}

static struct irq_layout_told *layout_tell(struct irq_layout_run *run, const void *store,
					   unsigned int index)
{
	struct irq_layout_told *told = layout_told(run, store, index);

	if (!told) {
		if (WARN_ON(run->nr_told == IRQ_LAYOUT_TOLD))
			run->nr_told--;
		told = &run->told[run->nr_told++];
		told->store = store;
		told->index = index;
	}
	return told;
}

/**
 * ims_layout_command - The device learns what a message is to be
 * @ims:	The store
 * @msg:	The message
 *
 * Context: Task context, may sleep.
 *
 * Return: 0, -EIO when irq_layout_run::refuses says so
 */
int ims_layout_command(struct pci_ims *ims, const struct pci_ims_msg *msg)
{
	struct irq_layout_run *run = irq_layout_current();
	struct irq_layout_told *told;
	unsigned int i;

	might_sleep();
	if (run->refuses)
		return -EIO;
	if (run->event && irqd_irq_masked(irq_get_irq_data(run->event)))
		run->unheard++;

	told = layout_tell(run, ims, msg->index);
	told->masked = msg->masked;
	told->address = (u64)msg->address_hi << 32 | msg->address_lo;
	told->data = msg->data;
	for (i = 0; i < ims->info->nr_cookies && i < IRQ_LAYOUT_COOKIES; i++)
		told->cookie[i] = msg->cookie[i];
	return 0;
}
EXPORT_SYMBOL_GPL(ims_layout_command);

/**
 * ims_layout_changed - The peer learns of a message
 * @ims:	The store
 * @index:	Index of the message
 * @msg:	The message
 *
 * Context: Any.
 */
void ims_layout_changed(struct pci_ims *ims, unsigned int index, const struct msi_msg *msg)
{
	struct irq_layout_told *told = layout_tell(irq_layout_current(), ims, index);

	told->address = (u64)msg->address_hi << 32 | msg->address_lo;
	told->data = msg->data;
}
EXPORT_SYMBOL_GPL(ims_layout_changed);

/* --- What a message looks like to the device ------------------------------------ */

static u8 *layout_word(const struct ims_layout_bits *bits, u8 *mem, unsigned int index)
{
	return mem + bits->offset + index / 32 * 4;
}

static bool layout_bit(const struct ims_layout *layout, const struct ims_layout_bits *bits,
		       u8 *mem, unsigned int index)
{
	return layout_get(layout, layout_word(bits, mem, index), 4) >> index % 32 & 1;
}

static bool layout_is_masked(const struct ims_layout *layout, u8 *mem, unsigned int index)
{
	if (layout->mask_bits.there)
		return layout_bit(layout, &layout->mask_bits, mem, index) != layout->mask_bits.low;
	if (!layout->mask)
		return false;
	return !!(layout_register(layout, mem, index, &layout->control) & layout->mask) !=
	       layout->mask_low;
}

static void layout_set_pending(const struct ims_layout *layout, u8 *mem, unsigned int index,
			       bool pending)
{
	const struct ims_layout_register *control = &layout->control;
	u8 *word = mem + layout_slot(layout, index) + control->offset;
	unsigned int size = control->size;
	u64 bit = layout->pending_bit, bits;

	if (!bit) {
		word = layout_word(&layout->pending, mem, index);
		size = 4;
		bit = BIT(index % 32);
	}
	bits = layout_get(layout, word, size) & ~bit;
	layout_put(layout, word, size, pending ? bits | bit : bits);
}

static int layout_fire_slot(struct ims_fake *fake, const struct ims_layout *layout,
			    unsigned int index)
{
	bool masked = layout_is_masked(layout, fake->mem, index);
	u64 address;
	u32 data;

	if (layout->pending.there || layout->pending_bit)
		layout_set_pending(layout, fake->mem, index, masked);
	address = layout_register(layout, fake->mem, index, &layout->address_hi);
	address = address << 32 | layout_register(layout, fake->mem, index, &layout->address_lo);
	data = layout_register(layout, fake->mem, index, &layout->data);
	if (masked || (!address && !data))
		return -EBUSY;
	return ims_fake_send(fake, address, data);
}

/**
 * ims_layout_fire - Have the device send the message at an index
 * @test:	The running test
 * @store:	ims_layout::store
 * @index:	Index of the message
 *
 * Context: Task context.
 *
 * Return: 0 when it has arrived, -EBUSY when it is masked or not there, -ENOENT
 *	   when it is not what the parent domain has composed
 */
int ims_layout_fire(struct kunit *test, const struct irq_layout_store *store, unsigned int index)
{
	const struct ims_layout *layout = container_of(store, struct ims_layout, store);
	struct irq_layout_run *run = test->priv;
	struct irq_layout_told *told;

	if (layout_has_slots(layout))
		return layout_fire_slot(run->fake, layout, index);
	told = layout_told(run, layout_ims(run, layout), index);
	if (!told || told->masked || (!told->address && !told->data))
		return -EBUSY;
	return ims_fake_send(run->fake, told->address, told->data);
}
EXPORT_SYMBOL_GPL(ims_layout_fire);

/**
 * ims_layout_carries - Expect that a message carries a cookie along
 * @test:	The running test
 * @store:	ims_layout::store
 * @index:	Index of the message
 * @cookie:	What the driver has passed, NULL for none
 *
 * Context: Task context.
 */
void ims_layout_carries(struct kunit *test, const struct irq_layout_store *store,
			unsigned int index, const void *cookie)
{
	const struct ims_layout *layout = container_of(store, struct ims_layout, store);
	struct irq_layout_run *run = test->priv;
	struct irq_layout_told *told;
	unsigned int i;
	u64 ctrl;

	if (layout->control.size) {
		ctrl = layout_register(layout, run->fake->mem, index, &layout->control);
		KUNIT_EXPECT_EQ_MSG(test, ctrl & ~layout->mask,
				    layout_ctrl(layout, cookie) & ~layout->mask,
				    "%s: message %u: control word", store->name, index);
	}
	if (layout->kind != IMS_LAYOUT_COMMAND)
		return;

	told = layout_told(run, layout_ims(run, layout), index);
	KUNIT_ASSERT_NOT_NULL_MSG(test, told, "%s: message %u: no command", store->name, index);
	for (i = 0; i < store->nr_cookies; i++) {
		KUNIT_EXPECT_EQ_MSG(test, told->cookie[i],
				    cookie ? *(u32 *)(cookie + store->cookies[i].member) : U32_MAX,
				    "%s: message %u: %s", store->name, index,
				    store->cookies[i].name);
	}
}
EXPORT_SYMBOL_GPL(ims_layout_carries);

/* --- What has to be there -------------------------------------------------------- */

/**
 * struct layout_look - What the device has to hold and to have seen
 * @test:	The running test
 * @layout:	The store
 * @run:	What belongs to the test
 * @ims:	What the driver has of the store
 * @mem:	What the device has to hold
 * @words:	The mask bits which the driver has to have written
 * @counts:	Whether accesses are looked at too
 * @nr:		How many were
 * @failed:	Something was wrong: what follows would not be right either
 */
struct layout_look {
	struct kunit			*test;
	const struct ims_layout		*layout;
	struct irq_layout_run		*run;
	struct pci_ims			*ims;
	u8				*mem;
	u32				*words;
	bool				counts;
	unsigned int			nr;
	bool				failed;
};

static void layout_vfree(void *mem)
{
	vfree(mem);
}

static void *layout_alloc(struct kunit *test, size_t size)
{
	void *mem = vzalloc(size);

	KUNIT_ASSERT_NOT_NULL(test, mem);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, layout_vfree, mem), 0);
	return mem;
}

/* The messages with a fixed purpose are to be had as all others, and none is elsewhere */
static void layout_free_fixed(struct layout_look *look)
{
	struct device *dev = &look->ims->pdev->dev;
	struct msi_map map = { };
	struct pci_ims *ims;

	for (ims = look->ims->last; ims; ims = ims->prev) {
		for (map.index = 0; map.index < ims->nr; map.index++) {
			if (msi_domain_get_virq(dev, MSI_SECONDARY_DOMAIN, ims->base + map.index))
				pci_ims_free(ims, map);
		}
	}
}

static void layout_look_at(struct kunit *test, const struct ims_layout *layout,
			   struct layout_look *look)
{
	size_t words = DIV_ROUND_UP(layout_nr(layout), 32) * sizeof(u32);

	look->test = test;
	look->layout = layout;
	look->run = irq_layout_setup(test, layout->device);
	look->ims = layout_ims(look->run, layout);
	KUNIT_ASSERT_EQ_MSG(test, look->ims->nr, layout_nr(layout),
			    "%s: size", layout->store.name);
	look->mem = layout_alloc(test, look->run->fake->params.bar_size);
	memcpy(look->mem, look->run->fake->mem, look->run->fake->params.bar_size);
	look->words = layout_alloc(test, words);
	memset(look->words, layout->mask_bits.low ? 0 : 0xff, words);
	look->counts = layout->kind == IMS_LAYOUT_BAR && ims_fake_counts_chip();
	look->nr = 0;
	look->failed = false;
	layout_free_fixed(look);
}

static void layout_start(struct layout_look *look)
{
	look->nr = 0;
	ims_fake_log_start(look->run->fake);
}

/* The next access was one to @size bytes at @offset, of which the image has the value */
static void layout_saw(struct layout_look *look, bool write, unsigned int offset,
		       unsigned int size)
{
	const struct ims_fake_access *access = &look->run->fake->log[look->nr];
	__le64 value = 0;
	u64 wanted;

	if (!look->counts || look->failed)
		return;

	memcpy(&value, look->mem + offset, size);
	wanted = le64_to_cpu(value);
	look->failed = look->nr >= look->run->fake->nr_log || access->write != write ||
		       access->offset != offset || access->size != size ||
		       access->value != wanted;
	if (look->failed)
		KUNIT_FAIL(look->test,
			   "%s: access %u of %u: %s of %u at %#x: %#llx, not %s, %u, %#x: %#llx\n",
			   look->layout->store.name, look->nr, look->run->fake->nr_log,
			   access->write ? "a write" : "a read", access->size, access->offset,
			   access->value, write ? "a write" : "a read", size, offset, wanted);
	look->nr++;
}

/* The slot was selected, where that is needed: what follows was seen in it */
static void layout_saw_select(struct layout_look *look, unsigned int index)
{
	const struct ims_layout_register *select = &look->layout->select;

	if (!select->size)
		return;
	layout_put(look->layout, look->mem + select->offset, select->size, index);
	layout_saw(look, true, select->offset, select->size);
}

static void layout_saw_write(struct layout_look *look, unsigned int index,
			     const struct ims_layout_register *which, u64 value)
{
	unsigned int offset = layout_slot(look->layout, index) + which->offset;

	if (!which->size)
		return;
	layout_put(look->layout, look->mem + offset, which->size, value);
	layout_saw(look, true, offset, which->size);
}

static void layout_saw_read(struct layout_look *look, unsigned int index,
			    const struct ims_layout_register *which)
{
	if (which->size)
		layout_saw(look, false, layout_slot(look->layout, index) + which->offset,
			   which->size);
}

/* Whether a message can be masked by itself */
static bool layout_masks(const struct ims_layout *layout)
{
	return layout->mask || layout->mask_bits.there;
}

/* A message was stored: what nothing masks gets its address last */
static void layout_saw_put(struct layout_look *look, unsigned int index, const struct msi_msg *msg)
{
	const struct ims_layout *layout = look->layout;
	bool masks = layout_masks(layout);
	bool gone = !msg->address_lo && !msg->address_hi && !msg->data;

	if (masks || gone) {
		layout_saw_write(look, index, &layout->address_lo, msg->address_lo);
		layout_saw_write(look, index, &layout->address_hi, msg->address_hi);
		layout_saw_write(look, index, &layout->data, msg->data);
	} else {
		layout_saw_write(look, index, &layout->data, msg->data);
		layout_saw_write(look, index, &layout->address_hi, msg->address_hi);
		layout_saw_write(look, index, &layout->address_lo, msg->address_lo);
	}
}

/* And read back */
static void layout_saw_stored(struct layout_look *look, unsigned int index,
			      const struct msi_msg *msg)
{
	const struct ims_layout *layout = look->layout;
	bool masks = layout_masks(layout);
	bool gone = !msg->address_lo && !msg->address_hi && !msg->data;

	layout_saw_put(look, index, msg);
	layout_saw_read(look, index, masks || gone ? &layout->data : &layout->address_lo);
}

static void layout_saw_message(struct layout_look *look, unsigned int index,
			       const struct msi_msg *msg)
{
	layout_saw_select(look, index);
	layout_saw_stored(look, index, msg);
}

static void layout_saw_gone(struct layout_look *look, unsigned int index)
{
	static const struct msi_msg none = { };

	layout_saw_message(look, index, &none);
}

static void layout_saw_control(struct layout_look *look, unsigned int index, u64 ctrl)
{
	layout_saw_select(look, index);
	layout_saw_write(look, index, &look->layout->control, ctrl);
	layout_saw_read(look, index, &look->layout->control);
}

static void layout_saw_bit(struct layout_look *look, unsigned int index, bool masked)
{
	const struct ims_layout_bits *bits = &look->layout->mask_bits;
	u8 *word = layout_word(bits, look->mem, index);
	u32 *value = &look->words[index / 32];

	*value = masked == bits->low ? *value & ~BIT(index % 32) : *value | BIT(index % 32);
	layout_put(look->layout, word, 4, *value);
	layout_saw(look, true, word - look->mem, 4);
	layout_saw(look, false, word - look->mem, 4);
}

/* A message was masked or unmasked, where something does that */
static void layout_saw_mask(struct layout_look *look, unsigned int index, u64 ctrl, bool masked)
{
	const struct ims_layout *layout = look->layout;

	if (layout->mask_bits.there)
		layout_saw_bit(look, index, masked);
	else if (layout->mask)
		layout_saw_control(look, index, masked ? layout_masked_ctrl(layout, ctrl) : ctrl);
}

static bool layout_is_control(const struct ims_layout *layout, const struct ims_layout_driven *d)
{
	return d->where.offset == layout->control.offset && layout->control.size;
}

/* Whether the driver has fields in control words: all changes of these are of shadows */
static bool layout_shadows(const struct ims_layout *layout)
{
	return layout->nr_driven && layout_is_control(layout, &layout->driven[0]);
}

/* A slot was made quiet, and got its control word and what the driver writes */
static void layout_saw_prepare(struct layout_look *look, unsigned int index, u64 ctrl)
{
	const struct ims_layout *layout = look->layout;
	unsigned int i;

	layout_saw_mask(look, index, ctrl, true);
	if (!layout_masks(layout))
		layout_saw_gone(look, index);
	if (!layout->mask)
		layout_saw_control(look, index, ctrl);
	for (i = 0; i < layout->nr_driven; i++) {
		if (layout_is_control(layout, &layout->driven[i]))
			continue;
		layout_saw_select(look, index);
		layout_saw_write(look, index, &layout->driven[i].where, 0);
		layout_saw_read(look, index, &layout->driven[i].where);
	}
}

/* A slot was emptied: masked first, nothing must be sent to one half of an address */
static void layout_saw_reset(struct layout_look *look, unsigned int index, u64 ctrl)
{
	const struct ims_layout *layout = look->layout;
	u64 masked = layout_masked_ctrl(layout, layout->fixed);
	static const struct msi_msg none = { };

	if (layout->mask && layout_shadows(layout)) {
		layout_saw_mask(look, index, ctrl, true);
		layout_saw_message(look, index, &none);
		return;
	}
	layout_saw_select(look, index);
	if (layout->mask)
		layout_saw_write(look, index, &layout->control, masked);
	else
		layout_saw_mask(look, index, 0, true);
	layout_saw_stored(look, index, &none);
}

/* What the datasheet has at an offset, for who reads what went wrong */
static const char *layout_place(const struct ims_layout *layout, unsigned int offset,
				unsigned int *index)
{
	const struct {
		const struct ims_layout_register *which;
		const char *name;
	} registers[] = {
		{ &layout->address_lo,	"address, low half" },
		{ &layout->address_hi,	"address, high half" },
		{ &layout->data,	"data" },
		{ &layout->control,	"control word" },
	};
	unsigned int i, at;

	for (*index = 0; *index < layout_nr(layout); ++*index) {
		at = offset - layout_slot(layout, *index);
		if (at >= layout->stride)
			continue;
		for (i = 0; i < ARRAY_SIZE(registers); i++) {
			if (at - registers[i].which->offset < registers[i].which->size)
				return registers[i].name;
		}
		for (i = 0; i < layout->nr_driven; i++) {
			if (at - layout->driven[i].where.offset < layout->driven[i].where.size)
				return layout->driven[i].name;
		}
		return "not used";
	}
	return "outside of all slots";
}

/* The device holds what it has to, from @from to @to */
static void layout_compare(struct layout_look *look, unsigned int from, unsigned int to)
{
	const u8 *mem = look->run->fake->mem;
	const char *place;
	unsigned int index;

	if (look->failed || !memcmp(mem + from, look->mem + from, to - from))
		return;
	while (mem[from] == look->mem[from])
		from++;
	place = layout_place(look->layout, from, &index);
	look->failed = true;
	KUNIT_FAIL(look->test, "%s: slot %u, %s: the byte at %#x is %#x, not %#x\n",
		   look->layout->store.name, index, place, from, mem[from], look->mem[from]);
}

/* There were no other accesses, and around a slot nothing else has changed */
static void layout_saw_all(struct layout_look *look, unsigned int index)
{
	unsigned int slot = layout_slot(look->layout, index), stride = look->layout->stride;
	unsigned int size = look->run->fake->params.bar_size;

	if (look->counts && !look->failed) {
		KUNIT_EXPECT_EQ_MSG(look->test, look->run->fake->nr_log, look->nr,
				    "%s: number of accesses", look->layout->store.name);
		look->failed = look->run->fake->nr_log != look->nr;
	}
	layout_compare(look, slot - min(slot, stride), min(slot + 2 * stride, size));
}

/* --- Messages --------------------------------------------------------------------- */

/* Take a message, and expect its slot to be quiet */
static unsigned int layout_open(struct layout_look *look, unsigned int index, u64 ctrl)
{
	union msi_instance_cookie cookie = { .value = ctrl };
	struct msi_map map;

	layout_start(look);
	map = pci_ims_alloc(look->ims, index, cookie, NULL);
	KUNIT_ASSERT_EQ_MSG(look->test, map.index, index, "%s", look->layout->store.name);
	if (layout_has_slots(look->layout)) {
		layout_saw_prepare(look, index, ctrl);
		layout_saw_all(look, index);
	}
	return map.virq;
}

static void layout_close(struct layout_look *look, unsigned int index, unsigned int irq)
{
	struct msi_map map = { .index = index, .virq = irq };

	pci_ims_free(look->ims, map);
}

/* The next index to look at: all of a small store, ever fewer of a large one */
static unsigned int layout_next(const struct ims_layout *layout, unsigned int index)
{
	unsigned int next = index + 1 + index / 64, last = layout_nr(layout) - 1;

	return index < last && next > last ? last : next;
}

static void layout_skip_without_slots(struct kunit *test, const struct ims_layout *layout)
{
	if (!layout_has_slots(layout))
		kunit_skip(test, "the messages are in no slots");
}

/* --- Cases ------------------------------------------------------------------------ */

/* A message like no other one, to an address which the device can hold */
static void layout_some_message(const struct ims_layout *layout, unsigned int i,
				struct msi_msg *msg)
{
	u64 bits = layout->address_bits ?: U64_MAX;

	msg->address_lo = (0xfee00000 | i << 2) & bits;
	msg->address_hi = layout->address_hi.size ? (0x01000000 | i << 8 | i) & bits >> 32 : 0;
	msg->data = (layout->data.size == 2 ? 0x8000 : 0x87650000) | i;
}

/* Each register of each slot is where it has to be, and nothing else is touched */
static void layout_case_write(struct kunit *test, const struct ims_layout *layout)
{
	struct layout_look look;
	struct irq_data *data;
	struct msi_msg msg;
	unsigned int i, irq;

	layout_skip_without_slots(test, layout);
	layout_look_at(test, layout, &look);
	for (i = 0; i < layout_nr(layout); i = layout_next(layout, i)) {
		irq = layout_open(&look, i, layout_some_ctrl(layout));
		data = irq_get_irq_data(irq);

		layout_some_message(layout, i, &msg);
		layout_start(&look);
		data->chip->irq_write_msi_msg(data, &msg);
		layout_saw_message(&look, i, &msg);
		layout_saw_all(&look, i);
		layout_close(&look, i, irq);
	}
	layout_compare(&look, 0, look.run->fake->params.bar_size);
}

/* What the life of an interrupt does to its slot, access by access */
static void layout_case_chip(struct kunit *test, const struct ims_layout *layout)
{
	u64 ctrl = layout_some_ctrl(layout);
	struct layout_look look;
	unsigned int i, irq;
	struct msi_msg msg;

	layout_skip_without_slots(test, layout);
	layout_look_at(test, layout, &look);
	for (i = 0; i < layout_nr(layout); i = layout_next(layout, i)) {
		irq = layout_open(&look, i, ctrl);

		layout_start(&look);
		KUNIT_ASSERT_EQ(test, irq_layout_request(test, irq), 0);
		get_cached_msi_msg(irq, &msg);
		layout_saw_message(&look, i, &msg);
		layout_saw_mask(&look, i, ctrl, false);
		layout_saw_all(&look, i);

		layout_start(&look);
		irq_layout_mask(irq);
		layout_saw_mask(&look, i, ctrl, true);
		layout_saw_all(&look, i);

		layout_start(&look);
		enable_irq(irq);
		layout_saw_mask(&look, i, ctrl, false);
		layout_saw_all(&look, i);

		/* The chip empties the slot, then the MSI core does */
		layout_start(&look);
		irq_layout_free(test, irq);
		layout_saw_reset(&look, i, ctrl);
		layout_saw_gone(&look, i);
		layout_saw_all(&look, i);
		layout_close(&look, i, irq);
	}
	layout_compare(&look, 0, look.run->fake->params.bar_size);
}

/* A message which changes while it is in use is replaced under the mask */
static void layout_case_live(struct kunit *test, const struct ims_layout *layout)
{
	u64 ctrl = layout_some_ctrl(layout);
	unsigned int irq, i = layout_nr(layout) / 2;
	struct layout_look look;
	struct irq_data *data;
	struct msi_msg msg;

	layout_skip_without_slots(test, layout);
	if (layout->isolated)
		kunit_skip(test, "a message in use never changes");

	layout_look_at(test, layout, &look);
	irq = layout_open(&look, i, ctrl);
	data = irq_get_irq_data(irq);
	KUNIT_ASSERT_EQ(test, irq_layout_request(test, irq), 0);
	get_cached_msi_msg(irq, &msg);
	layout_saw_message(&look, i, &msg);
	layout_saw_mask(&look, i, ctrl, false);

	msg.address_lo ^= 0xff0;
	msg.data ^= 0xff;
	layout_start(&look);
	data->chip->irq_write_msi_msg(data, &msg);
	if (layout->mask && !layout_shadows(layout)) {
		layout_saw_select(&look, i);
		layout_saw_write(&look, i, &layout->control, layout_masked_ctrl(layout, ctrl));
		layout_saw_put(&look, i, &msg);
		layout_saw_write(&look, i, &layout->control, ctrl);
		layout_saw_read(&look, i, &layout->control);
	} else {
		layout_saw_mask(&look, i, ctrl, true);
		layout_saw_message(&look, i, &msg);
		layout_saw_mask(&look, i, ctrl, false);
	}
	layout_saw_all(&look, i);

	/* In memory this takes more than the one store which is enough otherwise */
	look.counts = false;
	if (layout->address_hi.size && (layout->address_bits ?: U64_MAX) >> 32)
		msg.address_hi++;
	data->chip->irq_write_msi_msg(data, &msg);
	layout_saw_put(&look, i, &msg);
	layout_compare(&look, 0, look.run->fake->params.bar_size);

	/* A device which sleeps gets it when it is restored */
	look.run->fake->pdev->current_state = PCI_D3hot;
	msg.address_lo ^= 0xff0;
	data->chip->irq_write_msi_msg(data, &msg);
	layout_compare(&look, 0, look.run->fake->params.bar_size);
	look.run->fake->pdev->current_state = PCI_D0;
	layout->device->restore(look.run->irqs);
	KUNIT_EXPECT_EQ_MSG(test, layout_register(layout, look.run->fake->mem, i,
						  &layout->address_lo), msg.address_lo,
			    "%s: restored after sleep", layout->store.name);
	irq_layout_free(test, irq);
}

/* What the device can see of a message while that changes: the old one or the new one */
struct layout_reader {
	const u64		*word;
	u64			whole[2];
	unsigned long		seen;
	unsigned long		torn;
	struct completion	started;
};

static int layout_read(void *data)
{
	struct layout_reader *reader = data;
	u64 word;

	complete(&reader->started);
	while (!kthread_should_stop()) {
		word = READ_ONCE(*reader->word);
		if (word == reader->whole[0] || word == reader->whole[1])
			WRITE_ONCE(reader->seen, reader->seen + 1);
		else
			reader->torn++;
		cond_resched();
	}
	return 0;
}

static void layout_case_torn(struct kunit *test, const struct ims_layout *layout)
{
	unsigned int lo = layout->address_lo.offset, hi = layout->data.offset;
	unsigned long end = jiffies + 10 * HZ;
	struct layout_reader reader = { };
	struct task_struct *thread;
	struct layout_look look;
	struct msi_msg msgs[2];
	struct irq_data *data;
	unsigned int i, irq;

	if (layout->kind != IMS_LAYOUT_MEMORY || layout->isolated)
		kunit_skip(test, "the device fetches no message which can change");

	layout_look_at(test, layout, &look);
	irq = layout_open(&look, 0, layout_some_ctrl(layout));
	data = irq_get_irq_data(irq);
	KUNIT_ASSERT_EQ(test, irq_layout_request(test, irq), 0);
	for (i = 0; i < 2; i++) {
		get_cached_msi_msg(irq, &msgs[i]);
		msgs[i].address_lo ^= i * 0xfffffff0;
		msgs[i].data ^= i * 0x77777777;
		layout_put(layout, (u8 *)&reader.whole[i] + lo - min(lo, hi), 4,
			   msgs[i].address_lo);
		layout_put(layout, (u8 *)&reader.whole[i] + hi - min(lo, hi), 4, msgs[i].data);
	}

	reader.word = (u64 *)(look.run->fake->mem + layout_slot(layout, 0) + min(lo, hi));
	init_completion(&reader.started);
	thread = kthread_run(layout_read, &reader, "ims-layout");
	KUNIT_ASSERT_FALSE(test, IS_ERR(thread));
	wait_for_completion(&reader.started);
	/* The reader's CPU may be a virtual one that does not run for a while */
	for (i = 1; i <= 20000 || (!READ_ONCE(reader.seen) && time_before(jiffies, end)); i++) {
		data->chip->irq_write_msi_msg(data, &msgs[i % 2]);
		if (i % 256 == 0)
			cond_resched();
	}
	kthread_stop(thread);
	KUNIT_EXPECT_GT_MSG(test, reader.seen, 0, "%s", layout->store.name);
	KUNIT_EXPECT_EQ_MSG(test, reader.torn, 0, "%s: halves of two messages",
			    layout->store.name);
	irq_layout_free(test, irq);
}

/* One message, in each of the states that it can be in when the device is reset */
enum layout_state {
	LAYOUT_IN_USE,
	LAYOUT_DISABLED,
	LAYOUT_ALLOCATED,
	LAYOUT_STATES,
};

/* What a slot holds after a reset, once it is restored */
static void layout_restored(struct layout_look *look, unsigned int index, unsigned int irq,
			    u64 ctrl, enum layout_state state)
{
	struct msi_msg msg = { };

	if (state != LAYOUT_ALLOCATED)
		get_cached_msi_msg(irq, &msg);
	layout_saw_prepare(look, index, ctrl);
	layout_saw_put(look, index, &msg);
	layout_saw_mask(look, index, ctrl, state != LAYOUT_IN_USE);
}

static void layout_lose(struct layout_look *look)
{
	const struct ims_layout *layout = look->layout;
	struct ims_fake *fake = look->run->fake;
	struct pci_ims *ims;
	unsigned int i;

	look->run->nr_told = 0;
	memset(fake->mem, LAYOUT_LOST, fake->params.bar_size);
	/* What is written for other stores, which have no messages, is not looked at */
	for (ims = look->ims->last; ims; ims = ims->prev) {
		if (ims != look->ims)
			pci_ims_restore(ims);
	}
	memcpy(look->mem, fake->mem, fake->params.bar_size);
	for (i = 0; layout->mask_bits.there && i < look->ims->nr; i += 32) {
		look->words[i / 32] = layout->mask_bits.low ? 0 : U32_MAX;
		layout_put(layout, layout_word(&layout->mask_bits, look->mem, i), 4,
			   look->words[i / 32]);
	}
}

static void layout_restore(struct layout_look *look, unsigned int first)
{
	const struct ims_layout *layout = look->layout;
	const unsigned int index[] = { 0, layout_nr(layout) / 2, layout_nr(layout) - 1 };
	unsigned int i, nr = min(layout_nr(layout), ARRAY_SIZE(index));
	unsigned int irq[ARRAY_SIZE(index)];
	u64 ctrl = layout_has_slots(layout) ? layout_some_ctrl(layout) : 0;
	enum layout_state state;
	struct kunit *test = look->test;
	int ret;

	/* What the device holds in the end, not how that came there */
	look->counts = false;
	for (i = 0; i < nr; i++) {
		state = (first + i) % LAYOUT_STATES;
		irq[i] = layout_open(look, index[i], ctrl);
		if (state != LAYOUT_ALLOCATED)
			KUNIT_ASSERT_EQ(test, irq_layout_request(test, irq[i]), 0);
		if (state == LAYOUT_DISABLED)
			irq_layout_mask(irq[i]);
		memcpy(look->mem, look->run->fake->mem, look->run->fake->params.bar_size);
	}

	layout_lose(look);
	for (i = 0; layout_has_slots(layout) && i < nr; i++)
		layout_restored(look, index[i], irq[i], ctrl, (first + i) % LAYOUT_STATES);
	layout->device->restore(look->run->irqs);
	if (layout_has_slots(layout))
		layout_compare(look, 0, look->run->fake->params.bar_size);

	for (i = 0; i < nr; i++) {
		state = (first + i) % LAYOUT_STATES;
		if (state == LAYOUT_DISABLED)
			enable_irq(irq[i]);
		ret = irq_layout_fire(test, &layout->store, irq[i]);
		KUNIT_EXPECT_EQ_MSG(test, ret, state == LAYOUT_ALLOCATED ? -EBUSY : 0,
				    "%s: message %u after a reset", layout->store.name, index[i]);
		if (state != LAYOUT_ALLOCATED)
			irq_layout_free(test, irq[i]);
		layout_close(look, index[i], irq[i]);
	}
	memcpy(look->mem, look->run->fake->mem, look->run->fake->params.bar_size);
}

/* After a reset all messages come back, and with them who was masked */
static void layout_case_restore(struct kunit *test, const struct ims_layout *layout)
{
	struct layout_look look;
	unsigned int first;

	layout_look_at(test, layout, &look);
	for (first = 0; first < LAYOUT_STATES; first++)
		layout_restore(&look, first);
}

/* What the device could not send is pending in its own bit, and arrives once it may */
static void layout_case_pending(struct kunit *test, const struct ims_layout *layout)
{
	unsigned int i, irq, index = layout_nr(layout) / 2;
	struct layout_look look;
	bool pending = true;

	if (!layout->pending.there && !layout->pending_bit)
		kunit_skip(test, "there are no pending bits");

	layout_look_at(test, layout, &look);
	irq = layout_open(&look, index, layout_some_ctrl(layout));
	for (i = 0; i < layout_nr(layout); i++)
		layout_set_pending(layout, look.run->fake->mem, i, false);
	KUNIT_ASSERT_EQ(test, irq_layout_request(test, irq), 0);
	KUNIT_EXPECT_EQ(test, irq_get_irqchip_state(irq, IRQCHIP_STATE_PENDING, &pending), 0);
	KUNIT_EXPECT_FALSE_MSG(test, pending, "%s", layout->store.name);

	irq_layout_mask(irq);
	KUNIT_EXPECT_EQ(test, irq_layout_fire(test, &layout->store, irq), -EBUSY);
	KUNIT_EXPECT_EQ(test, irq_get_irqchip_state(irq, IRQCHIP_STATE_PENDING, &pending), 0);
	KUNIT_EXPECT_TRUE_MSG(test, pending, "%s", layout->store.name);
	for (i = 0; layout->pending.there && i < layout_nr(layout);
	     i = layout_next(layout, i))
		KUNIT_EXPECT_EQ_MSG(test, pci_ims_is_pending(look.ims, i), i == index,
				    "%s: message %u is pending", layout->store.name, i);

	enable_irq(irq);
	KUNIT_EXPECT_EQ(test, irq_layout_fire(test, &layout->store, irq), 0);
	KUNIT_EXPECT_EQ(test, irq_get_irqchip_state(irq, IRQCHIP_STATE_PENDING, &pending), 0);
	KUNIT_EXPECT_FALSE_MSG(test, pending, "%s", layout->store.name);
	irq_layout_free(test, irq);
}

static u64 layout_driven_mask(const struct ims_layout_driven *d)
{
	return GENMASK_ULL(d->width - 1, 0);
}

/* Set all that the driver has in a slot, to the low bits of @value */
static void layout_set_driven(struct layout_look *look, unsigned int irq, u32 value, int wanted)
{
	const struct ims_layout *layout = look->layout;
	const struct ims_layout_driven *d;
	unsigned int i;
	int ret;

	for (i = 0; i < layout->nr_driven; i++) {
		d = &layout->driven[i];
		ret = d->set(look->run->irqs, irq, value & layout_driven_mask(d));
		KUNIT_EXPECT_EQ_MSG(look->test, ret, wanted, "%s: %s", layout->store.name,
				    d->name);
	}
}

/* All of that is in its place, and the message masked or not */
static void layout_expect_driven(struct layout_look *look, unsigned int index, u32 value,
				 bool masked)
{
	const struct ims_layout *layout = look->layout;
	u8 *mem = look->run->fake->mem;
	const struct ims_layout_driven *d;
	unsigned int i;
	u64 found;

	for (i = 0; i < layout->nr_driven; i++) {
		d = &layout->driven[i];
		found = layout_register(layout, mem, index, &d->where) >> d->shift;
		KUNIT_EXPECT_EQ_MSG(look->test, found & layout_driven_mask(d),
				    value & layout_driven_mask(d), "%s: message %u: %s",
				    layout->store.name, index, d->name);
	}
	KUNIT_EXPECT_EQ_MSG(look->test, layout_is_masked(layout, mem, index), masked,
			    "%s: message %u: masked", layout->store.name, index);
}

/* What the driver sets in a slot stays there, whatever the interrupt chip does */
static void layout_case_driven(struct kunit *test, const struct ims_layout *layout)
{
	bool masks = layout_masks(layout), awake;
	unsigned int i, irq, index = layout_nr(layout) / 2;
	const struct ims_layout_driven *d;
	struct layout_look look;
	u64 ctrl, rest;

	if (!layout->nr_driven)
		kunit_skip(test, "the driver has nothing in the slots");

	layout_look_at(test, layout, &look);
	ctrl = layout_some_ctrl(layout);
	irq = layout_open(&look, index, ctrl);
	KUNIT_ASSERT_EQ(test, irq_layout_request(test, irq), 0);
	layout_expect_driven(&look, index, 0, false);
	layout_set_driven(&look, irq, U32_MAX, 0);
	layout_expect_driven(&look, index, U32_MAX, false);
	layout_set_driven(&look, irq, 0xa5a5a5a5, 0);
	layout_expect_driven(&look, index, 0xa5a5a5a5, false);

	irq_layout_mask(irq);
	layout_expect_driven(&look, index, 0xa5a5a5a5, masks);
	layout_set_driven(&look, irq, 0x5a5a5a5a, 0);
	layout_expect_driven(&look, index, 0x5a5a5a5a, masks);
	enable_irq(irq);
	layout_expect_driven(&look, index, 0x5a5a5a5a, false);

	/* Nothing else in the control word has changed */
	rest = layout->control.size ? layout_register(layout, look.run->fake->mem, index,
						      &layout->control) : ctrl;
	for (i = 0; i < layout->nr_driven; i++) {
		d = &layout->driven[i];
		if (layout_is_control(layout, d))
			rest &= ~(layout_driven_mask(d) << d->shift);
		if (d->width < 32)
			KUNIT_EXPECT_EQ_MSG(test, d->set(look.run->irqs, irq, BIT(d->width)),
					    -EINVAL, "%s: %s", layout->store.name, d->name);
	}
	KUNIT_EXPECT_EQ_MSG(test, rest, ctrl, "%s: control word", layout->store.name);
	layout_set_driven(&look, 0, 1, -EINVAL);

	/* A device which sleeps gets it when it is restored. Memory never sleeps */
	look.run->fake->pdev->current_state = PCI_D3hot;
	layout_set_driven(&look, irq, 0x33333333, 0);
	awake = layout->kind == IMS_LAYOUT_MEMORY;
	layout_expect_driven(&look, index, awake ? 0x33333333 : 0x5a5a5a5a, false);
	look.run->fake->pdev->current_state = PCI_D0;
	layout_lose(&look);
	layout->device->restore(look.run->irqs);
	layout_expect_driven(&look, index, 0x33333333, false);

	/* Devres frees it when the core has forgotten that the device is up */
	look.run->fake->pdev->current_state = PCI_UNKNOWN;
	irq_layout_free(test, irq);
	layout_expect_driven(&look, index, 0x33333333, masks);
	look.run->fake->pdev->current_state = PCI_D0;

	/* Who gets the message next finds nothing of that */
	layout_close(&look, index, irq);
	memcpy(look.mem, look.run->fake->mem, look.run->fake->params.bar_size);
	look.counts = false;
	irq = layout_open(&look, index, ctrl);
	layout_expect_driven(&look, index, 0, masks);
	layout_close(&look, index, irq);
}

/* An address with one bit more than the device can hold is refused */
static void layout_case_address(struct kunit *test, const struct ims_layout *layout)
{
	u64 bad = ~layout->address_bits >> 32;
	union msi_instance_cookie cookie = { };
	struct layout_look look;
	struct msi_map map;

	if (!layout->address_bits || !bad)
		kunit_skip(test, "the device holds all addresses");

	layout_look_at(test, layout, &look);
	look.run->fake->params.address_hi |= bad & -bad;
	cookie.value = layout_some_ctrl(layout);
	map = pci_ims_alloc(look.ims, 0, cookie, NULL);
	KUNIT_ASSERT_EQ_MSG(test, map.index, -EOPNOTSUPP, "%s", layout->store.name);

	look.run->fake->params.address_hi &= layout->address_bits >> 32;
	map = pci_ims_alloc(look.ims, 0, cookie, NULL);
	KUNIT_EXPECT_EQ_MSG(test, map.index, 0, "%s", layout->store.name);
	pci_ims_free(look.ims, map);
}

/* What a device does without its store: it makes do, or the driver can't load */
static void layout_refused(struct kunit *test, const struct ims_layout *layout,
			   struct irq_layout_run *run)
{
	bool does = layout->optional && !layout->others;

	KUNIT_EXPECT_EQ_MSG(test, irq_layout_init(run), does ? 0 : -EOPNOTSUPP, "%s",
			    layout->store.name);
	KUNIT_EXPECT_EQ_MSG(test, layout_ims(run, layout)->nr, 0, "%s", layout->store.name);
}

static void layout_case_unsupported(struct kunit *test, const struct ims_layout *layout)
{
	struct irq_layout_run *run = irq_layout_create(test, layout->device);

	run->fake->ops.supported_flags &= ~MSI_FLAG_PCI_IMS;
	layout_refused(test, layout, run);
}

/* The machine lets other functions send the messages of this one */
static void layout_case_not_isolated(struct kunit *test, const struct ims_layout *layout)
{
	struct irq_layout_run *run = irq_layout_create(test, layout->device);

	run->fake->parent->flags &= ~IRQ_DOMAIN_FLAG_ISOLATED_MSI;
	if (layout->isolated) {
		layout_refused(test, layout, run);
		return;
	}
	KUNIT_EXPECT_EQ_MSG(test, irq_layout_init(run), 0, "%s", layout->store.name);
	KUNIT_EXPECT_NE_MSG(test, layout_ims(run, layout)->nr, 0, "%s", layout->store.name);
}

static void layout_try(struct kunit *test, const struct ims_layout *layout,
		       const struct irq_layout_asked *asked, int ret, const char *what)
{
	const struct irq_layout_device *device = layout->device;
	struct irq_layout_run *run = test->priv;

	KUNIT_EXPECT_EQ_MSG(test, device->init(run->irqs, run->fake, asked), ret, "%s: %s",
			    layout->store.name, what);
	device->exit(run->irqs);
}

/* What the driver passes is checked: it can come from the device */
static void layout_case_sizes(struct kunit *test, const struct ims_layout *layout)
{
	struct irq_layout_asked asked = layout->device->asked;

	if (!layout->asks_slots && !layout->asks_bir && !layout->asks_offset)
		kunit_skip(test, "the driver passes neither number nor place");

	irq_layout_create(test, layout->device);
	if (layout->asks_slots) {
		asked.slots[layout->number] = layout->max + 1;
		layout_try(test, layout, &asked, -EINVAL, "more messages than there can be");
		asked.slots[layout->number] = 0;
		layout_try(test, layout, &asked, layout->optional ? 0 : -EINVAL, "no message");
		asked.slots[layout->number] = layout_nr(layout);
	}
	if (layout->asks_bir) {
		asked.bir[layout->number] = PCI_STD_NUM_BARS;
		layout_try(test, layout, &asked, -EINVAL, "no such BAR");
		asked.bir[layout->number] = layout->device->asked.bir[layout->number];
	}
	if (layout->asks_offset) {
		asked.offset[layout->number]++;
		layout_try(test, layout, &asked, -EINVAL, "not aligned");
	}
}

const struct ims_layout_case ims_layout_cases[IMS_LAYOUT_CASES] = {
	{ "write",		layout_case_write },
	{ "chip",		layout_case_chip },
	{ "live",		layout_case_live },
	{ "torn",		layout_case_torn },
	{ "restore",		layout_case_restore },
	{ "pending",		layout_case_pending },
	{ "driven",		layout_case_driven },
	{ "address",		layout_case_address },
	{ "unsupported",	layout_case_unsupported },
	{ "not isolated",	layout_case_not_isolated },
	{ "sizes",		layout_case_sizes },
};
EXPORT_SYMBOL_GPL(ims_layout_cases);

/**
 * ims_layout_check - A message store does what the datasheet says
 * @test:	The running test, with one of ims_layout_cases as parameter
 * @layout:	The store
 *
 * Context: Task context, may sleep.
 */
void ims_layout_check(struct kunit *test, const struct ims_layout *layout)
{
	const struct ims_layout_case *which = test->param_value;

	which->run(test, layout);
}
EXPORT_SYMBOL_GPL(ims_layout_check);

MODULE_DESCRIPTION("What the KUnit suites of devices with a message store share");
MODULE_LICENSE("GPL");
