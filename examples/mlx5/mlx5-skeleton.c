// SPDX-License-Identifier: GPL-2.0
/*
 * NIC with subfunctions: a skeleton to copy. Event queues are told by a command
 * of the device which message to send; each subfunction is an auxiliary device
 * with completion vectors of its own, numbered from 0.
 */
#include <linux/auxiliary_bus.h>
#include <linux/container_of.h>
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

#define MLX5_EQS		1024
#define MLX5_SF_QUEUES		4

/* The command which sets the message of an event queue, at the start of BAR 0 */
#define MLX5_CMD_EQ		0x00
#define MLX5_CMD_ADDRESS_LO	0x04
#define MLX5_CMD_ADDRESS_HI	0x08
#define MLX5_CMD_DATA		0x0c
#define MLX5_CMD_DISARMED	0x10
#define MLX5_CMD_GO		0x14

/* The command which connects a completion queue with an event queue or an MSI-X entry */
#define MLX5_CMD_CQ		0x20
#define MLX5_CMD_CQ_EQ		0x24
#define MLX5_CMD_CQ_MSIX	0x28
#define MLX5_CMD_CQ_GO		0x2c

struct mlx5_skeleton {
	struct mlx5_irqs	irqs;
	void __iomem		*cmd;
	unsigned int		events;
};

struct mlx5_queue {
	struct irq_vec_user	user;
	struct irq_vecset_vec	*vec;
	unsigned int		completions;
};

struct mlx5_sf {
	struct irq_vecset	irqs;
	struct irq_vec_user	ctrl;
	unsigned int		changes;
	struct mlx5_queue	queues[MLX5_SF_QUEUES];
};

/* One command at a time: the interrupt layer calls this under a mutex */
static int mlx5_set_eq(struct pci_ims *ims, const struct pci_ims_msg *msg)
{
	struct mlx5_skeleton *mlx5 = container_of(ims, struct mlx5_skeleton, irqs.eqctx);

	writel(msg->index, mlx5->cmd + MLX5_CMD_EQ);
	writel(msg->address_lo, mlx5->cmd + MLX5_CMD_ADDRESS_LO);
	writel(msg->address_hi, mlx5->cmd + MLX5_CMD_ADDRESS_HI);
	writel(msg->data, mlx5->cmd + MLX5_CMD_DATA);
	writel(msg->masked, mlx5->cmd + MLX5_CMD_DISARMED);
	writel(1, mlx5->cmd + MLX5_CMD_GO);
	/* This device has done it when the read returns; others raise an interrupt */
	readl(mlx5->cmd + MLX5_CMD_GO);
	return 0;
}

static irqreturn_t mlx5_async(int irq, void *data)
{
	struct mlx5_skeleton *mlx5 = data;

	mlx5->events++;
	return IRQ_HANDLED;
}

static irqreturn_t mlx5_complete(struct irq_vec_user *user)
{
	struct mlx5_queue *queue = container_of(user, struct mlx5_queue, user);

	queue->completions++;
	return IRQ_HANDLED;
}

static irqreturn_t mlx5_comp_interrupt(int irq, void *vec)
{
	return mlx5_comp_dispatch(vec, mlx5_complete);
}

static irqreturn_t mlx5_changed(struct irq_vec_user *user)
{
	struct mlx5_sf *sf = container_of(user, struct mlx5_sf, ctrl);

	sf->changes++;
	return IRQ_HANDLED;
}

static irqreturn_t mlx5_ctrl_interrupt(int irq, void *vec)
{
	return mlx5_ctrl_dispatch(vec, mlx5_changed);
}

/* --- Subfunctions ------------------------------------------------------------ */

/* The device has to know which interrupt a queue causes, in whichever store that is */
static void mlx5_set_cq(struct mlx5_skeleton *mlx5, unsigned int queue, const struct irq_vec *vec)
{
	enum mlx5_store store;
	unsigned int index = mlx5_comp_index(vec, &store);

	writel(queue, mlx5->cmd + MLX5_CMD_CQ);
	writel(index, mlx5->cmd + MLX5_CMD_CQ_EQ);
	writel(store == MLX5_TABLE, mlx5->cmd + MLX5_CMD_CQ_MSIX);
	writel(1, mlx5->cmd + MLX5_CMD_CQ_GO);
}

static void mlx5_sf_close(void *data)
{
	struct mlx5_sf *sf = data;
	unsigned int i;

	for (i = 0; i < MLX5_SF_QUEUES; i++)
		mlx5_sf_comp_detach(sf->queues[i].vec, &sf->queues[i].user);
	mlx5_sf_ctrl_detach(mlx5_sf_ctrl(&sf->irqs, 0), &sf->ctrl);
	/* A handler may still be looking at one of them */
	synchronize_rcu();
}

static int mlx5_sf_probe(struct auxiliary_device *adev, const struct auxiliary_device_id *id)
{
	struct mlx5_skeleton *mlx5 = pci_get_drvdata(to_pci_dev(adev->dev.parent));
	struct mlx5_queue *queue;
	struct mlx5_sf *sf;
	unsigned int i, nr;
	int ret;

	sf = devm_kzalloc(&adev->dev, sizeof(*sf), GFP_KERNEL);
	if (!sf)
		return -ENOMEM;

	ret = devm_mlx5_sf_irqs_init(&sf->irqs, &mlx5->irqs, adev, MLX5_SF_QUEUES);
	if (ret)
		return ret;

	mlx5_sf_ctrl_attach(mlx5_sf_ctrl(&sf->irqs, 0), &sf->ctrl);
	/* Behind the one for control there is one for each queue, or fewer which queues share */
	nr = mlx5_sf_nr(&sf->irqs) - 1;
	for (i = 0; i < MLX5_SF_QUEUES; i++) {
		queue = &sf->queues[i];
		queue->vec = mlx5_sf_comp(&sf->irqs, i % nr);
		mlx5_sf_comp_attach(queue->vec, &queue->user);
		mlx5_set_cq(mlx5, adev->id * MLX5_SF_QUEUES + i, queue->vec->vec);
	}

	return devm_add_action_or_reset(&adev->dev, mlx5_sf_close, sf);
}

static const struct auxiliary_device_id mlx5_sf_ids[] = {
	{ .name = "mlx5_skeleton.sf" },
	{ }
};
MODULE_DEVICE_TABLE(auxiliary, mlx5_sf_ids);

static struct auxiliary_driver mlx5_sf_driver = {
	.name		= "sf",
	.id_table	= mlx5_sf_ids,
	.probe		= mlx5_sf_probe,
};

static void mlx5_sf_release(struct device *dev)
{
	kfree(to_auxiliary_dev(dev));
}

static void mlx5_remove_sf(void *data)
{
	struct auxiliary_device *adev = data;

	auxiliary_device_delete(adev);
	auxiliary_device_uninit(adev);
}

static int mlx5_add_sf(struct pci_dev *pdev, u32 id)
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
	return devm_add_action_or_reset(&pdev->dev, mlx5_remove_sf, adev);
}

/* --- The function itself ----------------------------------------------------- */

static int mlx5_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct mlx5_irqs_params params = {
		.eqctx_slots	= MLX5_EQS,
		.eqctx_command	= mlx5_set_eq,
		.ctrl_handler	= mlx5_ctrl_interrupt,
		.comp_handler	= mlx5_comp_interrupt,
	};
	struct mlx5_skeleton *mlx5;
	int ret;

	mlx5 = devm_kzalloc(&pdev->dev, sizeof(*mlx5), GFP_KERNEL);
	if (!mlx5)
		return -ENOMEM;
	pci_set_drvdata(pdev, mlx5);

	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;
	ret = pcim_iomap_regions(pdev, BIT(0), "mlx5-skeleton");
	if (ret)
		return ret;
	mlx5->cmd = pcim_iomap_table(pdev)[0];
	pci_set_master(pdev);

	ret = devm_mlx5_irqs_init(&mlx5->irqs, pdev, &params);
	if (ret)
		return dev_err_probe(&pdev->dev, ret, "no interrupts\n");

	ret = devm_request_irq(&pdev->dev, mlx5_irq_async(&mlx5->irqs), mlx5_async, 0,
			       "mlx5-async", mlx5);
	if (ret)
		return ret;

	return mlx5_add_sf(pdev, 0);
}

static void mlx5_shutdown(struct pci_dev *pdev)
{
	struct mlx5_skeleton *mlx5 = pci_get_drvdata(pdev);

	mlx5_irqs_shutdown(&mlx5->irqs);
}

/* The device has forgotten its event queues */
static void mlx5_reset_done(struct pci_dev *pdev)
{
	struct mlx5_skeleton *mlx5 = pci_get_drvdata(pdev);

	mlx5_irqs_restore(&mlx5->irqs);
}

static const struct pci_error_handlers mlx5_error_handlers = {
	.reset_done	= mlx5_reset_done,
};

static int mlx5_resume(struct device *dev)
{
	mlx5_reset_done(to_pci_dev(dev));
	return 0;
}

static DEFINE_SIMPLE_DEV_PM_OPS(mlx5_pm_ops, NULL, mlx5_resume);

static const struct pci_device_id mlx5_ids[] = {
	{ PCI_DEVICE(PCI_VENDOR_ID_MELLANOX, 0x101e) },
	{ }
};
MODULE_DEVICE_TABLE(pci, mlx5_ids);

static struct pci_driver mlx5_driver = {
	.name		= "mlx5-skeleton",
	.id_table	= mlx5_ids,
	.probe		= mlx5_probe,
	.shutdown	= mlx5_shutdown,
	.err_handler	= &mlx5_error_handlers,
	.driver.pm	= pm_sleep_ptr(&mlx5_pm_ops),
};

static int __init mlx5_init(void)
{
	int ret = auxiliary_driver_register(&mlx5_sf_driver);

	if (ret)
		return ret;
	ret = pci_register_driver(&mlx5_driver);
	if (ret)
		auxiliary_driver_unregister(&mlx5_sf_driver);
	return ret;
}
module_init(mlx5_init);

static void __exit mlx5_exit(void)
{
	pci_unregister_driver(&mlx5_driver);
	auxiliary_driver_unregister(&mlx5_sf_driver);
}
module_exit(mlx5_exit);

MODULE_DESCRIPTION("NIC with subfunctions: skeleton of a driver");
MODULE_LICENSE("GPL");
