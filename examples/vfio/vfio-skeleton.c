// SPDX-License-Identifier: GPL-2.0
/*
 * Accelerator with queues for guests: a skeleton to copy. A queue which is handed
 * to a guest has a vector for itself, and the guest's PASID in its messages.
 */
#include <linux/device.h>
#include <linux/err.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/irqchip/irq-vfio.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/pm.h>

/* A real one reads this from a register */
#define VFIO_SLOTS	512
#define VFIO_QUEUES	2

/* Which message a queue sends, at the start of BAR 0 */
#define VFIO_VECTOR(queue)	(0x10 + 4 * (queue))

struct vfio_queue {
	struct irq_vec	*vec;
	unsigned int	events;
};

struct vfio_skeleton {
	struct vfio_irqs	irqs;
	void __iomem		*regs;
	unsigned int		errors;
	struct vfio_queue	queues[VFIO_QUEUES];
};

static irqreturn_t vfio_error(int irq, void *data)
{
	struct vfio_skeleton *vfio = data;

	vfio->errors++;
	return IRQ_HANDLED;
}

/* A real one signals the eventfd which stands for the guest's interrupt */
static irqreturn_t vfio_interrupt(int irq, void *data)
{
	struct vfio_queue *queue = data;

	queue->events++;
	return IRQ_HANDLED;
}

/* The device has to know which of its messages to send */
static void vfio_tell_vector(struct vfio_skeleton *vfio, unsigned int i)
{
	enum vfio_store store;

	writel(vfio_guest_index(vfio->queues[i].vec, &store), vfio->regs + VFIO_VECTOR(i));
}

static void vfio_unassign(void *data)
{
	struct vfio_queue *queue = data;

	free_irq(queue->vec->irq, queue);
	vfio_guest_put(queue->vec);
}

/* The queue goes to the guest whose address space is @pasid */
static int vfio_assign(struct vfio_skeleton *vfio, struct pci_dev *pdev, unsigned int i, u32 pasid)
{
	struct vfio_queue *queue = &vfio->queues[i];
	struct vfio_ims_cookie cookie = {
		.pasid	= pasid,
	};
	int ret;

	queue->vec = vfio_guest_get_dedicated(&vfio->irqs, &cookie, NULL);
	if (IS_ERR(queue->vec))
		return PTR_ERR(queue->vec);

	ret = request_irq(queue->vec->irq, vfio_interrupt, 0, "vfio-queue", queue);
	if (ret) {
		vfio_guest_put(queue->vec);
		return ret;
	}
	vfio_tell_vector(vfio, i);
	return devm_add_action_or_reset(&pdev->dev, vfio_unassign, queue);
}

static int vfio_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct vfio_irqs_params params = {
		.ims_slots	= VFIO_SLOTS,
	};
	struct vfio_skeleton *vfio;
	unsigned int i;
	int ret;

	vfio = devm_kzalloc(&pdev->dev, sizeof(*vfio), GFP_KERNEL);
	if (!vfio)
		return -ENOMEM;
	pci_set_drvdata(pdev, vfio);

	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;
	ret = pcim_iomap_regions(pdev, BIT(0), "vfio-skeleton");
	if (ret)
		return ret;
	vfio->regs = pcim_iomap_table(pdev)[0];
	params.bar0 = vfio->regs;
	pci_set_master(pdev);

	ret = devm_vfio_irqs_init(&vfio->irqs, pdev, &params);
	if (ret)
		return dev_err_probe(&pdev->dev, ret, "no isolated interrupts\n");

	ret = devm_request_threaded_irq(&pdev->dev, vfio_irq_error(&vfio->irqs), NULL, vfio_error,
					IRQF_ONESHOT, "vfio-error", vfio);
	if (ret)
		return ret;

	/* Where there is IOMMUFD to say which guest it is, this comes from there */
	for (i = 0; i < VFIO_QUEUES; i++) {
		ret = vfio_assign(vfio, pdev, i, 1 + i);
		if (ret)
			return ret;
	}
	return 0;
}

static void vfio_shutdown(struct pci_dev *pdev)
{
	struct vfio_skeleton *vfio = pci_get_drvdata(pdev);

	vfio_irqs_shutdown(&vfio->irqs);
}

/* The PCI core brings back MSI-X only: it does not know the slots */
static void vfio_reset_done(struct pci_dev *pdev)
{
	struct vfio_skeleton *vfio = pci_get_drvdata(pdev);
	unsigned int i;

	vfio_irqs_restore(&vfio->irqs);
	for (i = 0; i < VFIO_QUEUES; i++)
		vfio_tell_vector(vfio, i);
}

static const struct pci_error_handlers vfio_error_handlers = {
	.reset_done	= vfio_reset_done,
};

static int vfio_resume(struct device *dev)
{
	vfio_reset_done(to_pci_dev(dev));
	return 0;
}

static DEFINE_SIMPLE_DEV_PM_OPS(vfio_pm_ops, NULL, vfio_resume);

static const struct pci_device_id vfio_ids[] = {
	{ PCI_DEVICE(PCI_VENDOR_ID_REDHAT, 0x0202) },
	{ }
};
MODULE_DEVICE_TABLE(pci, vfio_ids);

static struct pci_driver vfio_driver = {
	.name		= "vfio-skeleton",
	.id_table	= vfio_ids,
	.probe		= vfio_probe,
	.shutdown	= vfio_shutdown,
	.err_handler	= &vfio_error_handlers,
	.driver.pm	= pm_sleep_ptr(&vfio_pm_ops),
};
module_pci_driver(vfio_driver);

MODULE_DESCRIPTION("Accelerator with assignable queues: skeleton of a driver");
MODULE_LICENSE("GPL");
