// SPDX-License-Identifier: GPL-2.0
/*
 * What the simulator says of pools, done by a kernel: a run with many subdevices
 * and queues, and pseudo-random operations. Each line that is to be compared is
 * a JSON object behind "sim:".
 */
#include <kunit/ims_fake.h>
#include <kunit/test.h>

#include <linux/auxiliary_bus.h>
#include <linux/bitmap.h>
#include <linux/cpumask.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irqchip/irq-simnic.h>
#include <linux/irqchip/irq-simops.h>
#include <linux/minmax.h>
#include <linux/msi.h>
#include <linux/pci.h>
#include <linux/sched.h>
#include <linux/seq_buf.h>
#include <linux/slab.h>

/* Vectors which an x86 CPU has for devices, about */
#define SIM_CPU_VECTORS		200

/* Queues of a subdevice, at most */
#define SIM_QUEUES		16

#define SCALE_SUBDEVICES	1000
#define SCALE_QUEUES		16
#define SCALE_VECTORS		8
#define SCALE_MSIX		2048

#define OPS_STEPS		10000
#define OPS_SAMPLE		100
#define OPS_PHASE		500
#define OPS_HELD		256
#define OPS_SUBDEVICES		16
#define OPS_QUEUES		2
#define OPS_MSIX		49
#define OPS_SEED		0x1234567U

struct sim;

/* An auxiliary device, for whatever kind of subdevice */
struct sim_sub {
	struct auxiliary_device	adev;
	struct sim		*sim;
	int			(*init)(struct sim_sub *sub);
	unsigned int		nr;
	int			ret;
	struct irq_vecset	irqs;
	unsigned int		nr_queues;
	struct sim_queue {
		struct irq_vec_user	user;
		struct irq_vecset_vec	*vec;
		unsigned int		called;
	} queues[SIM_QUEUES];
};

struct sim {
	struct ims_fake		*fake;
	unsigned int		cpus;
	struct simnic_irqs	nic;
	struct simops_irqs	ops;
	unsigned int		nr_subs;
	struct sim_sub		*subs[SCALE_SUBDEVICES];
	unsigned int		nr_held;
	struct irq_vec		*held[OPS_HELD];
	u32			random;
	u32			hash;
};

/* --- Subdevices ------------------------------------------------------------- */

static int sub_probe(struct auxiliary_device *adev, const struct auxiliary_device_id *id)
{
	struct sim_sub *sub = container_of(adev, struct sim_sub, adev);

	sub->ret = sub->init(sub);
	return sub->ret;
}

static const struct auxiliary_device_id sub_ids[] = {
	{ .name = KBUILD_MODNAME ".sf" },
	{ }
};

static struct auxiliary_driver sub_driver = {
	.probe		= sub_probe,
	.id_table	= sub_ids,
};

static void sub_release(struct device *dev)
{
	kfree(container_of(dev, struct sim_sub, adev.dev));
}

static void sub_remove(struct sim_sub *sub)
{
	auxiliary_device_delete(&sub->adev);
	auxiliary_device_uninit(&sub->adev);
}

static struct sim_sub *sub_add(struct kunit *test, struct sim *sim,
			       int (*init)(struct sim_sub *sub), unsigned int nr)
{
	struct sim_sub *sub = kzalloc(sizeof(*sub), GFP_KERNEL);
	static unsigned int id;

	KUNIT_ASSERT_NOT_NULL(test, sub);
	sub->sim = sim;
	sub->init = init;
	sub->nr = nr;
	sub->ret = -ENODEV;
	sub->adev.name = "sf";
	sub->adev.id = id++;
	sub->adev.dev.parent = &sim->fake->pdev->dev;
	sub->adev.dev.release = sub_release;
	KUNIT_ASSERT_EQ(test, auxiliary_device_init(&sub->adev), 0);
	KUNIT_ASSERT_EQ(test, auxiliary_device_add(&sub->adev), 0);
	sim->subs[sim->nr_subs++] = sub;
	return sub;
}

/* The last one takes its place in the list */
static void sub_drop(struct sim *sim, unsigned int i)
{
	sub_remove(sim->subs[i]);
	sim->subs[i] = sim->subs[--sim->nr_subs];
}

static void sub_drop_all(void *data)
{
	struct sim *sim = data;

	while (sim->nr_subs) {
		sub_drop(sim, sim->nr_subs - 1);
		cond_resched();
	}
}

/* --- Both runs -------------------------------------------------------------- */

/* Queue n of a subdevice is on vector n modulo their number */
static void sim_attach(struct sim_sub *sub, unsigned int nr_queues,
		       struct irq_vecset_vec *(*look_up)(const struct irq_vecset *set,
							 unsigned int index),
		       void (*attach)(struct irq_vecset_vec *vec, struct irq_vec_user *user))
{
	unsigned int i, nr = sub->irqs.nr - 1;

	for (i = 0; i < nr_queues; i++) {
		sub->queues[i].vec = look_up(&sub->irqs, i % nr);
		attach(sub->queues[i].vec, &sub->queues[i].user);
	}
	sub->nr_queues = nr_queues;
}

static void sim_detach_all(struct sim_sub *sub,
			   void (*detach)(struct irq_vecset_vec *vec, struct irq_vec_user *user))
{
	while (sub->nr_queues--)
		detach(sub->queues[sub->nr_queues].vec, &sub->queues[sub->nr_queues].user);
	sub->nr_queues = 0;
}

static int sim_send(struct sim *sim, unsigned int irq)
{
	struct msi_msg msg;

	get_cached_msi_msg(irq, &msg);
	return ims_fake_send(sim->fake, (u64)msg.address_hi << 32 | msg.address_lo, msg.data);
}

static struct sim *sim_create(struct kunit *test, unsigned int msix)
{
	struct ims_fake_params machine = {
		.msix		= msix,
		.vectors	= SIM_CPU_VECTORS * num_online_cpus(),
		.bar_size	= PAGE_SIZE,
	};
	struct sim *sim = kunit_kzalloc(test, sizeof(*sim), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, sim);
	sim->cpus = num_online_cpus();
	/* The simulator numbers them like that */
	KUNIT_ASSERT_EQ(test, cpumask_last(cpu_online_mask) + 1, sim->cpus);
	sim->fake = ims_fake_create(test, &machine);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, sub_drop_all, sim), 0);
	return sim;
}

static void sim_detach(struct kunit *test, struct sim *sim)
{
	ims_fake_detach(sim->fake);
	KUNIT_EXPECT_EQ(test, sim->fake->allocated, 0);
	KUNIT_EXPECT_EQ(test, sim->fake->active, 0);
}

/* --- Scale ------------------------------------------------------------------ */

static irqreturn_t scale_event(struct irq_vec_user *user)
{
	container_of(user, struct sim_queue, user)->called++;
	return IRQ_HANDLED;
}

static irqreturn_t scale_comp(int irq, void *data)
{
	return simnic_comp_dispatch(data, scale_event);
}

static irqreturn_t scale_ctrl(int irq, void *data)
{
	return IRQ_HANDLED;
}

static int scale_init(struct sim_sub *sub)
{
	return devm_simnic_sf_irqs_init(&sub->irqs, &sub->sim->nic, &sub->adev, sub->nr);
}

/* What there is of a pool, and where */
struct scale_pool {
	unsigned int	vectors;
	unsigned int	users;
	unsigned int	users_min;
	unsigned int	users_max;
	unsigned int	cpu[NR_CPUS];
};

static void scale_count(struct scale_pool *pool, unsigned int irq, unsigned int users)
{
	const struct cpumask *mask = irq_get_effective_affinity_mask(irq);

	pool->users_min = pool->vectors ? min(pool->users_min, users) : users;
	pool->users_max = max(pool->users_max, users);
	pool->users += users;
	pool->vectors++;
	/* Where its interrupts go, not where the pool wants them */
	pool->cpu[cpumask_first(mask)]++;
}

static void scale_say(struct kunit *test, const char *name, struct sim *sim,
		      const struct scale_pool *pool, unsigned long made, unsigned long full)
{
	char text[256];
	struct seq_buf s;
	unsigned int cpu;

	seq_buf_init(&s, text, sizeof(text));
	for (cpu = 0; cpu < sim->cpus; cpu++)
		seq_buf_printf(&s, "%s%u", cpu ? ", " : "", pool->cpu[cpu]);
	kunit_info(test, "sim: {\"test\": \"scale\", \"cpus\": %u, \"subdevices\": %u, \"queues\": %u, \"pool\": \"%s\", \"vectors\": %u, \"made\": %lu, \"shared_full\": %lu, \"users\": %u, \"users_min\": %u, \"users_max\": %u, \"per_cpu\": [%s]}\n",
		   sim->cpus, sim->nr_subs, sim->nr_subs * SCALE_QUEUES, name, pool->vectors, made,
		   full, pool->users, pool->users_min, pool->users_max, seq_buf_str(&s));
}

/* 1,000 subdevices with 16 queues on 8 vectors each: every queue hears of its interrupt */
static void scale(struct kunit *test)
{
	struct simnic_irqs_params params = {
		.ctrl_handler	= scale_ctrl,
		.comp_handler	= scale_comp,
	};
	struct sim *sim = sim_create(test, SCALE_MSIX);
	struct scale_pool *pools;
	struct simnic_irqs *nic = &sim->nic;
	unsigned int i, j, base, cpu, most = 0, wrong = 0;
	struct sim_sub *sub;

	pools = kunit_kcalloc(test, 2, sizeof(*pools), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, pools);
	KUNIT_ASSERT_EQ(test, devm_simnic_irqs_init(nic, sim->fake->pdev, &params), 0);
	base = sim->fake->allocated;

	for (i = 0; i < SCALE_SUBDEVICES; i++) {
		sub = sub_add(test, sim, scale_init, SCALE_QUEUES);
		KUNIT_ASSERT_EQ(test, sub->ret, 0);
		KUNIT_ASSERT_EQ(test, simnic_sf_nr(&sub->irqs), 1 + SCALE_VECTORS);
		sim_attach(sub, SCALE_QUEUES, simnic_sf_comp, simnic_sf_comp_attach);
		cond_resched();
	}

	for_each_set_bit(i, nic->ctrl.taken, nic->ctrl.nr)
		scale_count(&pools[0], nic->ctrl.irq[i], atomic_read(&nic->ctrl.vecs[i]->users));
	for_each_set_bit(i, nic->comp.taken, nic->comp.nr)
		scale_count(&pools[1], nic->comp.irq[i], atomic_read(&nic->comp.vecs[i]->users));
	scale_say(test, "ctrl", sim, &pools[0], nic->ctrl.made, nic->ctrl.shared_full);
	scale_say(test, "comp", sim, &pools[1], nic->comp.made, nic->comp.shared_full);

	KUNIT_EXPECT_EQ(test, pools[0].users, SCALE_SUBDEVICES);
	KUNIT_EXPECT_EQ(test, pools[1].users, SCALE_SUBDEVICES * SCALE_QUEUES);
	KUNIT_EXPECT_LE(test, pools[0].users_max, SIMNIC_CTRL_LIMIT);
	KUNIT_EXPECT_LE(test, pools[1].users_max, SIMNIC_COMP_LIMIT);
	for (cpu = 0; cpu < sim->cpus; cpu++)
		most = max(most, pools[0].cpu[cpu] + pools[1].cpu[cpu]);
	KUNIT_EXPECT_LE(test, most, SIM_CPU_VECTORS);
	KUNIT_EXPECT_EQ(test, sim->fake->active, pools[0].vectors + pools[1].vectors);

	/* One message of each vector is one event for each queue */
	for_each_set_bit(i, nic->comp.taken, nic->comp.nr)
		KUNIT_EXPECT_EQ(test, sim_send(sim, nic->comp.irq[i]), 0);
	for (i = 0; i < SCALE_SUBDEVICES; i++) {
		for (j = 0; j < SCALE_QUEUES; j++)
			wrong += sim->subs[i]->queues[j].called != 1;
		sim_detach_all(sim->subs[i], simnic_sf_comp_detach);
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);

	sub_drop_all(sim);
	KUNIT_EXPECT_EQ(test, sim->fake->allocated, base);
	KUNIT_EXPECT_EQ(test, sim->fake->active, 0);
	kunit_info(test, "sim: {\"test\": \"scale_end\", \"cpus\": %u, \"most_per_cpu\": %u, \"limit_per_cpu\": %u, \"events\": %u, \"left\": %u}\n",
		   sim->cpus, most, SIM_CPU_VECTORS, SCALE_SUBDEVICES * SCALE_QUEUES - wrong,
		   sim->fake->allocated - base);
	sim_detach(test, sim);
}

/* --- Random operations ------------------------------------------------------ */

/* xorshift32 */
static u32 ops_random(struct sim *sim)
{
	sim->random ^= sim->random << 13;
	sim->random ^= sim->random >> 17;
	sim->random ^= sim->random << 5;
	return sim->random;
}

/* FNV-1a with words instead of bytes */
static void ops_mix(struct sim *sim, u32 value)
{
	sim->hash = (sim->hash ^ value) * 16777619U;
}

static void ops_mix_vec(struct sim *sim, const struct irq_vec *vec)
{
	ops_mix(sim, vec->entry);
	ops_mix(sim, vec->cpu);
	ops_mix(sim, atomic_read(&vec->users));
	ops_mix(sim, vec->dedicated);
}

static void ops_got(struct sim *sim, struct irq_vec *vec)
{
	if (IS_ERR(vec)) {
		ops_mix(sim, PTR_ERR(vec));
		return;
	}
	ops_mix_vec(sim, vec);
	sim->held[sim->nr_held++] = vec;
}

/* The last one takes its place in the list */
static void ops_put(struct sim *sim, unsigned int i)
{
	struct irq_vec *vec = sim->held[i];

	sim->held[i] = sim->held[--sim->nr_held];
	ops_mix_vec(sim, vec);
	if (vec->pool == &sim->ops.ctrl)
		simops_ctrl_put(vec);
	else
		simops_comp_put(vec);
}

static int ops_init(struct sim_sub *sub)
{
	return devm_simops_sf_irqs_init(&sub->irqs, &sub->sim->ops, &sub->adev, sub->nr);
}

static void ops_add(struct kunit *test, struct sim *sim, unsigned int nr)
{
	struct sim_sub *sub = sub_add(test, sim, ops_init, nr);
	unsigned int i;

	if (sub->ret) {
		ops_mix(sim, sub->ret);
		sub_drop(sim, sim->nr_subs - 1);
		return;
	}
	sim_attach(sub, nr * OPS_QUEUES, simops_sf_comp, simops_sf_comp_attach);
	ops_mix(sim, simops_sf_nr(&sub->irqs));
	ops_mix_vec(sim, simops_sf_ctrl(&sub->irqs, 0)->vec);
	for (i = 0; i + 1 < simops_sf_nr(&sub->irqs); i++)
		ops_mix_vec(sim, simops_sf_comp(&sub->irqs, i)->vec);
}

static void ops_drop(struct sim *sim, unsigned int i)
{
	sim_detach_all(sim->subs[i], simops_sf_comp_detach);
	sub_drop(sim, i);
}

/* Two numbers are drawn for each step, whatever it does with them */
static void ops_step(struct kunit *test, struct sim *sim, unsigned int step, struct cpumask *mask)
{
	bool grow = step / OPS_PHASE % 2 == 0;
	u32 what = ops_random(sim) % 100, which = ops_random(sim);
	unsigned int cpu;

	ops_mix(sim, what);
	if (what >= (grow ? 65 : 30)) {
		if (sim->nr_held)
			ops_put(sim, which % sim->nr_held);
		return;
	}

	if (what < 7) {
		if (sim->nr_subs < OPS_SUBDEVICES)
			ops_add(test, sim, which % 8);
		return;
	}
	if (what < 12) {
		if (sim->nr_subs)
			ops_drop(sim, which % sim->nr_subs);
		return;
	}

	if (sim->nr_held == OPS_HELD)
		return;
	if (what < 18) {
		ops_got(sim, simops_comp_get_dedicated(&sim->ops, NULL));
	} else if (what < 30) {
		cpumask_clear(mask);
		for (cpu = 0; cpu < sim->cpus; cpu++)
			__assign_bit(cpu, cpumask_bits(mask), which & BIT(cpu % 32));
		ops_got(sim, simops_comp_get(&sim->ops, mask));
	} else if (what < 40) {
		ops_got(sim, simops_comp_get_on(&sim->ops, which % sim->cpus));
	} else if (what < 50) {
		ops_got(sim, simops_comp_get(&sim->ops, NULL));
	} else {
		ops_got(sim, simops_ctrl_get(&sim->ops, which % sim->cpus));
	}
}

/* All vectors in the order of their entries */
static void ops_mix_state(struct sim *sim)
{
	unsigned int i;

	for_each_set_bit(i, sim->ops.ctrl.taken, sim->ops.ctrl.nr)
		ops_mix_vec(sim, sim->ops.ctrl.vecs[i]);
	for_each_set_bit(i, sim->ops.comp.taken, sim->ops.comp.nr)
		ops_mix_vec(sim, sim->ops.comp.vecs[i]);
}

static void ops_say(struct kunit *test, struct sim *sim, unsigned int step)
{
	struct irq_vecpool *ctrl = &sim->ops.ctrl, *comp = &sim->ops.comp;

	kunit_info(test, "sim: {\"test\": \"random\", \"cpus\": %u, \"step\": %u, \"hash\": \"%08x\", \"held\": %u, \"subdevices\": %u, \"ctrl\": [%u, %lu, %lu], \"comp\": [%u, %u, %lu, %lu]}\n",
		   sim->cpus, step, sim->hash, sim->nr_held, sim->nr_subs,
		   bitmap_weight(ctrl->taken, ctrl->nr), ctrl->made, ctrl->shared_full,
		   bitmap_weight(comp->taken, comp->nr), comp->nr_shared, comp->made,
		   comp->shared_full);
}

static irqreturn_t ops_handler(int irq, void *data)
{
	return IRQ_HANDLED;
}

/* 10,000 operations, of which the simulator must reproduce every single result */
static void random_operations(struct kunit *test)
{
	struct simops_irqs_params params = {
		.ctrl_handler	= ops_handler,
		.comp_handler	= ops_handler,
	};
	struct sim *sim = sim_create(test, OPS_MSIX);
	unsigned int step, base;
	struct cpumask *mask;

	mask = kunit_kzalloc(test, cpumask_size(), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, mask);
	KUNIT_ASSERT_EQ(test, devm_simops_irqs_init(&sim->ops, sim->fake->pdev, &params), 0);
	base = sim->fake->allocated;
	sim->random = OPS_SEED;
	sim->hash = 2166136261U;

	for (step = 0; step < OPS_STEPS; step++) {
		ops_step(test, sim, step, mask);
		cond_resched();
		if ((step + 1) % OPS_SAMPLE == 0) {
			ops_mix_state(sim);
			ops_say(test, sim, step + 1);
		}
	}

	while (sim->nr_held)
		ops_put(sim, sim->nr_held - 1);
	while (sim->nr_subs)
		ops_drop(sim, sim->nr_subs - 1);
	KUNIT_EXPECT_EQ(test, sim->fake->allocated, base);
	KUNIT_EXPECT_EQ(test, sim->fake->active, 0);
	sim_detach(test, sim);
}

static int sim_suite_init(struct kunit_suite *suite)
{
	return auxiliary_driver_register(&sub_driver);
}

static void sim_suite_exit(struct kunit_suite *suite)
{
	auxiliary_driver_unregister(&sub_driver);
}

static struct kunit_case sim_cases[] = {
	KUNIT_CASE_SLOW(scale),
	KUNIT_CASE_SLOW(random_operations),
	{ }
};

static struct kunit_suite sim_suite = {
	.name		= "ims_sim",
	.test_cases	= sim_cases,
	.suite_init	= sim_suite_init,
	.suite_exit	= sim_suite_exit,
};

kunit_test_suite(sim_suite);
