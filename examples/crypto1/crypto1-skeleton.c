// SPDX-License-Identifier: GPL-2.0
/*
 * Crypto engine, first generation: a skeleton to copy. Rings share the vector of
 * the CPU which submits to them.
 */
#include <linux/container_of.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/irqchip/irq-crypto1.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/pm.h>
#include <linux/rcupdate.h>

#define CRYPTO1_RINGS		6

/* Which message reports completions of a ring, at the start of BAR 0 */
#define CRYPTO1_VECTOR(ring)	(0x10 + 4 * (ring))

struct crypto1_ring {
	struct irq_vec_user	user;
	struct irq_vec		*vec;
	unsigned int		completions;
};

struct crypto1_skeleton {
	struct crypto1_irqs	irqs;
	void __iomem		*regs;
	unsigned int		faults;
	struct crypto1_ring	rings[CRYPTO1_RINGS];
};

static irqreturn_t crypto1_fault(int irq, void *data)
{
	struct crypto1_skeleton *crypto = data;

	crypto->faults++;
	return IRQ_HANDLED;
}

static irqreturn_t crypto1_complete(struct irq_vec_user *user)
{
	struct crypto1_ring *ring = container_of(user, struct crypto1_ring, user);

	/* Look at the ring here, and say IRQ_NONE if there is nothing on it */
	ring->completions++;
	return IRQ_HANDLED;
}

static irqreturn_t crypto1_interrupt(int irq, void *vec)
{
	return crypto1_ring_dispatch(vec, crypto1_complete);
}

/* The device has to know which of its messages to send */
static void crypto1_tell_vector(struct crypto1_skeleton *crypto, unsigned int i)
{
	enum crypto1_store store;
	unsigned int index = crypto1_ring_index(crypto->rings[i].vec, &store);

	writel(index, crypto->regs + CRYPTO1_VECTOR(i));
}

static void crypto1_close_ring(void *data)
{
	struct crypto1_ring *ring = data;

	crypto1_ring_detach(&ring->user);
	/* A handler may still be looking at the ring */
	synchronize_rcu();
	crypto1_ring_put(ring->vec);
}

static int crypto1_open_ring(struct crypto1_skeleton *crypto, struct pci_dev *pdev,
			     unsigned int i, unsigned int cpu)
{
	struct crypto1_ring *ring = &crypto->rings[i];

	ring->vec = crypto1_ring_get(&crypto->irqs, cpu);
	if (IS_ERR(ring->vec))
		return PTR_ERR(ring->vec);

	crypto1_ring_attach(ring->vec, &ring->user);
	crypto1_tell_vector(crypto, i);
	return devm_add_action_or_reset(&pdev->dev, crypto1_close_ring, ring);
}

static int crypto1_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct crypto1_irqs_params params = {
		.ring_handler	= crypto1_interrupt,
	};
	struct crypto1_skeleton *crypto;
	unsigned int i;
	int ret;

	crypto = devm_kzalloc(&pdev->dev, sizeof(*crypto), GFP_KERNEL);
	if (!crypto)
		return -ENOMEM;
	pci_set_drvdata(pdev, crypto);

	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;
	ret = pcim_iomap_regions(pdev, BIT(0), "crypto1-skeleton");
	if (ret)
		return ret;
	crypto->regs = pcim_iomap_table(pdev)[0];
	params.bar0 = crypto->regs;
	pci_set_master(pdev);

	ret = devm_crypto1_irqs_init(&crypto->irqs, pdev, &params);
	if (ret)
		return dev_err_probe(&pdev->dev, ret, "no interrupts\n");

	ret = devm_request_irq(&pdev->dev, crypto1_irq_fault(&crypto->irqs), crypto1_fault, 0,
			       "crypto1-fault", crypto);
	if (ret)
		return ret;

	for (i = 0; i < CRYPTO1_RINGS; i++) {
		ret = crypto1_open_ring(crypto, pdev, i, i % num_online_cpus());
		if (ret)
			return ret;
	}
	return 0;
}

static void crypto1_shutdown(struct pci_dev *pdev)
{
	struct crypto1_skeleton *crypto = pci_get_drvdata(pdev);

	crypto1_irqs_shutdown(&crypto->irqs);
}

/* The PCI core does not know the slots. The rings may be used again after this only */
static void crypto1_reset_done(struct pci_dev *pdev)
{
	struct crypto1_skeleton *crypto = pci_get_drvdata(pdev);
	unsigned int i;

	crypto1_irqs_restore(&crypto->irqs);
	for (i = 0; i < CRYPTO1_RINGS; i++)
		crypto1_tell_vector(crypto, i);
}

static const struct pci_error_handlers crypto1_error_handlers = {
	.reset_done	= crypto1_reset_done,
};

static int crypto1_resume(struct device *dev)
{
	crypto1_reset_done(to_pci_dev(dev));
	return 0;
}

static DEFINE_SIMPLE_DEV_PM_OPS(crypto1_pm_ops, NULL, crypto1_resume);

static const struct pci_device_id crypto1_ids[] = {
	{ PCI_DEVICE(PCI_VENDOR_ID_REDHAT, 0x0203) },
	{ }
};
MODULE_DEVICE_TABLE(pci, crypto1_ids);

static struct pci_driver crypto1_driver = {
	.name		= "crypto1-skeleton",
	.id_table	= crypto1_ids,
	.probe		= crypto1_probe,
	.shutdown	= crypto1_shutdown,
	.err_handler	= &crypto1_error_handlers,
	.driver.pm	= pm_sleep_ptr(&crypto1_pm_ops),
};
module_pci_driver(crypto1_driver);

MODULE_DESCRIPTION("Crypto engine, first generation: skeleton of a driver");
MODULE_LICENSE("GPL");
