// SPDX-License-Identifier: GPL-2.0
/*
 * What the kernel and the CPUs know about an interrupt which did not arrive
 *
 * Called only when a test has failed already: whether the message was late, is
 * pending somewhere, or was never seen tells the device, the kernel and the
 * emulation from each other.
 */
#include <linux/cpumask.h>
#include <linux/irq.h>
#include <linux/irqdesc.h>
#include <linux/ktime.h>
#include <linux/printk.h>

#include "common.h"
#include "parent.h"

/* Milliseconds after which a message does not come at all */
#define NEVER_MS	10000

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
	e2e_parent_explain(sink->irq);

	if (e2e_wait(sink, arrived, NEVER_MS))
		pr_err("e2e: slot %u was late by another %lld ms\n", sink->slot,
		       ktime_ms_delta(ktime_get(), begin));
	else
		pr_err("e2e: slot %u did not reach a CPU\n", sink->slot);
}
