// SPDX-License-Identifier: GPL-2.0
/*
 * NVMe-like controller: a skeleton to copy. One interrupt for the admin queue,
 * one for each I/O queue; the kernel keeps them on their CPUs.
 */
#include <linux/cpumask.h>
#include <linux/device.h>
#include <linux/interrupt.h>
#include <linux/irqchip/irq-nvme.h>
#include <linux/module.h>
#include <linux/overflow.h>
#include <linux/pci.h>

struct nvme_queue {
	unsigned int	completions;
};

struct nvme_skeleton {
	struct nvme_irqs	irqs;
	struct nvme_queue	admin;
	struct nvme_queue	io[];
};

static irqreturn_t nvme_interrupt(int irq, void *data)
{
	struct nvme_queue *queue = data;

	/* Look at the completion queue here */
	queue->completions++;
	return IRQ_HANDLED;
}

static int nvme_open_queues(struct nvme_skeleton *nvme, struct pci_dev *pdev)
{
	unsigned int i;
	int ret;

	/* There can be fewer than asked for: the others use polling, or don't exist */
	for (i = 0; i < nvme->irqs.io.nr; i++) {
		ret = devm_request_irq(&pdev->dev, nvme_io_irq(&nvme->irqs, i), nvme_interrupt, 0,
				       "nvme-io", &nvme->io[i]);
		if (ret)
			return ret;
	}
	return 0;
}

static int nvme_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	unsigned int queues = num_possible_cpus();
	struct nvme_skeleton *nvme;
	int ret;

	nvme = devm_kzalloc(&pdev->dev, struct_size(nvme, io, queues), GFP_KERNEL);
	if (!nvme)
		return -ENOMEM;
	pci_set_drvdata(pdev, nvme);

	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;
	pci_set_master(pdev);

	ret = devm_nvme_irqs_init(&nvme->irqs, pdev, queues);
	if (ret)
		return dev_err_probe(&pdev->dev, ret, "no interrupts\n");

	ret = devm_request_irq(&pdev->dev, nvme_irq_admin(&nvme->irqs), nvme_interrupt, 0,
			       "nvme-admin", &nvme->admin);
	if (ret)
		return ret;

	return nvme_open_queues(nvme, pdev);
}

static void nvme_shutdown(struct pci_dev *pdev)
{
	struct nvme_skeleton *nvme = pci_get_drvdata(pdev);

	nvme_irqs_shutdown(&nvme->irqs);
}

static const struct pci_device_id nvme_ids[] = {
	{ PCI_DEVICE_CLASS(PCI_CLASS_STORAGE_EXPRESS, 0xffffff) },
	{ }
};
MODULE_DEVICE_TABLE(pci, nvme_ids);

static struct pci_driver nvme_driver = {
	.name		= "nvme-skeleton",
	.id_table	= nvme_ids,
	.probe		= nvme_probe,
	.shutdown	= nvme_shutdown,
};
module_pci_driver(nvme_driver);

MODULE_DESCRIPTION("NVMe-like controller: skeleton of a driver");
MODULE_LICENSE("GPL");
