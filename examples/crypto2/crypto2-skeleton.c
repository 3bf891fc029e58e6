// SPDX-License-Identifier: GPL-2.0
/*
 * Crypto engine, second generation: a skeleton to copy. The kernel's ring shares
 * its CPU's vector; one that is mapped into a process has a vector for itself and
 * that process's context in its messages.
 */
#include <linux/container_of.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/irqchip/irq-crypto2.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/pm.h>
#include <linux/rcupdate.h>
#include <linux/smp.h>

#define CRYPTO2_CONTEXTS		2

/* Which message reports completions, at the start of BAR 0 */
#define CRYPTO2_KERNEL_VECTOR		0x10
#define CRYPTO2_CONTEXT_VECTOR(i)	(0x20 + 4 * (i))

struct crypto2_skeleton {
	struct crypto2_irqs	irqs;
	void __iomem		*regs;
	unsigned int		faults;
	struct irq_vec		*kernel;
	struct irq_vec_user	kernel_user;
	struct irq_vec		*contexts[CRYPTO2_CONTEXTS];
	unsigned int		completions;
};

static irqreturn_t crypto2_fault(int irq, void *data)
{
	struct crypto2_skeleton *crypto = data;

	crypto->faults++;
	return IRQ_HANDLED;
}

static irqreturn_t crypto2_complete(struct irq_vec_user *user)
{
	container_of(user, struct crypto2_skeleton, kernel_user)->completions++;
	return IRQ_HANDLED;
}

static irqreturn_t crypto2_interrupt(int irq, void *vec)
{
	return crypto2_ring_dispatch(vec, crypto2_complete);
}

/* A real one wakes the process up */
static irqreturn_t crypto2_context_interrupt(int irq, void *data)
{
	return IRQ_HANDLED;
}

/* The device has to know which of its messages to send */
static void crypto2_tell_vector(struct crypto2_skeleton *crypto, unsigned int reg,
				const struct irq_vec *vec)
{
	enum crypto2_store store;

	writel(crypto2_ring_index(vec, &store), crypto->regs + reg);
}

static void crypto2_close(void *data)
{
	struct crypto2_skeleton *crypto = data;
	unsigned int i;

	for (i = 0; i < CRYPTO2_CONTEXTS; i++) {
		if (!crypto->contexts[i])
			continue;
		free_irq(crypto->contexts[i]->irq, crypto);
		crypto2_ring_put(crypto->contexts[i]);
	}

	if (crypto->kernel) {
		crypto2_ring_detach(&crypto->kernel_user);
		/* A handler may still be looking at the user */
		synchronize_rcu();
		crypto2_ring_put(crypto->kernel);
	}
}

static int crypto2_open_context(struct crypto2_skeleton *crypto, unsigned int i)
{
	struct crypto2_ims_cookie cookie = {
		.context	= i,
	};
	struct irq_vec *vec;
	int ret;

	vec = crypto2_ring_get_dedicated(&crypto->irqs, &cookie, NULL);
	if (IS_ERR(vec))
		return PTR_ERR(vec);

	ret = request_irq(vec->irq, crypto2_context_interrupt, 0, "crypto2-context", crypto);
	if (ret) {
		crypto2_ring_put(vec);
		return ret;
	}
	crypto->contexts[i] = vec;
	crypto2_tell_vector(crypto, CRYPTO2_CONTEXT_VECTOR(i), vec);
	return 0;
}

static int crypto2_open(struct crypto2_skeleton *crypto)
{
	struct irq_vec *vec;
	unsigned int i;
	int ret;

	vec = crypto2_ring_get(&crypto->irqs, raw_smp_processor_id());
	if (IS_ERR(vec))
		return PTR_ERR(vec);
	crypto->kernel = vec;
	crypto2_ring_attach(vec, &crypto->kernel_user);
	crypto2_tell_vector(crypto, CRYPTO2_KERNEL_VECTOR, vec);

	for (i = 0; i < CRYPTO2_CONTEXTS; i++) {
		ret = crypto2_open_context(crypto, i);
		if (ret)
			return ret;
	}
	return 0;
}

static int crypto2_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct crypto2_irqs_params params = {
		.ring_handler	= crypto2_interrupt,
	};
	struct crypto2_skeleton *crypto;
	int ret;

	crypto = devm_kzalloc(&pdev->dev, sizeof(*crypto), GFP_KERNEL);
	if (!crypto)
		return -ENOMEM;
	pci_set_drvdata(pdev, crypto);

	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;
	ret = pcim_iomap_regions(pdev, BIT(0), "crypto2-skeleton");
	if (ret)
		return ret;
	crypto->regs = pcim_iomap_table(pdev)[0];
	params.bar0 = crypto->regs;
	pci_set_master(pdev);

	ret = devm_crypto2_irqs_init(&crypto->irqs, pdev, &params);
	if (ret)
		return dev_err_probe(&pdev->dev, ret, "no interrupts\n");

	ret = devm_request_irq(&pdev->dev, crypto2_irq_fault(&crypto->irqs), crypto2_fault, 0,
			       "crypto2-fault", crypto);
	if (ret)
		return ret;

	ret = devm_add_action(&pdev->dev, crypto2_close, crypto);
	return ret ? ret : crypto2_open(crypto);
}

static void crypto2_shutdown(struct pci_dev *pdev)
{
	struct crypto2_skeleton *crypto = pci_get_drvdata(pdev);

	crypto2_irqs_shutdown(&crypto->irqs);
}

/* The PCI core brings back MSI-X only: it does not know the slots */
static void crypto2_reset_done(struct pci_dev *pdev)
{
	struct crypto2_skeleton *crypto = pci_get_drvdata(pdev);
	unsigned int i;

	crypto2_irqs_restore(&crypto->irqs);
	crypto2_tell_vector(crypto, CRYPTO2_KERNEL_VECTOR, crypto->kernel);
	for (i = 0; i < CRYPTO2_CONTEXTS; i++)
		crypto2_tell_vector(crypto, CRYPTO2_CONTEXT_VECTOR(i), crypto->contexts[i]);
}

static const struct pci_error_handlers crypto2_error_handlers = {
	.reset_done	= crypto2_reset_done,
};

static int crypto2_resume(struct device *dev)
{
	crypto2_reset_done(to_pci_dev(dev));
	return 0;
}

static DEFINE_SIMPLE_DEV_PM_OPS(crypto2_pm_ops, NULL, crypto2_resume);

static const struct pci_device_id crypto2_ids[] = {
	{ PCI_DEVICE(PCI_VENDOR_ID_REDHAT, 0x0204) },
	{ }
};
MODULE_DEVICE_TABLE(pci, crypto2_ids);

static struct pci_driver crypto2_driver = {
	.name		= "crypto2-skeleton",
	.id_table	= crypto2_ids,
	.probe		= crypto2_probe,
	.shutdown	= crypto2_shutdown,
	.err_handler	= &crypto2_error_handlers,
	.driver.pm	= pm_sleep_ptr(&crypto2_pm_ops),
};
module_pci_driver(crypto2_driver);

MODULE_DESCRIPTION("Crypto engine, second generation: skeleton of a driver");
MODULE_LICENSE("GPL");
