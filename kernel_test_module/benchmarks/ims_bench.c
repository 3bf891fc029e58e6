// SPDX-License-Identifier: GPL-2.0
/*
 * Benchmarks of the library and of what imsgen generates against what drivers do
 * today
 *
 * Both sides run in the same boot, turn by turn. Each turn gives one line of
 * nanoseconds/operations for either side; the reader of the log takes the medians.
 * Path, n and sides stand in the line.
 */
#include <kunit/ims_fake.h>
#include <kunit/test.h>

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/cache.h>
#include <linux/cpumask.h>
#include <linux/irq.h>
#include <linux/irq_vecpool.h>
#include <linux/irqchip/irq-bench.h>
#include <linux/irqchip/irq-benchtab.h>
#include <linux/irqdomain.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/msi.h>
#include <linux/notifier.h>
#include <linux/overflow.h>
#include <linux/pci.h>
#include <linux/rculist.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "ims_bench.h"

#define BENCH_ROUNDS		100
#define BENCH_SIDES		4
#define BENCH_SLOT		16
#define BENCH_VECTORS		8192

/* A turn is long enough for the clock, and short enough for the two to alternate */
#define BENCH_TURN_NS		(200 * NSEC_PER_USEC)
#define BENCH_MAX_OPS		BIT(20)

/* Odd, so that its multiples visit all indexes below a power of 2, not in order */
#define BENCH_STEP		1237U

/**
 * struct bench_side - One of those which are compared
 * @name:	Its name in the result
 * @run:	Does the operation a number of times
 * @data:	First argument of @run
 * @rival:	What the other CPU does meanwhile, if there is one
 * @each:	How often @run does it for each of @ops, 0 for once
 * @ops:	Operations in a turn
 */
struct bench_side {
	const char	*name;
	void		(*run)(void *data, unsigned int ops);
	void		*data;
	void		(*rival)(void *data, unsigned int ops);
	unsigned int	each;
	unsigned int	ops;
};

/**
 * struct bench_queue - A user of a vector, as a driver has many
 * @user:	Its place on a vector
 * @count:	How often it was called
 */
struct bench_queue {
	struct irq_vec_user	user;
	unsigned long		count;
} ____cacheline_aligned;

struct bench_notified {
	struct notifier_block	block;
	unsigned long		count;
} ____cacheline_aligned;

struct bench_listed {
	struct list_head	list;
	unsigned long		count;
} ____cacheline_aligned;

/* What does the attaching: a CPU, a queue, and where to */
struct bench_attacher {
	struct bench_irqs	*irqs;
	struct mlx_pool		*pool;
	unsigned int		cpu;
	struct bench_queue	queue;
	struct notifier_block	block;
};

/**
 * struct bench - What a case works on
 * @fake:	The fake device
 * @irqs:	The interrupts of the device with a store
 * @tab:	The interrupts of the device with a table
 * @n:		Vectors, a power of 2
 * @cpus:	CPUs on which they are
 * @vecs:	The vectors
 * @virqs:	Their Linux interrupt numbers
 * @datas:	Their interrupt data in the domain of the store
 * @pool:	The peer's pool
 * @msg:	A message to write
 * @here:	Attaches from the CPU which measures
 * @there:	Attaches from the other CPU
 * @task:	Runs on the other CPU
 * @rival:	What it does
 * @seen:	What it does by now
 */
struct bench {
	struct ims_fake		*fake;
	struct bench_irqs	irqs;
	struct benchtab_irqs	tab;
	unsigned int		n;
	unsigned int		cpus;
	struct irq_vec		**vecs;
	unsigned int		*virqs;
	struct irq_data		**datas;
	struct mlx_pool		pool;
	struct msi_msg		msg;
	struct bench_attacher	here;
	struct bench_attacher	there;
	struct task_struct	*task;
	void			(*rival)(void *data, unsigned int ops);
	void			(*seen)(void *data, unsigned int ops);
};

/* Results go here, so that nothing can be left out */
static unsigned long bench_sink;

/* --- Measuring -------------------------------------------------------------- */

static u64 bench_turn(struct bench *bench, const struct bench_side *side)
{
	u64 begin;

	if (bench->task) {
		WRITE_ONCE(bench->rival, side->rival);
		while (READ_ONCE(bench->seen) != side->rival)
			cond_resched();
	}

	/* What the one before has left in the caches is not to be measured */
	side->run(side->data, 1);

	begin = ktime_get_ns();
	side->run(side->data, side->ops);
	return ktime_get_ns() - begin;
}

/* The MMIO accesses of one operation, where all of them can be seen */
static unsigned int bench_mmio(struct bench *bench, const struct bench_side *side)
{
	ims_fake_log_start(bench->fake);
	side->run(side->data, 1);
	return (bench->fake->reads + bench->fake->writes) / (side->each ?: 1);
}

static void bench_report_mmio(struct kunit *test, const char *device, const char *path,
			      unsigned int n, const struct bench_side *sides, unsigned int nr)
{
	unsigned int i;
	char text[160];
	int len = 0;

	for (i = 0; i < nr; i++)
		len += scnprintf(text + len, sizeof(text) - len, " %s=%u", sides[i].name,
				 bench_mmio(test->priv, &sides[i]));
	kunit_info(test, "imsmmio %s %s %u%s\n", device, path, n, text);
}

static void bench_compare(struct kunit *test, const char *device, const char *path,
			  unsigned int n, struct bench_side *sides, unsigned int nr)
{
	struct bench *bench = test->priv;
	unsigned int round, i;
	u64 ns[BENCH_SIDES];

	for (i = 0; i < nr; i++) {
		sides[i].ops = 1;
		while (bench_turn(bench, &sides[i]) < BENCH_TURN_NS &&
		       sides[i].ops < BENCH_MAX_OPS)
			sides[i].ops *= 2;
	}

	if (ims_fake_counts_chip())
		bench_report_mmio(test, device, path, n, sides, nr);

	for (round = 0; round < BENCH_ROUNDS; round++) {
		char text[160];
		int len = 0;

		/* Whoever comes first in this round comes last in the next one */
		for (i = 0; i < nr; i++) {
			unsigned int turn = (round + i) % nr;

			ns[turn] = bench_turn(bench, &sides[turn]);
		}
		for (i = 0; i < nr; i++)
			len += scnprintf(text + len, sizeof(text) - len, " %s=%llu/%u",
					 sides[i].name, ns[i],
					 sides[i].ops * (sides[i].each ?: 1));
		kunit_info(test, "imsbench %s %s %u%s\n", device, path, n, text);
		cond_resched();
	}
}

/* --- Setting up ------------------------------------------------------------- */

static noinline irqreturn_t bench_handler(int irq, void *data);

static irqreturn_t benchtab_handler(int irq, void *data)
{
	return IRQ_NONE;
}

static struct bench *bench_alloc(struct kunit *test, unsigned int n)
{
	struct bench *bench = kunit_kzalloc(test, sizeof(*bench), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, bench);
	KUNIT_ASSERT_EQ(test, set_cpus_allowed_ptr(current, cpumask_of(0)), 0);
	test->priv = bench;
	bench->n = n;
	bench->cpus = n > 1 && num_online_cpus() > 1 ? 2 : 1;
	bench->vecs = kunit_kcalloc(test, n, sizeof(*bench->vecs), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, bench->vecs);
	bench->virqs = kunit_kcalloc(test, n, sizeof(*bench->virqs), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, bench->virqs);
	bench->datas = kunit_kcalloc(test, n, sizeof(*bench->datas), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, bench->datas);
	return bench;
}

static struct bench *bench_create(struct kunit *test, unsigned int n)
{
	const struct ims_fake_params machine = {
		.vectors	= BENCH_VECTORS,
		.supports	= MSI_FLAG_PCI_IMS,
		.bar_size	= PAGE_ALIGN(n * BENCH_SLOT),
	};
	struct bench *bench = bench_alloc(test, n);
	struct bench_irqs_params params = {
		.ims_slots	= n,
		.wq_handler	= bench_handler,
	};

	bench->fake = ims_fake_create(test, &machine);
	params.bar0 = bench->fake->bar;
	KUNIT_ASSERT_EQ(test, devm_bench_irqs_init(&bench->irqs, bench->fake->pdev, &params), 0);
	return bench;
}

/* Each vector keeps as many users as the peer's pool wants before it makes another */
#define BENCH_KEPT	2

static void bench_put_all(void *data)
{
	struct bench *bench = data;
	unsigned int i, j;

	for (i = 0; i < bench->n && bench->vecs[i]; i++) {
		for (j = 0; j < BENCH_KEPT; j++)
			bench_wq_put(bench->vecs[i]);
	}
}

/* All vectors exist, in turn on each CPU, and there is room on each of them */
static void bench_make_vectors(struct kunit *test)
{
	struct bench *bench = test->priv;
	struct irq_vec *vec = NULL;
	bool complete = true;
	unsigned int i, j;

	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, bench_put_all, bench), 0);

	for (i = 0; i < bench->n && complete; i++) {
		for (j = 0; j < BENCH_WQ_LIMIT; j++) {
			vec = bench_wq_get(&bench->irqs, i % bench->cpus);
			if (IS_ERR(vec) || vec->entry != i) {
				complete = false;
				break;
			}
			bench->vecs[i] = vec;
		}
	}
	if (!complete) {
		/* The one which failed has none; all before it have all of theirs */
		if (!IS_ERR_OR_NULL(vec))
			bench_wq_put(vec);
		i--;
		bench->vecs[i] = NULL;
	}
	while (i--) {
		for (j = BENCH_KEPT; j < BENCH_WQ_LIMIT; j++)
			bench_wq_put(bench->vecs[i]);
	}
	if (!complete)
		kunit_skip(test, "the kernel has no %u interrupts to give", bench->n);

	for (i = 0; i < bench->n; i++) {
		bench->virqs[i] = bench->vecs[i]->irq;
		bench->datas[i] = irq_get_irq_data(bench->virqs[i]);
	}
}

static void bench_free_pool(void *data)
{
	mlx_pool_exit(data);
}

/* The peer's pool on the same vectors, each with as many users */
static void bench_make_pool(struct kunit *test)
{
	struct bench *bench = test->priv;
	unsigned int i, j;

	KUNIT_ASSERT_EQ(test, mlx_pool_init(&bench->pool, bench->virqs, bench->n), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, bench_free_pool, &bench->pool), 0);
	for (i = 0; i < bench->n; i++) {
		for (j = 0; j < BENCH_KEPT; j++) {
			struct mlx_irq *irq;

			irq = mlx_pool_request(&bench->pool, cpumask_of(i % bench->cpus));
			KUNIT_ASSERT_NOT_ERR_OR_NULL(test, irq);
			KUNIT_ASSERT_EQ(test, irq->virq, bench->virqs[i]);
		}
	}
}

/* --- Attach ----------------------------------------------------------------- */

static void bench_attach_ours(void *data, unsigned int ops)
{
	struct bench_attacher *a = data;
	struct irq_vec *vec;

	while (ops--) {
		vec = bench_wq_get(a->irqs, a->cpu);
		bench_wq_attach(vec, &a->queue.user);
		bench_wq_detach(&a->queue.user);
		bench_wq_put(vec);
	}
}

static void bench_attach_mlx5(void *data, unsigned int ops)
{
	struct bench_attacher *a = data;
	struct mlx_irq *irq;

	while (ops--) {
		irq = mlx_pool_request(a->pool, cpumask_of(a->cpu));
		mlx_irq_attach(a->pool, irq, &a->block);
		mlx_irq_detach(a->pool, irq, &a->block);
		mlx_pool_release(a->pool, irq);
	}
}

static void bench_attach_setup(struct kunit *test, unsigned int n)
{
	struct bench *bench = bench_create(test, n);

	bench_make_vectors(test);
	bench_make_pool(test);
	bench->here = (struct bench_attacher) {
		.irqs	= &bench->irqs,
		.pool	= &bench->pool,
	};
	bench->there = bench->here;
	bench->there.cpu = 1;
}

static void bench_attach(struct kunit *test)
{
	const unsigned int *n = test->param_value;
	struct bench_side sides[] = {
		{ .name = "ours", .run = bench_attach_ours },
		{ .name = "mlx5", .run = bench_attach_mlx5 },
	};
	struct bench *bench;

	bench_attach_setup(test, *n);
	bench = test->priv;
	sides[0].data = &bench->here;
	sides[1].data = &bench->here;
	bench_compare(test, "bench", "attach", *n, sides, ARRAY_SIZE(sides));
}

/* Keeps the other CPU as busy as attaching does, on nothing which is shared */
static void bench_spin(void *data, unsigned int ops)
{
	ops *= 64;
	while (ops--)
		barrier();
}

static int bench_rival(void *data)
{
	struct bench *bench = data;
	void (*rival)(void *data, unsigned int ops);

	while (!kthread_should_stop()) {
		rival = READ_ONCE(bench->rival);
		WRITE_ONCE(bench->seen, rival);
		if (rival)
			rival(&bench->there, 16);
		cond_resched();
	}
	return 0;
}

static void bench_stop_rival(void *data)
{
	struct bench *bench = data;

	kthread_stop(bench->task);
	bench->task = NULL;
}

static void bench_contended(struct kunit *test)
{
	const unsigned int *n = test->param_value;
	struct bench_side sides[] = {
		{ .name = "ours", .run = bench_attach_ours, .rival = bench_attach_ours },
		{ .name = "ours-alone", .run = bench_attach_ours, .rival = bench_spin },
		{ .name = "mlx5", .run = bench_attach_mlx5, .rival = bench_attach_mlx5 },
		{ .name = "mlx5-alone", .run = bench_attach_mlx5, .rival = bench_spin },
	};
	struct task_struct *task;
	struct bench *bench;
	unsigned int i;

	if (num_online_cpus() < 2)
		kunit_skip(test, "there is one CPU only");

	bench_attach_setup(test, *n);
	bench = test->priv;
	for (i = 0; i < ARRAY_SIZE(sides); i++)
		sides[i].data = &bench->here;

	task = kthread_create_on_cpu(bench_rival, bench, 1, "ims-bench/%u");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, task);
	bench->task = task;
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, bench_stop_rival, bench), 0);
	wake_up_process(task);
	bench_compare(test, "bench", "attach-contended", *n, sides, ARRAY_SIZE(sides));
}

/* --- Mask, unmask, write ------------------------------------------------------ */

#define BENCH_CHIP_OP(name, chip, call)						\
static void bench_##name(void *data, unsigned int ops)				\
{										\
	struct bench *bench = data;						\
	struct irq_data *d;							\
	const struct irq_chip *c = chip;					\
										\
	while (ops--) {								\
		d = bench->datas[(ops * BENCH_STEP) & (bench->n - 1)];		\
		call;								\
	}									\
}

#define BENCH_OURS	irq_data_get_irq_chip(bench->datas[0])

BENCH_CHIP_OP(mask_ours, BENCH_OURS, c->irq_mask(d))
BENCH_CHIP_OP(mask_peer, &idxd2022_chip, c->irq_mask(d))
BENCH_CHIP_OP(unmask_ours, BENCH_OURS, c->irq_unmask(d))
BENCH_CHIP_OP(unmask_peer, &idxd2022_chip, c->irq_unmask(d))
BENCH_CHIP_OP(write_ours, BENCH_OURS, c->irq_write_msi_msg(d, &bench->msg))
BENCH_CHIP_OP(write_peer, &idxd2022_chip, c->irq_write_msi_msg(d, &bench->msg))

static void bench_chip(struct kunit *test)
{
	const unsigned int *n = test->param_value;
	static const struct {
		const char	*path;
		void		(*ours)(void *data, unsigned int ops);
		void		(*peer)(void *data, unsigned int ops);
	} paths[] = {
		{ "mask", bench_mask_ours, bench_mask_peer },
		{ "unmask", bench_unmask_ours, bench_unmask_peer },
		{ "write", bench_write_ours, bench_write_peer },
	};
	struct ims_bench_mmio counts[IMS_BENCH_MMIO];
	struct bench *bench = bench_create(test, *n);
	unsigned int i;

	ims_bench_count(bench->fake, counts);
	bench_make_vectors(test);
	bench->msg.data = 1;

	for (i = 0; i < ARRAY_SIZE(paths); i++) {
		struct bench_side sides[] = {
			{ .name = "ours", .run = paths[i].ours, .data = bench },
			{ .name = "idxd2022", .run = paths[i].peer, .data = bench },
		};

		KUNIT_EXPECT_LE(test, counts[i].ours, counts[i].peer);
		KUNIT_EXPECT_EQ(test, counts[i].ours, counts[i].least);
		if (ims_fake_counts_chip()) {
			KUNIT_EXPECT_EQ(test, bench_mmio(bench, &sides[0]), counts[i].ours);
			KUNIT_EXPECT_EQ(test, bench_mmio(bench, &sides[1]), counts[i].peer);
		} else {
			kunit_info(test, "imsmmio bench %s %u ours=%u idxd2022=%u\n",
				   counts[i].path, *n, counts[i].ours, counts[i].peer);
		}
		bench_compare(test, "bench", counts[i].path, *n, sides, ARRAY_SIZE(sides));
	}
}

/* --- Dispatch ----------------------------------------------------------------- */

static irqreturn_t bench_queue_irq(struct irq_vec_user *user)
{
	container_of(user, struct bench_queue, user)->count++;
	return IRQ_HANDLED;
}

static noinline irqreturn_t bench_handler(int irq, void *data)
{
	return bench_wq_dispatch(data, bench_queue_irq);
}

static int bench_notified(struct notifier_block *block, unsigned long action, void *data)
{
	container_of(block, struct bench_notified, block)->count++;
	return NOTIFY_OK;
}

static noinline irqreturn_t bench_notifier_handler(int irq, void *data)
{
	atomic_notifier_call_chain(data, 0, NULL);
	return IRQ_HANDLED;
}

static noinline irqreturn_t bench_list_handler(int irq, void *data)
{
	struct bench_listed *listed;
	irqreturn_t ret = IRQ_NONE;

	rcu_read_lock();
	list_for_each_entry_rcu(listed, (struct list_head *)data, list) {
		listed->count++;
		ret |= IRQ_HANDLED;
	}
	rcu_read_unlock();
	return ret;
}

#define BENCH_DISPATCH_OP(name)					\
static void bench_dispatch_##name(void *data, unsigned int ops)	\
{								\
	while (ops--)						\
		bench_##name(0, data);				\
}

BENCH_DISPATCH_OP(handler)
BENCH_DISPATCH_OP(notifier_handler)
BENCH_DISPATCH_OP(list_handler)

static void bench_dispatch(struct kunit *test)
{
	const unsigned int *n = test->param_value;
	struct bench *bench = bench_create(test, 1);
	struct atomic_notifier_head *chain;
	struct bench_notified *notified;
	struct bench_listed *listed;
	struct bench_queue *queues;
	struct list_head *list;
	unsigned int i;

	chain = kunit_kzalloc(test, sizeof(*chain), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, chain);
	list = kunit_kzalloc(test, sizeof(*list), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, list);
	queues = kunit_kcalloc(test, *n, sizeof(*queues), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, queues);
	notified = kunit_kcalloc(test, *n, sizeof(*notified), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, notified);
	listed = kunit_kcalloc(test, *n, sizeof(*listed), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, listed);

	bench_make_vectors(test);
	ATOMIC_INIT_NOTIFIER_HEAD(chain);
	INIT_LIST_HEAD(list);
	for (i = 0; i < *n; i++) {
		bench_wq_attach(bench->vecs[0], &queues[i].user);
		notified[i].block.notifier_call = bench_notified;
		atomic_notifier_chain_register(chain, &notified[i].block);
		list_add_tail_rcu(&listed[i].list, list);
	}

	{
		struct bench_side sides[] = {
			{ .name = "ours", .run = bench_dispatch_handler, .data = bench->vecs[0] },
			{ .name = "atomic_notifier", .run = bench_dispatch_notifier_handler,
			  .data = chain },
			{ .name = "rcu_list", .run = bench_dispatch_list_handler, .data = list },
		};

		bench_compare(test, "bench", "dispatch", *n, sides, ARRAY_SIZE(sides));
	}

	for (i = 0; i < *n; i++) {
		/* All of them were called, and equally often */
		KUNIT_EXPECT_GT(test, queues[i].count, 0);
		KUNIT_EXPECT_EQ(test, queues[i].count, queues[0].count);
		KUNIT_EXPECT_EQ(test, notified[i].count, notified[0].count);
		KUNIT_EXPECT_EQ(test, listed[i].count, listed[0].count);
		bench_wq_detach(&queues[i].user);
	}
	/* Nobody else runs here, so there is no grace period to wait for */
}

/* --- Look-up ------------------------------------------------------------------ */

/* Several for each turn of the loop, or it would take longer than what is in it */
#define BENCH_LOOKUPS	4

static __always_inline void bench_lookups(struct bench *bench, unsigned int ops,
					  unsigned int (*lookup)(struct bench *bench,
								 unsigned int index))
{
	unsigned int i = 0, last = bench->n - 1;
	unsigned long sum = 0;

	while (ops--) {
		sum += lookup(bench, i & last);
		sum += lookup(bench, (i + BENCH_STEP) & last);
		sum += lookup(bench, (i + 2 * BENCH_STEP) & last);
		sum += lookup(bench, (i + 3 * BENCH_STEP) & last);
		i += BENCH_LOOKUPS * BENCH_STEP;
	}
	WRITE_ONCE(bench_sink, sum);
}

static unsigned int bench_irq_ours(struct bench *bench, unsigned int index)
{
	return bench_wq_irq(&bench->irqs, index);
}

static unsigned int bench_irq_ours_table(struct bench *bench, unsigned int index)
{
	return benchtab_wq_irq(&bench->tab, index);
}

static unsigned int bench_irq_msi(struct bench *bench, unsigned int index)
{
	return msi_domain_get_virq(&bench->fake->pdev->dev, MSI_SECONDARY_DOMAIN, index);
}

static unsigned int bench_irq_pci(struct bench *bench, unsigned int index)
{
	return pci_irq_vector(bench->fake->pdev, index);
}

static void bench_lookup_ours(void *data, unsigned int ops)
{
	bench_lookups(data, ops, bench_irq_ours);
}

static void bench_lookup_ours_table(void *data, unsigned int ops)
{
	bench_lookups(data, ops, bench_irq_ours_table);
}

static void bench_lookup_virq(void *data, unsigned int ops)
{
	bench_lookups(data, ops, bench_irq_msi);
}

static void bench_lookup_pci(void *data, unsigned int ops)
{
	bench_lookups(data, ops, bench_irq_pci);
}

static void bench_lookup(struct kunit *test)
{
	const unsigned int *n = test->param_value;
	struct bench *bench = bench_create(test, *n);
	struct bench_side sides[] = {
		{ .name = "ours", .run = bench_lookup_ours, .data = bench,
		  .each = BENCH_LOOKUPS },
		{ .name = "msi_domain_get_virq", .run = bench_lookup_virq, .data = bench,
		  .each = BENCH_LOOKUPS },
	};
	unsigned int i;

	bench_make_vectors(test);
	for (i = 0; i < *n; i++) {
		KUNIT_ASSERT_EQ(test, bench_wq_irq(&bench->irqs, i),
				msi_domain_get_virq(&bench->fake->pdev->dev,
						    MSI_SECONDARY_DOMAIN, i));
	}
	bench_compare(test, "bench", "lookup", *n, sides, ARRAY_SIZE(sides));
}

static void bench_lookup_table(struct kunit *test)
{
	const unsigned int *n = test->param_value;
	const struct ims_fake_params machine = {
		.msix		= *n,
		.vectors	= BENCH_VECTORS,
		.supports	= MSI_FLAG_PCI_IMS,
		.bar_size	= PAGE_SIZE,
	};
	const struct benchtab_irqs_params params = { .wq_handler = benchtab_handler };
	struct bench *bench = bench_alloc(test, *n);
	struct bench_side sides[] = {
		{ .name = "ours", .run = bench_lookup_ours_table, .data = bench,
		  .each = BENCH_LOOKUPS },
		{ .name = "pci_irq_vector", .run = bench_lookup_pci, .data = bench,
		  .each = BENCH_LOOKUPS },
	};
	struct irq_vec **vecs;
	unsigned int i, made;

	vecs = kunit_kcalloc(test, *n, sizeof(*vecs), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, vecs);
	bench->fake = ims_fake_create(test, &machine);
	if (devm_benchtab_irqs_init(&bench->tab, bench->fake->pdev, &params))
		kunit_skip(test, "the kernel has no %u interrupts to give", *n);

	for (made = 0; made < *n; made++) {
		vecs[made] = benchtab_wq_get_dedicated(&bench->tab, NULL);
		if (IS_ERR(vecs[made]))
			break;
	}
	if (made == *n) {
		for (i = 0; i < *n; i++)
			KUNIT_EXPECT_EQ(test, benchtab_wq_irq(&bench->tab, i),
					pci_irq_vector(bench->fake->pdev, i));
		bench_compare(test, "benchtab", "lookup", *n, sides, ARRAY_SIZE(sides));
	}
	for (i = 0; i < made; i++)
		benchtab_wq_put(vecs[i]);
	if (made < *n)
		kunit_skip(test, "the kernel has no %u interrupts to give", *n);
}

/* --- Setting a device up ------------------------------------------------------ */

/* A device whose pool has that many vectors, and whether it could be set up each time */
struct bench_setup {
	struct pci_dev		*pdev;
	void __iomem		*bar;
	unsigned int		nr;
	bool			failed;
	struct bench_irqs	irqs;
};

static void bench_setup_run(void *data, unsigned int ops)
{
	struct bench_setup *setup = data;
	struct bench_irqs_params params = {
		.bar0		= setup->bar,
		.ims_slots	= setup->nr,
		.wq_handler	= bench_handler,
	};

	while (ops--) {
		if (bench_irqs_init(&setup->irqs, setup->pdev, &params))
			setup->failed = true;
		bench_irqs_exit(&setup->irqs);
	}
}

static struct bench_setup *bench_setup_alloc(struct kunit *test, struct ims_fake *fake,
					     unsigned int nr)
{
	struct bench_setup *setup = kunit_kzalloc(test, sizeof(*setup), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, setup);
	setup->pdev = fake->pdev;
	setup->bar = fake->bar;
	setup->nr = nr;
	return setup;
}

/* From nothing to a pool which can be used, and back; no vector is made */
static void bench_setup(struct kunit *test)
{
	const unsigned int *n = test->param_value;
	struct bench *bench = bench_alloc(test, *n);
	struct bench_side sides[] = {
		{ .name = "ours", .run = bench_setup_run },
		{ .name = "eight", .run = bench_setup_run },
	};
	const struct ims_fake_params machine = {
		.vectors	= BENCH_VECTORS,
		.supports	= MSI_FLAG_PCI_IMS,
		.bar_size	= PAGE_ALIGN(*n * BENCH_SLOT),
	};
	struct bench_setup *ours, *eight;

	bench->fake = ims_fake_create(test, &machine);
	ours = bench_setup_alloc(test, bench->fake, *n);
	eight = bench_setup_alloc(test, bench->fake, 8);
	sides[0].data = ours;
	sides[1].data = eight;
	bench_compare(test, "bench", "setup", *n, sides, ARRAY_SIZE(sides));
	KUNIT_EXPECT_FALSE(test, ours->failed || eight->failed);
}

/* --- Cache lines ---------------------------------------------------------------- */

/* Users of a vector whose places are on the same cache line as its counters */
#define BENCH_FIRST_LINE	5

/**
 * struct bench_area - Memory of which the written cache lines are counted
 * @at:		Where it is
 * @size:	Its size in bytes
 * @copy:	What was there before
 */
struct bench_area {
	const void	*at;
	size_t		size;
	void		*copy;
};

static void bench_area_add(struct kunit *test, struct bench_area *area, const void *at,
			   size_t size)
{
	area->at = at;
	area->size = size;
	area->copy = kunit_kzalloc(test, size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, area->copy);
}

/* The lines of an area which have changed since the last call */
static unsigned int bench_area_changed(struct bench_area *area)
{
	unsigned long at = (unsigned long)area->at, end = at + area->size, next;
	unsigned int lines = 0;

	for (; at < end; at = next) {
		size_t offset = at - (unsigned long)area->at;

		next = min(round_down(at, SMP_CACHE_BYTES) + SMP_CACHE_BYTES, end);
		if (memcmp((void *)at, area->copy + offset, next - at))
			lines++;
	}
	memcpy(area->copy, area->at, area->size);
	return lines;
}

static void bench_report_lines(struct kunit *test, const char *path, unsigned int n,
			       struct bench_area *areas)
{
	unsigned int vec = bench_area_changed(&areas[0]);
	unsigned int user = bench_area_changed(&areas[1]);
	unsigned int shared = bench_area_changed(&areas[2]) + bench_area_changed(&areas[3]);

	/* What all CPUs use must stay as it is */
	KUNIT_EXPECT_EQ(test, shared, 0);
	/* Its counters, and the line with the place */
	KUNIT_EXPECT_LE(test, vec, n > BENCH_FIRST_LINE ? 2 : 1);
	KUNIT_EXPECT_LE(test, user, 1);
	kunit_info(test, "imslines bench %s %u vec=%u user=%u shared=%u\n", path, n, vec, user,
		   shared);
}

static void bench_lines(struct kunit *test)
{
	const unsigned int *n = test->param_value;
	struct bench *bench = bench_create(test, 1);
	struct bench_queue *queues, *last;
	struct bench_area areas[4];
	struct irq_vec *vec;
	unsigned int i;

	bench_make_vectors(test);
	vec = bench->vecs[0];
	queues = kunit_kcalloc(test, *n, sizeof(*queues), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, queues);
	last = &queues[*n - 1];
	for (i = 0; i + 1 < *n; i++)
		bench_wq_attach(vec, &queues[i].user);

	bench_area_add(test, &areas[0], vec,
		       struct_size(vec, places, BENCH_WQ_LIMIT + 1));
	bench_area_add(test, &areas[1], last, sizeof(*last));
	bench_area_add(test, &areas[2], &bench->irqs, sizeof(bench->irqs));
	bench_area_add(test, &areas[3], bench->irqs.wq.cpus,
		       nr_cpu_ids * sizeof(*bench->irqs.wq.cpus));
	for (i = 0; i < ARRAY_SIZE(areas); i++)
		bench_area_changed(&areas[i]);

	KUNIT_EXPECT_PTR_EQ(test, bench_wq_get(&bench->irqs, 0), vec);
	bench_report_lines(test, "get", *n, areas);
	bench_wq_attach(vec, &last->user);
	bench_report_lines(test, "attach", *n, areas);
	bench_handler(0, vec);
	bench_report_lines(test, "dispatch", *n, areas);
	bench_wq_detach(&last->user);
	bench_report_lines(test, "detach", *n, areas);
	bench_wq_put(vec);
	bench_report_lines(test, "put", *n, areas);

	for (i = 0; i + 1 < *n; i++)
		bench_wq_detach(&queues[i].user);
}

static const unsigned int bench_vectors[] = { 1, 8, 64, 512, 2048 };
static const unsigned int bench_many[] = { 8, 64, 512, 2048 };
static const unsigned int bench_queues[] = { 1, 8, 64 };

static void bench_describe(const unsigned int *n, char *text)
{
	snprintf(text, KUNIT_PARAM_DESC_SIZE, "%u", *n);
}

KUNIT_ARRAY_PARAM(bench_vectors, bench_vectors, bench_describe);
KUNIT_ARRAY_PARAM(bench_many, bench_many, bench_describe);
KUNIT_ARRAY_PARAM(bench_queues, bench_queues, bench_describe);

static struct kunit_case bench_cases[] = {
	KUNIT_CASE_PARAM(bench_lines, bench_queues_gen_params),
	KUNIT_CASE_PARAM(bench_chip, bench_vectors_gen_params),
	KUNIT_CASE_PARAM(bench_dispatch, bench_queues_gen_params),
	KUNIT_CASE_PARAM(bench_lookup, bench_vectors_gen_params),
	KUNIT_CASE_PARAM(bench_lookup_table, bench_vectors_gen_params),
	KUNIT_CASE_PARAM(bench_attach, bench_vectors_gen_params),
	KUNIT_CASE_PARAM(bench_contended, bench_many_gen_params),
	KUNIT_CASE_PARAM(bench_setup, bench_many_gen_params),
	{ }
};

static struct kunit_suite bench_suite = {
	.name		= "ims_bench",
	.test_cases	= bench_cases,
};

kunit_test_suite(bench_suite);

MODULE_DESCRIPTION("Benchmarks of vector pools and message stores");
MODULE_LICENSE("GPL");
