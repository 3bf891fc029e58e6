// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit suite of interrupt vector pools, over the MSI-X table of a fake device
 */
#include <kunit/ims_fake.h>
#include <kunit/test.h>

#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irq_vecpool.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/msi.h>
#include <linux/numa.h>
#include <linux/pci.h>
#include <linux/sched/isolation.h>
#include <linux/sched/task.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/topology.h>
#include <linux/trace_events.h>
#include <linux/uio.h>

/* Entries of the MSI-X table, of which the first one is no part of the pool */
#define MSIX		16
#define NR		(MSIX - 1)
/* Users of a shared vector */
#define LIMIT		4
/* Those which find no place on it */
#define LISTED		3
/* How long to wait for what should happen at once */
#define PATIENCE	(10 * HZ)

struct vecpool_test {
	struct ims_fake		*fake;
	struct pci_irq_table	table;
	struct irq_vecpool	pool;
	unsigned int		fired;
};

/* A user of a vector. While it is called it can have one go to another vector */
struct test_queue {
	struct irq_vec_user	user;
	unsigned int		called;
	unsigned int		moves;
	struct test_queue	*moved;
	struct irq_vec		*to;
};

static const struct irq_vec_range test_ranges[] = {
	{ .first = 1, .last = UINT_MAX },
};

static const struct irq_vecpool_info test_info = {
	.name		= "test",
	.ranges		= test_ranges,
	.nr_ranges	= ARRAY_SIZE(test_ranges),
	.limit		= LIMIT,
};

static const struct ims_fake_params test_machine = {
	.msix		= MSIX,
	.vectors	= 64,
	.bar_size	= PAGE_SIZE,
};

static const union msi_instance_cookie test_cookie;

static irqreturn_t test_count(int irq, void *data)
{
	unsigned int *count = data;

	(*count)++;
	return IRQ_HANDLED;
}

static irqreturn_t test_event(struct irq_vec_user *user)
{
	struct test_queue *queue = container_of(user, struct test_queue, user);

	queue->called++;
	if (queue->moves) {
		queue->moves--;
		irq_vec_detach(&queue->moved->user, LIMIT);
		irq_vec_attach(queue->to, LIMIT, &queue->moved->user);
	}
	return IRQ_HANDLED;
}

static irqreturn_t test_handler(int irq, void *data)
{
	return irq_vec_dispatch(data, LIMIT, test_event);
}

static void test_exit(void *data)
{
	struct vecpool_test *ctx = data;

	irq_vecpool_exit(&ctx->pool);
	pci_irq_table_exit(&ctx->table);
}

static struct vecpool_test *test_create(struct kunit *test, const struct ims_fake_params *machine)
{
	struct vecpool_test *ctx = kunit_kzalloc(test, sizeof(*ctx), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, ctx);
	ctx->fake = ims_fake_create(test, machine);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, test_exit, ctx), 0);
	return ctx;
}

static int test_init_table(struct vecpool_test *ctx)
{
	return pci_irq_table_init(&ctx->table, ctx->fake->pdev, PCI_IRQ_MSIX, 1, 1, true);
}

static int test_init_pool(struct vecpool_test *ctx, const struct irq_vecpool_info *info)
{
	const struct irq_vec_source source = pci_irq_table_source(&ctx->table);

	return irq_vecpool_init(&ctx->pool, &ctx->fake->pdev->dev, info, &source, 1, test_handler);
}

/* A pool which is ready for use, on a given machine */
static struct vecpool_test *test_setup_on(struct kunit *test,
					  const struct ims_fake_params *machine,
					  const struct irq_vecpool_info *info)
{
	struct vecpool_test *ctx = test_create(test, machine);

	KUNIT_ASSERT_EQ(test, test_init_table(ctx), 0);
	KUNIT_ASSERT_EQ(test, test_init_pool(ctx, info), 0);
	return ctx;
}

static struct vecpool_test *test_setup(struct kunit *test)
{
	return test_setup_on(test, &test_machine, &test_info);
}

/* What is left after the driver has gone: nothing */
static void test_end(struct kunit *test, struct vecpool_test *ctx)
{
	KUNIT_EXPECT_EQ(test, ctx->fake->allocated, ctx->table.nr_static);
	KUNIT_EXPECT_EQ(test, ctx->fake->active, 0);
	kunit_release_action(test, test_exit, ctx);
	ims_fake_detach(ctx->fake);
	KUNIT_EXPECT_EQ(test, ctx->fake->allocated, 0);
	KUNIT_EXPECT_FALSE(test, ctx->fake->pdev->msix_enabled);
	KUNIT_EXPECT_PTR_EQ(test, ctx->fake->pdev->dev.msi.data, NULL);
	ims_fake_destroy(test, ctx->fake);
}

static struct irq_vec *test_get(struct vecpool_test *ctx, unsigned int cpu)
{
	return irq_vecpool_get_on(&ctx->pool, LIMIT, cpu);
}

static struct irq_vec *test_get_dedicated(struct vecpool_test *ctx, const struct cpumask *mask)
{
	return irq_vecpool_get_dedicated(&ctx->pool, test_cookie, mask);
}

static struct irq_vec *test_get_at(struct vecpool_test *ctx, unsigned int index)
{
	return irq_vecpool_get_at(&ctx->pool, 0, index, test_cookie, NULL);
}

static void test_put(struct irq_vec *vec)
{
	irq_vec_put(vec, LIMIT);
}

static int test_request(struct vecpool_test *ctx, unsigned int irq)
{
	return request_irq(irq, test_count, 0, "test", &ctx->fired);
}

static int test_send(struct vecpool_test *ctx, unsigned int irq)
{
	struct msi_msg msg;

	get_cached_msi_msg(irq, &msg);
	return ims_fake_send(ctx->fake, (u64)msg.address_hi << 32 | msg.address_lo, msg.data);
}

static unsigned int test_index(unsigned int irq)
{
	return irq_get_msi_desc(irq)->msi_index;
}

static bool test_on(unsigned int irq, unsigned int cpu)
{
	return cpumask_equal(irq_get_effective_affinity_mask(irq), cpumask_of(cpu));
}

static void *test_array(struct kunit *test, size_t nr, size_t size)
{
	void *array = kunit_kcalloc(test, nr, size, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, array);
	return array;
}

/* --- Ranges and dedicated vectors --------------------------------------------- */

/* Vectors come from the ranges in the order of the pool, until there are none */
static void irq_vecpool_test_order(struct kunit *test)
{
	static const struct irq_vec_range ranges[] = {
		{ .first = 8, .last = UINT_MAX },
		{ .first = 1, .last = 6 },
	};
	struct irq_vecpool_info info = test_info;
	unsigned int i, base, nr = 8 + 6;
	struct irq_vec *vecs[8 + 6];
	struct vecpool_test *ctx;

	info.ranges = ranges;
	info.nr_ranges = ARRAY_SIZE(ranges);
	ctx = test_setup_on(test, &test_machine, &info);
	base = ctx->fake->allocated;
	KUNIT_ASSERT_EQ(test, ctx->pool.nr, nr);

	for (i = 0; i < nr; i++) {
		vecs[i] = test_get_dedicated(ctx, NULL);
		KUNIT_ASSERT_FALSE(test, IS_ERR(vecs[i]));
		KUNIT_EXPECT_EQ(test, vecs[i]->entry, i);
		KUNIT_EXPECT_EQ(test, vecs[i]->source, 0);
		KUNIT_EXPECT_EQ(test, vecs[i]->index, i < 8 ? 8 + i : i - 7);
		KUNIT_EXPECT_EQ(test, test_index(vecs[i]->irq), vecs[i]->index);
		KUNIT_EXPECT_EQ(test, irq_vecpool_irq(&ctx->pool, i), vecs[i]->irq);
	}
	KUNIT_EXPECT_EQ(test, ctx->fake->allocated, base + nr);
	KUNIT_EXPECT_PTR_EQ(test, test_get_dedicated(ctx, NULL), ERR_PTR(-ENOSPC));
	KUNIT_EXPECT_EQ(test, ctx->fake->allocated, base + nr);

	/* One which was given back is the next one to be had */
	test_put(vecs[nr / 2]);
	KUNIT_EXPECT_EQ(test, irq_vecpool_irq(&ctx->pool, nr / 2), 0);
	vecs[nr / 2] = test_get_dedicated(ctx, NULL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(vecs[nr / 2]));
	KUNIT_EXPECT_EQ(test, vecs[nr / 2]->entry, nr / 2);

	/* What is in no range is in no pool */
	KUNIT_EXPECT_PTR_EQ(test, test_get_at(ctx, 7), ERR_PTR(-EINVAL));
	for (i = 0; i < nr; i++)
		test_put(vecs[i]);
	test_end(test, ctx);
}

/* A vector can be had by its index, if nobody has it */
static void irq_vecpool_test_get_at(struct kunit *test)
{
	struct vecpool_test *ctx = test_setup(test);
	struct irq_vec *first, *last;

	first = test_get_at(ctx, 1);
	last = test_get_at(ctx, MSIX - 1);
	KUNIT_ASSERT_FALSE(test, IS_ERR(first));
	KUNIT_ASSERT_FALSE(test, IS_ERR(last));
	KUNIT_EXPECT_EQ(test, test_index(first->irq), 1);
	KUNIT_EXPECT_EQ(test, test_index(last->irq), MSIX - 1);
	KUNIT_EXPECT_EQ(test, irq_vecpool_irq(&ctx->pool, 0), first->irq);

	KUNIT_EXPECT_PTR_EQ(test, test_get_at(ctx, 1), ERR_PTR(-EBUSY));
	KUNIT_EXPECT_PTR_EQ(test, test_get_at(ctx, 0), ERR_PTR(-EINVAL));
	KUNIT_EXPECT_PTR_EQ(test, test_get_at(ctx, MSIX), ERR_PTR(-EINVAL));
	KUNIT_EXPECT_PTR_EQ(test, test_get_at(ctx, UINT_MAX), ERR_PTR(-EINVAL));
	KUNIT_EXPECT_PTR_EQ(test, irq_vecpool_get_at(&ctx->pool, 1, 1, test_cookie, NULL),
			    ERR_PTR(-EINVAL));

	test_put(first);
	test_put(last);
	test_end(test, ctx);
}

/* The owner of a dedicated vector brings the handler */
static void irq_vecpool_test_dedicated(struct kunit *test)
{
	unsigned int i, cpu = cpumask_last(cpu_online_mask);
	struct vecpool_test *ctx = test_setup(test);
	struct irq_vec *vec;

	for (i = 1; i < MSIX; i++) {
		vec = irq_vecpool_get_at(&ctx->pool, 0, i, test_cookie, cpumask_of(cpu));
		KUNIT_ASSERT_FALSE(test, IS_ERR(vec));
		KUNIT_EXPECT_TRUE(test, vec->dedicated);
		KUNIT_EXPECT_EQ(test, irq_vec_error(vec), 0);
		KUNIT_ASSERT_EQ(test, test_request(ctx, vec->irq), 0);
		KUNIT_EXPECT_TRUE(test, test_on(vec->irq, cpu));
		KUNIT_EXPECT_EQ(test, test_send(ctx, vec->irq), 0);
		KUNIT_EXPECT_EQ(test, ctx->fired, i);
		free_irq(vec->irq, &ctx->fired);
		test_put(vec);
	}
	test_end(test, ctx);
}

/* Without a mask the affinity is the default one, whatever it was before */
static void irq_vecpool_test_default_affinity(struct kunit *test)
{
	unsigned int cpu = cpumask_last(cpu_online_mask), is_static;
	struct ims_fake_params machine = test_machine;
	const struct cpumask *untouched;
	struct vecpool_test *ctx;
	struct irq_vec *vec;

	for (is_static = 0; is_static < 2; is_static++) {
		machine.static_msix = is_static;
		ctx = test_setup_on(test, &machine, &test_info);
		vec = irq_vecpool_get_at(&ctx->pool, 0, 1, test_cookie, cpumask_of(cpu));
		KUNIT_ASSERT_FALSE(test, IS_ERR(vec));
		KUNIT_EXPECT_TRUE(test, cpumask_equal(irq_get_affinity_mask(vec->irq),
						      cpumask_of(cpu)));
		test_put(vec);

		/* The vector which is not with the pool has it */
		untouched = irq_get_affinity_mask(pci_irq_vector(ctx->fake->pdev, 0));
		vec = irq_vecpool_get_at(&ctx->pool, 0, 1, test_cookie, NULL);
		KUNIT_ASSERT_FALSE(test, IS_ERR(vec));
		KUNIT_EXPECT_TRUE(test, cpumask_equal(irq_get_affinity_mask(vec->irq), untouched));
		test_put(vec);
		test_end(test, ctx);
	}
}

/* Without allocation at run time all vectors are there from the start */
static void irq_vecpool_test_static(struct kunit *test)
{
	struct ims_fake_params machine = test_machine;
	struct vecpool_test *ctx;
	struct irq_vec *vec;
	unsigned int i, base;

	machine.static_msix = true;
	ctx = test_create(test, &machine);
	KUNIT_ASSERT_EQ(test, pci_irq_table_init(&ctx->table, ctx->fake->pdev, PCI_IRQ_MSIX, 1,
						 MSIX, false), 0);
	KUNIT_ASSERT_EQ(test, test_init_pool(ctx, &test_info), 0);
	base = ctx->fake->allocated;
	KUNIT_EXPECT_EQ(test, base, MSIX);
	KUNIT_EXPECT_EQ(test, ctx->pool.nr, NR);

	/* Each of them can be had, but once only, and again after that */
	for (i = 1; i < MSIX; i++) {
		vec = test_get_at(ctx, i);
		KUNIT_ASSERT_FALSE(test, IS_ERR(vec));
		KUNIT_EXPECT_EQ(test, vec->irq, pci_irq_vector(ctx->fake->pdev, i));
		KUNIT_EXPECT_PTR_EQ(test, test_get_at(ctx, i), ERR_PTR(-EBUSY));
		test_put(vec);
		vec = test_get_at(ctx, i);
		KUNIT_ASSERT_FALSE(test, IS_ERR(vec));
		test_put(vec);
	}

	/* A shared one is on its CPU too */
	i = cpumask_last(cpu_online_mask);
	vec = test_get(ctx, i);
	KUNIT_ASSERT_FALSE(test, IS_ERR(vec));
	KUNIT_EXPECT_TRUE(test, test_on(vec->irq, i));
	test_put(vec);
	KUNIT_EXPECT_EQ(test, ctx->fake->allocated, base);
	test_end(test, ctx);
}

/* There are as many as can be used, however large the table is */
static void irq_vecpool_test_static_few(struct kunit *test)
{
	static const struct {
		unsigned int	msix;
		unsigned int	special;
		unsigned int	usable;
		bool		more;
		unsigned int	size;
	} cases[] = {
		{ 2048, 1, 3, false, 3 }, { 2048, 2, 1, false, 2 }, { 2048, 1, 40, false, 40 },
		{ 16, 1, 5000, false, 16 }, { 1, 1, 1, true, 1 },
		/* No pool starves because another one takes all that are behind it */
		{ 2048, 1, 40, true, 40 },
	};
	struct ims_fake_params machine = test_machine;
	struct vecpool_test *ctx;
	unsigned int i, size;

	machine.static_msix = true;
	machine.msix = 2048;
	ctx = test_create(test, &machine);
	KUNIT_ASSERT_EQ(test, test_init_table(ctx), 0);
	KUNIT_EXPECT_EQ(test, ctx->table.size, 1 + num_possible_cpus());
	KUNIT_EXPECT_EQ(test, ctx->fake->allocated, 1 + num_possible_cpus());
	pci_irq_table_exit(&ctx->table);

	test_end(test, ctx);

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		machine.msix = cases[i].msix;
		ctx = test_create(test, &machine);
		KUNIT_ASSERT_EQ(test, pci_irq_table_init(&ctx->table, ctx->fake->pdev,
							 PCI_IRQ_MSIX, cases[i].special,
							 cases[i].usable, cases[i].more), 0);
		size = cases[i].size;
		if (cases[i].more)
			size = min(size + num_possible_cpus(), cases[i].msix);
		KUNIT_EXPECT_EQ(test, ctx->table.size, size);
		KUNIT_EXPECT_EQ(test, ctx->fake->allocated, size);
		test_end(test, ctx);
	}
}

/* The messages of MSI are there from the start as well */
static void irq_vecpool_test_msi(struct kunit *test)
{
	struct ims_fake_params machine = test_machine;
	struct irq_vec_source source;
	struct vecpool_test *ctx;
	struct irq_vec *vecs[3];
	struct msi_msg msg;
	unsigned int i;

	machine.msix = 0;
	machine.msi = 4;
	ctx = test_create(test, &machine);
	KUNIT_EXPECT_LT(test, test_init_table(ctx), 0);
	KUNIT_ASSERT_EQ(test, pci_irq_table_init(&ctx->table, ctx->fake->pdev, PCI_IRQ_MSI, 1,
						 1, true), 0);
	source = pci_irq_table_source(&ctx->table);
	KUNIT_EXPECT_STREQ(test, source.name, "msi");
	KUNIT_ASSERT_EQ(test, test_init_pool(ctx, &test_info), 0);
	KUNIT_ASSERT_EQ(test, ctx->pool.nr, ctx->table.size - 1);
	KUNIT_ASSERT_LE(test, ctx->pool.nr, ARRAY_SIZE(vecs));

	for (i = 0; i < ctx->pool.nr; i++) {
		vecs[i] = test_get_dedicated(ctx, NULL);
		KUNIT_ASSERT_FALSE(test, IS_ERR(vecs[i]));
		KUNIT_EXPECT_EQ(test, vecs[i]->irq, pci_irq_vector(ctx->fake->pdev, i + 1));
		KUNIT_ASSERT_EQ(test, test_request(ctx, vecs[i]->irq), 0);
		get_cached_msi_msg(vecs[i]->irq, &msg);
		KUNIT_EXPECT_EQ(test, ims_fake_send(ctx->fake, (u64)msg.address_hi << 32 |
						    msg.address_lo, msg.data | (i + 1)), 0);
		KUNIT_EXPECT_EQ(test, ctx->fired, i + 1);
	}
	for (i = 0; i < ctx->pool.nr; i++) {
		free_irq(vecs[i]->irq, &ctx->fired);
		test_put(vecs[i]);
	}
	test_end(test, ctx);
}

/* A store without messages makes a pool without vectors */
static void irq_vecpool_test_empty(struct kunit *test)
{
	struct vecpool_test *ctx = test_create(test, &test_machine);
	struct irq_vec_source source;

	KUNIT_ASSERT_EQ(test, test_init_table(ctx), 0);
	source = pci_irq_table_source(&ctx->table);
	source.size = 1;
	KUNIT_ASSERT_EQ(test, irq_vecpool_init(&ctx->pool, &ctx->fake->pdev->dev, &test_info,
					       &source, 1, test_handler), 0);
	KUNIT_EXPECT_EQ(test, ctx->pool.nr, 0);
	KUNIT_EXPECT_PTR_EQ(test, test_get(ctx, 0), ERR_PTR(-ENOSPC));
	KUNIT_EXPECT_PTR_EQ(test, test_get_dedicated(ctx, NULL), ERR_PTR(-ENOSPC));
	KUNIT_EXPECT_PTR_EQ(test, test_get_at(ctx, 1), ERR_PTR(-EINVAL));
	test_end(test, ctx);
}

/* --- Sharing -------------------------------------------------------------------- */

/* A CPU's users share one vector up to the limit, then the next one is made */
static void irq_vecpool_test_share_limit(struct kunit *test)
{
	unsigned int i, cpu = cpumask_last(cpu_online_mask), base;
	struct vecpool_test *ctx = test_setup(test);
	struct irq_vec *first, *second;

	base = ctx->fake->allocated;
	first = test_get(ctx, cpu);
	KUNIT_ASSERT_FALSE(test, IS_ERR(first));
	KUNIT_EXPECT_EQ(test, first->cpu, cpu);
	KUNIT_EXPECT_FALSE(test, first->dedicated);
	KUNIT_EXPECT_TRUE(test, test_on(first->irq, cpu));
	for (i = 1; i < LIMIT; i++)
		KUNIT_EXPECT_PTR_EQ(test, test_get(ctx, cpu), first);
	KUNIT_EXPECT_EQ(test, ctx->fake->allocated, base + 1);
	KUNIT_EXPECT_EQ(test, ctx->pool.made, 1);

	second = test_get(ctx, cpu);
	KUNIT_ASSERT_FALSE(test, IS_ERR(second));
	KUNIT_EXPECT_PTR_NE(test, second, first);
	KUNIT_EXPECT_EQ(test, ctx->fake->allocated, base + 2);
	KUNIT_EXPECT_EQ(test, ctx->pool.made, 2);
	KUNIT_EXPECT_EQ(test, ctx->pool.shared_full, 0);

	/* Room on the first one is used again before a third one is made */
	test_put(second);
	KUNIT_EXPECT_EQ(test, ctx->fake->allocated, base + 1);
	test_put(first);
	KUNIT_EXPECT_PTR_EQ(test, test_get(ctx, cpu), first);

	for (i = 0; i < LIMIT; i++)
		test_put(first);
	KUNIT_EXPECT_EQ(test, ctx->fake->allocated, base);
	test_end(test, ctx);
}

/* Each CPU has a vector of its own */
static void irq_vecpool_test_per_cpu(struct kunit *test)
{
	struct vecpool_test *ctx = test_setup(test);
	struct irq_vec *vecs[8] = { };
	unsigned int cpu, nr = 0;

	for_each_online_cpu(cpu) {
		if (nr == ARRAY_SIZE(vecs))
			break;
		vecs[nr] = test_get(ctx, cpu);
		KUNIT_ASSERT_FALSE(test, IS_ERR(vecs[nr]));
		KUNIT_EXPECT_EQ(test, vecs[nr]->cpu, cpu);
		KUNIT_EXPECT_TRUE(test, test_on(vecs[nr]->irq, cpu));
		nr++;
	}
	KUNIT_EXPECT_EQ(test, ctx->pool.made, nr);
	KUNIT_EXPECT_PTR_EQ(test, test_get(ctx, nr_cpu_ids), ERR_PTR(-EINVAL));
	KUNIT_EXPECT_PTR_EQ(test, test_get(ctx, UINT_MAX), ERR_PTR(-EINVAL));

	while (nr--)
		test_put(vecs[nr]);
	test_end(test, ctx);
}

/* Without another CPU vector users share beyond the limit, and that is counted */
static void irq_vecpool_test_share_full(struct kunit *test)
{
	struct ims_fake_params machine = test_machine;
	struct vecpool_test *ctx;
	struct irq_vec *vec;
	unsigned int i, base;

	machine.vectors = 1;
	ctx = test_setup_on(test, &machine, &test_info);
	base = ctx->fake->allocated;

	vec = test_get(ctx, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(vec));
	for (i = 1; i < LIMIT + 3; i++)
		KUNIT_EXPECT_PTR_EQ(test, test_get(ctx, 0), vec);
	KUNIT_EXPECT_EQ(test, ctx->pool.made, 1);
	KUNIT_EXPECT_EQ(test, ctx->pool.shared_full, 3);
	KUNIT_EXPECT_EQ(test, ctx->fake->allocated, base + 1);

	/* Better times, which are noticed a second later */
	ctx->fake->params.vectors = 2;
	KUNIT_EXPECT_PTR_EQ(test, test_get(ctx, 0), vec);
	test_put(vec);
	ctx->pool.retry = jiffies;
	KUNIT_EXPECT_PTR_NE(test, test_get(ctx, 0), vec);
	KUNIT_EXPECT_EQ(test, ctx->pool.made, 2);
	test_put(rcu_access_pointer(ctx->pool.cpus[0].open));

	for (i = 0; i < LIMIT + 3; i++)
		test_put(vec);
	KUNIT_EXPECT_EQ(test, ctx->fake->allocated, base);
	test_end(test, ctx);
}

/* As long as a vector of another CPU has room no limit is exceeded */
static void irq_vecpool_test_share_room(struct kunit *test)
{
	unsigned int full = cpumask_first(cpu_online_mask);
	unsigned int i, other = cpumask_last(cpu_online_mask);
	struct ims_fake_params machine = test_machine;
	struct irq_vec *vec, *room;
	struct vecpool_test *ctx;

	if (full == other)
		kunit_skip(test, "there is one CPU only");

	machine.vectors = 2;
	ctx = test_setup_on(test, &machine, &test_info);
	vec = test_get(ctx, full);
	KUNIT_ASSERT_FALSE(test, IS_ERR(vec));
	for (i = 1; i < LIMIT; i++)
		KUNIT_EXPECT_PTR_EQ(test, test_get(ctx, full), vec);
	room = test_get(ctx, other);
	KUNIT_ASSERT_FALSE(test, IS_ERR(room));
	KUNIT_EXPECT_PTR_NE(test, room, vec);

	for (i = 1; i < LIMIT; i++)
		KUNIT_EXPECT_PTR_EQ(test, test_get(ctx, full), room);
	/* Both are full now: stay on the CPU */
	KUNIT_EXPECT_PTR_EQ(test, test_get(ctx, full), vec);
	KUNIT_EXPECT_EQ(test, ctx->pool.shared_full, LIMIT);

	for (i = 0; i < LIMIT; i++) {
		test_put(vec);
		test_put(room);
	}
	test_put(vec);
	test_end(test, ctx);
}

/* A get fails only when there is nothing to share, and then changes nothing */
static void irq_vecpool_test_no_space(struct kunit *test)
{
	struct ims_fake_params machine = test_machine;
	struct vecpool_test *ctx;
	struct irq_vec *vec;
	unsigned int base;

	machine.vectors = 0;
	ctx = test_setup_on(test, &machine, &test_info);
	base = ctx->fake->allocated;
	KUNIT_EXPECT_PTR_EQ(test, test_get(ctx, 0), ERR_PTR(-ENOSPC));
	KUNIT_EXPECT_EQ(test, ctx->fake->allocated, base);
	KUNIT_EXPECT_EQ(test, ctx->pool.made, 0);
	KUNIT_EXPECT_EQ(test, irq_vecpool_irq(&ctx->pool, 0), 0);

	ctx->fake->params.vectors = 1;
	vec = test_get(ctx, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(vec));
	KUNIT_EXPECT_EQ(test, vec->entry, 0);
	test_put(vec);
	test_end(test, ctx);
}

/* However many users share, some vectors are left for those who don't */
static void irq_vecpool_test_reserve(struct kunit *test)
{
	unsigned int i, cpu = cpumask_first(cpu_online_mask), sharable = NR - 4;
	struct irq_vecpool_info info = test_info;
	unsigned int users = sharable * LIMIT + 1;
	struct irq_vec **shared, *own[NR];
	struct vecpool_test *ctx;

	info.reserve = 4;
	ctx = test_setup_on(test, &test_machine, &info);
	shared = test_array(test, users, sizeof(*shared));
	for (i = 0; i < users; i++) {
		shared[i] = test_get(ctx, cpu);
		KUNIT_ASSERT_FALSE(test, IS_ERR(shared[i]));
	}
	KUNIT_EXPECT_EQ(test, ctx->pool.made, sharable);
	KUNIT_EXPECT_EQ(test, ctx->pool.shared_full, 1);

	for (i = sharable; i < NR; i++) {
		own[i] = test_get_dedicated(ctx, NULL);
		KUNIT_ASSERT_FALSE(test, IS_ERR(own[i]));
	}
	KUNIT_EXPECT_PTR_EQ(test, test_get_dedicated(ctx, NULL), ERR_PTR(-ENOSPC));

	/* What sharing gives back, anybody can have */
	for (i = 0; i < users; i++)
		test_put(shared[i]);
	own[0] = test_get_dedicated(ctx, NULL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(own[0]));
	test_put(own[0]);
	for (i = sharable; i < NR; i++)
		test_put(own[i]);

	/* And share it again */
	shared[0] = test_get(ctx, cpu);
	KUNIT_ASSERT_FALSE(test, IS_ERR(shared[0]));
	test_put(shared[0]);
	test_end(test, ctx);
}

/* A reserve as large as the pool leaves one vector to share */
static void irq_vecpool_test_reserve_all(struct kunit *test)
{
	struct irq_vecpool_info info = test_info;
	struct vecpool_test *ctx;
	struct irq_vec *vec;

	info.reserve = NR;
	ctx = test_setup_on(test, &test_machine, &info);
	vec = test_get(ctx, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(vec));
	KUNIT_EXPECT_EQ(test, ctx->pool.max_shared, 1);
	test_put(vec);
	test_end(test, ctx);
}

/* A dedicated vector is never shared, not even when nothing else is left */
static void irq_vecpool_test_never_shared(struct kunit *test)
{
	struct vecpool_test *ctx = test_setup(test);
	struct irq_vec *vecs[NR], *shared;
	unsigned int i;

	for (i = 0; i < NR; i++) {
		vecs[i] = test_get_dedicated(ctx, NULL);
		KUNIT_ASSERT_FALSE(test, IS_ERR(vecs[i]));
	}
	KUNIT_EXPECT_PTR_EQ(test, test_get(ctx, 0), ERR_PTR(-ENOSPC));

	/* With one of them free it is made a shared one, and the others stay alone */
	test_put(vecs[0]);
	shared = test_get(ctx, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(shared));
	KUNIT_EXPECT_EQ(test, shared->entry, 0);
	for (i = 1; i < LIMIT + 2; i++)
		KUNIT_EXPECT_PTR_EQ(test, test_get(ctx, 0), shared);
	KUNIT_EXPECT_PTR_EQ(test, test_get_dedicated(ctx, NULL), ERR_PTR(-ENOSPC));

	for (i = 0; i < LIMIT + 2; i++)
		test_put(shared);
	for (i = 1; i < NR; i++)
		test_put(vecs[i]);
	test_end(test, ctx);
}

/* --- Dispatch ------------------------------------------------------------------- */

/* Attached users are called once an interrupt, detached ones are not */
static void irq_vecpool_test_dispatch(struct kunit *test)
{
	struct ims_fake_params machine = test_machine;
	unsigned int i, nr = LIMIT + LISTED;
	struct test_queue *queues;
	struct vecpool_test *ctx;
	struct irq_vec *vec;

	/* One vector, so that some of the users find no place on it */
	machine.vectors = 1;
	ctx = test_setup_on(test, &machine, &test_info);
	queues = test_array(test, nr, sizeof(*queues));
	for (i = 0; i < nr; i++) {
		vec = test_get(ctx, 0);
		KUNIT_ASSERT_FALSE(test, IS_ERR(vec));
		irq_vec_attach(vec, LIMIT, &queues[i].user);
		KUNIT_EXPECT_PTR_EQ(test, queues[i].user.vec, vec);
	}

	KUNIT_EXPECT_EQ(test, test_send(ctx, vec->irq), 0);
	for (i = 0; i < nr; i++)
		KUNIT_EXPECT_EQ_MSG(test, queues[i].called, 1, "queue %u", i);

	/* Every second one leaves */
	for (i = 0; i < nr; i += 2) {
		irq_vec_detach(&queues[i].user, LIMIT);
		KUNIT_EXPECT_PTR_EQ(test, queues[i].user.vec, NULL);
	}
	KUNIT_EXPECT_EQ(test, test_send(ctx, vec->irq), 0);
	for (i = 0; i < nr; i++)
		KUNIT_EXPECT_EQ_MSG(test, queues[i].called, 1 + i % 2, "queue %u", i);

	/* Their places are taken again */
	for (i = 0; i < nr; i += 2)
		irq_vec_attach(vec, LIMIT, &queues[i].user);
	KUNIT_EXPECT_EQ(test, test_send(ctx, vec->irq), 0);
	for (i = 0; i < nr; i++)
		KUNIT_EXPECT_EQ_MSG(test, queues[i].called, 2 + i % 2, "queue %u", i);

	for (i = 0; i < nr; i++) {
		irq_vec_detach(&queues[i].user, LIMIT);
		test_put(vec);
	}
	test_end(test, ctx);
}

/* More users than fit into one word of the bitmap of places */
static void irq_vecpool_test_many_places(struct kunit *test)
{
	enum { MANY = BITS_PER_LONG + 6 };
	struct irq_vecpool_info info = test_info;
	struct test_queue *queues;
	struct vecpool_test *ctx;
	struct irq_vec *vec;
	unsigned int i;

	info.limit = MANY;
	ctx = test_setup_on(test, &test_machine, &info);
	queues = test_array(test, MANY, sizeof(*queues));
	for (i = 0; i < MANY; i++) {
		vec = irq_vecpool_get_on(&ctx->pool, MANY, 0);
		KUNIT_ASSERT_FALSE(test, IS_ERR(vec));
		irq_vec_attach(vec, MANY, &queues[i].user);
		KUNIT_EXPECT_EQ(test, queues[i].user.place, i);
	}
	KUNIT_EXPECT_EQ(test, ctx->pool.made, 1);

	KUNIT_EXPECT_EQ(test, irq_vec_dispatch(vec, MANY, test_event), IRQ_HANDLED);
	for (i = 0; i < MANY; i++)
		KUNIT_EXPECT_EQ_MSG(test, queues[i].called, 1, "queue %u", i);

	/* The lowest free place is the next one */
	irq_vec_detach(&queues[BITS_PER_LONG + 1].user, MANY);
	irq_vec_detach(&queues[3].user, MANY);
	irq_vec_attach(vec, MANY, &queues[BITS_PER_LONG + 1].user);
	irq_vec_attach(vec, MANY, &queues[3].user);
	KUNIT_EXPECT_EQ(test, queues[BITS_PER_LONG + 1].user.place, 3);
	KUNIT_EXPECT_EQ(test, queues[3].user.place, BITS_PER_LONG + 1);

	for (i = 0; i < MANY; i++) {
		irq_vec_detach(&queues[i].user, MANY);
		irq_vec_put(vec, MANY);
	}
	KUNIT_EXPECT_EQ(test, irq_vecpool_irq(&ctx->pool, 0), 0);
	test_end(test, ctx);
}

/* Two vectors of one CPU, both with more users than places */
struct test_crowd {
	struct vecpool_test	*ctx;
	struct irq_vec		*a, *b;
	struct test_queue	on_a[LIMIT + LISTED];
	struct test_queue	on_b[LIMIT + LISTED];
};

static struct test_crowd *test_crowd(struct kunit *test)
{
	struct test_crowd *crowd = test_array(test, 1, sizeof(*crowd));
	struct ims_fake_params machine = test_machine;
	unsigned int i;

	machine.vectors = 2;
	crowd->ctx = test_setup_on(test, &machine, &test_info);
	for (i = 0; i < 2 * (LIMIT + LISTED); i++) {
		struct irq_vec *vec = test_get(crowd->ctx, 0);

		KUNIT_ASSERT_FALSE(test, IS_ERR(vec));
		if (!crowd->a)
			crowd->a = vec;
		else if (vec != crowd->a)
			crowd->b = vec;
	}
	KUNIT_ASSERT_NOT_NULL(test, crowd->b);
	KUNIT_ASSERT_EQ(test, atomic_read(&crowd->a->users), LIMIT + LISTED);
	KUNIT_ASSERT_EQ(test, atomic_read(&crowd->b->users), LIMIT + LISTED);
	for (i = 0; i < LIMIT + LISTED; i++) {
		irq_vec_attach(crowd->a, LIMIT, &crowd->on_a[i].user);
		irq_vec_attach(crowd->b, LIMIT, &crowd->on_b[i].user);
	}
	return crowd;
}

/* When @queue is called it has @moved go to @to, the first @times */
static void test_move(struct test_queue *queue, struct test_queue *moved, struct irq_vec *to,
		      unsigned int times)
{
	queue->moved = moved;
	queue->to = to;
	queue->moves = times;
}

static void test_crowd_end(struct kunit *test, struct test_crowd *crowd)
{
	unsigned int i;

	for (i = 0; i < LIMIT + LISTED; i++) {
		irq_vec_detach(&crowd->on_a[i].user, LIMIT);
		irq_vec_detach(&crowd->on_b[i].user, LIMIT);
		test_put(crowd->a);
		test_put(crowd->b);
	}
	test_end(test, crowd->ctx);
}

/* A user which goes to another vector does not take along whoever calls them */
static void irq_vecpool_test_dispatch_moves(struct kunit *test)
{
	unsigned int i, mover, moved, all = LIMIT + LISTED;
	struct test_crowd *crowd;

	/* Each of them has each of them go, itself too */
	for (mover = 0; mover < all; mover++) {
		for (moved = 0; moved < all; moved++) {
			crowd = test_crowd(test);
			test_move(&crowd->on_a[mover], &crowd->on_a[moved], crowd->b, 1);
			KUNIT_EXPECT_EQ(test, test_send(crowd->ctx, crowd->a->irq), 0);
			for (i = 0; i < all; i++)
				KUNIT_EXPECT_TRUE_MSG(test, crowd->on_a[i].called ||
						      (i == moved && i != mover),
						      "queue %u when %u moves %u", i, mover, moved);
			KUNIT_EXPECT_PTR_EQ(test, crowd->on_a[moved].user.vec, crowd->b);

			/* From now on the other vector's interrupts are its own */
			for (i = 0; i < all; i++) {
				crowd->on_a[i].called = 0;
				crowd->on_b[i].called = 0;
			}
			KUNIT_EXPECT_EQ(test, test_send(crowd->ctx, crowd->b->irq), 0);
			for (i = 0; i < all; i++) {
				KUNIT_EXPECT_EQ(test, crowd->on_b[i].called, 1);
				KUNIT_EXPECT_EQ(test, crowd->on_a[i].called, i == moved);
			}
			test_crowd_end(test, crowd);
		}
	}
}

/* All of them go to the other vector, from places and from the list */
static void irq_vecpool_test_dispatch_all_move(struct kunit *test)
{
	struct test_crowd *crowd = test_crowd(test);
	unsigned int i;

	for (i = 0; i < LIMIT + LISTED; i++)
		test_move(&crowd->on_a[i], &crowd->on_a[i], crowd->b, 1);
	KUNIT_EXPECT_EQ(test, test_send(crowd->ctx, crowd->a->irq), 0);
	for (i = 0; i < LIMIT + LISTED; i++) {
		KUNIT_EXPECT_GE(test, crowd->on_a[i].called, 1);
		KUNIT_EXPECT_PTR_EQ(test, crowd->on_a[i].user.vec, crowd->b);
	}
	test_crowd_end(test, crowd);
}

/* A user which is attached again at once, to the same vector, keeps nobody busy */
static void irq_vecpool_test_dispatch_again(struct kunit *test)
{
	struct test_crowd *crowd = test_crowd(test);
	unsigned int i;

	/* Many times, but there has to be an end of it */
	for (i = 0; i < LIMIT + LISTED; i++)
		test_move(&crowd->on_a[i], &crowd->on_a[i], crowd->a, 1000);
	KUNIT_EXPECT_EQ(test, test_send(crowd->ctx, crowd->a->irq), 0);
	for (i = 0; i < LIMIT + LISTED; i++) {
		KUNIT_EXPECT_GE(test, crowd->on_a[i].called, 1);
		KUNIT_EXPECT_LE(test, crowd->on_a[i].called, LISTED);
	}
	test_crowd_end(test, crowd);
}

/* Users come and go in hard interrupt context and below raw locks */
static void irq_vecpool_test_any_context(struct kunit *test)
{
	static DEFINE_RAW_SPINLOCK(lock);
	struct test_crowd *crowd = test_crowd(test);
	unsigned long flags;
	unsigned int i;

	raw_spin_lock_irqsave(&lock, flags);
	for (i = 0; i < LIMIT + LISTED; i++)
		irq_vec_detach(&crowd->on_a[i].user, LIMIT);
	for (i = 0; i < LIMIT + LISTED; i++)
		irq_vec_attach(crowd->a, LIMIT, &crowd->on_a[i].user);
	raw_spin_unlock_irqrestore(&lock, flags);

	/* On PREEMPT_RT any other lock would sleep */
	KUNIT_EXPECT_TRUE(test, __same_type(crowd->a->pool->listed_lock, raw_spinlock_t));
	KUNIT_EXPECT_EQ(test, test_send(crowd->ctx, crowd->a->irq), 0);
	for (i = 0; i < LIMIT + LISTED; i++)
		KUNIT_EXPECT_EQ(test, crowd->on_a[i].called, 1);
	test_crowd_end(test, crowd);
}

/* --- CPUs ----------------------------------------------------------------------- */

/* The CPU with the least on it gets the next user, the first one of several such */
static void irq_vecpool_test_least(struct kunit *test)
{
	struct vecpool_test *ctx = test_setup(test);
	unsigned int i, cpu, nr, n = 0;
	struct irq_vec *vecs[20];
	struct cpumask *mask;

	mask = test_array(test, 1, cpumask_size());

	/* One after the other */
	for_each_online_cpu(cpu) {
		if (n == 8)
			break;
		cpumask_set_cpu(cpu, mask);
		KUNIT_EXPECT_EQ(test, irq_vecpool_least(&ctx->pool, mask), cpu);
		vecs[n] = test_get(ctx, cpu);
		KUNIT_ASSERT_FALSE(test, IS_ERR(vecs[n]));
		n++;
	}

	/* Then who has fewer users, and only within the mask */
	nr = n;
	for (i = 1; i < nr; i++)
		vecs[n++] = test_get(ctx, vecs[i]->cpu);
	KUNIT_EXPECT_EQ(test, irq_vecpool_least(&ctx->pool, mask), vecs[0]->cpu);
	KUNIT_EXPECT_EQ(test, irq_vecpool_least(&ctx->pool, cpumask_of(vecs[nr - 1]->cpu)),
			vecs[nr - 1]->cpu);

	/* A mask in which no CPU is online is as good as none */
	cpumask_clear(mask);
	KUNIT_EXPECT_TRUE(test, cpu_online(irq_vecpool_least(&ctx->pool, mask)));
	KUNIT_EXPECT_EQ(test, irq_vecpool_least(&ctx->pool, mask),
			irq_vecpool_least(&ctx->pool, NULL));

	while (n--)
		test_put(vecs[n]);
	for_each_online_cpu(cpu)
		KUNIT_EXPECT_EQ(test, ctx->pool.cpus[cpu].nr, 0);
	test_end(test, ctx);
}

/* A CPU with a full vector has more on it than one with a vector in use */
static void irq_vecpool_test_least_full(struct kunit *test)
{
	unsigned int i, full = cpumask_first(cpu_online_mask);
	unsigned int other = cpumask_last(cpu_online_mask);
	struct vecpool_test *ctx = test_setup(test);
	struct irq_vec *vec, *second, *room;
	struct cpumask *mask;

	mask = test_array(test, 1, cpumask_size());
	cpumask_set_cpu(full, mask);
	cpumask_set_cpu(other, mask);

	/* Two vectors on one CPU, the open one of them with one user */
	vec = test_get(ctx, full);
	KUNIT_ASSERT_FALSE(test, IS_ERR(vec));
	for (i = 1; i < LIMIT; i++)
		KUNIT_EXPECT_PTR_EQ(test, test_get(ctx, full), vec);
	second = test_get(ctx, full);
	KUNIT_ASSERT_FALSE(test, IS_ERR(second));
	KUNIT_EXPECT_EQ(test, ctx->pool.cpus[full].nr, 2);

	/* Two users on the other, which is less */
	if (full != other) {
		room = test_get(ctx, other);
		KUNIT_ASSERT_FALSE(test, IS_ERR(room));
		KUNIT_EXPECT_PTR_EQ(test, test_get(ctx, other), room);
		KUNIT_EXPECT_EQ(test, irq_vecpool_least(&ctx->pool, mask), other);
		test_put(room);
		test_put(room);
	}

	test_put(second);
	KUNIT_EXPECT_EQ(test, ctx->pool.cpus[full].nr, 1);
	for (i = 0; i < LIMIT; i++)
		test_put(vec);
	test_end(test, ctx);
}

/* Who names no CPU gets none which is isolated, as long as there are others */
static void irq_vecpool_test_isolated(struct kunit *test)
{
	const struct cpumask *idle = housekeeping_cpumask(HK_TYPE_MANAGED_IRQ);
	struct irq_vecpool_info info = test_info;
	struct irq_vec *vecs[NR], *own;
	struct vecpool_test *ctx;
	unsigned int i, node;

	for (node = 0; node < 2; node++) {
		info.node = node;
		ctx = test_create(test, &test_machine);
		set_dev_node(&ctx->fake->pdev->dev, cpu_to_node(cpumask_last(cpu_online_mask)));
		KUNIT_ASSERT_EQ(test, test_init_table(ctx), 0);
		KUNIT_ASSERT_EQ(test, test_init_pool(ctx, &info), 0);
		for (i = 0; i < NR - 1; i++) {
			vecs[i] = test_get(ctx, irq_vecpool_least(&ctx->pool, NULL));
			KUNIT_ASSERT_FALSE(test, IS_ERR(vecs[i]));
			KUNIT_EXPECT_TRUE(test, cpumask_test_cpu(vecs[i]->cpu, idle));
		}
		if (node) {
			own = test_get_dedicated(ctx, NULL);
			KUNIT_ASSERT_FALSE(test, IS_ERR(own));
			KUNIT_EXPECT_TRUE(test, !IS_ENABLED(CONFIG_SMP) ||
					  cpumask_subset(irq_get_affinity_mask(own->irq), idle));
			test_put(own);
		}
		for (i = 0; i < NR - 1; i++)
			test_put(vecs[i]);
		test_end(test, ctx);
	}

	/* Who names one gets it */
	ctx = test_setup(test);
	for_each_online_cpu(i) {
		KUNIT_EXPECT_EQ(test, irq_vecpool_least(&ctx->pool, cpumask_of(i)), i);
		own = test_get(ctx, i);
		KUNIT_ASSERT_FALSE(test, IS_ERR(own));
		KUNIT_EXPECT_TRUE(test, test_on(own->irq, i));
		test_put(own);
	}
	test_end(test, ctx);
}

/* Where nobody names CPUs, vectors are on those of the device's node */
static void irq_vecpool_test_node(struct kunit *test)
{
	unsigned int i, cpu = cpumask_last(cpu_online_mask), first = cpumask_first(cpu_online_mask);
	const struct cpumask *near = cpu_online_mask;
	struct irq_vecpool_info info = test_info;
	struct irq_vec *vecs[8], *vec;
	struct vecpool_test *ctx;

	info.node = true;
	ctx = test_create(test, &test_machine);
	set_dev_node(&ctx->fake->pdev->dev, cpu_to_node(cpu));
	if (IS_ENABLED(CONFIG_NUMA))
		near = cpumask_of_node(cpu_to_node(cpu));
	if (!cpumask_intersects(near, housekeeping_cpumask(HK_TYPE_MANAGED_IRQ)))
		kunit_skip(test, "all CPUs of the node are isolated");
	KUNIT_ASSERT_EQ(test, test_init_table(ctx), 0);
	KUNIT_ASSERT_EQ(test, test_init_pool(ctx, &info), 0);

	/* A CPU which is named is the one, wherever it is */
	KUNIT_EXPECT_EQ(test, irq_vecpool_least(&ctx->pool, cpumask_of(first)), first);
	for (i = 0; i < ARRAY_SIZE(vecs); i++) {
		vecs[i] = test_get(ctx, irq_vecpool_least(&ctx->pool, NULL));
		KUNIT_ASSERT_FALSE(test, IS_ERR(vecs[i]));
		KUNIT_EXPECT_TRUE(test, cpumask_test_cpu(vecs[i]->cpu, near));
	}
	for (i = 0; i < ARRAY_SIZE(vecs); i++)
		test_put(vecs[i]);

	vec = test_get_dedicated(ctx, NULL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(vec));
	/* At the request the kernel looks at the node by itself, not before */
	if (IS_ENABLED(CONFIG_NUMA))
		KUNIT_EXPECT_TRUE(test, cpumask_subset(irq_get_affinity_mask(vec->irq), near));
	KUNIT_ASSERT_EQ(test, test_request(ctx, vec->irq), 0);
	KUNIT_EXPECT_TRUE(test, cpumask_subset(irq_get_effective_affinity_mask(vec->irq), near));
	free_irq(vec->irq, &ctx->fired);
	test_put(vec);

	vec = test_get_dedicated(ctx, cpumask_of(first));
	KUNIT_ASSERT_FALSE(test, IS_ERR(vec));
	KUNIT_ASSERT_EQ(test, test_request(ctx, vec->irq), 0);
	KUNIT_EXPECT_TRUE(test, test_on(vec->irq, first));
	free_irq(vec->irq, &ctx->fired);
	test_put(vec);
	test_end(test, ctx);
}

/* While no CPU of the node is online any other will do */
static void irq_vecpool_test_node_offline(struct kunit *test)
{
	unsigned int cpu, node = cpu_to_node(cpumask_last(cpu_online_mask));
	struct irq_vecpool_info info = test_info;
	struct vecpool_test *ctx;
	struct cpumask *near;
	struct irq_vec *vec;

	if (!IS_ENABLED(CONFIG_HOTPLUG_CPU) ||
	    cpumask_subset(cpu_online_mask, cpumask_of_node(node)))
		kunit_skip(test, "there is one node only");

	info.node = true;
	near = test_array(test, 1, cpumask_size());
	cpumask_copy(near, cpumask_of_node(node));
	ctx = test_create(test, &test_machine);
	set_dev_node(&ctx->fake->pdev->dev, node);
	KUNIT_ASSERT_EQ(test, test_init_table(ctx), 0);
	KUNIT_ASSERT_EQ(test, test_init_pool(ctx, &info), 0);
	for_each_cpu(cpu, near)
		KUNIT_EXPECT_EQ(test, remove_cpu(cpu), 0);

	vec = test_get(ctx, irq_vecpool_least(&ctx->pool, NULL));
	KUNIT_EXPECT_FALSE(test, IS_ERR(vec));
	if (!IS_ERR(vec)) {
		KUNIT_EXPECT_TRUE(test, cpu_online(vec->cpu));
		test_put(vec);
	}

	vec = test_get_dedicated(ctx, NULL);
	KUNIT_EXPECT_FALSE(test, IS_ERR(vec));
	if (!IS_ERR(vec)) {
		KUNIT_EXPECT_EQ(test, test_request(ctx, vec->irq), 0);
		KUNIT_EXPECT_EQ(test, test_send(ctx, vec->irq), 0);
		KUNIT_EXPECT_EQ(test, ctx->fired, 1);
		free_irq(vec->irq, &ctx->fired);
		test_put(vec);
	}

	for_each_cpu(cpu, near)
		KUNIT_EXPECT_EQ(test, add_cpu(cpu), 0);
	test_end(test, ctx);
}

/* A CPU without vectors is full, even if the machine grants one of another CPU */
static void irq_vecpool_test_elsewhere(struct kunit *test)
{
	unsigned int full = cpumask_first(cpu_online_mask);
	unsigned int i, other = cpumask_last(cpu_online_mask);
	struct ims_fake_params machine = test_machine;
	struct irq_vec *vec, *more, *room;
	struct vecpool_test *ctx;

	if (full == other)
		kunit_skip(test, "there is one CPU only");

	machine.vectors_per_cpu = 1;
	ctx = test_setup_on(test, &machine, &test_info);
	vec = test_get(ctx, full);
	KUNIT_ASSERT_FALSE(test, IS_ERR(vec));
	KUNIT_EXPECT_TRUE(test, test_on(vec->irq, full));
	for (i = 1; i < LIMIT; i++)
		KUNIT_EXPECT_PTR_EQ(test, test_get(ctx, full), vec);

	/* It shares, takes nothing from the others, and does not try again at once */
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_PTR_EQ(test, test_get(ctx, full), vec);
	KUNIT_EXPECT_EQ(test, ctx->pool.elsewhere, 1);
	KUNIT_EXPECT_EQ(test, ctx->pool.shared_full, 3);
	KUNIT_EXPECT_EQ(test, ctx->pool.made, 1);
	KUNIT_EXPECT_EQ(test, ctx->fake->active, 1);

	/* The other CPU has its own vector, at once */
	room = test_get(ctx, other);
	KUNIT_ASSERT_FALSE(test, IS_ERR(room));
	KUNIT_EXPECT_PTR_NE(test, room, vec);
	KUNIT_EXPECT_TRUE(test, test_on(room->irq, other));

	/* Better times, which are noticed a second later */
	ctx->fake->params.vectors_per_cpu = 2;
	ctx->pool.cpus[full].retry = ((u32)jiffies - 2) | 1;
	more = test_get(ctx, full);
	KUNIT_ASSERT_FALSE(test, IS_ERR(more));
	KUNIT_EXPECT_PTR_NE(test, more, vec);
	KUNIT_EXPECT_PTR_NE(test, more, room);
	KUNIT_EXPECT_TRUE(test, test_on(more->irq, full));
	KUNIT_EXPECT_EQ(test, ctx->pool.elsewhere, 1);

	test_put(more);
	test_put(room);
	for (i = 0; i < LIMIT + 3; i++)
		test_put(vec);
	test_end(test, ctx);
}

/* Without anything to share, a vector on another CPU is better than none */
static void irq_vecpool_test_elsewhere_kept(struct kunit *test)
{
	unsigned int full = cpumask_first(cpu_online_mask);
	struct ims_fake_params machine = test_machine;
	struct test_queue queue = { };
	struct irq_vec *vec, *own;
	struct vecpool_test *ctx;

	if (full == cpumask_last(cpu_online_mask))
		kunit_skip(test, "there is one CPU only");

	machine.vectors_per_cpu = 1;
	ctx = test_setup_on(test, &machine, &test_info);
	own = test_get_dedicated(ctx, cpumask_of(full));
	KUNIT_ASSERT_FALSE(test, IS_ERR(own));
	KUNIT_ASSERT_EQ(test, test_request(ctx, own->irq), 0);
	KUNIT_EXPECT_TRUE(test, test_on(own->irq, full));

	vec = test_get(ctx, full);
	KUNIT_ASSERT_FALSE(test, IS_ERR(vec));
	KUNIT_EXPECT_FALSE(test, test_on(vec->irq, full));
	irq_vec_attach(vec, LIMIT, &queue.user);
	KUNIT_EXPECT_EQ(test, test_send(ctx, vec->irq), 0);
	KUNIT_EXPECT_EQ(test, queue.called, 1);
	irq_vec_detach(&queue.user, LIMIT);

	test_put(vec);
	free_irq(own->irq, &ctx->fired);
	test_put(own);
	synchronize_rcu();
	test_end(test, ctx);
}

/* --- CPUs which come and go ------------------------------------------------------ */

/* The CPU which tests take away, nr_cpu_ids if there is none */
static unsigned int test_hotplug_cpu(void)
{
	unsigned int cpu = cpumask_last(cpu_online_mask);

	if (!IS_ENABLED(CONFIG_HOTPLUG_CPU) || cpu == cpumask_first(cpu_online_mask))
		return nr_cpu_ids;
	return cpu;
}

/* A CPU which comes back has its vectors again, and meanwhile no interrupt is lost */
static void irq_vecpool_test_hotplug(struct kunit *test)
{
	unsigned int i, other = cpumask_first(cpu_online_mask), cpu = test_hotplug_cpu();
	struct irq_vec *vec, *late = NULL;
	struct test_queue *queue;
	struct vecpool_test *ctx;

	if (cpu >= nr_cpu_ids)
		kunit_skip(test, "no CPU can be taken away");

	ctx = test_setup(test);
	queue = test_array(test, 1, sizeof(*queue));
	vec = test_get(ctx, cpu);
	KUNIT_ASSERT_FALSE(test, IS_ERR(vec));
	irq_vec_attach(vec, LIMIT, &queue->user);
	KUNIT_EXPECT_TRUE(test, test_on(vec->irq, cpu));

	KUNIT_ASSERT_EQ(test, remove_cpu(cpu), 0);
	KUNIT_EXPECT_FALSE(test, test_on(vec->irq, cpu));
	KUNIT_EXPECT_EQ(test, test_send(ctx, vec->irq), 0);
	KUNIT_EXPECT_EQ(test, queue->called, 1);

	/* The CPU is offline, not its users */
	for (i = 1; i < LIMIT; i++)
		KUNIT_EXPECT_PTR_EQ(test, test_get(ctx, cpu), vec);
	late = test_get(ctx, cpu);
	KUNIT_EXPECT_FALSE(test, IS_ERR(late));

	KUNIT_EXPECT_EQ(test, add_cpu(cpu), 0);
	KUNIT_EXPECT_TRUE(test, test_on(vec->irq, cpu));
	KUNIT_EXPECT_EQ(test, test_send(ctx, vec->irq), 0);
	KUNIT_EXPECT_EQ(test, queue->called, 2);
	if (!IS_ERR(late)) {
		KUNIT_EXPECT_TRUE(test, test_on(late->irq, cpu));
		KUNIT_EXPECT_EQ(test, ctx->pool.moved, 2);
		test_put(late);
	}

	/* Whoever moves it elsewhere has the last word */
	KUNIT_EXPECT_EQ(test, irq_set_affinity(vec->irq, cpumask_of(other)), 0);
	KUNIT_ASSERT_EQ(test, remove_cpu(cpu), 0);
	KUNIT_EXPECT_EQ(test, add_cpu(cpu), 0);
	KUNIT_EXPECT_TRUE(test, test_on(vec->irq, other));

	irq_vec_detach(&queue->user, LIMIT);
	for (i = 0; i < LIMIT; i++)
		test_put(vec);
	synchronize_rcu();
	test_end(test, ctx);
}

/* Where moves wait for a message, CPUs can go again before there is one */
static void irq_vecpool_test_hotplug_pending(struct kunit *test)
{
	struct ims_fake_params machine = test_machine;
	unsigned int i, cpu = test_hotplug_cpu();
	struct vecpool_test *ctx;
	struct irq_vec *vec;

	if (cpu >= nr_cpu_ids || !ims_fake_moves_later())
		kunit_skip(test, "no CPU can be taken away, or no move waits");

	machine.moves_later = true;
	ctx = test_setup_on(test, &machine, &test_info);
	vec = test_get(ctx, cpu);
	KUNIT_ASSERT_FALSE(test, IS_ERR(vec));
	KUNIT_EXPECT_TRUE(test, test_on(vec->irq, cpu));

	for (i = 0; i < 3; i++) {
		KUNIT_ASSERT_EQ(test, remove_cpu(cpu), 0);
		KUNIT_EXPECT_FALSE(test, test_on(vec->irq, cpu));
		KUNIT_ASSERT_EQ(test, add_cpu(cpu), 0);
		/* It is still where it was, and only about to come home */
		KUNIT_EXPECT_FALSE(test, test_on(vec->irq, cpu));
		KUNIT_EXPECT_EQ(test, ctx->pool.moved, i + 1);
	}
	KUNIT_EXPECT_EQ(test, test_send(ctx, vec->irq), 0);
	KUNIT_EXPECT_TRUE(test, test_on(vec->irq, cpu));

	test_put(vec);
	synchronize_rcu();
	test_end(test, ctx);
}

/* A store which takes its time, or in which something else happens meanwhile */
struct test_slow {
	struct irq_vec_source	real;
	struct completion	entered;
	struct completion	go;
	struct vecpool_test	*ctx;
	struct irq_vec		*vec;
	unsigned int		unplug;
	bool			wait;
	bool			waited;
	bool			allocated;
	u64			cookie;
};

static struct msi_map test_slow_alloc(void *store, unsigned int index,
				      union msi_instance_cookie cookie,
				      const struct irq_affinity_desc *affdesc)
{
	struct test_slow *slow = store;

	if (slow->wait) {
		complete(&slow->entered);
		slow->waited = wait_for_completion_timeout(&slow->go, PATIENCE);
	}
	slow->allocated = true;
	slow->cookie = cookie.value;
	return slow->real.ops->alloc(slow->real.store, index, cookie, affdesc);
}

static void test_slow_free(void *store, struct msi_map map)
{
	struct test_slow *slow = store;

	slow->real.ops->free(slow->real.store, map);
}

/* Asked for when the interrupt of a shared vector has been requested */
static int test_slow_error(void *store, unsigned int index)
{
	struct test_slow *slow = store;

	if (slow->allocated && slow->unplug < nr_cpu_ids) {
		remove_cpu(slow->unplug);
		slow->unplug = nr_cpu_ids;
	}
	return 0;
}

static const struct irq_vec_source_ops test_slow_ops = {
	.alloc	= test_slow_alloc,
	.free	= test_slow_free,
	.error	= test_slow_error,
};

static struct test_slow *test_slow_setup(struct kunit *test)
{
	struct test_slow *slow = test_array(test, 1, sizeof(*slow));
	struct vecpool_test *ctx = test_create(test, &test_machine);
	struct irq_vec_source source;

	KUNIT_ASSERT_EQ(test, test_init_table(ctx), 0);
	slow->ctx = ctx;
	slow->unplug = nr_cpu_ids;
	slow->real = pci_irq_table_source(&ctx->table);
	init_completion(&slow->entered);
	init_completion(&slow->go);
	source = slow->real;
	source.ops = &test_slow_ops;
	source.store = slow;
	KUNIT_ASSERT_EQ(test, irq_vecpool_init(&ctx->pool, &ctx->fake->pdev->dev, &test_info,
					       &source, 1, test_handler), 0);
	return slow;
}

/* What shared vectors carry along, said by the driver; an errno changes nothing */
static void irq_vecpool_test_cookie(struct kunit *test)
{
	struct test_slow *slow = test_slow_setup(test);
	union msi_instance_cookie cookie = { .value = 5 }, bad = { .value = -EINVAL };
	struct vecpool_test *ctx = slow->ctx;
	struct irq_vec *vec;

	KUNIT_EXPECT_EQ(test, irq_vecpool_set_cookie(&ctx->pool, cookie), 0);
	KUNIT_EXPECT_EQ(test, irq_vecpool_set_cookie(&ctx->pool, bad), -EINVAL);
	vec = test_get(ctx, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(vec));
	KUNIT_EXPECT_EQ(test, slow->cookie, 5);
	test_put(vec);
	test_end(test, ctx);
}

static int test_slow_get(void *data)
{
	struct test_slow *slow = data;

	slow->vec = test_get(slow->ctx, 0);
	return 0;
}

/* CPUs come and go while a store takes its time */
static void irq_vecpool_test_hotplug_slow(struct kunit *test)
{
	unsigned int cpu = test_hotplug_cpu();
	struct task_struct *getter;
	struct test_slow *slow;

	if (cpu >= nr_cpu_ids)
		kunit_skip(test, "no CPU can be taken away");

	slow = test_slow_setup(test);
	slow->wait = true;
	getter = kthread_create(test_slow_get, slow, "irq_vecpool_test");
	KUNIT_ASSERT_FALSE(test, IS_ERR(getter));
	get_task_struct(getter);
	wake_up_process(getter);
	wait_for_completion(&slow->entered);

	KUNIT_EXPECT_EQ(test, remove_cpu(cpu), 0);
	KUNIT_EXPECT_EQ(test, add_cpu(cpu), 0);
	complete(&slow->go);
	/* Waits for the end of the thread */
	KUNIT_EXPECT_EQ(test, kthread_stop_put(getter), 0);
	KUNIT_EXPECT_TRUE(test, slow->waited);

	KUNIT_ASSERT_FALSE(test, IS_ERR(slow->vec));
	test_put(slow->vec);
	test_end(test, slow->ctx);
}

/* A CPU which goes while its vector is being made has it when it comes back */
static void irq_vecpool_test_hotplug_making(struct kunit *test)
{
	unsigned int cpu = test_hotplug_cpu();
	struct test_slow *slow;
	struct irq_vec *vec;

	if (cpu >= nr_cpu_ids)
		kunit_skip(test, "no CPU can be taken away");

	slow = test_slow_setup(test);
	slow->unplug = cpu;
	vec = test_get(slow->ctx, cpu);
	KUNIT_EXPECT_FALSE(test, cpu_online(cpu));
	KUNIT_EXPECT_EQ(test, add_cpu(cpu), 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(vec));
	KUNIT_EXPECT_EQ(test, vec->cpu, cpu);
	KUNIT_EXPECT_TRUE(test, test_on(vec->irq, cpu));
	test_put(vec);
	test_end(test, slow->ctx);
}

/* --- Life ----------------------------------------------------------------------- */

/* After shutdown no message is sent anymore, not even of who is disabled already */
static void irq_vecpool_test_shutdown(struct kunit *test)
{
	struct vecpool_test *ctx = test_setup(test);
	unsigned int special = pci_irq_vector(ctx->fake->pdev, 0);
	struct irq_vec *vec, *own, *lazy;

	vec = test_get(ctx, 0);
	own = test_get_dedicated(ctx, NULL);
	lazy = test_get_dedicated(ctx, NULL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(vec));
	KUNIT_ASSERT_FALSE(test, IS_ERR(own));
	KUNIT_ASSERT_FALSE(test, IS_ERR(lazy));
	KUNIT_ASSERT_EQ(test, test_request(ctx, special), 0);
	KUNIT_ASSERT_EQ(test, test_request(ctx, own->irq), 0);
	KUNIT_ASSERT_EQ(test, test_request(ctx, lazy->irq), 0);
	disable_irq(lazy->irq);
	KUNIT_EXPECT_FALSE(test, irqd_irq_masked(irq_get_irq_data(lazy->irq)));

	irq_vecpool_shutdown(&ctx->pool);
	KUNIT_EXPECT_TRUE(test, irqd_irq_masked(irq_get_irq_data(vec->irq)));
	KUNIT_EXPECT_TRUE(test, irqd_irq_masked(irq_get_irq_data(own->irq)));
	KUNIT_EXPECT_TRUE(test, irqd_irq_masked(irq_get_irq_data(lazy->irq)));
	/* The one which tells that the device is done comes last */
	KUNIT_EXPECT_FALSE(test, irqd_irq_masked(irq_get_irq_data(special)));
	pci_irq_table_shutdown(&ctx->table);
	KUNIT_EXPECT_TRUE(test, irqd_irq_masked(irq_get_irq_data(special)));

	free_irq(special, &ctx->fired);
	free_irq(own->irq, &ctx->fired);
	free_irq(lazy->irq, &ctx->fired);
	test_put(vec);
	test_put(own);
	test_put(lazy);
	test_end(test, ctx);
}

/* What is set up already is not touched */
static void irq_vecpool_test_init_twice(struct kunit *test)
{
	struct vecpool_test *ctx = test_setup(test);
	struct test_queue queue = { };
	struct irq_vec *vec;

	vec = test_get(ctx, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(vec));
	irq_vec_attach(vec, LIMIT, &queue.user);

	KUNIT_EXPECT_EQ(test, test_init_table(ctx), -EBUSY);
	KUNIT_EXPECT_EQ(test, test_init_pool(ctx, &test_info), -EBUSY);

	KUNIT_EXPECT_EQ(test, test_send(ctx, vec->irq), 0);
	KUNIT_EXPECT_EQ(test, queue.called, 1);
	KUNIT_EXPECT_EQ(test, ctx->pool.nr, NR);
	irq_vec_detach(&queue.user, LIMIT);
	test_put(vec);
	synchronize_rcu();
	test_end(test, ctx);
}

/* After a failure, and after its end, it can be set up again */
static void irq_vecpool_test_init_again(struct kunit *test)
{
	struct vecpool_test *ctx = test_create(test, &test_machine);
	struct irq_vec_source source;
	struct irq_vec *vec;
	unsigned int i;

	/* What was never there can end, too */
	irq_vecpool_shutdown(&ctx->pool);
	irq_vecpool_exit(&ctx->pool);
	pci_irq_table_shutdown(&ctx->table);
	pci_irq_table_exit(&ctx->table);

	KUNIT_EXPECT_EQ(test, pci_irq_table_init(&ctx->table, ctx->fake->pdev, PCI_IRQ_MSI, 1, 1,
						 false), -EINVAL);
	KUNIT_ASSERT_EQ(test, test_init_table(ctx), 0);
	source = pci_irq_table_source(&ctx->table);
	KUNIT_EXPECT_EQ(test, irq_vecpool_init(&ctx->pool, &ctx->fake->pdev->dev, &test_info,
					       &source, 1, NULL), -EINVAL);
	KUNIT_EXPECT_TRUE(test, mem_is_zero(&ctx->pool, sizeof(ctx->pool)));

	for (i = 0; i < 3; i++) {
		KUNIT_ASSERT_EQ(test, test_init_pool(ctx, &test_info), 0);
		vec = test_get(ctx, 0);
		KUNIT_ASSERT_FALSE(test, IS_ERR(vec));
		KUNIT_EXPECT_EQ(test, test_send(ctx, vec->irq), 0);
		test_put(vec);
		irq_vecpool_exit(&ctx->pool);
		irq_vecpool_exit(&ctx->pool);
		KUNIT_EXPECT_TRUE(test, mem_is_zero(&ctx->pool, sizeof(ctx->pool)));

		pci_irq_table_exit(&ctx->table);
		pci_irq_table_exit(&ctx->table);
		KUNIT_EXPECT_TRUE(test, mem_is_zero(&ctx->table, sizeof(ctx->table)));
		KUNIT_EXPECT_EQ(test, ctx->fake->allocated, 0);
		KUNIT_ASSERT_EQ(test, test_init_table(ctx), 0);
	}
	test_end(test, ctx);
}

/* A pool without shared vectors needs no handler, and nothing by CPU */
static void irq_vecpool_test_dedicated_only(struct kunit *test)
{
	struct vecpool_test *ctx = test_create(test, &test_machine);
	struct irq_vecpool_info info = test_info;
	struct irq_vec_source source;
	struct irq_vec *vec;

	info.limit = 0;
	KUNIT_ASSERT_EQ(test, test_init_table(ctx), 0);
	source = pci_irq_table_source(&ctx->table);
	KUNIT_ASSERT_EQ(test, irq_vecpool_init(&ctx->pool, &ctx->fake->pdev->dev, &info, &source,
					       1, NULL), 0);
	KUNIT_EXPECT_PTR_EQ(test, ctx->pool.cpus, NULL);
	vec = test_get_dedicated(ctx, NULL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(vec));
	irq_vec_put(vec, 0);
	test_end(test, ctx);
}

/* --- A look from outside --------------------------------------------------------- */

#if IS_ENABLED(CONFIG_DEBUG_FS)
/* What the file in debugfs says, for which nobody has to have mounted that */
static char *test_debugfs(struct kunit *test)
{
	struct file_system_type *type = get_fs_type("debugfs");
	char *text = test_array(test, 1, PAGE_SIZE);
	struct vfsmount *mnt;
	struct iov_iter iter;
	struct kiocb kiocb;
	struct file *file;
	struct kvec vec;
	struct path root;

	KUNIT_ASSERT_NOT_NULL(test, type);
	mnt = kern_mount(type);
	KUNIT_ASSERT_FALSE(test, IS_ERR(mnt));
	root.mnt = mnt;
	root.dentry = mnt->mnt_root;
	file = file_open_root(&root, "irq_vecpools", O_RDONLY, 0);
	KUNIT_EXPECT_FALSE(test, IS_ERR(file));
	if (!IS_ERR(file)) {
		vec.iov_base = text;
		vec.iov_len = PAGE_SIZE - 1;
		init_sync_kiocb(&kiocb, file);
		iov_iter_kvec(&iter, ITER_DEST, &vec, 1, vec.iov_len);
		KUNIT_EXPECT_GE(test, seq_read_iter(&kiocb, &iter), 0);
		__fput_sync(file);
	}
	kern_unmount(mnt);
	return text;
}

static void irq_vecpool_test_debugfs(struct kunit *test)
{
	struct vecpool_test *ctx = test_setup(test);
	struct irq_vec *vec, *own;
	char line[64], *text;

	vec = test_get(ctx, 0);
	own = test_get_at(ctx, 7);
	KUNIT_ASSERT_FALSE(test, IS_ERR(vec));
	KUNIT_ASSERT_FALSE(test, IS_ERR(own));
	text = test_debugfs(test);
	kunit_info(test, "\n%s", text);

	snprintf(line, sizeof(line), "%s test: vectors 2 of %u  made 1  shared_full 0",
		 dev_name(&ctx->fake->pdev->dev), NR);
	KUNIT_EXPECT_NOT_NULL_MSG(test, strstr(text, line), "no \"%s\"", line);
	snprintf(line, sizeof(line), "msix[1]  irq %u  cpu 0  shared  users 1 of %u\n", vec->irq,
		 LIMIT);
	KUNIT_EXPECT_NOT_NULL_MSG(test, strstr(text, line), "no \"%s\"", line);
	snprintf(line, sizeof(line), "msix[7]  irq %u  cpu ", own->irq);
	KUNIT_EXPECT_NOT_NULL_MSG(test, strstr(text, line), "no \"%s\"", line);

	/* Who is busy does not hold up who looks */
	mutex_lock(&ctx->pool.lock);
	text = test_debugfs(test);
	mutex_unlock(&ctx->pool.lock);
	snprintf(line, sizeof(line), "%s test: busy\n", dev_name(&ctx->fake->pdev->dev));
	KUNIT_EXPECT_NOT_NULL_MSG(test, strstr(text, line), "no \"%s\"", line);

	test_put(vec);
	test_put(own);
	kunit_release_action(test, test_exit, ctx);
	text = test_debugfs(test);
	KUNIT_EXPECT_PTR_EQ(test, strstr(text, dev_name(&ctx->fake->pdev->dev)), NULL);
}
#else
static void irq_vecpool_test_debugfs(struct kunit *test)
{
	kunit_skip(test, "there is no debugfs");
}
#endif

/* Tracepoints which are on change nothing */
static void irq_vecpool_test_trace(struct kunit *test)
{
#ifdef CONFIG_EVENT_TRACING
	struct ims_fake_params machine = test_machine;
	static const char * const events[] = {
		"irq_vec_get", "irq_vec_put", "irq_vec_full", "irq_vec_move",
	};
	struct vecpool_test *ctx;
	struct irq_vec *vec;
	unsigned int i;

	machine.vectors = 1;
	for (i = 0; i < ARRAY_SIZE(events); i++)
		KUNIT_EXPECT_EQ(test, trace_set_clr_event("irq_vecpool", events[i], 1), 0);
	ctx = test_setup_on(test, &machine, &test_info);
	for (i = 0; i < LIMIT + 1; i++) {
		vec = test_get(ctx, 0);
		KUNIT_ASSERT_FALSE(test, IS_ERR(vec));
	}
	while (i--)
		test_put(vec);
	test_end(test, ctx);
	for (i = 0; i < ARRAY_SIZE(events); i++)
		KUNIT_EXPECT_EQ(test, trace_set_clr_event("irq_vecpool", events[i], 0), 0);
#else
	kunit_skip(test, "there is no tracing");
#endif
}

static struct kunit_case irq_vecpool_cases[] = {
	KUNIT_CASE(irq_vecpool_test_order),
	KUNIT_CASE(irq_vecpool_test_get_at),
	KUNIT_CASE(irq_vecpool_test_dedicated),
	KUNIT_CASE(irq_vecpool_test_default_affinity),
	KUNIT_CASE(irq_vecpool_test_static),
	KUNIT_CASE(irq_vecpool_test_static_few),
	KUNIT_CASE(irq_vecpool_test_msi),
	KUNIT_CASE(irq_vecpool_test_empty),
	KUNIT_CASE(irq_vecpool_test_share_limit),
	KUNIT_CASE(irq_vecpool_test_per_cpu),
	KUNIT_CASE(irq_vecpool_test_share_full),
	KUNIT_CASE(irq_vecpool_test_share_room),
	KUNIT_CASE(irq_vecpool_test_no_space),
	KUNIT_CASE(irq_vecpool_test_reserve),
	KUNIT_CASE(irq_vecpool_test_reserve_all),
	KUNIT_CASE(irq_vecpool_test_never_shared),
	KUNIT_CASE(irq_vecpool_test_dispatch),
	KUNIT_CASE(irq_vecpool_test_many_places),
	KUNIT_CASE(irq_vecpool_test_dispatch_moves),
	KUNIT_CASE(irq_vecpool_test_dispatch_all_move),
	KUNIT_CASE(irq_vecpool_test_dispatch_again),
	KUNIT_CASE(irq_vecpool_test_any_context),
	KUNIT_CASE(irq_vecpool_test_least),
	KUNIT_CASE(irq_vecpool_test_least_full),
	KUNIT_CASE(irq_vecpool_test_isolated),
	KUNIT_CASE(irq_vecpool_test_node),
	KUNIT_CASE(irq_vecpool_test_node_offline),
	KUNIT_CASE(irq_vecpool_test_elsewhere),
	KUNIT_CASE(irq_vecpool_test_elsewhere_kept),
	KUNIT_CASE(irq_vecpool_test_hotplug),
	KUNIT_CASE(irq_vecpool_test_hotplug_pending),
	KUNIT_CASE(irq_vecpool_test_hotplug_slow),
	KUNIT_CASE(irq_vecpool_test_hotplug_making),
	KUNIT_CASE(irq_vecpool_test_cookie),
	KUNIT_CASE(irq_vecpool_test_shutdown),
	KUNIT_CASE(irq_vecpool_test_init_twice),
	KUNIT_CASE(irq_vecpool_test_init_again),
	KUNIT_CASE(irq_vecpool_test_dedicated_only),
	KUNIT_CASE(irq_vecpool_test_debugfs),
	KUNIT_CASE(irq_vecpool_test_trace),
	{ }
};

static struct kunit_suite irq_vecpool_suite = {
	.name		= "irq_vecpool",
	.test_cases	= irq_vecpool_cases,
};

kunit_test_suite(irq_vecpool_suite);

MODULE_DESCRIPTION("KUnit suite of interrupt vector pools");
MODULE_LICENSE("GPL");
