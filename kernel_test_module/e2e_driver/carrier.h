/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The device side of the end-to-end tests: message stores, and what sends the
 * messages in them. The driver side never looks into a store.
 */
#ifndef _IMSGEN_E2E_CARRIER_H
#define _IMSGEN_E2E_CARRIER_H

#include <linux/mutex.h>
#include <linux/types.h>

struct pci_dev;

#define E2E_SLOTS	8192

/**
 * struct e2e_message - What the device found in a slot
 * @address:	Where to write to
 * @data:	What to write
 * @control:	Control word
 */
struct e2e_message {
	u64	address;
	u32	data;
	u32	control;
};

/**
 * struct e2e_store - A table of slots
 * @name:	What it lies in
 * @base:	Where the CPU sees it
 * @bus:	Where the DMA engine of edu sees it
 */
struct e2e_store {
	const char	*name;
	void __iomem	*base;
	dma_addr_t	bus;
};

/**
 * struct e2e_function - A PCI function which can send messages
 * @pdev:	The function, NULL when the machine does not have it
 * @regs:	Its BAR 0
 * @lock:	One message at a time
 */
struct e2e_function {
	struct pci_dev	*pdev;
	void __iomem	*regs;
	struct mutex	lock; /* protects the registers which hold the message */
};

/**
 * struct e2e_carrier - Sends what is in the slots of a store
 * @name:	How it does that
 * @fn:		The function which it sends from
 * @store:	The store
 * @send:	Sends the message of a slot
 */
struct e2e_carrier {
	const char		*name;
	struct e2e_function	*fn;
	struct e2e_store	*store;
	int (*send)(struct e2e_carrier *carrier, unsigned int irq, unsigned int slot,
		    struct e2e_message *msg);
};

/**
 * struct e2e_machine - What the machine has
 * @edu:	The device under test
 * @other:	A second edu, which sends the messages of the first
 * @rocker:	A device with MSI-X
 * @ram:	A store in system memory
 * @mmio:	A store in the BAR of another function
 * @rocker_ram:	A store in system memory, for rocker
 */
struct e2e_machine {
	struct e2e_function	edu;
	struct e2e_function	other;
	struct e2e_function	rocker;
	struct e2e_store	ram;
	struct e2e_store	mmio;
	struct e2e_store	rocker_ram;
};

extern struct e2e_machine e2e;

int e2e_msi_send(struct e2e_carrier *carrier, unsigned int irq, unsigned int slot,
		 struct e2e_message *msg);
int e2e_dma_send(struct e2e_carrier *carrier, unsigned int irq, unsigned int slot,
		 struct e2e_message *msg);
int e2e_dma_load(struct e2e_carrier *carrier);
int e2e_entry_send(struct e2e_carrier *carrier, unsigned int irq, unsigned int slot,
		   struct e2e_message *msg);
void e2e_msi_enable(struct e2e_function *fn);
void e2e_msi_raise(struct e2e_function *fn);
void e2e_msi_raise_own(struct e2e_function *fn, unsigned int irq);
void e2e_table_raise(struct e2e_function *fn, unsigned int index);
void e2e_wipe(struct e2e_store *store);

#endif /* _IMSGEN_E2E_CARRIER_H */
