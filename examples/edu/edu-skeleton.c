// SPDX-License-Identifier: GPL-2.0
/*
 * QEMU educational device: a skeleton to copy
 *
 * Its interrupts are those of edu.ims; registers and numbers of queues are made
 * up. Written by imsgen 0.1.0: imsgen skeleton edu.ims
 */
#include <linux/bits.h>
#include <linux/container_of.h>
#include <linux/cpumask.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/irqchip/irq-edu.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/pm.h>
#include <linux/rcupdate.h>

/* A real driver reads these from the device, or is told them */
#define EDU_IMS_SLOTS		512
#define EDU_QUEUE_SHARED	6
#define EDU_QUEUE_NR		(EDU_QUEUE_SHARED + 2)
#define EDU_IMS_OFFSET		0x1000

/* Registers in BAR 0 */
#define EDU_ENABLE		0x0
#define EDU_QUEUE_VECTOR(i)	(0x10 + 4 * (i))

struct edu_queue {
	struct irq_vec		*vec;
	struct irq_vec_user	user;
	unsigned int		events;
};

struct edu_priv {
	struct edu_irqs		irqs;
	void __iomem		*regs;
	unsigned int		event_events;
	struct edu_queue	queue[EDU_QUEUE_NR];
};

/* Factorial computed */
static irqreturn_t edu_event_interrupt(int irq, void *data)
{
	struct edu_priv *priv = data;

	/* Read from the device what it is, and say IRQ_NONE if it is nothing */
	priv->event_events++;
	return IRQ_HANDLED;
}

/* Queue completions */
static irqreturn_t edu_queue_look(struct edu_queue *queue)
{
	/* Look at it here, and say IRQ_NONE if there is nothing on it */
	queue->events++;
	return IRQ_HANDLED;
}

static irqreturn_t edu_queue_event(struct irq_vec_user *user)
{
	return edu_queue_look(container_of(user, struct edu_queue, user));
}

/* Asks all who share the vector */
static irqreturn_t edu_queue_shared(int irq, void *vec)
{
	return edu_queue_dispatch(vec, edu_queue_event);
}

static irqreturn_t edu_queue_interrupt(int irq, void *data)
{
	return edu_queue_look(data);
}

/* The device has to know which of its messages to send */
static void edu_queue_tell(struct edu_priv *priv, const struct irq_vec *vec, unsigned int reg)
{
	enum edu_store store;
	unsigned int index = edu_queue_index(vec, &store);

	writel(index, priv->regs + reg);
}

static void edu_queue_leave(void *data)
{
	struct edu_queue *queue = data;

	edu_queue_detach(&queue->user);
	/* A handler may still be looking at it */
	synchronize_rcu();
	edu_queue_put(queue->vec);
}

static int edu_queue_join(struct edu_priv *priv, unsigned int i)
{
	struct edu_queue *queue = &priv->queue[i];
	struct device *dev = &priv->irqs.pdev->dev;

	queue->vec = edu_queue_get(&priv->irqs, cpumask_local_spread(i, dev_to_node(dev)));
	if (IS_ERR(queue->vec))
		return PTR_ERR(queue->vec);

	edu_queue_attach(queue->vec, &queue->user);
	return devm_add_action_or_reset(dev, edu_queue_leave, queue);
}

static void edu_queue_close(void *data)
{
	struct edu_queue *queue = data;

	free_irq(queue->vec->irq, queue);
	edu_queue_put(queue->vec);
}

static int edu_queue_open(struct edu_priv *priv, unsigned int i)
{
	struct edu_queue *queue = &priv->queue[i];
	struct device *dev = &priv->irqs.pdev->dev;
	int ret;

	queue->vec = edu_queue_get_dedicated(&priv->irqs, NULL);
	if (IS_ERR(queue->vec))
		return PTR_ERR(queue->vec);

	ret = request_irq(queue->vec->irq, edu_queue_interrupt, 0, "edu-queue", queue);
	if (ret) {
		edu_queue_put(queue->vec);
		return ret;
	}

	return devm_add_action_or_reset(dev, edu_queue_close, queue);
}

/* All that the device has to know. A reset makes it forget that */
static void edu_pci_start(struct edu_priv *priv)
{
	unsigned int i;

	for (i = 0; i < EDU_QUEUE_NR; i++)
		edu_queue_tell(priv, priv->queue[i].vec, EDU_QUEUE_VECTOR(i));
	writel(1, priv->regs + EDU_ENABLE);
}

static void edu_pci_stop(struct edu_priv *priv)
{
	writel(0, priv->regs + EDU_ENABLE);
	/* What was on its way has arrived when this returns */
	readl(priv->regs + EDU_ENABLE);
}

static int edu_pci_request(struct edu_priv *priv, struct pci_dev *pdev)
{
	unsigned int i;
	int ret;

	ret = devm_request_irq(&pdev->dev, edu_irq_event(&priv->irqs), edu_event_interrupt, 0,
			       "edu-event", priv);
	if (ret)
		return ret;

	for (i = 0; i < EDU_QUEUE_SHARED; i++) {
		ret = edu_queue_join(priv, i);
		if (ret)
			return ret;
	}

	for (i = EDU_QUEUE_SHARED; i < EDU_QUEUE_NR; i++) {
		ret = edu_queue_open(priv, i);
		if (ret)
			return ret;
	}

	return 0;
}

static int edu_pci_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct edu_irqs_params params = {
		.ims_offset	= EDU_IMS_OFFSET,
		.ims_slots	= EDU_IMS_SLOTS,
		.queue_handler	= edu_queue_shared,
	};
	struct edu_priv *priv;
	int ret;

	priv = devm_kzalloc(&pdev->dev, sizeof(*priv), GFP_KERNEL);
	if (!priv)
		return -ENOMEM;
	pci_set_drvdata(pdev, priv);

	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;
	ret = pcim_iomap_regions(pdev, BIT(0), "edu-skeleton");
	if (ret)
		return ret;
	priv->regs = pcim_iomap_table(pdev)[0];
	pci_set_master(pdev);

	params.bar0 = priv->regs;
	ret = devm_edu_irqs_init(&priv->irqs, pdev, &params);
	if (ret)
		return dev_err_probe(&pdev->dev, ret, "no interrupts\n");

	ret = edu_pci_request(priv, pdev);
	if (ret)
		return ret;

	edu_pci_start(priv);
	return 0;
}

/* The device goes quiet first; what it had is given back behind this */
static void edu_pci_remove(struct pci_dev *pdev)
{
	edu_pci_stop(pci_get_drvdata(pdev));
}

static void edu_pci_shutdown(struct pci_dev *pdev)
{
	struct edu_priv *priv = pci_get_drvdata(pdev);

	edu_pci_stop(priv);
	edu_irqs_shutdown(&priv->irqs);
}

static void edu_pci_reset_prepare(struct pci_dev *pdev)
{
	edu_pci_stop(pci_get_drvdata(pdev));
}

/* The PCI core does not know the messages of the store */
static void edu_pci_reset_done(struct pci_dev *pdev)
{
	struct edu_priv *priv = pci_get_drvdata(pdev);

	edu_irqs_restore(&priv->irqs);
	edu_pci_start(priv);
}

static const struct pci_error_handlers edu_pci_error_handlers = {
	.reset_prepare	= edu_pci_reset_prepare,
	.reset_done	= edu_pci_reset_done,
};

static int edu_pci_suspend(struct device *dev)
{
	edu_pci_reset_prepare(to_pci_dev(dev));
	return 0;
}

static int edu_pci_resume(struct device *dev)
{
	edu_pci_reset_done(to_pci_dev(dev));
	return 0;
}

static DEFINE_SIMPLE_DEV_PM_OPS(edu_pci_pm_ops, edu_pci_suspend, edu_pci_resume);

static const struct pci_device_id edu_pci_ids[] = {
	{ PCI_DEVICE(0x1234, 0x11e8) },
	{ }
};
MODULE_DEVICE_TABLE(pci, edu_pci_ids);

static struct pci_driver edu_pci_driver = {
	.name		= "edu-skeleton",
	.id_table	= edu_pci_ids,
	.probe		= edu_pci_probe,
	.remove		= edu_pci_remove,
	.shutdown	= edu_pci_shutdown,
	.err_handler	= &edu_pci_error_handlers,
	.driver.pm	= pm_sleep_ptr(&edu_pci_pm_ops),
};
module_pci_driver(edu_pci_driver);

MODULE_DESCRIPTION("QEMU educational device: skeleton of a driver");
MODULE_LICENSE("GPL");
