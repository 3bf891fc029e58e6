// SPDX-License-Identifier: GPL-2.0
/*
 * The skeletons of drivers: each probes a fake device, is sent all of its
 * interrupts, and goes away.
 */
#include <kunit/ims_fake.h>
#include <kunit/test.h>

#include <linux/device/driver.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irqdesc.h>
#include <linux/irqdomain.h>
#include <linux/kernel_stat.h>
#include <linux/module.h>
#include <linux/msi.h>
#include <linux/pci.h>
#include <linux/sprintf.h>
#include <linux/string.h>

/* Interrupts that are looked for in the parent domain, from the first */
#define LOOK_AT		64

/* A run of one of them */
struct skeleton {
	const char	*driver;
	unsigned int	msix;
	unsigned int	bar_size;
	unsigned int	requested;
	/* All that the device knows of its messages is in BAR 0 */
	bool		in_bar;
};

/* skeletons[], made of the layouts */
#include "skeletons.h"

static void send_one(struct kunit *test, struct ims_fake *fake, unsigned int irq)
{
	unsigned int before = kstat_irqs_usr(irq);
	struct msi_msg msg;

	get_cached_msi_msg(irq, &msg);
	KUNIT_EXPECT_EQ(test, ims_fake_send(fake, (u64)msg.address_hi << 32 | msg.address_lo,
					    msg.data), 0);
	synchronize_irq(irq);
	KUNIT_EXPECT_EQ(test, kstat_irqs_usr(irq), before + 1);
	KUNIT_EXPECT_EQ(test, irq_to_desc(irq)->irqs_unhandled, 0);
}

/* A reset wipes the device, and the driver brings back what was there */
static void reset_device(struct kunit *test, struct ims_fake *fake, struct pci_driver *driver,
			 bool in_bar)
{
	size_t size = fake->params.bar_size;
	u8 *before;

	before = kunit_kmalloc(test, size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, before);
	memcpy(before, fake->mem, size);
	driver->err_handler->reset_prepare(fake->pdev);
	memset(fake->mem, 0, size);
	driver->err_handler->reset_done(fake->pdev);
	if (in_bar)
		KUNIT_EXPECT_EQ(test, memcmp(fake->mem, before, size), 0);
	else
		KUNIT_EXPECT_NE(test, fake->writes, 0);
}

static void skeleton_runs(struct kunit *test)
{
	const struct skeleton *skeleton = test->param_value;
	const struct ims_fake_params machine = {
		.vectors	= 64,
		.supports	= MSI_FLAG_PCI_IMS,
		.msix		= skeleton->msix,
		.bar_size	= skeleton->bar_size,
	};
	struct device_driver *found = driver_find(skeleton->driver, &pci_bus_type);
	unsigned int hwirq, irq, requested = 0;
	struct pci_driver *driver;
	struct ims_fake *fake;

	if (!IS_ENABLED(CONFIG_INDIRECT_IOMEM))
		kunit_skip(test, "the fake device has no BAR here");
	KUNIT_ASSERT_NOT_NULL(test, found);
	driver = to_pci_driver(found);

	fake = ims_fake_create(test, &machine);
	memset(fake->mem, 0, machine.bar_size);
	KUNIT_ASSERT_EQ(test, driver->probe(fake->pdev, driver->id_table), 0);

	ims_fake_log_start(fake);
	reset_device(test, fake, driver, skeleton->in_bar);
	for (hwirq = 0; hwirq < LOOK_AT; hwirq++) {
		irq = irq_find_mapping(fake->parent, hwirq);
		if (irq && irq_has_action(irq)) {
			send_one(test, fake, irq);
			requested++;
		}
	}
	KUNIT_EXPECT_EQ(test, requested, skeleton->requested);

	driver->shutdown(fake->pdev);
	driver->remove(fake->pdev);
	ims_fake_detach(fake);
	KUNIT_EXPECT_EQ(test, fake->allocated, 0);
	KUNIT_EXPECT_EQ(test, fake->active, 0);
	KUNIT_EXPECT_PTR_EQ(test, fake->pdev->dev.msi.data, NULL);
}

static void skeleton_name(const struct skeleton *skeleton, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s, %u MSI-X entries", skeleton->driver,
		 skeleton->msix);
}

KUNIT_ARRAY_PARAM(skeletons, skeletons, skeleton_name);

static struct kunit_case skeleton_cases[] = {
	KUNIT_CASE_PARAM(skeleton_runs, skeletons_gen_params),
	{ }
};

static struct kunit_suite skeleton_suite = {
	.name		= "ims_skeletons",
	.test_cases	= skeleton_cases,
};

kunit_test_suite(skeleton_suite);

MODULE_DESCRIPTION("Skeletons of drivers with an Interrupt Message Store: KUnit suite");
MODULE_LICENSE("GPL");
