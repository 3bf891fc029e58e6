// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit suite of vector pools which go on in a message store where the MSI-X
 * table of the fake device ends. Its messages are behind a command.
 */
#include <kunit/ims_fake.h>
#include <kunit/test.h>

#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irqdomain.h>
#include <linux/irq_vecpool.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/msi.h>
#include <linux/pci.h>
#include <linux/pci_ims_vecpool.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/string.h>

/* Entries of the MSI-X table, of which the first one is no part of the pool */
#define MSIX		4
#define FROM_MSIX	(MSIX - 1)
/* Messages of the store, of which the first ones are no part of it either */
#define SLOTS		8
#define FIRST		2
#define FROM_IMS	(SLOTS - FIRST)
#define NR		(FROM_MSIX + FROM_IMS)
/* Users of a shared vector */
#define LIMIT		4
/* How long to wait for what should happen at once */
#define PATIENCE	(10 * HZ)

enum { TABLE, IMS };

struct test_ctx {
	struct ims_fake		*fake;
	struct pci_irq_table	table;
	struct pci_ims		ims;
	struct irq_vecpool	pool;
	unsigned int		fired;

	/* What the device was told by how many commands, and which of them fail */
	struct pci_ims_msg	msgs[SLOTS];
	u32			cookies[SLOTS];
	unsigned int		commands;
	unsigned int		fail_from;
	unsigned int		fail_nr;
	int			status;

	/* A command which takes its time */
	bool			slow;
	struct completion	entered;
	struct completion	go;
	bool			waited;
	struct irq_vec		*vec;
};

struct test_queue {
	struct irq_vec_user	user;
	unsigned int		called;
};

static const struct irq_vec_range test_ranges[] = {
	{ .source = TABLE, .first = 1, .last = UINT_MAX },
	{ .source = IMS, .first = FIRST, .last = UINT_MAX },
};

static const u32 test_idle = 0x77;

static const struct irq_vecpool_info test_info = {
	.name		= "test",
	.ranges		= test_ranges,
	.nr_ranges	= ARRAY_SIZE(test_ranges),
	.limit		= LIMIT,
	.cookie.ptr	= (void *)&test_idle,
};

static const struct pci_ims_info test_ims_info = {
	.name		= "TEST-COMMAND",
	.max		= SLOTS,
	.optional	= true,
	.nr_cookies	= 1,
};

static const struct ims_fake_params test_machine = {
	.msix		= MSIX,
	.vectors	= 64,
	.bar_size	= PAGE_SIZE,
	.supports	= MSI_FLAG_PCI_IMS,
};

static const union msi_instance_cookie test_no_cookie;

static irqreturn_t test_count(int irq, void *data)
{
	unsigned int *count = data;

	(*count)++;
	return IRQ_HANDLED;
}

static irqreturn_t test_event(struct irq_vec_user *user)
{
	container_of(user, struct test_queue, user)->called++;
	return IRQ_HANDLED;
}

static irqreturn_t test_handler(int irq, void *data)
{
	return irq_vec_dispatch(data, LIMIT, test_event);
}

static int test_command(struct pci_ims *ims, const struct pci_ims_msg *msg)
{
	struct test_ctx *ctx = container_of(ims, struct test_ctx, ims);

	might_sleep();
	if (ctx->slow) {
		ctx->slow = false;
		complete(&ctx->entered);
		ctx->waited = wait_for_completion_timeout(&ctx->go, PATIENCE);
	}
	if (ctx->commands++ - ctx->fail_from < ctx->fail_nr)
		return ctx->status;
	ctx->msgs[msg->index] = *msg;
	ctx->cookies[msg->index] = msg->cookie[0];
	return 0;
}

/* From here on the next @nr commands fail */
static void test_fail(struct test_ctx *ctx, unsigned int nr, int status)
{
	ctx->fail_from = ctx->commands;
	ctx->fail_nr = nr;
	ctx->status = status;
}

static void test_exit(void *data)
{
	struct test_ctx *ctx = data;

	irq_vecpool_exit(&ctx->pool);
	pci_irq_table_exit(&ctx->table);
	pci_ims_exit(&ctx->ims);
}

static struct test_ctx *test_setup_on(struct kunit *test, const struct ims_fake_params *machine)
{
	struct test_ctx *ctx = kunit_kzalloc(test, sizeof(*ctx), GFP_KERNEL);
	struct pci_ims_params params = { .nr = SLOTS, .command = test_command };
	struct irq_vec_source sources[2];

	KUNIT_ASSERT_NOT_NULL(test, ctx);
	init_completion(&ctx->entered);
	init_completion(&ctx->go);
	ctx->fake = ims_fake_create(test, machine);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, test_exit, ctx), 0);
	KUNIT_ASSERT_EQ(test, pci_ims_init(&ctx->ims, ctx->fake->pdev, &test_ims_info, &params),
			0);
	KUNIT_ASSERT_EQ(test, pci_irq_table_init(&ctx->table, ctx->fake->pdev, PCI_IRQ_MSIX, 1,
						 1, true), 0);
	sources[TABLE] = pci_irq_table_source(&ctx->table);
	sources[IMS] = pci_ims_source(&ctx->ims);
	KUNIT_ASSERT_EQ(test, irq_vecpool_init(&ctx->pool, &ctx->fake->pdev->dev, &test_info,
					       sources, ARRAY_SIZE(sources), test_handler), 0);
	return ctx;
}

static struct test_ctx *test_setup(struct kunit *test)
{
	return test_setup_on(test, &test_machine);
}

/* What is left after the driver has gone: nothing */
static void test_end(struct kunit *test, struct test_ctx *ctx)
{
	KUNIT_EXPECT_EQ(test, ctx->fake->allocated, 1);
	KUNIT_EXPECT_EQ(test, ctx->fake->active, 0);
	kunit_release_action(test, test_exit, ctx);
	ims_fake_detach(ctx->fake);
	KUNIT_EXPECT_EQ(test, ctx->fake->allocated, 0);
	KUNIT_EXPECT_PTR_EQ(test, ctx->fake->pdev->dev.msi.data, NULL);
	ims_fake_destroy(test, ctx->fake);
}

static struct irq_vec *test_get(struct test_ctx *ctx, unsigned int cpu)
{
	return irq_vecpool_get_on(&ctx->pool, LIMIT, cpu);
}

static struct irq_vec *test_get_dedicated(struct test_ctx *ctx)
{
	return irq_vecpool_get_dedicated(&ctx->pool, test_no_cookie, NULL);
}

static struct irq_vec *test_get_at(struct test_ctx *ctx, unsigned int source, unsigned int index)
{
	return irq_vecpool_get_at(&ctx->pool, source, index, test_no_cookie, NULL);
}

static void test_put(struct irq_vec *vec)
{
	irq_vec_put(vec, LIMIT);
}

static int test_request(struct test_ctx *ctx, unsigned int irq)
{
	return request_irq(irq, test_count, 0, "test", &ctx->fired);
}

static int test_send(struct test_ctx *ctx, unsigned int irq)
{
	struct msi_msg msg;

	get_cached_msi_msg(irq, &msg);
	return ims_fake_send(ctx->fake, (u64)msg.address_hi << 32 | msg.address_lo, msg.data);
}

/* An event: the message of the store which the device has is sent, if it has one */
static int test_fire(struct test_ctx *ctx, unsigned int index)
{
	struct pci_ims_msg *msg = &ctx->msgs[index];

	if (msg->masked || (!msg->address_lo && !msg->data))
		return -EAGAIN;
	return ims_fake_send(ctx->fake, (u64)msg->address_hi << 32 | msg->address_lo, msg->data);
}

/* Have the vectors of the MSI-X table taken */
static void test_take_table(struct kunit *test, struct test_ctx *ctx, struct irq_vec **vecs)
{
	unsigned int i;

	for (i = 0; i < FROM_MSIX; i++) {
		vecs[i] = test_get_dedicated(ctx);
		KUNIT_ASSERT_FALSE(test, IS_ERR(vecs[i]));
		KUNIT_ASSERT_EQ(test, vecs[i]->source, TABLE);
	}
}

static void test_put_table(struct irq_vec **vecs)
{
	unsigned int i;

	for (i = 0; i < FROM_MSIX; i++)
		test_put(vecs[i]);
}

/* Where the MSI-X table ends the store begins */
static void pci_ims_vecpool_test_order(struct kunit *test)
{
	struct test_ctx *ctx = test_setup(test);
	struct irq_vec *vecs[NR];
	unsigned int i, index;

	KUNIT_ASSERT_EQ(test, ctx->pool.nr, NR);
	for (i = 0; i < NR; i++) {
		index = i < FROM_MSIX ? i + 1 : i - FROM_MSIX + FIRST;
		vecs[i] = test_get_dedicated(ctx);
		KUNIT_ASSERT_FALSE(test, IS_ERR(vecs[i]));
		KUNIT_EXPECT_EQ(test, vecs[i]->entry, i);
		KUNIT_EXPECT_EQ(test, vecs[i]->source, i < FROM_MSIX ? TABLE : IMS);
		KUNIT_EXPECT_EQ(test, vecs[i]->index, index);
		KUNIT_EXPECT_EQ(test, irq_get_msi_desc(vecs[i]->irq)->msi_index, index);
		KUNIT_EXPECT_EQ(test, irq_get_irq_data(vecs[i]->irq)->domain->bus_token,
				i < FROM_MSIX ? DOMAIN_BUS_PCI_DEVICE_MSIX :
				DOMAIN_BUS_PCI_DEVICE_IMS);
	}
	KUNIT_EXPECT_PTR_EQ(test, test_get_dedicated(ctx), ERR_PTR(-ENOSPC));
	for (i = 0; i < NR; i++)
		test_put(vecs[i]);
	test_end(test, ctx);
}

/* The index is that of the store, whichever it is */
static void pci_ims_vecpool_test_get_at(struct kunit *test)
{
	struct test_ctx *ctx = test_setup(test);
	struct irq_vec *a, *b;

	a = test_get_at(ctx, TABLE, 2);
	b = test_get_at(ctx, IMS, 2);
	KUNIT_ASSERT_FALSE(test, IS_ERR(a));
	KUNIT_ASSERT_FALSE(test, IS_ERR(b));
	KUNIT_EXPECT_EQ(test, irq_vecpool_irq(&ctx->pool, 1), a->irq);
	KUNIT_EXPECT_EQ(test, irq_vecpool_irq(&ctx->pool, FROM_MSIX), b->irq);
	KUNIT_EXPECT_PTR_EQ(test, test_get_at(ctx, IMS, 2), ERR_PTR(-EBUSY));
	KUNIT_EXPECT_PTR_EQ(test, test_get_at(ctx, IMS, FIRST - 1), ERR_PTR(-EINVAL));
	KUNIT_EXPECT_PTR_EQ(test, test_get_at(ctx, IMS, SLOTS), ERR_PTR(-EINVAL));
	KUNIT_EXPECT_PTR_EQ(test, test_get_at(ctx, TABLE, MSIX), ERR_PTR(-EINVAL));
	test_put(a);
	test_put(b);
	test_end(test, ctx);
}

/* What the messages of the store carry along is what the owner has said, or the pool */
static void pci_ims_vecpool_test_cookie(struct kunit *test)
{
	static const u32 mine = 0x1234;
	struct test_ctx *ctx = test_setup(test);
	struct irq_vec *held[FROM_MSIX], *vec;

	vec = irq_vecpool_get_at(&ctx->pool, IMS, 3,
				 (union msi_instance_cookie) { .ptr = (void *)&mine }, NULL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(vec));
	KUNIT_ASSERT_EQ(test, test_request(ctx, vec->irq), 0);
	KUNIT_EXPECT_EQ(test, ctx->cookies[3], mine);
	free_irq(vec->irq, &ctx->fired);
	test_put(vec);

	vec = test_get_at(ctx, IMS, 3);
	KUNIT_ASSERT_FALSE(test, IS_ERR(vec));
	KUNIT_ASSERT_EQ(test, test_request(ctx, vec->irq), 0);
	KUNIT_EXPECT_EQ(test, ctx->cookies[3], U32_MAX);
	free_irq(vec->irq, &ctx->fired);
	test_put(vec);

	test_take_table(test, ctx, held);
	vec = test_get(ctx, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(vec));
	KUNIT_EXPECT_EQ(test, vec->index, FIRST);
	KUNIT_EXPECT_EQ(test, ctx->cookies[FIRST], test_idle);
	test_put(vec);
	test_put_table(held);
	test_end(test, ctx);
}

/* Users can't tell where their vector is from, also after a reset */
static void pci_ims_vecpool_test_share(struct kunit *test)
{
	struct test_ctx *ctx = test_setup(test);
	struct test_queue queues[LIMIT] = { };
	struct irq_vec *held[FROM_MSIX], *vec;
	unsigned int i;

	test_take_table(test, ctx, held);
	for (i = 0; i < LIMIT; i++) {
		vec = test_get(ctx, cpumask_last(cpu_online_mask));
		KUNIT_ASSERT_FALSE(test, IS_ERR(vec));
		KUNIT_EXPECT_EQ(test, vec->source, IMS);
		irq_vec_attach(vec, LIMIT, &queues[i].user);
	}
	KUNIT_EXPECT_EQ(test, ctx->commands, 1);
	KUNIT_EXPECT_TRUE(test, cpumask_equal(irq_get_effective_affinity_mask(vec->irq),
					      cpumask_of(vec->cpu)));
	KUNIT_EXPECT_EQ(test, test_fire(ctx, vec->index), 0);

	memset(ctx->msgs, 0, sizeof(ctx->msgs));
	pci_ims_restore(&ctx->ims);
	KUNIT_EXPECT_EQ(test, test_fire(ctx, vec->index), 0);
	for (i = 0; i < LIMIT; i++) {
		KUNIT_EXPECT_EQ(test, queues[i].called, 2);
		irq_vec_detach(&queues[i].user, LIMIT);
		test_put(vec);
	}
	synchronize_rcu();
	test_put_table(held);
	test_end(test, ctx);
}

/* Without the store the pool is what the MSI-X table has */
static void pci_ims_vecpool_test_no_store(struct kunit *test)
{
	struct ims_fake_params machine = test_machine;
	struct irq_vec *held[FROM_MSIX];
	struct test_ctx *ctx;

	machine.supports = 0;
	ctx = test_setup_on(test, &machine);
	KUNIT_EXPECT_EQ(test, ctx->pool.nr, FROM_MSIX);
	test_take_table(test, ctx, held);
	KUNIT_EXPECT_PTR_EQ(test, test_get_dedicated(ctx), ERR_PTR(-ENOSPC));
	KUNIT_EXPECT_PTR_EQ(test, test_get_at(ctx, IMS, FIRST), ERR_PTR(-EINVAL));
	test_put_table(held);
	test_end(test, ctx);
}

/* The owner of a dedicated vector asks whether its command has failed */
static void pci_ims_vecpool_test_error(struct kunit *test)
{
	struct test_ctx *ctx = test_setup(test);
	struct irq_vec *vec, *other;

	other = test_get_dedicated(ctx);
	vec = test_get_at(ctx, IMS, 4);
	KUNIT_ASSERT_FALSE(test, IS_ERR(other));
	KUNIT_ASSERT_FALSE(test, IS_ERR(vec));
	KUNIT_EXPECT_EQ(test, irq_vec_error(vec), 0);
	test_fail(ctx, 1, -EIO);
	KUNIT_ASSERT_EQ(test, test_request(ctx, vec->irq), 0);
	KUNIT_EXPECT_EQ(test, irq_vec_error(vec), -EIO);
	KUNIT_EXPECT_EQ(test, irq_vec_error(other), 0);
	free_irq(vec->irq, &ctx->fired);
	KUNIT_EXPECT_EQ(test, irq_vec_error(vec), 0);
	KUNIT_ASSERT_EQ(test, test_request(ctx, vec->irq), 0);
	KUNIT_EXPECT_EQ(test, test_fire(ctx, 4), 0);

	/* The device can't be told that it is over: nobody else gets it before it can */
	test_fail(ctx, UINT_MAX, -EIO);
	free_irq(vec->irq, &ctx->fired);
	test_put(vec);
	KUNIT_EXPECT_PTR_EQ(test, test_get_at(ctx, IMS, 4), ERR_PTR(-EIO));
	test_fail(ctx, 0, 0);
	vec = test_get_at(ctx, IMS, 4);
	KUNIT_ASSERT_FALSE(test, IS_ERR(vec));
	KUNIT_EXPECT_EQ(test, test_fire(ctx, 4), -EAGAIN);
	test_put(vec);
	test_put(other);
	test_end(test, ctx);
}

/* A message which the device does not take back costs a vector, not the pool */
static void pci_ims_vecpool_test_refused(struct kunit *test)
{
	struct test_ctx *ctx = test_setup(test);
	struct irq_vec *vecs[NR];
	unsigned int i;

	vecs[0] = test_get_at(ctx, IMS, FIRST);
	KUNIT_ASSERT_FALSE(test, IS_ERR(vecs[0]));
	KUNIT_ASSERT_EQ(test, test_request(ctx, vecs[0]->irq), 0);
	test_fail(ctx, UINT_MAX, -EIO);
	free_irq(vecs[0]->irq, &ctx->fired);
	test_put(vecs[0]);

	/* All others are still there */
	for (i = 0; i < NR - 1; i++) {
		vecs[i] = test_get_dedicated(ctx);
		KUNIT_ASSERT_FALSE(test, IS_ERR(vecs[i]));
	}
	KUNIT_EXPECT_PTR_EQ(test, test_get_dedicated(ctx), ERR_PTR(-EIO));

	/* And when the device comes to its senses, so is this one */
	test_fail(ctx, 0, 0);
	vecs[i] = test_get_dedicated(ctx);
	KUNIT_ASSERT_FALSE(test, IS_ERR(vecs[i]));
	KUNIT_EXPECT_EQ(test, vecs[i]->source, IMS);
	KUNIT_EXPECT_EQ(test, vecs[i]->index, FIRST);
	for (i = 0; i < NR; i++)
		test_put(vecs[i]);
	test_end(test, ctx);
}

/* A shared vector whose command fails is not there, and nothing of it stays */
static void pci_ims_vecpool_test_shared_error(struct kunit *test)
{
	struct test_ctx *ctx = test_setup(test);
	struct irq_vec *held[FROM_MSIX], *vec;
	unsigned int i, commands, base;

	test_take_table(test, ctx, held);
	base = ctx->fake->allocated;
	/* What fails is undone by a command, and by another one when that fails */
	for (i = 1; i <= 2; i++) {
		commands = ctx->commands;
		test_fail(ctx, i, -EIO);
		KUNIT_EXPECT_PTR_EQ(test, test_get(ctx, 0), ERR_PTR(-EIO));
		KUNIT_EXPECT_EQ(test, ctx->commands, commands + i + 1);
		KUNIT_EXPECT_EQ(test, ctx->fake->allocated, base);
		KUNIT_EXPECT_EQ(test, ctx->fake->active, 0);
		KUNIT_EXPECT_EQ(test, ctx->pool.made, 0);
		KUNIT_EXPECT_EQ(test, test_fire(ctx, FIRST), -EAGAIN);
	}

	vec = test_get(ctx, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(vec));
	KUNIT_EXPECT_EQ(test, test_fire(ctx, FIRST), 0);
	test_put(vec);
	test_put_table(held);
	test_end(test, ctx);
}

/* A device which is gone costs one command, however many vectors it had */
static void pci_ims_vecpool_test_gone(struct kunit *test)
{
	struct test_ctx *ctx = test_setup(test);
	struct irq_vec *held[FROM_MSIX], *vecs[FROM_IMS];
	unsigned int i, commands;

	test_take_table(test, ctx, held);
	for (i = 0; i < FROM_IMS; i++) {
		vecs[i] = i % 2 ? test_get_dedicated(ctx) : test_get(ctx, 0);
		KUNIT_ASSERT_FALSE(test, IS_ERR(vecs[i]));
		if (i % 2)
			KUNIT_ASSERT_EQ(test, test_request(ctx, vecs[i]->irq), 0);
	}
	ctx->fake->params.gone = true;
	test_fail(ctx, UINT_MAX, -ETIMEDOUT);
	commands = ctx->commands;
	irq_vecpool_shutdown(&ctx->pool);
	for (i = 0; i < FROM_IMS; i++) {
		if (i % 2)
			free_irq(vecs[i]->irq, &ctx->fired);
		test_put(vecs[i]);
	}
	/* Nothing works any more, and nobody waits to learn that */
	KUNIT_EXPECT_PTR_EQ(test, test_get(ctx, 0), ERR_PTR(-ENODEV));
	vecs[0] = test_get_dedicated(ctx);
	KUNIT_ASSERT_FALSE(test, IS_ERR(vecs[0]));
	KUNIT_ASSERT_EQ(test, test_request(ctx, vecs[0]->irq), 0);
	KUNIT_EXPECT_EQ(test, irq_vec_error(vecs[0]), -ENODEV);
	free_irq(vecs[0]->irq, &ctx->fired);
	test_put(vecs[0]);
	test_put_table(held);
	KUNIT_EXPECT_EQ(test, ctx->commands, commands + 1);
	test_end(test, ctx);
	KUNIT_EXPECT_EQ(test, ctx->commands, commands + 1);
}

static int test_slow_get(void *data)
{
	struct test_ctx *ctx = data;

	ctx->vec = test_get(ctx, 0);
	return 0;
}

/* CPUs come and go while the device takes its time, and vectors of these are moved */
static void pci_ims_vecpool_test_hotplug_slow(struct kunit *test)
{
	unsigned int cpu = cpumask_last(cpu_online_mask);
	struct irq_vec *held[FROM_MSIX], *vec;
	struct task_struct *task;
	struct test_ctx *ctx;

	if (!IS_ENABLED(CONFIG_HOTPLUG_CPU) || cpu == cpumask_first(cpu_online_mask))
		kunit_skip(test, "no CPU can be taken away");

	ctx = test_setup(test);
	test_take_table(test, ctx, held);
	vec = test_get(ctx, cpu);
	KUNIT_ASSERT_FALSE(test, IS_ERR(vec));

	ctx->slow = true;
	task = kthread_create(test_slow_get, ctx, "pci_ims_vecpool_test");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	get_task_struct(task);
	wake_up_process(task);
	wait_for_completion(&ctx->entered);

	KUNIT_EXPECT_EQ(test, remove_cpu(cpu), 0);
	KUNIT_EXPECT_FALSE(test, cpumask_test_cpu(cpu, irq_get_effective_affinity_mask(vec->irq)));
	KUNIT_EXPECT_EQ(test, test_send(ctx, vec->irq), 0);
	KUNIT_EXPECT_EQ(test, add_cpu(cpu), 0);
	complete(&ctx->go);
	/* Waits for the end of the thread */
	KUNIT_EXPECT_EQ(test, kthread_stop_put(task), 0);
	KUNIT_EXPECT_TRUE(test, ctx->waited);
	KUNIT_EXPECT_TRUE(test, cpumask_equal(irq_get_effective_affinity_mask(vec->irq),
					      cpumask_of(cpu)));

	KUNIT_ASSERT_FALSE(test, IS_ERR(ctx->vec));
	test_put(ctx->vec);
	test_put(vec);
	test_put_table(held);
	test_end(test, ctx);
}

static struct kunit_case pci_ims_vecpool_cases[] = {
	KUNIT_CASE(pci_ims_vecpool_test_order),
	KUNIT_CASE(pci_ims_vecpool_test_get_at),
	KUNIT_CASE(pci_ims_vecpool_test_cookie),
	KUNIT_CASE(pci_ims_vecpool_test_share),
	KUNIT_CASE(pci_ims_vecpool_test_no_store),
	KUNIT_CASE(pci_ims_vecpool_test_error),
	KUNIT_CASE(pci_ims_vecpool_test_refused),
	KUNIT_CASE(pci_ims_vecpool_test_shared_error),
	KUNIT_CASE(pci_ims_vecpool_test_gone),
	KUNIT_CASE(pci_ims_vecpool_test_hotplug_slow),
	{ }
};

static struct kunit_suite pci_ims_vecpool_suite = {
	.name		= "pci_ims_vecpool",
	.test_cases	= pci_ims_vecpool_cases,
};

kunit_test_suite(pci_ims_vecpool_suite);

MODULE_DESCRIPTION("KUnit suite of vector pools over PCI message stores");
MODULE_LICENSE("GPL");
