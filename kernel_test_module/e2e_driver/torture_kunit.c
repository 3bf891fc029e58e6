// SPDX-License-Identifier: GPL-2.0
/*
 * Everything at once: get, put, attach, detach, affinity, masks, fire, and CPUs
 * which come and go. The checkers of the kernel have to stay silent.
 */
#include <kunit/test.h>

#include <linux/cleanup.h>
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/moduleparam.h>
#include <linux/random.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "common.h"
#include "parent.h"

/* KUnit ends a case after 300 s, so the time is spent in pieces */
#define PIECE		30U
#define MAX_PIECES	40
#define HELD		12

static unsigned int torture = 20;
module_param(torture, uint, 0444);
MODULE_PARM_DESC(torture, "Seconds of torture, at most 1200");

static struct e2e_carrier by_msi = {
	.name	= "msi",
	.fn	= &e2e.edu,
	.store	= &e2e.ram,
	.send	= e2e_msi_send,
};

/* One vector which a worker holds */
struct held {
	struct irq_vec_user	user;
	struct e2e_sink		sink;
	struct irq_vec		*vec;
	bool			dedicated;
	bool			disabled;
	struct rcu_head		rcu;
};

struct worker {
	struct e2e_edu		*edu;
	struct task_struct	*task;
	struct held		*held[HELD];
	unsigned int		ops;
	unsigned int		sent;
	unsigned int		masked;
	unsigned int		lost;
	unsigned int		duplicated;
	unsigned int		moves;
	unsigned int		failed;
};

static irqreturn_t tortured_user(struct irq_vec_user *user)
{
	atomic_inc(&container_of(user, struct held, user)->sink.arrived);
	return IRQ_HANDLED;
}

static irqreturn_t tortured_shared(int irq, void *data)
{
	return edu_queue_dispatch(data, tortured_user);
}

static irqreturn_t tortured_dedicated(int irq, void *data)
{
	struct held *held = data;

	atomic_inc(&held->sink.arrived);
	return IRQ_HANDLED;
}

static unsigned int any_cpu(void)
{
	return e2e_nth_cpu(get_random_u32_below(num_possible_cpus()));
}

static void drop(struct worker *worker, unsigned int place)
{
	struct held *held = worker->held[place];
	unsigned int arrived;

	worker->held[place] = NULL;
	if (held->disabled)
		enable_irq(held->vec->irq);
	if (held->dedicated) {
		free_irq(held->vec->irq, held);
		/* Nobody else sends its message, so each comes once */
		arrived = atomic_read(&held->sink.arrived);
		if (arrived > held->sink.sent)
			worker->duplicated += arrived - held->sink.sent;
	} else {
		edu_queue_detach(&held->user);
	}
	edu_queue_put(held->vec);
	/* A handler may still be looking at the user */
	kfree_rcu(held, rcu);
}

static void take(struct worker *worker, unsigned int place)
{
	struct held *held __free(kfree) = kzalloc(sizeof(*held), GFP_KERNEL);

	if (!held)
		return;
	held->dedicated = get_random_u32_below(2);
	if (held->dedicated)
		held->vec = edu_queue_get_dedicated(&worker->edu->irqs, cpumask_of(any_cpu()));
	else
		held->vec = edu_queue_get(&worker->edu->irqs, any_cpu());
	if (IS_ERR(held->vec)) {
		worker->failed++;
		return;
	}

	e2e_aim(&held->sink, held->vec->irq, held->vec->entry + 1, 0);
	if (held->dedicated) {
		irq_set_status_flags(held->vec->irq, IRQ_DISABLE_UNLAZY);
		if (request_irq(held->vec->irq, tortured_dedicated, 0, "edu-torture", held)) {
			worker->failed++;
			edu_queue_put(held->vec);
			return;
		}
	} else {
		edu_queue_attach(held->vec, &held->user);
	}
	worker->held[place] = no_free_ptr(held);
}

/*
 * Others may fire the same shared vector, and two messages may become one
 * interrupt. But after each of them the handler has to run.
 */
static void fire(struct worker *worker, struct held *held)
{
	unsigned int arrived = atomic_read(&held->sink.arrived);
	struct e2e_message msg;
	int ret;

	worker->sent++;
	ret = by_msi.send(&by_msi, held->sink.irq, held->sink.slot, &msg);
	if (ret == -EAGAIN) {
		worker->masked++;
		return;
	}

	held->sink.sent++;
	if (!ret && !held->disabled && e2e_wait(&held->sink, arrived + 1, 5000))
		return;
	worker->lost++;
	pr_err("e2e: slot %u (%s%s): lost, %d, address %#llx, data %#x, control %#x\n",
	       held->sink.slot, held->dedicated ? "dedicated" : "shared",
	       held->disabled ? ", disabled" : "", ret, msg.address, msg.data, msg.control);
	e2e_explain(&held->sink, arrived + 1);
}

static void do_something(struct worker *worker)
{
	unsigned int place = get_random_u32_below(HELD);
	struct held *held = worker->held[place];

	worker->ops++;
	if (!held) {
		take(worker, place);
		return;
	}

	switch (get_random_u32_below(8)) {
	case 0:
		drop(worker, place);
		break;
	case 1:
		/* Fails when the CPU has just gone, as it should */
		if (!irq_set_affinity(held->vec->irq, cpumask_of(any_cpu())))
			worker->moves++;
		break;
	case 2:
		if (!held->dedicated)
			break;
		if (held->disabled)
			enable_irq(held->vec->irq);
		else
			disable_irq(held->vec->irq);
		held->disabled = !held->disabled;
		break;
	default:
		fire(worker, held);
	}
}

static int work(void *data)
{
	struct worker *worker = data;
	unsigned int i;

	while (!kthread_should_stop()) {
		do_something(worker);
		cond_resched();
	}
	for (i = 0; i < HELD; i++) {
		if (worker->held[i])
			drop(worker, i);
	}
	return 0;
}

static void torture_everything(struct kunit *test)
{
	unsigned int seconds = min(torture - *(unsigned int *)test->param_value, PIECE);
	unsigned int i, cpu, available, allocated, now, ops = 0, failed = 0;
	struct e2e_count count = { .name = "torture", .carrier = &by_msi };
	unsigned long end = jiffies + seconds * HZ;
	unsigned int cpus = num_online_cpus();
	struct e2e_edu *edu = test->priv;
	struct worker *workers;

	workers = kunit_kcalloc(test, cpus, sizeof(*workers), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, workers);
	e2e_vector_matrix(&available, &allocated);
	KUNIT_ASSERT_EQ(test, e2e_start(edu, &e2e.ram, tortured_shared, 1024), 0);
	for (i = 0; i < cpus; i++) {
		workers[i].edu = edu;
		workers[i].task = kthread_run(work, &workers[i], "e2e-torture/%u", i);
		KUNIT_EXPECT_NOT_ERR_OR_NULL(test, workers[i].task);
	}
	while (time_before(jiffies, end)) {
		cpu = 1 + get_random_u32_below(cpus - 1);
		KUNIT_EXPECT_EQ(test, remove_cpu(cpu), 0);
		msleep(50);
		KUNIT_EXPECT_EQ(test, add_cpu(cpu), 0);
		msleep(50);
		count.moves += 2;
	}
	for (i = 0; i < cpus; i++) {
		if (!IS_ERR(workers[i].task))
			kthread_stop(workers[i].task);
		ops += workers[i].ops;
		failed += workers[i].failed;
		count.sent += workers[i].sent;
		count.expected_lost += workers[i].masked;
		count.lost += workers[i].lost;
		count.duplicated += workers[i].duplicated;
		count.moves += workers[i].moves;
	}
	count.arrived = count.sent - count.lost - count.expected_lost;

	KUNIT_EXPECT_GT(test, count.arrived, 0);
	KUNIT_EXPECT_EQ(test, failed, 0);
	KUNIT_EXPECT_TRUE(test, bitmap_empty(edu->irqs.queue.taken, edu->irqs.queue.nr));
	kunit_info(test, "%u operations in %u s, %lu shared vectors made, %u failed gets", ops,
		   seconds, edu->irqs.queue.made, failed);
	e2e_stop(edu);

	/*
	 * Vectors which moved lately are given back a little later. Only those
	 * which are free can be counted: the kernel's own sum of the others misses
	 * what was freed on a CPU which was offline.
	 */
	for (i = 0; i < 100; i++) {
		e2e_vector_matrix(&now, &allocated);
		if (now == available)
			break;
		msleep(20);
	}
	KUNIT_EXPECT_EQ(test, now, available);
	e2e_report(test, &count);
}

static unsigned int pieces[MAX_PIECES];

/* Kernels that have this macro give the test to a generator of parameters, too */
#ifdef KUNIT_CASE_PARAM_WITH_INIT
#define GENERATOR_TEST	struct kunit *test,
#else
#define GENERATOR_TEST
#endif

/* The second at which each piece begins */
static const void *next_piece(GENERATOR_TEST const void *prev, char *desc)
{
	unsigned int next = prev ? (const unsigned int *)prev - pieces + 1 : 0;

	if (next >= MAX_PIECES || next * PIECE >= torture)
		return NULL;
	pieces[next] = next * PIECE;
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "from second %u", pieces[next]);
	return &pieces[next];
}

static int torture_init(struct kunit *test)
{
	if (!e2e.edu.pdev)
		kunit_skip(test, "no edu device");

	e2e_lift_gate();
	test->priv = kunit_kzalloc(test, sizeof(struct e2e_edu), GFP_KERNEL);
	return test->priv ? 0 : -ENOMEM;
}

static struct kunit_case torture_cases[] = {
	KUNIT_CASE_PARAM(torture_everything, next_piece),
	{}
};

static struct kunit_suite torture_suite = {
	.name		= "ims_torture_e2e",
	.init		= torture_init,
	.test_cases	= torture_cases,
};

kunit_test_suite(torture_suite);
