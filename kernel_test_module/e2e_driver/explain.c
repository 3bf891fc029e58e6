// SPDX-License-Identifier: GPL-2.0
/*
 * What the kernel and the CPUs know about an interrupt which did not arrive
 *
 * Called only when a test has failed already: whether the message was late, is
 * pending somewhere, or was never seen tells the device, the kernel and the
 * emulation from each other.
 */
#include <linux/bitmap.h>
#include <linux/cpumask.h>
#include <linux/irq.h>
#include <linux/irqdesc.h>
#include <linux/irqdomain.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/string.h>

#include <asm/apic.h>
#include <asm/hw_irq.h>
#include <asm/irqdomain.h>

#include "common.h"

/* Milliseconds after which a message does not come at all */
#define NEVER_MS	10000

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

/**
 * e2e_explain - Say all that is known about an interrupt which did not arrive
 * @sink:	Where it should have arrived
 * @arrived:	How many there would be then
 *
 * Context: Task context, may sleep, for some ten seconds.
 */
void e2e_explain(struct e2e_sink *sink, unsigned int arrived)
{
	struct irq_data *data = irq_get_irq_data(sink->irq);
	unsigned int cpu, handled = 0;
	ktime_t begin = ktime_get();

	if (!data)
		return;

	for_each_possible_cpu(cpu)
		handled += irq_desc_kstat_cpu(irq_data_to_desc(data), cpu);
	pr_err("e2e:   irq %u: %u handled%s%s%s, affinity %*pbl, effective %*pbl, online %*pbl\n",
	       sink->irq, handled, irqd_irq_disabled(data) ? ", disabled" : "",
	       irqd_irq_masked(data) ? ", masked" : "",
	       irqd_irq_inprogress(data) ? ", in progress" : "",
	       cpumask_pr_args(irq_data_get_affinity_mask(data)),
	       cpumask_pr_args(irq_data_get_effective_affinity_mask(data)),
	       cpumask_pr_args(cpu_online_mask));
	print_vector(sink->irq);
	on_each_cpu(print_cpu, NULL, true);

	if (e2e_wait(sink, arrived, NEVER_MS))
		pr_err("e2e: slot %u was late by another %lld ms\n", sink->slot,
		       ktime_ms_delta(ktime_get(), begin));
	else
		pr_err("e2e: slot %u did not reach a CPU\n", sink->slot);
}
