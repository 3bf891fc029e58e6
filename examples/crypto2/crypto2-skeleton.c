// SPDX-License-Identifier: GPL-2.0
/*
 * Crypto engine, second generation: a skeleton to copy
 *
 * Its interrupts are those of crypto2.ims; registers and numbers of queues are made
 * up. Written by imsgen 0.1.0: imsgen skeleton crypto2.ims
 */
#include <linux/bits.h>
#include <linux/container_of.h>
#include <linux/cpumask.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/irqchip/irq-crypto2.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/pm.h>
#include <linux/rcupdate.h>

/* A real driver reads these from the device, or is told them */
#define CRYPTO2_RING_SHARED	6
#define CRYPTO2_RING_NR		(CRYPTO2_RING_SHARED + 2)

/* Registers in BAR 0 */
#define CRYPTO2_ENABLE		0x0
#define CRYPTO2_RING_VECTOR(i)	(0x10 + 4 * (i))

struct crypto2_ring {
	struct irq_vec		*vec;
	struct irq_vec_user	user;
	unsigned int		events;
};

struct crypto2_priv {
	struct crypto2_irqs	irqs;
	void __iomem		*regs;
	unsigned int		fault_events;
	struct crypto2_ring	ring[CRYPTO2_RING_NR];
};

/* Faults */
static irqreturn_t crypto2_fault_interrupt(int irq, void *data)
{
	struct crypto2_priv *priv = data;

	/* Read from the device what it is, and say IRQ_NONE if it is nothing */
	priv->fault_events++;
	return IRQ_HANDLED;
}

/* Rings */
static irqreturn_t crypto2_ring_look(struct crypto2_ring *queue)
{
	/* Look at it here, and say IRQ_NONE if there is nothing on it */
	queue->events++;
	return IRQ_HANDLED;
}

static irqreturn_t crypto2_ring_event(struct irq_vec_user *user)
{
	return crypto2_ring_look(container_of(user, struct crypto2_ring, user));
}

/* Asks all who share the vector */
static irqreturn_t crypto2_ring_shared(int irq, void *vec)
{
	return crypto2_ring_dispatch(vec, crypto2_ring_event);
}

static irqreturn_t crypto2_ring_interrupt(int irq, void *data)
{
	return crypto2_ring_look(data);
}

/* The device has to know which of its messages to send */
static void crypto2_ring_tell(struct crypto2_priv *priv, const struct irq_vec *vec,
			      unsigned int reg)
{
	enum crypto2_store store;
	unsigned int index = crypto2_ring_index(vec, &store);

	writel(index, priv->regs + reg);
}

static void crypto2_ring_leave(void *data)
{
	struct crypto2_ring *queue = data;

	crypto2_ring_detach(&queue->user);
	/* A handler may still be looking at it */
	synchronize_rcu();
	crypto2_ring_put(queue->vec);
}

static int crypto2_ring_join(struct crypto2_priv *priv, unsigned int i)
{
	struct crypto2_ring *queue = &priv->ring[i];
	struct device *dev = &priv->irqs.pdev->dev;

	queue->vec = crypto2_ring_get(&priv->irqs, cpumask_local_spread(i, dev_to_node(dev)));
	if (IS_ERR(queue->vec))
		return PTR_ERR(queue->vec);

	crypto2_ring_attach(queue->vec, &queue->user);
	return devm_add_action_or_reset(dev, crypto2_ring_leave, queue);
}

static void crypto2_ring_close(void *data)
{
	struct crypto2_ring *queue = data;

	free_irq(queue->vec->irq, queue);
	crypto2_ring_put(queue->vec);
}

static int crypto2_ring_open(struct crypto2_priv *priv, unsigned int i)
{
	struct crypto2_ring *queue = &priv->ring[i];
	struct device *dev = &priv->irqs.pdev->dev;
	/* What its messages carry along: whose they are */
	struct crypto2_ims_cookie cookie = {
		.context	= i,
	};
	int ret;

	queue->vec = crypto2_ring_get_dedicated(&priv->irqs, &cookie, NULL);
	if (IS_ERR(queue->vec))
		return PTR_ERR(queue->vec);

	ret = request_irq(queue->vec->irq, crypto2_ring_interrupt, 0, "crypto2-ring", queue);
	if (ret) {
		crypto2_ring_put(queue->vec);
		return ret;
	}

	return devm_add_action_or_reset(dev, crypto2_ring_close, queue);
}

/* All that the device has to know. A reset makes it forget that */
static void crypto2_pci_start(struct crypto2_priv *priv)
{
	unsigned int i;

	for (i = 0; i < CRYPTO2_RING_NR; i++)
		crypto2_ring_tell(priv, priv->ring[i].vec, CRYPTO2_RING_VECTOR(i));
	writel(1, priv->regs + CRYPTO2_ENABLE);
}

static void crypto2_pci_stop(struct crypto2_priv *priv)
{
	writel(0, priv->regs + CRYPTO2_ENABLE);
	/* What was on its way has arrived when this returns */
	readl(priv->regs + CRYPTO2_ENABLE);
}

static int crypto2_pci_request(struct crypto2_priv *priv, struct pci_dev *pdev)
{
	unsigned int i;
	int ret;

	ret = devm_request_irq(&pdev->dev, crypto2_irq_fault(&priv->irqs), crypto2_fault_interrupt,
			       0, "crypto2-fault", priv);
	if (ret)
		return ret;

	for (i = 0; i < CRYPTO2_RING_SHARED; i++) {
		ret = crypto2_ring_join(priv, i);
		if (ret)
			return ret;
	}

	for (i = CRYPTO2_RING_SHARED; i < CRYPTO2_RING_NR; i++) {
		ret = crypto2_ring_open(priv, i);
		if (ret)
			return ret;
	}

	return 0;
}

static int crypto2_pci_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct crypto2_irqs_params params = {
		.ring_handler	= crypto2_ring_shared,
	};
	struct crypto2_priv *priv;
	int ret;

	priv = devm_kzalloc(&pdev->dev, sizeof(*priv), GFP_KERNEL);
	if (!priv)
		return -ENOMEM;
	pci_set_drvdata(pdev, priv);

	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;
	ret = pcim_iomap_regions(pdev, BIT(0), "crypto2-skeleton");
	if (ret)
		return ret;
	priv->regs = pcim_iomap_table(pdev)[0];
	pci_set_master(pdev);

	params.bar0 = priv->regs;
	ret = devm_crypto2_irqs_init(&priv->irqs, pdev, &params);
	if (ret)
		return dev_err_probe(&pdev->dev, ret, "no interrupts\n");

	ret = crypto2_pci_request(priv, pdev);
	if (ret)
		return ret;

	crypto2_pci_start(priv);
	return 0;
}

/* The device goes quiet first; what it had is given back behind this */
static void crypto2_pci_remove(struct pci_dev *pdev)
{
	crypto2_pci_stop(pci_get_drvdata(pdev));
}

static void crypto2_pci_shutdown(struct pci_dev *pdev)
{
	struct crypto2_priv *priv = pci_get_drvdata(pdev);

	crypto2_pci_stop(priv);
	crypto2_irqs_shutdown(&priv->irqs);
}

static void crypto2_pci_reset_prepare(struct pci_dev *pdev)
{
	crypto2_pci_stop(pci_get_drvdata(pdev));
}

/* The PCI core does not know the messages of the store */
static void crypto2_pci_reset_done(struct pci_dev *pdev)
{
	struct crypto2_priv *priv = pci_get_drvdata(pdev);

	crypto2_irqs_restore(&priv->irqs);
	crypto2_pci_start(priv);
}

static const struct pci_error_handlers crypto2_pci_error_handlers = {
	.reset_prepare	= crypto2_pci_reset_prepare,
	.reset_done	= crypto2_pci_reset_done,
};

static int crypto2_pci_suspend(struct device *dev)
{
	crypto2_pci_reset_prepare(to_pci_dev(dev));
	return 0;
}

static int crypto2_pci_resume(struct device *dev)
{
	crypto2_pci_reset_done(to_pci_dev(dev));
	return 0;
}

static DEFINE_SIMPLE_DEV_PM_OPS(crypto2_pci_pm_ops, crypto2_pci_suspend, crypto2_pci_resume);

static const struct pci_device_id crypto2_pci_ids[] = {
	{ PCI_DEVICE(0x1b36, 0x0204) },
	{ }
};
MODULE_DEVICE_TABLE(pci, crypto2_pci_ids);

static struct pci_driver crypto2_pci_driver = {
	.name		= "crypto2-skeleton",
	.id_table	= crypto2_pci_ids,
	.probe		= crypto2_pci_probe,
	.remove		= crypto2_pci_remove,
	.shutdown	= crypto2_pci_shutdown,
	.err_handler	= &crypto2_pci_error_handlers,
	.driver.pm	= pm_sleep_ptr(&crypto2_pci_pm_ops),
};
module_pci_driver(crypto2_pci_driver);

MODULE_DESCRIPTION("Crypto engine, second generation: skeleton of a driver");
MODULE_LICENSE("GPL");
