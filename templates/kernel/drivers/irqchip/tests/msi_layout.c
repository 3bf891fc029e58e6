// SPDX-License-Identifier: GPL-2.0
/*
 * What the KUnit suites of platform devices share
 *
 * The platform device has the memory of the fake PCI device for its registers, and is
 * below the same parent domain.
 */
#include <kunit/msi_layout.h>
#include <kunit/test-bug.h>
#include <kunit/test.h>

#include <linux/array_size.h>
#include <linux/container_of.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/irq.h>
#include <linux/irqdomain.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/msi.h>
#include <linux/platform_device.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/unaligned.h>

/* What a device holds after power on */
#define LAYOUT_JUNK	0x5a

/* So many messages are looked at */
#define LAYOUT_MESSAGES	16

/* A message in the memory of the fake device which was passed on, in bytes */
#define LAYOUT_PASSED	16

/* KUnit runs one test at a time */
static struct platform_device *layout_pdev;
static struct ims_fake *layout_fake;
static void *layout_group;
static bool (*layout_init_info)(struct device *dev, struct irq_domain *domain,
				struct irq_domain *real_parent, struct msi_domain_info *info);

/* --- The device ----------------------------------------------------------------- */

/* What parents say of such devices */
static bool layout_init_dev_msi_info(struct device *dev, struct irq_domain *domain,
				     struct irq_domain *real_parent, struct msi_domain_info *info)
{
	if (!layout_init_info(dev, domain, real_parent, info))
		return false;

	info->flags |= MSI_FLAG_ALLOC_SIMPLE_MSI_DESCS | MSI_FLAG_FREE_MSI_DESCS;
	return true;
}

/**
 * msi_layout_pdev - The platform device, which is made when it is asked for
 * @fake:	The fake PCI device
 *
 * Context: Task context, may sleep. The test is aborted when that fails.
 *
 * Return: The device, which msi_layout_exit() releases
 */
struct platform_device *msi_layout_pdev(struct ims_fake *fake)
{
	struct kunit *test = kunit_get_current_test();
	struct platform_device *pdev;

	if (layout_pdev)
		return layout_pdev;

	pdev = platform_device_register_simple("msi-layout", PLATFORM_DEVID_NONE, NULL, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(pdev));
	layout_pdev = pdev;
	layout_fake = fake;
	layout_group = devres_open_group(&pdev->dev, NULL, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, layout_group);

	layout_init_info = fake->ops.init_dev_msi_info;
	fake->ops.init_dev_msi_info = layout_init_dev_msi_info;
	dev_set_msi_domain(&pdev->dev, fake->parent);
	return pdev;
}
EXPORT_SYMBOL_GPL(msi_layout_pdev);

/**
 * msi_layout_pass - Pass a message on, as a driver does it for its firmware or its host
 * @dev:	The platform device
 * @index:	Index of the message
 * @msg:	The message, all zeros for none
 *
 * Context: Any.
 */
void msi_layout_pass(struct device *dev, unsigned int index, const struct msi_msg *msg)
{
	u8 *at = layout_fake->mem + index * LAYOUT_PASSED;

	put_unaligned_le32(msg->address_lo, at);
	put_unaligned_le32(msg->address_hi, at + 4);
	put_unaligned_le32(msg->data, at + 8);
}
EXPORT_SYMBOL_GPL(msi_layout_pass);

/**
 * msi_layout_exit - The driver detaches, and leaves nothing
 * @test:	The test which ends: this is the exit function of a suite
 *
 * Context: Task context, may sleep.
 */
void msi_layout_exit(struct kunit *test)
{
	if (layout_pdev) {
		if (layout_group)
			devres_release_group(&layout_pdev->dev, layout_group);
		KUNIT_EXPECT_PTR_EQ(test, layout_pdev->dev.msi.data, NULL);
		platform_device_unregister(layout_pdev);
	}
	layout_pdev = NULL;
	layout_group = NULL;
	irq_layout_exit(test);
}
EXPORT_SYMBOL_GPL(msi_layout_exit);

/* --- What is in its registers ----------------------------------------------------- */

static unsigned int layout_slot(const struct msi_layout *layout, unsigned int index)
{
	const struct msi_layout_table *table = layout->tables;

	if (!layout->data.size)
		return table->offset;
	for (; index >= table->slots; table++)
		index -= table->slots;
	return table->offset + index * layout->stride;
}

static u64 layout_value(struct irq_layout_run *run, const struct msi_layout *layout,
			unsigned int index, struct msi_layout_register reg)
{
	const u8 *at = run->fake->mem + layout_slot(layout, index) + reg.offset;
	bool big = layout->big_endian;

	switch (reg.size) {
	case 2:
		return big ? get_unaligned_be16(at) : get_unaligned_le16(at);
	case 4:
		return big ? get_unaligned_be32(at) : get_unaligned_le32(at);
	case 8:
		return big ? get_unaligned_be64(at) : get_unaligned_le64(at);
	default:
		return 0;
	}
}

static u64 layout_address(struct irq_layout_run *run, const struct msi_layout *layout,
			  unsigned int index)
{
	return layout_value(run, layout, index, layout->address_hi) << 32 |
	       layout_value(run, layout, index, layout->address_lo);
}

static bool layout_masked(struct irq_layout_run *run, const struct msi_layout *layout,
			  unsigned int index)
{
	u64 control = layout_value(run, layout, index, layout->control);

	return layout->mask && !(control & layout->mask) == layout->mask_low;
}

/**
 * msi_layout_fire - Have the device send a message, as it is in its registers
 * @test:	The running test
 * @store:	The store of a struct msi_layout
 * @index:	Index of the message
 *
 * Context: Task context.
 *
 * Return: As ims_fake_send(), -EBUSY when the message is masked or not there
 */
int msi_layout_fire(struct kunit *test, const struct irq_layout_store *store, unsigned int index)
{
	const struct msi_layout *layout = container_of(store, struct msi_layout, store);
	struct irq_layout_run *run = test->priv;
	u64 address = layout_address(run, layout, index);
	u32 data = index;

	if (layout_masked(run, layout, index) || !address)
		return -EBUSY;
	if (layout->data.size)
		data = layout_value(run, layout, index, layout->data);
	return ims_fake_send(run->fake, address, data);
}
EXPORT_SYMBOL_GPL(msi_layout_fire);

/* Nothing is in a slot, and it can't be sent */
static void layout_expect_empty(struct kunit *test, const struct msi_layout *layout,
				unsigned int index)
{
	struct irq_layout_run *run = test->priv;
	const char *name = layout->store.name;

	KUNIT_EXPECT_EQ_MSG(test, layout_address(run, layout, index), 0, "%s %u", name, index);
	KUNIT_EXPECT_EQ_MSG(test, layout_value(run, layout, index, layout->data), 0, "%s %u", name,
			    index);
	KUNIT_EXPECT_EQ_MSG(test, layout_masked(run, layout, index), !!layout->mask, "%s %u", name,
			    index);
}

/* The message of an interrupt is in its slot, the control word says nothing else */
static void layout_expect_message(struct kunit *test, const struct msi_layout *layout,
				  unsigned int index)
{
	u64 control = layout->fixed | (layout->mask_low ? layout->mask : 0);
	unsigned int irq = msi_get_virq(&layout_pdev->dev, index);
	struct irq_layout_run *run = test->priv;
	const char *name = layout->store.name;
	u64 data = index;
	struct msi_msg msg;

	get_cached_msi_msg(irq, &msg);
	KUNIT_EXPECT_EQ_MSG(test, layout_value(run, layout, index, layout->address_lo),
			    msg.address_lo, "%s %u: low half of the address", name, index);
	if (layout->address_hi.size)
		KUNIT_EXPECT_EQ_MSG(test, layout_value(run, layout, index, layout->address_hi),
				    msg.address_hi, "%s %u: high half of it", name, index);
	if (layout->data.size)
		data = layout_value(run, layout, index, layout->data);
	KUNIT_EXPECT_EQ_MSG(test, data, msg.data, "%s %u: data", name, index);
	if (layout->control.size)
		KUNIT_EXPECT_EQ_MSG(test, layout_value(run, layout, index, layout->control),
				    control, "%s %u: control word", name, index);
}

/* The messages which are looked at: the first ones, and the last */
static unsigned int layout_nth(const struct msi_layout *layout, unsigned int i)
{
	return i == LAYOUT_MESSAGES - 1 ? layout->nr - 1 : i;
}

static unsigned int layout_looked_at(const struct msi_layout *layout)
{
	return min(layout->nr, LAYOUT_MESSAGES);
}

/* --- Interrupts with a fixed purpose ---------------------------------------------- */

static int layout_request(struct kunit *test, const struct irq_layout_vector *vector,
			  unsigned int irq)
{
	struct irq_layout_run *run = test->priv;

	if (vector->context == IRQ_LAYOUT_HARD)
		return irq_layout_request(test, irq);
	return request_threaded_irq(irq, NULL, irq_layout_count, IRQF_ONESHOT, vector->name,
				    &run->fired);
}

/**
 * msi_layout_check_vector - An interrupt with a fixed purpose is where it has to be
 * @test:	The running test, with one of irq_layout_device::vectors as parameter
 * @device:	The device
 *
 * Context: Task context, may sleep.
 */
void msi_layout_check_vector(struct kunit *test, const struct irq_layout_device *device)
{
	struct irq_layout_run *run = irq_layout_setup(test, device);
	const struct irq_layout_vector *vector = test->param_value;
	unsigned int irq = vector->irq(run->irqs);

	KUNIT_ASSERT_NE_MSG(test, irq, 0, "%s %s", device->name, vector->name);
	KUNIT_EXPECT_EQ_MSG(test, irq_layout_index(vector->store, irq), vector->index,
			    "%s %s: index", device->name, vector->name);
	KUNIT_EXPECT_TRUE(test, irq_layout_is_ims(irq));
	/* Not before there is a handler */
	KUNIT_EXPECT_EQ(test, irq_layout_fire(test, vector->store, irq), -EBUSY);

	KUNIT_ASSERT_EQ_MSG(test, layout_request(test, vector, irq), 0, "%s %s", device->name,
			    vector->name);
	KUNIT_EXPECT_EQ(test, irq_layout_fire(test, vector->store, irq), 0);
	KUNIT_EXPECT_EQ_MSG(test, run->fired, 1, "%s %s", device->name, vector->name);
	irq_layout_free(test, irq);
	KUNIT_EXPECT_EQ(test, irq_layout_fire(test, vector->store, irq), -EBUSY);

	/* Unlike with PCI, a thread alone has to have the interrupt masked meanwhile */
	KUNIT_EXPECT_EQ(test, request_threaded_irq(irq, NULL, irq_layout_count, 0, vector->name,
						   &run->fired), -EINVAL);
}
EXPORT_SYMBOL_GPL(msi_layout_check_vector);

/* --- What every such device does -------------------------------------------------- */

/* After power on slots hold anything, and nothing of it is sent */
static void layout_case_silent(struct kunit *test, const struct msi_layout *layout)
{
	unsigned int i;

	irq_layout_setup(test, layout->device);
	for (i = 0; i < layout_looked_at(layout); i++)
		layout_expect_empty(test, layout, layout_nth(layout, i));
}

/* What a parent has written while nobody had the interrupt is not sent afterwards */
static void layout_case_left(struct kunit *test, const struct msi_layout *layout)
{
	struct irq_layout_run *run = irq_layout_setup(test, layout->device);
	unsigned int i, at;

	for (i = 0; i < layout_looked_at(layout); i++) {
		at = layout_slot(layout, layout_nth(layout, i));
		run->fake->mem[at + layout->address_lo.offset] = 1;
		if (layout->data.size)
			run->fake->mem[at + layout->data.offset] = 1;
	}
	layout->device->exit(run->irqs);
	for (i = 0; i < layout_looked_at(layout); i++)
		layout_expect_empty(test, layout, layout_nth(layout, i));
	KUNIT_ASSERT_EQ(test, irq_layout_init(run), 0);
}

static void layout_write_nothing(struct msi_desc *desc, struct msi_msg *msg)
{
}

/* Interrupts which somebody else has allocated stay */
static void layout_case_taken(struct kunit *test, const struct msi_layout *layout)
{
	struct irq_layout_run *run = irq_layout_setup(test, layout->device);
	struct device *dev = &layout_pdev->dev;
	unsigned int irq;
	int ret;

	layout->device->exit(run->irqs);
	ret = platform_device_msi_init_and_alloc_irqs(dev, 1, layout_write_nothing);
	KUNIT_ASSERT_EQ(test, ret, 0);
	irq = msi_get_virq(dev, 0);
	KUNIT_EXPECT_EQ(test, irq_layout_init(run), -EBUSY);
	KUNIT_EXPECT_EQ(test, msi_get_virq(dev, 0), irq);
	platform_device_msi_free_irqs_all(dev);
	KUNIT_ASSERT_EQ(test, irq_layout_init(run), 0);
}

/* A message is there as long as its interrupt has a handler, and arrives */
static void layout_case_message(struct kunit *test, const struct msi_layout *layout)
{
	struct irq_layout_run *run = irq_layout_setup(test, layout->device);
	unsigned int i, index, irq;

	for (i = 0; i < layout_looked_at(layout); i++) {
		index = layout_nth(layout, i);
		irq = msi_get_virq(&layout_pdev->dev, index);
		KUNIT_ASSERT_NE(test, irq, 0);
		KUNIT_ASSERT_EQ(test, irq_layout_request(test, irq), 0);
		layout_expect_message(test, layout, index);
		KUNIT_EXPECT_EQ(test, irq_layout_fire(test, &layout->store, irq), 0);
		KUNIT_EXPECT_EQ_MSG(test, run->fired, i + 1, "%s %u", layout->store.name, index);
		irq_layout_free(test, irq);
		if (layout->data.size)
			layout_expect_empty(test, layout, index);
		else /* The address is that of others too */
			KUNIT_EXPECT_NE(test, layout_address(run, layout, index), 0);
	}
}

/* The parent masks: the message stays where it is, and is sent when that is over */
static void layout_case_masked(struct kunit *test, const struct msi_layout *layout)
{
	struct irq_layout_run *run = irq_layout_setup(test, layout->device);
	unsigned int irq = msi_get_virq(&layout_pdev->dev, 0);

	KUNIT_ASSERT_EQ(test, irq_layout_request(test, irq), 0);
	irq_layout_mask(irq);
	layout_expect_message(test, layout, 0);
	KUNIT_EXPECT_EQ(test, irq_layout_fire(test, &layout->store, irq), -EBUSY);
	enable_irq(irq);
	KUNIT_EXPECT_EQ(test, ims_fake_resend(run->fake), 1);
	KUNIT_EXPECT_EQ(test, run->fired, 1);
	irq_layout_free(test, irq);
}

static bool layout_is(const struct ims_fake_access *access, bool write, unsigned int slot,
		      struct msi_layout_register reg)
{
	return access->write == write && access->offset == slot + reg.offset;
}

/*
 * Nothing is sent while a message is written: it is masked before its first part and
 * until its last one. Where nothing masks, the address comes last. A read pushes it all.
 */
static void layout_case_order(struct kunit *test, const struct msi_layout *layout)
{
	struct irq_layout_run *run = irq_layout_setup(test, layout->device);
	unsigned int irq = msi_get_virq(&layout_pdev->dev, 0), slot = layout_slot(layout, 0);
	const struct ims_fake_access *log = run->fake->log;
	const struct msi_layout_register *last = layout->mask ? &layout->control :
						 &layout->address_lo;
	unsigned int nr;

	if (layout->passed)
		kunit_skip(test, "the message is passed on as a whole");
	if (!ims_fake_counts_chip())
		kunit_skip(test, "only UML counts the accesses of the interrupt chip");

	ims_fake_log_start(run->fake);
	KUNIT_ASSERT_EQ(test, irq_layout_request(test, irq), 0);
	nr = run->fake->nr_log;
	KUNIT_ASSERT_GE(test, nr, layout->data.size ? 3 : 2);
	KUNIT_ASSERT_LE(test, nr, IMS_FAKE_LOG);
	if (layout->mask)
		KUNIT_EXPECT_TRUE(test, layout_is(&log[0], true, slot, layout->control));
	KUNIT_EXPECT_TRUE(test, layout_is(&log[nr - 2], true, slot, *last));
	KUNIT_EXPECT_TRUE(test, layout_is(&log[nr - 1], false, slot, *last));
	/* What is between the registers is none of its business */
	KUNIT_EXPECT_EQ(test, run->fake->reads, 1);
	irq_layout_free(test, irq);
}

/* Nothing but the registers of a slot is written */
static void layout_case_bounds(struct kunit *test, const struct msi_layout *layout)
{
	const struct msi_layout_register regs[] = {
		layout->address_lo, layout->address_hi, layout->data, layout->control,
	};
	struct irq_layout_run *run = irq_layout_setup(test, layout->device);
	unsigned int i, reg, irq, size = run->fake->params.bar_size;
	u8 *mine;

	mine = kunit_kzalloc(test, size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, mine);
	for (i = 0; i < layout->nr; i++) {
		for (reg = 0; reg < ARRAY_SIZE(regs); reg++)
			memset(mine + layout_slot(layout, i) + regs[reg].offset, 1, regs[reg].size);
	}
	for (i = 0; i < layout_looked_at(layout); i++) {
		irq = msi_get_virq(&layout_pdev->dev, layout_nth(layout, i));
		KUNIT_ASSERT_EQ(test, irq_layout_request(test, irq), 0);
		irq_layout_free(test, irq);
	}
	for (i = 0; i < size; i++) {
		if (mine[i])
			continue;
		KUNIT_EXPECT_EQ_MSG(test, run->fake->mem[i], LAYOUT_JUNK, "%s: byte %#x",
				    layout->store.name, i);
	}
}

/* On a machine whose messages the device can't send, nothing is written */
static void layout_expect_refused(struct kunit *test, const struct msi_layout *layout,
				  const struct ims_fake_params *params)
{
	struct irq_layout_device *device;
	struct ims_fake_params *machine;
	struct irq_layout_run *run;
	unsigned int irq;

	/* They have to be there when the case is over */
	machine = kunit_kmalloc(test, sizeof(*machine), GFP_KERNEL);
	device = kunit_kmalloc(test, sizeof(*device), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, machine);
	KUNIT_ASSERT_NOT_NULL(test, device);
	*machine = *params;
	*device = *layout->device;
	device->machine = machine;
	run = irq_layout_setup(test, device);
	irq = msi_get_virq(&layout_pdev->dev, 0);
	KUNIT_ASSERT_EQ(test, irq_layout_request(test, irq), 0);
	layout_expect_empty(test, layout, 0);
	KUNIT_EXPECT_EQ(test, run->fired, 0);
	irq_layout_free(test, irq);
}

/* A message that the device can't send is not sent to another address */
static void layout_case_address(struct kunit *test, const struct msi_layout *layout)
{
	struct ims_fake_params params = *layout->device->machine;

	if (!layout->address_bits || !(~layout->address_bits >> 32))
		kunit_skip(test, "the device keeps all of an address");
	params.address_hi = ~layout->address_bits >> 32;
	layout_expect_refused(test, layout, &params);
}

/* Where the data of a message isn't its index, the device would send another one */
static void layout_case_index(struct kunit *test, const struct msi_layout *layout)
{
	struct ims_fake_params params = *layout->device->machine;

	if (layout->data.size)
		kunit_skip(test, "the device keeps the data of a message");
	params.index_data = false;
	layout_expect_refused(test, layout, &params);
}

const struct msi_layout_case msi_layout_cases[MSI_LAYOUT_CASES] = {
	{ "silent",	layout_case_silent },
	{ "left",	layout_case_left },
	{ "taken",	layout_case_taken },
	{ "message",	layout_case_message },
	{ "masked",	layout_case_masked },
	{ "order",	layout_case_order },
	{ "bounds",	layout_case_bounds },
	{ "address",	layout_case_address },
	{ "index",	layout_case_index },
};
EXPORT_SYMBOL_GPL(msi_layout_cases);

/**
 * msi_layout_check - The messages of a device are where its datasheet has them
 * @test:	The running test, with one of msi_layout_cases as parameter
 * @layout:	The messages
 *
 * Context: Task context, may sleep.
 */
void msi_layout_check(struct kunit *test, const struct msi_layout *layout)
{
	const struct msi_layout_case *which = test->param_value;

	which->run(test, layout);
}
EXPORT_SYMBOL_GPL(msi_layout_check);

MODULE_DESCRIPTION("What the KUnit suites of platform devices share");
MODULE_LICENSE("GPL");
