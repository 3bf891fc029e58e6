// SPDX-License-Identifier: GPL-2.0
/*
 * Messages which edu's DMA engine fetches from the store and sends by itself
 *
 * Each takes 100 ms of virtual time, so run this with QEMU's -icount, where idle
 * time passes at once. The engine's writes carry no requester id, which AMD's
 * interrupt remapping refuses and Intel's does not check.
 */
#include <kunit/test.h>

#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/kthread.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "common.h"
#include "parent.h"

#define FIRES		2

static struct e2e_carrier by_dma = {
	.name	= "dma",
	.fn	= &e2e.edu,
	.store	= &e2e.ram,
	.send	= e2e_dma_send,
};

static struct e2e_carrier by_dma_mmio = {
	.name	= "dma",
	.fn	= &e2e.edu,
	.store	= &e2e.mmio,
	.send	= e2e_dma_send,
};

static irqreturn_t no_user(int irq, void *data)
{
	return IRQ_NONE;
}

static void fire_all(struct kunit *test, struct e2e_count *count, struct e2e_edu *edu)
{
	bool go_on = true;
	unsigned int i;

	KUNIT_EXPECT_EQ(test, e2e_dma_load(count->carrier), 0);
	for (i = 0; go_on && i < edu->nr; i++)
		go_on = e2e_fire(test, count, &edu->sinks[i]);
}

static void finish(struct kunit *test, struct e2e_count *count, struct e2e_edu *edu)
{
	unsigned int i, nr = edu->nr;

	e2e_put(edu);
	for (i = 0; i < nr; i++)
		e2e_add(test, count, &edu->sinks[i]);
	e2e_stop(edu);
	e2e_report(test, count);
}

/* 64 vectors, then all of them on other CPUs, then every other one masked */
static void fetch(struct kunit *test, struct e2e_carrier *carrier)
{
	struct e2e_count count = { .name = "fire", .carrier = carrier };
	struct e2e_edu *edu = test->priv;
	unsigned int i, cpu;

	KUNIT_ASSERT_EQ(test, e2e_start(edu, carrier->store, no_user, E2E_VECTORS + 1), 0);
	e2e_get(test, edu, E2E_VECTORS);
	for (i = 0; i < FIRES; i++)
		fire_all(test, &count, edu);

	for (i = 0; i < edu->nr; i++) {
		cpu = e2e_nth_cpu(edu->sinks[i].cpu + 1);
		e2e_redirect(&edu->sinks[i], cpu);
		edu->sinks[i].moving = true;
		KUNIT_EXPECT_EQ(test, irq_set_affinity(edu->sinks[i].irq, cpumask_of(cpu)), 0);
		count.moves++;
	}
	/* Where moves wait for an interrupt this is the one */
	fire_all(test, &count, edu);
	for (i = 0; i < edu->nr; i++)
		edu->sinks[i].moving = false;
	fire_all(test, &count, edu);

	for (i = 0; i < edu->nr; i += 2) {
		irq_set_status_flags(edu->sinks[i].irq, IRQ_DISABLE_UNLAZY);
		disable_irq(edu->sinks[i].irq);
	}
	fire_all(test, &count, edu);
	KUNIT_EXPECT_EQ(test, count.expected_lost, edu->nr / 2);
	for (i = 0; i < edu->nr; i += 2) {
		enable_irq(edu->sinks[i].irq);
		irq_clear_status_flags(edu->sinks[i].irq, IRQ_DISABLE_UNLAZY);
	}
	finish(test, &count, edu);
}

static void fetch_from_memory(struct kunit *test)
{
	fetch(test, &by_dma);
}

static void fetch_from_bar(struct kunit *test)
{
	if (!e2e.mmio.base)
		kunit_skip(test, "no function whose BAR is memory");
	fetch(test, &by_dma_mmio);
}

struct raising {
	struct e2e_edu	*edu;
	unsigned int	lost;
};

/* The MSI which the PCI core wrote into the capability, untouched by anybody else */
static int raise_own(void *data)
{
	struct raising *raising = data;
	struct e2e_edu *edu = raising->edu;

	while (!kthread_should_stop()) {
		edu->own.sent++;
		e2e_msi_raise(&e2e.edu);
		if (!e2e_wait(&edu->own, edu->own.sent, 2000))
			raising->lost++;
		usleep_range(1000, 2000);
	}
	return 0;
}

static void fetch_along_with_msi(struct kunit *test)
{
	struct e2e_count count = { .name = "with_own_msi", .carrier = &by_dma };
	struct raising raising = { .edu = test->priv };
	struct e2e_edu *edu = test->priv;
	struct task_struct *task;

	KUNIT_ASSERT_EQ(test, e2e_start(edu, &e2e.ram, no_user, E2E_VECTORS + 1), 0);
	e2e_get(test, edu, 16);
	task = kthread_run(raise_own, &raising, "e2e-raise");
	fire_all(test, &count, edu);
	if (!IS_ERR(task))
		kthread_stop(task);
	KUNIT_EXPECT_EQ(test, raising.lost, 0);
	KUNIT_EXPECT_GT(test, edu->own.sent, 100);
	count.sent += edu->own.sent;
	e2e_add(test, &count, &edu->own);
	finish(test, &count, edu);
}

static int dma_init(struct kunit *test)
{
	if (!e2e.edu.pdev)
		kunit_skip(test, "no edu device");
	if (!strcmp(e2e_parent(), "amd"))
		kunit_skip(test, "refuses messages without a requester id");

	test->priv = kunit_kzalloc(test, sizeof(struct e2e_edu), GFP_KERNEL);
	return test->priv ? 0 : -ENOMEM;
}

static struct kunit_case dma_cases[] = {
	KUNIT_CASE(fetch_from_memory),
	KUNIT_CASE(fetch_from_bar),
	KUNIT_CASE(fetch_along_with_msi),
	{}
};

static struct kunit_suite dma_suite = {
	.name		= "ims_dma_e2e",
	.init		= dma_init,
	.test_cases	= dma_cases,
};

kunit_test_suite(dma_suite);
