/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the KUnit suites of devices with pools of vectors share
 *
 * How pools behave has suites of its own. This looks whether a pool has the
 * vectors, limits and cookies which the datasheet gives it.
 */
#ifndef _KUNIT_IRQ_LAYOUT_POOL_H
#define _KUNIT_IRQ_LAYOUT_POOL_H

#include <kunit/irq_layout.h>

#include <linux/interrupt.h>
#include <linux/irq_vecpool.h>
#include <linux/types.h>

/**
 * struct irq_layout_range - Vectors of a pool which are side by side in a store
 * @name:	Name of the store
 * @source:	Number of the store, as the driver has it
 * @first:	Index of the first one
 * @last:	Index of the last one that the fake device has
 * @store:	The store, NULL for MSI-X and MSI
 */
struct irq_layout_range {
	const char			*name;
	unsigned int			source;
	unsigned int			first;
	unsigned int			last;
	const struct irq_layout_store	*store;
};

/**
 * struct irq_layout_pool - A pool of vectors
 * @name:	Device and pool
 * @device:	The device
 * @pool:	Offset of the pool in what the driver has of its interrupts
 * @ranges:	Where its vectors are, in the order of preference
 * @nr_ranges:	In how many pieces
 * @limit:	Users of a shared vector, 0 when no vector is shared
 * @reserve:	Vectors which are kept from sharing
 * @node:	Users which name no CPU get one of the device's node
 * @cookie:	Some cookie, NULL when vectors can do without
 * @asks_cookie: The driver passes it as what shared vectors carry along
 * @get:	Gets a shared vector on a CPU
 * @get_least:	Gets one on the CPU with the fewest users, where drivers can
 * @get_dedicated: Gets one with a single owner, where drivers can
 * @get_at:	Gets the one at an index of a store, where drivers can
 * @put:	Gives a vector back
 * @attach:	Has a user called
 * @detach:	No longer
 * @irq:	The Linux interrupt number of a vector, by its number in the pool
 * @index:	What the device has to be told of a vector: store and index
 * @error:	Whether the device knows a vector, where it has to be told
 */
struct irq_layout_pool {
	const char			*name;
	const struct irq_layout_device	*device;
	size_t				pool;
	const struct irq_layout_range	*ranges;
	unsigned int			nr_ranges;
	unsigned int			limit;
	unsigned int			reserve;
	bool				node;
	const void			*cookie;
	bool				asks_cookie;
	struct irq_vec	*(*get)(void *irqs, unsigned int cpu);
	struct irq_vec	*(*get_least)(void *irqs);
	struct irq_vec	*(*get_dedicated)(void *irqs, const void *cookie);
	struct irq_vec	*(*get_at)(void *irqs, unsigned int store, unsigned int index,
				   const void *cookie);
	void		(*put)(struct irq_vec *vec);
	void		(*attach)(struct irq_vec *vec, struct irq_vec_user *user);
	void		(*detach)(struct irq_vec_user *user);
	unsigned int	(*irq)(void *irqs, unsigned int entry);
	unsigned int	(*index)(const struct irq_vec *vec, unsigned int *store);
	int		(*error)(const struct irq_vec *vec);
};

/**
 * struct irq_layout_user - A user which counts what it is told
 * @user:	Its place on a vector
 * @called:	How often it was called
 */
struct irq_layout_user {
	struct irq_vec_user	user;
	unsigned int		called;
};

/**
 * struct irq_layout_pool_case - One thing to look at, of every pool
 * @name:	Its name
 * @run:	Looks
 */
struct irq_layout_pool_case {
	const char	*name;
	void		(*run)(struct kunit *test, const struct irq_layout_pool *pool);
};

#define IRQ_LAYOUT_POOL_CASES	7
extern const struct irq_layout_pool_case irq_layout_pool_cases[IRQ_LAYOUT_POOL_CASES];

void irq_layout_check_pool(struct kunit *test, const struct irq_layout_pool *pool);
irqreturn_t irq_layout_event(struct irq_vec_user *user);

#endif /* _KUNIT_IRQ_LAYOUT_POOL_H */
