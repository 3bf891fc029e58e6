/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Benchmarks of what imsgen generates: the peers, each in a file of its own, so
 * that the compiler treats them as it treats any driver.
 */
#ifndef _IMS_BENCH_H
#define _IMS_BENCH_H

#include <linux/cpumask_types.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/xarray.h>

struct ims_fake;
struct irq_chip;

/**
 * struct mlx_irq - One interrupt of a pool with the policy of mlx5
 * @virq:	Linux interrupt number
 * @index:	Index in the pool
 * @refs:	References
 * @lock:	Serializes changes of @chain
 * @chain:	The attached users
 */
struct mlx_irq {
	unsigned int		virq;
	unsigned int		index;
	unsigned int		refs;
	/* Users come and go under it */
	spinlock_t		lock;
	struct raw_notifier_head chain;
};

/**
 * struct mlx_pool - A pool with the policy of mlx5 in 6.12
 * @lock:	Serializes everything
 * @irqs:	The interrupts by index
 * @limit:	Indexes which can be used
 * @min_threshold: An interrupt with fewer references takes the next user
 * @max_threshold: One with more references is overloaded
 * @overloaded:	Requests which were put on an overloaded interrupt
 * @per_cpu:	Interrupts of each CPU
 * @virqs:	The Linux interrupt number for each index
 */
struct mlx_pool {
	/* Serializes all requests and releases */
	struct mutex	lock;
	struct xarray	irqs;
	struct xa_limit	limit;
	unsigned int	min_threshold;
	unsigned int	max_threshold;
	unsigned long	overloaded;
	u16		*per_cpu;
	unsigned int	*virqs;
};

int mlx_pool_init(struct mlx_pool *pool, unsigned int *virqs, unsigned int nr);
void mlx_pool_exit(struct mlx_pool *pool);
struct mlx_irq *mlx_pool_request(struct mlx_pool *pool, const struct cpumask *mask);
void mlx_pool_release(struct mlx_pool *pool, struct mlx_irq *irq);
void mlx_irq_attach(struct mlx_pool *pool, struct mlx_irq *irq, struct notifier_block *block);
void mlx_irq_detach(struct mlx_pool *pool, struct mlx_irq *irq, struct notifier_block *block);

extern struct irq_chip idxd2022_chip;

/**
 * struct ims_bench_mmio - MMIO accesses of one operation
 * @path:	Which
 * @least:	The least which the rules for such stores permit
 * @ours:	What the generated code makes
 * @peer:	What the hand-written code makes
 */
struct ims_bench_mmio {
	const char	*path;
	unsigned int	least;
	unsigned int	ours;
	unsigned int	peer;
};

#define IMS_BENCH_MMIO	4

void ims_bench_count(struct ims_fake *fake, struct ims_bench_mmio *counts);

#endif /* _IMS_BENCH_H */
