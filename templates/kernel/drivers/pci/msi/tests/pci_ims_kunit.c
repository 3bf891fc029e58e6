// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit suite of PCI message stores: what all of them have in common, on a fake
 * device
 *
 * The slots of the store in a BAR are as simple as can be. Those of real devices
 * are a matter of their drivers, and of the suites of those.
 */
#include <kunit/ims_fake.h>
#include <kunit/test.h>

#include <linux/array_size.h>
#include <linux/bits.h>
#include <linux/cpumask.h>
#include <linux/errno.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/irq.h>
#include <linux/irqdomain.h>
#include <linux/module.h>
#include <linux/msi.h>
#include <linux/pci.h>
#include <linux/pci_ims.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/unaligned.h>
#include <linux/workqueue.h>

#define BAR_SIZE	SZ_4K
#define SLOTS		8

/* A slot: message address and data, and a control word with the mask bit */
#define STRIDE		16
#define ADDRESS_LO	0
#define ADDRESS_HI	4
#define DATA		8
#define CTRL		12
#define CTRL_MASKED	BIT(0)

/* Where a store with arrays of mask bits and pending bits has them */
#define MASK_BAR	3
#define MASK_BITS	0x800
#define PENDING_BITS	0x900

/* The values which a message behind a command carries along */
#define NR_COOKIES	2

struct pci_ims_test {
	struct ims_fake		*fake;
	struct pci_ims		ims;
	unsigned int		base;
	unsigned int		fired;

	/* What the device was told by how many commands, and which of them fail */
	struct pci_ims_msg	msgs[SLOTS];
	u32			cookies[SLOTS][NR_COOKIES];
	unsigned int		commands;
	unsigned int		fail_from;
	unsigned int		fail_nr;
	int			status;
	/* The interrupt which tells that a command is done, and how often it could not */
	unsigned int		event;
	unsigned int		unheard;

	/* What the peer was told, and how often */
	struct msi_msg		peer[SLOTS];
	unsigned int		told;
};

static const struct ims_fake_params test_machine = {
	.msix		= 4,
	.vectors	= 64,
	.bar_size	= BAR_SIZE,
	.supports	= MSI_FLAG_PCI_IMS,
	.address_hi	= 0x1234,
};

/* --- A store in a BAR ------------------------------------------------------------- */

static void __iomem *test_iobase(struct irq_data *data)
{
	return irq_data_get_msi_desc(data)->data.dcookie.iobase;
}

static void test_write_ctrl(void __iomem *slot, u32 ctrl)
{
	writel(ctrl, slot + CTRL);
	readl(slot + CTRL);
}

static void test_slot_prepare(struct pci_ims *ims, struct msi_desc *desc)
{
	test_write_ctrl(desc->data.dcookie.iobase, desc->data.icookie.value | CTRL_MASKED);
}

static void test_slot_mask(struct irq_data *data)
{
	u32 ctrl = irq_data_get_msi_desc(data)->data.icookie.value;

	test_write_ctrl(test_iobase(data), ctrl | CTRL_MASKED);
	pci_ims_mask_parent(data);
}

static void test_slot_unmask(struct irq_data *data)
{
	pci_ims_unmask_parent(data);
	test_write_ctrl(test_iobase(data), irq_data_get_msi_desc(data)->data.icookie.value);
}

static void test_slot_put(void __iomem *slot, const struct msi_msg *msg)
{
	writel(msg->address_lo, slot + ADDRESS_LO);
	writel(msg->address_hi, slot + ADDRESS_HI);
	writel(msg->data, slot + DATA);
	readl(slot + DATA);
}

static void test_slot_write(struct irq_data *data, struct msi_msg *msg)
{
	irq_data_get_msi_desc(data)->msg = *msg;
	test_slot_put(test_iobase(data), msg);
}

/* As where a message changes while it is in use */
static void test_slot_write_live(struct irq_data *data, struct msi_msg *msg)
{
	test_slot_write(data, msg);
	if (!irqd_irq_masked(data))
		test_write_ctrl(test_iobase(data), irq_data_get_msi_desc(data)->data.icookie.value);
}

static void test_slot_shutdown(struct irq_data *data)
{
	const struct msi_msg none = { };

	test_slot_mask(data);
	test_slot_put(test_iobase(data), &none);
}

static const struct pci_ims_info test_slot_info = {
	.name			= "TEST-SLOT",
	.max			= SLOTS,
	.stride			= STRIDE,
	.align			= 8,
	.cookie.value		= 0x40,
	.prepare		= test_slot_prepare,
	.irq_mask		= test_slot_mask,
	.irq_unmask		= test_slot_unmask,
	.irq_write_msi_msg	= test_slot_write,
	.irq_shutdown		= test_slot_shutdown,
};

/* --- The same, with the mask bits elsewhere ----------------------------------------- */

static void test_bits_prepare(struct pci_ims *ims, struct msi_desc *desc)
{
	pci_ims_set_mask(ims, desc->msi_index, true, false);
}

static void test_bits_mask(struct irq_data *data)
{
	pci_ims_set_mask(pci_ims_of(data), data->hwirq, true, false);
	pci_ims_mask_parent(data);
}

static void test_bits_unmask(struct irq_data *data)
{
	pci_ims_unmask_parent(data);
	pci_ims_set_mask(pci_ims_of(data), data->hwirq, false, false);
}

static void test_bits_shutdown(struct irq_data *data)
{
	const struct msi_msg none = { };

	test_bits_mask(data);
	test_slot_put(test_iobase(data), &none);
}

static const struct pci_ims_info test_bits_info = {
	.name			= "TEST-BITS",
	.max			= 64,
	.stride			= STRIDE,
	.align			= 8,
	.mask_bits		= { .present = true, .bar = MASK_BAR, .offset = MASK_BITS },
	.pending		= { .present = true, .bar = MASK_BAR, .offset = PENDING_BITS },
	.prepare		= test_bits_prepare,
	.irq_mask		= test_bits_mask,
	.irq_unmask		= test_bits_unmask,
	.irq_write_msi_msg	= test_slot_write,
	.irq_shutdown		= test_bits_shutdown,
};

/* --- A store behind a command, and one at a peer -------------------------------------- */

static const struct pci_ims_info test_command_info = {
	.name		= "TEST-COMMAND",
	.max		= SLOTS,
	.nr_cookies	= NR_COOKIES,
};

static const struct pci_ims_info test_peer_info = {
	.name		= "TEST-PEER",
	.max		= SLOTS,
};

static int test_command(struct pci_ims *ims, const struct pci_ims_msg *msg)
{
	struct pci_ims_test *ctx = container_of(ims, struct pci_ims_test, ims);

	might_sleep();
	if (ctx->event && irqd_irq_masked(irq_get_irq_data(ctx->event)))
		ctx->unheard++;
	if (ctx->commands++ - ctx->fail_from < ctx->fail_nr)
		return ctx->status;
	ctx->msgs[msg->index] = *msg;
	memcpy(ctx->cookies[msg->index], msg->cookie, sizeof(ctx->cookies[0]));
	return 0;
}

/* From here on the next @nr commands fail */
static void test_fail(struct pci_ims_test *ctx, unsigned int nr, int status)
{
	ctx->fail_from = ctx->commands;
	ctx->fail_nr = nr;
	ctx->status = status;
}

static void test_changed(struct pci_ims *ims, unsigned int index, const struct msi_msg *msg)
{
	struct pci_ims_test *ctx = container_of(ims, struct pci_ims_test, ims);

	ctx->told++;
	ctx->peer[index] = *msg;
}

/* --- The device ------------------------------------------------------------------------ */

static irqreturn_t test_count(int irq, void *data)
{
	unsigned int *count = data;

	(*count)++;
	return IRQ_HANDLED;
}

static void test_exit(void *data)
{
	struct pci_ims_test *ctx = data;

	pci_ims_exit(&ctx->ims);
}

static struct pci_ims_test *test_create(struct kunit *test, const struct ims_fake_params *machine)
{
	struct pci_ims_test *ctx = kunit_kzalloc(test, sizeof(*ctx), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, ctx);
	ctx->fake = ims_fake_create(test, machine);
	ctx->base = 0x100;
	ctx->status = -EIO;
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, test_exit, ctx), 0);
	return ctx;
}

/* Parameters which are right for the store */
static struct pci_ims_params test_params(struct pci_ims_test *ctx, const struct pci_ims_info *info)
{
	struct pci_ims_params params = { .nr = SLOTS };

	if (info->stride) {
		params.bar = ctx->fake->bar;
		params.offset = ctx->base;
	} else if (info->nr_cookies) {
		params.command = test_command;
	} else {
		params.changed = test_changed;
	}
	if (info->mask_bits.present)
		params.mask_bar = ctx->fake->bar;
	if (info->pending.present)
		params.pending_bar = ctx->fake->bar;
	return params;
}

static int test_init(struct pci_ims_test *ctx, const struct pci_ims_info *info)
{
	struct pci_ims_params params = test_params(ctx, info);

	return pci_ims_init(&ctx->ims, ctx->fake->pdev, info, &params);
}

static struct pci_ims_test *test_setup_on(struct kunit *test,
					  const struct ims_fake_params *machine,
					  const struct pci_ims_info *info)
{
	struct pci_ims_test *ctx = test_create(test, machine);

	KUNIT_ASSERT_EQ(test, test_init(ctx, info), 0);
	return ctx;
}

static struct pci_ims_test *test_setup(struct kunit *test, const struct pci_ims_info *info)
{
	return test_setup_on(test, &test_machine, info);
}

/* What is left after the driver has gone: nothing */
static void test_end(struct kunit *test, struct pci_ims_test *ctx)
{
	kunit_release_action(test, test_exit, ctx);
	KUNIT_EXPECT_TRUE(test, mem_is_zero(&ctx->ims, sizeof(ctx->ims)));
	KUNIT_EXPECT_EQ(test, ctx->fake->allocated, 0);
	KUNIT_EXPECT_EQ(test, ctx->fake->active, 0);
	ims_fake_detach(ctx->fake);
	KUNIT_EXPECT_PTR_EQ(test, ctx->fake->pdev->dev.msi.data, NULL);
	ims_fake_destroy(test, ctx->fake);
}

/* The interrupt of a message, with a handler which counts */
static unsigned int test_special(struct kunit *test, struct pci_ims_test *ctx, unsigned int index)
{
	unsigned int irq = 0;

	KUNIT_ASSERT_EQ(test, pci_ims_special(&ctx->ims, index, &irq), 0);
	KUNIT_ASSERT_GT(test, irq, 0);
	KUNIT_ASSERT_EQ(test, request_irq(irq, test_count, 0, "test", &ctx->fired), 0);
	return irq;
}

static void test_free(struct pci_ims_test *ctx, unsigned int irq)
{
	free_irq(irq, &ctx->fired);
}

static struct msi_map test_alloc(struct pci_ims_test *ctx, unsigned int index)
{
	return pci_ims_alloc(&ctx->ims, index, ctx->ims.info ? ctx->ims.info->cookie :
			     (union msi_instance_cookie) { }, NULL);
}

/* Disable for good, not only when the next interrupt arrives */
static void test_disable(unsigned int irq)
{
	irq_set_status_flags(irq, IRQ_DISABLE_UNLAZY);
	disable_irq(irq);
}

/* --- What the device has, and does ------------------------------------------------------ */

static u8 *test_slot(struct pci_ims_test *ctx, unsigned int index)
{
	return ctx->fake->mem + ctx->base + index * STRIDE;
}

/* A word of a slot */
static u32 test_word(struct pci_ims_test *ctx, unsigned int index, unsigned int offset)
{
	return get_unaligned_le32(test_slot(ctx, index) + offset);
}

static u8 *test_bits(struct pci_ims_test *ctx, unsigned int offset, unsigned int index)
{
	return ctx->fake->mem + offset + index / 32 * sizeof(u32);
}

static bool test_bit_set(struct pci_ims_test *ctx, unsigned int offset, unsigned int index)
{
	return get_unaligned_le32(test_bits(ctx, offset, index)) & BIT(index % 32);
}

static void test_set_pending(struct pci_ims_test *ctx, unsigned int index, bool pending)
{
	u8 *word = test_bits(ctx, PENDING_BITS, index);
	u32 bits = get_unaligned_le32(word) & ~BIT(index % 32);

	put_unaligned_le32(pending ? bits | BIT(index % 32) : bits, word);
}

/* The message which the device would send, empty when it must not */
static struct msi_msg test_message(struct pci_ims_test *ctx, unsigned int index)
{
	const struct pci_ims_info *info = ctx->ims.info;
	struct msi_msg msg = { };
	bool masked;

	if (!info->stride) {
		if (ctx->ims.params.changed)
			return ctx->peer[index];
		msg.address_lo = ctx->msgs[index].address_lo;
		msg.address_hi = ctx->msgs[index].address_hi;
		msg.data = ctx->msgs[index].data;
		masked = ctx->msgs[index].masked;
	} else {
		msg.address_lo = test_word(ctx, index, ADDRESS_LO);
		msg.address_hi = test_word(ctx, index, ADDRESS_HI);
		msg.data = test_word(ctx, index, DATA);
		masked = info->mask_bits.present ? test_bit_set(ctx, MASK_BITS, index) :
			 test_word(ctx, index, CTRL) & CTRL_MASKED;
	}
	if (masked)
		memset(&msg, 0, sizeof(msg));
	return msg;
}

/* An event: what the device has is sent, or waits until it may be */
static int test_fire(struct pci_ims_test *ctx, unsigned int index)
{
	struct msi_msg msg = test_message(ctx, index);
	bool none = !msg.address_lo && !msg.address_hi && !msg.data;

	if (ctx->ims.info->pending.present)
		test_set_pending(ctx, index, none);
	if (none)
		return -EAGAIN;
	return ims_fake_send(ctx->fake, (u64)msg.address_hi << 32 | msg.address_lo, msg.data);
}

/* --- All stores --------------------------------------------------------------------------- */

/* What a store has to do well, whatever kind it is of */
static const struct pci_ims_info * const test_infos[] = {
	&test_slot_info, &test_bits_info, &test_command_info, &test_peer_info,
};

static void test_info_name(const struct pci_ims_info * const *info, char *name)
{
	strscpy(name, (*info)->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(pci_ims, test_infos, test_info_name);

static const struct pci_ims_info *test_info(struct kunit *test)
{
	return *(const struct pci_ims_info * const *)test->param_value;
}

/* A message with a fixed purpose is at its index and nowhere else, and arrives */
static void pci_ims_test_special(struct kunit *test)
{
	const struct pci_ims_info *info = test_info(test);
	struct pci_ims_test *ctx = test_setup(test, info);
	unsigned int i, irqs[SLOTS];

	KUNIT_EXPECT_EQ(test, ctx->ims.nr, SLOTS);
	for (i = 0; i < SLOTS; i++) {
		KUNIT_ASSERT_EQ(test, pci_ims_special(&ctx->ims, i, &irqs[i]), 0);
		KUNIT_EXPECT_EQ(test, irq_get_msi_desc(irqs[i])->msi_index, i);
		KUNIT_EXPECT_PTR_EQ(test, pci_ims_of(irq_get_irq_data(irqs[i])), &ctx->ims);
		/* Not before there is a handler */
		KUNIT_EXPECT_EQ(test, test_fire(ctx, i), -EAGAIN);
	}
	for (i = 0; i < SLOTS; i++)
		KUNIT_ASSERT_EQ(test, request_irq(irqs[i], test_count, 0, "test", &ctx->fired), 0);
	for (i = 0; i < SLOTS; i++) {
		KUNIT_EXPECT_EQ(test, test_fire(ctx, i), 0);
		KUNIT_EXPECT_EQ(test, ctx->fired, i + 1);
	}

	/* And not after that */
	for (i = 0; i < SLOTS; i++) {
		test_free(ctx, irqs[i]);
		KUNIT_EXPECT_EQ(test, test_fire(ctx, i), -EAGAIN);
	}
	/* A thread needs no primary handler: the message is sent once */
	KUNIT_ASSERT_EQ(test, request_threaded_irq(irqs[0], NULL, test_count, 0, "test",
						   &ctx->fired), 0);
	test_free(ctx, irqs[0]);
	/* The end of the store is the end of its interrupts */
	test_end(test, ctx);
	KUNIT_EXPECT_PTR_EQ(test, irq_get_msi_desc(irqs[0]), NULL);
}

/* Each message is somebody's or nobody's */
static void pci_ims_test_alloc(struct kunit *test)
{
	struct pci_ims_test *ctx = test_setup(test, test_info(test));
	struct msi_map map, other;

	map = test_alloc(ctx, SLOTS - 1);
	KUNIT_ASSERT_EQ(test, map.index, SLOTS - 1);
	KUNIT_EXPECT_GT(test, map.virq, 0);
	other = test_alloc(ctx, SLOTS - 1);
	KUNIT_EXPECT_EQ(test, other.index, -EBUSY);
	other = test_alloc(ctx, SLOTS);
	KUNIT_EXPECT_EQ(test, other.index, -EINVAL);
	other = test_alloc(ctx, UINT_MAX);
	KUNIT_EXPECT_EQ(test, other.index, -EINVAL);
	KUNIT_EXPECT_EQ(test, ctx->fake->allocated, 1);

	pci_ims_free(&ctx->ims, map);
	KUNIT_EXPECT_EQ(test, ctx->fake->allocated, 0);
	map = test_alloc(ctx, SLOTS - 1);
	KUNIT_EXPECT_EQ(test, map.index, SLOTS - 1);
	pci_ims_free(&ctx->ims, map);
	test_end(test, ctx);
}

static void test_address(struct kunit *test,
			 void (*write)(struct irq_data *data, struct msi_msg *msg))
{
	static struct pci_ims_info info;
	struct pci_ims_test *ctx;
	struct irq_data *data;
	struct msi_map map;
	struct msi_msg msg;

	info = test_slot_info;
	info.address_bits = U32_MAX;
	info.irq_write_msi_msg = write;
	ctx = test_setup(test, &info);
	ctx->fake->params.address_hi = 1;
	map = test_alloc(ctx, 2);
	KUNIT_EXPECT_EQ(test, map.index, -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, ctx->fake->allocated, 0);
	ctx->fake->params.address_hi = 0;
	map = test_alloc(ctx, 2);
	KUNIT_ASSERT_EQ(test, map.index, 2);
	KUNIT_ASSERT_EQ(test, request_irq(map.virq, test_count, 0, "test", &ctx->fired), 0);
	KUNIT_EXPECT_EQ(test, test_word(ctx, 2, CTRL) & CTRL_MASKED, 0);

	/* One that gets such an address later is not sent, and is sent again when it has another */
	data = irq_get_irq_data(map.virq);
	msg.address_lo = 0xfee00000;
	msg.address_hi = 1;
	msg.data = 7;
	data->chip->irq_write_msi_msg(data, &msg);
	KUNIT_EXPECT_EQ(test, test_word(ctx, 2, ADDRESS_LO), 0);
	KUNIT_EXPECT_EQ(test, test_word(ctx, 2, DATA), 0);
	KUNIT_EXPECT_EQ(test, test_word(ctx, 2, CTRL) & CTRL_MASKED, CTRL_MASKED);
	data->chip->irq_unmask(data);
	KUNIT_EXPECT_EQ(test, test_word(ctx, 2, CTRL) & CTRL_MASKED, CTRL_MASKED);
	test_write_ctrl(ctx->fake->bar + ctx->base + 2 * STRIDE, 0);
	pci_ims_restore(&ctx->ims);
	KUNIT_EXPECT_EQ(test, test_word(ctx, 2, CTRL) & CTRL_MASKED, CTRL_MASKED);
	KUNIT_EXPECT_EQ(test, test_word(ctx, 2, ADDRESS_LO), 0);
	msg.address_hi = 0;
	data->chip->irq_write_msi_msg(data, &msg);
	KUNIT_EXPECT_EQ(test, test_word(ctx, 2, ADDRESS_LO), 0xfee00000);
	KUNIT_EXPECT_EQ(test, test_word(ctx, 2, DATA), 7);
	if (write != test_slot_write_live) {
		KUNIT_EXPECT_EQ(test, test_word(ctx, 2, CTRL) & CTRL_MASKED, CTRL_MASKED);
		data->chip->irq_unmask(data);
	}
	KUNIT_EXPECT_EQ(test, test_word(ctx, 2, CTRL) & CTRL_MASKED, 0);
	test_free(ctx, map.virq);
	pci_ims_free(&ctx->ims, map);
	test_end(test, ctx);
}

/* An address that the device can't hold is refused, and nothing is left of that */
static void pci_ims_test_address(struct kunit *test)
{
	test_address(test, test_slot_write);
}

static void pci_ims_test_address_live(struct kunit *test)
{
	test_address(test, test_slot_write_live);
}

/* A device which has a store in use can be asked for its messages beside that */
static void pci_ims_test_beside_msix(struct kunit *test)
{
	struct pci_ims_test *ctx = test_setup(test, test_info(test));
	unsigned int irq;

	KUNIT_ASSERT_EQ(test, pci_alloc_irq_vectors(ctx->fake->pdev, 1, 2, PCI_IRQ_MSIX), 2);
	irq = test_special(test, ctx, 1);
	KUNIT_EXPECT_NE(test, irq, pci_irq_vector(ctx->fake->pdev, 1));
	KUNIT_EXPECT_EQ(test, test_fire(ctx, 1), 0);
	KUNIT_EXPECT_EQ(test, ctx->fired, 1);
	pci_free_irq_vectors(ctx->fake->pdev);
	KUNIT_EXPECT_EQ(test, test_fire(ctx, 1), 0);
	KUNIT_EXPECT_EQ(test, ctx->fired, 2);
	test_free(ctx, irq);
	test_end(test, ctx);
}

/* What is disabled does not arrive, and is not lost */
static void pci_ims_test_disabled(struct kunit *test)
{
	const struct pci_ims_info *info = test_info(test);
	struct pci_ims_test *ctx = test_setup(test, info);
	unsigned int irq = test_special(test, ctx, 2);

	test_disable(irq);
	if (ctx->ims.params.changed) {
		/* Nothing masks a peer: what it sends waits */
		KUNIT_EXPECT_EQ(test, test_fire(ctx, 2), 0);
		KUNIT_EXPECT_EQ(test, ctx->fired, 0);
		enable_irq(irq);
		KUNIT_EXPECT_EQ(test, ims_fake_resend(ctx->fake), 1);
	} else {
		KUNIT_EXPECT_EQ(test, test_fire(ctx, 2), -EAGAIN);
		enable_irq(irq);
		KUNIT_EXPECT_EQ(test, ctx->fired, 0);
		KUNIT_EXPECT_EQ(test, test_fire(ctx, 2), 0);
	}
	KUNIT_EXPECT_EQ(test, ctx->fired, 1);
	test_free(ctx, irq);
	test_end(test, ctx);
}

/* A parent which masks is told, in both directions */
static void pci_ims_test_mask_parent(struct kunit *test)
{
	const struct pci_ims_info *info = test_info(test);
	struct ims_fake_params machine = test_machine;
	struct pci_ims_test *ctx;
	unsigned int irq, parent;

	machine.masks_parent = true;
	ctx = test_setup_on(test, &machine, info);
	irq = test_special(test, ctx, 3);
	parent = irq_domain_get_irq_data(ctx->fake->parent, irq)->hwirq;
	KUNIT_EXPECT_FALSE(test, test_bit(parent, ctx->fake->masked));
	KUNIT_EXPECT_EQ(test, test_fire(ctx, 3), 0);
	KUNIT_EXPECT_EQ(test, ctx->fired, 1);

	test_disable(irq);
	KUNIT_EXPECT_TRUE(test, test_bit(parent, ctx->fake->masked));
	if (ctx->ims.params.changed)
		KUNIT_EXPECT_EQ(test, test_fire(ctx, 3), -EBUSY);
	enable_irq(irq);
	KUNIT_EXPECT_FALSE(test, test_bit(parent, ctx->fake->masked));
	if (ctx->ims.params.changed)
		KUNIT_EXPECT_EQ(test, ims_fake_resend(ctx->fake), 1);
	else
		KUNIT_EXPECT_EQ(test, test_fire(ctx, 3), 0);
	KUNIT_EXPECT_EQ(test, ctx->fired, 2);

	test_free(ctx, irq);
	KUNIT_EXPECT_TRUE(test, test_bit(parent, ctx->fake->masked));
	test_end(test, ctx);
}

/* After a reset all messages in use come back, and with them who was masked */
static void pci_ims_test_restore(struct kunit *test)
{
	struct pci_ims_test *ctx = test_setup(test, test_info(test));
	unsigned int irq, off, idle;

	irq = test_special(test, ctx, 1);
	off = test_special(test, ctx, 2);
	KUNIT_ASSERT_EQ(test, pci_ims_special(&ctx->ims, 3, &idle), 0);
	test_disable(off);

	/* Whatever it is that the device has now */
	memset(ctx->fake->mem, 0x5a, BAR_SIZE);
	memset(ctx->msgs, 0, sizeof(ctx->msgs));
	memset(ctx->peer, 0, sizeof(ctx->peer));
	pci_ims_restore(&ctx->ims);
	KUNIT_EXPECT_EQ(test, test_fire(ctx, 1), 0);
	KUNIT_EXPECT_EQ(test, ctx->fired, 1);
	KUNIT_EXPECT_EQ(test, test_fire(ctx, 3), -EAGAIN);
	if (!ctx->ims.params.changed)
		KUNIT_EXPECT_EQ(test, test_fire(ctx, 2), -EAGAIN);
	enable_irq(off);
	KUNIT_EXPECT_EQ(test, test_fire(ctx, 2), 0);
	KUNIT_EXPECT_EQ(test, ctx->fired, 2);

	test_free(ctx, irq);
	test_free(ctx, off);
	KUNIT_EXPECT_EQ(test, test_fire(ctx, 1), -EAGAIN);
	test_end(test, ctx);
}

/* A parent hears nothing of who has not requested the interrupt */
static void pci_ims_test_restore_idle(struct kunit *test)
{
	struct ims_fake_params machine = test_machine;
	struct pci_ims_test *ctx;
	unsigned int idle, parent;

	machine.masks_parent = true;
	ctx = test_setup_on(test, &machine, test_info(test));
	KUNIT_ASSERT_EQ(test, pci_ims_special(&ctx->ims, 3, &idle), 0);
	parent = irq_domain_get_irq_data(ctx->fake->parent, idle)->hwirq;
	clear_bit(parent, ctx->fake->masked);
	pci_ims_restore(&ctx->ims);
	KUNIT_EXPECT_FALSE(test, test_bit(parent, ctx->fake->masked));
	test_end(test, ctx);
}

/* After shutdown no message is sent anymore, not even of who is disabled already */
static void pci_ims_test_shutdown(struct kunit *test)
{
	struct pci_ims_test *ctx = test_setup(test, test_info(test));
	unsigned int irq, lazy, idle;

	irq = test_special(test, ctx, 1);
	lazy = test_special(test, ctx, SLOTS - 1);
	KUNIT_ASSERT_EQ(test, pci_ims_special(&ctx->ims, 3, &idle), 0);
	disable_irq(lazy);
	KUNIT_EXPECT_FALSE(test, irqd_irq_masked(irq_get_irq_data(lazy)));

	pci_ims_shutdown(&ctx->ims);
	KUNIT_EXPECT_TRUE(test, irqd_irq_masked(irq_get_irq_data(irq)));
	KUNIT_EXPECT_TRUE(test, irqd_irq_masked(irq_get_irq_data(lazy)));
	if (!ctx->ims.params.changed) {
		KUNIT_EXPECT_EQ(test, test_fire(ctx, 1), -EAGAIN);
		KUNIT_EXPECT_EQ(test, test_fire(ctx, SLOTS - 1), -EAGAIN);
	}
	test_free(ctx, irq);
	test_free(ctx, lazy);
	test_end(test, ctx);
}

/* A change of affinity which changes the message ends up in the store */
static void pci_ims_test_affinity(struct kunit *test)
{
	unsigned int cpu = cpumask_last(cpu_online_mask), irq;
	struct ims_fake_params machine = test_machine;
	struct pci_ims_test *ctx;
	struct msi_msg msg;

	if (!IS_ENABLED(CONFIG_SMP) || test_info(test) == &test_command_info)
		kunit_skip(test, "there is one CPU only, or messages which have to stay");

	machine.rewrites = true;
	ctx = test_setup_on(test, &machine, test_info(test));
	irq = test_special(test, ctx, 4);
	KUNIT_EXPECT_EQ(test, irq_set_affinity(irq, cpumask_of(cpu)), 0);
	get_cached_msi_msg(irq, &msg);
	KUNIT_EXPECT_EQ(test, test_message(ctx, 4).address_lo, msg.address_lo);
	KUNIT_EXPECT_EQ(test, test_fire(ctx, 4), 0);
	KUNIT_EXPECT_EQ(test, ctx->fired, 1);
	test_free(ctx, irq);
	test_end(test, ctx);
}

/* --- The way up and down -------------------------------------------------------------- */

/* What is set up already is not touched, and a device has one store at a time */
static void pci_ims_test_init_twice(struct kunit *test)
{
	const struct pci_ims_info *info = test_info(test);
	struct pci_ims_test *ctx = test_setup(test, info);
	struct pci_ims_params params = test_params(ctx, info);
	unsigned int irq = test_special(test, ctx, 1);
	struct pci_ims *other;

	KUNIT_EXPECT_EQ(test, test_init(ctx, info), -EBUSY);
	params.nr = 1;
	KUNIT_EXPECT_EQ(test, pci_ims_init(&ctx->ims, ctx->fake->pdev, info, &params), -EBUSY);
	KUNIT_EXPECT_EQ(test, ctx->ims.nr, SLOTS);

	other = kunit_kzalloc(test, sizeof(*other), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, other);
	KUNIT_EXPECT_EQ(test, pci_ims_init(other, ctx->fake->pdev, info, &params), -EBUSY);
	KUNIT_EXPECT_TRUE(test, mem_is_zero(other, sizeof(*other)));
	pci_ims_exit(other);

	KUNIT_EXPECT_EQ(test, test_fire(ctx, 1), 0);
	KUNIT_EXPECT_EQ(test, ctx->fired, 1);
	test_free(ctx, irq);
	test_end(test, ctx);
}

/* After a failure, and after its end, it can be set up again */
static void pci_ims_test_init_again(struct kunit *test)
{
	const struct pci_ims_info *info = test_info(test);
	struct pci_ims_test *ctx = test_create(test, &test_machine);
	struct pci_ims_params params = test_params(ctx, info);
	unsigned int i, irq;

	/* What was never there can end, too */
	pci_ims_shutdown(&ctx->ims);
	pci_ims_restore(&ctx->ims);
	pci_ims_exit(&ctx->ims);

	params.nr = info->max + 1;
	KUNIT_EXPECT_EQ(test, pci_ims_init(&ctx->ims, ctx->fake->pdev, info, &params), -EINVAL);
	params.nr = 0;
	KUNIT_EXPECT_EQ(test, pci_ims_init(&ctx->ims, ctx->fake->pdev, info, &params), -EINVAL);
	KUNIT_EXPECT_TRUE(test, mem_is_zero(&ctx->ims, sizeof(ctx->ims)));

	for (i = 0; i < 3; i++) {
		KUNIT_ASSERT_EQ(test, test_init(ctx, info), 0);
		irq = test_special(test, ctx, i);
		KUNIT_EXPECT_EQ(test, test_fire(ctx, i), 0);
		KUNIT_EXPECT_EQ(test, ctx->fired, i + 1);
		test_free(ctx, irq);
		pci_ims_exit(&ctx->ims);
		pci_ims_exit(&ctx->ims);
		KUNIT_EXPECT_TRUE(test, mem_is_zero(&ctx->ims, sizeof(ctx->ims)));
		KUNIT_EXPECT_EQ(test, ctx->fake->allocated, 0);
	}
	test_end(test, ctx);
}

/* A machine which can't deliver the messages, or not as safely as they have to be */
static void pci_ims_test_not_supported(struct kunit *test)
{
	struct pci_ims_info info = *test_info(test);
	struct ims_fake_params machine;
	struct pci_ims_params params;
	struct pci_ims_test *ctx;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		machine = test_machine;
		if (i % 2)
			machine.supports = 0;
		else
			machine.not_isolated = true;
		info.isolated = true;
		info.optional = i / 2;
		ctx = test_create(test, &machine);
		KUNIT_EXPECT_EQ(test, test_init(ctx, &info), info.optional ? 0 : -EOPNOTSUPP);
		KUNIT_EXPECT_EQ(test, ctx->ims.nr, 0);
		KUNIT_EXPECT_EQ(test, test_alloc(ctx, 0).index, -EINVAL);
		pci_ims_restore(&ctx->ims);
		pci_ims_shutdown(&ctx->ims);
		test_end(test, ctx);
	}

	/* The device may lack it, too */
	ctx = test_create(test, &test_machine);
	params = test_params(ctx, &info);
	params.nr = 0;
	KUNIT_EXPECT_EQ(test, pci_ims_init(&ctx->ims, ctx->fake->pdev, &info, &params), 0);
	KUNIT_EXPECT_EQ(test, ctx->ims.nr, 0);
	test_end(test, ctx);

	/* Safety which nobody asks for need not be there */
	machine = test_machine;
	machine.not_isolated = true;
	info.isolated = false;
	ctx = test_setup_on(test, &machine, &info);
	KUNIT_EXPECT_EQ(test, ctx->ims.nr, SLOTS);
	test_end(test, ctx);
}

static bool test_refuse(struct device *dev, struct irq_domain *domain,
			struct irq_domain *real_parent, struct msi_domain_info *info)
{
	return false;
}

/*
 * A parent which says by its flags that it can, and then makes no domain: memory may
 * be short, so that is no machine which an optional store does not have to be on
 */
static void pci_ims_test_no_domain(struct kunit *test)
{
	struct pci_ims_info info = *test_info(test);
	struct pci_ims_test *ctx;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		info.optional = i;
		ctx = test_create(test, &test_machine);
		ctx->fake->ops.init_dev_msi_info = test_refuse;
		KUNIT_EXPECT_EQ(test, test_init(ctx, &info), -ENODEV);
		KUNIT_EXPECT_TRUE(test, mem_is_zero(&ctx->ims, sizeof(ctx->ims)));
		test_end(test, ctx);
	}
}

/* --- Slots ------------------------------------------------------------------------------ */

struct test_place {
	const char	*what;
	unsigned int	nr;
	u32		offset;
	u32		mask_bits;
	u32		pending;
	u32		table;
	int		ret;
};

/* Offsets and numbers can come from the device */
static const struct test_place test_places[] = {
	{ "at the end", 8, BAR_SIZE - 8 * STRIDE, .ret = 0 },
	{ "one too many", 8, BAR_SIZE - 7 * STRIDE, .ret = -EINVAL },
	{ "8 bytes too far", 8, BAR_SIZE - 8 * STRIDE + 8, .ret = -EINVAL },
	{ "behind the BAR", 1, BAR_SIZE, .ret = -EINVAL },
	{ "wraps around", 8, 0xfffffff8, .ret = -EINVAL },
	{ "not aligned", 8, 0x104, .ret = -EINVAL },
	{ "all of the BAR", 64, 0, .ret = 0 },
	{ "more than there can be", 65, 0, .ret = -EINVAL },
	{ "mask bits at the end", 33, 0, .mask_bits = BAR_SIZE - 8, .ret = 0 },
	{ "mask bits behind", 33, 0, .mask_bits = BAR_SIZE - 4, .ret = -EINVAL },
	{ "mask bits wrap around", 33, 0, .mask_bits = 0xfffffffc, .ret = -EINVAL },
	{ "pending bits at the end", 33, 0, .pending = BAR_SIZE - 8, .ret = 0 },
	{ "pending bits behind", 33, 0, .pending = BAR_SIZE - 4, .ret = -EINVAL },
	{ "table at the end", 12, 0, .table = BAR_SIZE - 8 * STRIDE, .ret = 0 },
	{ "table behind", 12, 0, .table = BAR_SIZE - 7 * STRIDE, .ret = -EINVAL },
	{ "table behind, not used", 4, 0, .table = BAR_SIZE, .ret = 0 },
	{ "more than in the tables", 13, 0, .table = 0x400, .ret = -EINVAL },
};

static void test_place_name(const struct test_place *place, char *name)
{
	strscpy(name, place->what, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(test_place, test_places, test_place_name);

/* A store which is not inside of its BAR is none */
static void pci_ims_test_bounds(struct kunit *test)
{
	const struct test_place *place = test->param_value;
	const struct pci_ims_table tables[] = { { 0x200, 4 }, { place->table, 8 } };
	struct pci_ims_test *ctx = test_create(test, &test_machine);
	struct pci_ims_info info = test_bits_info;
	struct pci_ims_params params;

	info.mask_bits.present = place->mask_bits;
	info.mask_bits.offset = place->mask_bits;
	info.pending.present = place->pending;
	info.pending.offset = place->pending;
	if (place->table) {
		info.tables = tables;
		info.nr_tables = ARRAY_SIZE(tables);
	}
	params = test_params(ctx, &info);
	params.nr = place->nr;
	params.offset = place->offset;
	KUNIT_EXPECT_EQ(test, pci_ims_init(&ctx->ims, ctx->fake->pdev, &info, &params),
			place->ret);
	KUNIT_EXPECT_EQ(test, ctx->ims.nr, place->ret ? 0 : place->nr);
	test_end(test, ctx);
}

/* Which kind of store it is has to be said */
static void pci_ims_test_no_kind(struct kunit *test)
{
	struct pci_ims_test *ctx = test_create(test, &test_machine);
	struct pci_ims_params params = { .nr = 1 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(test_infos); i++)
		KUNIT_EXPECT_EQ(test, pci_ims_init(&ctx->ims, ctx->fake->pdev, test_infos[i],
						   &params), -EINVAL);
	test_end(test, ctx);
}

/* Where bits are has to be mapped */
static void pci_ims_test_no_bar(struct kunit *test)
{
	struct pci_ims_test *ctx = test_create(test, &test_machine);
	struct pci_ims_params params = { .nr = SLOTS, .bar = ctx->fake->bar };
	struct pci_ims_info info = test_slot_info;

	info.mask_bits.present = true;
	KUNIT_EXPECT_EQ(test, pci_ims_init(&ctx->ims, ctx->fake->pdev, &info, &params), -EINVAL);
	info.mask_bits.present = false;
	info.pending.present = true;
	KUNIT_EXPECT_EQ(test, pci_ims_init(&ctx->ims, ctx->fake->pdev, &info, &params), -EINVAL);
	info.pending.present = false;
	KUNIT_EXPECT_EQ(test, pci_ims_init(&ctx->ims, ctx->fake->pdev, &info, &params), 0);
	test_end(test, ctx);
}

/* A slot is where its index says, also when there are several tables */
static void pci_ims_test_tables(struct kunit *test)
{
	static const struct pci_ims_table tables[] = { { 0x200, 3 }, { 0x800, 1 }, { 0x400, 8 } };
	static const unsigned int offsets[SLOTS] = {
		0x200, 0x210, 0x220, 0x800, 0x400, 0x410, 0x420, 0x430,
	};
	struct pci_ims_info info = test_slot_info;
	struct pci_ims_test *ctx;
	struct msi_desc *desc;
	struct msi_map map;
	unsigned int i;

	info.tables = tables;
	info.nr_tables = ARRAY_SIZE(tables);
	ctx = test_setup(test, &info);
	for (i = 0; i < SLOTS; i++) {
		map = test_alloc(ctx, i);
		KUNIT_ASSERT_EQ(test, map.index, i);
		desc = irq_get_msi_desc(map.virq);
		KUNIT_EXPECT_TRUE(test, desc->data.dcookie.iobase == ctx->fake->bar + offsets[i]);
		/* With the cookie, and masked */
		KUNIT_EXPECT_EQ(test, get_unaligned_le32(ctx->fake->mem + offsets[i] + CTRL),
				0x40 | CTRL_MASKED);
		pci_ims_free(&ctx->ims, map);
	}
	test_end(test, ctx);
}

/* Slots can be in memory which the device fetches */
static void pci_ims_test_memory(struct kunit *test)
{
	struct pci_ims_test *ctx = test_create(test, &test_machine);
	struct pci_ims_params params = { .nr = SLOTS };
	struct pci_ims_info info = test_slot_info;
	struct msi_desc *desc;
	struct msi_map map;
	u8 *memory;

	memory = kunit_kzalloc(test, SLOTS * STRIDE + 8, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, memory);
	/* Where an offset in a BAR, and its size, mean nothing */
	params.offset = 0xffff0000;
	params.memory = memory + 4;
	KUNIT_EXPECT_EQ(test, pci_ims_init(&ctx->ims, ctx->fake->pdev, &info, &params), -EINVAL);
	params.memory = memory;
	info.prepare = test_bits_prepare;
	info.mask_bits = test_bits_info.mask_bits;
	params.mask_bar = ctx->fake->bar;
	KUNIT_ASSERT_EQ(test, pci_ims_init(&ctx->ims, ctx->fake->pdev, &info, &params), 0);
	map = test_alloc(ctx, 5);
	KUNIT_ASSERT_EQ(test, map.index, 5);
	desc = irq_get_msi_desc(map.virq);
	KUNIT_EXPECT_PTR_EQ(test, desc->data.dcookie.ptr, (void *)(memory + 5 * STRIDE));
	pci_ims_free(&ctx->ims, map);
	test_end(test, ctx);
}

/* Many messages have their mask bits in one word: each changes its own only */
static void pci_ims_test_mask_bits(struct kunit *test)
{
	unsigned int i, other, nr = 40, irqs[40], active_low;
	struct pci_ims_info info = test_bits_info;
	struct pci_ims_params params;
	struct pci_ims_test *ctx;

	for (active_low = 0; active_low < 2; active_low++) {
		/* The meaning of the bits is up to the functions of the chip, but for restore */
		info.mask_bits.active_low = active_low;
		ctx = test_create(test, &test_machine);
		params = test_params(ctx, &info);
		params.nr = nr;
		KUNIT_ASSERT_EQ(test, pci_ims_init(&ctx->ims, ctx->fake->pdev, &info, &params), 0);
		for (i = 0; i < nr; i++) {
			pci_ims_set_mask(&ctx->ims, i, active_low, false);
			for (other = i + 1; other < nr && other % 32; other++)
				KUNIT_EXPECT_NE(test, test_bit_set(ctx, MASK_BITS, other),
						active_low);
			KUNIT_EXPECT_EQ(test, test_bit_set(ctx, MASK_BITS, i), active_low);
		}
		test_end(test, ctx);
	}

	ctx = test_create(test, &test_machine);
	params = test_params(ctx, &test_bits_info);
	params.nr = nr;
	KUNIT_ASSERT_EQ(test, pci_ims_init(&ctx->ims, ctx->fake->pdev, &test_bits_info, &params),
			0);
	for (i = 0; i < nr; i++)
		irqs[i] = test_special(test, ctx, i);
	for (i = 0; i < nr; i++) {
		test_disable(irqs[i]);
		for (other = 0; other < nr; other++)
			KUNIT_EXPECT_EQ(test, test_bit_set(ctx, MASK_BITS, other), other == i);
		enable_irq(irqs[i]);
	}
	for (i = 0; i < nr; i++)
		test_free(ctx, irqs[i]);
	test_end(test, ctx);
}

/* While the store is restored no message is sent which is not there yet */
static void pci_ims_test_restore_bits(struct kunit *test)
{
	unsigned int i, data, irqs[SLOTS], written = 0, accesses;
	struct pci_ims_test *ctx = test_setup(test, &test_bits_info);
	const struct ims_fake_access *access;

	if (!ims_fake_counts_chip())
		kunit_skip(test, "accesses of the chip are counted on UML only");

	for (i = 0; i < SLOTS; i++)
		irqs[i] = test_special(test, ctx, i);
	test_disable(irqs[1]);
	memset(ctx->fake->mem, 0, BAR_SIZE);
	ims_fake_log_start(ctx->fake);
	pci_ims_restore(&ctx->ims);
	accesses = min(ctx->fake->nr_log, IMS_FAKE_LOG);
	KUNIT_EXPECT_GT(test, accesses, 3 * SLOTS);

	for (i = 0; i < accesses; i++) {
		access = &ctx->fake->log[i];
		data = access->offset - ctx->base;
		if (access->write && access->offset == MASK_BITS)
			KUNIT_EXPECT_EQ_MSG(test, ~access->value & ~written & 0xff, 0,
					    "access %u", i);
		else if (access->write && data < SLOTS * STRIDE && data % STRIDE == DATA)
			written |= BIT(data / STRIDE);
	}
	for (i = 0; i < SLOTS; i++)
		KUNIT_EXPECT_EQ(test, test_bit_set(ctx, MASK_BITS, i), i == 1);
	for (i = 0; i < SLOTS; i++)
		test_free(ctx, irqs[i]);
	test_end(test, ctx);
}

/* What the device could not send is pending, and arrives once it may */
static void pci_ims_test_pending(struct kunit *test)
{
	struct pci_ims_test *ctx = test_setup(test, &test_bits_info);
	unsigned int i, other, irq, index = 6;
	bool pending = true;

	memset(ctx->fake->mem + PENDING_BITS, 0, 8);
	for (i = 0; i < SLOTS; i++) {
		test_set_pending(ctx, i, true);
		for (other = 0; other < SLOTS; other++)
			KUNIT_EXPECT_EQ(test, pci_ims_is_pending(&ctx->ims, other), other == i);
		test_set_pending(ctx, i, false);
	}

	irq = test_special(test, ctx, index);
	KUNIT_EXPECT_EQ(test, irq_get_irqchip_state(irq, IRQCHIP_STATE_PENDING, &pending), 0);
	KUNIT_EXPECT_FALSE(test, pending);

	/* Masked in the device */
	test_disable(irq);
	KUNIT_EXPECT_EQ(test, test_fire(ctx, index), -EAGAIN);
	KUNIT_EXPECT_EQ(test, irq_get_irqchip_state(irq, IRQCHIP_STATE_PENDING, &pending), 0);
	KUNIT_EXPECT_TRUE(test, pending);
	enable_irq(irq);
	KUNIT_EXPECT_EQ(test, test_fire(ctx, index), 0);
	KUNIT_EXPECT_EQ(test, ctx->fired, 1);
	KUNIT_EXPECT_EQ(test, irq_get_irqchip_state(irq, IRQCHIP_STATE_PENDING, &pending), 0);
	KUNIT_EXPECT_FALSE(test, pending);

	/* Disabled only: it has left the device, and waits in the parent to be raised again */
	irq_clear_status_flags(irq, IRQ_DISABLE_UNLAZY);
	disable_irq(irq);
	KUNIT_EXPECT_EQ(test, test_fire(ctx, index), 0);
	enable_irq(irq);
	KUNIT_EXPECT_EQ(test, irq_get_irqchip_state(irq, IRQCHIP_STATE_PENDING, &pending), 0);
	KUNIT_EXPECT_TRUE(test, pending);
	KUNIT_EXPECT_EQ(test, ims_fake_resend(ctx->fake), 1);
	KUNIT_EXPECT_EQ(test, ctx->fired, 2);

	/* The device has nothing to say on anything else, the parent neither */
	KUNIT_EXPECT_NE(test, irq_get_irqchip_state(irq, IRQCHIP_STATE_ACTIVE, &pending), 0);
	test_free(ctx, irq);
	test_end(test, ctx);
}

/* --- Commands ----------------------------------------------------------------------------- */

/* Each step takes the commands it needs and no more, and they sleep */
static void pci_ims_test_commands(struct kunit *test)
{
	struct pci_ims_test *ctx = test_setup(test, &test_command_info);
	unsigned int irq, index = 2;

	/* Allocation is between the kernel and itself */
	KUNIT_ASSERT_EQ(test, pci_ims_special(&ctx->ims, index, &irq), 0);
	KUNIT_EXPECT_EQ(test, ctx->commands, 0);
	KUNIT_ASSERT_EQ(test, request_irq(irq, test_count, 0, "test", &ctx->fired), 0);
	KUNIT_EXPECT_EQ(test, ctx->commands, 1);
	KUNIT_EXPECT_EQ(test, test_fire(ctx, index), 0);
	KUNIT_EXPECT_EQ(test, ctx->fired, 1);
	KUNIT_EXPECT_EQ(test, ctx->commands, 1);

	/* Disabled lazily: nothing happens as long as nothing arrives */
	disable_irq(irq);
	enable_irq(irq);
	flush_work(&ctx->ims.work);
	KUNIT_EXPECT_EQ(test, ctx->commands, 1);

	/* Who wants it masked in the device gets that */
	test_disable(irq);
	KUNIT_EXPECT_EQ(test, ctx->commands, 2);
	KUNIT_EXPECT_TRUE(test, ctx->msgs[index].masked);
	enable_irq(irq);
	KUNIT_EXPECT_EQ(test, ctx->commands, 3);
	KUNIT_EXPECT_EQ(test, test_fire(ctx, index), 0);
	KUNIT_EXPECT_EQ(test, ctx->fired, 2);

	test_free(ctx, irq);
	KUNIT_EXPECT_EQ(test, ctx->commands, 4);
	KUNIT_EXPECT_EQ(test, ctx->msgs[index].address_lo, 0);
	KUNIT_EXPECT_EQ(test, ctx->msgs[index].address_hi, 0);
	KUNIT_EXPECT_EQ(test, ctx->msgs[index].data, 0);
	KUNIT_EXPECT_TRUE(test, ctx->msgs[index].masked);
	pci_ims_restore(&ctx->ims);
	test_end(test, ctx);
	KUNIT_EXPECT_EQ(test, ctx->commands, 4);
}

/* What arrives although it is disabled is masked, where nobody can wait for that */
static void pci_ims_test_storm(struct kunit *test)
{
	struct pci_ims_test *ctx = test_setup(test, &test_command_info);
	unsigned int i, irq, index = 5;

	irq = test_special(test, ctx, index);
	/* As the interrupt core does when nobody handles it: without the bus lock */
	disable_irq(irq);
	KUNIT_EXPECT_EQ(test, test_fire(ctx, index), 0);
	KUNIT_EXPECT_EQ(test, ctx->fired, 0);
	flush_work(&ctx->ims.work);
	KUNIT_EXPECT_EQ(test, ctx->commands, 2);
	for (i = 0; i < 5; i++)
		KUNIT_EXPECT_EQ(test, test_fire(ctx, index), -EAGAIN);

	/* And arrives when it may again */
	enable_irq(irq);
	KUNIT_EXPECT_EQ(test, ctx->commands, 3);
	KUNIT_EXPECT_EQ(test, ims_fake_resend(ctx->fake), 1);
	KUNIT_EXPECT_EQ(test, ctx->fired, 1);
	KUNIT_EXPECT_EQ(test, test_fire(ctx, index), 0);
	KUNIT_EXPECT_EQ(test, ctx->fired, 2);

	/* Who goes away before the command can be issued is no problem */
	for (i = 0; i < 20; i++) {
		disable_irq(irq);
		KUNIT_EXPECT_EQ(test, test_fire(ctx, index), 0);
		test_free(ctx, irq);
		KUNIT_EXPECT_EQ(test, test_fire(ctx, index), -EAGAIN);
		ims_fake_resend(ctx->fake);
		KUNIT_ASSERT_EQ(test, request_irq(irq, test_count, 0, "test", &ctx->fired), 0);
	}
	disable_irq(irq);
	KUNIT_EXPECT_EQ(test, test_fire(ctx, index), 0);
	test_free(ctx, irq);
	test_end(test, ctx);
}

/* Commands fail at each step in turn: nothing is half made, nothing leaks */
static void pci_ims_test_fails(struct kunit *test)
{
	struct pci_ims_test *ctx = test_setup(test, &test_command_info);
	unsigned int irq, index = 1;

	/* While it starts up: request_irq() can't know, freeing it undoes it */
	test_fail(ctx, 1, -EIO);
	irq = test_special(test, ctx, index);
	KUNIT_EXPECT_EQ(test, pci_ims_error(&ctx->ims, index), -EIO);
	KUNIT_EXPECT_EQ(test, ctx->ims.failed, 1);
	test_free(ctx, irq);
	KUNIT_EXPECT_EQ(test, pci_ims_error(&ctx->ims, index), 0);
	KUNIT_EXPECT_EQ(test, ctx->commands, 2);
	KUNIT_EXPECT_EQ(test, test_fire(ctx, index), -EAGAIN);

	/* While it is masked: tried again when it is touched next */
	KUNIT_ASSERT_EQ(test, request_irq(irq, test_count, 0, "test", &ctx->fired), 0);
	KUNIT_EXPECT_EQ(test, pci_ims_error(&ctx->ims, index), 0);
	test_fail(ctx, 1, -EIO);
	test_disable(irq);
	KUNIT_EXPECT_EQ(test, pci_ims_error(&ctx->ims, index), -EIO);
	enable_irq(irq);
	KUNIT_EXPECT_EQ(test, pci_ims_error(&ctx->ims, index), 0);
	KUNIT_EXPECT_EQ(test, test_fire(ctx, index), 0);
	KUNIT_EXPECT_EQ(test, ctx->fired, 1);

	/* While it shuts down, each time: the message stays marked. A status is no errno */
	test_fail(ctx, UINT_MAX, 3);
	test_free(ctx, irq);
	KUNIT_EXPECT_EQ(test, pci_ims_error(&ctx->ims, index), -EIO);
	KUNIT_EXPECT_EQ(test, ctx->fake->active, 0);
	test_fail(ctx, 0, 0);
	KUNIT_ASSERT_EQ(test, request_irq(irq, test_count, 0, "test", &ctx->fired), 0);
	KUNIT_EXPECT_EQ(test, pci_ims_error(&ctx->ims, index), 0);
	KUNIT_EXPECT_EQ(test, test_fire(ctx, index), 0);
	KUNIT_EXPECT_EQ(test, ctx->fired, 2);

	/* Others are not concerned */
	KUNIT_EXPECT_EQ(test, pci_ims_error(&ctx->ims, index + 1), 0);
	test_fail(ctx, UINT_MAX, -EIO);
	test_free(ctx, irq);
	test_end(test, ctx);
}

/* A message which the device does not take back is nobody else's before it does */
static void pci_ims_test_claim(struct kunit *test)
{
	struct pci_ims_test *ctx = test_setup(test, &test_command_info);
	unsigned int index = 4;
	struct msi_map map;

	map = test_alloc(ctx, index);
	KUNIT_ASSERT_EQ(test, map.index, index);
	KUNIT_ASSERT_EQ(test, request_irq(map.virq, test_count, 0, "test", &ctx->fired), 0);
	test_fail(ctx, UINT_MAX, -EIO);
	test_free(ctx, map.virq);
	pci_ims_free(&ctx->ims, map);

	map = test_alloc(ctx, index);
	KUNIT_EXPECT_EQ(test, map.index, -EIO);
	KUNIT_EXPECT_EQ(test, ctx->fake->allocated, 0);
	test_fail(ctx, UINT_MAX, 7);
	map = test_alloc(ctx, index);
	KUNIT_EXPECT_EQ(test, map.index, -EIO);
	test_fail(ctx, 0, 0);
	map = test_alloc(ctx, index);
	KUNIT_ASSERT_EQ(test, map.index, index);
	KUNIT_EXPECT_EQ(test, test_fire(ctx, index), -EAGAIN);

	/* Who has it keeps it: that another one asks for it changes nothing */
	KUNIT_ASSERT_EQ(test, request_irq(map.virq, test_count, 0, "test", &ctx->fired), 0);
	KUNIT_EXPECT_EQ(test, test_alloc(ctx, index).index, -EBUSY);
	pci_ims_restore(&ctx->ims);
	KUNIT_EXPECT_EQ(test, test_fire(ctx, index), 0);
	KUNIT_EXPECT_EQ(test, ctx->fired, 1);
	test_free(ctx, map.virq);
	KUNIT_EXPECT_EQ(test, test_fire(ctx, index), -EAGAIN);
	pci_ims_free(&ctx->ims, map);
	test_end(test, ctx);
}

/* What a message carries along goes with each command */
static void pci_ims_test_cookies(struct kunit *test)
{
	static const u32 good[NR_COOKIES] = { 0x12345678, 0 };
	struct pci_ims_test *ctx = test_setup(test, &test_command_info);
	const union msi_instance_cookie cookie = { .ptr = (void *)good }, none = { };
	unsigned int i, index = SLOTS - 1;
	struct msi_map map;

	for (i = 0; i < 2; i++) {
		map = pci_ims_alloc(&ctx->ims, index, i ? none : cookie, NULL);
		KUNIT_ASSERT_EQ(test, map.index, index);
		KUNIT_ASSERT_EQ(test, request_irq(map.virq, test_count, 0, "test", &ctx->fired),
				0);
		KUNIT_EXPECT_EQ(test, ctx->cookies[index][0], i ? U32_MAX : good[0]);
		KUNIT_EXPECT_EQ(test, ctx->cookies[index][1], i ? U32_MAX : good[1]);
		KUNIT_EXPECT_EQ(test, ctx->msgs[index].index, index);
		test_free(ctx, map.virq);
		pci_ims_free(&ctx->ims, map);
	}
	test_end(test, ctx);
}

/* A device which is gone is asked once, and nobody waits for it again */
static void pci_ims_test_gone(struct kunit *test)
{
	struct pci_ims_test *ctx = test_setup(test, &test_command_info);
	unsigned int i, irqs[4], commands;
	struct msi_map map;

	for (i = 0; i < ARRAY_SIZE(irqs); i++)
		irqs[i] = test_special(test, ctx, i);
	map = test_alloc(ctx, 6);
	KUNIT_ASSERT_EQ(test, map.index, 6);

	/* Nobody knows yet */
	ctx->fake->params.gone = true;
	test_fail(ctx, UINT_MAX, -ETIMEDOUT);
	commands = ctx->commands;
	test_disable(irqs[0]);
	flush_work(&ctx->ims.work);
	KUNIT_EXPECT_EQ(test, ctx->commands, commands + 1);
	KUNIT_EXPECT_EQ(test, pci_ims_error(&ctx->ims, 0), -ETIMEDOUT);

	/* Now all do */
	for (i = 0; i < ARRAY_SIZE(irqs); i++)
		test_free(ctx, irqs[i]);
	KUNIT_ASSERT_EQ(test, request_irq(map.virq, test_count, 0, "test", &ctx->fired), 0);
	KUNIT_EXPECT_EQ(test, pci_ims_error(&ctx->ims, 6), -ENODEV);
	test_free(ctx, map.virq);
	pci_ims_free(&ctx->ims, map);
	KUNIT_EXPECT_EQ(test, test_alloc(ctx, 6).index, -ENODEV);
	pci_ims_shutdown(&ctx->ims);
	KUNIT_EXPECT_EQ(test, ctx->commands, commands + 1);

	/* It can come back: then its driver restores it */
	ctx->fake->params.gone = false;
	test_fail(ctx, 0, 0);
	pci_ims_restore(&ctx->ims);
	for (i = 0; i < SLOTS; i++)
		KUNIT_EXPECT_EQ(test, pci_ims_error(&ctx->ims, i), 0);
	map = test_alloc(ctx, 6);
	KUNIT_ASSERT_EQ(test, map.index, 6);
	KUNIT_ASSERT_EQ(test, request_irq(map.virq, test_count, 0, "test", &ctx->fired), 0);
	KUNIT_EXPECT_EQ(test, test_fire(ctx, 6), 0);
	KUNIT_EXPECT_EQ(test, ctx->fired, 1);

	/* One which the PCI core knows to be gone is asked not even once */
	ctx->fake->pdev->error_state = pci_channel_io_perm_failure;
	commands = ctx->commands;
	test_free(ctx, map.virq);
	pci_ims_free(&ctx->ims, map);
	pci_ims_restore(&ctx->ims);
	KUNIT_EXPECT_EQ(test, ctx->commands, commands);
	test_end(test, ctx);
	KUNIT_EXPECT_EQ(test, ctx->commands, commands);
}

/* A device which fails but is there is asked again, each time */
static void pci_ims_test_not_gone(struct kunit *test)
{
	struct pci_ims_test *ctx = test_setup(test, &test_command_info);
	unsigned int irq = test_special(test, ctx, 0);

	test_fail(ctx, UINT_MAX, -EIO);
	test_disable(irq);
	/* But not by the work: whoever disabled it has asked */
	flush_work(&ctx->ims.work);
	KUNIT_EXPECT_EQ(test, ctx->commands, 2);
	enable_irq(irq);
	flush_work(&ctx->ims.work);
	KUNIT_EXPECT_EQ(test, ctx->commands, 3);
	test_fail(ctx, 0, 0);
	test_disable(irq);
	KUNIT_EXPECT_EQ(test, ctx->commands, 4);
	KUNIT_EXPECT_EQ(test, pci_ims_error(&ctx->ims, 0), 0);
	enable_irq(irq);
	test_free(ctx, irq);
	test_end(test, ctx);
}

/* The message which tells that a command is done is masked when no other is left */
static void pci_ims_test_shutdown_order(struct kunit *test)
{
	struct pci_ims_test *ctx = test_setup(test, &test_command_info);
	unsigned int i, irqs[SLOTS];

	for (i = 0; i < SLOTS; i++)
		irqs[i] = test_special(test, ctx, i);
	ctx->event = irqs[0];
	pci_ims_shutdown(&ctx->ims);
	KUNIT_EXPECT_EQ(test, ctx->commands, 2 * SLOTS);
	/* But for itself */
	KUNIT_EXPECT_EQ(test, ctx->unheard, 1);
	ctx->event = 0;
	for (i = 0; i < SLOTS; i++) {
		KUNIT_EXPECT_EQ(test, test_fire(ctx, i), -EAGAIN);
		test_free(ctx, irqs[i]);
	}
	test_end(test, ctx);
}

/* A reset takes all messages away, and only those which are in use cost a command */
static void pci_ims_test_restore_commands(struct kunit *test)
{
	struct pci_ims_test *ctx = test_setup(test, &test_command_info);
	unsigned int irq;

	KUNIT_ASSERT_EQ(test, pci_ims_special(&ctx->ims, 3, &irq), 0);
	pci_ims_restore(&ctx->ims);
	KUNIT_EXPECT_EQ(test, ctx->commands, 0);
	KUNIT_ASSERT_EQ(test, request_irq(irq, test_count, 0, "test", &ctx->fired), 0);
	memset(ctx->msgs, 0, sizeof(ctx->msgs));
	pci_ims_restore(&ctx->ims);
	KUNIT_EXPECT_EQ(test, ctx->commands, 2);
	KUNIT_EXPECT_EQ(test, ctx->msgs[3].index, 3);
	KUNIT_EXPECT_EQ(test, test_fire(ctx, 3), 0);
	test_free(ctx, irq);
	pci_ims_restore(&ctx->ims);
	KUNIT_EXPECT_EQ(test, ctx->commands, 3);
	test_end(test, ctx);
}

/* --- Peers --------------------------------------------------------------------------------- */

/* The peer is told of what changes, once, and again when it has forgotten */
static void pci_ims_test_told(struct kunit *test)
{
	struct pci_ims_test *ctx = test_setup(test, &test_peer_info);
	struct irq_data *data;
	struct msi_msg msg;
	unsigned int irq;

	KUNIT_ASSERT_EQ(test, pci_ims_special(&ctx->ims, 1, &irq), 0);
	pci_ims_restore(&ctx->ims);
	KUNIT_EXPECT_EQ(test, ctx->told, 0);
	KUNIT_ASSERT_EQ(test, request_irq(irq, test_count, 0, "test", &ctx->fired), 0);
	KUNIT_EXPECT_EQ(test, ctx->told, 1);
	KUNIT_EXPECT_EQ(test, test_fire(ctx, 1), 0);
	KUNIT_EXPECT_EQ(test, ctx->fired, 1);

	pci_ims_restore(&ctx->ims);
	KUNIT_EXPECT_EQ(test, ctx->told, 2);
	KUNIT_EXPECT_EQ(test, test_fire(ctx, 1), 0);

	/* The same message again is no news, another one is */
	data = irq_get_irq_data(irq);
	get_cached_msi_msg(irq, &msg);
	data->chip->irq_write_msi_msg(data, &msg);
	KUNIT_EXPECT_EQ(test, ctx->told, 2);
	msg.address_lo ^= 0xff0;
	data->chip->irq_write_msi_msg(data, &msg);
	KUNIT_EXPECT_EQ(test, ctx->told, 3);
	KUNIT_EXPECT_EQ(test, ctx->peer[1].address_lo, msg.address_lo);

	/* That the message has gone is told once too */
	test_free(ctx, irq);
	KUNIT_EXPECT_EQ(test, ctx->told, 4);
	KUNIT_EXPECT_EQ(test, ctx->peer[1].address_lo, 0);
	KUNIT_EXPECT_EQ(test, ctx->peer[1].data, 0);
	test_end(test, ctx);
	KUNIT_EXPECT_EQ(test, ctx->told, 4);
}

/* --- Several stores in one device ------------------------------------------------------- */

/* All kinds, of different sizes, each with what the device has and does of it */
struct pci_ims_test_several {
	struct pci_ims_test	*ctx[ARRAY_SIZE(test_infos)];
	struct pci_ims_params	params[ARRAY_SIZE(test_infos)];
	struct pci_ims_setup	setups[ARRAY_SIZE(test_infos)];
};

static struct pci_ims_test_several *test_several_create(struct kunit *test)
{
	struct pci_ims_test_several *all = kunit_kzalloc(test, sizeof(*all), GFP_KERNEL);
	struct pci_ims_test *ctx = test_create(test, &test_machine);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, all);
	for (i = 0; i < ARRAY_SIZE(all->ctx); i++) {
		if (i) {
			ctx = kunit_kzalloc(test, sizeof(*ctx), GFP_KERNEL);
			KUNIT_ASSERT_NOT_NULL(test, ctx);
			ctx->fake = all->ctx[0]->fake;
			ctx->base = 0x100 + i * SLOTS * STRIDE;
			ctx->status = -EIO;
		}
		all->ctx[i] = ctx;
		all->params[i] = test_params(ctx, test_infos[i]);
		all->params[i].nr = SLOTS - i;
		all->setups[i] = (struct pci_ims_setup) {
			.ims = &ctx->ims,
			.info = test_infos[i],
			.params = &all->params[i],
		};
	}
	return all;
}

static int test_several_init(struct pci_ims_test_several *all)
{
	return pci_ims_init_all(all->ctx[0]->fake->pdev, all->setups, ARRAY_SIZE(all->setups));
}

static void test_several_expect_none(struct kunit *test, struct pci_ims_test_several *all)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(all->ctx); i++)
		KUNIT_EXPECT_TRUE(test, mem_is_zero(&all->ctx[i]->ims, sizeof(all->ctx[i]->ims)));
	KUNIT_EXPECT_EQ(test, all->ctx[0]->fake->allocated, 0);
}

static struct pci_ims_test_several *test_several(struct kunit *test)
{
	struct pci_ims_test_several *all = test_several_create(test);

	KUNIT_ASSERT_EQ(test, test_several_init(all), 0);
	return all;
}

static void test_several_end(struct kunit *test, struct pci_ims_test_several *all)
{
	kunit_release_action(test, test_exit, all->ctx[0]);
	test_several_expect_none(test, all);
	ims_fake_detach(all->ctx[0]->fake);
	KUNIT_EXPECT_PTR_EQ(test, all->ctx[0]->fake->pdev->dev.msi.data, NULL);
	ims_fake_destroy(test, all->ctx[0]->fake);
}

/* Each has its own indexes, messages and masks, and does what its kind does */
static void pci_ims_test_several(struct kunit *test)
{
	struct pci_ims_test_several *all = test_several(test);
	unsigned int i, j, irq[ARRAY_SIZE(all->ctx)], nr = ARRAY_SIZE(all->ctx);
	struct irq_data *data;

	for (i = 0; i < nr; i++) {
		KUNIT_EXPECT_EQ(test, test_alloc(all->ctx[i], SLOTS - i).index, -EINVAL);
		irq[i] = test_special(test, all->ctx[i], 1);
		KUNIT_EXPECT_EQ(test, test_alloc(all->ctx[i], 1).index, -EBUSY);
		data = irq_get_irq_data(irq[i]);
		KUNIT_EXPECT_PTR_EQ(test, pci_ims_of(data), &all->ctx[i]->ims);
		KUNIT_EXPECT_NOT_NULL(test, strstr(data->chip->name, test_infos[i]->name));
		KUNIT_EXPECT_EQ(test, !!data->chip->irq_bus_lock, test_infos[i]->nr_cookies > 0);
	}

	for (i = 0; i < nr; i++) {
		KUNIT_EXPECT_EQ(test, test_fire(all->ctx[i], 1), 0);
		test_disable(irq[i]);
		/* The peer can't be kept from sending, all others go on */
		for (j = 0; j < nr; j++) {
			if (test_infos[j] != &test_peer_info)
				KUNIT_EXPECT_EQ(test, test_fire(all->ctx[j], 1),
						i == j ? -EAGAIN : 0);
		}
		enable_irq(irq[i]);
	}
	for (i = 0; i < nr; i++) {
		KUNIT_EXPECT_EQ(test, all->ctx[i]->fired,
				test_infos[i] == &test_peer_info ? 1 : nr);
		test_free(all->ctx[i], irq[i]);
	}
	test_several_end(test, all);
}

/* What is restored of one is not of another one, nor masked for good */
static void pci_ims_test_several_alone(struct kunit *test)
{
	struct pci_ims_test_several *all = test_several(test);
	unsigned int i, irq[ARRAY_SIZE(all->ctx)], nr = ARRAY_SIZE(all->ctx);
	struct pci_ims_test *slots = all->ctx[0], *bits = all->ctx[1];
	struct pci_ims_test *commands = all->ctx[2], *peer = all->ctx[3];
	unsigned int count = 0;

	for (i = 0; i < nr; i++)
		irq[i] = test_special(test, all->ctx[i], i);
	memset(test_slot(slots, 0), 0, STRIDE);
	count = commands->commands;
	pci_ims_restore(&bits->ims);
	KUNIT_EXPECT_EQ(test, test_word(slots, 0, DATA), 0);
	KUNIT_EXPECT_EQ(test, commands->commands, count);
	KUNIT_EXPECT_EQ(test, peer->told, 1);
	pci_ims_restore(&slots->ims);
	KUNIT_EXPECT_EQ(test, commands->commands, count);
	KUNIT_EXPECT_EQ(test, peer->told, 1);
	pci_ims_restore(&commands->ims);
	KUNIT_EXPECT_EQ(test, commands->commands, count + 1);
	pci_ims_restore(&peer->ims);
	KUNIT_EXPECT_EQ(test, peer->told, 2);
	for (i = 0; i < nr; i++)
		KUNIT_EXPECT_EQ(test, test_fire(all->ctx[i], i), 0);

	pci_ims_shutdown(&bits->ims);
	for (i = 0; i < nr; i++) {
		KUNIT_EXPECT_EQ(test, irqd_irq_masked(irq_get_irq_data(irq[i])), i == 1);
		test_free(all->ctx[i], irq[i]);
	}
	/* Any of them ends all */
	pci_ims_exit(&bits->ims);
	test_several_expect_none(test, all);
	test_several_end(test, all);
}

/* Without one of them the others have its indexes, or there is none at all */
static void pci_ims_test_several_missing(struct kunit *test)
{
	struct pci_ims_test_several *all = test_several_create(test);
	unsigned int i, irq, nr = ARRAY_SIZE(all->ctx);
	struct pci_ims_info optional;

	for (i = 0; i < nr; i++) {
		all->params[i].nr = 0;
		KUNIT_EXPECT_EQ(test, test_several_init(all), -EINVAL);
		test_several_expect_none(test, all);

		optional = *test_infos[i];
		optional.optional = true;
		all->setups[i].info = &optional;
		KUNIT_ASSERT_EQ(test, test_several_init(all), 0);
		KUNIT_EXPECT_EQ(test, test_several_init(all), -EBUSY);
		KUNIT_EXPECT_EQ(test, all->ctx[i]->ims.nr, 0);
		KUNIT_EXPECT_EQ(test, test_alloc(all->ctx[i], 0).index, -EINVAL);
		irq = test_special(test, all->ctx[(i + 1) % nr], 0);
		KUNIT_EXPECT_EQ(test, test_fire(all->ctx[(i + 1) % nr], 0), 0);
		test_free(all->ctx[(i + 1) % nr], irq);
		pci_ims_exit(&all->ctx[(i + 1) % nr]->ims);
		test_several_expect_none(test, all);

		all->params[i].nr = SLOTS - i;
		all->setups[i].info = test_infos[i];
	}
	KUNIT_ASSERT_EQ(test, test_several_init(all), 0);
	test_several_end(test, all);
}

static struct kunit_case pci_ims_cases[] = {
	KUNIT_CASE_PARAM(pci_ims_test_special, pci_ims_gen_params),
	KUNIT_CASE_PARAM(pci_ims_test_alloc, pci_ims_gen_params),
	KUNIT_CASE(pci_ims_test_address),
	KUNIT_CASE(pci_ims_test_address_live),
	KUNIT_CASE_PARAM(pci_ims_test_beside_msix, pci_ims_gen_params),
	KUNIT_CASE_PARAM(pci_ims_test_disabled, pci_ims_gen_params),
	KUNIT_CASE_PARAM(pci_ims_test_mask_parent, pci_ims_gen_params),
	KUNIT_CASE_PARAM(pci_ims_test_restore, pci_ims_gen_params),
	KUNIT_CASE_PARAM(pci_ims_test_restore_idle, pci_ims_gen_params),
	KUNIT_CASE_PARAM(pci_ims_test_shutdown, pci_ims_gen_params),
	KUNIT_CASE_PARAM(pci_ims_test_affinity, pci_ims_gen_params),
	KUNIT_CASE_PARAM(pci_ims_test_init_twice, pci_ims_gen_params),
	KUNIT_CASE_PARAM(pci_ims_test_init_again, pci_ims_gen_params),
	KUNIT_CASE_PARAM(pci_ims_test_not_supported, pci_ims_gen_params),
	KUNIT_CASE_PARAM(pci_ims_test_no_domain, pci_ims_gen_params),
	KUNIT_CASE_PARAM(pci_ims_test_bounds, test_place_gen_params),
	KUNIT_CASE(pci_ims_test_no_kind),
	KUNIT_CASE(pci_ims_test_no_bar),
	KUNIT_CASE(pci_ims_test_tables),
	KUNIT_CASE(pci_ims_test_memory),
	KUNIT_CASE(pci_ims_test_mask_bits),
	KUNIT_CASE(pci_ims_test_restore_bits),
	KUNIT_CASE(pci_ims_test_pending),
	KUNIT_CASE(pci_ims_test_commands),
	KUNIT_CASE(pci_ims_test_storm),
	KUNIT_CASE(pci_ims_test_fails),
	KUNIT_CASE(pci_ims_test_claim),
	KUNIT_CASE(pci_ims_test_cookies),
	KUNIT_CASE(pci_ims_test_gone),
	KUNIT_CASE(pci_ims_test_not_gone),
	KUNIT_CASE(pci_ims_test_shutdown_order),
	KUNIT_CASE(pci_ims_test_restore_commands),
	KUNIT_CASE(pci_ims_test_told),
	KUNIT_CASE(pci_ims_test_several),
	KUNIT_CASE(pci_ims_test_several_alone),
	KUNIT_CASE(pci_ims_test_several_missing),
	{ }
};

static struct kunit_suite pci_ims_suite = {
	.name		= "pci_ims",
	.test_cases	= pci_ims_cases,
};

kunit_test_suite(pci_ims_suite);

MODULE_DESCRIPTION("KUnit suite of PCI message stores");
MODULE_LICENSE("GPL");
