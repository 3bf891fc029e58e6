// SPDX-License-Identifier: GPL-2.0
/*
 * Data streaming accelerator: a skeleton to copy
 *
 * Its interrupts are those of idxd.ims; registers and numbers of queues are made
 * up. Written by imsgen 0.1.0: imsgen skeleton idxd.ims
 */
#include <linux/bits.h>
#include <linux/container_of.h>
#include <linux/cpumask.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/irqchip/irq-idxd.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/pm.h>
#include <linux/rcupdate.h>

/* A real driver reads these from the device, or is told them */
#define IDXD_IMS_SLOTS		512
#define IDXD_QUEUE_SHARED	6
#define IDXD_QUEUE_NR		(IDXD_QUEUE_SHARED + 2)
#define IDXD_IMS_OFFSET		0x1000

/* Registers in BAR 0 */
#define IDXD_ENABLE		0x0
#define IDXD_QUEUE_VECTOR(i)	(0x10 + 4 * (i))
#define IDXD_IMS_BIT		BIT(31)

struct idxd_queue {
	struct irq_vec		*vec;
	struct irq_vec_user	user;
	unsigned int		events;
};

struct idxd_priv {
	struct idxd_irqs	irqs;
	void __iomem		*regs;
	unsigned int		misc_events;
	struct idxd_queue	queue[IDXD_QUEUE_NR];
};

/* Errors and events */
static irqreturn_t idxd_misc_interrupt(int irq, void *data)
{
	struct idxd_priv *priv = data;

	/* Read from the device what it is, and say IRQ_NONE if it is nothing */
	priv->misc_events++;
	return IRQ_HANDLED;
}

/* Work queue completions */
static irqreturn_t idxd_queue_look(struct idxd_queue *queue)
{
	/* Look at it here, and say IRQ_NONE if there is nothing on it */
	queue->events++;
	return IRQ_HANDLED;
}

static irqreturn_t idxd_queue_event(struct irq_vec_user *user)
{
	return idxd_queue_look(container_of(user, struct idxd_queue, user));
}

/* Asks all who share the vector */
static irqreturn_t idxd_queue_shared(int irq, void *vec)
{
	return idxd_queue_dispatch(vec, idxd_queue_event);
}

static irqreturn_t idxd_queue_interrupt(int irq, void *data)
{
	return idxd_queue_look(data);
}

/* The device has to know which of its messages to send */
static void idxd_queue_tell(struct idxd_priv *priv, const struct irq_vec *vec, unsigned int reg)
{
	enum idxd_store store;
	unsigned int index = idxd_queue_index(vec, &store);

	if (store == IDXD_IMS)
		index |= IDXD_IMS_BIT;
	writel(index, priv->regs + reg);
}

static void idxd_queue_leave(void *data)
{
	struct idxd_queue *queue = data;

	idxd_queue_detach(&queue->user);
	/* A handler may still be looking at it */
	synchronize_rcu();
	idxd_queue_put(queue->vec);
}

static int idxd_queue_join(struct idxd_priv *priv, unsigned int i)
{
	struct idxd_queue *queue = &priv->queue[i];
	struct device *dev = &priv->irqs.pdev->dev;

	queue->vec = idxd_queue_get(&priv->irqs, cpumask_local_spread(i, dev_to_node(dev)));
	if (IS_ERR(queue->vec))
		return PTR_ERR(queue->vec);

	idxd_queue_attach(queue->vec, &queue->user);
	return devm_add_action_or_reset(dev, idxd_queue_leave, queue);
}

static void idxd_queue_close(void *data)
{
	struct idxd_queue *queue = data;

	free_irq(queue->vec->irq, queue);
	idxd_queue_put(queue->vec);
}

static int idxd_queue_open(struct idxd_priv *priv, unsigned int i)
{
	struct idxd_queue *queue = &priv->queue[i];
	struct device *dev = &priv->irqs.pdev->dev;
	/* What its messages carry along: whose they are */
	struct idxd_ims_cookie cookie = {
		.pasid	= i,
	};
	int ret;

	queue->vec = idxd_queue_get_dedicated(&priv->irqs, &cookie, NULL);
	if (IS_ERR(queue->vec))
		return PTR_ERR(queue->vec);

	ret = request_irq(queue->vec->irq, idxd_queue_interrupt, 0, "idxd-queue", queue);
	if (ret) {
		idxd_queue_put(queue->vec);
		return ret;
	}

	return devm_add_action_or_reset(dev, idxd_queue_close, queue);
}

/* All that the device has to know. A reset makes it forget that */
static void idxd_pci_start(struct idxd_priv *priv)
{
	unsigned int i;

	for (i = 0; i < IDXD_QUEUE_NR; i++)
		idxd_queue_tell(priv, priv->queue[i].vec, IDXD_QUEUE_VECTOR(i));
	writel(1, priv->regs + IDXD_ENABLE);
}

static void idxd_pci_stop(struct idxd_priv *priv)
{
	writel(0, priv->regs + IDXD_ENABLE);
	/* What was on its way has arrived when this returns */
	readl(priv->regs + IDXD_ENABLE);
}

static int idxd_pci_request(struct idxd_priv *priv, struct pci_dev *pdev)
{
	unsigned int i;
	int ret;

	ret = devm_request_threaded_irq(&pdev->dev, idxd_irq_misc(&priv->irqs), NULL,
					idxd_misc_interrupt, IRQF_ONESHOT, "idxd-misc", priv);
	if (ret)
		return ret;

	for (i = 0; i < IDXD_QUEUE_SHARED; i++) {
		ret = idxd_queue_join(priv, i);
		if (ret)
			return ret;
	}

	for (i = IDXD_QUEUE_SHARED; i < IDXD_QUEUE_NR; i++) {
		ret = idxd_queue_open(priv, i);
		if (ret)
			return ret;
	}

	return 0;
}

static int idxd_pci_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct idxd_irqs_params params = {
		.ims_offset	= IDXD_IMS_OFFSET,
		.ims_slots	= IDXD_IMS_SLOTS,
		.queue_handler	= idxd_queue_shared,
	};
	struct idxd_priv *priv;
	int ret;

	priv = devm_kzalloc(&pdev->dev, sizeof(*priv), GFP_KERNEL);
	if (!priv)
		return -ENOMEM;
	pci_set_drvdata(pdev, priv);

	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;
	ret = pcim_iomap_regions(pdev, BIT(0), "idxd-skeleton");
	if (ret)
		return ret;
	priv->regs = pcim_iomap_table(pdev)[0];
	pci_set_master(pdev);

	params.bar0 = priv->regs;
	ret = devm_idxd_irqs_init(&priv->irqs, pdev, &params);
	if (ret)
		return dev_err_probe(&pdev->dev, ret, "no interrupts\n");

	ret = idxd_pci_request(priv, pdev);
	if (ret)
		return ret;

	idxd_pci_start(priv);
	return 0;
}

/* The device goes quiet first; what it had is given back behind this */
static void idxd_pci_remove(struct pci_dev *pdev)
{
	idxd_pci_stop(pci_get_drvdata(pdev));
}

static void idxd_pci_shutdown(struct pci_dev *pdev)
{
	struct idxd_priv *priv = pci_get_drvdata(pdev);

	idxd_pci_stop(priv);
	idxd_irqs_shutdown(&priv->irqs);
}

static void idxd_pci_reset_prepare(struct pci_dev *pdev)
{
	idxd_pci_stop(pci_get_drvdata(pdev));
}

/* The PCI core does not know the messages of the store */
static void idxd_pci_reset_done(struct pci_dev *pdev)
{
	struct idxd_priv *priv = pci_get_drvdata(pdev);

	idxd_irqs_restore(&priv->irqs);
	idxd_pci_start(priv);
}

static const struct pci_error_handlers idxd_pci_error_handlers = {
	.reset_prepare	= idxd_pci_reset_prepare,
	.reset_done	= idxd_pci_reset_done,
};

static int idxd_pci_suspend(struct device *dev)
{
	idxd_pci_reset_prepare(to_pci_dev(dev));
	return 0;
}

static int idxd_pci_resume(struct device *dev)
{
	idxd_pci_reset_done(to_pci_dev(dev));
	return 0;
}

static DEFINE_SIMPLE_DEV_PM_OPS(idxd_pci_pm_ops, idxd_pci_suspend, idxd_pci_resume);

static const struct pci_device_id idxd_pci_ids[] = {
	{ PCI_DEVICE(0x8086, 0x0b25) },
	{ }
};
MODULE_DEVICE_TABLE(pci, idxd_pci_ids);

static struct pci_driver idxd_pci_driver = {
	.name		= "idxd-skeleton",
	.id_table	= idxd_pci_ids,
	.probe		= idxd_pci_probe,
	.remove		= idxd_pci_remove,
	.shutdown	= idxd_pci_shutdown,
	.err_handler	= &idxd_pci_error_handlers,
	.driver.pm	= pm_sleep_ptr(&idxd_pci_pm_ops),
};
module_pci_driver(idxd_pci_driver);

MODULE_DESCRIPTION("Data streaming accelerator: skeleton of a driver");
MODULE_LICENSE("GPL");
