// SPDX-License-Identifier: GPL-2.0
/*
 * Random operations on pools of which each runs out of something now and then, to
 * be done again by the simulator
 */
#include <kunit/ims_fake.h>
#include <kunit/test.h>

#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/interrupt.h>
#include <linux/irqchip/irq-simshort.h>
#include <linux/jiffies.h>
#include <linux/msi.h>
#include <linux/printk.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "short.h"

#define SHORT_MSIX		17
#define SHORT_SLOTS		160
#define SHORT_SEED		2463534242U

struct short_test {
	struct ims_fake		*fake;
	struct simshort_irqs	irqs;
};

static irqreturn_t short_handler(int irq, void *data)
{
	return IRQ_HANDLED;
}

static struct short_test *short_setup(struct kunit *test)
{
	const struct ims_fake_params machine = {
		.msix		= SHORT_MSIX,
		.vectors	= SHORT_VECTORS,
		.supports	= MSI_FLAG_PCI_IMS,
		.bar_size	= SHORT_SLOTS * 16,
	};
	struct short_test *ctx = kunit_kzalloc(test, sizeof(*ctx), GFP_KERNEL);
	struct simshort_irqs_params params = {
		.percpu_handler	= short_handler,
		.least_handler	= short_handler,
	};

	KUNIT_ASSERT_NOT_NULL(test, ctx);
	ctx->fake = ims_fake_create(test, &machine);
	params.bar0 = ctx->fake->bar;
	KUNIT_ASSERT_EQ(test, devm_simshort_irqs_init(&ctx->irqs, ctx->fake->pdev, &params), 0);
	return ctx;
}

/* What the operations have got and not given back, and what time it is in seconds */
struct short_run {
	struct simshort_irqs	*irqs;
	struct irq_vecpool	*pool;
	struct ims_fake		*fake;
	struct short_random	random;
	struct irq_vec		*held[SHORT_HELD];
	unsigned int		nr_held;
	unsigned int		allocated;
	unsigned int		failed;
	unsigned int		now;
	unsigned int		retry;
	unsigned int		cpu_retry[NR_CPUS];
	unsigned long		set;
	u32			cpu_set[NR_CPUS];
	u32			hash;
};

/*
 * When no vector could be made it is tried again after a second. Here a second
 * passes when the random numbers say so: tell the pool before each operation, and
 * look afterwards whether it has begun to wait.
 */
static void short_set_clock(struct short_run *run)
{
	unsigned int cpu;

	run->set = jiffies + (run->now >= run->retry ? 0 : MAX_JIFFY_OFFSET / 2);
	run->pool->retry = run->set;
	for_each_online_cpu(cpu) {
		run->cpu_set[cpu] = run->now >= run->cpu_retry[cpu] ? 0 : (u32)(jiffies + HZ);
		run->pool->cpus[cpu].retry = run->cpu_set[cpu];
	}
}

static void short_read_clock(struct short_run *run)
{
	unsigned int cpu;

	if (run->pool->retry != run->set)
		run->retry = run->now + 1;
	for_each_online_cpu(cpu) {
		if (run->pool->cpus[cpu].retry != run->cpu_set[cpu])
			run->cpu_retry[cpu] = run->pool->cpus[cpu].retry ? run->now + 1 : 0;
	}
}

static void short_machine(struct ims_fake *fake, unsigned int span)
{
	fake->params.vectors = span % 3 ? SHORT_PLENTY : SHORT_VECTORS;
	fake->params.vectors_per_cpu = span % 3 == 2 ? SHORT_PER_CPU : 0;
}

static void short_hash_vec(struct short_run *run, struct irq_vec *vec)
{
	if (!vec) {
		short_hash(&run->hash, 0);
		return;
	}
	short_hash(&run->hash, atomic_read(&vec->users));
	short_hash(&run->hash, vec->cpu);
	short_hash(&run->hash, vec->dedicated);
}

/* Everything that there is in the pool */
static void short_hash_state(struct short_run *run)
{
	struct irq_vecpool *pool = run->pool;
	struct irq_vec *vec, *open;
	unsigned int i;

	for (i = 0; i < pool->nr; i++)
		short_hash_vec(run, pool->vecs[i]);
	for_each_online_cpu(i) {
		open = rcu_access_pointer(pool->cpus[i].open);
		short_hash(&run->hash, open ? open->entry + 1 : 0);
		list_for_each_entry(vec, &pool->cpus[i].vecs, list)
			short_hash(&run->hash, vec->entry + 1);
		short_hash(&run->hash, run->fake->on_cpu[i]);
	}
	short_hash(&run->hash, pool->full);
	short_hash(&run->hash, pool->made);
	short_hash(&run->hash, pool->shared_full);
	short_hash(&run->hash, pool->elsewhere);
	short_hash(&run->hash, run->fake->active);
	short_hash(&run->hash, run->fake->allocated - run->allocated);
}

static void short_put(struct short_run *run, struct irq_vec *vec)
{
	if (run->pool == &run->irqs->least)
		simshort_least_put(vec);
	else
		simshort_percpu_put(vec);
}

static void short_keep(struct short_run *run, struct irq_vec *vec)
{
	if (IS_ERR(vec)) {
		run->failed++;
		short_hash(&run->hash, -PTR_ERR(vec));
		return;
	}
	short_hash(&run->hash, vec->entry);
	run->held[run->nr_held++] = vec;
}

static void short_one_get(struct short_run *run, unsigned int cpu, const struct cpumask *mask)
{
	if (run->nr_held == SHORT_HELD)
		return;
	short_set_clock(run);
	if (run->pool == &run->irqs->least)
		short_keep(run, simshort_least_get(run->irqs, mask));
	else
		short_keep(run, simshort_percpu_get(run->irqs, cpu));
	short_read_clock(run);
}

static void short_one_dedicated(struct short_run *run, unsigned int cpu)
{
	struct irq_vec *vec;
	int ret;

	if (run->nr_held == SHORT_HELD)
		return;
	if (run->pool == &run->irqs->least)
		vec = simshort_least_get_dedicated(run->irqs, cpumask_of(cpu));
	else
		vec = simshort_percpu_get_dedicated(run->irqs, cpumask_of(cpu));
	if (!IS_ERR(vec)) {
		ret = request_irq(vec->irq, short_handler, 0, "simshort", vec);
		if (ret) {
			short_put(run, vec);
			vec = ERR_PTR(ret);
		}
	}
	short_keep(run, vec);
}

static void short_one_put(struct short_run *run, u32 number)
{
	struct irq_vec *vec;
	unsigned int i;

	if (!run->nr_held)
		return;
	i = number % run->nr_held;
	vec = run->held[i];
	run->held[i] = run->held[--run->nr_held];
	if (vec->dedicated)
		free_irq(vec->irq, vec);
	short_set_clock(run);
	short_put(run, vec);
	short_read_clock(run);
}

static void short_operation(struct short_run *run, unsigned int number, struct cpumask *mask)
{
	u32 word = short_next(&run->random) % 100, draw = short_next(&run->random);
	unsigned int gets = number / SHORT_TIDE % 2 ? 25 : 60, i;
	unsigned int cpu = draw % num_online_cpus();

	short_mask(&run->random, mask);
	if (word < gets) {
		short_one_get(run, cpu, mask);
	} else if (word < gets + 6) {
		short_one_dedicated(run, cpu);
	} else if (word < gets + 8) {
		for (i = 0; i < SHORT_BURST; i++)
			short_one_get(run, cpu, mask);
	} else if (word < gets + 10) {
		for (i = 0; i < SHORT_BURST; i++)
			short_one_put(run, short_next(&run->random));
	} else if (word < gets + 13) {
		run->now++;
	} else {
		short_one_put(run, draw);
	}
}

static void short_operations(struct kunit *test, struct short_test *ctx, struct irq_vecpool *pool,
			     const char *name)
{
	struct short_run *run = kunit_kzalloc(test, sizeof(*run), GFP_KERNEL);
	struct cpumask *mask = kunit_kzalloc(test, cpumask_size(), GFP_KERNEL);
	unsigned int number;

	KUNIT_ASSERT_NOT_NULL(test, run);
	KUNIT_ASSERT_NOT_NULL(test, mask);
	run->irqs = &ctx->irqs;
	run->pool = pool;
	run->fake = ctx->fake;
	run->allocated = ctx->fake->allocated;
	run->random.state = SHORT_SEED;
	run->hash = 2166136261U;
	pr_info("sim: {\"test\": \"short\", \"pool\": \"%s\", \"cpus\": %u, \"entries\": %u, \"vectors\": %u, \"seed\": %u}\n",
		name, num_online_cpus(), pool->nr, SHORT_VECTORS, SHORT_SEED);

	for (number = 0; number < SHORT_OPERATIONS; number++) {
		short_machine(ctx->fake, number / SHORT_SPAN);
		short_operation(run, number, mask);
		short_hash_state(run);
		if (number % SHORT_LINE == SHORT_LINE - 1)
			pr_info("sim: {\"test\": \"short\", \"pool\": \"%s\", \"operation\": %u, \"hash\": %u, \"held\": %u, \"active\": %u, \"made\": %lu, \"shared_full\": %lu, \"elsewhere\": %lu, \"failed\": %u}\n",
				name, number + 1, run->hash, run->nr_held, ctx->fake->active,
				pool->made, pool->shared_full, pool->elsewhere, run->failed);
		cond_resched();
	}

	while (run->nr_held)
		short_one_put(run, 0);
	KUNIT_EXPECT_EQ(test, ctx->fake->active, 0);
}

static void percpu_random_operations(struct kunit *test)
{
	struct short_test *ctx = short_setup(test);

	short_operations(test, ctx, &ctx->irqs.percpu, "percpu");
}

static void least_random_operations(struct kunit *test)
{
	struct short_test *ctx = short_setup(test);

	short_operations(test, ctx, &ctx->irqs.least, "least");
}

static struct kunit_case short_cases[] = {
	KUNIT_CASE_SLOW(percpu_random_operations),
	KUNIT_CASE_SLOW(least_random_operations),
	{ }
};

static struct kunit_suite short_suite = {
	.name		= "ims_sim_short",
	.test_cases	= short_cases,
};

kunit_test_suite(short_suite);
