// SPDX-License-Identifier: GPL-2.0
/*
 * Non-transparent bridge: a skeleton to copy. The peer rings a doorbell by
 * writing a message, which this side puts where the peer finds it.
 */
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

#define NTB_BELLS		4

/* What the peer sees of each doorbell, at the start of BAR 0 */
#define NTB_BELL(index)		(0x10 * (index))
#define NTB_BELL_ADDRESS_LO	0x0
#define NTB_BELL_ADDRESS_HI	0x4
#define NTB_BELL_DATA		0x8

struct ntb_bell {
	struct irq_vec	*vec;
	unsigned int	rung;
};

struct ntb_skeleton {
	struct ntb_irqs		irqs;
	void __iomem		*window;
	unsigned int		changes;
	struct ntb_bell		bells[NTB_BELLS];
};

/* The peer must write something else from now on. Called with interrupts off */
static void ntb_peer_changed(struct pci_ims *ims, unsigned int index, const struct msi_msg *msg)
{
	struct ntb_skeleton *ntb = container_of(ims, struct ntb_skeleton, irqs.peer);
	void __iomem *bell = ntb->window + NTB_BELL(index);

	writel(msg->address_lo, bell + NTB_BELL_ADDRESS_LO);
	writel(msg->address_hi, bell + NTB_BELL_ADDRESS_HI);
	writel(msg->data, bell + NTB_BELL_DATA);
}

static irqreturn_t ntb_link_interrupt(int irq, void *data)
{
	struct ntb_skeleton *ntb = data;

	ntb->changes++;
	return IRQ_HANDLED;
}

static irqreturn_t ntb_bell_interrupt(int irq, void *data)
{
	struct ntb_bell *bell = data;

	bell->rung++;
	return IRQ_HANDLED;
}

static void ntb_close_bell(void *data)
{
	struct ntb_bell *bell = data;

	free_irq(bell->vec->irq, bell);
	ntb_bell_put(bell->vec);
}

static int ntb_open_bell(struct ntb_skeleton *ntb, struct pci_dev *pdev, struct ntb_bell *bell)
{
	int ret;

	bell->vec = ntb_bell_get_dedicated(&ntb->irqs, NULL);
	if (IS_ERR(bell->vec))
		return PTR_ERR(bell->vec);

	ret = request_irq(bell->vec->irq, ntb_bell_interrupt, 0, "ntb-bell", bell);
	if (ret) {
		ntb_bell_put(bell->vec);
		return ret;
	}
	return devm_add_action_or_reset(&pdev->dev, ntb_close_bell, bell);
}

static int ntb_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct ntb_irqs_params params = {
		.peer_changed	= ntb_peer_changed,
	};
	struct ntb_skeleton *ntb;
	unsigned int i;
	int ret;

	ntb = devm_kzalloc(&pdev->dev, sizeof(*ntb), GFP_KERNEL);
	if (!ntb)
		return -ENOMEM;
	pci_set_drvdata(pdev, ntb);

	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;
	ret = pcim_iomap_regions(pdev, BIT(0), "ntb-skeleton");
	if (ret)
		return ret;
	ntb->window = pcim_iomap_table(pdev)[0];
	pci_set_master(pdev);

	ret = devm_ntb_irqs_init(&ntb->irqs, pdev, &params);
	if (ret)
		return dev_err_probe(&pdev->dev, ret, "no interrupts\n");

	ret = devm_request_irq(&pdev->dev, ntb_irq_link(&ntb->irqs), ntb_link_interrupt, 0,
			       "ntb-link", ntb);
	if (ret)
		return ret;

	for (i = 0; i < NTB_BELLS; i++) {
		ret = ntb_open_bell(ntb, pdev, &ntb->bells[i]);
		if (ret)
			return ret;
	}
	return 0;
}

static void ntb_shutdown(struct pci_dev *pdev)
{
	struct ntb_skeleton *ntb = pci_get_drvdata(pdev);

	ntb_irqs_shutdown(&ntb->irqs);
}

/* The peer may have been reset, too */
static void ntb_reset_done(struct pci_dev *pdev)
{
	struct ntb_skeleton *ntb = pci_get_drvdata(pdev);

	ntb_irqs_restore(&ntb->irqs);
}

static const struct pci_error_handlers ntb_error_handlers = {
	.reset_done	= ntb_reset_done,
};

static int ntb_resume(struct device *dev)
{
	ntb_reset_done(to_pci_dev(dev));
	return 0;
}

static DEFINE_SIMPLE_DEV_PM_OPS(ntb_pm_ops, NULL, ntb_resume);

static const struct pci_device_id ntb_ids[] = {
	{ PCI_DEVICE(PCI_VENDOR_ID_REDHAT, 0x0201) },
	{ }
};
MODULE_DEVICE_TABLE(pci, ntb_ids);

static struct pci_driver ntb_driver = {
	.name		= "ntb-skeleton",
	.id_table	= ntb_ids,
	.probe		= ntb_probe,
	.shutdown	= ntb_shutdown,
	.err_handler	= &ntb_error_handlers,
	.driver.pm	= pm_sleep_ptr(&ntb_pm_ops),
};
module_pci_driver(ntb_driver);

MODULE_DESCRIPTION("Non-transparent bridge: skeleton of a driver");
MODULE_LICENSE("GPL");
