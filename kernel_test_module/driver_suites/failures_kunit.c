// SPDX-License-Identifier: GPL-2.0
/*
 * Each allocation fails once: the first of a driver's life, then the second, and
 * so on until none is left. The driver is told, nothing stays behind, and the
 * device works the next time.
 */
#include <kunit/ims_fake.h>
#include <kunit/test.h>

#include <linux/auxiliary_bus.h>
#include <linux/cpumask.h>
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/interrupt.h>
#include <linux/irqchip/irq-crypto2.h>
#include <linux/irqchip/irq-idxd.h>
#include <linux/irqchip/irq-mlx5.h>
#include <linux/irqchip/irq-ntb.h>
#include <linux/irqchip/irq-nvme.h>
#include <linux/irqchip/irq-timer.h>
#include <linux/irqchip/irq-vfio.h>
#include <linux/module.h>
#include <linux/msi.h>
#include <linux/pci.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>

/* More allocations than that are no life of a driver, but a loop */
#define MOST	2000

static irqreturn_t never(int irq, void *data)
{
	return IRQ_NONE;
}

/* Whoever can't have an interrupt goes on without it */
static int use(unsigned int irq, void *data)
{
	int ret = request_irq(irq, never, 0, "failures", data);

	if (!ret)
		free_irq(irq, data);
	return ret;
}

static int timer_life(struct ims_fake *fake, void *data)
{
	struct timer_irqs *irqs = data;
	int ret = devm_timer_irqs_init(irqs, fake->pdev, fake->bar);

	return ret ? ret : use(timer_irq_tick(irqs), irqs);
}

static int idxd_life(struct ims_fake *fake, void *data)
{
	struct idxd_irqs_params params = {
		.bar0		= fake->bar,
		.ims_slots	= 16,
		.queue_handler	= never,
	};
	struct irq_vec *shared, *own;
	struct idxd_irqs *irqs = data;
	int ret;

	ret = devm_idxd_irqs_init(irqs, fake->pdev, &params);
	if (ret)
		return ret;

	shared = idxd_queue_get(irqs, 0);
	own = idxd_queue_get_at(irqs, IDXD_IMS, 3, NULL, cpumask_of(0));
	if (!IS_ERR(own)) {
		ret = use(own->irq, own);
		idxd_queue_put(own);
	}
	if (!IS_ERR(shared))
		idxd_queue_put(shared);

	ret = ret ?: PTR_ERR_OR_ZERO(own);
	return ret ?: PTR_ERR_OR_ZERO(shared);
}

static int crypto2_life(struct ims_fake *fake, void *data)
{
	struct crypto2_irqs_params params = {
		.bar0		= fake->bar,
		.ring_handler	= never,
	};
	struct irq_vec *shared, *own;
	struct crypto2_irqs *irqs = data;
	int ret;

	ret = devm_crypto2_irqs_init(irqs, fake->pdev, &params);
	if (ret)
		return ret;

	shared = crypto2_ring_get(irqs, 0);
	own = crypto2_ring_get_dedicated(irqs, NULL, NULL);
	if (!IS_ERR(own))
		crypto2_ring_put(own);
	if (!IS_ERR(shared))
		crypto2_ring_put(shared);

	ret = PTR_ERR_OR_ZERO(own);
	return ret ?: PTR_ERR_OR_ZERO(shared);
}

static int vfio_life(struct ims_fake *fake, void *data)
{
	struct vfio_irqs_params params = {
		.bar0		= fake->bar,
		.ims_slots	= 16,
	};
	struct vfio_ims_cookie cookie = { .pasid = 1 };
	struct vfio_irqs *irqs = data;
	struct irq_vec *own;
	int ret;

	ret = devm_vfio_irqs_init(irqs, fake->pdev, &params);
	if (ret)
		return ret;

	own = vfio_guest_get_dedicated(irqs, &cookie, NULL);
	if (IS_ERR(own))
		return PTR_ERR(own);
	ret = use(own->irq, own);
	vfio_guest_put(own);
	return ret;
}

static void peer_changed(struct pci_ims *ims, unsigned int index, const struct msi_msg *msg)
{
}

static int ntb_life(struct ims_fake *fake, void *data)
{
	struct ntb_irqs_params params = { .peer_changed = peer_changed };
	struct ntb_irqs *irqs = data;
	struct irq_vec *own;
	int ret;

	ret = devm_ntb_irqs_init(irqs, fake->pdev, &params);
	if (ret)
		return ret;

	own = ntb_bell_get_dedicated(irqs, NULL);
	if (IS_ERR(own))
		return PTR_ERR(own);
	ret = use(own->irq, own);
	ntb_bell_put(own);
	return ret;
}

static int nvme_life(struct ims_fake *fake, void *data)
{
	struct nvme_irqs *irqs = data;
	int ret = devm_nvme_irqs_init(irqs, fake->pdev, 4);

	return ret ? ret : use(nvme_io_irq(irqs, 0), irqs);
}

/* A subdevice of mlx5 */
struct subdevice {
	struct auxiliary_device	adev;
	struct mlx5_irqs	*parent;
	struct irq_vecset	irqs;
	int			ret;
};

static int subdevice_probe(struct auxiliary_device *adev, const struct auxiliary_device_id *id)
{
	struct subdevice *sub = container_of(adev, struct subdevice, adev);

	sub->ret = devm_mlx5_sf_irqs_init(&sub->irqs, sub->parent, adev, 2);
	return sub->ret;
}

static const struct auxiliary_device_id subdevice_ids[] = {
	{ .name = KBUILD_MODNAME ".fails" },
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

static int subdevice_life(struct ims_fake *fake, struct mlx5_irqs *irqs)
{
	struct subdevice *sub = kzalloc(sizeof(*sub), GFP_KERNEL);
	int ret;

	if (!sub)
		return -ENOMEM;
	sub->parent = irqs;
	sub->adev.name = "fails";
	sub->adev.dev.parent = &fake->pdev->dev;
	sub->adev.dev.release = subdevice_release;
	ret = auxiliary_device_init(&sub->adev);
	if (ret) {
		kfree(sub);
		return ret;
	}

	ret = auxiliary_device_add(&sub->adev);
	if (!ret) {
		ret = sub->ret;
		auxiliary_device_delete(&sub->adev);
	}
	auxiliary_device_uninit(&sub->adev);
	return ret;
}

static int obey(struct pci_ims *ims, const struct pci_ims_msg *msg)
{
	return 0;
}

static int mlx5_life(struct ims_fake *fake, void *data)
{
	struct mlx5_irqs_params params = {
		.eqctx_slots	= 16,
		.eqctx_command	= obey,
		.ctrl_handler	= never,
		.comp_handler	= never,
	};
	struct irq_vec *shared, *own;
	struct mlx5_irqs *irqs = data;
	int ret;

	ret = devm_mlx5_irqs_init(irqs, fake->pdev, &params);
	if (ret)
		return ret;

	shared = mlx5_comp_get(irqs, NULL);
	own = mlx5_comp_get_at(irqs, MLX5_EQCTX, 5, NULL, NULL);
	ret = subdevice_life(fake, irqs);
	if (!IS_ERR(own))
		mlx5_comp_put(own);
	if (!IS_ERR(shared))
		mlx5_comp_put(shared);

	ret = ret ?: PTR_ERR_OR_ZERO(own);
	return ret ?: PTR_ERR_OR_ZERO(shared);
}

static const struct life {
	const char	*name;
	int		(*live)(struct ims_fake *fake, void *irqs);
	size_t		size;
} lives[] = {
	{ "timer", timer_life, sizeof(struct timer_irqs) },
	{ "idxd", idxd_life, sizeof(struct idxd_irqs) },
	{ "crypto2", crypto2_life, sizeof(struct crypto2_irqs) },
	{ "vfio", vfio_life, sizeof(struct vfio_irqs) },
	{ "ntb", ntb_life, sizeof(struct ntb_irqs) },
	{ "nvme", nvme_life, sizeof(struct nvme_irqs) },
	{ "mlx5", mlx5_life, sizeof(struct mlx5_irqs) },
};

static void each_allocation_fails(struct kunit *test)
{
	const struct life *life = test->param_value;
	const struct ims_fake_params machine = {
		.vectors	= 64,
		.supports	= MSI_FLAG_PCI_IMS,
		.msix		= 8,
		.bar_size	= SZ_128K,
	};
	void *irqs = kunit_kzalloc(test, life->size, GFP_KERNEL);
	struct ims_fake *fake = ims_fake_create(test, &machine);
	unsigned int nth, failed = 0;
	bool injected = true;
	int ret = 0;

	KUNIT_ASSERT_NOT_NULL(test, irqs);

	for (nth = 1; injected && nth < MOST; nth++) {
		if (!fake->group)
			fake->group = devres_open_group(&fake->pdev->dev, NULL, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, fake->group);

		current->fail_nth = nth;
		ret = life->live(fake, irqs);
		injected = !current->fail_nth;
		current->fail_nth = 0;
		failed += !!ret;

		/*
		 * The MSI core says -ENOSPC when an interrupt can't be had, and not at
		 * all why a domain can't.
		 */
		if (ret != -ENOSPC && ret != -ENODEV && ret != -ENOMEM)
			KUNIT_ASSERT_EQ(test, ret, 0);
		ims_fake_detach(fake);
		KUNIT_ASSERT_EQ(test, fake->allocated, 0);
		KUNIT_ASSERT_EQ(test, fake->active, 0);
		KUNIT_ASSERT_FALSE(test, fake->pdev->msix_enabled);
		KUNIT_ASSERT_PTR_EQ(test, fake->pdev->dev.msi.data, NULL);
	}

	KUNIT_EXPECT_EQ(test, ret, 0);
	KUNIT_EXPECT_FALSE(test, injected);
	KUNIT_EXPECT_GT(test, failed, 5);
	kunit_info(test, "%u allocations, %u of them noticed", nth - 2, failed);
}

static void life_name(const struct life *life, char *desc)
{
	strscpy(desc, life->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(lives, lives, life_name);

static void *setting(struct dentry *dir, const char *name)
{
	struct dentry *dentry = debugfs_lookup(name, dir);
	void *value = dentry ? d_inode(dentry)->i_private : NULL;

	dput(dentry);
	return value;
}

/* As "echo N > ignore-gfp-wait; echo 0 > verbose" would; there is no user space */
static int failures_init(struct kunit_suite *suite)
{
	struct dentry *dir = debugfs_lookup("failslab", NULL);
	bool *ignore = setting(dir, "ignore-gfp-wait");
	u32 *verbose = setting(dir, "verbose");

	dput(dir);
	if (!ignore || !verbose)
		return -ENOENT;
	*ignore = false;
	*verbose = 0;
	return auxiliary_driver_register(&subdevice_driver);
}

static void failures_exit(struct kunit_suite *suite)
{
	auxiliary_driver_unregister(&subdevice_driver);
}

static struct kunit_case failures_cases[] = {
	KUNIT_CASE_PARAM(each_allocation_fails, lives_gen_params),
	{ }
};

static struct kunit_suite failures_suite = {
	.name		= "ims_failures",
	.suite_init	= failures_init,
	.suite_exit	= failures_exit,
	.test_cases	= failures_cases,
};

kunit_test_suite(failures_suite);

MODULE_DESCRIPTION("Allocations which fail for an Interrupt Message Store: KUnit suite");
MODULE_LICENSE("GPL");
