// SPDX-License-Identifier: GPL-2.0
/*
 * Free-running timer: a skeleton to copy
 *
 * Its interrupts are those of timer.ims; registers and numbers of queues are made
 * up. Written by imsgen 0.1.0: imsgen skeleton timer.ims
 */
#include <linux/bits.h>
#include <linux/device.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/irqchip/irq-timer.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/pm.h>

/* Registers in BAR 0 */
#define TIMER_ENABLE	0x0

struct timer_priv {
	struct timer_irqs	irqs;
	void __iomem		*regs;
	unsigned int		tick_events;
};

/* Timer expired */
static irqreturn_t timer_tick_interrupt(int irq, void *data)
{
	struct timer_priv *priv = data;

	/* Read from the device what it is, and say IRQ_NONE if it is nothing */
	priv->tick_events++;
	return IRQ_HANDLED;
}

/* All that the device has to know. A reset makes it forget that */
static void timer_pci_start(struct timer_priv *priv)
{
	writel(1, priv->regs + TIMER_ENABLE);
}

static void timer_pci_stop(struct timer_priv *priv)
{
	writel(0, priv->regs + TIMER_ENABLE);
	/* What was on its way has arrived when this returns */
	readl(priv->regs + TIMER_ENABLE);
}

static int timer_pci_request(struct timer_priv *priv, struct pci_dev *pdev)
{
	int ret;

	ret = devm_request_irq(&pdev->dev, timer_irq_tick(&priv->irqs), timer_tick_interrupt, 0,
			       "timer-tick", priv);
	if (ret)
		return ret;

	return 0;
}

static int timer_pci_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct timer_priv *priv;
	int ret;

	priv = devm_kzalloc(&pdev->dev, sizeof(*priv), GFP_KERNEL);
	if (!priv)
		return -ENOMEM;
	pci_set_drvdata(pdev, priv);

	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;
	ret = pcim_iomap_regions(pdev, BIT(0), "timer-skeleton");
	if (ret)
		return ret;
	priv->regs = pcim_iomap_table(pdev)[0];
	pci_set_master(pdev);

	ret = devm_timer_irqs_init(&priv->irqs, pdev, priv->regs);
	if (ret)
		return dev_err_probe(&pdev->dev, ret, "no interrupts\n");

	ret = timer_pci_request(priv, pdev);
	if (ret)
		return ret;

	timer_pci_start(priv);
	return 0;
}

/* The device goes quiet first; what it had is given back behind this */
static void timer_pci_remove(struct pci_dev *pdev)
{
	timer_pci_stop(pci_get_drvdata(pdev));
}

static void timer_pci_shutdown(struct pci_dev *pdev)
{
	struct timer_priv *priv = pci_get_drvdata(pdev);

	timer_pci_stop(priv);
	timer_irqs_shutdown(&priv->irqs);
}

static void timer_pci_reset_prepare(struct pci_dev *pdev)
{
	timer_pci_stop(pci_get_drvdata(pdev));
}

/* The PCI core does not know the messages of the store */
static void timer_pci_reset_done(struct pci_dev *pdev)
{
	struct timer_priv *priv = pci_get_drvdata(pdev);

	timer_irqs_restore(&priv->irqs);
	timer_pci_start(priv);
}

static const struct pci_error_handlers timer_pci_error_handlers = {
	.reset_prepare	= timer_pci_reset_prepare,
	.reset_done	= timer_pci_reset_done,
};

static int timer_pci_suspend(struct device *dev)
{
	timer_pci_reset_prepare(to_pci_dev(dev));
	return 0;
}

static int timer_pci_resume(struct device *dev)
{
	timer_pci_reset_done(to_pci_dev(dev));
	return 0;
}

static DEFINE_SIMPLE_DEV_PM_OPS(timer_pci_pm_ops, timer_pci_suspend, timer_pci_resume);

static const struct pci_device_id timer_pci_ids[] = {
	{ PCI_DEVICE(0x1b36, 0x0042) },
	{ }
};
MODULE_DEVICE_TABLE(pci, timer_pci_ids);

static struct pci_driver timer_pci_driver = {
	.name		= "timer-skeleton",
	.id_table	= timer_pci_ids,
	.probe		= timer_pci_probe,
	.remove		= timer_pci_remove,
	.shutdown	= timer_pci_shutdown,
	.err_handler	= &timer_pci_error_handlers,
	.driver.pm	= pm_sleep_ptr(&timer_pci_pm_ops),
};
module_pci_driver(timer_pci_driver);

MODULE_DESCRIPTION("Free-running timer: skeleton of a driver");
MODULE_LICENSE("GPL");
