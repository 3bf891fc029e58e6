/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the KUnit suites of devices share: each interrupt is where its datasheet
 * has it
 *
 * A suite describes its device in tables, written from the datasheet and on
 * purpose not from the driver. What is here looks whether the driver does as they
 * say. Cases have a parameter, so that each of them is in a report by name.
 */
#ifndef _KUNIT_IRQ_LAYOUT_H
#define _KUNIT_IRQ_LAYOUT_H

#include <kunit/ims_fake.h>

#include <linux/cpumask.h>
#include <linux/interrupt.h>
#include <linux/types.h>

struct irq_layout_store;
struct kunit;

#define IRQ_LAYOUT_COOKIES	8
#define IRQ_LAYOUT_TOLD		256
#define IRQ_LAYOUT_STORES	8

/**
 * enum irq_layout_context - Where the handler of an interrupt runs
 * @IRQ_LAYOUT_HARD:	In hard interrupt context
 * @IRQ_LAYOUT_THREADED: In a thread
 * @IRQ_LAYOUT_ONESHOT:	In a thread, the interrupt masked meanwhile
 */
enum irq_layout_context {
	IRQ_LAYOUT_HARD,
	IRQ_LAYOUT_THREADED,
	IRQ_LAYOUT_ONESHOT,
};

/**
 * struct irq_layout_cookie - What a message carries along
 * @name:	Its name in the layout
 * @member:	Where it is in what the driver passes, which is a u32
 * @limit:	The highest value
 * @shift:	Its lowest bit in the control word of a slot
 * @enable:	What is set in the control word when there is one
 * @optional:	A message can do without
 */
struct irq_layout_cookie {
	const char	*name;
	size_t		member;
	u32		limit;
	unsigned int	shift;
	u64		enable;
	bool		optional;
};

/**
 * struct irq_layout_store - A message store other than MSI-X and MSI
 * @name:	Device and store, for what is said when a case fails
 * @first:	Index of its first message among those of all such stores of the device
 * @fails:	The device has to be told of its messages, and can refuse
 * @fire:	Has the device send the message at an index, as it is stored there.
 *		-EBUSY when it is masked or not there
 * @carries:	Expects that the message at an index carries a cookie along, NULL for
 *		none
 * @cookies:	What messages carry along
 * @nr_cookies:	How many of these there are
 */
struct irq_layout_store {
	const char			*name;
	unsigned int			first;
	bool				fails;
	int	(*fire)(struct kunit *test, const struct irq_layout_store *store,
			unsigned int index);
	void	(*carries)(struct kunit *test, const struct irq_layout_store *store,
			   unsigned int index, const void *cookie);
	const struct irq_layout_cookie	*cookies;
	unsigned int			nr_cookies;
};

/**
 * struct irq_layout_vector - An interrupt with a fixed purpose
 * @name:	Its name in the layout
 * @irq:	What the driver says its Linux interrupt number is
 * @index:	Its index in the store
 * @context:	Where its handler runs
 * @store:	Its store, NULL for MSI-X and MSI
 * @error:	Whether the device knows it, where it has to be told
 */
struct irq_layout_vector {
	const char			*name;
	unsigned int			(*irq)(void *irqs);
	unsigned int			index;
	enum irq_layout_context		context;
	const struct irq_layout_store	*store;
	int				(*error)(void *irqs);
};

/**
 * struct irq_layout_asked - What only the driver of a device knows
 * @bir:	Which BARs its message stores are in, by ims_layout::number
 * @offset:	Where they are there
 * @slots:	How many messages they have
 * @queues:	How many queues are wanted, where each of them has a vector
 * @no_cookie:	Nothing is said of what shared vectors carry along
 */
struct irq_layout_asked {
	unsigned int	bir[IRQ_LAYOUT_STORES];
	u32		offset[IRQ_LAYOUT_STORES];
	unsigned int	slots[IRQ_LAYOUT_STORES];
	unsigned int	queues;
	bool		no_cookie;
};

/**
 * struct irq_layout_trial - A machine or a driver which is to be tried
 * @name:	Why
 * @msix:	Entries of the MSI-X table, 0 for as many as usual
 * @msi:	Messages of MSI, 0 for as many as usual
 * @asked:	What the driver passes
 * @ret:	What has to be the result
 */
struct irq_layout_trial {
	const char		*name;
	unsigned int		msix;
	unsigned int		msi;
	struct irq_layout_asked	asked;
	int			ret;
};

/**
 * struct irq_layout_device - A device
 * @name:	Its name
 * @size:	Size of what the driver has of its interrupts
 * @machine:	What it runs on
 * @asked:	What the driver passes
 * @init:	Sets the interrupts up
 * @devm_init:	The same until the driver detaches
 * @exit:	Releases them
 * @shutdown:	Masks them
 * @restore:	Has the device hold all messages after a reset, NULL when the PCI core
 *		does that
 * @vectors:	Those with a fixed purpose
 * @nr_vectors:	Their number
 * @trials:	What else is to be tried
 * @nr_trials:	Their number
 */
struct irq_layout_device {
	const char			*name;
	size_t				size;
	const struct ims_fake_params	*machine;
	struct irq_layout_asked		asked;
	int		(*init)(void *irqs, struct ims_fake *fake,
				const struct irq_layout_asked *asked);
	int		(*devm_init)(void *irqs, struct ims_fake *fake,
				     const struct irq_layout_asked *asked);
	void				(*exit)(void *irqs);
	void				(*shutdown)(void *irqs);
	void				(*restore)(void *irqs);
	const struct irq_layout_vector	*vectors;
	unsigned int			nr_vectors;
	const struct irq_layout_trial	*trials;
	unsigned int			nr_trials;
};

/**
 * struct irq_layout_told - What a device or a peer was told of a message
 * @store:	Its store, as the driver has it
 * @index:	Index of the message
 * @masked:	It must not be sent
 * @address:	Its address
 * @data:	Its data
 * @cookie:	What it carries along
 */
struct irq_layout_told {
	const void	*store;
	unsigned int	index;
	bool		masked;
	u64		address;
	u32		data;
	u32		cookie[IRQ_LAYOUT_COOKIES];
};

/**
 * struct irq_layout_run - What belongs to the test which runs
 * @device:	The device
 * @fake:	The fake device
 * @irqs:	What the driver has of its interrupts
 * @fired:	How often irq_layout_count() was called
 * @told:	What the device or its peer was told of messages
 * @nr_told:	Of how many
 * @refuses:	The device refuses to be told
 * @event:	The interrupt which tells that a command is done, if there is one
 * @unheard:	How often that was masked when there was a command
 */
struct irq_layout_run {
	const struct irq_layout_device	*device;
	struct ims_fake			*fake;
	void				*irqs;
	unsigned int			fired;
	struct irq_layout_told		told[IRQ_LAYOUT_TOLD];
	unsigned int			nr_told;
	bool				refuses;
	unsigned int			event;
	unsigned int			unheard;
};

/**
 * struct irq_layout_case - One thing to look at, of every device
 * @name:	Its name
 * @run:	Looks
 */
struct irq_layout_case {
	const char	*name;
	void		(*run)(struct kunit *test, const struct irq_layout_device *device);
};

#define IRQ_LAYOUT_CASES	4
extern const struct irq_layout_case irq_layout_cases[IRQ_LAYOUT_CASES];

/**
 * struct irq_layout_managed - Vectors which the kernel spreads, one for each queue
 * @name:	Device and pool
 * @device:	The device
 * @first:	Index of the first one
 * @most:	How many the fake device has
 * @nr:		How many there are, of the driver
 * @irq:	The Linux interrupt number of one, 0 when there is none
 * @affinity:	Its CPUs, NULL when there is none
 */
struct irq_layout_managed {
	const char			*name;
	const struct irq_layout_device	*device;
	unsigned int			first;
	unsigned int			most;
	unsigned int			(*nr)(void *irqs);
	unsigned int			(*irq)(void *irqs, unsigned int entry);
	const struct cpumask		*(*affinity)(void *irqs, unsigned int entry);
};

/**
 * struct irq_layout_managed_case - One thing to look at, of every such pool
 * @name:	Its name
 * @run:	Looks
 */
struct irq_layout_managed_case {
	const char	*name;
	void		(*run)(struct kunit *test, const struct irq_layout_managed *managed);
};

#define IRQ_LAYOUT_MANAGED_CASES	4
extern const struct irq_layout_managed_case
irq_layout_managed_cases[IRQ_LAYOUT_MANAGED_CASES];

void irq_layout_check(struct kunit *test, const struct irq_layout_device *device);
void irq_layout_check_vector(struct kunit *test, const struct irq_layout_device *device);
void irq_layout_check_trial(struct kunit *test, const struct irq_layout_device *device);
void irq_layout_check_managed(struct kunit *test, const struct irq_layout_managed *managed);

struct irq_layout_run *irq_layout_create(struct kunit *test,
					 const struct irq_layout_device *device);
struct irq_layout_run *irq_layout_setup(struct kunit *test,
					const struct irq_layout_device *device);
struct irq_layout_run *irq_layout_setup_on(struct kunit *test,
					   const struct irq_layout_device *device,
					   unsigned int msix, unsigned int msi);
struct irq_layout_run *irq_layout_current(void);
int irq_layout_init(struct irq_layout_run *run);
void irq_layout_exit(struct kunit *test);

irqreturn_t irq_layout_count(int irq, void *fired);
int irq_layout_request(struct kunit *test, unsigned int irq);
void irq_layout_free(struct kunit *test, unsigned int irq);
int irq_layout_fire(struct kunit *test, const struct irq_layout_store *store, unsigned int irq);
unsigned int irq_layout_index(const struct irq_layout_store *store, unsigned int irq);
bool irq_layout_is_ims(unsigned int irq);
void irq_layout_mask(unsigned int irq);

#endif /* _KUNIT_IRQ_LAYOUT_H */
