// SPDX-License-Identifier: GPL-2.0
/*
 * NIC with subfunctions: a skeleton to copy
 *
 * Its interrupts are those of mlx5.ims; registers and numbers of queues are made
 * up. Written by imsgen 0.1.0: imsgen skeleton mlx5.ims
 */
#include <linux/auxiliary_bus.h>
#include <linux/bits.h>
#include <linux/container_of.h>
#include <linux/cpumask.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/irqchip/irq-mlx5.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/pm.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

/* A real driver reads these from the device, or is told them */
#define MLX5_EQCTX_SLOTS	512
#define MLX5_COMP_NR		1
#define MLX5_SF_CTRL_NR		1
#define MLX5_SF_COMP_NR		4

/* Registers in BAR 0 */
#define MLX5_ENABLE			0x0
#define MLX5_COMP_VECTOR(i)		(0x10 + 4 * (i))
#define MLX5_EQCTX_BIT			BIT(31)
#define MLX5_SF_CTRL_VECTOR(id, i)	(0x20 + 4 * (i) + 0x4 * (id))
#define MLX5_SF_COMP_VECTOR(id, i)	(0x40 + 4 * (i) + 0x10 * (id))
#define MLX5_EQCTX_INDEX		0xc0
#define MLX5_EQCTX_ADDRESS_LO		0xc4
#define MLX5_EQCTX_ADDRESS_HI		0xc8
#define MLX5_EQCTX_DATA			0xcc
#define MLX5_EQCTX_COOKIE_QUEUE		0xd0
#define MLX5_EQCTX_MASKED		0xd4
#define MLX5_EQCTX_GO			0xd8

struct mlx5_ctrl {
	struct irq_vec		*vec;
	struct irq_vec_user	user;
	unsigned int		events;
};

struct mlx5_comp {
	struct irq_vec		*vec;
	struct irq_vec_user	user;
	unsigned int		events;
};

struct mlx5_priv {
	struct mlx5_irqs	irqs;
	void __iomem		*regs;
	unsigned int		async_events;
	struct mlx5_comp	comp[MLX5_COMP_NR];
};

/* Called under a mutex, one at a time. May sleep, but wait for no interrupt of this store */
static int mlx5_eqctx_command(struct pci_ims *ims, const struct pci_ims_msg *msg)
{
	struct mlx5_priv *priv = container_of(ims, struct mlx5_priv, irqs.eqctx);

	writel(msg->index, priv->regs + MLX5_EQCTX_INDEX);
	writel(msg->address_lo, priv->regs + MLX5_EQCTX_ADDRESS_LO);
	writel(msg->address_hi, priv->regs + MLX5_EQCTX_ADDRESS_HI);
	writel(msg->data, priv->regs + MLX5_EQCTX_DATA);
	writel(msg->cookie[0], priv->regs + MLX5_EQCTX_COOKIE_QUEUE);
	writel(msg->masked, priv->regs + MLX5_EQCTX_MASKED);
	writel(1, priv->regs + MLX5_EQCTX_GO);
	/* Others say later that they have done it, and whether they could */
	readl(priv->regs + MLX5_EQCTX_GO);
	return 0;
}

/* Errors and events */
static irqreturn_t mlx5_async_interrupt(int irq, void *data)
{
	struct mlx5_priv *priv = data;

	/* Read from the device what it is, and say IRQ_NONE if it is nothing */
	priv->async_events++;
	return IRQ_HANDLED;
}

/* Control queues of subfunctions */
static irqreturn_t mlx5_ctrl_look(struct mlx5_ctrl *queue)
{
	/* Look at it here, and say IRQ_NONE if there is nothing on it */
	queue->events++;
	return IRQ_HANDLED;
}

static irqreturn_t mlx5_ctrl_event(struct irq_vec_user *user)
{
	return mlx5_ctrl_look(container_of(user, struct mlx5_ctrl, user));
}

/* Asks all who share the vector */
static irqreturn_t mlx5_ctrl_shared(int irq, void *vec)
{
	return mlx5_ctrl_dispatch(vec, mlx5_ctrl_event);
}

/* The device has to know which of its messages to send */
static void mlx5_ctrl_tell(struct mlx5_priv *priv, const struct irq_vec *vec, unsigned int reg)
{
	enum mlx5_store store;
	unsigned int index = mlx5_ctrl_index(vec, &store);

	writel(index, priv->regs + reg);
}

/* Completions */
static irqreturn_t mlx5_comp_look(struct mlx5_comp *queue)
{
	/* Look at it here, and say IRQ_NONE if there is nothing on it */
	queue->events++;
	return IRQ_HANDLED;
}

static irqreturn_t mlx5_comp_event(struct irq_vec_user *user)
{
	return mlx5_comp_look(container_of(user, struct mlx5_comp, user));
}

/* Asks all who share the vector */
static irqreturn_t mlx5_comp_shared(int irq, void *vec)
{
	return mlx5_comp_dispatch(vec, mlx5_comp_event);
}

static irqreturn_t mlx5_comp_interrupt(int irq, void *data)
{
	return mlx5_comp_look(data);
}

/* The device has to know which of its messages to send */
static void mlx5_comp_tell(struct mlx5_priv *priv, const struct irq_vec *vec, unsigned int reg)
{
	enum mlx5_store store;
	unsigned int index = mlx5_comp_index(vec, &store);

	if (store == MLX5_EQCTX)
		index |= MLX5_EQCTX_BIT;
	writel(index, priv->regs + reg);
}

static void mlx5_comp_close(void *data)
{
	struct mlx5_comp *queue = data;

	free_irq(queue->vec->irq, queue);
	mlx5_comp_put(queue->vec);
}

static int mlx5_comp_open(struct mlx5_priv *priv, unsigned int i)
{
	struct mlx5_comp *queue = &priv->comp[i];
	struct device *dev = &priv->irqs.pdev->dev;
	/* What its messages carry along: whose they are */
	struct mlx5_eqctx_cookie cookie = {
		.queue	= i,
	};
	int ret;

	queue->vec = mlx5_comp_get_dedicated(&priv->irqs, &cookie, NULL);
	if (IS_ERR(queue->vec))
		return PTR_ERR(queue->vec);

	ret = request_irq(queue->vec->irq, mlx5_comp_interrupt, 0, "mlx5-comp", queue);
	if (ret) {
		mlx5_comp_put(queue->vec);
		return ret;
	}

	ret = devm_add_action_or_reset(dev, mlx5_comp_close, queue);
	return ret ?: mlx5_comp_error(queue->vec);
}

/* All that the device has to know. A reset makes it forget that */
static void mlx5_pci_start(struct mlx5_priv *priv)
{
	unsigned int i;

	for (i = 0; i < MLX5_COMP_NR; i++)
		mlx5_comp_tell(priv, priv->comp[i].vec, MLX5_COMP_VECTOR(i));
	writel(1, priv->regs + MLX5_ENABLE);
}

static void mlx5_pci_stop(struct mlx5_priv *priv)
{
	writel(0, priv->regs + MLX5_ENABLE);
	/* What was on its way has arrived when this returns */
	readl(priv->regs + MLX5_ENABLE);
}

/* A subdevice is an auxiliary device, and its vectors are numbered from 0 */
struct mlx5_sf {
	struct mlx5_priv	*priv;
	struct auxiliary_device	*adev;
	struct irq_vecset	irqs;
	struct mlx5_ctrl	ctrl[MLX5_SF_CTRL_NR];
	struct mlx5_comp	comp[MLX5_SF_COMP_NR];
};

static void mlx5_sf_tell(struct mlx5_sf *sub)
{
	unsigned int i, id = sub->adev->id;

	for (i = 0; i < MLX5_SF_CTRL_NR && sub->ctrl[i].vec; i++)
		mlx5_ctrl_tell(sub->priv, sub->ctrl[i].vec, MLX5_SF_CTRL_VECTOR(id, i));
	for (i = 0; i < MLX5_SF_COMP_NR && sub->comp[i].vec; i++)
		mlx5_comp_tell(sub->priv, sub->comp[i].vec, MLX5_SF_COMP_VECTOR(id, i));
}

static void mlx5_sf_close(void *data)
{
	struct mlx5_sf *sub = data;
	unsigned int i;

	for (i = 0; i < MLX5_SF_CTRL_NR && sub->ctrl[i].vec; i++)
		mlx5_sf_ctrl_detach(mlx5_sf_ctrl(&sub->irqs, i), &sub->ctrl[i].user);
	for (i = 0; i < MLX5_SF_COMP_NR && sub->comp[i].vec; i++)
		mlx5_sf_comp_detach(mlx5_sf_comp(&sub->irqs, i), &sub->comp[i].user);
	/* A handler may still be looking at one of them */
	synchronize_rcu();
}

static int mlx5_sf_probe(struct auxiliary_device *adev, const struct auxiliary_device_id *id)
{
	struct irq_vecset_vec *vec;
	struct mlx5_sf *sub;
	unsigned int i;
	int ret;

	sub = devm_kzalloc(&adev->dev, sizeof(*sub), GFP_KERNEL);
	if (!sub)
		return -ENOMEM;
	sub->adev = adev;
	sub->priv = dev_get_drvdata(adev->dev.parent);
	auxiliary_set_drvdata(adev, sub);

	ret = devm_mlx5_sf_irqs_init(&sub->irqs, &sub->priv->irqs, adev, MLX5_SF_COMP_NR);
	if (ret)
		return ret;
	ret = devm_add_action_or_reset(&adev->dev, mlx5_sf_close, sub);
	if (ret)
		return ret;

	for (i = 0; i < MLX5_SF_CTRL_NR; i++) {
		vec = mlx5_sf_ctrl(&sub->irqs, i);
		if (!vec)
			break;
		mlx5_sf_ctrl_attach(vec, &sub->ctrl[i].user);
		sub->ctrl[i].vec = vec->vec;
	}
	/* There can be fewer than wanted */
	for (i = 0; i < MLX5_SF_COMP_NR; i++) {
		vec = mlx5_sf_comp(&sub->irqs, i);
		if (!vec)
			break;
		mlx5_sf_comp_attach(vec, &sub->comp[i].user);
		sub->comp[i].vec = vec->vec;
	}

	mlx5_sf_tell(sub);
	return 0;
}

static const struct auxiliary_device_id mlx5_sf_ids[] = {
	{ .name = KBUILD_MODNAME ".sf" },
	{ }
};
MODULE_DEVICE_TABLE(auxiliary, mlx5_sf_ids);

static struct auxiliary_driver mlx5_sf_driver = {
	.name		= "sf",
	.id_table	= mlx5_sf_ids,
	.probe		= mlx5_sf_probe,
};

/* After a reset of the device: its driver may come or go at any time */
static int mlx5_sf_again(struct device *dev, void *data)
{
	device_lock(dev);
	if (dev->driver == &mlx5_sf_driver.driver)
		mlx5_sf_tell(dev_get_drvdata(dev));
	device_unlock(dev);
	return 0;
}

static void mlx5_sf_release(struct device *dev)
{
	kfree(to_auxiliary_dev(dev));
}

static void mlx5_sf_delete(void *data)
{
	struct auxiliary_device *adev = data;

	auxiliary_device_delete(adev);
	auxiliary_device_uninit(adev);
}

static int mlx5_sf_add(struct pci_dev *pdev, u32 id)
{
	struct auxiliary_device *adev = kzalloc(sizeof(*adev), GFP_KERNEL);
	int ret;

	if (!adev)
		return -ENOMEM;

	adev->id = id;
	adev->name = "sf";
	adev->dev.parent = &pdev->dev;
	adev->dev.release = mlx5_sf_release;
	ret = auxiliary_device_init(adev);
	if (ret) {
		kfree(adev);
		return ret;
	}

	ret = auxiliary_device_add(adev);
	if (ret) {
		auxiliary_device_uninit(adev);
		return ret;
	}
	return devm_add_action_or_reset(&pdev->dev, mlx5_sf_delete, adev);
}

static int mlx5_pci_request(struct mlx5_priv *priv, struct pci_dev *pdev)
{
	unsigned int i;
	int ret;

	ret = devm_request_irq(&pdev->dev, mlx5_irq_async(&priv->irqs), mlx5_async_interrupt, 0,
			       "mlx5-async", priv);
	if (ret)
		return ret;

	for (i = 0; i < MLX5_COMP_NR; i++) {
		ret = mlx5_comp_open(priv, i);
		if (ret)
			return ret;
	}

	return 0;
}

static int mlx5_pci_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct mlx5_irqs_params params = {
		.eqctx_slots	= MLX5_EQCTX_SLOTS,
		.eqctx_command	= mlx5_eqctx_command,
		.ctrl_handler	= mlx5_ctrl_shared,
		.comp_handler	= mlx5_comp_shared,
	};
	struct mlx5_priv *priv;
	int ret;

	priv = devm_kzalloc(&pdev->dev, sizeof(*priv), GFP_KERNEL);
	if (!priv)
		return -ENOMEM;
	pci_set_drvdata(pdev, priv);

	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;
	ret = pcim_iomap_regions(pdev, BIT(0), "mlx5-skeleton");
	if (ret)
		return ret;
	priv->regs = pcim_iomap_table(pdev)[0];
	pci_set_master(pdev);

	ret = devm_mlx5_irqs_init(&priv->irqs, pdev, &params);
	if (ret)
		return dev_err_probe(&pdev->dev, ret, "no interrupts\n");

	ret = mlx5_pci_request(priv, pdev);
	if (ret)
		return ret;

	mlx5_pci_start(priv);
	ret = mlx5_sf_add(pdev, 0);
	if (ret)
		goto stop;
	return 0;

stop:
	mlx5_pci_stop(priv);
	return ret;
}

/* The device goes quiet first; what it had is given back behind this */
static void mlx5_pci_remove(struct pci_dev *pdev)
{
	mlx5_pci_stop(pci_get_drvdata(pdev));
}

static void mlx5_pci_shutdown(struct pci_dev *pdev)
{
	struct mlx5_priv *priv = pci_get_drvdata(pdev);

	mlx5_pci_stop(priv);
	mlx5_irqs_shutdown(&priv->irqs);
}

static void mlx5_pci_reset_prepare(struct pci_dev *pdev)
{
	mlx5_pci_stop(pci_get_drvdata(pdev));
}

/* The PCI core does not know the messages of the store */
static void mlx5_pci_reset_done(struct pci_dev *pdev)
{
	struct mlx5_priv *priv = pci_get_drvdata(pdev);

	mlx5_irqs_restore(&priv->irqs);
	mlx5_pci_start(priv);
	device_for_each_child(&pdev->dev, NULL, mlx5_sf_again);
}

static const struct pci_error_handlers mlx5_pci_error_handlers = {
	.reset_prepare	= mlx5_pci_reset_prepare,
	.reset_done	= mlx5_pci_reset_done,
};

static int mlx5_pci_suspend(struct device *dev)
{
	mlx5_pci_reset_prepare(to_pci_dev(dev));
	return 0;
}

static int mlx5_pci_resume(struct device *dev)
{
	mlx5_pci_reset_done(to_pci_dev(dev));
	return 0;
}

static DEFINE_SIMPLE_DEV_PM_OPS(mlx5_pci_pm_ops, mlx5_pci_suspend, mlx5_pci_resume);

static const struct pci_device_id mlx5_pci_ids[] = {
	{ PCI_DEVICE(0x15b3, 0x101e) },
	{ }
};
MODULE_DEVICE_TABLE(pci, mlx5_pci_ids);

static struct pci_driver mlx5_pci_driver = {
	.name		= "mlx5-skeleton",
	.id_table	= mlx5_pci_ids,
	.probe		= mlx5_pci_probe,
	.remove		= mlx5_pci_remove,
	.shutdown	= mlx5_pci_shutdown,
	.err_handler	= &mlx5_pci_error_handlers,
	.driver.pm	= pm_sleep_ptr(&mlx5_pci_pm_ops),
};

static int __init mlx5_pci_register(void)
{
	int ret;

	ret = auxiliary_driver_register(&mlx5_sf_driver);
	if (ret)
		return ret;
	ret = pci_register_driver(&mlx5_pci_driver);
	if (ret)
		goto unregister_sf;
	return 0;

unregister_sf:
	auxiliary_driver_unregister(&mlx5_sf_driver);
	return ret;
}
module_init(mlx5_pci_register);

static void __exit mlx5_pci_unregister(void)
{
	pci_unregister_driver(&mlx5_pci_driver);
	auxiliary_driver_unregister(&mlx5_sf_driver);
}
module_exit(mlx5_pci_unregister);

MODULE_DESCRIPTION("NIC with subfunctions: skeleton of a driver");
MODULE_LICENSE("GPL");
