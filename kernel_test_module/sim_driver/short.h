/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Random operations on pools of which each runs out of something now and then
 *
 * Both sides draw the same numbers, and hash the whole state of the pool after
 * each operation.
 */
#ifndef _IMSGEN_SHORT_H
#define _IMSGEN_SHORT_H

#include <linux/cpumask.h>
#include <linux/types.h>

/* Operations on each pool, and how many of them between two lines in the log */
#define SHORT_OPERATIONS	10000
#define SHORT_LINE		100

/* Operations after which it turns from more gets to more puts, or back */
#define SHORT_TIDE		400

/*
 * Operations after which the machine changes: few CPU vectors, as many as it likes,
 * as many but few on each CPU
 */
#define SHORT_SPAN		1000
#define SHORT_VECTORS		70
#define SHORT_PLENTY		10000
#define SHORT_PER_CPU		4

/* Gets or puts in a burst */
#define SHORT_BURST		16

/* Vectors which are held at a time, at most */
#define SHORT_HELD		2048

struct short_random {
	u32	state;
};

static inline u32 short_next(struct short_random *random)
{
	u32 x = random->state;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	random->state = x;
	return x;
}

/* As many bits as there are CPUs, which may be none */
static inline void short_mask(struct short_random *random, struct cpumask *mask)
{
	u32 bits = short_next(random) & short_next(random);
	unsigned int cpu;

	cpumask_clear(mask);
	for_each_online_cpu(cpu) {
		if (bits >> (cpu % 32) & 1)
			cpumask_set_cpu(cpu, mask);
	}
}

static inline void short_hash(u32 *hash, u32 value)
{
	*hash = (*hash ^ value) * 16777619U;
}

#endif /* _IMSGEN_SHORT_H */
