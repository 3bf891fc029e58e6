// SPDX-License-Identifier: GPL-2.0
/*
 * Sets of vectors for subdevices: each has an index space of its own, from 0
 *
 * The life of a set is that of an auxiliary device. The vectors are those of
 * the device's pools.
 */
#include <linux/auxiliary_bus.h>
#include <linux/cpumask.h>
#include <linux/dev_printk.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/irq_vecpool.h>
#include <linux/irq_vecset.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>

/*
 * The subdevices of one kind of a device. A subdevice and the device can go away
 * at the same time, so each of them keeps this alive.
 */
struct irq_vecset_group {
	struct kref		ref;
	/* Protects what is below, and the sets in the list */
	struct mutex		lock;
	struct list_head	sets;
	unsigned int		nr;
	unsigned int		max;
	bool			gone;
};

static void irq_vecset_group_free(struct kref *ref)
{
	kfree(container_of(ref, struct irq_vecset_group, ref));
}

/**
 * irq_vecset_group_create - Prepare for the subdevices of one kind
 * @max:	How many of them there can be
 *
 * Context: Task context, may sleep.
 *
 * Return: What irq_vecset_init() takes, NULL when there is no memory
 */
struct irq_vecset_group *irq_vecset_group_create(unsigned int max)
{
	struct irq_vecset_group *group = kzalloc(sizeof(*group), GFP_KERNEL);

	if (!group)
		return NULL;

	kref_init(&group->ref);
	mutex_init(&group->lock);
	INIT_LIST_HEAD(&group->sets);
	group->max = max;
	return group;
}
EXPORT_SYMBOL_NS_GPL(irq_vecset_group_create, IRQ_VECPOOL);

/* Whether no index below has the same interrupt: sysfs takes each of them once */
static bool irq_vecset_first(const struct irq_vecset *set, unsigned int index)
{
	unsigned int i;

	for (i = 0; i < index; i++) {
		if (set->irq[i] == set->irq[index])
			return false;
	}
	return true;
}

static void irq_vecset_publish(struct irq_vecset *set)
{
	unsigned int i;
	int ret;

	for (i = 0; i < set->nr; i++) {
		if (!irq_vecset_first(set, i))
			continue;
		ret = auxiliary_device_sysfs_irq_add(set->adev, set->irq[i]);
		if (ret) {
			/* They work all the same */
			dev_warn(&set->adev->dev, "interrupts are not listed in sysfs: %d\n", ret);
			return;
		}
		set->published = i + 1;
	}
}

/* Give back what there is. Look-ups find nothing from then on */
static void irq_vecset_undo(struct irq_vecset *set)
{
	struct irq_vec *vec;
	unsigned int i;

	lockdep_assert_held(&set->group->lock);

	for (i = 0; i < set->published; i++) {
		if (irq_vecset_first(set, i))
			auxiliary_device_sysfs_irq_remove(set->adev, set->irq[i]);
	}
	for (i = set->nr; i--;) {
		vec = set->vecs[i].vec;
		irq_vec_put(vec, vec->pool->info->limit);
	}
	set->nr = 0;
	set->published = 0;
	if (set->first)
		memset(set->first, 0, (set->nr_parts + 1) * sizeof(*set->first));

	list_del_init(&set->node);
	set->group->nr--;
}

static void irq_vecset_free(struct irq_vecset *set)
{
	kfree(set->first);
	kfree(set->vecs);
	kfree(set->irq);
	memset(set, 0, sizeof(*set));
}

/**
 * irq_vecset_group_destroy - The device is going away
 * @group:	What was created; NULL is left alone
 *
 * All subdevices must be gone. Those which are not are a bug in the driver, which
 * is warned of; they lose their vectors.
 *
 * Context: Task context, may sleep.
 */
void irq_vecset_group_destroy(struct irq_vecset_group *group)
{
	struct irq_vecset *set, *next;

	if (!group)
		return;

	mutex_lock(&group->lock);
	group->gone = true;
	WARN_ON_ONCE(!list_empty(&group->sets));
	list_for_each_entry_safe(set, next, &group->sets, node)
		irq_vecset_undo(set);
	mutex_unlock(&group->lock);
	kref_put(&group->ref, irq_vecset_group_free);
}
EXPORT_SYMBOL_NS_GPL(irq_vecset_group_destroy, IRQ_VECPOOL);

static int irq_vecset_take(struct irq_vecset *set, const struct irq_vecset_part *part,
			   struct cpumask *left)
{
	struct irq_vecpool *pool = part->pool;
	const struct irq_vecpool_info *info = pool->info;
	struct irq_vec *vec;
	unsigned int cpu, i;

	cpumask_clear(left);
	for (i = 0; i < max(part->wanted, part->least); i++) {
		if (info->limit) {
			/* As many CPUs as there are, then all of them once more */
			if (!cpumask_and(left, left, cpu_online_mask))
				irq_vecpool_cpus(pool, left);
			cpu = irq_vecpool_least(pool, left);
			cpumask_clear_cpu(cpu, left);
			vec = irq_vecpool_get_on(pool, info->limit, cpu);
		} else {
			vec = irq_vecpool_get_dedicated(pool, part->cookie, NULL);
		}
		if (IS_ERR(vec))
			return i < part->least ? PTR_ERR(vec) : 0;

		set->vecs[set->nr].vec = vec;
		set->irq[set->nr++] = vec->irq;
	}
	return 0;
}

static int irq_vecset_fill(struct irq_vecset *set, const struct irq_vecset_part *parts,
			   unsigned int nr_parts)
{
	unsigned int i, most = 0;
	cpumask_var_t left;
	int ret = 0;

	for (i = 0; i < nr_parts; i++)
		most += max(parts[i].wanted, parts[i].least);

	set->irq = kcalloc(most, sizeof(*set->irq), GFP_KERNEL);
	set->vecs = kcalloc(most, sizeof(*set->vecs), GFP_KERNEL);
	set->first = kcalloc(nr_parts + 1, sizeof(*set->first), GFP_KERNEL);
	if (!set->irq || !set->vecs || !set->first)
		return -ENOMEM;
	if (!alloc_cpumask_var(&left, GFP_KERNEL))
		return -ENOMEM;

	for (i = 0; i < nr_parts && !ret; i++) {
		ret = irq_vecset_take(set, &parts[i], left);
		set->first[i + 1] = set->nr;
	}
	free_cpumask_var(left);
	return ret;
}

/**
 * irq_vecset_init - Get the vectors of a subdevice
 * @set:	What is set up; zeroed, or after irq_vecset_exit()
 * @group:	The subdevices of the device
 * @adev:	The auxiliary device
 * @parts:	How many vectors it wants of which pools
 * @nr_parts:	Their number
 *
 * Each vector is on another CPU, those with the fewest users first, as long as
 * there are CPUs. Fewer than wanted is normal.
 *
 * Context: Task context, may sleep.
 *
 * Return: 0 on success, -EBUSY when it is set up already, -ENODEV when the
 *	   device is gone, -ENOSPC when there are too many subdevices already,
 *	   or not even the least number of vectors, -ENOMEM
 */
int irq_vecset_init(struct irq_vecset *set, struct irq_vecset_group *group,
		    struct auxiliary_device *adev, const struct irq_vecset_part *parts,
		    unsigned int nr_parts)
{
	int ret = -ENOSPC;

	if (!group)
		return -ENODEV;

	mutex_lock(&group->lock);
	if (set->group) {
		ret = -EBUSY;
	} else if (group->gone) {
		ret = -ENODEV;
	} else if (group->nr < group->max) {
		set->group = group;
		set->adev = adev;
		set->nr_parts = nr_parts;
		list_add(&set->node, &group->sets);
		group->nr++;
		ret = irq_vecset_fill(set, parts, nr_parts);
		if (ret) {
			irq_vecset_undo(set);
			irq_vecset_free(set);
		} else {
			irq_vecset_publish(set);
			kref_get(&group->ref);
		}
	}
	mutex_unlock(&group->lock);
	return ret;
}
EXPORT_SYMBOL_NS_GPL(irq_vecset_init, IRQ_VECPOOL);

/**
 * irq_vecset_exit - Give the vectors of a subdevice back
 * @set:	The set; one which is not set up is left alone
 *
 * All users must be detached, all interrupts which the subdevice requested freed.
 *
 * Context: Task context, may sleep.
 */
void irq_vecset_exit(struct irq_vecset *set)
{
	struct irq_vecset_group *group = set->group;

	if (!group)
		return;

	mutex_lock(&group->lock);
	/* The device may have gone first */
	if (!list_empty(&set->node))
		irq_vecset_undo(set);
	mutex_unlock(&group->lock);

	irq_vecset_free(set);
	kref_put(&group->ref, irq_vecset_group_free);
}
EXPORT_SYMBOL_NS_GPL(irq_vecset_exit, IRQ_VECPOOL);

static void irq_vecset_release(void *data)
{
	irq_vecset_exit(data);
}

/**
 * devm_irq_vecset_init - irq_vecset_init() until the driver of @adev detaches
 * @set:	What is set up
 * @group:	The subdevices of the device
 * @adev:	The auxiliary device, which is being probed
 * @parts:	How many vectors it wants of which pools
 * @nr_parts:	Their number
 *
 * Context: Task context, may sleep.
 *
 * Return: As irq_vecset_init()
 */
int devm_irq_vecset_init(struct irq_vecset *set, struct irq_vecset_group *group,
			 struct auxiliary_device *adev, const struct irq_vecset_part *parts,
			 unsigned int nr_parts)
{
	int ret = irq_vecset_init(set, group, adev, parts, nr_parts);

	return ret ? ret : devm_add_action_or_reset(&adev->dev, irq_vecset_release, set);
}
EXPORT_SYMBOL_NS_GPL(devm_irq_vecset_init, IRQ_VECPOOL);

/* The part of irq_vecset_attach() which counts: the set itself is the first user */
void irq_vecset_count(struct irq_vecset_vec *vec)
{
	if (atomic_inc_return(&vec->attached) > 1)
		irq_vec_add_user(vec->vec);
}
EXPORT_SYMBOL_NS_GPL(irq_vecset_count, IRQ_VECPOOL);

/* The part of irq_vecset_detach() which counts */
void irq_vecset_uncount(struct irq_vecset_vec *vec)
{
	if (atomic_dec_return(&vec->attached) > 0)
		irq_vec_drop_user(vec->vec);
}
EXPORT_SYMBOL_NS_GPL(irq_vecset_uncount, IRQ_VECPOOL);
