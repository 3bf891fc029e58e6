// SPDX-License-Identifier: GPL-2.0
/*
 * Interrupts through the generated glue of edu, below the domain which the
 * machine really has. All slots are written by the generated code only.
 */
#include <kunit/test.h>

#include <linux/bitmap.h>
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irqdomain.h>
#include <linux/kthread.h>
#include <linux/moduleparam.h>
#include <linux/msi.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "common.h"
#include "parent.h"

#define FIRES		100
#define MOVES		10000
#define WANTED		4096

static bool expect_refusal;
module_param(expect_refusal, bool, 0444);
MODULE_PARM_DESC(expect_refusal, "The machine must not offer message stores");

static struct e2e_carrier by_msi = {
	.name	= "msi",
	.fn	= &e2e.edu,
	.store	= &e2e.ram,
	.send	= e2e_msi_send,
};

static struct e2e_carrier by_msi_mmio = {
	.name	= "msi",
	.fn	= &e2e.edu,
	.store	= &e2e.mmio,
	.send	= e2e_msi_send,
};

static struct e2e_carrier by_other = {
	.name	= "msi of another function",
	.fn	= &e2e.other,
	.store	= &e2e.ram,
	.send	= e2e_msi_send,
};

/* A user of a shared vector */
struct sharer {
	struct irq_vec_user	user;
	struct e2e_sink		sink;
	struct irq_vec		*vec;
	/* It got the vector before all others did */
	bool			first;
};

static irqreturn_t shared_user(struct irq_vec_user *user)
{
	e2e_arrive(&container_of(user, struct sharer, user)->sink);
	return IRQ_HANDLED;
}

static irqreturn_t shared_handler(int irq, void *data)
{
	return edu_queue_dispatch(data, shared_user);
}

static void refused_when_emulated(struct kunit *test)
{
	struct irq_domain *domain = dev_get_msi_domain(&e2e.edu.pdev->dev);
	bool amd = domain->bus_token == DOMAIN_BUS_AMDVI;
	bool guest = e2e_looks_like_guest();
	struct e2e_edu *edu = test->priv;
	int ret;

	if (!expect_refusal && !amd && !guest)
		kunit_skip(test, "this machine does not look like a guest");

	ret = e2e_start(edu, &e2e.ram, shared_handler, E2E_VECTORS);
	KUNIT_EXPECT_EQ(test, ret, -EOPNOTSUPP);
	if (!ret)
		e2e_stop(edu);
	kunit_info(test, "e2e: {\"parent\": \"%s\", \"test\": \"refused\", \"cpus\": %u}\n",
		   e2e_parent(), num_present_cpus());
	/* The rest of the cases has to run nevertheless */
	if (amd && ret)
		e2e_lift_gate();
}

/* Each of 64 vectors on all CPUs, 100 times */
static void fire(struct kunit *test, struct e2e_carrier *carrier, const char *name)
{
	struct e2e_count count = { .name = name, .carrier = carrier };
	struct e2e_edu *edu = test->priv;
	unsigned int i, n;
	bool go_on = true;

	KUNIT_ASSERT_EQ(test, e2e_start(edu, carrier->store, shared_handler, E2E_VECTORS + 1), 0);
	e2e_get(test, edu, E2E_VECTORS);
	for (n = 0; go_on && n < FIRES; n++) {
		for (i = 0; go_on && i < edu->nr; i++)
			go_on = e2e_fire(test, &count, &edu->sinks[i]);
	}
	n = edu->nr;
	e2e_put(edu);
	for (i = 0; i < n; i++)
		e2e_add(test, &count, &edu->sinks[i]);
	e2e_stop(edu);
	e2e_report(test, &count);
}

static void fire_from_memory(struct kunit *test)
{
	fire(test, &by_msi, "fire");
}

static void fire_from_bar(struct kunit *test)
{
	if (!e2e.mmio.base)
		kunit_skip(test, "no function whose BAR is memory");
	fire(test, &by_msi_mmio, "fire");
}

static void get_users(struct kunit *test, struct e2e_edu *edu, struct sharer *users,
		      unsigned int nr, unsigned int per_cpu)
{
	unsigned int i, cpu;

	for (i = 0; i < nr; i++) {
		struct sharer *user = &users[i];

		cpu = e2e_nth_cpu(i / per_cpu);
		user->vec = edu_queue_get(&edu->irqs, cpu);
		if (IS_ERR(user->vec)) {
			KUNIT_FAIL(test, "user %u on CPU %u: %pe", i, cpu, user->vec);
			user->vec = NULL;
			continue;
		}
		user->first = atomic_read(&user->vec->users) == 1;
		e2e_aim(&user->sink, user->vec->irq, user->vec->entry + 1, cpu);
		edu_queue_attach(user->vec, &user->user);
	}
}

static void put_users(struct sharer *users, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		if (users[i].vec)
			edu_queue_detach(&users[i].user);
	}
	synchronize_rcu();
	for (i = 0; i < nr; i++) {
		if (users[i].vec)
			edu_queue_put(users[i].vec);
	}
}

/* The first user of each vector stands for it. The others are called along with it. */
static void add_users(struct kunit *test, struct e2e_count *count, struct sharer *users,
		      unsigned int nr, unsigned int fires)
{
	unsigned int i, strays = 0;

	for (i = 0; i < nr; i++) {
		if (users[i].first)
			e2e_add(test, count, &users[i].sink);
		else if (atomic_read(&users[i].sink.arrived) != fires)
			strays++;
	}
	KUNIT_EXPECT_EQ(test, strays, 0);
}

/* Full vectors with as many users as they take */
static void fire_shared(struct kunit *test)
{
	struct e2e_count count = { .name = "shared", .carrier = &by_msi };
	unsigned int i, n, nr = E2E_VECTORS * EDU_QUEUE_LIMIT;
	struct e2e_edu *edu = test->priv;
	struct sharer *users;
	bool go_on = true;

	users = kunit_kcalloc(test, nr, sizeof(*users), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, users);
	KUNIT_ASSERT_EQ(test, e2e_start(edu, &e2e.ram, shared_handler, E2E_VECTORS + 1), 0);
	get_users(test, edu, users, nr, EDU_QUEUE_LIMIT);
	KUNIT_EXPECT_EQ(test, edu->irqs.queue.made, E2E_VECTORS);

	for (n = 0; go_on && n < FIRES; n++) {
		for (i = 0; go_on && i < nr; i++) {
			if (users[i].first)
				go_on = e2e_fire(test, &count, &users[i].sink);
		}
	}
	/* Users are called one after the other: wait for the last of them */
	msleep(30);
	add_users(test, &count, users, nr, FIRES);
	put_users(users, nr);
	e2e_stop(edu);
	e2e_report(test, &count);
}

struct firing {
	struct kunit		*test;
	struct e2e_count	*count;
	struct e2e_edu		*edu;
};

/* Fire all vectors in turn until told to stop */
static int fire_on(void *data)
{
	struct firing *firing = data;
	bool go_on = true;
	unsigned int i;

	while (!kthread_should_stop()) {
		for (i = 0; go_on && i < firing->edu->nr; i++)
			go_on = e2e_fire(firing->test, firing->count, &firing->edu->sinks[i]);
		if (!go_on)
			msleep(20);
		cond_resched();
	}
	return 0;
}

static struct task_struct *start_firing(struct kunit *test, struct firing *firing)
{
	struct task_struct *task = kthread_run(fire_on, firing, "e2e-fire");

	KUNIT_EXPECT_NOT_ERR_OR_NULL(test, task);
	return IS_ERR(task) ? NULL : task;
}

/* The special vector, the pool and the MSI which the PCI core knows, all at once */
static void fire_along_with_msi(struct kunit *test)
{
	struct e2e_count count = { .name = "with_own_msi", .carrier = &by_msi };
	struct firing firing = { .test = test, .count = &count, .edu = test->priv };
	struct e2e_edu *edu = test->priv;
	struct task_struct *task;
	struct e2e_sink event;
	unsigned int i, cpu;

	KUNIT_ASSERT_EQ(test, e2e_start(edu, &e2e.ram, shared_handler, E2E_VECTORS + 1), 0);
	cpu = e2e_nth_cpu(1);
	KUNIT_EXPECT_EQ(test, irq_set_affinity(edu_irq_event(&edu->irqs), cpumask_of(cpu)), 0);
	e2e_aim(&event, edu_irq_event(&edu->irqs), 0, cpu);
	KUNIT_EXPECT_EQ(test, request_irq(event.irq, e2e_handler, 0, "edu-event", &event), 0);
	e2e_get(test, edu, E2E_VECTORS);

	task = start_firing(test, &firing);
	for (i = 0; i < 1000; i++) {
		edu->own.sent++;
		e2e_msi_raise_own(&e2e.edu, edu->own.irq);
		if (!e2e_wait(&edu->own, i + 1, 2000))
			break;
	}
	if (task)
		kthread_stop(task);
	/* Until here @count was the other thread's */
	count.sent += edu->own.sent;
	for (i = 0; i < FIRES; i++) {
		if (!e2e_fire(test, &count, &event))
			break;
	}

	i = edu->nr;
	e2e_put(edu);
	while (i--)
		e2e_add(test, &count, &edu->sinks[i]);
	e2e_add(test, &count, &edu->own);
	e2e_add(test, &count, &event);
	free_irq(event.irq, &event);
	e2e_stop(edu);
	e2e_report(test, &count);
}

/* Send to a disabled vector. Nothing may arrive */
static void fire_disabled(struct kunit *test, struct e2e_count *count, struct e2e_sink *sink,
			  int expected)
{
	unsigned int arrived = atomic_read(&sink->arrived);
	struct e2e_message msg;

	count->sent++;
	KUNIT_EXPECT_EQ(test, count->carrier->send(count->carrier, sink->irq, sink->slot, &msg),
			expected);
	if (expected)
		count->expected_lost++;
	else
		sink->sent++;
	KUNIT_EXPECT_FALSE(test, e2e_wait(sink, arrived + 1, 2));
}

/* A masked slot sends nothing, and the device has no pending bits: it is lost */
static void mask_in_slot(struct kunit *test)
{
	struct e2e_count count = { .name = "masked", .carrier = &by_msi };
	struct e2e_edu *edu = test->priv;
	unsigned int i, n;

	KUNIT_ASSERT_EQ(test, e2e_start(edu, &e2e.ram, shared_handler, E2E_VECTORS + 1), 0);
	e2e_get(test, edu, E2E_VECTORS);
	for (i = 0; i < edu->nr; i++) {
		struct e2e_sink *sink = &edu->sinks[i];

		irq_set_status_flags(sink->irq, IRQ_DISABLE_UNLAZY);
		disable_irq(sink->irq);
		for (n = 0; n < 5; n++)
			fire_disabled(test, &count, sink, -EAGAIN);
		/* The neighbours are not masked along with it */
		e2e_fire(test, &count, &edu->sinks[(i + 1) % edu->nr]);
		enable_irq(sink->irq);
		irq_clear_status_flags(sink->irq, IRQ_DISABLE_UNLAZY);
		for (n = 0; n < 5; n++)
			e2e_fire(test, &count, sink);
	}
	KUNIT_EXPECT_EQ(test, count.expected_lost, 5 * edu->nr);

	n = edu->nr;
	e2e_put(edu);
	for (i = 0; i < n; i++)
		e2e_add(test, &count, &edu->sinks[i]);
	e2e_stop(edu);
	e2e_report(test, &count);
}

/* disable_irq() masks at the first interrupt only, and the core latches that one */
static void mask_lazily(struct kunit *test)
{
	struct e2e_count count = { .name = "masked_lazily", .carrier = &by_msi };
	struct e2e_edu *edu = test->priv;
	unsigned int i, n;

	KUNIT_ASSERT_EQ(test, e2e_start(edu, &e2e.ram, shared_handler, E2E_VECTORS + 1), 0);
	if (e2e_is_simple(edu)) {
		e2e_stop(edu);
		kunit_skip(test, "nothing below this parent is masked by an interrupt");
	}
	e2e_get(test, edu, E2E_VECTORS);
	for (i = 0; i < edu->nr; i++) {
		struct e2e_sink *sink = &edu->sinks[i];

		disable_irq(sink->irq);
		fire_disabled(test, &count, sink, 0);
		/* It takes a moment until the slot is masked on the other CPU */
		for (n = 0; n < 50 && !irqd_irq_masked(irq_get_irq_data(sink->irq)); n++)
			msleep(20);
		fire_disabled(test, &count, sink, -EAGAIN);
		enable_irq(sink->irq);
		KUNIT_EXPECT_TRUE(test, e2e_wait(sink, sink->sent, 2000));
		e2e_fire(test, &count, sink);
	}

	n = edu->nr;
	e2e_put(edu);
	for (i = 0; i < n; i++)
		e2e_add(test, &count, &edu->sinks[i]);
	e2e_stop(edu);
	e2e_report(test, &count);
}

static bool has_moved(const struct e2e_sink *sink)
{
	const struct cpumask *mask = irq_get_effective_affinity_mask(sink->irq);
	unsigned int i;

	for (i = 0; !cpumask_equal(mask, cpumask_of(sink->cpu)); i++) {
		if (i > 20000)
			return false;
		usleep_range(50, 200);
	}
	return true;
}

static void set_moving(struct e2e_edu *edu, bool moving)
{
	unsigned int i;

	for (i = 0; i < edu->nr; i++)
		WRITE_ONCE(edu->sinks[i].moving, moving);
}

static int move(struct e2e_sink *sink, unsigned int cpu)
{
	unsigned int tries = 0;
	int ret;

	e2e_redirect(sink, cpu);
	/* Some parents refuse while the last move is not over */
	do {
		ret = irq_set_affinity(sink->irq, cpumask_of(cpu));
	} while (ret == -EBUSY && tries++ < 100 && !msleep_interruptible(10));
	return ret;
}

static void move_while_firing(struct kunit *test)
{
	struct e2e_count count = { .name = "affinity", .carrier = &by_msi };
	struct firing firing = { .test = test, .count = &count, .edu = test->priv };
	unsigned int i, n, stuck = 0, cpus = num_online_cpus();
	struct e2e_edu *edu = test->priv;
	struct task_struct *task;

	KUNIT_ASSERT_EQ(test, e2e_start(edu, &e2e.ram, shared_handler, E2E_VECTORS + 1), 0);
	if (e2e_is_simple(edu)) {
		e2e_stop(edu);
		kunit_skip(test, "this parent refuses a move while another one is under way");
	}
	e2e_get(test, edu, E2E_VECTORS);
	set_moving(edu, true);
	task = start_firing(test, &firing);
	for (n = 0; edu->nr && n < MOVES && !stuck; n++) {
		struct e2e_sink *sink = &edu->sinks[n % edu->nr];

		/* Where moves wait for an interrupt, the next one would replace this */
		if (!has_moved(sink))
			stuck++;
		KUNIT_EXPECT_EQ(test, move(sink, e2e_nth_cpu(sink->cpu + 1 + n % (cpus - 1))), 0);
		count.moves++;
	}
	for (i = 0; i < edu->nr; i++)
		stuck += !has_moved(&edu->sinks[i]);
	KUNIT_EXPECT_EQ(test, stuck, 0);
	if (task)
		kthread_stop(task);

	/* Now there is only one right CPU */
	set_moving(edu, false);
	for (i = 0; i < edu->nr; i++)
		e2e_fire(test, &count, &edu->sinks[i]);

	n = edu->nr;
	e2e_put(edu);
	for (i = 0; i < n; i++)
		e2e_add(test, &count, &edu->sinks[i]);
	e2e_stop(edu);
	e2e_report(test, &count);
}

static void unplug_while_firing(struct kunit *test)
{
	struct e2e_count count = { .name = "hotplug", .carrier = &by_msi };
	struct firing firing = { .test = test, .count = &count, .edu = test->priv };
	unsigned int i, n, round, cpu, last = min(num_online_cpus(), 6U);
	struct e2e_edu *edu = test->priv;
	struct task_struct *task;

	KUNIT_ASSERT_EQ(test, e2e_start(edu, &e2e.ram, shared_handler, E2E_VECTORS + 1), 0);
	e2e_get(test, edu, E2E_VECTORS);
	set_moving(edu, true);
	task = start_firing(test, &firing);
	for (round = 0; round < 2; round++) {
		for (cpu = 1; cpu < last; cpu++) {
			KUNIT_EXPECT_EQ(test, remove_cpu(cpu), 0);
			msleep(20);
			KUNIT_EXPECT_EQ(test, add_cpu(cpu), 0);
			msleep(20);
			count.moves += 2;
		}
		/* Nobody brings a vector home but whoever sent it there */
		for (i = 0; i < edu->nr; i++) {
			KUNIT_EXPECT_EQ(test, move(&edu->sinks[i], e2e_nth_cpu(i)), 0);
			KUNIT_EXPECT_TRUE(test, has_moved(&edu->sinks[i]));
		}
	}
	if (task)
		kthread_stop(task);

	set_moving(edu, false);
	for (i = 0; i < edu->nr; i++)
		e2e_fire(test, &count, &edu->sinks[i]);

	n = edu->nr;
	e2e_put(edu);
	for (i = 0; i < n; i++)
		e2e_add(test, &count, &edu->sinks[i]);
	e2e_stop(edu);
	e2e_report(test, &count);
}

/* A reset leaves nothing in the slots. Every fourth vector is masked then */
static void restore_after_reset(struct kunit *test)
{
	struct e2e_count count = { .name = "restore", .carrier = &by_msi };
	struct e2e_edu *edu = test->priv;
	struct e2e_message msg;
	unsigned int i, n;

	KUNIT_ASSERT_EQ(test, e2e_start(edu, &e2e.ram, shared_handler, E2E_VECTORS + 1), 0);
	e2e_get(test, edu, E2E_VECTORS);
	for (i = 0; i < edu->nr; i++) {
		e2e_fire(test, &count, &edu->sinks[i]);
		if (i % 4 == 3) {
			irq_set_status_flags(edu->sinks[i].irq, IRQ_DISABLE_UNLAZY);
			disable_irq(edu->sinks[i].irq);
		}
	}

	e2e_wipe(&e2e.ram);
	for (i = 0; i < edu->nr; i++) {
		const struct e2e_sink *sink = &edu->sinks[i];

		count.sent++;
		count.expected_lost++;
		KUNIT_EXPECT_EQ(test, by_msi.send(&by_msi, sink->irq, sink->slot, &msg), -EINVAL);
	}

	edu_irqs_restore(&edu->irqs);
	for (n = 0; n < 10; n++) {
		for (i = 0; i < edu->nr; i++) {
			if (i % 4 == 3)
				fire_disabled(test, &count, &edu->sinks[i], -EAGAIN);
			else
				e2e_fire(test, &count, &edu->sinks[i]);
		}
	}
	for (i = 3; i < edu->nr; i += 4) {
		enable_irq(edu->sinks[i].irq);
		irq_clear_status_flags(edu->sinks[i].irq, IRQ_DISABLE_UNLAZY);
	}
	for (i = 0; i < edu->nr; i++)
		e2e_fire(test, &count, &edu->sinks[i]);

	n = edu->nr;
	e2e_put(edu);
	for (i = 0; i < n; i++)
		e2e_add(test, &count, &edu->sinks[i]);
	e2e_stop(edu);
	e2e_report(test, &count);
}

/* Vectors which moved lately are given back a little later */
static void expect_matrix(struct kunit *test, unsigned int available, unsigned int allocated)
{
	unsigned int now_available, now_allocated, i;

	for (i = 0; i < 100; i++) {
		e2e_vector_matrix(&now_available, &now_allocated);
		if (now_available == available && now_allocated == allocated)
			return;
		msleep(20);
	}
	KUNIT_EXPECT_EQ(test, now_available, available);
	KUNIT_EXPECT_EQ(test, now_allocated, allocated);
}

static void exhaust_by_sharing(struct kunit *test)
{
	struct e2e_count count = { .name = "exhausted_shared", .carrier = &by_msi };
	unsigned int i, available, allocated, elsewhere = 0;
	struct e2e_edu *edu = test->priv;
	struct sharer *users;
	bool go_on = true;

	e2e_vector_matrix(&available, &allocated);
	if (!available || num_online_cpus() > 4)
		kunit_skip(test, "too many CPU vectors to use them all up");

	users = kunit_kcalloc(test, WANTED, sizeof(*users), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, users);
	KUNIT_EXPECT_GT(test, allocated, 0);

	KUNIT_ASSERT_EQ(test, e2e_start(edu, &e2e.ram, shared_handler, E2E_SLOTS), 0);
	get_users(test, edu, users, WANTED, 1);
	KUNIT_EXPECT_LT(test, edu->irqs.queue.made, WANTED / EDU_QUEUE_LIMIT);
	KUNIT_EXPECT_GT(test, edu->irqs.queue.shared_full, 0);
	/*
	 * When a CPU's vectors are used up the machine grants another's. The pool gives it
	 * back, and has the user share. AMD's remapping has no interrupts left for the
	 * device before that.
	 */
	if (strcmp(e2e_parent(), "amd"))
		KUNIT_EXPECT_GT(test, edu->irqs.queue.elsewhere, 0);
	for (i = 0; i < WANTED; i++) {
		if (users[i].first &&
		    !cpumask_test_cpu(users[i].sink.cpu,
				      irq_get_effective_affinity_mask(users[i].sink.irq)))
			elsewhere++;
	}
	for (i = 0; go_on && i < WANTED; i++) {
		if (users[i].first)
			go_on = e2e_fire(test, &count, &users[i].sink);
	}
	KUNIT_EXPECT_EQ(test, elsewhere, 0);
	kunit_info(test, "%lu vectors made, %lu given back, %lu users shared a full one",
		   edu->irqs.queue.made, edu->irqs.queue.elsewhere, edu->irqs.queue.shared_full);
	msleep(30);
	add_users(test, &count, users, WANTED, 1);
	put_users(users, WANTED);
	e2e_stop(edu);
	expect_matrix(test, available, allocated);
	e2e_report(test, &count);
}

static void exhaust_by_dedicating(struct kunit *test)
{
	struct e2e_count count = { .name = "exhausted_dedicated", .carrier = &by_msi };
	unsigned int i, nr, available, allocated;
	struct e2e_edu *edu = test->priv;
	struct irq_vec *vec;
	struct e2e_sink *sinks;
	struct sharer *users;
	int ret = 0;

	e2e_vector_matrix(&available, &allocated);
	if (!available || num_online_cpus() > 4)
		kunit_skip(test, "too many CPU vectors to use them all up");

	users = kunit_kcalloc(test, WANTED, sizeof(*users), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, users);
	sinks = kunit_kcalloc(test, WANTED, sizeof(*sinks), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, sinks);

	KUNIT_ASSERT_EQ(test, e2e_start(edu, &e2e.ram, shared_handler, E2E_SLOTS), 0);
	for (nr = 0; nr < WANTED; nr++) {
		vec = edu_queue_get_dedicated(&edu->irqs, NULL);
		if (IS_ERR(vec)) {
			ret = PTR_ERR(vec);
			break;
		}
		e2e_aim(&sinks[nr], vec->irq, vec->entry + 1, 0);
		ret = request_irq(vec->irq, e2e_handler, 0, "edu-queue", &sinks[nr]);
		if (ret) {
			edu_queue_put(vec);
			break;
		}
		sinks[nr].cpu = cpumask_first(irq_get_effective_affinity_mask(vec->irq));
		users[nr].vec = vec;
	}
	kunit_info(test, "%u dedicated vectors, then %d", nr, ret);
	KUNIT_EXPECT_EQ(test, ret, -ENOSPC);
	KUNIT_EXPECT_LT(test, nr, WANTED);
	KUNIT_EXPECT_GT(test, nr, 100 * num_online_cpus());

	/* Nobody shares a dedicated vector, not even now */
	vec = edu_queue_get(&edu->irqs, 0);
	KUNIT_EXPECT_TRUE(test, vec == ERR_PTR(-ENOSPC));
	if (!IS_ERR(vec))
		edu_queue_put(vec);

	for (i = 0; i < nr; i++) {
		if (!e2e_fire(test, &count, &sinks[i]))
			break;
	}
	msleep(30);
	for (i = 0; i < nr; i++) {
		e2e_add(test, &count, &sinks[i]);
		free_irq(users[i].vec->irq, &sinks[i]);
		edu_queue_put(users[i].vec);
	}
	e2e_stop(edu);
	expect_matrix(test, available, allocated);
	e2e_report(test, &count);
}

/* Another function sends the messages of this one */
static void send_from_elsewhere(struct kunit *test)
{
	struct e2e_count count = { .name = "wrong_requester", .carrier = &by_other };
	struct e2e_count after = { .name = "right_requester", .carrier = &by_msi };
	bool isolated = e2e_is_isolated();
	struct e2e_edu *edu = test->priv;
	struct e2e_message msg;
	unsigned int i, n;

	if (!e2e.other.pdev)
		kunit_skip(test, "no other function");

	KUNIT_ASSERT_EQ(test, e2e_start(edu, &e2e.ram, shared_handler, E2E_VECTORS + 1), 0);
	e2e_msi_enable(&e2e.other);
	e2e_get(test, edu, 8);
	for (i = 0; i < edu->nr; i++) {
		struct e2e_sink *sink = &edu->sinks[i];

		if (!isolated) {
			e2e_fire(test, &count, sink);
			continue;
		}
		count.sent++;
		count.expected_lost++;
		KUNIT_EXPECT_EQ(test, by_other.send(&by_other, sink->irq, sink->slot, &msg), 0);
		KUNIT_EXPECT_FALSE(test, e2e_wait(sink, 1, 20));
	}
	msleep(30);
	for (i = 0; i < edu->nr; i++) {
		e2e_add(test, &count, &edu->sinks[i]);
		e2e_aim(&edu->sinks[i], edu->sinks[i].irq, edu->sinks[i].slot, edu->sinks[i].cpu);
		e2e_fire(test, &after, &edu->sinks[i]);
	}

	n = edu->nr;
	e2e_put(edu);
	for (i = 0; i < n; i++)
		e2e_add(test, &after, &edu->sinks[i]);
	e2e_stop(edu);
	e2e_report(test, &count);
	e2e_report(test, &after);
}

static int edu_init(struct kunit *test)
{
	if (!e2e.edu.pdev)
		kunit_skip(test, "no edu device");

	test->priv = kunit_kzalloc(test, sizeof(struct e2e_edu), GFP_KERNEL);
	return test->priv ? 0 : -ENOMEM;
}

static struct kunit_case edu_cases[] = {
	KUNIT_CASE(refused_when_emulated),
	KUNIT_CASE(fire_from_memory),
	KUNIT_CASE(fire_from_bar),
	KUNIT_CASE(fire_shared),
	KUNIT_CASE(fire_along_with_msi),
	KUNIT_CASE(mask_in_slot),
	KUNIT_CASE(mask_lazily),
	KUNIT_CASE(move_while_firing),
	KUNIT_CASE(unplug_while_firing),
	KUNIT_CASE(restore_after_reset),
	KUNIT_CASE(exhaust_by_sharing),
	KUNIT_CASE(exhaust_by_dedicating),
	KUNIT_CASE(send_from_elsewhere),
	{}
};

static struct kunit_suite edu_suite = {
	.name		= "ims_e2e",
	.init		= edu_init,
	.test_cases	= edu_cases,
};

kunit_test_suite(edu_suite);
