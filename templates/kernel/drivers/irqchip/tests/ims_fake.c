// SPDX-License-Identifier: GPL-2.0
/*
 * A fake PCI device below a fake MSI parent domain, for KUnit suites
 *
 * The device has, if asked for, an MSI-X table in BAR 2 or an MSI capability. The
 * same plain memory is behind all BARs. On UML accesses to it pass through
 * logic_iomem, where all of them are counted; elsewhere only those of the suite
 * itself can be.
 */
#include <kunit/ims_fake.h>
#include <kunit/resource.h>
#include <kunit/test.h>

#include <linux/bitfield.h>
#include <linux/cpumask.h>
#include <linux/device.h>
#include <linux/idr.h>
#include <linux/ioport.h>
#include <linux/irq.h>
#include <linux/log2.h>
#include <linux/logic_iomem.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/unaligned.h>
#include <linux/vmalloc.h>

#define FAKE_MSIX_CAP		0x40
#define FAKE_MSI_CAP		0x60
#define FAKE_MSIX_BAR		2
#define FAKE_ADDRESS		0xfee00000U
#define FAKE_CPU_SHIFT		4
/* Sent along with the number of the interrupt, which is below it */
#define FAKE_DATA		0x8000U

/* Where the messages of MSI start, a multiple of their number */
#define FAKE_MSI_HWIRQ		64

/* Interrupts the parent domain can ever have */
#define FAKE_DOMAIN_SIZE	32768

/* Physical space for the BARs on UML; nothing is there otherwise */
#define FAKE_IOMEM_START	0x70000000UL
#define FAKE_IOMEM_SIZE		0x00400000UL
#define FAKE_MSIX_START		(FAKE_IOMEM_START + FAKE_IOMEM_SIZE / 2)

/* The fake which the accessors work on. KUnit runs one test at a time. */
static struct ims_fake *fake_current;

static void fake_log(struct ims_fake *fake, bool write, unsigned int offset,
		     unsigned int size, u64 value)
{
	if (fake->nr_log < IMS_FAKE_LOG) {
		struct ims_fake_access *access = &fake->log[fake->nr_log];

		access->write = write;
		access->offset = offset;
		access->size = size;
		access->value = value;
	}
	fake->nr_log++;
	if (write)
		fake->writes++;
	else
		fake->reads++;
}

/* What is behind an offset in BAR 0: of the window, the slot which was selected */
static unsigned int fake_behind(struct ims_fake *fake, unsigned int offset)
{
	const struct ims_fake_window *window = fake->params.windows;
	const u8 *select;
	unsigned int index;

	while (offset < window->offset || offset >= window->offset + window->size) {
		if (!window->size || ++window == fake->params.windows + IMS_FAKE_WINDOWS)
			return offset;
	}

	select = fake->mem + window->select;
	index = window->big_endian ? get_unaligned_be32(select) : get_unaligned_le32(select);
	if (index >= window->nr) {
		WARN(1, "ims_fake: slot %u is selected, there are %u\n", index, window->nr);
		return fake->params.bar_size;
	}
	return window->slots + index * window->size + offset - window->offset;
}

static u64 fake_load(struct ims_fake *fake, unsigned int offset, unsigned int size)
{
	u64 value = 0;

	offset = fake_behind(fake, offset);
	if (offset + size > fake->params.bar_size) {
		WARN(1, "ims_fake: read of %u bytes at %#x is outside of the BAR\n", size, offset);
		return ~0ULL;
	}

	if (fake->params.gone) {
		value = ~0ULL >> (64 - size * 8);
	} else {
		/* The registers are little endian, like PCI itself */
		memcpy(&value, fake->mem + offset, size);
		value = le64_to_cpu((__force __le64)value);
	}
	fake_log(fake, false, offset, size, value);
	return value;
}

static void fake_store(struct ims_fake *fake, unsigned int offset, unsigned int size, u64 value)
{
	__le64 le = cpu_to_le64(value);

	offset = fake_behind(fake, offset);
	if (offset + size > fake->params.bar_size) {
		WARN(1, "ims_fake: write of %u bytes at %#x is outside of the BAR\n", size, offset);
		return;
	}

	if (!fake->params.gone)
		memcpy(fake->mem + offset, &le, size);
	fake_log(fake, true, offset, size, size < 8 ? value & (BIT_ULL(size * 8) - 1) : value);
}

/**
 * ims_fake_read - Read from BAR 0 of the fake device and log that
 * @addr:	Address in ims_fake::bar
 * @size:	1, 2, 4 or 8 bytes
 *
 * Context: Any, one caller at a time.
 *
 * Return: The value, in CPU byte order
 */
u64 ims_fake_read(const void __iomem *addr, unsigned int size)
{
	return fake_load(fake_current, addr - (const void __iomem *)fake_current->bar,
			 size);
}
EXPORT_SYMBOL_GPL(ims_fake_read);

/**
 * ims_fake_write - Write to BAR 0 of the fake device and log that
 * @value:	The value, in CPU byte order
 * @addr:	Address in ims_fake::bar
 * @size:	1, 2, 4 or 8 bytes
 *
 * Context: Any, one caller at a time.
 */
void ims_fake_write(u64 value, void __iomem *addr, unsigned int size)
{
	fake_store(fake_current, addr - (void __iomem *)fake_current->bar, size, value);
}
EXPORT_SYMBOL_GPL(ims_fake_write);

/**
 * ims_fake_log_start - Forget the accesses so far
 * @fake:	The fake device
 */
void ims_fake_log_start(struct ims_fake *fake)
{
	fake->nr_log = 0;
	fake->reads = 0;
	fake->writes = 0;
}
EXPORT_SYMBOL_GPL(ims_fake_log_start);

/**
 * ims_fake_counts_chip - Whether accesses of the interrupt chip are counted too
 *
 * Return: True on UML, where every access to I/O memory can be intercepted
 */
bool ims_fake_counts_chip(void)
{
	return IS_ENABLED(CONFIG_INDIRECT_IOMEM);
}
EXPORT_SYMBOL_GPL(ims_fake_counts_chip);

#ifdef CONFIG_INDIRECT_IOMEM
static unsigned long fake_bar_read(void *priv, unsigned int offset, int size)
{
	return fake_load(fake_current, offset, size);
}

static void fake_bar_write(void *priv, unsigned int offset, int size, unsigned long value)
{
	fake_store(fake_current, offset, size, value);
}

static const struct logic_iomem_ops fake_bar_ops = {
	.read	= fake_bar_read,
	.write	= fake_bar_write,
};

/* The MSI-X table belongs to the PCI core: it need not hold anything */
static unsigned long fake_msix_read(void *priv, unsigned int offset, int size)
{
	return 0;
}

static void fake_msix_write(void *priv, unsigned int offset, int size, unsigned long value)
{
}

static const struct logic_iomem_ops fake_msix_ops = {
	.read	= fake_msix_read,
	.write	= fake_msix_write,
};

static long fake_iomem_map(unsigned long offset, size_t size, const struct logic_iomem_ops **ops,
			   void **priv)
{
	*ops = offset < FAKE_IOMEM_SIZE / 2 ? &fake_bar_ops : &fake_msix_ops;
	return 0;
}

static const struct logic_iomem_region_ops fake_iomem_ops = {
	.map	= fake_iomem_map,
};

static struct resource fake_iomem = {
	.name	= "ims-fake",
	.start	= FAKE_IOMEM_START,
	.end	= FAKE_IOMEM_START + FAKE_IOMEM_SIZE - 1,
	.flags	= IORESOURCE_MEM,
};

static void __iomem *fake_map_bar(struct ims_fake *fake)
{
	/* Regions can't be taken away again */
	static bool registered;

	if (!registered && logic_iomem_add_region(&fake_iomem, &fake_iomem_ops))
		return NULL;
	registered = true;

	return ioremap(FAKE_IOMEM_START, fake->params.bar_size);
}

static void fake_unmap_bar(struct ims_fake *fake)
{
	iounmap(fake->bar);
}
#else
static void __iomem *fake_map_bar(struct ims_fake *fake)
{
	return (void __iomem *)fake->mem;
}

static void fake_unmap_bar(struct ims_fake *fake)
{
}
#endif

/* --- The parent domain ------------------------------------------------------ */

static unsigned int fake_cpu(struct irq_data *data)
{
	unsigned int cpu = cpumask_first(irq_data_get_effective_affinity_mask(data));

	return cpu < nr_cpu_ids ? cpu : 0;
}

/* What is in the data of a message beside the number of the interrupt */
static u32 fake_data(struct ims_fake *fake)
{
	return fake->params.index_data ? 0 : FAKE_DATA;
}

static void fake_compose_msg(struct irq_data *data, struct msi_msg *msg)
{
	struct ims_fake *fake = irq_data_get_irq_chip_data(data);

	msg->address_lo = FAKE_ADDRESS;
	if (fake->params.rewrites)
		msg->address_lo |= fake_cpu(data) << FAKE_CPU_SHIFT;
	msg->address_hi = fake->params.address_hi;
	msg->data = fake_data(fake) | data->hwirq;
}

static bool fake_cpu_has_room(struct ims_fake *fake, unsigned int cpu)
{
	return !fake->params.vectors_per_cpu || fake->on_cpu[cpu] < fake->params.vectors_per_cpu;
}

/* The CPU of @mask which an interrupt can be on, the one where it is if @data says so */
static unsigned int fake_find_cpu(struct ims_fake *fake, const struct cpumask *mask,
				  struct irq_data *data)
{
	unsigned int cpu;

	for_each_cpu_and(cpu, mask, cpu_online_mask) {
		if (fake_cpu_has_room(fake, cpu) || (data && cpu == fake_cpu(data)))
			return cpu;
	}
	return nr_cpu_ids;
}

/* The CPU which has most room, the first of several: as x86 does it */
static unsigned int fake_find_emptiest_cpu(struct ims_fake *fake)
{
	unsigned int cpu, best = nr_cpu_ids;

	for_each_online_cpu(cpu) {
		if (fake_cpu_has_room(fake, cpu) &&
		    (best >= nr_cpu_ids || fake->on_cpu[cpu] < fake->on_cpu[best]))
			best = cpu;
	}
	return best;
}

static int fake_set_affinity(struct irq_data *data, const struct cpumask *mask, bool force)
{
	struct ims_fake *fake = irq_data_get_irq_chip_data(data);
	bool active = irqd_is_activated(data);
	unsigned int cpu;

	if (!cpumask_intersects(mask, cpu_online_mask))
		return -EINVAL;
	cpu = fake_find_cpu(fake, mask, active ? data : NULL);
	if (cpu >= nr_cpu_ids)
		return -ENOSPC;

	if (active) {
		fake->on_cpu[fake_cpu(data)]--;
		fake->on_cpu[cpu]++;
	}
	irq_data_update_effective_affinity(data, cpumask_of(cpu));
	return fake->params.rewrites ? IRQ_SET_MASK_OK : IRQ_SET_MASK_OK_DONE;
}

#if defined(CONFIG_GENERIC_PENDING_IRQ) && !defined(MODULE)
#define FAKE_MOVES_LATER	true

static void fake_ack(struct irq_data *data)
{
	/* The message has arrived, so now is when a move that waits can be made */
	irq_move_irq(data);
}
#else
#define FAKE_MOVES_LATER	false

static void fake_ack(struct irq_data *data)
{
}
#endif

/**
 * ims_fake_moves_later - Whether a change of affinity can wait for the next message
 *
 * Context: Any.
 *
 * Return: True when ims_fake_params::moves_later has an effect: the kernel can
 *	   do that, and the fake is not a module
 */
bool ims_fake_moves_later(void)
{
	return FAKE_MOVES_LATER;
}
EXPORT_SYMBOL_GPL(ims_fake_moves_later);

/* What the parent masks is known of the first interrupts only */
static void fake_mask(struct irq_data *data)
{
	struct ims_fake *fake = irq_data_get_irq_chip_data(data);

	if (data->hwirq < IMS_FAKE_RESEND)
		set_bit(data->hwirq, fake->masked);
}

static void fake_unmask(struct irq_data *data)
{
	struct ims_fake *fake = irq_data_get_irq_chip_data(data);

	if (data->hwirq < IMS_FAKE_RESEND)
		clear_bit(data->hwirq, fake->masked);
}

static bool fake_is_masked(struct ims_fake *fake, unsigned int hwirq)
{
	return fake->params.masks_parent && hwirq < IMS_FAKE_RESEND &&
	       test_bit(hwirq, fake->masked);
}

static int fake_retrigger(struct irq_data *data)
{
	struct ims_fake *fake = irq_data_get_irq_chip_data(data);

	if (data->hwirq >= IMS_FAKE_RESEND)
		return 0;
	set_bit(data->hwirq, fake->resend);
	return 1;
}

static int fake_get_state(struct irq_data *data, enum irqchip_irq_state which, bool *state)
{
	struct ims_fake *fake = irq_data_get_irq_chip_data(data);

	if (which != IRQCHIP_STATE_PENDING || data->hwirq >= IMS_FAKE_RESEND)
		return -EINVAL;
	*state = test_bit(data->hwirq, fake->resend);
	return 0;
}

static struct irq_chip fake_chip = {
	.name			= "ims-fake",
	.irq_ack		= fake_ack,
	.irq_mask		= fake_mask,
	.irq_unmask		= fake_unmask,
	.irq_retrigger		= fake_retrigger,
	.irq_get_irqchip_state	= fake_get_state,
	.irq_compose_msi_msg	= fake_compose_msg,
	.irq_set_affinity	= fake_set_affinity,
};

static int fake_domain_alloc(struct irq_domain *domain, unsigned int virq, unsigned int nr_irqs,
			     void *arg)
{
	struct ims_fake *fake = domain->host_data;
	/* The messages of MSI differ in the low bits of the data only */
	unsigned int i, first = nr_irqs > 1 ? FAKE_MSI_HWIRQ : 0;
	int hwirq;

	for (i = 0; i < nr_irqs; i++) {
		hwirq = ida_alloc_range(&fake->hwirqs, first + i,
					nr_irqs > 1 ? first + i : FAKE_DOMAIN_SIZE - 1, GFP_KERNEL);
		if (hwirq < 0)
			goto free;
		irq_domain_set_hwirq_and_chip(domain, virq + i, hwirq, &fake_chip, fake);
		if (hwirq < IMS_FAKE_RESEND)
			set_bit(hwirq, fake->masked);
		if (!fake->params.moves_later || !FAKE_MOVES_LATER)
			irq_set_status_flags(virq + i, IRQ_MOVE_PCNTXT);
	}
	fake->allocated += nr_irqs;
	return 0;

free:
	while (i--)
		ida_free(&fake->hwirqs, first + i);
	return hwirq;
}

static void fake_domain_free(struct irq_domain *domain, unsigned int virq, unsigned int nr_irqs)
{
	struct ims_fake *fake = domain->host_data;
	unsigned int i, hwirq;

	for (i = 0; i < nr_irqs; i++) {
		hwirq = irq_domain_get_irq_data(domain, virq + i)->hwirq;
		if (hwirq < IMS_FAKE_RESEND)
			clear_bit(hwirq, fake->resend);
		ida_free(&fake->hwirqs, hwirq);
	}
	fake->allocated -= nr_irqs;
	irq_domain_free_irqs_common(domain, virq, nr_irqs);
}

static int fake_domain_activate(struct irq_domain *domain, struct irq_data *data, bool reserve)
{
	const struct cpumask *mask = irq_data_get_affinity_mask(data);
	struct ims_fake *fake = domain->host_data;
	unsigned int cpu;

	if (reserve)
		return 0;
	if (fake->active >= fake->params.vectors)
		return -ENOSPC;

	/* Any other CPU will do when all of those which are wanted are full */
	cpu = fake_find_cpu(fake, mask, NULL);
	if (cpu >= nr_cpu_ids)
		cpu = fake_find_emptiest_cpu(fake);
	if (cpu >= nr_cpu_ids)
		return -ENOSPC;

	irq_data_update_effective_affinity(data, cpumask_of(cpu));
	fake->on_cpu[fake_cpu(data)]++;
	fake->active++;
	return 0;
}

static void fake_domain_deactivate(struct irq_domain *domain, struct irq_data *data)
{
	struct ims_fake *fake = domain->host_data;

	fake->on_cpu[fake_cpu(data)]--;
	fake->active--;
}

static const struct irq_domain_ops fake_domain_ops = {
	.alloc		= fake_domain_alloc,
	.free		= fake_domain_free,
	.activate	= fake_domain_activate,
	.deactivate	= fake_domain_deactivate,
};

static bool fake_init_dev_msi_info(struct device *dev, struct irq_domain *domain,
				   struct irq_domain *real_parent, struct msi_domain_info *info)
{
	struct ims_fake *fake = real_parent->host_data;

	/* As real parents do: nobody else could tell the device of a message */
	if (WARN_ON_ONCE(!info->chip->irq_write_msi_msg))
		return false;

	info->flags &= real_parent->msi_parent_ops->supported_flags;
	/*
	 * Vectors are to be taken when the interrupt is requested, not before. The
	 * one message of MSI has to be there from the start, so reserve them.
	 */
	if (info->bus_token == DOMAIN_BUS_PCI_DEVICE_MSI)
		info->flags |= MSI_FLAG_MUST_REACTIVATE;
	else
		info->flags &= ~MSI_FLAG_ACTIVATE_EARLY;
	info->flags |= MSI_FLAG_USE_DEF_DOM_OPS | MSI_FLAG_USE_DEF_CHIP_OPS;
	if (fake->params.masks_parent)
		info->flags |= MSI_FLAG_PCI_MSI_MASK_PARENT;
	info->chip->irq_ack = irq_chip_ack_parent;
	info->chip->irq_retrigger = irq_chip_retrigger_hierarchy;
	info->handler = handle_edge_irq;
	info->handler_name = "edge";
	return true;
}

static int fake_create_parent(struct ims_fake *fake)
{
	fake->fwnode = irq_domain_alloc_named_fwnode("ims-fake");
	if (!fake->fwnode)
		return -ENOMEM;

	fake->parent = irq_domain_create_tree(fake->fwnode, &fake_domain_ops, fake);
	if (!fake->parent)
		return -ENOMEM;

	fake->ops.supported_flags = MSI_GENERIC_FLAGS_MASK | MSI_FLAG_PCI_MSIX |
				    MSI_FLAG_MULTI_PCI_MSI | fake->params.supports;
	if (!fake->params.static_msix)
		fake->ops.supported_flags |= MSI_FLAG_PCI_MSIX_ALLOC_DYN;
	fake->ops.supported_flags &= ~fake->params.withhold;
	fake->ops.prefix = "FAKE-";
	fake->ops.init_dev_msi_info = fake_init_dev_msi_info;
	fake->parent->msi_parent_ops = &fake->ops;
	fake->parent->flags |= IRQ_DOMAIN_FLAG_MSI_PARENT;
	if (!fake->params.not_isolated)
		fake->parent->flags |= IRQ_DOMAIN_FLAG_ISOLATED_MSI;
	return 0;
}

/* --- The device ------------------------------------------------------------- */

static int fake_config_read(struct pci_bus *bus, unsigned int devfn, int where, int size, u32 *val)
{
	struct ims_fake *fake = container_of(bus, struct ims_fake, bus);
	__le32 le = 0;

	if (where + size > PCI_CFG_SPACE_SIZE)
		return PCIBIOS_BAD_REGISTER_NUMBER;

	if (fake->params.gone) {
		*val = ~0U >> (32 - size * 8);
		return PCIBIOS_SUCCESSFUL;
	}
	memcpy(&le, fake->config + where, size);
	*val = le32_to_cpu(le);
	return PCIBIOS_SUCCESSFUL;
}

static int fake_config_write(struct pci_bus *bus, unsigned int devfn, int where, int size, u32 val)
{
	struct ims_fake *fake = container_of(bus, struct ims_fake, bus);
	__le32 le = cpu_to_le32(val);

	if (where + size > PCI_CFG_SPACE_SIZE)
		return PCIBIOS_BAD_REGISTER_NUMBER;

	if (!fake->params.gone)
		memcpy(fake->config + where, &le, size);
	return PCIBIOS_SUCCESSFUL;
}

static struct pci_ops fake_config_ops = {
	.read	= fake_config_read,
	.write	= fake_config_write,
};

/*
 * A place where nothing is. On a PCI bus that reads as ones on any machine; elsewhere
 * some of them don't like to be asked.
 */
static int fake_find_hole(struct resource *hole, resource_size_t size)
{
	struct pci_bus *bus = pci_find_next_bus(NULL);
	struct resource *window;

	hole->name = "ims-fake MSI-X";
	hole->flags = IORESOURCE_MEM;
	if (bus) {
		pci_bus_for_each_resource(bus, window) {
			if (window && resource_type(window) == IORESOURCE_MEM &&
			    !allocate_resource(window, hole, size, SZ_1M, ~0UL, size, NULL, NULL))
				return 0;
		}
	}
	return allocate_resource(&iomem_resource, hole, size, SZ_1M, ~0UL, size, NULL, NULL);
}

/* Give the device an MSI-X table somewhere in the address space where nothing is */
static int fake_add_msix(struct ims_fake *fake)
{
	struct resource *res = &fake->pdev->resource[FAKE_MSIX_BAR];
	resource_size_t size = PAGE_ALIGN(max(fake->params.msix * PCI_MSIX_ENTRY_SIZE,
					      fake->params.bar_size));
	int ret;

	if (IS_ENABLED(CONFIG_INDIRECT_IOMEM)) {
		res->start = FAKE_MSIX_START;
		res->end = FAKE_MSIX_START + size - 1;
	} else {
		ret = fake_find_hole(&fake->hole, size);
		if (ret)
			return ret;
		res->start = fake->hole.start;
		res->end = fake->hole.end;
	}
	res->flags = IORESOURCE_MEM;

	fake->pdev->msix_cap = FAKE_MSIX_CAP;
	fake->config[FAKE_MSIX_CAP + PCI_MSIX_FLAGS] = (fake->params.msix - 1) & 0xff;
	fake->config[FAKE_MSIX_CAP + PCI_MSIX_FLAGS + 1] = (fake->params.msix - 1) >> 8;
	fake->config[FAKE_MSIX_CAP + PCI_MSIX_TABLE] = FAKE_MSIX_BAR;
	return 0;
}

/* All messages of it can be masked, in the register behind address and data */
static void fake_add_msi(struct ims_fake *fake)
{
	u16 flags = PCI_MSI_FLAGS_64BIT | PCI_MSI_FLAGS_MASKBIT;

	flags |= FIELD_PREP(PCI_MSI_FLAGS_QMASK, ilog2(fake->params.msi));
	fake->pdev->msi_cap = FAKE_MSI_CAP;
	fake->config[FAKE_MSI_CAP + PCI_MSI_FLAGS] = flags & 0xff;
	fake->config[FAKE_MSI_CAP + PCI_MSI_FLAGS + 1] = flags >> 8;
}

static void fake_release(struct device *dev)
{
	kfree(to_pci_dev(dev));
}

/* All BARs have a size, for those who look whether something is inside of them */
static void fake_size_bars(struct ims_fake *fake)
{
	struct resource *bar = fake->pdev->resource;
	unsigned int i;

	for (i = 0; i < PCI_STD_NUM_BARS; i++, bar++) {
		if (!bar->flags)
			bar->end = bar->start + fake->params.bar_size - 1;
	}
}

/*
 * On UML a driver can enable the device and map BAR 0 as it does with any other.
 * Elsewhere no address is free for a BAR with nothing behind it but memory.
 */
static int fake_claim_bars(struct ims_fake *fake)
{
#ifdef CONFIG_INDIRECT_IOMEM
	struct resource *bar = &fake->pdev->resource[0];
	int ret;

	bar->name = "ims-fake BAR 0";
	bar->start = FAKE_IOMEM_START;
	bar->end = FAKE_IOMEM_START + fake->params.bar_size - 1;
	bar->flags = IORESOURCE_MEM;
	ret = request_resource(&fake_iomem, bar);
	if (ret || !fake->params.msix)
		return ret;

	return request_resource(&fake_iomem, &fake->pdev->resource[FAKE_MSIX_BAR]);
#else
	return 0;
#endif
}

static void fake_release_bars(struct ims_fake *fake)
{
	unsigned int i;

	for (i = 0; i < PCI_STD_NUM_BARS; i++) {
		if (fake->pdev->resource[i].parent)
			release_resource(&fake->pdev->resource[i]);
	}
}

static int fake_create_device(struct ims_fake *fake)
{
	struct pci_dev *pdev;
	int ret;

	pdev = kzalloc(sizeof(*pdev), GFP_KERNEL);
	if (!pdev)
		return -ENOMEM;

	/* Some kernels look there for what the firmware says of DMA */
	fake->bridge = pci_alloc_host_bridge(0);
	if (!fake->bridge) {
		kfree(pdev);
		return -ENOMEM;
	}
	fake->bus.bridge = &fake->bridge->dev;
	fake->bus.ops = &fake_config_ops;
	fake->bus.sysdata = fake->sysdata;

	raw_spin_lock_init(&pdev->msi_lock);
	INIT_LIST_HEAD(&pdev->bus_list);
	pdev->bus = &fake->bus;
	pdev->vendor = 0x1af4;
	pdev->device = 0xffff;
	pdev->current_state = PCI_D0;
	put_unaligned_le16(pdev->vendor, fake->config + PCI_VENDOR_ID);
	put_unaligned_le16(pdev->device, fake->config + PCI_DEVICE_ID);
	device_initialize(&pdev->dev);
	pdev->dev.bus = &pci_bus_type;
	pdev->dev.release = fake_release;
	dev_set_name(&pdev->dev, "ims-fake");
	dev_set_msi_domain(&pdev->dev, fake->parent);

	ret = device_add(&pdev->dev);
	if (ret) {
		put_device(&pdev->dev);
		return ret;
	}
	fake->pdev = pdev;

	if (fake->params.msix) {
		ret = fake_add_msix(fake);
		if (ret)
			return ret;
	}
	if (fake->params.msi)
		fake_add_msi(fake);

	fake_size_bars(fake);
	ret = fake_claim_bars(fake);
	if (ret)
		return ret;

	fake->group = devres_open_group(&pdev->dev, NULL, GFP_KERNEL);
	return fake->group ? 0 : -ENOMEM;
}

/**
 * ims_fake_detach - Release what the driver has, as if it had been unbound
 * @fake:	The fake device
 */
void ims_fake_detach(struct ims_fake *fake)
{
	if (!fake->group)
		return;

	devres_release_group(&fake->pdev->dev, fake->group);
	fake->group = NULL;
}
EXPORT_SYMBOL_GPL(ims_fake_detach);

static void fake_destroy(void *data)
{
	struct ims_fake *fake = data;

	if (fake->pdev) {
		ims_fake_detach(fake);
		fake_release_bars(fake);
		device_del(&fake->pdev->dev);
		put_device(&fake->pdev->dev);
	}
	if (fake->bridge)
		pci_free_host_bridge(fake->bridge);
	if (fake->hole.parent)
		release_resource(&fake->hole);
	if (fake->parent)
		irq_domain_remove(fake->parent);
	irq_domain_free_fwnode(fake->fwnode);
	if (fake->bar)
		fake_unmap_bar(fake);
	vfree(fake->mem);
	ida_destroy(&fake->hwirqs);
	if (fake_current == fake)
		fake_current = NULL;
	kfree(fake);
}

/**
 * ims_fake_create - Make a fake device below a parent domain of its own
 * @test:	The running test; everything is gone when it ends at the latest
 * @params:	What the machine and the device look like
 *
 * Aborts the test when that fails.
 *
 * Context: Task context, may sleep.
 *
 * Return: The fake
 */
struct ims_fake *ims_fake_create(struct kunit *test, const struct ims_fake_params *params)
{
	struct ims_fake *fake;

	if (params->windows[0].size && !ims_fake_counts_chip())
		kunit_skip(test, "only UML shows the fake which slot is selected");

	fake = kzalloc(sizeof(*fake), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, fake);
	fake->params = *params;
	ida_init(&fake->hwirqs);
	fake_current = fake;
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, fake_destroy, fake), 0);

	fake->mem = vzalloc(params->bar_size);
	KUNIT_ASSERT_NOT_NULL(test, fake->mem);
	/* What a device holds after power on is anybody's guess */
	memset(fake->mem, 0x5a, params->bar_size);

	fake->bar = fake_map_bar(fake);
	KUNIT_ASSERT_TRUE(test, !!fake->bar);
	KUNIT_ASSERT_EQ(test, fake_create_parent(fake), 0);
	KUNIT_ASSERT_EQ(test, fake_create_device(fake), 0);
	return fake;
}
EXPORT_SYMBOL_GPL(ims_fake_create);

/**
 * ims_fake_destroy - Have the device and its parent domain gone before the test ends
 * @test:	The running test
 * @fake:	The fake device
 *
 * There can be one fake at a time, so that a test which wants several needs this.
 *
 * Context: Task context, may sleep.
 */
void ims_fake_destroy(struct kunit *test, struct ims_fake *fake)
{
	kunit_release_action(test, fake_destroy, fake);
}
EXPORT_SYMBOL_GPL(ims_fake_destroy);

/**
 * ims_fake_send - Send a message as the device would
 * @fake:	The fake device
 * @address:	What the device found in its store
 * @data:	What the device found in its store
 *
 * Context: Task context.
 *
 * Return: 0 when an interrupt was raised, -EBUSY when the parent masks it: then
 *	   it arrives with ims_fake_resend() once that is over. -ENOENT when the
 *	   parent domain did not compose such a message
 */
int ims_fake_send(struct ims_fake *fake, u64 address, u32 data)
{
	struct irq_data *irqd;
	struct msi_msg msg;
	unsigned long flags;
	unsigned int irq;

	if ((data & FAKE_DATA) != fake_data(fake))
		return -ENOENT;

	irq = irq_find_mapping(fake->parent, data & ~FAKE_DATA);
	if (!irq)
		return -ENOENT;

	irqd = irq_domain_get_irq_data(fake->parent, irq);
	fake_compose_msg(irqd, &msg);
	if (address != ((u64)msg.address_hi << 32 | msg.address_lo) || data != msg.data)
		return -ENOENT;

	if (fake_is_masked(fake, irqd->hwirq)) {
		set_bit(irqd->hwirq, fake->resend);
		return -EBUSY;
	}

	local_irq_save(flags);
	generic_handle_irq(irq);
	local_irq_restore(flags);
	return 0;
}
EXPORT_SYMBOL_GPL(ims_fake_send);

/**
 * ims_fake_resend - Raise what the interrupt core wants to have raised again
 * @fake:	The fake device
 *
 * That is what arrived while the interrupt was disabled, or masked by the parent.
 * Real machines need nobody to call this.
 *
 * Context: Task context.
 *
 * Return: How many interrupts were raised
 */
unsigned int ims_fake_resend(struct ims_fake *fake)
{
	unsigned int hwirq, irq, nr = 0;
	unsigned long flags;

	for_each_set_bit(hwirq, fake->resend, IMS_FAKE_RESEND) {
		if (fake_is_masked(fake, hwirq))
			continue;
		clear_bit(hwirq, fake->resend);
		irq = irq_find_mapping(fake->parent, hwirq);
		if (!irq)
			continue;
		local_irq_save(flags);
		generic_handle_irq(irq);
		local_irq_restore(flags);
		nr++;
	}
	return nr;
}
EXPORT_SYMBOL_GPL(ims_fake_resend);

MODULE_DESCRIPTION("Fake PCI device and MSI parent domain for KUnit");
MODULE_LICENSE("GPL");
