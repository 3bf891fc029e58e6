// SPDX-License-Identifier: GPL-2.0
/*
 * Messages of a device which were all allocated at once as the store of vector pools
 */
#include <linux/cpumask.h>
#include <linux/device.h>
#include <linux/export.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irq_vecpool_msi.h>
#include <linux/msi.h>

static struct msi_map irq_vec_msi_alloc(void *store, unsigned int index,
					union msi_instance_cookie cookie,
					const struct irq_affinity_desc *affdesc)
{
	struct msi_map map = { .index = index, .virq = msi_get_virq(store, index) };

#ifdef CONFIG_SMP
	/* What its last owner wanted is over. Where it can't be it stays */
	irq_set_affinity(map.virq, affdesc ? &affdesc->mask : irq_default_affinity);
#endif
	return map;
}

static void irq_vec_msi_free(void *store, struct msi_map map)
{
}

static const struct irq_vec_source_ops irq_vec_msi_ops = {
	.alloc	= irq_vec_msi_alloc,
	.free	= irq_vec_msi_free,
};

/**
 * irq_vec_msi_source - The messages of a device as a pool sees them
 * @dev:	The device, e.g. of platform_device_msi_init_and_alloc_irqs()
 * @nr:		How many messages it has. They stay allocated as long as the pool lives
 *
 * Context: Any.
 *
 * Return: What irq_vecpool_init() takes
 */
struct irq_vec_source irq_vec_msi_source(struct device *dev, unsigned int nr)
{
	struct irq_vec_source source = {
		.ops	= &irq_vec_msi_ops,
		.store	= dev,
		.name	= "msi",
		.size	= nr,
	};

	return source;
}
EXPORT_SYMBOL_NS_GPL(irq_vec_msi_source, IRQ_VECPOOL);
