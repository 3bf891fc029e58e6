// SPDX-License-Identifier: GPL-2.0
/*
 * The device side of the end-to-end tests
 *
 * An MSI is a write of four bytes from a bus master. QEMU's edu sends any, by
 * its DMA engine or by its MSI capability, and QEMU's rocker by any entry of its
 * MSI-X table. What they send is taken from the slots of a store which lies
 * elsewhere. Together they are a device with a message store.
 *
 * That device has a mask bit, but no pending bits: what it is to send while a
 * slot is masked is lost.
 *
 * A device does not send what it has fetched once the read has returned which
 * follows masking the slot. Here sending takes several steps, so the lock of the
 * slot's interrupt is held: whoever masks or moves it holds that, too. A message
 * sent later than that may be for a vector which has become another one's.
 */
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/io.h>
#include <linux/iopoll.h>
#include <linux/irq.h>
#include <linux/irqnr.h>
#include <linux/msi.h>
#include <linux/mutex.h>
#include <linux/pci.h>

#include "carrier.h"
#include "parent.h"

/* Registers of edu in BAR 0 */
#define EDU_RAISE		0x60
#define EDU_ACK			0x64
#define EDU_DMA_SRC		0x80
#define EDU_DMA_DST		0x88
#define EDU_DMA_COUNT		0x90
#define EDU_DMA_COMMAND		0x98
#define EDU_DMA_RUN		BIT(0)
#define EDU_DMA_TO_RAM		BIT(1)
#define EDU_BUFFER		0x40000
#define EDU_BUFFER_SLOTS	255

/* Registers of rocker in BAR 0 */
#define ROCKER_TEST_IRQ		0x20

#define SLOT_SIZE		16
#define SLOT_ADDRESS_LO		0
#define SLOT_ADDRESS_HI		4
#define SLOT_DATA		8
#define SLOT_CONTROL		12
#define SLOT_MASK		BIT(0)

struct e2e_machine e2e = {
	.ram		= { .name = "ram" },
	.mmio		= { .name = "mmio" },
	.rocker_ram	= { .name = "ram" },
};

/* What edu's engine has fetched, as it has written it back */
static void *edu_copy;
static dma_addr_t edu_copy_bus;

static void read_slot(const void __iomem *slot, struct e2e_message *msg)
{
	msg->control = readl(slot + SLOT_CONTROL);
	msg->address = readl(slot + SLOT_ADDRESS_LO);
	msg->address |= (u64)readl(slot + SLOT_ADDRESS_HI) << 32;
	msg->data = readl(slot + SLOT_DATA);
}

/* Whether it can be sent: -EAGAIN when masked, -EINVAL when it is no interrupt */
static int check_message(const struct e2e_message *msg)
{
	if (msg->control & SLOT_MASK)
		return -EAGAIN;
	/* Anything else is not an interrupt but damage */
	return e2e_parent_takes(msg->address) && msg->data <= 0xffff ? 0 : -EINVAL;
}

/* Real devices fetch a slot in one go. The same twice is as good */
static int fetch_slot(const struct e2e_store *store, unsigned int index, struct e2e_message *msg)
{
	const void __iomem *slot = store->base + index * SLOT_SIZE;
	struct e2e_message again;

	do {
		read_slot(slot, msg);
		read_slot(slot, &again);
	} while (msg->control != again.control || msg->address != again.address ||
		 msg->data != again.data);

	return check_message(msg);
}

/* Have the MSI capability hold a message, past the PCI core */
static void load_msi(struct pci_dev *pdev, u64 address, u32 data)
{
	int where = pdev->msi_cap;

	e2e_config_write(pdev, where + PCI_MSI_ADDRESS_LO, 4, lower_32_bits(address));
	e2e_config_write(pdev, where + PCI_MSI_ADDRESS_HI, 4, upper_32_bits(address));
	e2e_config_write(pdev, where + PCI_MSI_DATA_64, 2, data);
}

/**
 * e2e_msi_enable - Let a function send by its MSI capability
 * @fn:		The function
 */
void e2e_msi_enable(struct e2e_function *fn)
{
	u16 flags;

	pci_read_config_word(fn->pdev, fn->pdev->msi_cap + PCI_MSI_FLAGS, &flags);
	pci_write_config_word(fn->pdev, fn->pdev->msi_cap + PCI_MSI_FLAGS,
			      flags | PCI_MSI_FLAGS_ENABLE);
}

/**
 * e2e_msi_raise - Have edu send the message in its MSI capability
 * @fn:		The function
 */
void e2e_msi_raise(struct e2e_function *fn)
{
	writel(1, fn->regs + EDU_RAISE);
	writel(1, fn->regs + EDU_ACK);
}

/**
 * e2e_msi_raise_own - Have edu send the message which the PCI core gave it
 * @fn:		The function
 * @irq:	Linux interrupt number of its MSI vector
 *
 * Context: Task context, may sleep.
 */
void e2e_msi_raise_own(struct e2e_function *fn, unsigned int irq)
{
	struct msi_msg msg;

	mutex_lock(&fn->lock);
	get_cached_msi_msg(irq, &msg);
	load_msi(fn->pdev, (u64)msg.address_hi << 32 | msg.address_lo, msg.data);
	e2e_msi_raise(fn);
	mutex_unlock(&fn->lock);
}

/**
 * e2e_msi_send - Send the message of a slot by the MSI capability of edu
 * @carrier:	The carrier
 * @irq:	Linux interrupt number
 * @slot:	Index of the slot
 * @msg:	Where what was found in the slot goes
 *
 * Context: Task context, may sleep.
 *
 * Return: 0 when it was sent, -EAGAIN when the slot is masked, -EINVAL when it
 *	   does not hold an interrupt message
 */
int e2e_msi_send(struct e2e_carrier *carrier, unsigned int irq, unsigned int slot,
		 struct e2e_message *msg)
{
	struct e2e_function *fn = carrier->fn;
	unsigned long flags;
	int ret;

	mutex_lock(&fn->lock);
	raw_spin_lock_irqsave(&irq_to_desc(irq)->lock, flags);
	ret = fetch_slot(carrier->store, slot, msg);
	if (!ret) {
		load_msi(fn->pdev, msg->address, msg->data);
		e2e_msi_raise(fn);
	}
	raw_spin_unlock_irqrestore(&irq_to_desc(irq)->lock, flags);
	mutex_unlock(&fn->lock);
	return ret;
}

/**
 * e2e_table_raise - Have rocker send the message in an entry of its MSI-X table
 * @fn:		The function
 * @index:	Index of the entry
 */
void e2e_table_raise(struct e2e_function *fn, unsigned int index)
{
	writel(index, fn->regs + ROCKER_TEST_IRQ);
}

/**
 * e2e_entry_send - Send the message of a slot by the last entry of rocker's table
 * @carrier:	The carrier
 * @irq:	Linux interrupt number
 * @slot:	Index of the slot
 * @msg:	Where what was found in the slot goes
 *
 * Context: Task context, may sleep. MSI-X is enabled, the entry not in use.
 *
 * Return: See e2e_msi_send()
 */
int e2e_entry_send(struct e2e_carrier *carrier, unsigned int irq, unsigned int slot,
		   struct e2e_message *msg)
{
	struct e2e_function *fn = carrier->fn;
	unsigned int last = pci_msix_vec_count(fn->pdev) - 1;
	void __iomem *entry = fn->pdev->msix_base + last * PCI_MSIX_ENTRY_SIZE;
	unsigned long flags;
	int ret;

	mutex_lock(&fn->lock);
	raw_spin_lock_irqsave(&irq_to_desc(irq)->lock, flags);
	ret = fetch_slot(carrier->store, slot, msg);
	if (!ret) {
		writel(lower_32_bits(msg->address), entry + PCI_MSIX_ENTRY_LOWER_ADDR);
		writel(upper_32_bits(msg->address), entry + PCI_MSIX_ENTRY_UPPER_ADDR);
		writel(msg->data, entry + PCI_MSIX_ENTRY_DATA);
		writel(0, entry + PCI_MSIX_ENTRY_VECTOR_CTRL);
		e2e_table_raise(fn, last);
		writel(PCI_MSIX_ENTRY_CTRL_MASKBIT, entry + PCI_MSIX_ENTRY_VECTOR_CTRL);
	}
	raw_spin_unlock_irqrestore(&irq_to_desc(irq)->lock, flags);
	mutex_unlock(&fn->lock);
	return ret;
}

/* One transfer takes edu 100 ms of virtual time */
static int edu_transfer(struct e2e_function *fn, dma_addr_t src, dma_addr_t dst, size_t count,
			u32 command)
{
	u32 running;

	writel(src, fn->regs + EDU_DMA_SRC);
	writel(dst, fn->regs + EDU_DMA_DST);
	writel(count, fn->regs + EDU_DMA_COUNT);
	writel(command | EDU_DMA_RUN, fn->regs + EDU_DMA_COMMAND);
	return readl_poll_timeout(fn->regs + EDU_DMA_COMMAND, running, !(running & EDU_DMA_RUN),
				  10000, 2000000);
}

/**
 * e2e_dma_load - Have edu's engine fetch the first slots of the store
 * @carrier:	The carrier
 *
 * The engine has room for 255 slots.
 *
 * Context: Task context, may sleep.
 *
 * Return: 0, or -ETIMEDOUT when the engine got stuck
 */
int e2e_dma_load(struct e2e_carrier *carrier)
{
	struct e2e_function *fn = carrier->fn;
	size_t size = EDU_BUFFER_SLOTS * SLOT_SIZE;
	int ret;

	mutex_lock(&fn->lock);
	ret = edu_transfer(fn, carrier->store->bus, EDU_BUFFER, size, 0);
	if (!ret)
		ret = edu_transfer(fn, EDU_BUFFER, edu_copy_bus, size, EDU_DMA_TO_RAM);
	mutex_unlock(&fn->lock);
	return ret;
}

/**
 * e2e_dma_send - Send the message of a slot by edu's engine
 * @carrier:	The carrier
 * @irq:	Linux interrupt number
 * @slot:	Index of the slot, below 255
 * @msg:	Where what was found in the slot goes
 *
 * The data goes from the slot to where the address in the slot says, and no
 * CPU sees it on the way.
 *
 * Context: Task context, may sleep. The engine has loaded the slots.
 *
 * Return: See e2e_msi_send(), also -ETIMEDOUT
 */
int e2e_dma_send(struct e2e_carrier *carrier, unsigned int irq, unsigned int slot,
		 struct e2e_message *msg)
{
	struct e2e_function *fn = carrier->fn;
	size_t offset = slot * SLOT_SIZE;
	int ret;

	mutex_lock(&fn->lock);
	read_slot((void __iomem *)edu_copy + offset, msg);
	ret = check_message(msg);
	if (!ret)
		ret = edu_transfer(fn, EDU_BUFFER + offset + SLOT_DATA, msg->address, sizeof(u32),
				   EDU_DMA_TO_RAM);
	mutex_unlock(&fn->lock);
	return ret;
}

/**
 * e2e_wipe - Reset all slots of a store, as a reset of the device does
 * @store:	The store
 */
void e2e_wipe(struct e2e_store *store)
{
	unsigned int i;

	/* Unmasked and without a message: the worst which can be found */
	for (i = 0; i < E2E_SLOTS * SLOT_SIZE; i += sizeof(u32))
		writel(0, store->base + i);
}

/* Drivers can't expect anything from the contents of a store */
static void fill_store(struct e2e_store *store)
{
	unsigned int i;

	for (i = 0; i < E2E_SLOTS * SLOT_SIZE; i += sizeof(u32))
		writel(0x5a5a5a5a, store->base + i);
}

static int make_ram_store(struct e2e_store *store, struct device *dev)
{
	void *memory = dmam_alloc_coherent(dev, E2E_SLOTS * SLOT_SIZE, &store->bus, GFP_KERNEL);

	if (!memory)
		return -ENOMEM;
	/* Memory of a device which looks at the caches can be read and written like registers */
	store->base = (void __iomem *)memory;
	fill_store(store);
	return 0;
}

static int start_function(struct e2e_function *fn, struct pci_dev *pdev)
{
	int ret;

	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;
	ret = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(32));
	if (ret)
		return ret;
	fn->regs = pcim_iomap(pdev, 0, 0);
	if (!fn->regs)
		return -ENOMEM;

	pci_set_master(pdev);
	mutex_init(&fn->lock);
	return 0;
}

/* Another function's BAR, which is memory, as edu sees it */
static int make_mmio_store(struct e2e_store *store, struct device *edu)
{
	struct pci_dev *pdev = pci_get_device(PCI_VENDOR_ID_REDHAT_QUMRANET, 0x1110, NULL);
	int ret;

	if (!pdev)
		return 0;

	ret = pci_enable_device(pdev);
	if (ret)
		return ret;
	if (pci_resource_len(pdev, 2) < E2E_SLOTS * SLOT_SIZE)
		return -ENOSPC;
	/* The engine reaches no further. The CPU can fetch what is in there nevertheless */
	if (pci_resource_end(pdev, 2) <= DMA_BIT_MASK(32)) {
		store->bus = dma_map_resource(edu, pci_resource_start(pdev, 2),
					      E2E_SLOTS * SLOT_SIZE, DMA_BIDIRECTIONAL, 0);
		if (dma_mapping_error(edu, store->bus))
			return -EIO;
	}
	store->base = ioremap(pci_resource_start(pdev, 2), E2E_SLOTS * SLOT_SIZE);
	if (!store->base)
		return -ENOMEM;
	fill_store(store);
	return 0;
}

static int edu_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct e2e_function *fn = e2e.edu.pdev ? &e2e.other : &e2e.edu;
	int ret;

	if (fn->pdev)
		return -EBUSY;
	ret = start_function(fn, pdev);
	if (ret)
		return ret;

	if (fn == &e2e.edu) {
		edu_copy = dmam_alloc_coherent(&pdev->dev, PAGE_SIZE, &edu_copy_bus, GFP_KERNEL);
		if (!edu_copy)
			return -ENOMEM;
		ret = make_ram_store(&e2e.ram, &pdev->dev);
		if (ret)
			return ret;
		ret = make_mmio_store(&e2e.mmio, &pdev->dev);
		if (ret)
			return ret;
	}
	fn->pdev = pdev;
	return 0;
}

static int rocker_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	int ret;

	ret = start_function(&e2e.rocker, pdev);
	if (ret)
		return ret;
	ret = make_ram_store(&e2e.rocker_ram, &pdev->dev);
	if (ret)
		return ret;
	e2e.rocker.pdev = pdev;
	return 0;
}

static const struct pci_device_id edu_ids[] = {
	{ PCI_DEVICE(0x1234, 0x11e8) },
	{ }
};

static const struct pci_device_id rocker_ids[] = {
	{ PCI_DEVICE(PCI_VENDOR_ID_REDHAT, 0x0006) },
	{ }
};

static struct pci_driver edu_driver = {
	.name		= "imsgen-e2e-edu",
	.id_table	= edu_ids,
	.probe		= edu_probe,
	.driver		= { .suppress_bind_attrs = true },
};

static struct pci_driver rocker_driver = {
	.name		= "imsgen-e2e-rocker",
	.id_table	= rocker_ids,
	.probe		= rocker_probe,
	.driver		= { .suppress_bind_attrs = true },
};

builtin_pci_driver(edu_driver);
builtin_pci_driver(rocker_driver);
