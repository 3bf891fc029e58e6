// SPDX-License-Identifier: GPL-2.0
/*
 * Crypto engine, first generation: a skeleton to copy
 *
 * Its interrupts are those of crypto1.ims; registers and numbers of queues are made
 * up. Written by imsgen 0.1.0: imsgen skeleton crypto1.ims
 */
#include <linux/bits.h>
#include <linux/container_of.h>
#include <linux/cpumask.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/irqchip/irq-crypto1.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/pm.h>
#include <linux/rcupdate.h>

/* A real driver reads these from the device, or is told them */
#define CRYPTO1_RING_NR	6

/* Registers in BAR 0 */
#define CRYPTO1_ENABLE		0x0
#define CRYPTO1_RING_VECTOR(i)	(0x10 + 4 * (i))

struct crypto1_ring {
	struct irq_vec		*vec;
	struct irq_vec_user	user;
	unsigned int		events;
};

struct crypto1_priv {
	struct crypto1_irqs	irqs;
	void __iomem		*regs;
	unsigned int		fault_events;
	struct crypto1_ring	ring[CRYPTO1_RING_NR];
};

/* Faults */
static irqreturn_t crypto1_fault_interrupt(int irq, void *data)
{
	struct crypto1_priv *priv = data;

	/* Read from the device what it is, and say IRQ_NONE if it is nothing */
	priv->fault_events++;
	return IRQ_HANDLED;
}

/* Rings */
static irqreturn_t crypto1_ring_look(struct crypto1_ring *queue)
{
	/* Look at it here, and say IRQ_NONE if there is nothing on it */
	queue->events++;
	return IRQ_HANDLED;
}

static irqreturn_t crypto1_ring_event(struct irq_vec_user *user)
{
	return crypto1_ring_look(container_of(user, struct crypto1_ring, user));
}

/* Asks all who share the vector */
static irqreturn_t crypto1_ring_shared(int irq, void *vec)
{
	return crypto1_ring_dispatch(vec, crypto1_ring_event);
}

/* The device has to know which of its messages to send */
static void crypto1_ring_tell(struct crypto1_priv *priv, const struct irq_vec *vec,
			      unsigned int reg)
{
	enum crypto1_store store;
	unsigned int index = crypto1_ring_index(vec, &store);

	writel(index, priv->regs + reg);
}

static void crypto1_ring_leave(void *data)
{
	struct crypto1_ring *queue = data;

	crypto1_ring_detach(&queue->user);
	/* A handler may still be looking at it */
	synchronize_rcu();
	crypto1_ring_put(queue->vec);
}

static int crypto1_ring_join(struct crypto1_priv *priv, unsigned int i)
{
	struct crypto1_ring *queue = &priv->ring[i];
	struct device *dev = &priv->irqs.pdev->dev;

	queue->vec = crypto1_ring_get(&priv->irqs, cpumask_local_spread(i, dev_to_node(dev)));
	if (IS_ERR(queue->vec))
		return PTR_ERR(queue->vec);

	crypto1_ring_attach(queue->vec, &queue->user);
	return devm_add_action_or_reset(dev, crypto1_ring_leave, queue);
}

/* All that the device has to know. A reset makes it forget that */
static void crypto1_pci_start(struct crypto1_priv *priv)
{
	unsigned int i;

	for (i = 0; i < CRYPTO1_RING_NR; i++)
		crypto1_ring_tell(priv, priv->ring[i].vec, CRYPTO1_RING_VECTOR(i));
	writel(1, priv->regs + CRYPTO1_ENABLE);
}

static void crypto1_pci_stop(struct crypto1_priv *priv)
{
	writel(0, priv->regs + CRYPTO1_ENABLE);
	/* What was on its way has arrived when this returns */
	readl(priv->regs + CRYPTO1_ENABLE);
}

static int crypto1_pci_request(struct crypto1_priv *priv, struct pci_dev *pdev)
{
	unsigned int i;
	int ret;

	ret = devm_request_irq(&pdev->dev, crypto1_irq_fault(&priv->irqs), crypto1_fault_interrupt,
			       0, "crypto1-fault", priv);
	if (ret)
		return ret;

	for (i = 0; i < CRYPTO1_RING_NR; i++) {
		ret = crypto1_ring_join(priv, i);
		if (ret)
			return ret;
	}

	return 0;
}

static int crypto1_pci_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct crypto1_irqs_params params = {
		.ring_handler	= crypto1_ring_shared,
	};
	struct crypto1_priv *priv;
	int ret;

	priv = devm_kzalloc(&pdev->dev, sizeof(*priv), GFP_KERNEL);
	if (!priv)
		return -ENOMEM;
	pci_set_drvdata(pdev, priv);

	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;
	ret = pcim_iomap_regions(pdev, BIT(0), "crypto1-skeleton");
	if (ret)
		return ret;
	priv->regs = pcim_iomap_table(pdev)[0];
	pci_set_master(pdev);

	params.bar0 = priv->regs;
	ret = devm_crypto1_irqs_init(&priv->irqs, pdev, &params);
	if (ret)
		return dev_err_probe(&pdev->dev, ret, "no interrupts\n");

	ret = crypto1_pci_request(priv, pdev);
	if (ret)
		return ret;

	crypto1_pci_start(priv);
	return 0;
}

/* The device goes quiet first; what it had is given back behind this */
static void crypto1_pci_remove(struct pci_dev *pdev)
{
	crypto1_pci_stop(pci_get_drvdata(pdev));
}

static void crypto1_pci_shutdown(struct pci_dev *pdev)
{
	struct crypto1_priv *priv = pci_get_drvdata(pdev);

	crypto1_pci_stop(priv);
	crypto1_irqs_shutdown(&priv->irqs);
}

static void crypto1_pci_reset_prepare(struct pci_dev *pdev)
{
	crypto1_pci_stop(pci_get_drvdata(pdev));
}

/* The PCI core does not know the messages of the store */
static void crypto1_pci_reset_done(struct pci_dev *pdev)
{
	struct crypto1_priv *priv = pci_get_drvdata(pdev);

	crypto1_irqs_restore(&priv->irqs);
	crypto1_pci_start(priv);
}

static const struct pci_error_handlers crypto1_pci_error_handlers = {
	.reset_prepare	= crypto1_pci_reset_prepare,
	.reset_done	= crypto1_pci_reset_done,
};

static int crypto1_pci_suspend(struct device *dev)
{
	crypto1_pci_reset_prepare(to_pci_dev(dev));
	return 0;
}

static int crypto1_pci_resume(struct device *dev)
{
	crypto1_pci_reset_done(to_pci_dev(dev));
	return 0;
}

static DEFINE_SIMPLE_DEV_PM_OPS(crypto1_pci_pm_ops, crypto1_pci_suspend, crypto1_pci_resume);

static const struct pci_device_id crypto1_pci_ids[] = {
	{ PCI_DEVICE(0x1b36, 0x0203) },
	{ }
};
MODULE_DEVICE_TABLE(pci, crypto1_pci_ids);

static struct pci_driver crypto1_pci_driver = {
	.name		= "crypto1-skeleton",
	.id_table	= crypto1_pci_ids,
	.probe		= crypto1_pci_probe,
	.remove		= crypto1_pci_remove,
	.shutdown	= crypto1_pci_shutdown,
	.err_handler	= &crypto1_pci_error_handlers,
	.driver.pm	= pm_sleep_ptr(&crypto1_pci_pm_ops),
};
module_pci_driver(crypto1_pci_driver);

MODULE_DESCRIPTION("Crypto engine, first generation: skeleton of a driver");
MODULE_LICENSE("GPL");
