/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The operations on one pool of the device. Included once for each of them, with
 * SHORT_POOL as its name, and SHORT_LEAST where the pool chooses the CPU.
 */
#define SHORT_PASTE(pool, name)		simshort_##pool##_##name
#define SHORT_EXPAND(pool, name)	SHORT_PASTE(pool, name)
#define SHORT_FN(name)			SHORT_EXPAND(SHORT_POOL, name)
#define short_run			SHORT_FN(run)
#define short_vec			SHORT_FN(vec)
#define short_entries			SHORT_FN(pool)

/* What the operations have got and not given back, and what time it is */
struct short_run {
	struct simshort_irqs	*irqs;
	struct ims_fake		*fake;
	struct short_random	random;
	struct short_vec	*held[SHORT_HELD];
	unsigned int		nr_held;
	unsigned int		allocated;
	unsigned int		failed;
	bool			passed;
	u32			hash;
};

static void SHORT_FN(hash_vec)(struct short_run *run, struct short_vec *vec)
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
static void SHORT_FN(hash_state)(struct short_run *run)
{
	struct short_entries *pool = &run->irqs->SHORT_POOL;
	struct short_vec *vec, *open;
	unsigned int i;

	for (i = 0; i < pool->nr; i++)
		SHORT_FN(hash_vec)(run, pool->vecs[i]);
	for_each_online_cpu(i) {
		open = rcu_access_pointer(pool->cpus[i].open);
		short_hash(&run->hash, open ? open->entry + 1 : 0);
		list_for_each_entry(vec, &pool->cpus[i].vecs, list)
			short_hash(&run->hash, vec->entry + 1);
	}
	short_hash(&run->hash, pool->full);
	short_hash(&run->hash, pool->made);
	short_hash(&run->hash, pool->shared_full);
	short_hash(&run->hash, run->fake->active);
	short_hash(&run->hash, run->fake->allocated - run->allocated);
}

static void SHORT_FN(keep)(struct short_run *run, struct short_vec *vec)
{
	if (IS_ERR(vec)) {
		run->failed++;
		short_hash(&run->hash, -PTR_ERR(vec));
		return;
	}
	short_hash(&run->hash, vec->entry);
	run->held[run->nr_held++] = vec;
}

/*
 * A full pool tries to make a vector once a second. Here a second passes when the
 * random numbers say so, until the pool has tried.
 */
static void SHORT_FN(one_get)(struct short_run *run, unsigned int cpu, const struct cpumask *mask)
{
	unsigned long retry = jiffies + (run->passed ? 0 : MAX_JIFFY_OFFSET / 2);

	if (run->nr_held == SHORT_HELD)
		return;
	run->irqs->SHORT_POOL.retry = retry;
#ifdef SHORT_LEAST
	SHORT_FN(keep)(run, SHORT_FN(get)(run->irqs, mask));
#else
	SHORT_FN(keep)(run, SHORT_FN(get)(run->irqs, cpu));
#endif
	if (run->irqs->SHORT_POOL.retry != retry)
		run->passed = false;
}

static void SHORT_FN(one_dedicated)(struct short_run *run, unsigned int cpu)
{
	struct short_vec *vec;
	int ret;

	if (run->nr_held == SHORT_HELD)
		return;
	vec = SHORT_FN(get_dedicated)(run->irqs, cpumask_of(cpu));
	if (!IS_ERR(vec)) {
		ret = request_irq(vec->irq, short_handler, 0, "simshort", vec);
		if (ret) {
			SHORT_FN(put)(vec);
			vec = ERR_PTR(ret);
		}
	}
	SHORT_FN(keep)(run, vec);
}

static void SHORT_FN(one_put)(struct short_run *run, u32 number)
{
	struct short_vec *vec;
	unsigned int i;

	if (!run->nr_held)
		return;
	i = number % run->nr_held;
	vec = run->held[i];
	run->held[i] = run->held[--run->nr_held];
	if (vec->dedicated)
		free_irq(vec->irq, vec);
	SHORT_FN(put)(vec);
}

static void SHORT_FN(operation)(struct short_run *run, unsigned int number, struct cpumask *mask)
{
	u32 word = short_next(&run->random) % 100, draw = short_next(&run->random);
	unsigned int gets = number / SHORT_TIDE % 2 ? 25 : 60, i;
	unsigned int cpu = draw % num_online_cpus();

	short_mask(&run->random, mask);
	if (word < gets) {
		SHORT_FN(one_get)(run, cpu, mask);
	} else if (word < gets + 6) {
		SHORT_FN(one_dedicated)(run, cpu);
	} else if (word < gets + 8) {
		for (i = 0; i < SHORT_BURST; i++)
			SHORT_FN(one_get)(run, cpu, mask);
	} else if (word < gets + 10) {
		for (i = 0; i < SHORT_BURST; i++)
			SHORT_FN(one_put)(run, short_next(&run->random));
	} else if (word < gets + 13) {
		run->passed = true;
	} else {
		SHORT_FN(one_put)(run, draw);
	}
}

static void SHORT_FN(random_operations)(struct kunit *test)
{
	struct short_test *ctx = short_setup(test);
	struct short_run *run = kunit_kzalloc(test, sizeof(*run), GFP_KERNEL);
	struct short_entries *pool = &ctx->irqs.SHORT_POOL;
	struct cpumask *mask = kunit_kzalloc(test, cpumask_size(), GFP_KERNEL);
	unsigned int number;

	KUNIT_ASSERT_NOT_NULL(test, run);
	KUNIT_ASSERT_NOT_NULL(test, mask);
	run->irqs = &ctx->irqs;
	run->fake = ctx->fake;
	run->allocated = ctx->fake->allocated;
	run->random.state = SHORT_SEED;
	run->hash = 2166136261U;
	pr_info("sim: {\"test\": \"short\", \"pool\": \"%s\", \"cpus\": %u, \"entries\": %u, \"vectors\": %u, \"seed\": %u}\n",
		__stringify(SHORT_POOL), num_online_cpus(), pool->nr, SHORT_VECTORS, SHORT_SEED);

	for (number = 0; number < SHORT_OPERATIONS; number++) {
		/* The machine has fewer CPU vectors than the pool has entries, or has not */
		ctx->fake->params.vectors = number / SHORT_SPAN % 2 ? SHORT_PLENTY : SHORT_VECTORS;
		SHORT_FN(operation)(run, number, mask);
		SHORT_FN(hash_state)(run);
		if (number % SHORT_LINE == SHORT_LINE - 1)
			pr_info("sim: {\"test\": \"short\", \"pool\": \"%s\", \"operation\": %u, \"hash\": %u, \"held\": %u, \"active\": %u, \"made\": %lu, \"shared_full\": %lu, \"failed\": %u}\n",
				__stringify(SHORT_POOL), number + 1, run->hash, run->nr_held,
				ctx->fake->active, pool->made, pool->shared_full, run->failed);
		cond_resched();
	}

	while (run->nr_held)
		SHORT_FN(one_put)(run, 0);
	KUNIT_EXPECT_EQ(test, ctx->fake->active, 0);
}

#undef SHORT_PASTE
#undef SHORT_EXPAND
#undef SHORT_FN
#undef short_run
#undef short_vec
#undef short_entries
#undef SHORT_POOL
#undef SHORT_LEAST
