/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pools of interrupt vectors: any vector serves any user
 *
 * Documentation/core-api/irq/vecpool.rst says how a driver uses them. What runs
 * per interrupt or per user is inlined here and takes the limit of the pool as
 * a constant; everything else is in kernel/irq/vecpool.c.
 */
#ifndef _LINUX_IRQ_VECPOOL_H
#define _LINUX_IRQ_VECPOOL_H

#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/cache.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/interrupt.h>
#include <linux/list.h>
#include <linux/list_nulls.h>
#include <linux/module.h>
#include <linux/msi_api.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct device;
struct irq_vec;
struct irq_vecpool;
struct pci_dev;

/**
 * struct irq_vec_source_ops - Where the vectors of a pool come from
 * @alloc:	Allocate the interrupt at an index. May sleep
 * @free:	Give it back. May sleep
 * @error:	Why the device does not know the message at an index, 0 when it
 *		does. Optional
 *
 * @alloc and @free are called under irq_vecpool::lock, one at a time.
 */
struct irq_vec_source_ops {
	struct msi_map	(*alloc)(void *store, unsigned int index,
				 union msi_instance_cookie cookie,
				 const struct irq_affinity_desc *affdesc);
	void		(*free)(void *store, struct msi_map map);
	int		(*error)(void *store, unsigned int index);
};

/**
 * struct irq_vec_source - A message store as a pool sees it
 * @ops:	How to allocate from it
 * @store:	What @ops get as their first argument
 * @name:	For those who look from outside
 * @size:	Number of its messages, 0 when it can't be used
 */
struct irq_vec_source {
	const struct irq_vec_source_ops	*ops;
	void				*store;
	const char			*name;
	unsigned int			size;
};

/**
 * struct irq_vec_range - A part of a message store
 * @source:	Number of the store in the sources of the pool
 * @first:	First index
 * @last:	Last index; what is behind the end of the store does not count
 */
struct irq_vec_range {
	unsigned int	source;
	unsigned int	first;
	unsigned int	last;
};

/**
 * struct irq_vecpool_info - What is known of a pool when it is compiled
 * @name:	Its name, which its shared interrupts get as well
 * @ranges:	Where its vectors are, in the order of preference
 * @nr_ranges:	Their number
 * @limit:	Users of a shared vector, 0 when no vector is shared
 * @reserve:	Vectors which are kept for dedicated use
 * @node:	Users which name no CPU get one of the device's node
 * @cookie:	What the messages of shared vectors carry along, unless the driver
 *		says otherwise
 */
struct irq_vecpool_info {
	const char			*name;
	const struct irq_vec_range	*ranges;
	unsigned int			nr_ranges;
	unsigned int			limit;
	unsigned int			reserve;
	bool				node;
	union msi_instance_cookie	cookie;
};

/**
 * struct irq_vec_user - The place of one user on a shared vector
 * @vec:	The vector it is attached to, NULL while it is not
 * @place:	Its place there, the limit of the pool when it is on the list
 * @node:	Its entry in irq_vec::listed
 *
 * Embed it into the object which waits for the interrupt, e.g. a queue.
 */
struct irq_vec_user {
	struct irq_vec			*vec;
	unsigned int			place;
	struct hlist_nulls_node		node;
};

/**
 * struct irq_vec - One vector of a pool
 * @pool:	The pool
 * @irq:	Linux interrupt number
 * @entry:	Its number within the pool
 * @source:	Number of its store in the sources of the pool
 * @index:	Its index in that store
 * @cpu:	The CPU it was made for
 * @dedicated:	It has one owner, which also owns the handler
 * @away:	It had to leave @cpu, and comes home when that is online again
 * @list:	Entry in irq_vec_cpu::vecs
 * @rcu:	Defers freeing until no look-up can see it
 * @name:	Name of the interrupt
 * @users:	Users which are attached or about to be
 * @listed:	Users for which there was no place
 * @places:	The users which have a place. Behind the last place IRQ_VEC_LEFT when
 *		there are users on the list
 */
struct irq_vec {
	struct irq_vecpool	*pool;
	unsigned int		irq;
	unsigned int		entry;
	unsigned int		source;
	unsigned int		index;
	unsigned int		cpu;
	bool			dedicated;
	bool			away;
	struct list_head	list;
	struct rcu_head		rcu;
	char			name[32];

	atomic_t		users ____cacheline_aligned_in_smp;
	struct hlist_nulls_head	listed;
	struct irq_vec_user	*places[];
};

/**
 * struct irq_vec_cpu - The shared vectors of one CPU
 * @open:	The vector which takes the next user
 * @vecs:	All of them
 * @nr:		Their number
 * @retry:	When to try again to make one after the CPU had no vector left,
 *		as the low half of jiffies; 0 while it has some
 */
struct irq_vec_cpu {
	struct irq_vec __rcu	*open;
	struct list_head	vecs;
	unsigned int		nr;
	u32			retry;
};

/**
 * struct irq_vecpool - A pool of vectors
 * @cpus:	The shared vectors by CPU
 * @irq:	Linux interrupt number of each vector, 0 where there is none. NULL while
 *		there was none at all
 * @nr:		Vectors in all ranges
 * @info:	What was known when it was compiled
 * @dev:	The device
 * @handler:	Handler of the shared vectors, gets the vector as its data
 * @sources:	The message stores
 * @nr_range:	How many vectors each range has
 * @vecs:	The vectors which exist, by number; NULL as @irq
 * @taken:	Their numbers
 * @lock:	Serializes making and giving back vectors. Device commands can be
 *		issued under it
 * @cpus_lock:	Protects the lists of @cpus. CPU hotplug takes it, so that nobody
 *		waits for a device under it
 * @listed_lock: Protects irq_vec::listed
 * @affdesc:	Affinity of the vector which is being made
 * @nr_shared:	Shared vectors which exist
 * @max_shared:	How many there can be: the others are reserved
 * @full:	No vector could be made the last time
 * @retry:	When to try that again, in jiffies
 * @cookie:	What the messages of shared vectors carry along
 * @made:	Shared vectors made so far
 * @shared_full: Users which were put on a full vector or on another CPU's,
 *		because no vector could be made
 * @elsewhere:	Vectors for which their CPU had no room, given back therefore
 * @moved:	Vectors which came home with their CPU
 * @cpuhp:	Entry in the list of those who care for CPUs which come back
 * @node:	Entry in the list of all pools
 */
struct irq_vecpool {
	struct irq_vec_cpu		*cpus;
	unsigned int			*irq;
	unsigned int			nr;

	const struct irq_vecpool_info	*info;
	struct device			*dev;
	irq_handler_t			handler;
	struct irq_vec_source		*sources;
	unsigned int			*nr_range;
	struct irq_vec			**vecs;
	unsigned long			*taken;
	/* Vectors are made and given back under it */
	struct mutex			lock;
	/* The lists of vectors by CPU */
	struct mutex			cpus_lock;
	/* The users for which a vector has no place */
	raw_spinlock_t			listed_lock;
	struct irq_affinity_desc	affdesc;
	unsigned int			nr_shared;
	unsigned int			max_shared;
	bool				full;
	unsigned long			retry;
	union msi_instance_cookie	cookie;
	unsigned long			made;
	unsigned long			shared_full;
	unsigned long			elsewhere;
	unsigned long			moved;
	struct hlist_node		cpuhp;
	struct list_head		node;
};

int irq_vecpool_init(struct irq_vecpool *pool, struct device *dev,
		     const struct irq_vecpool_info *info,
		     const struct irq_vec_source *sources, unsigned int nr_sources,
		     irq_handler_t handler);
int irq_vecpool_set_cookie(struct irq_vecpool *pool, union msi_instance_cookie cookie);
void irq_vecpool_exit(struct irq_vecpool *pool);
void irq_vecpool_shutdown(struct irq_vecpool *pool);

unsigned int irq_vecpool_least(struct irq_vecpool *pool, const struct cpumask *mask);
void irq_vecpool_cpus(const struct irq_vecpool *pool, struct cpumask *cpus);
struct irq_vec *irq_vecpool_get_dedicated(struct irq_vecpool *pool,
					  union msi_instance_cookie cookie,
					  const struct cpumask *mask);
struct irq_vec *irq_vecpool_get_at(struct irq_vecpool *pool, unsigned int source,
				   unsigned int index, union msi_instance_cookie cookie,
				   const struct cpumask *mask);
int irq_vec_error(const struct irq_vec *vec);
void irq_vec_add_user(struct irq_vec *vec);
void irq_vec_drop_user(struct irq_vec *vec);

struct irq_vec *__irq_vecpool_get(struct irq_vecpool *pool, unsigned int cpu);
void __irq_vec_put(struct irq_vec *vec);
void __irq_vec_attach(struct irq_vec *vec, struct irq_vec_user *user);
void __irq_vec_detach(struct irq_vec_user *user);
irqreturn_t __irq_vec_dispatch(struct irq_vec *vec, irqreturn_t (*fn)(struct irq_vec_user *user),
			       irqreturn_t ret);

/**
 * irq_vecpool_irq - Look up the interrupt of a vector
 * @pool:	The pool
 * @entry:	Number within the pool of a vector that was got: irq_vec::entry
 *
 * Context: Any. The vector must not be given back meanwhile.
 *
 * Return: The Linux interrupt number
 */
static __always_inline unsigned int irq_vecpool_irq(const struct irq_vecpool *pool,
						    unsigned int entry)
{
	return READ_ONCE(pool->irq[entry]);
}

/*
 * A place which its user has left. Users take the first place which is empty or was
 * left, so there is nobody behind an empty one.
 */
#define IRQ_VEC_LEFT	((struct irq_vec_user *)1)

static __always_inline bool irq_vec_is_user(const struct irq_vec_user *user)
{
	return (unsigned long)user > (unsigned long)IRQ_VEC_LEFT;
}

/* One more user of a vector which is alive and has room */
static __always_inline bool irq_vec_tryget(struct irq_vec *vec, unsigned int limit)
{
	int users = atomic_read(&vec->users);

	while (users && users < limit) {
		if (likely(atomic_try_cmpxchg(&vec->users, &users, users + 1)))
			return true;
	}
	return false;
}

/**
 * irq_vecpool_get_on - Get a shared vector on a CPU
 * @pool:	The pool
 * @limit:	irq_vecpool_info::limit of the pool, a constant
 * @cpu:	The CPU which wants to be interrupted
 *
 * Takes a vector of @cpu which has fewer than @limit users, and makes it when
 * there is none. When none can be made it takes the one with the fewest users,
 * wherever that has room; only when all are full more than @limit users share a
 * vector. Each vector that was got is for one user to attach.
 *
 * Context: Task context, may sleep. Does not when the vector exists.
 *
 * Return: The vector, to be given back with irq_vec_put(). ERR_PTR() only when
 *	   the pool has no shared vector at all and none can be made: -EINVAL when
 *	   @cpu does not exist, -ENOSPC when CPU vectors or messages have run out,
 *	   -ENOMEM
 */
static __always_inline struct irq_vec *irq_vecpool_get_on(struct irq_vecpool *pool,
							  unsigned int limit, unsigned int cpu)
{
	struct irq_vec *vec;

	if (cpu >= nr_cpu_ids)
		return ERR_PTR(-EINVAL);

	rcu_read_lock();
	vec = rcu_dereference(pool->cpus[cpu].open);
	if (unlikely(!vec || !irq_vec_tryget(vec, limit)))
		vec = NULL;
	rcu_read_unlock();

	return likely(vec) ? vec : __irq_vecpool_get(pool, cpu);
}

/**
 * irq_vec_put - Give a vector back
 * @vec:	A vector which the caller got
 * @limit:	irq_vecpool_info::limit of its pool, a constant
 *
 * The user must be detached, the handler of a dedicated vector freed.
 *
 * Context: Task context, may sleep. Does not while the vector has other users.
 */
static __always_inline void irq_vec_put(struct irq_vec *vec, unsigned int limit)
{
	int users = atomic_read(&vec->users);

	/* The last one frees it, and one who leaves a full vector makes it known again */
	while (likely(users > 1 && users < limit)) {
		if (likely(atomic_try_cmpxchg(&vec->users, &users, users - 1)))
			return;
	}
	__irq_vec_put(vec);
}

/**
 * irq_vec_attach - Have a user called for each interrupt of a vector
 * @vec:	A shared vector which the caller got
 * @limit:	irq_vecpool_info::limit of its pool, a constant
 * @user:	The user, not attached anywhere
 *
 * Context: Any but NMI, with PREEMPT_RT as well. One atomic; writes cache lines
 *	    of @vec only.
 */
static __always_inline void irq_vec_attach(struct irq_vec *vec, unsigned int limit,
					   struct irq_vec_user *user)
{
	struct irq_vec_user *old;
	unsigned int place;

	user->vec = vec;
	for (place = 0; place < limit; place++) {
		old = READ_ONCE(vec->places[place]);
		if (irq_vec_is_user(old))
			continue;
		user->place = place;
		if (likely(try_cmpxchg(&vec->places[place], &old, user)))
			return;
	}
	__irq_vec_attach(vec, user);
}

/**
 * irq_vec_detach - Stop calling a user
 * @user:	The user, attached
 * @limit:	irq_vecpool_info::limit of the pool of its vector, a constant
 *
 * A handler may still be looking at @user, so keep it for an RCU grace period.
 * It can be attached again at once, to this or another vector.
 *
 * Context: As irq_vec_attach(), no atomic
 */
static __always_inline void irq_vec_detach(struct irq_vec_user *user, unsigned int limit)
{
	struct irq_vec *vec = user->vec;
	unsigned int place = user->place;

	if (unlikely(place >= limit)) {
		__irq_vec_detach(user);
		return;
	}

	user->vec = NULL;
	/* Pairs with try_cmpxchg() of whoever takes the place next */
	smp_store_release(&vec->places[place], IRQ_VEC_LEFT);
}

/**
 * irq_vec_dispatch - Call the users of a vector
 * @vec:	The vector, which is what the interrupt handler gets as its data
 * @limit:	irq_vecpool_info::limit of its pool, a constant
 * @fn:		What to call for each of them
 *
 * Inlined, so that @fn is called directly or becomes a part of the caller. @fn
 * may detach its user, and attach it elsewhere. Who is attached meanwhile is called
 * now or with the next interrupt.
 *
 * Context: Interrupt handler, hard or threaded. @fn must not sleep in either.
 *
 * Return: IRQ_HANDLED when any of the calls returned that, else IRQ_NONE
 */
static __always_inline irqreturn_t
irq_vec_dispatch(struct irq_vec *vec, unsigned int limit,
		 irqreturn_t (*fn)(struct irq_vec_user *user))
{
	struct irq_vec_user **place, *user;
	irqreturn_t ret = IRQ_NONE;

	rcu_read_lock();
	/* As rcu_dereference(), but not all of them are pointers */
	for (place = vec->places; irq_vec_is_user(user = READ_ONCE(*place)); place++)
		ret |= fn(user);
	if (likely(!user)) {
		rcu_read_unlock();
		return ret;
	}

	/* Some have left, or there are more than places */
	for (; place < &vec->places[limit]; place++) {
		user = READ_ONCE(*place);
		if (irq_vec_is_user(user))
			ret |= fn(user);
	}
	rcu_read_unlock();

	return READ_ONCE(vec->places[limit]) ? __irq_vec_dispatch(vec, fn, ret) : ret;
}

/**
 * struct pci_irq_table - MSI-X entries or MSI messages of a PCI function
 * @pdev:	The function, NULL while they are not set up
 * @nr_static:	Vectors which were allocated at once
 * @size:	Vectors which can be used
 */
struct pci_irq_table {
	struct pci_dev	*pdev;
	unsigned int	nr_static;
	unsigned int	size;
};

int pci_irq_table_init(struct pci_irq_table *table, struct pci_dev *pdev, unsigned int type,
		       unsigned int special, unsigned int usable, bool more);
void pci_irq_table_exit(struct pci_irq_table *table);
void pci_irq_table_shutdown(struct pci_irq_table *table);
struct irq_vec_source pci_irq_table_source(struct pci_irq_table *table);

MODULE_IMPORT_NS(IRQ_VECPOOL);

#endif /* _LINUX_IRQ_VECPOOL_H */
