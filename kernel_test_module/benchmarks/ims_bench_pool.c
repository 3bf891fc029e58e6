// SPDX-License-Identifier: GPL-2.0
/*
 * A peer for the attach benchmark: the way in which mlx5 of 6.12 finds an
 * interrupt for a user. One mutex, a scan of all interrupts of the pool for those
 * whose effective affinity fits, thresholds for reuse and for overload. It makes
 * an interrupt when it may, else it shares the least used one.
 *
 * Left out, which makes it faster than the original: the RCU grace period for
 * which leaving its chain of notifiers waits, synchronize_irq(), sysfs.
 */
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/irq.h>
#include <linux/slab.h>

#include "ims_bench.h"

/* Each user holds two references, and up to 8 of them share an interrupt */
#define MLX_REFS		2
#define MLX_MIN_USERS		1
#define MLX_MAX_USERS		8

static unsigned int mlx_least_loaded_cpu(struct mlx_pool *pool, const struct cpumask *mask)
{
	unsigned int cpu, best = nr_cpu_ids;

	for_each_cpu_and(cpu, mask, cpu_online_mask) {
		if (best == nr_cpu_ids || pool->per_cpu[cpu] < pool->per_cpu[best])
			best = cpu;
		if (!pool->per_cpu[best])
			break;
	}
	return best < nr_cpu_ids ? best : cpumask_first(cpu_online_mask);
}

static struct mlx_irq *mlx_make(struct mlx_pool *pool, const struct cpumask *mask)
{
	struct mlx_irq *irq;
	u32 index;
	int ret;

	ret = xa_alloc(&pool->irqs, &index, NULL, pool->limit, GFP_KERNEL);
	if (ret)
		return ERR_PTR(ret);

	irq = kzalloc(sizeof(*irq), GFP_KERNEL);
	if (!irq) {
		xa_erase(&pool->irqs, index);
		return ERR_PTR(-ENOMEM);
	}

	irq->virq = pool->virqs[index];
	irq->index = index;
	irq->refs = 1;
	spin_lock_init(&irq->lock);
	RAW_INIT_NOTIFIER_HEAD(&irq->chain);
	pool->per_cpu[mlx_least_loaded_cpu(pool, mask)]++;
	xa_store(&pool->irqs, index, irq, GFP_KERNEL);
	return irq;
}

static struct mlx_irq *mlx_find(struct mlx_pool *pool, const struct cpumask *mask)
{
	const struct cpumask *effective;
	struct mlx_irq *irq, *best = NULL;
	unsigned long index;

	xa_for_each_range(&pool->irqs, index, irq, pool->limit.min, pool->limit.max) {
		effective = irq_get_effective_affinity_mask(irq->virq);
		if (!effective || !cpumask_subset(effective, mask))
			continue;
		if (irq->refs < pool->min_threshold)
			return irq;
		if (!best || irq->refs < best->refs)
			best = irq;
	}
	return best;
}

/**
 * mlx_pool_request - Find or make an interrupt for a user
 * @pool:	The pool
 * @mask:	CPUs which may be interrupted
 *
 * Context: Task context, may sleep. Takes mlx_pool::lock.
 *
 * Return: The interrupt, ERR_PTR() when there is none and none can be made
 */
struct mlx_irq *mlx_pool_request(struct mlx_pool *pool, const struct cpumask *mask)
{
	struct mlx_irq *irq, *made;

	mutex_lock(&pool->lock);
	irq = mlx_find(pool, mask);
	if (!irq || irq->refs >= pool->min_threshold) {
		made = mlx_make(pool, mask);
		if (!IS_ERR(made) || !irq) {
			mutex_unlock(&pool->lock);
			return made;
		}
	}
	irq->refs++;
	if (irq->refs > pool->max_threshold)
		pool->overloaded++;
	mutex_unlock(&pool->lock);
	return irq;
}

/**
 * mlx_pool_release - Give a reference back
 * @pool:	The pool
 * @irq:	The interrupt
 *
 * Context: Task context, may sleep. Takes mlx_pool::lock.
 */
void mlx_pool_release(struct mlx_pool *pool, struct mlx_irq *irq)
{
	mutex_lock(&pool->lock);
	if (!--irq->refs) {
		xa_erase(&pool->irqs, irq->index);
		kfree(irq);
	}
	mutex_unlock(&pool->lock);
}

/**
 * mlx_irq_attach - Have a user called for each interrupt, which takes a reference
 * @pool:	The pool
 * @irq:	The interrupt
 * @block:	What to call
 *
 * Context: Task context, may sleep. Takes mlx_pool::lock.
 */
void mlx_irq_attach(struct mlx_pool *pool, struct mlx_irq *irq, struct notifier_block *block)
{
	unsigned long flags;

	mutex_lock(&pool->lock);
	irq->refs++;
	mutex_unlock(&pool->lock);

	spin_lock_irqsave(&irq->lock, flags);
	raw_notifier_chain_register(&irq->chain, block);
	spin_unlock_irqrestore(&irq->lock, flags);
}

/**
 * mlx_irq_detach - Stop calling a user
 * @pool:	The pool
 * @irq:	The interrupt
 * @block:	What was called
 *
 * Context: Task context, may sleep. Takes mlx_pool::lock.
 */
void mlx_irq_detach(struct mlx_pool *pool, struct mlx_irq *irq, struct notifier_block *block)
{
	unsigned long flags;

	spin_lock_irqsave(&irq->lock, flags);
	raw_notifier_chain_unregister(&irq->chain, block);
	spin_unlock_irqrestore(&irq->lock, flags);

	mlx_pool_release(pool, irq);
}

/**
 * mlx_pool_init - Set up a pool without any interrupt
 * @pool:	The pool
 * @virqs:	What it makes its interrupts from, by index
 * @nr:		Their number
 *
 * Return: 0 or -ENOMEM
 */
int mlx_pool_init(struct mlx_pool *pool, unsigned int *virqs, unsigned int nr)
{
	mutex_init(&pool->lock);
	xa_init_flags(&pool->irqs, XA_FLAGS_ALLOC);
	pool->limit = XA_LIMIT(0, nr - 1);
	pool->min_threshold = MLX_MIN_USERS * MLX_REFS;
	pool->max_threshold = MLX_MAX_USERS * MLX_REFS;
	pool->overloaded = 0;
	pool->virqs = virqs;
	pool->per_cpu = kcalloc(nr_cpu_ids, sizeof(*pool->per_cpu), GFP_KERNEL);
	return pool->per_cpu ? 0 : -ENOMEM;
}

/**
 * mlx_pool_exit - Release what a pool holds
 * @pool:	The pool
 */
void mlx_pool_exit(struct mlx_pool *pool)
{
	struct mlx_irq *irq;
	unsigned long index;

	xa_for_each(&pool->irqs, index, irq)
		kfree(irq);
	xa_destroy(&pool->irqs);
	kfree(pool->per_cpu);
}
