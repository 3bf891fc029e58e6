// SPDX-License-Identifier: GPL-2.0
/*
 * System controller mailbox: a skeleton to copy
 *
 * Its interrupts are those of mbox.ims; registers and numbers of queues are made
 * up. Written by imsgen 0.1.0: imsgen skeleton mbox.ims
 */
#include <linux/bits.h>
#include <linux/container_of.h>
#include <linux/cpumask.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/irqchip/irq-mbox.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/pm.h>
#include <linux/rcupdate.h>

/* A real driver reads these from the device, or is told them */
#define MBOX_DOORBELL_SHARED	6
#define MBOX_DOORBELL_NR	(MBOX_DOORBELL_SHARED + 2)

/* Registers in BAR 0 */
#define MBOX_ENABLE		0x30
#define MBOX_DOORBELL_VECTOR(i)	(0x40 + 4 * (i))

struct mbox_doorbell {
	struct irq_vec		*vec;
	struct irq_vec_user	user;
	unsigned int		events;
};

struct mbox_priv {
	struct mbox_irqs	irqs;
	void __iomem		*regs;
	unsigned int		fault_events;
	struct mbox_doorbell	doorbell[MBOX_DOORBELL_NR];
};

/* Faults of the controller */
static irqreturn_t mbox_fault_interrupt(int irq, void *data)
{
	struct mbox_priv *priv = data;

	/* Read from the device what it is, and say IRQ_NONE if it is nothing */
	priv->fault_events++;
	return IRQ_HANDLED;
}

/* Doorbells */
static irqreturn_t mbox_doorbell_look(struct mbox_doorbell *queue)
{
	/* Look at it here, and say IRQ_NONE if there is nothing on it */
	queue->events++;
	return IRQ_HANDLED;
}

static irqreturn_t mbox_doorbell_event(struct irq_vec_user *user)
{
	return mbox_doorbell_look(container_of(user, struct mbox_doorbell, user));
}

/* Asks all who share the vector */
static irqreturn_t mbox_doorbell_shared(int irq, void *vec)
{
	return mbox_doorbell_dispatch(vec, mbox_doorbell_event);
}

static irqreturn_t mbox_doorbell_interrupt(int irq, void *data)
{
	return mbox_doorbell_look(data);
}

/* The device has to know which of its messages to send */
static void mbox_doorbell_tell(struct mbox_priv *priv, const struct irq_vec *vec, unsigned int reg)
{
	enum mbox_store store;
	unsigned int index = mbox_doorbell_index(vec, &store);

	writel(index, priv->regs + reg);
}

static void mbox_doorbell_leave(void *data)
{
	struct mbox_doorbell *queue = data;

	mbox_doorbell_detach(&queue->user);
	/* A handler may still be looking at it */
	synchronize_rcu();
	mbox_doorbell_put(queue->vec);
}

static int mbox_doorbell_join(struct mbox_priv *priv, unsigned int i)
{
	struct mbox_doorbell *queue = &priv->doorbell[i];
	struct device *dev = &priv->irqs.pdev->dev;

	queue->vec = mbox_doorbell_get(&priv->irqs, cpumask_local_spread(i, dev_to_node(dev)));
	if (IS_ERR(queue->vec))
		return PTR_ERR(queue->vec);

	mbox_doorbell_attach(queue->vec, &queue->user);
	return devm_add_action_or_reset(dev, mbox_doorbell_leave, queue);
}

static void mbox_doorbell_close(void *data)
{
	struct mbox_doorbell *queue = data;

	free_irq(queue->vec->irq, queue);
	mbox_doorbell_put(queue->vec);
}

static int mbox_doorbell_open(struct mbox_priv *priv, unsigned int i)
{
	struct mbox_doorbell *queue = &priv->doorbell[i];
	struct device *dev = &priv->irqs.pdev->dev;
	/* What its messages carry along: whose they are */
	struct mbox_ims_cookie cookie = {
		.channel	= i,
	};
	int ret;

	queue->vec = mbox_doorbell_get_dedicated(&priv->irqs, &cookie, NULL);
	if (IS_ERR(queue->vec))
		return PTR_ERR(queue->vec);

	ret = request_irq(queue->vec->irq, mbox_doorbell_interrupt, 0, "mbox-doorbell", queue);
	if (ret) {
		mbox_doorbell_put(queue->vec);
		return ret;
	}

	return devm_add_action_or_reset(dev, mbox_doorbell_close, queue);
}

/* All that the device has to know. A reset makes it forget that */
static void mbox_pci_start(struct mbox_priv *priv)
{
	unsigned int i;

	for (i = 0; i < MBOX_DOORBELL_NR; i++)
		mbox_doorbell_tell(priv, priv->doorbell[i].vec, MBOX_DOORBELL_VECTOR(i));
	writel(1, priv->regs + MBOX_ENABLE);
}

static void mbox_pci_stop(struct mbox_priv *priv)
{
	writel(0, priv->regs + MBOX_ENABLE);
	/* What was on its way has arrived when this returns */
	readl(priv->regs + MBOX_ENABLE);
}

static int mbox_pci_request(struct mbox_priv *priv, struct pci_dev *pdev)
{
	unsigned int i;
	int ret;

	ret = devm_request_threaded_irq(&pdev->dev, mbox_irq_fault(&priv->irqs), NULL,
					mbox_fault_interrupt, IRQF_ONESHOT, "mbox-fault", priv);
	if (ret)
		return ret;

	for (i = 0; i < MBOX_DOORBELL_SHARED; i++) {
		ret = mbox_doorbell_join(priv, i);
		if (ret)
			return ret;
	}

	for (i = MBOX_DOORBELL_SHARED; i < MBOX_DOORBELL_NR; i++) {
		ret = mbox_doorbell_open(priv, i);
		if (ret)
			return ret;
	}

	return 0;
}

static int mbox_pci_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct mbox_irqs_params params = {
		.doorbell_handler	= mbox_doorbell_shared,
	};
	struct mbox_priv *priv;
	int ret;

	priv = devm_kzalloc(&pdev->dev, sizeof(*priv), GFP_KERNEL);
	if (!priv)
		return -ENOMEM;
	pci_set_drvdata(pdev, priv);

	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;
	ret = pcim_iomap_regions(pdev, BIT(0), "mbox-skeleton");
	if (ret)
		return ret;
	priv->regs = pcim_iomap_table(pdev)[0];
	pci_set_master(pdev);

	params.bar0 = priv->regs;
	ret = devm_mbox_irqs_init(&priv->irqs, pdev, &params);
	if (ret)
		return dev_err_probe(&pdev->dev, ret, "no interrupts\n");

	ret = mbox_pci_request(priv, pdev);
	if (ret)
		return ret;

	mbox_pci_start(priv);
	return 0;
}

/* The device goes quiet first; what it had is given back behind this */
static void mbox_pci_remove(struct pci_dev *pdev)
{
	mbox_pci_stop(pci_get_drvdata(pdev));
}

static void mbox_pci_shutdown(struct pci_dev *pdev)
{
	struct mbox_priv *priv = pci_get_drvdata(pdev);

	mbox_pci_stop(priv);
	mbox_irqs_shutdown(&priv->irqs);
}

static void mbox_pci_reset_prepare(struct pci_dev *pdev)
{
	mbox_pci_stop(pci_get_drvdata(pdev));
}

/* The PCI core does not know the messages of the store */
static void mbox_pci_reset_done(struct pci_dev *pdev)
{
	struct mbox_priv *priv = pci_get_drvdata(pdev);

	mbox_irqs_restore(&priv->irqs);
	mbox_pci_start(priv);
}

static const struct pci_error_handlers mbox_pci_error_handlers = {
	.reset_prepare	= mbox_pci_reset_prepare,
	.reset_done	= mbox_pci_reset_done,
};

static int mbox_pci_suspend(struct device *dev)
{
	mbox_pci_reset_prepare(to_pci_dev(dev));
	return 0;
}

static int mbox_pci_resume(struct device *dev)
{
	mbox_pci_reset_done(to_pci_dev(dev));
	return 0;
}

static DEFINE_SIMPLE_DEV_PM_OPS(mbox_pci_pm_ops, mbox_pci_suspend, mbox_pci_resume);

static const struct pci_device_id mbox_pci_ids[] = {
	{ PCI_DEVICE(0x1b36, 0x0301) },
	{ }
};
MODULE_DEVICE_TABLE(pci, mbox_pci_ids);

static struct pci_driver mbox_pci_driver = {
	.name		= "mbox-skeleton",
	.id_table	= mbox_pci_ids,
	.probe		= mbox_pci_probe,
	.remove		= mbox_pci_remove,
	.shutdown	= mbox_pci_shutdown,
	.err_handler	= &mbox_pci_error_handlers,
	.driver.pm	= pm_sleep_ptr(&mbox_pci_pm_ops),
};
module_pci_driver(mbox_pci_driver);

MODULE_DESCRIPTION("System controller mailbox: skeleton of a driver");
MODULE_LICENSE("GPL");
