/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Messages of a device which were all allocated at once as the store of vector pools
 */
#ifndef _LINUX_IRQ_VECPOOL_MSI_H
#define _LINUX_IRQ_VECPOOL_MSI_H

#include <linux/irq_vecpool.h>

struct irq_vec_source irq_vec_msi_source(struct device *dev, unsigned int nr);

#endif /* _LINUX_IRQ_VECPOOL_MSI_H */
