// SPDX-License-Identifier: GPL-2.0
/*
 * NVMe controller: a skeleton to copy
 *
 * Its interrupts are those of nvme.ims; registers and numbers of queues are made
 * up. Written by imsgen 0.1.0: imsgen skeleton nvme.ims
 */
#include <linux/bits.h>
#include <linux/cpumask.h>
#include <linux/device.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/irqchip/irq-nvme.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/pm.h>

/* Registers in BAR 0 */
#define NVME_ENABLE		0x0
#define NVME_IO_VECTOR(i)	(0x10 + 4 * (i))

struct nvme_io {
	unsigned int	events;
};

struct nvme_priv {
	struct nvme_irqs	irqs;
	void __iomem		*regs;
	unsigned int		admin_events;
	struct nvme_io		*io;
};

/* Admin queue */
static irqreturn_t nvme_admin_interrupt(int irq, void *data)
{
	struct nvme_priv *priv = data;

	/* Read from the device what it is, and say IRQ_NONE if it is nothing */
	priv->admin_events++;
	return IRQ_HANDLED;
}

/* I/O queues */
static irqreturn_t nvme_io_look(struct nvme_io *queue)
{
	/* Look at it here, and say IRQ_NONE if there is nothing on it */
	queue->events++;
	return IRQ_HANDLED;
}

static irqreturn_t nvme_io_interrupt(int irq, void *data)
{
	return nvme_io_look(data);
}

/* There can be fewer than asked for: the others use polling, or don't exist */
static int nvme_io_open(struct nvme_priv *priv, unsigned int i)
{
	struct device *dev = &priv->irqs.pdev->dev;

	return devm_request_irq(dev, nvme_io_irq(&priv->irqs, i), nvme_io_interrupt, 0, "nvme-io",
				&priv->io[i]);
}

/* All that the device has to know. A reset makes it forget that */
static void nvme_pci_start(struct nvme_priv *priv)
{
	unsigned int i;

	for (i = 0; i < priv->irqs.io.nr; i++)
		writel(1 + i, priv->regs + NVME_IO_VECTOR(i));
	writel(1, priv->regs + NVME_ENABLE);
}

static void nvme_pci_stop(struct nvme_priv *priv)
{
	writel(0, priv->regs + NVME_ENABLE);
	/* What was on its way has arrived when this returns */
	readl(priv->regs + NVME_ENABLE);
}

static int nvme_pci_request(struct nvme_priv *priv, struct pci_dev *pdev)
{
	unsigned int i;
	int ret;

	ret = devm_request_irq(&pdev->dev, nvme_irq_admin(&priv->irqs), nvme_admin_interrupt, 0,
			       "nvme-admin", priv);
	if (ret)
		return ret;

	for (i = 0; i < priv->irqs.io.nr; i++) {
		ret = nvme_io_open(priv, i);
		if (ret)
			return ret;
	}

	return 0;
}

static int nvme_pci_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	unsigned int queues = num_possible_cpus();
	struct nvme_priv *priv;
	int ret;

	priv = devm_kzalloc(&pdev->dev, sizeof(*priv), GFP_KERNEL);
	if (!priv)
		return -ENOMEM;
	pci_set_drvdata(pdev, priv);
	priv->io = devm_kcalloc(&pdev->dev, queues, sizeof(*priv->io), GFP_KERNEL);
	if (!priv->io)
		return -ENOMEM;

	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;
	ret = pcim_iomap_regions(pdev, BIT(0), "nvme-skeleton");
	if (ret)
		return ret;
	priv->regs = pcim_iomap_table(pdev)[0];
	pci_set_master(pdev);

	ret = devm_nvme_irqs_init(&priv->irqs, pdev, queues);
	if (ret)
		return dev_err_probe(&pdev->dev, ret, "no interrupts\n");

	ret = nvme_pci_request(priv, pdev);
	if (ret)
		return ret;

	nvme_pci_start(priv);
	return 0;
}

/* The device goes quiet first; what it had is given back behind this */
static void nvme_pci_remove(struct pci_dev *pdev)
{
	nvme_pci_stop(pci_get_drvdata(pdev));
}

static void nvme_pci_shutdown(struct pci_dev *pdev)
{
	struct nvme_priv *priv = pci_get_drvdata(pdev);

	nvme_pci_stop(priv);
	nvme_irqs_shutdown(&priv->irqs);
}

static void nvme_pci_reset_prepare(struct pci_dev *pdev)
{
	nvme_pci_stop(pci_get_drvdata(pdev));
}

/* The PCI core has brought back the messages, the rest is the driver's */
static void nvme_pci_reset_done(struct pci_dev *pdev)
{
	struct nvme_priv *priv = pci_get_drvdata(pdev);

	nvme_pci_start(priv);
}

static const struct pci_error_handlers nvme_pci_error_handlers = {
	.reset_prepare	= nvme_pci_reset_prepare,
	.reset_done	= nvme_pci_reset_done,
};

static int nvme_pci_suspend(struct device *dev)
{
	nvme_pci_reset_prepare(to_pci_dev(dev));
	return 0;
}

static int nvme_pci_resume(struct device *dev)
{
	nvme_pci_reset_done(to_pci_dev(dev));
	return 0;
}

static DEFINE_SIMPLE_DEV_PM_OPS(nvme_pci_pm_ops, nvme_pci_suspend, nvme_pci_resume);

static const struct pci_device_id nvme_pci_ids[] = {
	{ PCI_DEVICE_CLASS(0x010802, 0xffffff) },
	{ }
};
MODULE_DEVICE_TABLE(pci, nvme_pci_ids);

static struct pci_driver nvme_pci_driver = {
	.name		= "nvme-skeleton",
	.id_table	= nvme_pci_ids,
	.probe		= nvme_pci_probe,
	.remove		= nvme_pci_remove,
	.shutdown	= nvme_pci_shutdown,
	.err_handler	= &nvme_pci_error_handlers,
	.driver.pm	= pm_sleep_ptr(&nvme_pci_pm_ops),
};
module_pci_driver(nvme_pci_driver);

MODULE_DESCRIPTION("NVMe controller: skeleton of a driver");
MODULE_LICENSE("GPL");
