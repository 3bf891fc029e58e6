// SPDX-License-Identifier: GPL-2.0
/*
 * Non-transparent bridge: a skeleton to copy
 *
 * Its interrupts are those of ntb.ims; registers and numbers of queues are made
 * up. Written by imsgen 0.1.0: imsgen skeleton ntb.ims
 */
#include <linux/bits.h>
#include <linux/container_of.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/irqchip/irq-ntb.h>
#include <linux/module.h>
#include <linux/msi.h>
#include <linux/pci.h>
#include <linux/pm.h>

/* A real driver reads these from the device, or is told them */
#define NTB_BELL_NR	2

/* Registers in BAR 0 */
#define NTB_ENABLE		0x0
#define NTB_BELL_VECTOR(i)	(0x10 + 4 * (i))
#define NTB_PEER_MESSAGE(index)	(0x20 + 16 * (index))

struct ntb_bell {
	struct irq_vec	*vec;
	unsigned int	events;
};

struct ntb_priv {
	struct ntb_irqs	irqs;
	void __iomem	*regs;
	unsigned int	link_events;
	struct ntb_bell	bell[NTB_BELL_NR];
};

/* The peer must send something else from now on. Called with interrupts off */
static void ntb_peer_changed(struct pci_ims *ims, unsigned int index, const struct msi_msg *msg)
{
	struct ntb_priv *priv = container_of(ims, struct ntb_priv, irqs.peer);
	void __iomem *message = priv->regs + NTB_PEER_MESSAGE(index);

	writel(msg->address_lo, message);
	writel(msg->address_hi, message + 4);
	writel(msg->data, message + 8);
}

/* Link changes */
static irqreturn_t ntb_link_interrupt(int irq, void *data)
{
	struct ntb_priv *priv = data;

	/* Read from the device what it is, and say IRQ_NONE if it is nothing */
	priv->link_events++;
	return IRQ_HANDLED;
}

/* Doorbells that the peer rings */
static irqreturn_t ntb_bell_look(struct ntb_bell *queue)
{
	/* Look at it here, and say IRQ_NONE if there is nothing on it */
	queue->events++;
	return IRQ_HANDLED;
}

static irqreturn_t ntb_bell_interrupt(int irq, void *data)
{
	return ntb_bell_look(data);
}

/* The device has to know which of its messages to send */
static void ntb_bell_tell(struct ntb_priv *priv, const struct irq_vec *vec, unsigned int reg)
{
	enum ntb_store store;
	unsigned int index = ntb_bell_index(vec, &store);

	writel(index, priv->regs + reg);
}

static void ntb_bell_close(void *data)
{
	struct ntb_bell *queue = data;

	free_irq(queue->vec->irq, queue);
	ntb_bell_put(queue->vec);
}

static int ntb_bell_open(struct ntb_priv *priv, unsigned int i)
{
	struct ntb_bell *queue = &priv->bell[i];
	struct device *dev = &priv->irqs.pdev->dev;
	int ret;

	queue->vec = ntb_bell_get_dedicated(&priv->irqs, NULL);
	if (IS_ERR(queue->vec))
		return PTR_ERR(queue->vec);

	ret = request_irq(queue->vec->irq, ntb_bell_interrupt, 0, "ntb-bell", queue);
	if (ret) {
		ntb_bell_put(queue->vec);
		return ret;
	}

	return devm_add_action_or_reset(dev, ntb_bell_close, queue);
}

/* All that the device has to know. A reset makes it forget that */
static void ntb_pci_start(struct ntb_priv *priv)
{
	unsigned int i;

	for (i = 0; i < NTB_BELL_NR; i++)
		ntb_bell_tell(priv, priv->bell[i].vec, NTB_BELL_VECTOR(i));
	writel(1, priv->regs + NTB_ENABLE);
}

static void ntb_pci_stop(struct ntb_priv *priv)
{
	writel(0, priv->regs + NTB_ENABLE);
	/* What was on its way has arrived when this returns */
	readl(priv->regs + NTB_ENABLE);
}

static int ntb_pci_request(struct ntb_priv *priv, struct pci_dev *pdev)
{
	unsigned int i;
	int ret;

	ret = devm_request_irq(&pdev->dev, ntb_irq_link(&priv->irqs), ntb_link_interrupt, 0,
			       "ntb-link", priv);
	if (ret)
		return ret;

	for (i = 0; i < NTB_BELL_NR; i++) {
		ret = ntb_bell_open(priv, i);
		if (ret)
			return ret;
	}

	return 0;
}

static int ntb_pci_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct ntb_irqs_params params = {
		.peer_changed	= ntb_peer_changed,
	};
	struct ntb_priv *priv;
	int ret;

	priv = devm_kzalloc(&pdev->dev, sizeof(*priv), GFP_KERNEL);
	if (!priv)
		return -ENOMEM;
	pci_set_drvdata(pdev, priv);

	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;
	ret = pcim_iomap_regions(pdev, BIT(0), "ntb-skeleton");
	if (ret)
		return ret;
	priv->regs = pcim_iomap_table(pdev)[0];
	pci_set_master(pdev);

	ret = devm_ntb_irqs_init(&priv->irqs, pdev, &params);
	if (ret)
		return dev_err_probe(&pdev->dev, ret, "no interrupts\n");

	ret = ntb_pci_request(priv, pdev);
	if (ret)
		return ret;

	ntb_pci_start(priv);
	return 0;
}

/* The device goes quiet first; what it had is given back behind this */
static void ntb_pci_remove(struct pci_dev *pdev)
{
	ntb_pci_stop(pci_get_drvdata(pdev));
}

static void ntb_pci_shutdown(struct pci_dev *pdev)
{
	struct ntb_priv *priv = pci_get_drvdata(pdev);

	ntb_pci_stop(priv);
	ntb_irqs_shutdown(&priv->irqs);
}

static void ntb_pci_reset_prepare(struct pci_dev *pdev)
{
	ntb_pci_stop(pci_get_drvdata(pdev));
}

/* The PCI core does not know the messages of the store */
static void ntb_pci_reset_done(struct pci_dev *pdev)
{
	struct ntb_priv *priv = pci_get_drvdata(pdev);

	ntb_irqs_restore(&priv->irqs);
	ntb_pci_start(priv);
}

static const struct pci_error_handlers ntb_pci_error_handlers = {
	.reset_prepare	= ntb_pci_reset_prepare,
	.reset_done	= ntb_pci_reset_done,
};

static int ntb_pci_suspend(struct device *dev)
{
	ntb_pci_reset_prepare(to_pci_dev(dev));
	return 0;
}

static int ntb_pci_resume(struct device *dev)
{
	ntb_pci_reset_done(to_pci_dev(dev));
	return 0;
}

static DEFINE_SIMPLE_DEV_PM_OPS(ntb_pci_pm_ops, ntb_pci_suspend, ntb_pci_resume);

static const struct pci_device_id ntb_pci_ids[] = {
	{ PCI_DEVICE(0x1b36, 0x0201) },
	{ }
};
MODULE_DEVICE_TABLE(pci, ntb_pci_ids);

static struct pci_driver ntb_pci_driver = {
	.name		= "ntb-skeleton",
	.id_table	= ntb_pci_ids,
	.probe		= ntb_pci_probe,
	.remove		= ntb_pci_remove,
	.shutdown	= ntb_pci_shutdown,
	.err_handler	= &ntb_pci_error_handlers,
	.driver.pm	= pm_sleep_ptr(&ntb_pci_pm_ops),
};
module_pci_driver(ntb_pci_driver);

MODULE_DESCRIPTION("Non-transparent bridge: skeleton of a driver");
MODULE_LICENSE("GPL");
