// SPDX-License-Identifier: GPL-2.0
/*
 * What the KUnit suites of devices with pools of vectors share
 */
#include <kunit/irq_layout_pool.h>
#include <kunit/test.h>

#include <linux/array_size.h>
#include <linux/container_of.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/irq.h>
#include <linux/irq_vecpool.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/slab.h>

/* So many vectors are had at the same time at most: some machines have few interrupts */
#define LAYOUT_VECTORS	24

static struct irq_vecpool *layout_vecpool(const struct irq_layout_run *run,
					  const struct irq_layout_pool *pool)
{
	return run->irqs + pool->pool;
}

/**
 * irq_layout_event - What a user does when it is called
 * @user:	The place of a struct irq_layout_user
 *
 * Context: Interrupt handler.
 *
 * Return: IRQ_HANDLED
 */
irqreturn_t irq_layout_event(struct irq_vec_user *user)
{
	container_of(user, struct irq_layout_user, user)->called++;
	return IRQ_HANDLED;
}
EXPORT_SYMBOL_GPL(irq_layout_event);

/* --- Where vectors are -------------------------------------------------------- */

static const struct irq_layout_range *layout_range(const struct irq_layout_pool *pool,
						   unsigned int source, unsigned int index)
{
	const struct irq_layout_range *range = pool->ranges;
	unsigned int i;

	for (i = 0; i < pool->nr_ranges; i++, range++) {
		if (range->source == source && index >= range->first && index <= range->last)
			return range;
	}
	return NULL;
}

static struct irq_vec *layout_get_at(struct irq_layout_run *run,
				     const struct irq_layout_pool *pool,
				     const struct irq_layout_range *range, unsigned int index)
{
	struct irq_vecpool *vecpool = layout_vecpool(run, pool);

	if (pool->get_at)
		return pool->get_at(run->irqs, range->source, index, pool->cookie);
	return irq_vecpool_get_at(vecpool, range->source, index, vecpool->cookie, NULL);
}

/* A vector is the one at @index of the store of @range, and the device is told so */
static void layout_expect_at(struct kunit *test, const struct irq_layout_pool *pool,
			     const struct irq_layout_range *range, unsigned int index,
			     struct irq_vec *vec)
{
	struct irq_layout_run *run = test->priv;
	unsigned int store = UINT_MAX;

	KUNIT_ASSERT_FALSE_MSG(test, IS_ERR(vec), "%s: %s %u: %pe", pool->name, range->name,
			       index, vec);
	KUNIT_EXPECT_EQ_MSG(test, irq_layout_is_ims(vec->irq), !!range->store, "%s: %s %u: store",
			    pool->name, range->name, index);
	KUNIT_EXPECT_EQ_MSG(test, irq_layout_index(range->store, vec->irq), index,
			    "%s: %s %u: index", pool->name, range->name, index);
	KUNIT_EXPECT_EQ_MSG(test, pool->irq(run->irqs, vec->entry), vec->irq, "%s: %s %u: irq",
			    pool->name, range->name, index);
	KUNIT_EXPECT_EQ_MSG(test, pool->index(vec, &store), index, "%s: %s %u: told index",
			    pool->name, range->name, index);
	KUNIT_EXPECT_EQ_MSG(test, store, range->source, "%s: %s %u: told store", pool->name,
			    range->name, index);
}

static void layout_expect_outside(struct kunit *test, const struct irq_layout_pool *pool,
				  const struct irq_layout_range *range, unsigned int index)
{
	/* Where another range begins */
	if (layout_range(pool, range->source, index))
		return;
	KUNIT_EXPECT_PTR_EQ_MSG(test, layout_get_at(test->priv, pool, range, index),
				ERR_PTR(-EINVAL), "%s: %s %u", pool->name, range->name, index);
}

/* The first and the last index of each range can be had, and nothing around */
static void layout_case_ranges(struct kunit *test, const struct irq_layout_pool *pool)
{
	struct irq_layout_run *run = irq_layout_setup(test, pool->device);
	const struct irq_layout_range *range = pool->ranges;
	unsigned int i, nr = 0;
	struct irq_vec *vec;

	for (i = 0; i < pool->nr_ranges; i++, range++) {
		nr += range->last - range->first + 1;
		vec = layout_get_at(run, pool, range, range->first);
		layout_expect_at(test, pool, range, range->first, vec);
		pool->put(vec);
		vec = layout_get_at(run, pool, range, range->last);
		layout_expect_at(test, pool, range, range->last, vec);
		pool->put(vec);
		layout_expect_outside(test, pool, range, range->first - 1);
		layout_expect_outside(test, pool, range, range->last + 1);
	}
	KUNIT_EXPECT_EQ_MSG(test, layout_vecpool(run, pool)->nr, nr, "%s: vectors", pool->name);
}

static struct irq_vec *layout_get_any(struct irq_layout_run *run,
				      const struct irq_layout_pool *pool)
{
	if (pool->get_dedicated)
		return pool->get_dedicated(run->irqs, pool->cookie);
	return irq_vecpool_get_dedicated(layout_vecpool(run, pool),
					 layout_vecpool(run, pool)->cookie, NULL);
}

/* Vectors come from the ranges in their order */
static void layout_case_order(struct kunit *test, const struct irq_layout_pool *pool)
{
	struct irq_layout_run *run = irq_layout_setup(test, pool->device);
	const struct irq_layout_range *range = pool->ranges;
	unsigned int i, base = run->fake->allocated, index = range->first;
	unsigned int nr = min(layout_vecpool(run, pool)->nr, LAYOUT_VECTORS);
	struct irq_vec *vecs[LAYOUT_VECTORS];

	for (i = 0; i < nr; i++) {
		vecs[i] = layout_get_any(run, pool);
		layout_expect_at(test, pool, range, index, vecs[i]);
		if (index++ == range->last && i + 1 < nr)
			index = (++range)->first;
	}
	while (nr--)
		pool->put(vecs[nr]);
	KUNIT_EXPECT_EQ_MSG(test, run->fake->allocated, base, "%s: given back", pool->name);
}

/* --- Who has them --------------------------------------------------------------- */

static void layout_case_policy(struct kunit *test, const struct irq_layout_pool *pool)
{
	struct irq_layout_run *run = irq_layout_setup(test, pool->device);
	const struct irq_vecpool_info *info = layout_vecpool(run, pool)->info;

	KUNIT_EXPECT_EQ_MSG(test, info->limit, pool->limit, "%s: limit", pool->name);
	KUNIT_EXPECT_EQ_MSG(test, info->reserve, pool->reserve, "%s: reserve", pool->name);
	KUNIT_EXPECT_EQ_MSG(test, info->node, pool->node, "%s: node", pool->name);
}

/* Up to the limit users share a vector, and each of them is called */
static void layout_case_shared(struct kunit *test, const struct irq_layout_pool *pool)
{
	struct irq_layout_run *run = irq_layout_setup(test, pool->device);
	unsigned int i, cpu = cpumask_first(cpu_online_mask);
	struct irq_vecpool *vecpool = layout_vecpool(run, pool);
	const struct irq_layout_range *range;
	struct irq_layout_user *users;
	struct irq_vec *vec, *next;

	if (!pool->get)
		kunit_skip(test, "no vector is shared");

	users = kunit_kcalloc(test, pool->limit, sizeof(*users), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, users);
	vec = pool->get(run->irqs, cpu);
	KUNIT_ASSERT_FALSE_MSG(test, IS_ERR(vec), "%s: %pe", pool->name, vec);
	for (i = 1; i < pool->limit; i++)
		KUNIT_EXPECT_PTR_EQ_MSG(test, pool->get(run->irqs, cpu), vec, "%s: user %u",
					pool->name, i);
	next = pool->get(run->irqs, cpu);
	KUNIT_ASSERT_FALSE_MSG(test, IS_ERR(next), "%s: %pe", pool->name, next);
	KUNIT_EXPECT_EQ_MSG(test, next == vec, vecpool->max_shared == 1,
			    "%s: one user more than the limit", pool->name);
	pool->put(next);

	for (i = 0; i < pool->limit; i++)
		pool->attach(vec, &users[i].user);
	range = layout_range(pool, vec->source, vec->index);
	KUNIT_ASSERT_NOT_NULL(test, range);
	KUNIT_EXPECT_EQ(test, irq_layout_fire(test, range->store, vec->irq), 0);
	for (i = 0; i < pool->limit; i++) {
		KUNIT_EXPECT_EQ_MSG(test, users[i].called, 1, "%s: user %u", pool->name, i);
		pool->detach(&users[i].user);
		pool->put(vec);
	}
	KUNIT_EXPECT_EQ_MSG(test, vecpool->nr_shared, 0, "%s: given back", pool->name);

	if (pool->get_least) {
		vec = pool->get_least(run->irqs);
		KUNIT_ASSERT_FALSE_MSG(test, IS_ERR(vec), "%s: %pe", pool->name, vec);
		KUNIT_EXPECT_FALSE(test, vec->dedicated);
		pool->put(vec);
	}
}

/* The owner of a dedicated vector brings the handler */
static void layout_case_dedicated(struct kunit *test, const struct irq_layout_pool *pool)
{
	struct irq_layout_run *run = irq_layout_setup(test, pool->device);
	const struct irq_layout_range *range = pool->ranges;
	struct irq_vec *vec;
	unsigned int i;

	if (!pool->get_dedicated)
		kunit_skip(test, "no vector has a single owner");

	for (i = 0; i < pool->nr_ranges; i++, range++) {
		vec = pool->get_at(run->irqs, range->source, range->last, pool->cookie);
		KUNIT_ASSERT_FALSE_MSG(test, IS_ERR(vec), "%s: %pe", pool->name, vec);
		KUNIT_EXPECT_TRUE(test, vec->dedicated);
		KUNIT_ASSERT_EQ(test, irq_layout_request(test, vec->irq), 0);
		KUNIT_EXPECT_EQ_MSG(test, irq_layout_fire(test, range->store, vec->irq), 0,
				    "%s: %s", pool->name, range->name);
		KUNIT_EXPECT_EQ_MSG(test, run->fired, i + 1, "%s: %s", pool->name, range->name);
		irq_layout_free(test, vec->irq);
		/* What the device does not know request_irq() can't tell */
		if (pool->error && range->store) {
			KUNIT_EXPECT_EQ(test, pool->error(vec), 0);
			run->refuses = true;
			KUNIT_ASSERT_EQ(test, irq_layout_request(test, vec->irq), 0);
			KUNIT_EXPECT_EQ_MSG(test, pool->error(vec),
					    range->store->fails ? -EIO : 0, "%s: %s: error",
					    pool->name, range->name);
			run->refuses = false;
			irq_layout_free(test, vec->irq);
		}
		pool->put(vec);
	}
}

static void layout_case_shutdown(struct kunit *test, const struct irq_layout_pool *pool)
{
	struct irq_layout_run *run = irq_layout_setup(test, pool->device);
	const struct irq_layout_device *device = pool->device;
	struct irq_vec *shared = NULL, *own = NULL;
	unsigned int i;

	for (i = 0; i < device->nr_vectors && !run->event; i++) {
		if (!device->vectors[i].store)
			run->event = device->vectors[i].irq(run->irqs);
	}
	if (run->event)
		KUNIT_ASSERT_EQ(test, irq_layout_request(test, run->event), 0);
	if (pool->get) {
		shared = pool->get(run->irqs, cpumask_first(cpu_online_mask));
		KUNIT_ASSERT_FALSE_MSG(test, IS_ERR(shared), "%s: %pe", pool->name, shared);
	}
	if (pool->get_dedicated) {
		own = pool->get_dedicated(run->irqs, pool->cookie);
		/* It may have been the only one */
		if (shared && IS_ERR(own))
			own = NULL;
	}
	if (own) {
		KUNIT_ASSERT_FALSE_MSG(test, IS_ERR(own), "%s: %pe", pool->name, own);
		KUNIT_ASSERT_EQ(test, irq_layout_request(test, own->irq), 0);
	}

	device->shutdown(run->irqs);
	/* The device could tell that a command was done, whichever interrupt does */
	KUNIT_EXPECT_EQ_MSG(test, run->unheard, 0, "%s", pool->name);
	if (run->event)
		irq_layout_free(test, run->event);
	run->event = 0;
	if (shared) {
		KUNIT_EXPECT_TRUE_MSG(test, irqd_irq_masked(irq_get_irq_data(shared->irq)),
				      "%s: shared vector", pool->name);
		pool->put(shared);
	}
	if (own) {
		KUNIT_EXPECT_TRUE_MSG(test, irqd_irq_masked(irq_get_irq_data(own->irq)),
				      "%s: dedicated vector", pool->name);
		irq_layout_free(test, own->irq);
		pool->put(own);
	}
}

/* --- What they carry along -------------------------------------------------------- */

/* A cookie in which the driver has said nothing that it need not say */
static void layout_plain_cookie(const struct irq_layout_pool *pool,
				const struct irq_layout_store *store, u8 *cookie)
{
	unsigned int i;

	memset(cookie, 0xff, IRQ_LAYOUT_COOKIES * sizeof(u32));
	if (pool->cookie)
		memcpy(cookie, pool->cookie, store->nr_cookies * sizeof(u32));
	for (i = 0; i < store->nr_cookies; i++) {
		if (store->cookies[i].optional)
			*(u32 *)(cookie + store->cookies[i].member) = U32_MAX;
	}
}

static void layout_expect_carried(struct kunit *test, const struct irq_layout_pool *pool,
				  const struct irq_layout_range *range, const void *cookie,
				  const char *what)
{
	struct irq_layout_run *run = test->priv;
	struct irq_vec *vec;

	vec = pool->get_at(run->irqs, range->source, range->first, cookie);
	KUNIT_ASSERT_FALSE_MSG(test, IS_ERR(vec), "%s: %s: %pe", pool->name, what, vec);
	KUNIT_ASSERT_EQ(test, irq_layout_request(test, vec->irq), 0);
	range->store->carries(test, range->store, range->first, cookie);
	irq_layout_free(test, vec->irq);
	pool->put(vec);
}

/* However a vector is asked for, before anything is allocated */
static void layout_expect_refused(struct kunit *test, const struct irq_layout_pool *pool,
				  const void *cookie, const char *what)
{
	const struct irq_layout_range *range = pool->ranges;
	struct irq_layout_run *run = test->priv;
	struct irq_vec *vec;
	unsigned int i;

	vec = pool->get_dedicated(run->irqs, cookie);
	KUNIT_EXPECT_PTR_EQ_MSG(test, vec, ERR_PTR(-EINVAL), "%s: %s", pool->name, what);
	for (i = 0; i < pool->nr_ranges; i++, range++) {
		vec = pool->get_at(run->irqs, range->source, range->first, cookie);
		KUNIT_EXPECT_PTR_EQ_MSG(test, vec, ERR_PTR(-EINVAL), "%s: %s: %s", pool->name,
					range->name, what);
	}
}

static void layout_check_field(struct kunit *test, const struct irq_layout_pool *pool,
			       const struct irq_layout_range *range,
			       const struct irq_layout_cookie *field)
{
	const u32 good[] = { 0, 1, field->limit / 3, min(field->limit, U32_MAX - 1) };
	u32 cookie[IRQ_LAYOUT_COOKIES];
	u32 *value = (void *)cookie + field->member;
	unsigned int i;

	layout_plain_cookie(pool, range->store, (u8 *)cookie);
	for (i = 0; i < ARRAY_SIZE(good); i++) {
		*value = good[i];
		layout_expect_carried(test, pool, range, cookie, field->name);
	}
	if (field->limit < U32_MAX - 1) {
		*value = field->limit + 1;
		layout_expect_refused(test, pool, cookie, field->name);
		*value = U32_MAX - 1;
		layout_expect_refused(test, pool, cookie, field->name);
	}

	/* None of this name, unless that is as good as any other */
	*value = U32_MAX;
	if (field->optional || field->limit == U32_MAX)
		layout_expect_carried(test, pool, range, cookie, field->name);
	else
		layout_expect_refused(test, pool, cookie, field->name);
}

/* Shared vectors carry along what the driver has said for all of them, and has to say */
static void layout_check_shared(struct kunit *test, const struct irq_layout_pool *pool,
				const struct irq_layout_range *range)
{
	struct irq_layout_asked asked = pool->device->asked;
	struct irq_vec *before[LAYOUT_VECTORS], *vec;
	struct irq_layout_run *run = test->priv;
	const struct irq_layout_range *r;
	unsigned int i, nr = 0;

	for (r = pool->ranges; r < range; r++) {
		for (i = r->first; i <= r->last && nr < LAYOUT_VECTORS; i++)
			before[nr++] = layout_get_at(run, pool, r, i);
	}
	vec = pool->get(run->irqs, cpumask_first(cpu_online_mask));
	KUNIT_ASSERT_FALSE_MSG(test, IS_ERR(vec), "%s: %pe", pool->name, vec);
	if (vec->source == range->source)
		range->store->carries(test, range->store, vec->index, pool->cookie);
	pool->put(vec);
	while (nr--)
		pool->put(before[nr]);

	pool->device->exit(run->irqs);
	asked.no_cookie = true;
	KUNIT_EXPECT_EQ_MSG(test, pool->device->init(run->irqs, run->fake, &asked), -EINVAL,
			    "%s: no cookie", pool->name);
	KUNIT_ASSERT_EQ(test, irq_layout_init(run), 0);
}

/* A store without cookies takes none, whatever is given for the others */
static void layout_expect_none(struct kunit *test, const struct irq_layout_pool *pool,
			       const struct irq_layout_range *range, const void *cookie)
{
	struct irq_layout_run *run = test->priv;
	struct irq_vec *vec = pool->get_at(run->irqs, range->source, range->last, cookie);

	KUNIT_ASSERT_FALSE_MSG(test, IS_ERR(vec), "%s: %s: %pe", pool->name, range->name, vec);
	KUNIT_ASSERT_EQ(test, irq_layout_request(test, vec->irq), 0);
	range->store->carries(test, range->store, range->last, NULL);
	irq_layout_free(test, vec->irq);
	pool->put(vec);
}

/* Each cookie ends up in its place, or is refused */
static void layout_case_cookies(struct kunit *test, const struct irq_layout_pool *pool)
{
	const struct irq_layout_range *range = pool->ranges;
	u32 cookie[IRQ_LAYOUT_COOKIES];
	unsigned int i = 0, field;

	while (i < pool->nr_ranges && !(range->store && range->store->nr_cookies))
		range = &pool->ranges[++i];
	if (i == pool->nr_ranges || !(pool->get_at || pool->asks_cookie))
		kunit_skip(test, "nobody can pass a cookie");

	irq_layout_setup(test, pool->device);
	if (pool->asks_cookie)
		layout_check_shared(test, pool, range);
	if (!pool->get_at)
		return;
	for (field = 0; field < range->store->nr_cookies; field++)
		layout_check_field(test, pool, range, &range->store->cookies[field]);

	/* None at all */
	if (pool->cookie)
		layout_expect_refused(test, pool, NULL, "no cookie");
	else
		layout_expect_carried(test, pool, range, NULL, "no cookie");

	layout_plain_cookie(pool, range->store, (u8 *)cookie);
	*(u32 *)((void *)cookie + range->store->cookies->member) = 1;
	for (i = 0; i < pool->nr_ranges; i++) {
		if (pool->ranges[i].store && !pool->ranges[i].store->nr_cookies)
			layout_expect_none(test, pool, &pool->ranges[i], cookie);
	}
}

const struct irq_layout_pool_case irq_layout_pool_cases[IRQ_LAYOUT_POOL_CASES] = {
	{ "policy",	layout_case_policy },
	{ "ranges",	layout_case_ranges },
	{ "order",	layout_case_order },
	{ "shared",	layout_case_shared },
	{ "dedicated",	layout_case_dedicated },
	{ "shutdown",	layout_case_shutdown },
	{ "cookies",	layout_case_cookies },
};
EXPORT_SYMBOL_GPL(irq_layout_pool_cases);

/**
 * irq_layout_check_pool - A pool has what the datasheet gives it
 * @test:	The running test, with one of irq_layout_pool_cases as parameter
 * @pool:	The pool
 *
 * Context: Task context, may sleep.
 */
void irq_layout_check_pool(struct kunit *test, const struct irq_layout_pool *pool)
{
	const struct irq_layout_pool_case *which = test->param_value;

	which->run(test, pool);
}
EXPORT_SYMBOL_GPL(irq_layout_check_pool);

MODULE_DESCRIPTION("What the KUnit suites of devices with pools of vectors share");
MODULE_LICENSE("GPL");
