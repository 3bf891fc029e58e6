// SPDX-License-Identifier: GPL-2.0
/*
 * MSI-X tables and MSI messages as the stores of vector pools
 */
#include <linux/cpumask.h>
#include <linux/export.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irq_vecpool.h>
#include <linux/minmax.h>
#include <linux/pci.h>
#include <linux/string.h>

#include "internals.h"

static struct msi_map pci_irq_table_alloc(void *store, unsigned int index,
					  union msi_instance_cookie cookie,
					  const struct irq_affinity_desc *affdesc)
{
	struct pci_irq_table *table = store;
	struct msi_map map = { .index = index };

	if (index >= table->nr_static)
		return pci_msix_alloc_irq_at(table->pdev, index, affdesc);

	map.virq = pci_irq_vector(table->pdev, index);
#ifdef CONFIG_SMP
	/* What its last owner wanted is over. Where it can't be it stays */
	irq_set_affinity(map.virq, affdesc ? &affdesc->mask : irq_default_affinity);
#endif
	return map;
}

static void pci_irq_table_free(void *store, struct msi_map map)
{
	struct pci_irq_table *table = store;

	if (map.index >= table->nr_static)
		pci_msix_free_irq(table->pdev, map);
}

static const struct irq_vec_source_ops pci_irq_table_ops = {
	.alloc	= pci_irq_table_alloc,
	.free	= pci_irq_table_free,
};

/**
 * pci_irq_table_source - A function's MSI-X or MSI as a pool sees it
 * @table:	Set up
 *
 * Context: Any.
 *
 * Return: What irq_vecpool_init() takes
 */
struct irq_vec_source pci_irq_table_source(struct pci_irq_table *table)
{
	struct irq_vec_source source = {
		.ops	= &pci_irq_table_ops,
		.store	= table,
		.name	= table->pdev->msix_enabled ? "msix" : "msi",
		.size	= table->size,
	};

	return source;
}
EXPORT_SYMBOL_NS_GPL(pci_irq_table_source, IRQ_VECPOOL);

/**
 * pci_irq_table_init - Set up the MSI-X entries or MSI messages of a function
 * @table:	What is set up; zeroed, or after pci_irq_table_exit()
 * @pdev:	The function
 * @type:	PCI_IRQ_MSIX or PCI_IRQ_MSI
 * @special:	Vectors with a fixed purpose, at index 0 and behind; at least 1
 * @usable:	Vectors that there is a use for
 * @more:	There is a use for any number of vectors behind them
 *
 * The vectors with a fixed purpose are allocated, for pci_irq_vector(). Where
 * none can be allocated later all that can be used are allocated now. Of a MSI-X
 * table, which can be large, @more are not more than there are CPUs.
 *
 * Context: Task context, may sleep.
 *
 * Return: 0 on success, -EBUSY when it is set up already, -EINVAL when the
 *	   function has no such capability, -ENOSPC, -ENOMEM
 */
int pci_irq_table_init(struct pci_irq_table *table, struct pci_dev *pdev, unsigned int type,
		       unsigned int special, unsigned int usable, bool more)
{
	bool msix = type == PCI_IRQ_MSIX, dynamic = msix && pci_msix_can_alloc_dyn(pdev);
	int size = msix ? pci_msix_vec_count(pdev) : pci_msi_vec_count(pdev), ret;
	unsigned int wanted = special;

	if (table->pdev)
		return -EBUSY;
	if (size < 0)
		return size;

	if (!dynamic) {
		wanted = max(usable, special);
		/* A table can have 2,048 entries, and each takes an id of the parent */
		if (more)
			wanted = msix ? wanted + num_possible_cpus() : size;
		wanted = clamp_t(unsigned int, size, special, wanted);
	}

	ret = pci_alloc_irq_vectors(pdev, special, wanted, type);
	if (ret < 0)
		return ret;

	table->pdev = pdev;
	table->nr_static = ret;
	table->size = dynamic ? size : ret;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(pci_irq_table_init, IRQ_VECPOOL);

/**
 * pci_irq_table_exit - Release the MSI-X entries or MSI messages of a function
 * @table:	What was set up; if it is not it is left alone
 *
 * No interrupt may have a handler any more, no vector be with a pool.
 *
 * Context: Task context, may sleep.
 */
void pci_irq_table_exit(struct pci_irq_table *table)
{
	if (!table->pdev)
		return;

	pci_free_irq_vectors(table->pdev);
	memset(table, 0, sizeof(*table));
}
EXPORT_SYMBOL_NS_GPL(pci_irq_table_exit, IRQ_VECPOOL);

/**
 * pci_irq_table_shutdown - Mask the vectors which were allocated at once
 * @table:	What was set up; if it is not it is left alone
 *
 * Call it after irq_vecpool_shutdown() where they report that device commands
 * are completed.
 *
 * Context: Task context, may sleep.
 */
void pci_irq_table_shutdown(struct pci_irq_table *table)
{
	unsigned int i;

	for (i = 0; i < table->nr_static; i++)
		quiesce_irq(pci_irq_vector(table->pdev, i));
}
EXPORT_SYMBOL_NS_GPL(pci_irq_table_shutdown, IRQ_VECPOOL);
