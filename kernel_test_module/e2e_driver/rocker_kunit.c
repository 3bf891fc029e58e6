// SPDX-License-Identifier: GPL-2.0
/*
 * One pool over the MSI-X table of rocker and a message store: whoever gets a
 * vector can't tell where it is from.
 */
#include <kunit/test.h>

#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irqchip/irq-rocker.h>
#include <linux/moduleparam.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "common.h"

#define FIRES		100

static bool hold;
module_param(hold, bool, 0444);
MODULE_PARM_DESC(hold, "Say who has which vector, and wait until the machine is switched off");

/* One which got a vector, shared or dedicated */
struct owner {
	struct irq_vec_user	user;
	struct irq_vec		*vec;
	struct e2e_sink		sink;
	bool			dedicated;
};

struct rocker {
	struct rocker_irqs	irqs;
	struct e2e_sink		command;
	struct owner		owners[E2E_VECTORS];
	unsigned int		nr;
};

static irqreturn_t port_user(struct irq_vec_user *user)
{
	e2e_arrive(&container_of(user, struct owner, user)->sink);
	return IRQ_HANDLED;
}

static irqreturn_t port_handler(int irq, void *data)
{
	return rocker_port_dispatch(data, port_user);
}

/* The device sends the message of a vector: it has been told in which store that is, and where */
static int send_entry(struct e2e_carrier *carrier, unsigned int irq, unsigned int entry,
		      struct e2e_message *msg)
{
	struct rocker *rocker = pci_get_drvdata(e2e.rocker.pdev);
	enum rocker_store store;
	unsigned int index;

	index = rocker_port_index(rocker->irqs.port.vecs[entry], &store);
	if (store == ROCKER_IMS)
		return e2e_entry_send(carrier, irq, index, msg);

	e2e_table_raise(&e2e.rocker, index);
	return 0;
}

static struct e2e_carrier by_table = {
	.name	= "msix",
	.fn	= &e2e.rocker,
	.store	= &e2e.rocker_ram,
	.send	= send_entry,
};

/* An interrupt of the pool's store has been on its CPU from the start */
static void aim(struct owner *owner, unsigned int cpu)
{
	e2e_aim(&owner->sink, owner->vec->irq, owner->vec->entry, cpu);
	if (owner->vec->source != ROCKER_IMS)
		e2e_await_move(&owner->sink);
}

static int own(struct rocker *rocker, struct owner *owner, unsigned int cpu, bool dedicated)
{
	int ret;

	owner->dedicated = dedicated;
	if (!dedicated) {
		owner->vec = rocker_port_get(&rocker->irqs, cpu);
		if (IS_ERR(owner->vec))
			return PTR_ERR(owner->vec);
		aim(owner, cpu);
		rocker_port_attach(owner->vec, &owner->user);
		return 0;
	}

	owner->vec = rocker_port_get_dedicated(&rocker->irqs, cpumask_of(cpu));
	if (IS_ERR(owner->vec))
		return PTR_ERR(owner->vec);
	aim(owner, cpu);
	ret = request_irq(owner->vec->irq, e2e_handler, 0, "rocker-port", &owner->sink);
	if (ret)
		rocker_port_put(owner->vec);
	return ret;
}

static void disown(struct owner *owner)
{
	if (owner->dedicated) {
		free_irq(owner->vec->irq, &owner->sink);
	} else {
		rocker_port_detach(&owner->user);
		synchronize_rcu();
	}
	rocker_port_put(owner->vec);
}

static void stop_rocker(struct rocker *rocker)
{
	if (rocker->command.irq)
		free_irq(rocker->command.irq, &rocker->command);
	devres_release_group(&e2e.rocker.pdev->dev, rocker);
}

static void raise_command(void)
{
	e2e_table_raise(&e2e.rocker, 0);
}

static int start_rocker(struct rocker *rocker)
{
	struct rocker_irqs_params params = {
		.bar0		= e2e.rocker_ram.base,
		.ims_slots	= E2E_VECTORS,
		.port_handler	= port_handler,
	};
	unsigned int irq = 0;
	int ret;

	if (!devres_open_group(&e2e.rocker.pdev->dev, rocker, GFP_KERNEL))
		return -ENOMEM;
	pci_set_drvdata(e2e.rocker.pdev, rocker);
	ret = devm_rocker_irqs_init(&rocker->irqs, e2e.rocker.pdev, &params);
	if (!ret) {
		irq = rocker_irq_command(&rocker->irqs);
		ret = request_irq(irq, e2e_handler, 0, "rocker-command", &rocker->command);
	}
	if (!ret) {
		e2e_aim(&rocker->command, irq, 0, 0);
		ret = e2e_pin(&rocker->command, e2e_nth_cpu(2), raise_command);
	}
	if (ret)
		stop_rocker(rocker);
	return ret;
}

static unsigned int cpu_of(unsigned int irq)
{
	return cpumask_first(irq_get_effective_affinity_mask(irq));
}

static unsigned int users_of(const struct rocker *rocker, const struct irq_vec *vec)
{
	unsigned int i, users = 0;

	for (i = 0; i < rocker->nr; i++)
		users += rocker->owners[i].vec == vec;
	return users;
}

/* What the driver knows by itself, for a comparison with what a core of this moment holds */
static void hold_still(struct kunit *test, const struct rocker *rocker)
{
	static const char * const stores[] = { [ROCKER_TABLE] = "table", [ROCKER_IMS] = "ims" };
	enum rocker_store store;
	unsigned int i, index;

	kunit_info(test,
		   "core: {\"name\": \"command\", \"kind\": \"special\", \"store\": \"table\", \"index\": 0, \"irq\": %u, \"cpu\": %u}\n",
		   rocker->command.irq, cpu_of(rocker->command.irq));
	for (i = 0; i < rocker->nr; i++) {
		const struct owner *owner = &rocker->owners[i];

		if (!owner->dedicated && owner->user.place)
			continue;
		index = rocker_port_index(owner->vec, &store);
		kunit_info(test,
			   "core: {\"name\": \"port\", \"entry\": %u, \"kind\": \"%s\", \"store\": \"%s\", \"index\": %u, \"irq\": %u, \"cpu\": %u, \"users\": %u}\n",
			   owner->vec->entry, owner->dedicated ? "dedicated" : "shared",
			   stores[store], index, owner->vec->irq, cpu_of(owner->vec->irq),
			   users_of(rocker, owner->vec));
	}
	kunit_info(test, "core: ready\n");
	for (;;)
		msleep(1000);
}

/* Owners of both kinds on all CPUs, half of them on shared vectors */
static void one_pool_over_two_stores(struct kunit *test)
{
	struct e2e_count count = { .name = "msix_and_ims", .carrier = &by_table };
	unsigned int i, n, cpu, in_table = 0, in_store = 0;
	struct rocker *rocker = test->priv;
	enum rocker_store store;
	bool go_on = true;
	int ret;

	KUNIT_ASSERT_EQ(test, start_rocker(rocker), 0);
	KUNIT_EXPECT_GT(test, rocker->irqs.ims.nr, 0);
	for (i = 0; i < E2E_VECTORS; i++) {
		cpu = e2e_nth_cpu(i / 2);
		ret = own(rocker, &rocker->owners[i], cpu, i % 2);
		if (ret) {
			KUNIT_FAIL(test, "owner %u: %d", i, ret);
			break;
		}
		rocker->nr++;
		rocker_port_index(rocker->owners[i].vec, &store);
		if (store == ROCKER_TABLE)
			in_table++;
		else
			in_store++;
	}
	/* Both have to serve, or this shows nothing */
	KUNIT_EXPECT_GT(test, in_table, 0);
	KUNIT_EXPECT_GT(test, in_store, 0);

	for (n = 0; go_on && n < FIRES; n++) {
		for (i = 0; go_on && i < rocker->nr; i++) {
			struct owner *owner = &rocker->owners[i];

			if (owner->dedicated)
				go_on = e2e_fire(test, &count, &owner->sink);
		}
		/* One user of each shared vector; the others are called, too */
		for (i = 0; go_on && i < rocker->nr; i++) {
			struct owner *owner = &rocker->owners[i];

			if (!owner->dedicated && owner->user.place == 0)
				go_on = e2e_fire(test, &count, &owner->sink);
		}
		rocker->command.sent++;
		count.sent++;
		e2e_table_raise(&e2e.rocker, 0);
		go_on = go_on && e2e_wait(&rocker->command, rocker->command.sent, 2000);
	}
	msleep(30);
	if (hold)
		hold_still(test, rocker);

	e2e_add(test, &count, &rocker->command);
	for (i = 0; i < rocker->nr; i++) {
		struct owner *owner = &rocker->owners[i];

		if (owner->dedicated || owner->user.place == 0)
			e2e_add(test, &count, &owner->sink);
		else
			KUNIT_EXPECT_EQ(test, atomic_read(&owner->sink.arrived), FIRES);
	}
	for (i = 0; i < rocker->nr; i++)
		disown(&rocker->owners[i]);
	stop_rocker(rocker);
	e2e_report(test, &count);
}

static int rocker_init(struct kunit *test)
{
	if (!e2e.rocker.pdev)
		kunit_skip(test, "no rocker device");

	e2e_lift_gate();
	test->priv = kunit_kzalloc(test, sizeof(struct rocker), GFP_KERNEL);
	return test->priv ? 0 : -ENOMEM;
}

static struct kunit_case rocker_cases[] = {
	KUNIT_CASE(one_pool_over_two_stores),
	{}
};

static struct kunit_suite rocker_suite = {
	.name		= "ims_two_stores_e2e",
	.init		= rocker_init,
	.test_cases	= rocker_cases,
};

kunit_test_suite(rocker_suite);
