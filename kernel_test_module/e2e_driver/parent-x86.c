// SPDX-License-Identifier: GPL-2.0
/*
 * What the suites have to know of the parents on x86: the vector domain, and the
 * remapping units of Intel and AMD
 */
#include <linux/bitmap.h>
#include <linux/cleanup.h>
#include <linux/cpufeature.h>
#include <linux/irq.h>
#include <linux/irqdomain.h>
#include <linux/mm.h>
#include <linux/msi.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/printk.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/string.h>

#include <asm/apic.h>
#include <asm/hw_irq.h>
#include <asm/irqdomain.h>
#include <asm/pci_x86.h>

#include "carrier.h"
#include "parent.h"

#define MESSAGE_BASE		0xfee00000ULL
#define MESSAGE_MASK		(~0xfffffULL)

const char *e2e_parent(void)
{
	struct irq_domain *domain = dev_get_msi_domain(&e2e.edu.pdev->dev);

	if (domain->bus_token == DOMAIN_BUS_DMAR)
		return "intel";
	return domain->bus_token == DOMAIN_BUS_AMDVI ? "amd" : "bare";
}

bool e2e_looks_like_guest(void)
{
	struct irq_domain *domain = dev_get_msi_domain(&e2e.edu.pdev->dev);

	return boot_cpu_has(X86_FEATURE_HYPERVISOR) && domain == x86_vector_domain;
}

bool e2e_parent_takes(u64 address)
{
	return (address & MESSAGE_MASK) == MESSAGE_BASE;
}

/*
 * Past the ports by which the PCI core reaches it: early_init_amd() uses them
 * without their lock when a CPU comes online, and then what is written here goes
 * to another device.
 */
void e2e_config_write(struct pci_dev *pdev, int where, int size, u32 value)
{
	raw_pci_ext_ops->write(pci_domain_nr(pdev->bus), pdev->bus->number, pdev->devfn, where,
			       size, value);
}

static unsigned int number_behind(const char *text, const char *label)
{
	unsigned int number = 0;
	const char *at = strstr(text, label);

	if (at && sscanf(at + strlen(label), "%u", &number) == 1)
		return number;
	return 0;
}

/* The allocator shows that in debugfs, and nowhere else */
void e2e_vector_matrix(unsigned int *available, unsigned int *allocated)
{
	char *text __free(kfree) = kzalloc(2 * PAGE_SIZE, GFP_KERNEL);
	struct seq_file seq = { .buf = text, .size = 2 * PAGE_SIZE - 1 };

	*available = 0;
	*allocated = 0;
	if (!text)
		return;

	mutex_init(&seq.lock);
	x86_vector_domain->ops->debug_show(&seq, NULL, NULL, 0);
	*available = number_behind(text, "Global available:");
	*allocated = number_behind(text, "Total allocated:");
}

static void print_bits(const char *name, u32 reg)
{
	DECLARE_BITMAP(bits, NR_VECTORS);
	u32 words[NR_VECTORS / 32];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		words[i] = apic_read(reg + i * 0x10);
	bitmap_from_arr32(bits, words, NR_VECTORS);
	pr_err("e2e:     CPU %d %s: %*pbl\n", smp_processor_id(), name, NR_VECTORS, bits);
}

static void print_cpu(void *unused)
{
	pr_err("e2e:     CPU %d: TPR %#x, PPR %#x, SPIV %#x, ESR %#x\n", smp_processor_id(),
	       apic_read(APIC_TASKPRI), apic_read(APIC_PROCPRI), apic_read(APIC_SPIV),
	       apic_read(APIC_ESR));
	print_bits("IRR", APIC_IRR);
	print_bits("ISR", APIC_ISR);
}

/* Vector, CPU, and whether it moves: the vector domain shows that in debugfs only */
static void print_vector(unsigned int irq)
{
	struct irq_data *data = irq_domain_get_irq_data(x86_vector_domain, irq);
	char *text = kzalloc(PAGE_SIZE, GFP_KERNEL);
	struct seq_file seq = { .buf = text, .size = PAGE_SIZE - 1 };
	char *rest = text, *line;

	if (!text || !data)
		goto out;

	mutex_init(&seq.lock);
	x86_vector_domain->ops->debug_show(&seq, NULL, data, 0);
	while ((line = strsep(&rest, "\n"))) {
		if (*line)
			pr_err("e2e:     %s\n", line);
	}
out:
	kfree(text);
}

void e2e_parent_explain(unsigned int irq)
{
	print_vector(irq);
	on_each_cpu(print_cpu, NULL, true);
}
