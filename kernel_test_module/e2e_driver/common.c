// SPDX-License-Identifier: GPL-2.0
/*
 * Counting what was sent and what arrived
 */
#include <kunit/test.h>

#include <linux/cleanup.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irqdesc.h>
#include <linux/irqdomain.h>
#include <linux/ktime.h>
#include <linux/msi.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "common.h"
#include "parent.h"

/* Slots named in one test before the rest is only counted */
#define MAX_COMPLAINTS	4

/* Milliseconds until a message which has not arrived is lost */
#define ARRIVES_MS	2000
#define SETTLE_MS	30

/* What is in use once the gate is lifted */
static struct msi_parent_ops lifted_ops;

/**
 * e2e_is_isolated - Whether a function can send only its own messages
 *
 * Return: True below interrupt remapping
 */
bool e2e_is_isolated(void)
{
	return msi_device_has_isolated_msi(&e2e.edu.pdev->dev);
}

/**
 * e2e_is_simple - Whether the parent keeps less than others do
 * @edu:	The driver's data, started
 *
 * The IMSIC of older kernels has handle_simple_irq(): it masks nothing, drops what
 * arrives while its handler runs elsewhere, and refuses moves which overlap.
 *
 * Return: True below such a parent
 */
bool e2e_is_simple(const struct e2e_edu *edu)
{
	return irq_to_desc(edu->own.irq)->handle_irq == handle_simple_irq;
}

/**
 * e2e_lift_gate - Offer message stores below an AMD IOMMU which looks emulated
 *
 * QEMU's AMD IOMMU can't be told from a guest's, where they are refused. So the
 * tests run with parent operations which are a copy of those in use, plus the
 * permission. Does nothing below other parents.
 */
void e2e_lift_gate(void)
{
	struct irq_domain *domain = dev_get_msi_domain(&e2e.edu.pdev->dev);

	if (domain->bus_token != DOMAIN_BUS_AMDVI || domain->msi_parent_ops == &lifted_ops)
		return;

	lifted_ops = *domain->msi_parent_ops;
	lifted_ops.supported_flags |= MSI_FLAG_PCI_IMS;
	domain->msi_parent_ops = &lifted_ops;
}

/**
 * e2e_nth_cpu - Go round the online CPUs
 * @n:		Any number
 *
 * Return: A CPU which is online
 */
unsigned int e2e_nth_cpu(unsigned int n)
{
	return cpumask_nth(n % num_online_cpus(), cpu_online_mask);
}

static unsigned int cpu_of(unsigned int irq)
{
	const struct cpumask *mask = irq_get_effective_affinity_mask(irq);

	return mask ? cpumask_first(mask) : nr_cpu_ids;
}

static bool right_cpu(const struct e2e_sink *sink, unsigned int cpu)
{
	if (cpu == READ_ONCE(sink->cpu))
		return true;
	if (cpu == READ_ONCE(sink->first) && !atomic_read(&sink->arrived))
		return true;
	if (!READ_ONCE(sink->moving))
		return false;
	return cpu == READ_ONCE(sink->before) || cpumask_test_cpu(cpu, &sink->were) ||
	       cpu == cpu_of(sink->irq);
}

/**
 * e2e_arrive - An interrupt has arrived
 * @sink:	Where
 *
 * Context: Hard interrupt.
 */
void e2e_arrive(struct e2e_sink *sink)
{
	if (!right_cpu(sink, smp_processor_id()))
		atomic_inc(&sink->wrong_cpu);
	/* Whoever waits for it may give the vector back right after this */
	atomic_inc_return_release(&sink->arrived);
}

/**
 * e2e_handler - Handler of an interrupt which nobody shares
 * @irq:	Linux interrupt number
 * @data:	The struct e2e_sink
 *
 * Return: IRQ_HANDLED
 */
irqreturn_t e2e_handler(int irq, void *data)
{
	e2e_arrive(data);
	return IRQ_HANDLED;
}

/**
 * e2e_aim - Say where the interrupts of a slot are to arrive
 * @sink:	Where
 * @irq:	Linux interrupt number
 * @slot:	Index of the slot
 * @cpu:	The CPU that was asked for
 */
void e2e_aim(struct e2e_sink *sink, unsigned int irq, unsigned int slot, unsigned int cpu)
{
	memset(sink, 0, sizeof(*sink));
	sink->first = cpu;
	sink->irq = irq;
	sink->slot = slot;
	sink->cpu = cpu;
	sink->before = cpu;
	cpumask_set_cpu(cpu, &sink->were);
}

/**
 * e2e_await_move - Say that a move may wait for the first interrupt of a slot
 * @sink:	Where it is to arrive, as e2e_aim() has said
 *
 * Some parents move MSI-X when the next message comes. That one arrives where
 * the interrupt was.
 */
void e2e_await_move(struct e2e_sink *sink)
{
	if (irqd_is_setaffinity_pending(irq_get_irq_data(sink->irq)))
		sink->first = cpu_of(sink->irq);
}

/**
 * e2e_redirect - Say that the interrupts of a slot are about to move
 * @sink:	Where they are to arrive
 * @cpu:	The CPU that is asked for next
 *
 * What is on its way can still arrive on any CPU that it was to go to.
 */
void e2e_redirect(struct e2e_sink *sink, unsigned int cpu)
{
	WRITE_ONCE(sink->before, sink->cpu);
	cpumask_set_cpu(sink->cpu, &sink->were);
	cpumask_set_cpu(cpu, &sink->were);
	WRITE_ONCE(sink->cpu, cpu);
}

/**
 * e2e_wait - Wait for an interrupt
 * @sink:	Where it is to arrive
 * @arrived:	How many there will be then
 * @ms:		How long to wait at most in ms
 *
 * Context: Task context, may sleep.
 *
 * Return: Whether it came
 */
bool e2e_wait(struct e2e_sink *sink, unsigned int arrived, unsigned int ms)
{
	ktime_t end = ktime_add_ms(ktime_get(), ms);
	unsigned int spins = 0;

	while ((unsigned int)atomic_read_acquire(&sink->arrived) < arrived) {
		if (ktime_after(ktime_get(), end))
			return false;
		if (++spins < 200)
			cpu_relax();
		else
			usleep_range(20, 100);
	}
	return true;
}

static void complain(struct kunit *test, struct e2e_count *count, const struct e2e_sink *sink,
		     const struct e2e_message *msg, const char *what)
{
	if (count->complaints++ < MAX_COMPLAINTS)
		KUNIT_FAIL(test, "%s: slot %u for CPU %u %s: address %#llx, data %#x, control %#x",
			   count->name, sink->slot, sink->cpu, what, msg->address, msg->data,
			   msg->control);
}

/**
 * e2e_fire - Send the message of a slot once and wait until it has arrived
 * @test:	The running test
 * @count:	What was sent so far
 * @sink:	Where it is to arrive
 *
 * Context: Task context, may sleep.
 *
 * Return: False when it is no use to go on: too much was lost
 */
bool e2e_fire(struct kunit *test, struct e2e_count *count, struct e2e_sink *sink)
{
	unsigned int cpu, arrived = atomic_read(&sink->arrived);
	struct e2e_message msg;
	int ret;

	cpumask_clear(&sink->were);
	cpumask_set_cpu(READ_ONCE(sink->before), &sink->were);
	cpu = cpu_of(sink->irq);
	if (cpu < nr_cpu_ids)
		cpumask_set_cpu(cpu, &sink->were);
	count->sent++;
	ret = count->carrier->send(count->carrier, sink->irq, sink->slot, &msg);
	if (ret == -EAGAIN) {
		count->expected_lost++;
		return true;
	}

	sink->sent++;
	if (ret == -EINVAL) {
		complain(test, count, sink, &msg, "does not hold an interrupt message");
	} else if (ret) {
		KUNIT_FAIL(test, "%s: slot %u: sending failed: %d", count->name, sink->slot, ret);
	} else if (!e2e_wait(sink, arrived + 1, ARRIVES_MS)) {
		complain(test, count, sink, &msg, "was sent, but did not arrive");
		e2e_explain(sink, arrived + 1);
	}
	return count->complaints < MAX_COMPLAINTS;
}

/**
 * e2e_add - Add up what arrived at a sink
 * @test:	The running test
 * @count:	The sum
 * @sink:	Where
 */
void e2e_add(struct kunit *test, struct e2e_count *count, struct e2e_sink *sink)
{
	unsigned int arrived = atomic_read(&sink->arrived);

	count->arrived += min(arrived, sink->sent);
	if (arrived < sink->sent)
		count->lost += sink->sent - arrived;
	else
		count->duplicated += arrived - sink->sent;
	count->wrong_cpu += atomic_read(&sink->wrong_cpu);
	if (arrived != sink->sent || atomic_read(&sink->wrong_cpu))
		kunit_info(test, "slot %u for CPU %u: sent %u, arrived %u, on a wrong CPU %u",
			   sink->slot, sink->cpu, sink->sent, arrived,
			   atomic_read(&sink->wrong_cpu));
}

/**
 * e2e_report - Write a line of results, and judge it
 * @test:	The running test
 * @count:	The line
 */
void e2e_report(struct kunit *test, struct e2e_count *count)
{
	const struct e2e_carrier *carrier = count->carrier;

	kunit_info(test,
		   "e2e: {\"parent\": \"%s\", \"test\": \"%s\", \"cpus\": %u, \"store\": \"%s\", \"carrier\": \"%s\", \"sent\": %u, \"arrived\": %u, \"lost\": %u, \"duplicated\": %u, \"wrong_cpu\": %u, \"expected_lost\": %u, \"moves\": %u, \"lifted\": %s}\n",
		   e2e_parent(), count->name, num_present_cpus(), carrier->store->name,
		   carrier->name, count->sent, count->arrived, count->lost, count->duplicated,
		   count->wrong_cpu, count->expected_lost, count->moves,
		   lifted_ops.supported_flags ? "true" : "false");
	KUNIT_EXPECT_EQ(test, count->lost, 0);
	KUNIT_EXPECT_EQ(test, count->duplicated, 0);
	KUNIT_EXPECT_EQ(test, count->wrong_cpu, 0);
	KUNIT_EXPECT_EQ(test, count->sent, count->arrived + count->lost + count->expected_lost);
}

static void stop_own(struct e2e_edu *edu)
{
	if (edu->own.irq)
		free_irq(edu->own.irq, &edu->own);
	pci_free_irq_vectors(e2e.edu.pdev);
	edu->own.irq = 0;
}

/**
 * e2e_pin - Have an interrupt on a CPU from the start
 * @sink:	Where it arrives
 * @cpu:	The CPU
 * @raise:	Raises it: where moves wait for an interrupt, that does it
 *
 * Return: 0, or -ETIMEDOUT when it does not move
 */
int e2e_pin(struct e2e_sink *sink, unsigned int cpu, void (*raise)(void))
{
	unsigned int tries;
	int ret;

	ret = irq_set_affinity(sink->irq, cpumask_of(cpu));
	for (tries = 0; !ret && tries < 10; tries++) {
		raise();
		msleep(20);
		if (cpu_of(sink->irq) == cpu) {
			e2e_aim(sink, sink->irq, sink->slot, cpu);
			return 0;
		}
	}
	return ret ?: -ETIMEDOUT;
}

static void raise_own(void)
{
	e2e_msi_raise(&e2e.edu);
}

/* The MSI which edu has by itself. It stays on CPU 0, which never goes offline */
static int start_own(struct e2e_edu *edu)
{
	struct pci_dev *pdev = e2e.edu.pdev;
	unsigned int irq;
	int ret;

	ret = pci_alloc_irq_vectors(pdev, 1, 1, PCI_IRQ_MSI);
	if (ret < 0)
		return ret;

	irq = pci_irq_vector(pdev, 0);
	ret = request_irq(irq, e2e_handler, IRQF_NOBALANCING, "edu-msi", &edu->own);
	if (ret)
		return ret;
	e2e_aim(&edu->own, irq, 0, 0);
	return e2e_pin(&edu->own, 0, raise_own);
}

/**
 * e2e_stop - What happens when the driver of edu is unbound
 * @edu:	The driver's data
 */
void e2e_stop(struct e2e_edu *edu)
{
	stop_own(edu);
	devres_release_group(&e2e.edu.pdev->dev, edu);
}

/**
 * e2e_start - Set up edu as its driver does
 * @edu:	The driver's data
 * @store:	Where its slots are
 * @handler:	Handler of shared vectors
 * @slots:	Number of slots
 *
 * Context: Task context, may sleep.
 *
 * Return: 0, or what the generated interface returned
 */
int e2e_start(struct e2e_edu *edu, struct e2e_store *store, irq_handler_t handler,
	      unsigned int slots)
{
	struct edu_irqs_params params = {
		.bar0		= store->base,
		.ims_slots	= slots,
		.queue_handler	= handler,
	};
	int ret;

	memset(edu, 0, sizeof(*edu));
	if (!devres_open_group(&e2e.edu.pdev->dev, edu, GFP_KERNEL))
		return -ENOMEM;

	/* Some parents have to know of the store before the first MSI */
	ret = devm_edu_irqs_init(&edu->irqs, e2e.edu.pdev, &params);
	if (!ret)
		ret = start_own(edu);
	if (ret)
		e2e_stop(edu);
	return ret;
}

/**
 * e2e_get - Get dedicated vectors on all CPUs in turn, and handle them
 * @test:	The running test
 * @edu:	The driver's data
 * @nr:		Number of vectors, at most E2E_VECTORS
 */
void e2e_get(struct kunit *test, struct e2e_edu *edu, unsigned int nr)
{
	struct irq_vec *vec;
	struct e2e_sink *sink;
	unsigned int cpu;
	int ret;

	for (edu->nr = 0; edu->nr < nr; edu->nr++) {
		sink = &edu->sinks[edu->nr];
		cpu = e2e_nth_cpu(edu->nr);
		vec = edu_queue_get_dedicated(&edu->irqs, cpumask_of(cpu));
		if (IS_ERR(vec)) {
			KUNIT_FAIL(test, "vector %u: %pe", edu->nr, vec);
			return;
		}

		/* Slot 0 is the special vector's */
		e2e_aim(sink, vec->irq, vec->entry + 1, cpu);
		ret = request_irq(vec->irq, e2e_handler, 0, "edu-queue", sink);
		if (ret) {
			KUNIT_FAIL(test, "vector %u: %d", edu->nr, ret);
			edu_queue_put(vec);
			return;
		}
		edu->vecs[edu->nr] = vec;
	}
}

/**
 * e2e_put - Give the vectors of e2e_get() back
 * @edu:	The driver's data
 */
void e2e_put(struct e2e_edu *edu)
{
	/* What was sent too often would come now */
	msleep(SETTLE_MS);
	while (edu->nr--) {
		free_irq(edu->vecs[edu->nr]->irq, &edu->sinks[edu->nr]);
		edu_queue_put(edu->vecs[edu->nr]);
	}
	edu->nr = 0;
}
