// SPDX-License-Identifier: GPL-2.0
/*
 * Pools of interrupt vectors: any vector serves any user
 *
 * Vectors are made on demand, one for each CPU first, and shared by as many
 * users as the driver allows. When none can be made they are shared by more.
 */
#include <linux/bitmap.h>
#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>
#include <linux/debugfs.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/init.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irq_vecpool.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/nospec.h>
#include <linux/numa.h>
#include <linux/overflow.h>
#include <linux/rculist_nulls.h>
#include <linux/rcupdate.h>
#include <linux/sched/isolation.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/topology.h>

#include "internals.h"

#define CREATE_TRACE_POINTS
#include <trace/events/irq_vecpool.h>

/* All pools, for those who look from outside */
static LIST_HEAD(irq_vecpools);
static DEFINE_MUTEX(irq_vecpools_lock);

/* Where the list of a vector ends. Tells a walker that it is still on that list */
static unsigned long irq_vec_nulls(const struct irq_vec *vec)
{
	return (unsigned long)vec >> 1;
}

/* --- Stores and ranges ------------------------------------------------------- */

/* How many indexes of a store with @size of them are in @range */
static unsigned int irq_vec_range_size(const struct irq_vec_range *range, unsigned int size)
{
	return size > range->first ? min(size - 1, range->last) - range->first + 1 : 0;
}

/* Which store the vector with the number @entry is from, and its index there */
static unsigned int irq_vecpool_locate(const struct irq_vecpool *pool, unsigned int entry,
				       unsigned int *index)
{
	unsigned int i = 0;

	while (entry >= pool->nr_range[i])
		entry -= pool->nr_range[i++];

	*index = pool->info->ranges[i].first + entry;
	return pool->info->ranges[i].source;
}

/* The number of the vector at @index of a store, irq_vecpool::nr if it has none there */
static unsigned int irq_vecpool_entry(const struct irq_vecpool *pool, unsigned int source,
				      unsigned int index)
{
	const struct irq_vec_range *range = pool->info->ranges;
	unsigned int i, offset, base = 0;

	for (i = 0; i < pool->info->nr_ranges; base += pool->nr_range[i++], range++) {
		offset = index - range->first;
		if (range->source == source && offset < pool->nr_range[i])
			return base + array_index_nospec(offset, pool->nr_range[i]);
	}
	return pool->nr;
}

static int irq_vecpool_entry_error(const struct irq_vecpool *pool, unsigned int entry)
{
	const struct irq_vec_source *source;
	unsigned int index;

	source = &pool->sources[irq_vecpool_locate(pool, entry, &index)];
	return source->ops->error ? source->ops->error(source->store, index) : 0;
}

/**
 * irq_vec_error - Whether the device knows the message of a vector
 * @vec:	A vector which the caller got
 *
 * A device command which fails can't make request_irq() fail. The vector gets
 * no interrupt while this is an error. Freeing its handler undoes what there is.
 *
 * Context: Any.
 *
 * Return: 0, or what the last device command for it has returned
 */
int irq_vec_error(const struct irq_vec *vec)
{
	return irq_vecpool_entry_error(vec->pool, vec->entry);
}
EXPORT_SYMBOL_NS_GPL(irq_vec_error, IRQ_VECPOOL);

/*
 * A free number to make a vector of. One for which a command failed may fail
 * again, so take it only when there is no other.
 */
static unsigned int irq_vecpool_free_entry(const struct irq_vecpool *pool)
{
	unsigned int entry;

	for_each_clear_bit(entry, pool->taken, pool->nr) {
		if (!irq_vecpool_entry_error(pool, entry))
			return entry;
	}
	return find_first_zero_bit(pool->taken, pool->nr);
}

/* --- CPUs -------------------------------------------------------------------- */

/* The housekeeping CPUs of managed interrupts, or any where none of them is online */
static const struct cpumask *irq_vecpool_allowed(void)
{
	const struct cpumask *mask = housekeeping_cpumask(HK_TYPE_MANAGED_IRQ);

	return cpumask_intersects(mask, cpu_online_mask) ? mask : cpu_possible_mask;
}

/* The CPUs of the device's node if the pool asks for that, and one of @allowed is online */
static const struct cpumask *irq_vecpool_near(const struct irq_vecpool *pool,
					      const struct cpumask *allowed)
{
	int node = pool->info->node ? dev_to_node(pool->dev) : NUMA_NO_NODE;
	unsigned int cpu;

	if (node != NUMA_NO_NODE) {
		for_each_cpu_and(cpu, cpumask_of_node(node), allowed) {
			if (cpu_online(cpu))
				return cpumask_of_node(node);
		}
	}
	return cpu_possible_mask;
}

/**
 * irq_vecpool_cpus - The CPUs for users which name none
 * @pool:	The pool
 * @cpus:	Where they are stored
 *
 * All CPUs but those which are isolated from managed interrupts; of them those of
 * the device's node if the pool asks for that.
 *
 * Context: Any.
 */
void irq_vecpool_cpus(const struct irq_vecpool *pool, struct cpumask *cpus)
{
	const struct cpumask *allowed = irq_vecpool_allowed();

	cpumask_and(cpus, irq_vecpool_near(pool, allowed), allowed);
}

/* How much is on a CPU: its vectors but one count as full */
static unsigned int irq_vecpool_load(struct irq_vecpool *pool, unsigned int cpu)
{
	struct irq_vec_cpu *c = &pool->cpus[cpu];
	unsigned int nr = READ_ONCE(c->nr), load = 0;
	struct irq_vec *open;

	rcu_read_lock();
	open = rcu_dereference(c->open);
	if (open && nr)
		load = (nr - 1) * pool->info->limit + atomic_read(&open->users);
	rcu_read_unlock();

	return load;
}

/**
 * irq_vecpool_least - Find the CPU with the fewest users
 * @pool:	The pool
 * @mask:	The CPUs to choose from, NULL for irq_vecpool_cpus(). Those which are
 *		offline don't count; when all of them are, any other will do
 *
 * What other users do at the same time may or may not be seen.
 *
 * Context: Any.
 *
 * Return: The CPU
 */
unsigned int irq_vecpool_least(struct irq_vecpool *pool, const struct cpumask *mask)
{
	unsigned int cpu, load, best = cpumask_first(cpu_online_mask), least = UINT_MAX;
	const struct cpumask *allowed = cpu_online_mask;

	if (!mask || !cpumask_intersects(mask, cpu_online_mask)) {
		allowed = irq_vecpool_allowed();
		mask = irq_vecpool_near(pool, allowed);
	}

	for_each_cpu_and(cpu, mask, allowed) {
		if (!cpu_online(cpu))
			continue;
		load = irq_vecpool_load(pool, cpu);
		if (load < least) {
			least = load;
			best = cpu;
		}
	}
	return best;
}
EXPORT_SYMBOL_NS_GPL(irq_vecpool_least, IRQ_VECPOOL);

/* --- Vectors ----------------------------------------------------------------- */

/* A pool without vectors takes no room for them */
static int irq_vecpool_make_room(struct irq_vecpool *pool)
{
	if (!pool->irq)
		pool->irq = kvcalloc(pool->nr, sizeof(*pool->irq), GFP_KERNEL);
	if (!pool->vecs)
		pool->vecs = kvcalloc(pool->nr, sizeof(*pool->vecs), GFP_KERNEL);
	return pool->irq && pool->vecs ? 0 : -ENOMEM;
}

static struct irq_vec *irq_vecpool_make(struct irq_vecpool *pool, unsigned int entry,
					union msi_instance_cookie cookie,
					const struct cpumask *mask)
{
	struct irq_affinity_desc *affdesc = NULL;
	struct irq_vec_source *source;
	struct irq_vec *vec;
	struct msi_map map;

	lockdep_assert_held(&pool->lock);

	if (entry >= pool->nr)
		return ERR_PTR(-ENOSPC);

	if (irq_vecpool_make_room(pool))
		return ERR_PTR(-ENOMEM);
	vec = kvzalloc(struct_size(vec, places, pool->info->limit + 1), GFP_KERNEL);
	if (!vec)
		return ERR_PTR(-ENOMEM);

	/* Else the interrupt core takes irq_default_affinity */
	if (mask || pool->info->node) {
		affdesc = &pool->affdesc;
		memset(affdesc, 0, sizeof(*affdesc));
		if (mask)
			cpumask_copy(&affdesc->mask, mask);
		else
			irq_vecpool_cpus(pool, &affdesc->mask);
	}

	vec->source = irq_vecpool_locate(pool, entry, &vec->index);
	source = &pool->sources[vec->source];
	map = source->ops->alloc(source->store, vec->index, cookie, affdesc);
	if (map.index < 0) {
		kvfree(vec);
		return ERR_PTR(map.index);
	}

	vec->pool = pool;
	vec->irq = map.virq;
	vec->entry = entry;
	INIT_HLIST_NULLS_HEAD(&vec->listed, irq_vec_nulls(vec));
	atomic_set(&vec->users, 1);
	WRITE_ONCE(pool->irq[entry], map.virq);
	pool->vecs[entry] = vec;
	__set_bit(entry, pool->taken);

	return vec;
}

static void irq_vecpool_destroy(struct irq_vec *vec)
{
	struct irq_vecpool *pool = vec->pool;
	struct irq_vec_source *source = &pool->sources[vec->source];
	struct msi_map map = { .index = vec->index, .virq = vec->irq };

	lockdep_assert_held(&pool->lock);

	source->ops->free(source->store, map);
	WRITE_ONCE(pool->irq[vec->entry], 0);
	pool->vecs[vec->entry] = NULL;
	__clear_bit(vec->entry, pool->taken);
	pool->full = false;
	/* irq_vecpool_get_on() may still be looking at it */
	kvfree_rcu(vec, rcu);
}

/* A machine whose CPU has no vector left may grant the one of another CPU */
static bool irq_vec_elsewhere(const struct irq_vec *vec)
{
	const struct cpumask *mask = irq_get_effective_affinity_mask(vec->irq);

	return cpu_online(vec->cpu) && mask && !cpumask_empty(mask) &&
	       !cpumask_test_cpu(vec->cpu, mask);
}

static int irq_vecpool_request(struct irq_vec *vec)
{
	int ret;

	snprintf(vec->name, sizeof(vec->name), "%s-%u", vec->pool->info->name, vec->cpu);
	ret = request_irq(vec->irq, vec->pool->handler, 0, vec->name, vec);
	if (ret)
		return ret;

	/* Without its message on the device it is of no use to anybody */
	ret = irq_vec_error(vec);
	if (ret)
		free_irq(vec->irq, vec);
	return ret;
}

/* Make a shared vector. One which is on another CPU is kept only if @keep says so */
static struct irq_vec *irq_vecpool_make_shared(struct irq_vecpool *pool, unsigned int cpu,
					       bool keep)
{
	struct irq_vec_cpu *c = &pool->cpus[cpu];
	struct irq_vec *vec;
	int ret;

	if (pool->nr_shared >= pool->max_shared)
		return ERR_PTR(-ENOSPC);

	vec = irq_vecpool_make(pool, irq_vecpool_free_entry(pool), pool->cookie,
			       cpumask_of(cpu));
	if (IS_ERR(vec))
		return vec;

	vec->cpu = cpu;
	ret = irq_vecpool_request(vec);
	if (!ret && !keep && irq_vec_elsewhere(vec)) {
		pool->elsewhere++;
		c->retry = (u32)(jiffies + HZ) ?: 1;
		free_irq(vec->irq, vec);
		ret = -EXDEV;
	}
	if (ret) {
		irq_vecpool_destroy(vec);
		return ERR_PTR(ret);
	}

	pool->made++;
	pool->nr_shared++;
	c->retry = 0;
	mutex_lock(&pool->cpus_lock);
	/* The CPU can have gone since the interrupt was requested */
	vec->away = !cpu_active(cpu);
	list_add(&vec->list, &c->vecs);
	WRITE_ONCE(c->nr, c->nr + 1);
	rcu_assign_pointer(c->open, vec);
	mutex_unlock(&pool->cpus_lock);
	return vec;
}

static void irq_vecpool_destroy_shared(struct irq_vec *vec)
{
	struct irq_vecpool *pool = vec->pool;
	struct irq_vec_cpu *c = &pool->cpus[vec->cpu];

	mutex_lock(&pool->cpus_lock);
	list_del(&vec->list);
	WRITE_ONCE(c->nr, c->nr - 1);
	c->retry = 0;
	if (rcu_access_pointer(c->open) == vec)
		rcu_assign_pointer(c->open, list_first_entry_or_null(&c->vecs, typeof(*vec), list));
	mutex_unlock(&pool->cpus_lock);

	pool->nr_shared--;
	free_irq(vec->irq, vec);
	irq_vecpool_destroy(vec);
}

/*
 * The vector to share when none can be made: one with room wherever it is, else
 * one of @cpu, else any. Of those the one with the fewest users.
 */
static struct irq_vec *irq_vecpool_fewest(struct irq_vecpool *pool, unsigned int cpu)
{
	unsigned int entry, cost, least = UINT_MAX;
	struct irq_vec *vec, *best = NULL;

	for_each_set_bit(entry, pool->taken, pool->nr) {
		vec = pool->vecs[entry];
		if (vec->dedicated)
			continue;
		cost = atomic_read(&vec->users);
		if (cost >= pool->info->limit && vec->cpu != cpu)
			cost += UINT_MAX / 2;
		if (cost < least) {
			least = cost;
			best = vec;
		}
	}
	return best;
}

/* Failing to make a vector is slow and fills the kernel log: once a second is enough */
static bool irq_vecpool_may_make(const struct irq_vecpool *pool, unsigned int cpu)
{
	u32 retry = pool->cpus[cpu].retry;

	if (pool->full && time_before(jiffies, pool->retry))
		return false;
	/* It is at most a second ahead. When it has long passed the difference is large again */
	return !retry || retry - (u32)jiffies - 1 >= HZ;
}

/* The part of irq_vecpool_get_on() for which the vector is not there, or full */
struct irq_vec *__irq_vecpool_get(struct irq_vecpool *pool, unsigned int cpu)
{
	struct irq_vec *vec, *best;

	mutex_lock(&pool->lock);

	list_for_each_entry(vec, &pool->cpus[cpu].vecs, list) {
		if (irq_vec_tryget(vec, pool->info->limit)) {
			rcu_assign_pointer(pool->cpus[cpu].open, vec);
			goto unlock;
		}
	}

	best = irq_vecpool_fewest(pool, cpu);
	if (!best || irq_vecpool_may_make(pool, cpu)) {
		vec = irq_vecpool_make_shared(pool, cpu, !best);
		/* Other CPUs may have room when this one has none */
		pool->full = IS_ERR(vec) && PTR_ERR(vec) != -EXDEV;
		pool->retry = jiffies + HZ;
		if (!best || !IS_ERR(vec)) {
			if (!IS_ERR(vec))
				trace_irq_vec_get(vec);
			goto unlock;
		}
	}

	/* None of them goes away while the lock is held */
	atomic_inc(&best->users);
	pool->shared_full++;
	trace_irq_vec_full(best, cpu);
	vec = best;
unlock:
	mutex_unlock(&pool->lock);
	return vec;
}
EXPORT_SYMBOL_NS_GPL(__irq_vecpool_get, IRQ_VECPOOL);

/* A user is about to leave a full vector: have the room found. It keeps it alive meanwhile */
static void irq_vec_reopen(struct irq_vec *vec)
{
	struct irq_vecpool *pool = vec->pool;
	unsigned int limit = pool->info->limit;
	struct irq_vec *open;

	if (vec->dedicated || atomic_read(&vec->users) < limit)
		return;

	rcu_read_lock();
	open = rcu_dereference(pool->cpus[vec->cpu].open);
	if (!open || atomic_read(&open->users) >= limit)
		rcu_assign_pointer(pool->cpus[vec->cpu].open, vec);
	rcu_read_unlock();
}

static bool irq_vec_busy(const struct irq_vec *vec)
{
	unsigned int i;

	for (i = 0; i < vec->pool->info->limit; i++) {
		if (irq_vec_is_user(READ_ONCE(vec->places[i])))
			return true;
	}
	return !hlist_nulls_empty(&vec->listed);
}

/* The part of irq_vec_put() for the last user, and for one of a full vector */
void __irq_vec_put(struct irq_vec *vec)
{
	struct irq_vecpool *pool = vec->pool;

	irq_vec_reopen(vec);
	if (!atomic_dec_and_mutex_lock(&vec->users, &pool->lock))
		return;

	trace_irq_vec_put(vec);
	WARN_ON_ONCE(irq_vec_busy(vec));
	if (vec->dedicated)
		irq_vecpool_destroy(vec);
	else
		irq_vecpool_destroy_shared(vec);
	mutex_unlock(&pool->lock);
}
EXPORT_SYMBOL_NS_GPL(__irq_vec_put, IRQ_VECPOOL);

static struct irq_vec *irq_vecpool_make_dedicated(struct irq_vecpool *pool, unsigned int entry,
						  union msi_instance_cookie cookie,
						  const struct cpumask *mask)
{
	struct irq_vec *vec;

	/* What has made the cookie did not like what it was given */
	if (cookie.value >= (u64)-MAX_ERRNO)
		return ERR_PTR((int)cookie.value);

	vec = irq_vecpool_make(pool, entry, cookie, mask);
	if (!IS_ERR(vec)) {
		vec->dedicated = true;
		trace_irq_vec_get(vec);
	}
	return vec;
}

/**
 * irq_vecpool_get_dedicated - Get a vector which nobody else uses
 * @pool:	The pool
 * @cookie:	What the message carries along if its store has a place for it; a
 *		negative errno as its value is returned
 * @mask:	Initial affinity, NULL for the default
 *
 * The caller requests the interrupt with a handler of its own, and frees it
 * before it gives the vector back. The first request is where a shortage of CPU
 * vectors appears, as -ENOSPC.
 *
 * Context: Task context, may sleep. Takes irq_vecpool::lock.
 *
 * Return: The vector, to be given back with irq_vec_put(). ERR_PTR(): -ENOSPC
 *	   when the pool is empty, -ENOMEM
 */
struct irq_vec *irq_vecpool_get_dedicated(struct irq_vecpool *pool,
					  union msi_instance_cookie cookie,
					  const struct cpumask *mask)
{
	struct irq_vec *vec;

	mutex_lock(&pool->lock);
	vec = irq_vecpool_make_dedicated(pool, irq_vecpool_free_entry(pool), cookie, mask);
	mutex_unlock(&pool->lock);

	return vec;
}
EXPORT_SYMBOL_NS_GPL(irq_vecpool_get_dedicated, IRQ_VECPOOL);

/**
 * irq_vecpool_get_at - Get the vector at an index of a store
 * @pool:	The pool
 * @source:	Number of the store in the sources of the pool
 * @index:	Index in that store
 * @cookie:	See irq_vecpool_get_dedicated()
 * @mask:	Initial affinity, NULL for the default
 *
 * Context: Task context, may sleep. Takes irq_vecpool::lock.
 *
 * Return: As irq_vecpool_get_dedicated(). -EINVAL also when the index is not
 *	   part of the pool, -EBUSY when it is in use
 */
struct irq_vec *irq_vecpool_get_at(struct irq_vecpool *pool, unsigned int source,
				   unsigned int index, union msi_instance_cookie cookie,
				   const struct cpumask *mask)
{
	unsigned int entry = irq_vecpool_entry(pool, source, index);
	struct irq_vec *vec = ERR_PTR(-EBUSY);

	if (entry >= pool->nr)
		return ERR_PTR(-EINVAL);

	mutex_lock(&pool->lock);
	if (!test_bit(entry, pool->taken))
		vec = irq_vecpool_make_dedicated(pool, entry, cookie, mask);
	mutex_unlock(&pool->lock);

	return vec;
}
EXPORT_SYMBOL_NS_GPL(irq_vecpool_get_at, IRQ_VECPOOL);

/* --- Users ------------------------------------------------------------------- */

/**
 * irq_vec_add_user - Count a user who did not get the vector himself
 * @vec:	A shared vector which somebody else keeps
 *
 * Context: Any.
 */
void irq_vec_add_user(struct irq_vec *vec)
{
	struct irq_vecpool *pool = vec->pool;

	if (irq_vec_tryget(vec, pool->info->limit))
		return;

	atomic_inc(&vec->users);
	/* Only a statistic, and nobody here may wait for the lock */
	data_race(pool->shared_full++);
}

/**
 * irq_vec_drop_user - Count that a user has left
 * @vec:	The vector, which is not given back by that
 *
 * Context: Any.
 */
void irq_vec_drop_user(struct irq_vec *vec)
{
	irq_vec_reopen(vec);
	WARN_ON_ONCE(atomic_dec_return(&vec->users) <= 0);
}

/* The part of irq_vec_attach() for a vector with more users than places */
void __irq_vec_attach(struct irq_vec *vec, struct irq_vec_user *user)
{
	struct irq_vecpool *pool = vec->pool;
	unsigned long flags;

	user->place = pool->info->limit;
	raw_spin_lock_irqsave(&pool->listed_lock, flags);
	hlist_nulls_add_head_rcu(&user->node, &vec->listed);
	WRITE_ONCE(vec->places[user->place], IRQ_VEC_LEFT);
	raw_spin_unlock_irqrestore(&pool->listed_lock, flags);
}
EXPORT_SYMBOL_NS_GPL(__irq_vec_attach, IRQ_VECPOOL);

/* The part of irq_vec_detach() for a user which had no place */
void __irq_vec_detach(struct irq_vec_user *user)
{
	struct irq_vec *vec = user->vec;
	struct irq_vecpool *pool = vec->pool;
	unsigned long flags;

	user->vec = NULL;
	raw_spin_lock_irqsave(&pool->listed_lock, flags);
	hlist_nulls_del_rcu(&user->node);
	if (hlist_nulls_empty(&vec->listed))
		WRITE_ONCE(vec->places[user->place], NULL);
	raw_spin_unlock_irqrestore(&pool->listed_lock, flags);
}
EXPORT_SYMBOL_NS_GPL(__irq_vec_detach, IRQ_VECPOOL);

/* The part of irq_vec_dispatch() for users which have no place */
irqreturn_t __irq_vec_dispatch(struct irq_vec *vec, irqreturn_t (*fn)(struct irq_vec_user *user),
			       irqreturn_t ret)
{
	struct hlist_nulls_node *pos;
	struct irq_vec_user *user;

	rcu_read_lock();
	do {
		/* The next one is looked up first: @fn can put @user at the front again */
		hlist_nulls_for_each_entry_safe(user, pos, &vec->listed, node)
			ret |= fn(user);
		/* A user which went to another vector leads there: begin again */
	} while (get_nulls_value(pos) != irq_vec_nulls(vec));
	rcu_read_unlock();

	return ret;
}
EXPORT_SYMBOL_NS_GPL(__irq_vec_dispatch, IRQ_VECPOOL);

/* --- Hotplug ----------------------------------------------------------------- */

#ifdef CONFIG_HOTPLUG_CPU
static enum cpuhp_state irq_vecpool_state;

/* Where an interrupt is, or is about to be: a move can wait for the next message */
static bool irq_vec_at_home(const struct irq_vec *vec)
{
	struct irq_desc *desc = irq_to_desc(vec->irq);
	const struct cpumask *mask;
	unsigned long flags;
	bool home;

	raw_spin_lock_irqsave(&desc->lock, flags);
	mask = desc->irq_common_data.affinity;
	if (irqd_is_setaffinity_pending(&desc->irq_data))
		mask = irq_desc_get_pending_mask(desc);
	home = cpumask_equal(mask, cpumask_of(vec->cpu));
	raw_spin_unlock_irqrestore(&desc->lock, flags);

	return home;
}

/*
 * When a CPU goes away the interrupt core moves its vectors to another one, and
 * leaves them there. When it comes back, so do they, unless somebody had moved
 * them before. Where its own vector space has run out meanwhile they stay: they
 * work anywhere.
 */
static int irq_vecpool_online(unsigned int cpu, struct hlist_node *node)
{
	struct irq_vecpool *pool = hlist_entry(node, struct irq_vecpool, cpuhp);
	struct irq_vec *vec;

	mutex_lock(&pool->cpus_lock);
	list_for_each_entry(vec, &pool->cpus[cpu].vecs, list) {
		if (vec->away && !irq_set_affinity(vec->irq, cpumask_of(cpu))) {
			pool->moved++;
			trace_irq_vec_move(vec);
		}
		vec->away = false;
	}
	mutex_unlock(&pool->cpus_lock);

	return 0;
}

static int irq_vecpool_offline(unsigned int cpu, struct hlist_node *node)
{
	struct irq_vecpool *pool = hlist_entry(node, struct irq_vecpool, cpuhp);
	struct irq_vec *vec;

	mutex_lock(&pool->cpus_lock);
	list_for_each_entry(vec, &pool->cpus[cpu].vecs, list)
		vec->away = irq_vec_at_home(vec);
	mutex_unlock(&pool->cpus_lock);

	return 0;
}

static int irq_vecpool_watch(struct irq_vecpool *pool)
{
	return cpuhp_state_add_instance_nocalls(irq_vecpool_state, &pool->cpuhp);
}

static void irq_vecpool_unwatch(struct irq_vecpool *pool)
{
	if (!hlist_unhashed(&pool->cpuhp))
		cpuhp_state_remove_instance_nocalls(irq_vecpool_state, &pool->cpuhp);
}

/* One state for all pools, before any driver which is built in */
static int __init irq_vecpool_register(void)
{
	int ret = cpuhp_setup_state_multi(CPUHP_AP_ONLINE_DYN, "irq/vecpool:online",
					  irq_vecpool_online, irq_vecpool_offline);

	if (ret < 0)
		return ret;

	irq_vecpool_state = ret;
	return 0;
}
subsys_initcall(irq_vecpool_register);
#else
static int irq_vecpool_watch(struct irq_vecpool *pool)
{
	return 0;
}

static void irq_vecpool_unwatch(struct irq_vecpool *pool)
{
}
#endif

/* --- Life -------------------------------------------------------------------- */

static int irq_vecpool_alloc(struct irq_vecpool *pool, unsigned int nr_sources)
{
	const struct irq_vecpool_info *info = pool->info;
	unsigned int i, cpu;

	pool->nr_range = kvcalloc(info->nr_ranges, sizeof(*pool->nr_range), GFP_KERNEL);
	if (!pool->nr_range)
		return -ENOMEM;

	for (i = 0; i < info->nr_ranges; i++) {
		if (WARN_ON_ONCE(info->ranges[i].source >= nr_sources))
			return -EINVAL;
		pool->nr_range[i] = irq_vec_range_size(&info->ranges[i],
						       pool->sources[info->ranges[i].source].size);
		pool->nr += pool->nr_range[i];
	}
	/* One vector to share is always better than none */
	pool->max_shared = pool->nr > info->reserve ? pool->nr - info->reserve : 1;

	pool->taken = kvcalloc(BITS_TO_LONGS(pool->nr), sizeof(*pool->taken), GFP_KERNEL);
	if (!pool->taken)
		return -ENOMEM;
	if (!info->limit)
		return 0;

	pool->cpus = kvcalloc(nr_cpu_ids, sizeof(*pool->cpus), GFP_KERNEL);
	if (!pool->cpus)
		return -ENOMEM;
	for (cpu = 0; cpu < nr_cpu_ids; cpu++)
		INIT_LIST_HEAD(&pool->cpus[cpu].vecs);
	return 0;
}

static void irq_vecpool_free(struct irq_vecpool *pool)
{
	kvfree(pool->cpus);
	kvfree(pool->taken);
	kvfree(pool->vecs);
	kvfree(pool->irq);
	kvfree(pool->nr_range);
	kfree(pool->sources);
	memset(pool, 0, sizeof(*pool));
}

/**
 * irq_vecpool_init - Set up a pool without any vector
 * @pool:	What is set up; zeroed, or after irq_vecpool_exit()
 * @dev:	The device
 * @info:	What was known when it was compiled; has to stay
 * @sources:	The message stores which the ranges are in; copied
 * @nr_sources:	Their number
 * @handler:	Handler of the shared vectors, which gets the vector as its data.
 *		Calls irq_vec_dispatch(). NULL when no vector is shared
 *
 * Context: Task context, may sleep.
 *
 * Return: 0 on success, -EBUSY when it is set up already, -EINVAL without a
 *	   handler for shared vectors, -ENOMEM
 */
int irq_vecpool_init(struct irq_vecpool *pool, struct device *dev,
		     const struct irq_vecpool_info *info,
		     const struct irq_vec_source *sources, unsigned int nr_sources,
		     irq_handler_t handler)
{
	int ret;

	if (pool->info)
		return -EBUSY;
	if (info->limit && !handler)
		return -EINVAL;

	pool->info = info;
	pool->cookie = info->cookie;
	pool->dev = dev;
	pool->handler = handler;
	mutex_init(&pool->lock);
	mutex_init(&pool->cpus_lock);
	raw_spin_lock_init(&pool->listed_lock);

	ret = -ENOMEM;
	pool->sources = kmemdup(sources, nr_sources * sizeof(*sources), GFP_KERNEL);
	if (pool->sources)
		ret = irq_vecpool_alloc(pool, nr_sources);
	if (!ret && info->limit)
		ret = irq_vecpool_watch(pool);
	if (ret) {
		irq_vecpool_free(pool);
		return ret;
	}

	mutex_lock(&irq_vecpools_lock);
	list_add_tail(&pool->node, &irq_vecpools);
	mutex_unlock(&irq_vecpools_lock);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(irq_vecpool_init, IRQ_VECPOOL);

/**
 * irq_vecpool_set_cookie - Say what the messages of shared vectors carry along
 * @pool:	The pool, set up
 * @cookie:	What that is; a negative errno as its value is returned
 *
 * It is for all of them, since a message keeps what it was allocated with and any
 * user can come to any vector. Call it before there is one.
 *
 * Context: Task context.
 *
 * Return: 0, or the errno in @cookie
 */
int irq_vecpool_set_cookie(struct irq_vecpool *pool, union msi_instance_cookie cookie)
{
	if (cookie.value >= (u64)-MAX_ERRNO)
		return (int)cookie.value;

	pool->cookie = cookie;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(irq_vecpool_set_cookie, IRQ_VECPOOL);

/**
 * irq_vecpool_exit - Release a pool
 * @pool:	The pool; one which is not set up is left alone
 *
 * All vectors must have been given back. Those which were not are a bug in the
 * driver, which is warned of, but don't leak.
 *
 * Context: Task context, may sleep.
 */
void irq_vecpool_exit(struct irq_vecpool *pool)
{
	unsigned int entry;

	if (!pool->info)
		return;

	mutex_lock(&irq_vecpools_lock);
	list_del(&pool->node);
	mutex_unlock(&irq_vecpools_lock);
	irq_vecpool_unwatch(pool);

	WARN_ON_ONCE(!bitmap_empty(pool->taken, pool->nr));
	mutex_lock(&pool->lock);
	for_each_set_bit(entry, pool->taken, pool->nr) {
		if (pool->vecs[entry]->dedicated)
			irq_vecpool_destroy(pool->vecs[entry]);
		else
			irq_vecpool_destroy_shared(pool->vecs[entry]);
	}
	mutex_unlock(&pool->lock);

	irq_vecpool_free(pool);
}
EXPORT_SYMBOL_NS_GPL(irq_vecpool_exit, IRQ_VECPOOL);

/**
 * irq_vecpool_shutdown - Mask all messages of a pool
 * @pool:	The pool; one which is not set up is left alone
 *
 * For the shutdown function of a driver: whatever runs on the machine next is
 * not to be interrupted. Handlers which are running may still finish. Where
 * device commands are involved, the interrupt which reports their completion
 * has to be shut down after this.
 *
 * Context: Task context, may sleep. Takes irq_vecpool::lock.
 */
void irq_vecpool_shutdown(struct irq_vecpool *pool)
{
	unsigned int entry;

	if (!pool->info)
		return;

	mutex_lock(&pool->lock);
	for_each_set_bit(entry, pool->taken, pool->nr)
		quiesce_irq(pool->irq[entry]);
	mutex_unlock(&pool->lock);
}
EXPORT_SYMBOL_NS_GPL(irq_vecpool_shutdown, IRQ_VECPOOL);

/* --- A look from outside ----------------------------------------------------- */

#ifdef CONFIG_DEBUG_FS
static void irq_vec_show(struct seq_file *m, const struct irq_vec *vec)
{
	const struct cpumask *mask = irq_get_effective_affinity_mask(vec->irq);
	const struct irq_vecpool *pool = vec->pool;

	seq_printf(m, "  %5u  %s[%u]  irq %u  cpu %*pbl  ", vec->entry,
		   pool->sources[vec->source].name, vec->index, vec->irq,
		   cpumask_pr_args(mask ? mask : cpu_none_mask));
	if (vec->dedicated)
		seq_puts(m, "dedicated\n");
	else
		seq_printf(m, "shared  users %d of %u%s\n", atomic_read(&vec->users),
			   pool->info->limit, vec->away ? "  away" : "");
}

static void irq_vecpool_show(struct seq_file *m, const struct irq_vecpool *pool)
{
	unsigned int entry;

	seq_printf(m, "%s %s: vectors %u of %u", dev_name(pool->dev), pool->info->name,
		   bitmap_weight(pool->taken, pool->nr), pool->nr);
	seq_printf(m, "  made %lu  shared_full %lu  elsewhere %lu  moved %lu\n", pool->made,
		   pool->shared_full, pool->elsewhere, pool->moved);
	for_each_set_bit(entry, pool->taken, pool->nr)
		irq_vec_show(m, pool->vecs[entry]);
}

static int irq_vecpools_show(struct seq_file *m, void *data)
{
	struct irq_vecpool *pool;

	mutex_lock(&irq_vecpools_lock);
	list_for_each_entry(pool, &irq_vecpools, node) {
		/* A device which does not answer must not hold up the others */
		if (!mutex_trylock(&pool->lock)) {
			seq_printf(m, "%s %s: busy\n", dev_name(pool->dev), pool->info->name);
			continue;
		}
		irq_vecpool_show(m, pool);
		mutex_unlock(&pool->lock);
	}
	mutex_unlock(&irq_vecpools_lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(irq_vecpools);

static int __init irq_vecpool_debugfs(void)
{
	debugfs_create_file("irq_vecpools", 0444, NULL, NULL, &irq_vecpools_fops);
	return 0;
}
late_initcall(irq_vecpool_debugfs);
#endif
