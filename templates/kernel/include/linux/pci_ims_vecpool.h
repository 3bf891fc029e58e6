/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _LINUX_PCI_IMS_VECPOOL_H
#define _LINUX_PCI_IMS_VECPOOL_H

#include <linux/irq_vecpool.h>
#include <linux/pci_ims.h>

struct irq_vec_source pci_ims_source(struct pci_ims *ims);

#endif /* _LINUX_PCI_IMS_VECPOOL_H */
