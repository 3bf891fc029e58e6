// SPDX-License-Identifier: GPL-2.0
/*
 * What the suites have to know of the parents which QEMU's virt machines have: an
 * interrupt translation service on arm64, incoming MSI controllers on RISC-V
 */
#include <linux/kconfig.h>
#include <linux/pci.h>
#include <linux/types.h>

#include "parent.h"

/* Where QEMU has them: one page, or one for each CPU */
#define MESSAGE_BASE	(IS_ENABLED(CONFIG_ARM64) ? 0x08090000ULL : 0x28000000ULL)
#define MESSAGE_MASK	(~0xffffULL)

const char *e2e_parent(void)
{
	return IS_ENABLED(CONFIG_ARM64) ? "its" : "imsic";
}

bool e2e_looks_like_guest(void)
{
	return false;
}

bool e2e_parent_takes(u64 address)
{
	return (address & MESSAGE_MASK) == MESSAGE_BASE;
}

void e2e_config_write(struct pci_dev *pdev, int where, int size, u32 value)
{
	if (size == 2)
		pci_write_config_word(pdev, where, value);
	else
		pci_write_config_dword(pdev, where, value);
}

void e2e_vector_matrix(unsigned int *available, unsigned int *allocated)
{
	*available = 0;
	*allocated = 0;
}

void e2e_parent_explain(unsigned int irq)
{
}
