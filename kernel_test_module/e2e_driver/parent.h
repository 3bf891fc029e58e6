/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between the parents of the message stores: a file for those of
 * each kind of machine
 */
#ifndef _IMSGEN_E2E_PARENT_H
#define _IMSGEN_E2E_PARENT_H

#include <linux/types.h>

struct pci_dev;

/**
 * e2e_parent - Which domain composes the messages
 *
 * Return: "bare", "intel", "amd", "its" or "imsic"
 */
const char *e2e_parent(void);

/**
 * e2e_looks_like_guest - Whether the machine has to refuse message stores
 *
 * Return: True below a parent which can't know that nobody has to translate them
 */
bool e2e_looks_like_guest(void);

/**
 * e2e_parent_takes - Whether a write is an interrupt
 * @address:	Where it goes
 *
 * Return: True for the addresses of this machine's interrupt controllers
 */
bool e2e_parent_takes(u64 address);

/**
 * e2e_config_write - Write to the configuration space of a function
 * @pdev:	The function
 * @where:	Offset
 * @size:	Bytes, 2 or 4
 * @value:	What to write
 *
 * Context: Any. Nothing else on the machine can lead it to another device.
 */
void e2e_config_write(struct pci_dev *pdev, int where, int size, u32 value);

/**
 * e2e_vector_matrix - How many CPU vectors there are
 * @available:	Where the number of free ones goes
 * @allocated:	Where the number of taken ones goes
 *
 * Both are 0 where they can't be looked at.
 *
 * Context: Task context.
 */
void e2e_vector_matrix(unsigned int *available, unsigned int *allocated);

/**
 * e2e_parent_explain - Say what the parent knows of an interrupt
 * @irq:	Linux interrupt number
 *
 * Context: Task context, may sleep.
 */
void e2e_parent_explain(unsigned int irq);

#endif /* _IMSGEN_E2E_PARENT_H */
