// SPDX-License-Identifier: GPL-2.0
/*
 * What drivers forget to give back: the library warns, once, and nothing is left
 * allocated. Not part of a series, whose suites are to be silent.
 */
#include <kunit/ims_fake.h>
#include <kunit/test.h>

#include <linux/auxiliary_bus.h>
#include <linux/err.h>
#include <linux/irqchip/irq-idxd.h>
#include <linux/irqchip/irq-mlx5.h>
#include <linux/module.h>
#include <linux/msi.h>
#include <linux/pci.h>
#include <linux/sizes.h>
#include <linux/slab.h>

static const struct ims_fake_params machine = {
	.vectors	= 64,
	.supports	= MSI_FLAG_PCI_IMS,
	.msix		= 16,
	.bar_size	= SZ_4K,
};

/* For whoever reads the log: the next warning from @file is part of the test */
static void expect_warning(struct kunit *test, const char *file)
{
	kunit_info(test, "imsgen: expect splat: kernel/irq/%s", file);
}

static irqreturn_t never(int irq, void *data)
{
	return IRQ_NONE;
}

static void gone(struct kunit *test, struct ims_fake *fake)
{
	ims_fake_detach(fake);
	KUNIT_EXPECT_EQ(test, fake->allocated, 0);
	KUNIT_EXPECT_EQ(test, fake->active, 0);
	KUNIT_EXPECT_FALSE(test, fake->pdev->msix_enabled);
	KUNIT_EXPECT_PTR_EQ(test, fake->pdev->dev.msi.data, NULL);
}

/* A driver is bound, maybe not for the first time */
static void bound(struct kunit *test, struct ims_fake *fake)
{
	if (!fake->group)
		fake->group = devres_open_group(&fake->pdev->dev, NULL, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, fake->group);
}

static struct idxd_irqs *idxd_setup(struct kunit *test, struct ims_fake *fake)
{
	struct idxd_irqs *irqs = kunit_kzalloc(test, sizeof(*irqs), GFP_KERNEL);
	struct idxd_irqs_params params = {
		.bar0		= fake->bar,
		.ims_slots	= 16,
		.queue_handler	= never,
	};

	KUNIT_ASSERT_NOT_NULL(test, irqs);
	bound(test, fake);
	KUNIT_ASSERT_EQ(test, devm_idxd_irqs_init(irqs, fake->pdev, &params), 0);
	return irqs;
}

/* A queue is attached, a guest has its vector, and the driver goes away */
static void idxd_leaves_vectors(struct kunit *test)
{
	static struct irq_vec_user users[2];
	struct ims_fake *fake = ims_fake_create(test, &machine);
	struct irq_vec *shared, *own;
	struct idxd_irqs *irqs;
	unsigned int i;

	expect_warning(test, "vecpool.c");
	for (i = 0; i < ARRAY_SIZE(users); i++) {
		irqs = idxd_setup(test, fake);
		shared = idxd_queue_get(irqs, 0);
		KUNIT_ASSERT_FALSE(test, IS_ERR(shared));
		idxd_queue_attach(shared, &users[i]);
		own = idxd_queue_get_at(irqs, IDXD_IMS, 3, NULL, NULL);
		KUNIT_ASSERT_FALSE(test, IS_ERR(own));
		gone(test, fake);
	}
}

/* A vector is given back for the last time while a queue is still attached */
static void idxd_leaves_queue(struct kunit *test)
{
	static struct irq_vec_user users[2];
	struct ims_fake *fake = ims_fake_create(test, &machine);
	struct idxd_irqs *irqs = idxd_setup(test, fake);
	struct irq_vec *shared;
	unsigned int i;

	expect_warning(test, "vecpool.c");
	for (i = 0; i < ARRAY_SIZE(users); i++) {
		shared = idxd_queue_get(irqs, 0);
		KUNIT_ASSERT_FALSE(test, IS_ERR(shared));
		idxd_queue_attach(shared, &users[i]);
		idxd_queue_put(shared);
	}
	gone(test, fake);
}

/* A subdevice of mlx5 */
struct subdevice {
	struct auxiliary_device	adev;
	struct mlx5_irqs	*parent;
	struct irq_vecset	irqs;
};

static int subdevice_probe(struct auxiliary_device *adev, const struct auxiliary_device_id *id)
{
	struct subdevice *sub = container_of(adev, struct subdevice, adev);

	return devm_mlx5_sf_irqs_init(&sub->irqs, sub->parent, adev, 2);
}

static const struct auxiliary_device_id subdevice_ids[] = {
	{ .name = KBUILD_MODNAME ".outlives" },
	{ }
};

static struct auxiliary_driver subdevice_driver = {
	.probe		= subdevice_probe,
	.id_table	= subdevice_ids,
};

static void subdevice_release(struct device *dev)
{
	kfree(container_of(dev, struct subdevice, adev.dev));
}

static struct subdevice *subdevice_add(struct kunit *test, struct ims_fake *fake,
				       struct mlx5_irqs *irqs)
{
	struct subdevice *sub = kzalloc(sizeof(*sub), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, sub);
	sub->parent = irqs;
	sub->adev.name = "outlives";
	sub->adev.dev.parent = &fake->pdev->dev;
	sub->adev.dev.release = subdevice_release;
	KUNIT_ASSERT_EQ(test, auxiliary_device_init(&sub->adev), 0);
	KUNIT_ASSERT_EQ(test, auxiliary_device_add(&sub->adev), 0);
	KUNIT_ASSERT_PTR_EQ(test, sub->irqs.group, irqs->sf);
	return sub;
}

/* A subdevice is still there when the device goes away, and goes later */
static void mlx5_leaves_subdevice(struct kunit *test)
{
	const struct mlx5_irqs_params params = {
		.ctrl_handler	= never,
		.comp_handler	= never,
	};
	struct ims_fake *fake = ims_fake_create(test, &machine);
	struct mlx5_irqs *irqs;
	struct subdevice *sub;
	unsigned int i;

	expect_warning(test, "vecset.c");
	for (i = 0; i < 2; i++) {
		irqs = kunit_kzalloc(test, sizeof(*irqs), GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, irqs);
		bound(test, fake);
		KUNIT_ASSERT_EQ(test, devm_mlx5_irqs_init(irqs, fake->pdev, &params), 0);
		sub = subdevice_add(test, fake, irqs);
		KUNIT_EXPECT_EQ(test, mlx5_sf_nr(&sub->irqs), 3);

		gone(test, fake);
		KUNIT_EXPECT_EQ(test, mlx5_sf_nr(&sub->irqs), 0);
		auxiliary_device_delete(&sub->adev);
		auxiliary_device_uninit(&sub->adev);
	}
}

static int leftovers_init(struct kunit_suite *suite)
{
	return auxiliary_driver_register(&subdevice_driver);
}

static void leftovers_exit(struct kunit_suite *suite)
{
	auxiliary_driver_unregister(&subdevice_driver);
}

static struct kunit_case leftovers_cases[] = {
	KUNIT_CASE(idxd_leaves_vectors),
	KUNIT_CASE(idxd_leaves_queue),
	KUNIT_CASE(mlx5_leaves_subdevice),
	{ }
};

static struct kunit_suite leftovers_suite = {
	.name		= "ims_leftovers",
	.suite_init	= leftovers_init,
	.suite_exit	= leftovers_exit,
	.test_cases	= leftovers_cases,
};

kunit_test_suite(leftovers_suite);

MODULE_DESCRIPTION("What drivers leave of an Interrupt Message Store: KUnit suite");
MODULE_LICENSE("GPL");
