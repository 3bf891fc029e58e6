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
#include <linux/printk.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/stringify.h>

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

#define SHORT_POOL	percpu
#include "short_pool.h"

#define SHORT_POOL	least
#define SHORT_LEAST
#include "short_pool.h"

static struct kunit_case short_cases[] = {
	KUNIT_CASE_SLOW(simshort_percpu_random_operations),
	KUNIT_CASE_SLOW(simshort_least_random_operations),
	{ }
};

static struct kunit_suite short_suite = {
	.name		= "ims_sim_short",
	.test_cases	= short_cases,
};

kunit_test_suite(short_suite);
