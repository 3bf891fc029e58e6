// SPDX-License-Identifier: GPL-2.0
/*
 * Accelerator with assignable queues: a skeleton to copy
 *
 * Its interrupts are those of vfio.ims; registers and numbers of queues are made
 * up. Written by imsgen 0.1.0: imsgen skeleton vfio.ims
 */
#include <linux/bits.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/irqchip/irq-vfio.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/pm.h>

/* A real driver reads these from the device, or is told them */
#define VFIO_IMS_SLOTS	512
#define VFIO_GUEST_NR	2

/* Registers in BAR 0 */
#define VFIO_ENABLE		0x0
#define VFIO_GUEST_VECTOR(i)	(0x10 + 4 * (i))

struct vfio_guest {
	struct irq_vec	*vec;
	unsigned int	events;
};

struct vfio_priv {
	struct vfio_irqs	irqs;
	void __iomem		*regs;
	unsigned int		error_events;
	struct vfio_guest	guest[VFIO_GUEST_NR];
};

/* Errors */
static irqreturn_t vfio_error_interrupt(int irq, void *data)
{
	struct vfio_priv *priv = data;

	/* Read from the device what it is, and say IRQ_NONE if it is nothing */
	priv->error_events++;
	return IRQ_HANDLED;
}

/* Assigned queues */
static irqreturn_t vfio_guest_look(struct vfio_guest *queue)
{
	/* Look at it here, and say IRQ_NONE if there is nothing on it */
	queue->events++;
	return IRQ_HANDLED;
}

static irqreturn_t vfio_guest_interrupt(int irq, void *data)
{
	return vfio_guest_look(data);
}

/* The device has to know which of its messages to send */
static void vfio_guest_tell(struct vfio_priv *priv, const struct irq_vec *vec, unsigned int reg)
{
	enum vfio_store store;
	unsigned int index = vfio_guest_index(vec, &store);

	writel(index, priv->regs + reg);
}

static void vfio_guest_close(void *data)
{
	struct vfio_guest *queue = data;

	free_irq(queue->vec->irq, queue);
	vfio_guest_put(queue->vec);
}

static int vfio_guest_open(struct vfio_priv *priv, unsigned int i)
{
	struct vfio_guest *queue = &priv->guest[i];
	struct device *dev = &priv->irqs.pdev->dev;
	/* What its messages carry along: whose they are */
	struct vfio_ims_cookie cookie = {
		.pasid	= i,
	};
	int ret;

	queue->vec = vfio_guest_get_dedicated(&priv->irqs, &cookie, NULL);
	if (IS_ERR(queue->vec))
		return PTR_ERR(queue->vec);

	ret = request_irq(queue->vec->irq, vfio_guest_interrupt, 0, "vfio-guest", queue);
	if (ret) {
		vfio_guest_put(queue->vec);
		return ret;
	}

	return devm_add_action_or_reset(dev, vfio_guest_close, queue);
}

/* All that the device has to know. A reset makes it forget that */
static void vfio_pci_start(struct vfio_priv *priv)
{
	unsigned int i;

	for (i = 0; i < VFIO_GUEST_NR; i++)
		vfio_guest_tell(priv, priv->guest[i].vec, VFIO_GUEST_VECTOR(i));
	writel(1, priv->regs + VFIO_ENABLE);
}

static void vfio_pci_stop(struct vfio_priv *priv)
{
	writel(0, priv->regs + VFIO_ENABLE);
	/* What was on its way has arrived when this returns */
	readl(priv->regs + VFIO_ENABLE);
}

static int vfio_pci_request(struct vfio_priv *priv, struct pci_dev *pdev)
{
	unsigned int i;
	int ret;

	ret = devm_request_threaded_irq(&pdev->dev, vfio_irq_error(&priv->irqs), NULL,
					vfio_error_interrupt, IRQF_ONESHOT, "vfio-error", priv);
	if (ret)
		return ret;

	for (i = 0; i < VFIO_GUEST_NR; i++) {
		ret = vfio_guest_open(priv, i);
		if (ret)
			return ret;
	}

	return 0;
}

static int vfio_pci_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct vfio_irqs_params params = {
		.ims_slots	= VFIO_IMS_SLOTS,
	};
	struct vfio_priv *priv;
	int ret;

	priv = devm_kzalloc(&pdev->dev, sizeof(*priv), GFP_KERNEL);
	if (!priv)
		return -ENOMEM;
	pci_set_drvdata(pdev, priv);

	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;
	ret = pcim_iomap_regions(pdev, BIT(0), "vfio-skeleton");
	if (ret)
		return ret;
	priv->regs = pcim_iomap_table(pdev)[0];
	pci_set_master(pdev);

	params.bar0 = priv->regs;
	ret = devm_vfio_irqs_init(&priv->irqs, pdev, &params);
	if (ret)
		return dev_err_probe(&pdev->dev, ret, "no interrupts\n");

	ret = vfio_pci_request(priv, pdev);
	if (ret)
		return ret;

	vfio_pci_start(priv);
	return 0;
}

/* The device goes quiet first; what it had is given back behind this */
static void vfio_pci_remove(struct pci_dev *pdev)
{
	vfio_pci_stop(pci_get_drvdata(pdev));
}

static void vfio_pci_shutdown(struct pci_dev *pdev)
{
	struct vfio_priv *priv = pci_get_drvdata(pdev);

	vfio_pci_stop(priv);
	vfio_irqs_shutdown(&priv->irqs);
}

static void vfio_pci_reset_prepare(struct pci_dev *pdev)
{
	vfio_pci_stop(pci_get_drvdata(pdev));
}

/* The PCI core does not know the messages of the store */
static void vfio_pci_reset_done(struct pci_dev *pdev)
{
	struct vfio_priv *priv = pci_get_drvdata(pdev);

	vfio_irqs_restore(&priv->irqs);
	vfio_pci_start(priv);
}

static const struct pci_error_handlers vfio_pci_error_handlers = {
	.reset_prepare	= vfio_pci_reset_prepare,
	.reset_done	= vfio_pci_reset_done,
};

static int vfio_pci_suspend(struct device *dev)
{
	vfio_pci_reset_prepare(to_pci_dev(dev));
	return 0;
}

static int vfio_pci_resume(struct device *dev)
{
	vfio_pci_reset_done(to_pci_dev(dev));
	return 0;
}

static DEFINE_SIMPLE_DEV_PM_OPS(vfio_pci_pm_ops, vfio_pci_suspend, vfio_pci_resume);

static const struct pci_device_id vfio_pci_ids[] = {
	{ PCI_DEVICE(0x1b36, 0x0202) },
	{ }
};
MODULE_DEVICE_TABLE(pci, vfio_pci_ids);

static struct pci_driver vfio_pci_driver = {
	.name		= "vfio-skeleton",
	.id_table	= vfio_pci_ids,
	.probe		= vfio_pci_probe,
	.remove		= vfio_pci_remove,
	.shutdown	= vfio_pci_shutdown,
	.err_handler	= &vfio_pci_error_handlers,
	.driver.pm	= pm_sleep_ptr(&vfio_pci_pm_ops),
};
module_pci_driver(vfio_pci_driver);

MODULE_DESCRIPTION("Accelerator with assignable queues: skeleton of a driver");
MODULE_LICENSE("GPL");
