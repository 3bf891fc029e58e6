// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit suite of vector sets for subdevices, which are fake auxiliary devices of
 * a fake MSI-X device
 */
#include <kunit/ims_fake.h>
#include <kunit/test.h>

#include <linux/auxiliary_bus.h>
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irq_vecpool.h>
#include <linux/irq_vecset.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/msi.h>
#include <linux/numa.h>
#include <linux/pci.h>
#include <linux/sched/isolation.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <linux/topology.h>
#include <linux/xarray.h>

#define MSIX		48
/* Vectors which a subdevice has for itself, at index 1 and behind */
#define NR_OWN		8
/* Users of a shared vector; those are behind */
#define LIMIT		4
/* Subdevices which there can be */
#define MAX_SUBS	3
/* How long to wait for what should happen at once */
#define PATIENCE	(10 * HZ)

/* The parts of a set */
enum { OWN, SHARED, NR_PARTS };

struct vecset_test {
	struct ims_fake		*fake;
	struct pci_irq_table	table;
	struct irq_vecpool	own;
	struct irq_vecpool	shared;
	struct irq_vecpool_info	shared_info;
	struct irq_vecset_group	*group;
};

/* An auxiliary device, and what its driver has */
struct test_sub {
	struct auxiliary_device	adev;
	struct vecset_test	*ctx;
	struct irq_vecset_part	parts[NR_PARTS];
	struct irq_vecset	set;
	int			ret;
};

struct test_queue {
	struct irq_vec_user	user;
	unsigned int		called;
};

static const struct irq_vec_range test_own_ranges[] = {
	{ .first = 1, .last = NR_OWN },
};

static const struct irq_vecpool_info test_own_info = {
	.name		= "own",
	.ranges		= test_own_ranges,
	.nr_ranges	= ARRAY_SIZE(test_own_ranges),
};

static const struct irq_vec_range test_shared_ranges[] = {
	{ .first = NR_OWN + 1, .last = UINT_MAX },
};

static const struct irq_vecpool_info test_shared_info = {
	.name		= "shared",
	.ranges		= test_shared_ranges,
	.nr_ranges	= ARRAY_SIZE(test_shared_ranges),
	.limit		= LIMIT,
};

static const struct ims_fake_params test_machine = {
	.msix		= MSIX,
	.vectors	= 64,
	.bar_size	= PAGE_SIZE,
};

static const union msi_instance_cookie test_cookie;

static irqreturn_t test_event(struct irq_vec_user *user)
{
	container_of(user, struct test_queue, user)->called++;
	return IRQ_HANDLED;
}

static irqreturn_t test_handler(int irq, void *data)
{
	return irq_vec_dispatch(data, LIMIT, test_event);
}

/* --- The driver of the subdevices ------------------------------------------------ */

static int test_sub_probe(struct auxiliary_device *adev, const struct auxiliary_device_id *id)
{
	struct test_sub *sub = container_of(adev, struct test_sub, adev);

	sub->ret = devm_irq_vecset_init(&sub->set, sub->ctx->group, adev, sub->parts, NR_PARTS);
	return sub->ret;
}

static const struct auxiliary_device_id test_sub_ids[] = {
	{ .name = KBUILD_MODNAME ".test-sub" },
	{ }
};

static struct auxiliary_driver test_sub_driver = {
	.probe		= test_sub_probe,
	.id_table	= test_sub_ids,
};

static int irq_vecset_suite_init(struct kunit_suite *suite)
{
	return auxiliary_driver_register(&test_sub_driver);
}

static void irq_vecset_suite_exit(struct kunit_suite *suite)
{
	auxiliary_driver_unregister(&test_sub_driver);
}

static void test_sub_release(struct device *dev)
{
	kfree(container_of(dev, struct test_sub, adev.dev));
}

static void test_sub_remove(void *data)
{
	struct test_sub *sub = data;

	auxiliary_device_delete(&sub->adev);
	auxiliary_device_uninit(&sub->adev);
}

/*
 * Make a subdevice, have it probed, and remove it at the end of the test at the
 * latest. One which is @bare has no driver.
 */
static struct test_sub *__test_sub_add(struct kunit *test, struct vecset_test *ctx,
				       unsigned int own, unsigned int shared, bool bare)
{
	struct test_sub *sub = kzalloc(sizeof(*sub), GFP_KERNEL);
	static unsigned int id;

	KUNIT_ASSERT_NOT_NULL(test, sub);
	sub->ctx = ctx;
	sub->parts[OWN].pool = &ctx->own;
	sub->parts[OWN].wanted = own;
	sub->parts[OWN].least = 1;
	sub->parts[SHARED].pool = &ctx->shared;
	sub->parts[SHARED].wanted = shared;
	sub->parts[SHARED].least = 1;
	sub->ret = -EPROBE_DEFER;
	sub->adev.name = bare ? "test-bare" : "test-sub";
	sub->adev.id = id++;
	sub->adev.dev.parent = &ctx->fake->pdev->dev;
	sub->adev.dev.release = test_sub_release;
	KUNIT_ASSERT_EQ(test, auxiliary_device_init(&sub->adev), 0);
	KUNIT_ASSERT_EQ(test, auxiliary_device_add(&sub->adev), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, test_sub_remove, sub), 0);
	return sub;
}

static struct test_sub *test_sub_add(struct kunit *test, struct vecset_test *ctx,
				     unsigned int own, unsigned int shared)
{
	return __test_sub_add(test, ctx, own, shared, false);
}

static void test_sub_del(struct kunit *test, struct test_sub *sub)
{
	kunit_release_action(test, test_sub_remove, sub);
}

/* Whether sysfs lists an interrupt of the subdevice */
static bool test_sub_listed(struct test_sub *sub, unsigned int irq)
{
	struct kernfs_node *dir = sysfs_get_dirent(sub->adev.dev.kobj.sd, "irqs");
	struct kernfs_node *file = NULL;
	char name[16];

	snprintf(name, sizeof(name), "%u", irq);
	if (dir)
		file = sysfs_get_dirent(dir, name);
	sysfs_put(file);
	sysfs_put(dir);
	return file;
}

static unsigned int test_sub_count(struct test_sub *sub)
{
	unsigned int nr = 0;
	unsigned long irq;
	void *entry;

	xa_for_each(&sub->adev.sysfs.irqs, irq, entry)
		nr++;
	return nr;
}

/* --- The device ------------------------------------------------------------------ */

static void test_exit(void *data)
{
	struct vecset_test *ctx = data;

	irq_vecset_group_destroy(ctx->group);
	irq_vecpool_exit(&ctx->shared);
	irq_vecpool_exit(&ctx->own);
	pci_irq_table_exit(&ctx->table);
}

/* A device with two pools, on a given machine. Pools are on @node if there is one */
static struct vecset_test *test_setup_on(struct kunit *test,
					 const struct ims_fake_params *machine, int node)
{
	struct vecset_test *ctx = kunit_kzalloc(test, sizeof(*ctx), GFP_KERNEL);
	struct irq_vec_source source;
	struct device *dev;

	KUNIT_ASSERT_NOT_NULL(test, ctx);
	ctx->shared_info = test_shared_info;
	ctx->shared_info.node = node != NUMA_NO_NODE;
	ctx->fake = ims_fake_create(test, machine);
	dev = &ctx->fake->pdev->dev;
	set_dev_node(dev, node);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, test_exit, ctx), 0);

	KUNIT_ASSERT_EQ(test, pci_irq_table_init(&ctx->table, ctx->fake->pdev, PCI_IRQ_MSIX, 1,
						 1, true), 0);
	source = pci_irq_table_source(&ctx->table);
	KUNIT_ASSERT_EQ(test, irq_vecpool_init(&ctx->own, dev, &test_own_info, &source, 1, NULL),
			0);
	KUNIT_ASSERT_EQ(test, irq_vecpool_init(&ctx->shared, dev, &ctx->shared_info, &source, 1,
					       test_handler), 0);
	ctx->group = irq_vecset_group_create(MAX_SUBS);
	KUNIT_ASSERT_NOT_NULL(test, ctx->group);
	return ctx;
}

static struct vecset_test *test_setup(struct kunit *test)
{
	return test_setup_on(test, &test_machine, NUMA_NO_NODE);
}

/* The subdevices have given back what they had, and so does the device */
static void test_end(struct kunit *test, struct vecset_test *ctx)
{
	KUNIT_EXPECT_EQ(test, ctx->fake->allocated, 1);
	KUNIT_EXPECT_EQ(test, ctx->fake->active, 0);
	kunit_release_action(test, test_exit, ctx);
	ims_fake_detach(ctx->fake);
	KUNIT_EXPECT_EQ(test, ctx->fake->allocated, 0);
	KUNIT_EXPECT_PTR_EQ(test, ctx->fake->pdev->dev.msi.data, NULL);
	ims_fake_destroy(test, ctx->fake);
}

static struct irq_vec *test_get(struct vecset_test *ctx, unsigned int cpu)
{
	return irq_vecpool_get_on(&ctx->shared, LIMIT, cpu);
}

static void test_put(struct irq_vec *vec)
{
	irq_vec_put(vec, LIMIT);
}

static int test_send(struct vecset_test *ctx, unsigned int irq)
{
	struct msi_msg msg;

	get_cached_msi_msg(irq, &msg);
	return ims_fake_send(ctx->fake, (u64)msg.address_hi << 32 | msg.address_lo, msg.data);
}

/* --- What a subdevice gets -------------------------------------------------------- */

/* A subdevice counts from 0, whatever vectors it has */
static void irq_vecset_test_indexes(struct kunit *test)
{
	struct vecset_test *ctx = test_setup(test);
	unsigned int i, part, index = 0;
	struct irq_vecset_vec *vec;
	struct irq_vecset *set;
	struct test_sub *sub;
	struct irq_vec *old;

	/* Somebody else has the first vectors */
	old = irq_vecpool_get_dedicated(&ctx->own, test_cookie, NULL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(old));

	sub = test_sub_add(test, ctx, 2, 3);
	set = &sub->set;
	KUNIT_ASSERT_EQ(test, sub->ret, 0);
	KUNIT_EXPECT_EQ(test, set->nr, 5);
	for (part = 0; part < NR_PARTS; part++) {
		for (i = 0; i < 2 + part; i++) {
			vec = irq_vecset_vec(set, part, i);
			KUNIT_ASSERT_NOT_NULL(test, vec);
			KUNIT_EXPECT_PTR_EQ(test, vec->vec->pool, sub->parts[part].pool);
			KUNIT_EXPECT_PTR_EQ(test, vec->vec,
					    vec->vec->pool->vecs[vec->vec->entry]);
			KUNIT_EXPECT_PTR_NE(test, vec->vec, old);
			KUNIT_EXPECT_EQ(test, vec->vec->dedicated, part == OWN);
			KUNIT_EXPECT_EQ(test, irq_vecset_irq(set, index++), vec->vec->irq);
			KUNIT_EXPECT_TRUE(test, test_sub_listed(sub, vec->vec->irq));
		}
		KUNIT_EXPECT_PTR_EQ(test, irq_vecset_vec(set, part, i), NULL);
		KUNIT_EXPECT_PTR_EQ(test, irq_vecset_vec(set, part, UINT_MAX), NULL);
	}
	KUNIT_EXPECT_EQ(test, irq_vecset_irq(set, index), 0);
	KUNIT_EXPECT_EQ(test, irq_vecset_irq(set, UINT_MAX), 0);
	KUNIT_EXPECT_FALSE(test, test_sub_listed(sub, old->irq));

	/* It gives all of that back when it goes */
	test_sub_del(test, sub);
	KUNIT_EXPECT_EQ(test, ctx->fake->allocated, 2);
	irq_vec_put(old, 0);
	test_end(test, ctx);
}

/* It gets the least it needs, also when it asks for less */
static void irq_vecset_test_least(struct kunit *test)
{
	struct vecset_test *ctx = test_setup(test);
	struct test_sub *sub = test_sub_add(test, ctx, 0, 0);

	KUNIT_ASSERT_EQ(test, sub->ret, 0);
	KUNIT_EXPECT_EQ(test, sub->set.nr, 2);
	test_sub_del(test, sub);
	test_end(test, ctx);
}

/* A pool which has less than it wants gives what it has */
static void irq_vecset_test_fewer(struct kunit *test)
{
	struct vecset_test *ctx = test_setup(test);
	struct irq_vec *others[NR_OWN];
	struct test_sub *sub;
	unsigned int i;

	for (i = 3; i < NR_OWN; i++) {
		others[i] = irq_vecpool_get_dedicated(&ctx->own, test_cookie, NULL);
		KUNIT_ASSERT_FALSE(test, IS_ERR(others[i]));
	}
	sub = test_sub_add(test, ctx, NR_OWN, 1);
	KUNIT_ASSERT_EQ(test, sub->ret, 0);
	KUNIT_EXPECT_EQ(test, sub->set.nr, 3 + 1);
	KUNIT_EXPECT_NOT_NULL(test, irq_vecset_vec(&sub->set, OWN, 2));
	KUNIT_EXPECT_PTR_EQ(test, irq_vecset_vec(&sub->set, OWN, 3), NULL);
	KUNIT_EXPECT_NOT_NULL(test, irq_vecset_vec(&sub->set, SHARED, 0));
	test_sub_del(test, sub);

	for (i = 3; i < NR_OWN; i++)
		irq_vec_put(others[i], 0);
	test_end(test, ctx);
}

/* With fewer than the least it gets nothing, and leaves nothing behind */
static void irq_vecset_test_no_space(struct kunit *test)
{
	struct ims_fake_params machine = test_machine;
	struct vecset_test *ctx;
	struct test_sub *sub;

	machine.vectors = 0;
	ctx = test_setup_on(test, &machine, NUMA_NO_NODE);
	sub = test_sub_add(test, ctx, 2, 2);
	KUNIT_EXPECT_EQ(test, sub->ret, -ENOSPC);
	KUNIT_EXPECT_TRUE(test, mem_is_zero(&sub->set, sizeof(sub->set)));
	KUNIT_EXPECT_EQ(test, irq_vecset_irq(&sub->set, 0), 0);
	KUNIT_EXPECT_EQ(test, ctx->fake->allocated, 1);
	test_sub_del(test, sub);

	/* Which does not count as one of the subdevices */
	ctx->fake->params.vectors = 64;
	sub = test_sub_add(test, ctx, 2, 2);
	KUNIT_EXPECT_EQ(test, sub->ret, 0);
	test_sub_del(test, sub);
	test_end(test, ctx);
}

/* Several share the device, up to the number which there can be */
static void irq_vecset_test_several(struct kunit *test)
{
	struct vecset_test *ctx = test_setup(test);
	struct test_sub *subs[MAX_SUBS], *more;
	unsigned int i;

	for (i = 0; i < MAX_SUBS; i++) {
		subs[i] = test_sub_add(test, ctx, 1, 2);
		KUNIT_ASSERT_EQ(test, subs[i]->ret, 0);
	}
	more = test_sub_add(test, ctx, 1, 2);
	KUNIT_EXPECT_EQ(test, more->ret, -ENOSPC);
	KUNIT_EXPECT_EQ(test, more->set.nr, 0);
	test_sub_del(test, more);

	test_sub_del(test, subs[0]);
	more = test_sub_add(test, ctx, 1, 2);
	KUNIT_EXPECT_EQ(test, more->ret, 0);
	test_sub_del(test, more);
	for (i = 1; i < MAX_SUBS; i++) {
		KUNIT_EXPECT_EQ(test, subs[i]->set.nr, 3);
		test_sub_del(test, subs[i]);
	}
	test_end(test, ctx);
}

/* Without a vector for each it has one several times, and sysfs once */
static void irq_vecset_test_scarce(struct kunit *test)
{
	struct ims_fake_params machine = test_machine;
	struct vecset_test *ctx;
	struct test_sub *sub;
	unsigned int i;

	machine.vectors = 1;
	ctx = test_setup_on(test, &machine, NUMA_NO_NODE);
	sub = test_sub_add(test, ctx, 1, 3);
	KUNIT_ASSERT_EQ(test, sub->ret, 0);
	KUNIT_EXPECT_EQ(test, sub->set.nr, 1 + 3);
	KUNIT_EXPECT_EQ(test, ctx->fake->active, 1);
	for (i = 0; i < sub->set.nr; i++)
		KUNIT_EXPECT_TRUE(test, test_sub_listed(sub, irq_vecset_irq(&sub->set, i)));
	for (i = 2; i < sub->set.nr; i++)
		KUNIT_EXPECT_EQ(test, irq_vecset_irq(&sub->set, i), irq_vecset_irq(&sub->set, 1));
	KUNIT_EXPECT_EQ(test, test_sub_count(sub), 2);
	test_sub_del(test, sub);
	test_end(test, ctx);
}

/* --- On which CPUs ----------------------------------------------------------------- */

/* Each vector is on another CPU, as long as there are CPUs, and those come first again */
static void irq_vecset_test_spread(struct kunit *test)
{
	unsigned int i, cpu, nr = 0, cpus = 0, idle = nr_cpu_ids;
	const struct cpumask *allowed = housekeeping_cpumask(HK_TYPE_MANAGED_IRQ);
	struct vecset_test *ctx = test_setup(test);
	struct irq_vec *busy[2 * 7];
	struct cpumask *seen;
	struct test_sub *sub;

	for_each_cpu_and(cpu, allowed, cpu_online_mask) {
		idle = cpu;
		cpus++;
	}
	if (cpus < 2 || cpus > 8)
		kunit_skip(test, "made for 2 to 8 CPUs");
	seen = kunit_kzalloc(test, cpumask_size(), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, seen);

	/* Each CPU but one has so much on it that it is the best one all the time */
	for_each_cpu_and(cpu, allowed, cpu_online_mask) {
		for (i = 0; cpu != idle && i < 2; i++) {
			busy[nr] = test_get(ctx, cpu);
			KUNIT_ASSERT_FALSE(test, IS_ERR(busy[nr]));
			nr++;
		}
	}

	sub = test_sub_add(test, ctx, 1, cpus + 1);
	KUNIT_ASSERT_EQ(test, sub->ret, 0);
	KUNIT_EXPECT_EQ(test, irq_vecset_vec(&sub->set, SHARED, 0)->vec->cpu, idle);
	for (i = 0; i < cpus; i++) {
		cpu = irq_vecset_vec(&sub->set, SHARED, i)->vec->cpu;
		KUNIT_EXPECT_TRUE(test, cpumask_test_cpu(cpu, allowed));
		KUNIT_EXPECT_FALSE(test, cpumask_test_cpu(cpu, seen));
		cpumask_set_cpu(cpu, seen);
	}
	/* Once around: the best one is the first one again */
	KUNIT_EXPECT_EQ(test, irq_vecset_vec(&sub->set, SHARED, cpus)->vec->cpu, idle);

	test_sub_del(test, sub);
	while (nr--)
		test_put(busy[nr]);
	test_end(test, ctx);
}

/* They are on the CPUs of the device's node, and not on those which are isolated */
static void irq_vecset_test_node(struct kunit *test)
{
	const struct cpumask *allowed = housekeeping_cpumask(HK_TYPE_MANAGED_IRQ);
	int node = cpu_to_node(cpumask_last(cpu_online_mask));
	const struct cpumask *near = cpu_online_mask;
	struct vecset_test *ctx;
	struct test_sub *sub;
	unsigned int i, cpu;
	bool named;

	for (named = false; ; named = true) {
		ctx = test_setup_on(test, &test_machine, named ? node : NUMA_NO_NODE);
		if (IS_ENABLED(CONFIG_NUMA) && named &&
		    cpumask_intersects(cpumask_of_node(node), allowed))
			near = cpumask_of_node(node);
		sub = test_sub_add(test, ctx, 1, 6);
		KUNIT_ASSERT_EQ(test, sub->ret, 0);
		KUNIT_EXPECT_EQ(test, sub->set.nr, 1 + 6);
		for (i = 0; i < 6; i++) {
			cpu = irq_vecset_vec(&sub->set, SHARED, i)->vec->cpu;
			KUNIT_EXPECT_TRUE(test, cpumask_test_cpu(cpu, near));
			KUNIT_EXPECT_TRUE(test, cpumask_test_cpu(cpu, allowed));
		}
		test_sub_del(test, sub);
		test_end(test, ctx);
		if (named)
			break;
	}
}

/* --- Users -------------------------------------------------------------------------- */

/* However a subdevice gets its users onto a vector, all of them count */
static void irq_vecset_test_users(struct kunit *test)
{
	struct vecset_test *ctx = test_setup(test);
	struct test_queue queues[LIMIT + 2] = { };
	struct irq_vecset_vec *vec;
	struct irq_vec *other;
	struct test_sub *sub;
	unsigned int i;

	sub = test_sub_add(test, ctx, 1, 1);
	KUNIT_ASSERT_EQ(test, sub->ret, 0);
	vec = irq_vecset_vec(&sub->set, SHARED, 0);
	KUNIT_ASSERT_NOT_NULL(test, vec);
	KUNIT_EXPECT_EQ(test, atomic_read(&vec->vec->users), 1);

	/* The set itself has a place for the first one */
	for (i = 0; i < LIMIT; i++) {
		irq_vecset_attach(vec, LIMIT, &queues[i].user);
		KUNIT_EXPECT_EQ(test, atomic_read(&vec->vec->users), i + 1);
	}
	KUNIT_EXPECT_EQ(test, ctx->shared.shared_full, 0);

	/* So there is no room for others, who don't get on it therefore */
	other = test_get(ctx, vec->vec->cpu);
	KUNIT_ASSERT_FALSE(test, IS_ERR(other));
	KUNIT_EXPECT_PTR_NE(test, other, vec->vec);
	test_put(other);

	/* And the next one goes where there is less */
	if (num_online_cpus() > 1)
		KUNIT_EXPECT_NE(test, irq_vecpool_least(&ctx->shared, cpu_online_mask),
				vec->vec->cpu);

	/* Nobody can keep the subdevice from having too many, but it is counted */
	for (i = LIMIT; i < LIMIT + 2; i++)
		irq_vecset_attach(vec, LIMIT, &queues[i].user);
	KUNIT_EXPECT_EQ(test, ctx->shared.shared_full, 2);
	KUNIT_EXPECT_EQ(test, test_send(ctx, vec->vec->irq), 0);
	for (i = 0; i < LIMIT + 2; i++)
		KUNIT_EXPECT_EQ(test, queues[i].called, 1);

	/* Who leaves makes room */
	for (i = 0; i < 3; i++)
		irq_vecset_detach(vec, LIMIT, &queues[i].user);
	KUNIT_EXPECT_EQ(test, atomic_read(&vec->vec->users), LIMIT - 1);
	KUNIT_EXPECT_PTR_EQ(test, test_get(ctx, vec->vec->cpu), vec->vec);
	test_put(vec->vec);
	for (i = 3; i < LIMIT + 2; i++)
		irq_vecset_detach(vec, LIMIT, &queues[i].user);
	KUNIT_EXPECT_EQ(test, atomic_read(&vec->vec->users), 1);

	/* A handler may have seen the users, which are on the stack */
	synchronize_rcu();
	test_sub_del(test, sub);
	test_end(test, ctx);
}

/* Users come and go in any context */
static void irq_vecset_test_any_context(struct kunit *test)
{
	struct vecset_test *ctx = test_setup(test);
	struct test_queue queues[LIMIT + 2] = { };
	static DEFINE_RAW_SPINLOCK(lock);
	struct irq_vecset_vec *vec;
	struct test_sub *sub;
	unsigned long flags;
	unsigned int i;

	sub = test_sub_add(test, ctx, 1, 1);
	KUNIT_ASSERT_EQ(test, sub->ret, 0);
	vec = irq_vecset_vec(&sub->set, SHARED, 0);
	raw_spin_lock_irqsave(&lock, flags);
	for (i = 0; i < LIMIT + 2; i++)
		irq_vecset_attach(vec, LIMIT, &queues[i].user);
	raw_spin_unlock_irqrestore(&lock, flags);
	KUNIT_EXPECT_EQ(test, test_send(ctx, vec->vec->irq), 0);
	for (i = 0; i < LIMIT + 2; i++)
		KUNIT_EXPECT_EQ(test, queues[i].called, 1);
	raw_spin_lock_irqsave(&lock, flags);
	for (i = 0; i < LIMIT + 2; i++)
		irq_vecset_detach(vec, LIMIT, &queues[i].user);
	raw_spin_unlock_irqrestore(&lock, flags);

	synchronize_rcu();
	test_sub_del(test, sub);
	test_end(test, ctx);
}

/* --- Life ---------------------------------------------------------------------------- */

/* What is set up already is not touched, and what has ended can be set up again */
static void irq_vecset_test_twice(struct kunit *test)
{
	struct vecset_test *ctx = test_setup(test);
	unsigned int i, allocated, irq;
	struct test_sub *sub;

	sub = __test_sub_add(test, ctx, 2, 2, true);
	irq_vecset_exit(&sub->set);
	KUNIT_EXPECT_EQ(test, irq_vecset_init(&sub->set, NULL, &sub->adev, sub->parts, NR_PARTS),
			-ENODEV);
	for (i = 0; i < 3; i++) {
		KUNIT_ASSERT_EQ(test, irq_vecset_init(&sub->set, ctx->group, &sub->adev,
						      sub->parts, NR_PARTS), 0);
		allocated = ctx->fake->allocated;
		irq = irq_vecset_irq(&sub->set, 3);
		KUNIT_EXPECT_EQ(test, irq_vecset_init(&sub->set, ctx->group, &sub->adev,
						      sub->parts, NR_PARTS), -EBUSY);
		KUNIT_EXPECT_EQ(test, ctx->fake->allocated, allocated);
		KUNIT_EXPECT_EQ(test, irq_vecset_irq(&sub->set, 3), irq);
		KUNIT_EXPECT_TRUE(test, test_sub_listed(sub, irq));

		irq_vecset_exit(&sub->set);
		irq_vecset_exit(&sub->set);
		KUNIT_EXPECT_TRUE(test, mem_is_zero(&sub->set, sizeof(sub->set)));
		KUNIT_EXPECT_FALSE(test, test_sub_listed(sub, irq));
		KUNIT_EXPECT_EQ(test, ctx->fake->allocated, 1);
	}
	test_sub_del(test, sub);
	test_end(test, ctx);
}

/* On one CPU the first two are the same vector. What is behind is listed all the same */
static void irq_vecset_test_listed(struct kunit *test)
{
	struct vecset_test *ctx = test_setup(test);
	struct test_sub *sub = __test_sub_add(test, ctx, 1, 2, true);
	unsigned int i;

	swap(sub->parts[OWN], sub->parts[SHARED]);
	KUNIT_ASSERT_EQ(test, irq_vecset_init(&sub->set, ctx->group, &sub->adev, sub->parts,
					      NR_PARTS), 0);
	KUNIT_EXPECT_EQ(test, sub->set.nr, 3);
	for (i = 0; i < sub->set.nr; i++)
		KUNIT_EXPECT_TRUE(test, test_sub_listed(sub, irq_vecset_irq(&sub->set, i)));
	irq_vecset_exit(&sub->set);
	KUNIT_EXPECT_EQ(test, test_sub_count(sub), 0);
	test_sub_del(test, sub);
	test_end(test, ctx);
}

/* A store which takes its time */
struct test_slow {
	struct irq_vec_source	real;
	struct irq_vecpool	pool;
	struct irq_vecset_group	*group;
	struct completion	entered;
	struct completion	go;
	struct test_sub		*sub;
	bool			waited;
};

static struct msi_map test_slow_alloc(void *store, unsigned int index,
				      union msi_instance_cookie cookie,
				      const struct irq_affinity_desc *affdesc)
{
	struct test_slow *slow = store;

	complete(&slow->entered);
	slow->waited = wait_for_completion_timeout(&slow->go, PATIENCE);
	return slow->real.ops->alloc(slow->real.store, index, cookie, affdesc);
}

static void test_slow_free(void *store, struct msi_map map)
{
	struct test_slow *slow = store;

	slow->real.ops->free(slow->real.store, map);
}

static const struct irq_vec_source_ops test_slow_ops = {
	.alloc	= test_slow_alloc,
	.free	= test_slow_free,
};

static int test_slow_init(void *data)
{
	struct test_slow *slow = data;
	const struct irq_vecset_part part = { .pool = &slow->pool, .wanted = 1, .least = 1 };

	return irq_vecset_init(&slow->sub->set, slow->group, &slow->sub->adev, &part, 1);
}

/* A device which takes its time keeps the subdevices of others from nothing */
static void irq_vecset_test_slow_device(struct kunit *test)
{
	struct vecset_test *ctx = test_setup(test);
	struct irq_vec_source source;
	struct task_struct *task;
	struct test_slow *slow;
	struct test_sub *sub;

	slow = kunit_kzalloc(test, sizeof(*slow), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, slow);
	init_completion(&slow->entered);
	init_completion(&slow->go);
	slow->real = pci_irq_table_source(&ctx->table);
	slow->sub = __test_sub_add(test, ctx, 1, 1, true);
	slow->group = irq_vecset_group_create(1);
	KUNIT_ASSERT_NOT_NULL(test, slow->group);
	source = slow->real;
	source.ops = &test_slow_ops;
	source.store = slow;
	KUNIT_ASSERT_EQ(test, irq_vecpool_init(&slow->pool, &ctx->fake->pdev->dev, &test_own_info,
					       &source, 1, NULL), 0);

	task = kthread_create(test_slow_init, slow, "irq_vecset_test");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	get_task_struct(task);
	wake_up_process(task);
	wait_for_completion(&slow->entered);
	sub = __test_sub_add(test, ctx, 0, 2, true);
	/* Only of the pool which nobody waits for */
	KUNIT_EXPECT_EQ(test, irq_vecset_init(&sub->set, ctx->group, &sub->adev,
					      &sub->parts[SHARED], 1), 0);
	irq_vecset_exit(&sub->set);
	complete(&slow->go);
	KUNIT_EXPECT_EQ(test, kthread_stop_put(task), 0);
	KUNIT_EXPECT_TRUE(test, slow->waited);

	irq_vecset_exit(&slow->sub->set);
	irq_vecset_group_destroy(slow->group);
	irq_vecpool_exit(&slow->pool);
	test_sub_del(test, sub);
	test_sub_del(test, slow->sub);
	test_end(test, ctx);
}

static struct kunit_case irq_vecset_cases[] = {
	KUNIT_CASE(irq_vecset_test_indexes),
	KUNIT_CASE(irq_vecset_test_least),
	KUNIT_CASE(irq_vecset_test_fewer),
	KUNIT_CASE(irq_vecset_test_no_space),
	KUNIT_CASE(irq_vecset_test_several),
	KUNIT_CASE(irq_vecset_test_scarce),
	KUNIT_CASE(irq_vecset_test_spread),
	KUNIT_CASE(irq_vecset_test_node),
	KUNIT_CASE(irq_vecset_test_users),
	KUNIT_CASE(irq_vecset_test_any_context),
	KUNIT_CASE(irq_vecset_test_twice),
	KUNIT_CASE(irq_vecset_test_listed),
	KUNIT_CASE(irq_vecset_test_slow_device),
	{ }
};

static struct kunit_suite irq_vecset_suite = {
	.name		= "irq_vecset",
	.suite_init	= irq_vecset_suite_init,
	.suite_exit	= irq_vecset_suite_exit,
	.test_cases	= irq_vecset_cases,
};

kunit_test_suite(irq_vecset_suite);

MODULE_DESCRIPTION("KUnit suite of vector sets for subdevices");
MODULE_LICENSE("GPL");
