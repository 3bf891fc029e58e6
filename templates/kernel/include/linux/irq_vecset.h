/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sets of pool vectors for subdevices: each has an index space of its own
 */
#ifndef _LINUX_IRQ_VECSET_H
#define _LINUX_IRQ_VECSET_H

#include <linux/atomic.h>
#include <linux/irq_vecpool.h>
#include <linux/list.h>
#include <linux/nospec.h>
#include <linux/types.h>

struct auxiliary_device;
struct irq_vecset_group;

/**
 * struct irq_vecset_part - The vectors that a subdevice wants from a pool
 * @pool:	The pool
 * @wanted:	How many it wants
 * @least:	With fewer than that it can't work
 * @cookie:	What the messages carry along, of a pool in which no vector is shared;
 *		a negative errno as its value is returned
 */
struct irq_vecset_part {
	struct irq_vecpool	*pool;
	unsigned int		wanted;
	unsigned int		least;
	union msi_instance_cookie cookie;
};

/**
 * struct irq_vecset_vec - One vector of a subdevice
 * @vec:	The vector
 * @attached:	Users which the subdevice has attached to it
 */
struct irq_vecset_vec {
	struct irq_vec	*vec;
	atomic_t	attached;
};

/**
 * struct irq_vecset - The vectors of one subdevice, numbered from 0
 * @nr:		How many there are
 * @irq:	Linux interrupt number of each
 * @vecs:	The vectors
 * @first:	Index of the first vector of each part; behind the last part @nr
 * @nr_parts:	How many parts there are
 * @group:	The subdevices of the device, NULL while it is not set up
 * @adev:	The auxiliary device
 * @published:	Indexes which are listed in sysfs, from 0
 * @node:	Entry in the list of @group
 */
struct irq_vecset {
	unsigned int		nr;
	unsigned int		*irq;
	struct irq_vecset_vec	*vecs;
	unsigned int		*first;
	unsigned int		nr_parts;
	struct irq_vecset_group	*group;
	struct auxiliary_device	*adev;
	unsigned int		published;
	struct list_head	node;
};

struct irq_vecset_group *irq_vecset_group_create(unsigned int max);
void irq_vecset_group_destroy(struct irq_vecset_group *group);
int irq_vecset_init(struct irq_vecset *set, struct irq_vecset_group *group,
		    struct auxiliary_device *adev, const struct irq_vecset_part *parts,
		    unsigned int nr_parts);
void irq_vecset_exit(struct irq_vecset *set);
int devm_irq_vecset_init(struct irq_vecset *set, struct irq_vecset_group *group,
			 struct auxiliary_device *adev, const struct irq_vecset_part *parts,
			 unsigned int nr_parts);
void irq_vecset_count(struct irq_vecset_vec *vec);
void irq_vecset_uncount(struct irq_vecset_vec *vec);

/**
 * irq_vecset_irq - Look up an interrupt of a subdevice
 * @set:	The vectors of the subdevice
 * @index:	Index within the subdevice
 *
 * Context: Any.
 *
 * Return: The Linux interrupt number, 0 when there is none at @index
 */
static __always_inline unsigned int irq_vecset_irq(const struct irq_vecset *set,
						   unsigned int index)
{
	return index < set->nr ? set->irq[array_index_nospec(index, set->nr)] : 0;
}

/**
 * irq_vecset_vec - Look up a vector of a subdevice
 * @set:	The vectors of the subdevice
 * @part:	Which of the parts it was set up with, a constant
 * @index:	Number among the vectors of that part
 *
 * The subdevice keeps the vector until it goes away.
 *
 * Context: Any.
 *
 * Return: The vector, NULL when there is none at @index
 */
static __always_inline struct irq_vecset_vec *irq_vecset_vec(const struct irq_vecset *set,
							     unsigned int part,
							     unsigned int index)
{
	unsigned int nr = set->first[part + 1] - set->first[part];

	if (index >= nr)
		return NULL;
	return &set->vecs[set->first[part] + array_index_nospec(index, nr)];
}

/**
 * irq_vecset_attach - Have a user of a subdevice called for each interrupt
 * @vec:	The vector of the subdevice
 * @limit:	irq_vecpool_info::limit of its pool, a constant
 * @user:	The user, not attached anywhere
 *
 * A subdevice may attach as many users as it likes, and each of them counts.
 *
 * Context: As irq_vec_attach(), two or three atomics.
 */
static __always_inline void irq_vecset_attach(struct irq_vecset_vec *vec, unsigned int limit,
					      struct irq_vec_user *user)
{
	irq_vecset_count(vec);
	irq_vec_attach(vec->vec, limit, user);
}

/**
 * irq_vecset_detach - Stop calling a user of a subdevice
 * @vec:	The vector of the subdevice, to which the user is attached
 * @limit:	irq_vecpool_info::limit of its pool, a constant
 * @user:	The user
 *
 * Context: As irq_vecset_attach(). Keep the user for an RCU grace period.
 */
static __always_inline void irq_vecset_detach(struct irq_vecset_vec *vec, unsigned int limit,
					      struct irq_vec_user *user)
{
	irq_vec_detach(user, limit);
	irq_vecset_uncount(vec);
}

#endif /* _LINUX_IRQ_VECSET_H */
