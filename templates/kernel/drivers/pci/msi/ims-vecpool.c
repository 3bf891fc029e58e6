// SPDX-License-Identifier: GPL-2.0
/*
 * Interrupt Message Stores as the stores of vector pools
 */
#include <linux/export.h>
#include <linux/irq_vecpool.h>
#include <linux/pci_ims.h>
#include <linux/pci_ims_vecpool.h>

static struct msi_map pci_ims_vec_alloc(void *store, unsigned int index,
					union msi_instance_cookie cookie,
					const struct irq_affinity_desc *affdesc)
{
	const struct pci_ims *ims = store;

	/* The pool has one for all its stores */
	return pci_ims_alloc(store, index, ims->info->no_cookie ? ims->info->cookie : cookie,
			     affdesc);
}

static void pci_ims_vec_free(void *store, struct msi_map map)
{
	pci_ims_free(store, map);
}

static int pci_ims_vec_error(void *store, unsigned int index)
{
	return pci_ims_error(store, index);
}

static const struct irq_vec_source_ops pci_ims_source_ops = {
	.alloc	= pci_ims_vec_alloc,
	.free	= pci_ims_vec_free,
	.error	= pci_ims_vec_error,
};

/**
 * pci_ims_source - A message store as a pool sees it
 * @ims:	Set up; without messages when it can't be used
 *
 * Context: Any.
 *
 * Return: What irq_vecpool_init() takes
 */
struct irq_vec_source pci_ims_source(struct pci_ims *ims)
{
	struct irq_vec_source source = {
		.ops	= &pci_ims_source_ops,
		.store	= ims,
		.name	= "ims",
		.size	= ims->nr,
	};

	/* Of several it has to be known which */
	if (ims->prev || (ims->last && ims->last != ims))
		source.name = ims->info->name;
	return source;
}
EXPORT_SYMBOL_NS_GPL(pci_ims_source, PCI_IMS);
