// SPDX-License-Identifier: GPL-2.0
/*
 * QEMU switch device: a skeleton to copy
 *
 * Its interrupts are those of rocker.ims; registers and numbers of queues are made
 * up. Written by imsgen 0.1.0: imsgen skeleton rocker.ims
 */
#include <linux/bits.h>
#include <linux/container_of.h>
#include <linux/cpumask.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/irqchip/irq-rocker.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/pm.h>
#include <linux/rcupdate.h>

/* A real driver reads these from the device, or is told them */
#define ROCKER_IMS_SLOTS	512
#define ROCKER_PORT_SHARED	6
#define ROCKER_PORT_NR		(ROCKER_PORT_SHARED + 2)
#define ROCKER_IMS_OFFSET	0x1000

/* Registers in BAR 0 */
#define ROCKER_ENABLE		0x0
#define ROCKER_PORT_VECTOR(i)	(0x10 + 4 * (i))
#define ROCKER_IMS_BIT		BIT(31)

struct rocker_port {
	struct irq_vec		*vec;
	struct irq_vec_user	user;
	unsigned int		events;
};

struct rocker_priv {
	struct rocker_irqs	irqs;
	void __iomem		*regs;
	unsigned int		command_events;
	struct rocker_port	port[ROCKER_PORT_NR];
};

/* Command completed */
static irqreturn_t rocker_command_interrupt(int irq, void *data)
{
	struct rocker_priv *priv = data;

	/* Read from the device what it is, and say IRQ_NONE if it is nothing */
	priv->command_events++;
	return IRQ_HANDLED;
}

/* Port queues */
static irqreturn_t rocker_port_look(struct rocker_port *queue)
{
	/* Look at it here, and say IRQ_NONE if there is nothing on it */
	queue->events++;
	return IRQ_HANDLED;
}

static irqreturn_t rocker_port_event(struct irq_vec_user *user)
{
	return rocker_port_look(container_of(user, struct rocker_port, user));
}

/* Asks all who share the vector */
static irqreturn_t rocker_port_shared(int irq, void *vec)
{
	return rocker_port_dispatch(vec, rocker_port_event);
}

static irqreturn_t rocker_port_interrupt(int irq, void *data)
{
	return rocker_port_look(data);
}

/* The device has to know which of its messages to send */
static void rocker_port_tell(struct rocker_priv *priv, const struct irq_vec *vec, unsigned int reg)
{
	enum rocker_store store;
	unsigned int index = rocker_port_index(vec, &store);

	if (store == ROCKER_IMS)
		index |= ROCKER_IMS_BIT;
	writel(index, priv->regs + reg);
}

static void rocker_port_leave(void *data)
{
	struct rocker_port *queue = data;

	rocker_port_detach(&queue->user);
	/* A handler may still be looking at it */
	synchronize_rcu();
	rocker_port_put(queue->vec);
}

static int rocker_port_join(struct rocker_priv *priv, unsigned int i)
{
	struct rocker_port *queue = &priv->port[i];
	struct device *dev = &priv->irqs.pdev->dev;

	queue->vec = rocker_port_get(&priv->irqs, cpumask_local_spread(i, dev_to_node(dev)));
	if (IS_ERR(queue->vec))
		return PTR_ERR(queue->vec);

	rocker_port_attach(queue->vec, &queue->user);
	return devm_add_action_or_reset(dev, rocker_port_leave, queue);
}

static void rocker_port_close(void *data)
{
	struct rocker_port *queue = data;

	free_irq(queue->vec->irq, queue);
	rocker_port_put(queue->vec);
}

static int rocker_port_open(struct rocker_priv *priv, unsigned int i)
{
	struct rocker_port *queue = &priv->port[i];
	struct device *dev = &priv->irqs.pdev->dev;
	int ret;

	queue->vec = rocker_port_get_dedicated(&priv->irqs, NULL);
	if (IS_ERR(queue->vec))
		return PTR_ERR(queue->vec);

	ret = request_irq(queue->vec->irq, rocker_port_interrupt, 0, "rocker-port", queue);
	if (ret) {
		rocker_port_put(queue->vec);
		return ret;
	}

	return devm_add_action_or_reset(dev, rocker_port_close, queue);
}

/* All that the device has to know. A reset makes it forget that */
static void rocker_pci_start(struct rocker_priv *priv)
{
	unsigned int i;

	for (i = 0; i < ROCKER_PORT_NR; i++)
		rocker_port_tell(priv, priv->port[i].vec, ROCKER_PORT_VECTOR(i));
	writel(1, priv->regs + ROCKER_ENABLE);
}

static void rocker_pci_stop(struct rocker_priv *priv)
{
	writel(0, priv->regs + ROCKER_ENABLE);
	/* What was on its way has arrived when this returns */
	readl(priv->regs + ROCKER_ENABLE);
}

static int rocker_pci_request(struct rocker_priv *priv, struct pci_dev *pdev)
{
	unsigned int i;
	int ret;

	ret = devm_request_irq(&pdev->dev, rocker_irq_command(&priv->irqs),
			       rocker_command_interrupt, 0, "rocker-command", priv);
	if (ret)
		return ret;

	for (i = 0; i < ROCKER_PORT_SHARED; i++) {
		ret = rocker_port_join(priv, i);
		if (ret)
			return ret;
	}

	for (i = ROCKER_PORT_SHARED; i < ROCKER_PORT_NR; i++) {
		ret = rocker_port_open(priv, i);
		if (ret)
			return ret;
	}

	return 0;
}

static int rocker_pci_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct rocker_irqs_params params = {
		.ims_offset	= ROCKER_IMS_OFFSET,
		.ims_slots	= ROCKER_IMS_SLOTS,
		.port_handler	= rocker_port_shared,
	};
	struct rocker_priv *priv;
	int ret;

	priv = devm_kzalloc(&pdev->dev, sizeof(*priv), GFP_KERNEL);
	if (!priv)
		return -ENOMEM;
	pci_set_drvdata(pdev, priv);

	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;
	ret = pcim_iomap_regions(pdev, BIT(0), "rocker-skeleton");
	if (ret)
		return ret;
	priv->regs = pcim_iomap_table(pdev)[0];
	pci_set_master(pdev);

	params.bar0 = priv->regs;
	ret = devm_rocker_irqs_init(&priv->irqs, pdev, &params);
	if (ret)
		return dev_err_probe(&pdev->dev, ret, "no interrupts\n");

	ret = rocker_pci_request(priv, pdev);
	if (ret)
		return ret;

	rocker_pci_start(priv);
	return 0;
}

/* The device goes quiet first; what it had is given back behind this */
static void rocker_pci_remove(struct pci_dev *pdev)
{
	rocker_pci_stop(pci_get_drvdata(pdev));
}

static void rocker_pci_shutdown(struct pci_dev *pdev)
{
	struct rocker_priv *priv = pci_get_drvdata(pdev);

	rocker_pci_stop(priv);
	rocker_irqs_shutdown(&priv->irqs);
}

static void rocker_pci_reset_prepare(struct pci_dev *pdev)
{
	rocker_pci_stop(pci_get_drvdata(pdev));
}

/* The PCI core does not know the messages of the store */
static void rocker_pci_reset_done(struct pci_dev *pdev)
{
	struct rocker_priv *priv = pci_get_drvdata(pdev);

	rocker_irqs_restore(&priv->irqs);
	rocker_pci_start(priv);
}

static const struct pci_error_handlers rocker_pci_error_handlers = {
	.reset_prepare	= rocker_pci_reset_prepare,
	.reset_done	= rocker_pci_reset_done,
};

static int rocker_pci_suspend(struct device *dev)
{
	rocker_pci_reset_prepare(to_pci_dev(dev));
	return 0;
}

static int rocker_pci_resume(struct device *dev)
{
	rocker_pci_reset_done(to_pci_dev(dev));
	return 0;
}

static DEFINE_SIMPLE_DEV_PM_OPS(rocker_pci_pm_ops, rocker_pci_suspend, rocker_pci_resume);

static const struct pci_device_id rocker_pci_ids[] = {
	{ PCI_DEVICE(0x1b36, 0x0006) },
	{ }
};
MODULE_DEVICE_TABLE(pci, rocker_pci_ids);

static struct pci_driver rocker_pci_driver = {
	.name		= "rocker-skeleton",
	.id_table	= rocker_pci_ids,
	.probe		= rocker_pci_probe,
	.remove		= rocker_pci_remove,
	.shutdown	= rocker_pci_shutdown,
	.err_handler	= &rocker_pci_error_handlers,
	.driver.pm	= pm_sleep_ptr(&rocker_pci_pm_ops),
};
module_pci_driver(rocker_pci_driver);

MODULE_DESCRIPTION("QEMU switch device: skeleton of a driver");
MODULE_LICENSE("GPL");
