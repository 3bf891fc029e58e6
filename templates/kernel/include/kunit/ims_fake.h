/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A fake PCI device below a fake MSI parent domain, for KUnit suites.
 *
 * The parent composes messages which nobody but the fake understands. A message
 * arrives when ims_fake_send() is called with what the driver stored, so a
 * driver which stores it in the wrong place, or in halves, is found out.
 */
#ifndef _KUNIT_IMS_FAKE_H
#define _KUNIT_IMS_FAKE_H

#include <linux/bitmap.h>
#include <linux/idr.h>
#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/irqdomain.h>
#include <linux/msi.h>
#include <linux/pci.h>
#include <linux/swab.h>
#include <linux/threads.h>
#include <linux/types.h>

struct kunit;

#define IMS_FAKE_LOG	64
#define IMS_FAKE_RESEND	256
#define IMS_FAKE_WINDOWS	8

/**
 * struct ims_fake_window - Slots of the fake device which show one at a time
 * @select:	Offset in BAR 0 of the register which takes the index
 * @offset:	Offset there of the window
 * @size:	Size of the window and of a slot in bytes, 0 for a device without
 * @slots:	Offset of the slots in ims_fake::mem
 * @nr:		How many there are
 * @big_endian:	Byte order of the register
 *
 * That takes a kernel in which all accesses pass through the fake: a test is
 * skipped where ims_fake_counts_chip() says that they don't.
 */
struct ims_fake_window {
	unsigned int	select;
	unsigned int	offset;
	unsigned int	size;
	unsigned int	slots;
	unsigned int	nr;
	bool		big_endian;
};

/**
 * struct ims_fake_params - What the fake machine and device look like
 * @msix:	Entries of the MSI-X table, 0 for a device without
 * @msi:	Messages of the MSI capability, a power of two, 0 for a device without
 * @vectors:	CPU vectors of the machine; each requested interrupt takes one
 * @vectors_per_cpu: CPU vectors of each CPU, 0 for no such limit. When a CPU has
 *		none left the one of another CPU is granted
 * @bar_size:	Size of each BAR in bytes
 * @supports:	MSI_FLAG_* which the parent supports beside those of MSI and MSI-X
 * @withhold:	MSI_FLAG_* which the parent does not support
 * @static_msix: All MSI-X vectors have to be allocated at once
 * @not_isolated: The parent does not isolate the messages of devices
 * @rewrites:	A change of affinity changes the message
 * @moves_later: A change of affinity waits for the next message, see
 *		ims_fake_moves_later()
 * @masks_parent: The parent masks too, and interrupts are masked there at first
 * @index_data:	The data of messages is 0, 1, 2, ..., in the order of their allocation
 * @address_hi:	High half of all message addresses
 * @windows:	Its slots, where they show one at a time; the first ones that there are
 * @gone:	The device does not answer
 *
 * @vectors, @vectors_per_cpu and @gone can change at any time, in ims_fake::params.
 */
struct ims_fake_params {
	unsigned int	msix;
	unsigned int	msi;
	unsigned int	vectors;
	unsigned int	vectors_per_cpu;
	unsigned int	bar_size;
	u32		supports;
	u32		withhold;
	bool		static_msix;
	bool		not_isolated;
	bool		rewrites;
	bool		moves_later;
	bool		masks_parent;
	bool		index_data;
	u32		address_hi;
	struct ims_fake_window	windows[IMS_FAKE_WINDOWS];
	bool		gone;
};

/**
 * struct ims_fake_access - One access to the registers of the fake device
 * @write:	Whether it was a write
 * @size:	Its size in bytes
 * @offset:	Its offset in BAR 0 in bytes, in ims_fake::mem for a slot which showed
 * @value:	What was written or read, in CPU byte order
 */
struct ims_fake_access {
	bool		write;
	unsigned int	size;
	unsigned int	offset;
	u64		value;
};

/**
 * struct ims_fake - A fake PCI device and its MSI parent domain
 * @pdev:	The device
 * @bar:	BAR 0, mapped
 * @mem:	What is behind it, and behind all other BARs
 * @params:	What it was made from
 * @log:	The last accesses, see ims_fake_log_start()
 * @nr_log:	Accesses since then, can be more than fit into @log
 * @reads:	Reads since then
 * @writes:	Writes since then
 * @allocated:	Interrupts which are allocated in the parent domain
 * @active:	CPU vectors which are taken
 * @on_cpu:	CPU vectors which are taken, by CPU
 * @parent:	The parent domain
 * @fwnode:	Its name
 * @ops:	Its MSI parent operations
 * @hwirqs:	Interrupts of the parent domain which are in use
 * @resend:	Those which are to be raised again, see ims_fake_resend()
 * @masked:	Those which the parent masks, where it does
 * @bus:	The bus of @pdev
 * @bridge:	What @bus hangs on
 * @sysdata:	What architectures look for behind pci_bus::sysdata
 * @hole:	Where the MSI-X table pretends to be
 * @config:	Configuration space of @pdev
 * @group:	Holds everything which is released when the driver detaches
 */
struct ims_fake {
	struct pci_dev		*pdev;
	void __iomem		*bar;
	u8			*mem;
	struct ims_fake_params	params;

	struct ims_fake_access	log[IMS_FAKE_LOG];
	unsigned int		nr_log;
	unsigned int		reads;
	unsigned int		writes;

	unsigned int		allocated;
	unsigned int		active;
	unsigned int		on_cpu[NR_CPUS];

	struct irq_domain	*parent;
	struct fwnode_handle	*fwnode;
	struct msi_parent_ops	ops;
	struct ida		hwirqs;
	DECLARE_BITMAP(resend, IMS_FAKE_RESEND);
	DECLARE_BITMAP(masked, IMS_FAKE_RESEND);
	struct pci_bus		bus;
	struct pci_host_bridge	*bridge;
	u64			sysdata[16];
	struct resource		hole;
	u8			config[PCI_CFG_SPACE_SIZE];
	void			*group;
};

struct ims_fake *ims_fake_create(struct kunit *test, const struct ims_fake_params *params);
void ims_fake_detach(struct ims_fake *fake);
void ims_fake_destroy(struct kunit *test, struct ims_fake *fake);
int ims_fake_send(struct ims_fake *fake, u64 address, u32 data);
unsigned int ims_fake_resend(struct ims_fake *fake);
bool ims_fake_counts_chip(void);
bool ims_fake_moves_later(void);
void ims_fake_log_start(struct ims_fake *fake);

u64 ims_fake_read(const void __iomem *addr, unsigned int size);
void ims_fake_write(u64 value, void __iomem *addr, unsigned int size);

static inline u8 ims_fake_read8(const void __iomem *addr)
{
	return ims_fake_read(addr, 1);
}

static inline u16 ims_fake_read16(const void __iomem *addr)
{
	return ims_fake_read(addr, 2);
}

static inline u32 ims_fake_read32(const void __iomem *addr)
{
	return ims_fake_read(addr, 4);
}

static inline u64 ims_fake_read64(const void __iomem *addr)
{
	return ims_fake_read(addr, 8);
}

static inline u16 ims_fake_read16be(const void __iomem *addr)
{
	return swab16(ims_fake_read(addr, 2));
}

static inline u32 ims_fake_read32be(const void __iomem *addr)
{
	return swab32(ims_fake_read(addr, 4));
}

/*
 * A suite which defines this before it includes the accessors of a store has
 * each access logged. Accesses from elsewhere, e.g. from the interrupt chip, are
 * logged only where ims_fake_counts_chip().
 */
#ifdef IMS_FAKE_LOG_ACCESSORS
#undef readb
#undef readw
#undef readl
#undef readq
#undef writeb
#undef writew
#undef writel
#undef writeq
#undef ioread16be
#undef ioread32be
#undef iowrite16be
#undef iowrite32be
#define readb(addr)		ims_fake_read8(addr)
#define readw(addr)		ims_fake_read16(addr)
#define readl(addr)		ims_fake_read32(addr)
#define readq(addr)		ims_fake_read64(addr)
#define writeb(value, addr)	ims_fake_write(value, addr, 1)
#define writew(value, addr)	ims_fake_write(value, addr, 2)
#define writel(value, addr)	ims_fake_write(value, addr, 4)
#define writeq(value, addr)	ims_fake_write(value, addr, 8)
#define ioread16be(addr)	ims_fake_read16be(addr)
#define ioread32be(addr)	ims_fake_read32be(addr)
#define iowrite16be(value, addr)	ims_fake_write(swab16(value), addr, 2)
#define iowrite32be(value, addr)	ims_fake_write(swab32(value), addr, 4)
#endif

#endif /* _KUNIT_IMS_FAKE_H */
