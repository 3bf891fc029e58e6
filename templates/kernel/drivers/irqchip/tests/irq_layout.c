// SPDX-License-Identifier: GPL-2.0
/*
 * What the KUnit suites of devices share: set-up, interrupts with a fixed purpose,
 * and those which the kernel spreads over the CPUs
 */
#include <kunit/irq_layout.h>
#include <kunit/test.h>

#include <linux/cpumask.h>
#include <linux/export.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irqdomain.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/msi.h>
#include <linux/pci.h>
#include <linux/slab.h>

/* For callbacks which know of no test. KUnit runs one at a time */
static struct irq_layout_run *layout_current;

/* --- Setting up and releasing ------------------------------------------------ */

/**
 * irq_layout_current - The test which runs, for callbacks that are not told
 *
 * Context: Any.
 *
 * Return: What belongs to it
 */
struct irq_layout_run *irq_layout_current(void)
{
	return layout_current;
}
EXPORT_SYMBOL_GPL(irq_layout_current);

static struct irq_layout_run *layout_create_on(struct kunit *test,
					       const struct irq_layout_device *device,
					       const struct ims_fake_params *machine)
{
	struct irq_layout_run *run = kunit_kzalloc(test, sizeof(*run), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, run);
	run->irqs = kunit_kzalloc(test, device->size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, run->irqs);
	run->device = device;
	run->fake = ims_fake_create(test, machine);
	layout_current = run;
	test->priv = run;
	return run;
}

/**
 * irq_layout_create - Make the device, without setting up its interrupts
 * @test:	The running test; aborted when that fails
 * @device:	The device
 *
 * Context: Task context, may sleep.
 *
 * Return: What belongs to the test, which irq_layout_exit() releases
 */
struct irq_layout_run *irq_layout_create(struct kunit *test,
					 const struct irq_layout_device *device)
{
	return layout_create_on(test, device, device->machine);
}
EXPORT_SYMBOL_GPL(irq_layout_create);

/**
 * irq_layout_init - Set up the interrupts until the driver detaches
 * @run:	What belongs to the test
 *
 * Context: Task context, may sleep.
 *
 * Return: What the driver says
 */
int irq_layout_init(struct irq_layout_run *run)
{
	return run->device->devm_init(run->irqs, run->fake, &run->device->asked);
}
EXPORT_SYMBOL_GPL(irq_layout_init);

/**
 * irq_layout_setup - Make the device, in working order
 * @test:	The running test; aborted when that fails
 * @device:	The device
 *
 * Context: Task context, may sleep.
 *
 * Return: What belongs to the test, which irq_layout_exit() releases
 */
struct irq_layout_run *irq_layout_setup(struct kunit *test,
					const struct irq_layout_device *device)
{
	struct irq_layout_run *run = irq_layout_create(test, device);

	KUNIT_ASSERT_EQ_MSG(test, irq_layout_init(run), 0, "%s", device->name);
	return run;
}
EXPORT_SYMBOL_GPL(irq_layout_setup);

/* The device on a machine with so many PCI vectors, 0 for as many as usual */
static struct irq_layout_run *layout_create_with(struct kunit *test,
						 const struct irq_layout_device *device,
						 unsigned int msix, unsigned int msi)
{
	struct ims_fake_params machine = *device->machine;

	if (msix)
		machine.msix = msix;
	if (msi)
		machine.msi = msi;
	return layout_create_on(test, device, &machine);
}

/**
 * irq_layout_setup_on - irq_layout_setup() on a machine with other numbers of vectors
 * @test:	The running test; aborted when that fails
 * @device:	The device
 * @msix:	Entries of the MSI-X table, 0 for as many as usual
 * @msi:	Messages of MSI, 0 for as many as usual
 *
 * Context: Task context, may sleep.
 *
 * Return: What belongs to the test, which irq_layout_exit() releases
 */
struct irq_layout_run *irq_layout_setup_on(struct kunit *test,
					   const struct irq_layout_device *device,
					   unsigned int msix, unsigned int msi)
{
	struct irq_layout_run *run = layout_create_with(test, device, msix, msi);

	KUNIT_ASSERT_EQ_MSG(test, irq_layout_init(run), 0, "%s", device->name);
	return run;
}
EXPORT_SYMBOL_GPL(irq_layout_setup_on);

/* Nothing is set up */
static void layout_expect_nothing(struct kunit *test, struct irq_layout_run *run)
{
	struct ims_fake *fake = run->fake;
	const char *name = run->device->name;

	KUNIT_EXPECT_EQ_MSG(test, fake->allocated, 0, "%s: interrupts are left", name);
	KUNIT_EXPECT_EQ_MSG(test, fake->active, 0, "%s: interrupts are requested", name);
	KUNIT_EXPECT_FALSE_MSG(test, fake->pdev->msix_enabled, "%s: MSI-X is enabled", name);
	KUNIT_EXPECT_FALSE_MSG(test, fake->pdev->msi_enabled, "%s: MSI is enabled", name);
}

/**
 * irq_layout_exit - The driver detaches, and leaves nothing
 * @test:	The test which ends: this is the exit function of a suite
 *
 * Context: Task context, may sleep.
 */
void irq_layout_exit(struct kunit *test)
{
	struct irq_layout_run *run = test->priv;

	if (!run)
		return;

	ims_fake_detach(run->fake);
	layout_expect_nothing(test, run);
	KUNIT_EXPECT_PTR_EQ_MSG(test, run->fake->pdev->dev.msi.data, NULL,
				"%s: interrupt domains are left", run->device->name);
	layout_current = NULL;
}
EXPORT_SYMBOL_GPL(irq_layout_exit);

/* --- Interrupts -------------------------------------------------------------- */

/**
 * irq_layout_count - An interrupt handler
 * @irq:	The interrupt
 * @fired:	A counter
 *
 * Context: Interrupt handler, hard or threaded.
 *
 * Return: IRQ_HANDLED
 */
irqreturn_t irq_layout_count(int irq, void *fired)
{
	++*(unsigned int *)fired;
	return IRQ_HANDLED;
}
EXPORT_SYMBOL_GPL(irq_layout_count);

/**
 * irq_layout_request - Count an interrupt in irq_layout_run::fired
 * @test:	The running test
 * @irq:	The interrupt
 *
 * Context: Task context, may sleep.
 *
 * Return: As request_irq()
 */
int irq_layout_request(struct kunit *test, unsigned int irq)
{
	struct irq_layout_run *run = test->priv;

	return request_irq(irq, irq_layout_count, 0, run->device->name, &run->fired);
}
EXPORT_SYMBOL_GPL(irq_layout_request);

/**
 * irq_layout_free - Undo irq_layout_request()
 * @test:	The running test
 * @irq:	The interrupt
 *
 * Context: Task context, may sleep.
 */
void irq_layout_free(struct kunit *test, unsigned int irq)
{
	struct irq_layout_run *run = test->priv;

	free_irq(irq, &run->fired);
}
EXPORT_SYMBOL_GPL(irq_layout_free);

/**
 * irq_layout_index - The index of an interrupt in its store
 * @store:	The store, NULL for MSI-X and MSI
 * @irq:	The interrupt
 *
 * Context: Any.
 *
 * Return: The index
 */
unsigned int irq_layout_index(const struct irq_layout_store *store, unsigned int irq)
{
	struct msi_desc *desc = irq_get_msi_desc(irq);

	/* The domain is that of all stores, and MSI has one descriptor for all its messages */
	return desc->msi_index - (store ? store->first : 0) + irq - desc->irq;
}
EXPORT_SYMBOL_GPL(irq_layout_index);

/**
 * irq_layout_is_ims - Whether an interrupt is neither MSI-X nor MSI
 * @irq:	The interrupt
 *
 * Context: Any.
 *
 * Return: True when it has a message store of its own
 */
bool irq_layout_is_ims(unsigned int irq)
{
	enum irq_domain_bus_token token = irq_get_irq_data(irq)->domain->bus_token;

	return token != DOMAIN_BUS_PCI_DEVICE_MSIX && token != DOMAIN_BUS_PCI_DEVICE_MSI;
}
EXPORT_SYMBOL_GPL(irq_layout_is_ims);

/**
 * irq_layout_fire - Have the device send the message of an interrupt
 * @test:	The running test
 * @store:	Where the message is, NULL for MSI-X and MSI
 * @irq:	The interrupt
 *
 * Context: Task context, may sleep.
 *
 * Return: 0 when it has arrived, -EBUSY when it is masked, -ENOENT when it is not
 *	   what the parent domain has composed
 */
int irq_layout_fire(struct kunit *test, const struct irq_layout_store *store, unsigned int irq)
{
	struct irq_layout_run *run = test->priv;
	struct msi_msg msg;
	int ret;

	if (store) {
		ret = store->fire(test, store, irq_layout_index(store, irq));
	} else {
		get_cached_msi_msg(irq, &msg);
		msg.data |= irq - irq_get_msi_desc(irq)->irq;
		ret = ims_fake_send(run->fake, (u64)msg.address_hi << 32 | msg.address_lo,
				    msg.data);
	}
	synchronize_irq(irq);
	return ret;
}
EXPORT_SYMBOL_GPL(irq_layout_fire);

/**
 * irq_layout_mask - Disable an interrupt in the device, not only in the kernel
 * @irq:	The interrupt
 *
 * Context: Task context, may sleep.
 */
void irq_layout_mask(unsigned int irq)
{
	irq_set_status_flags(irq, IRQ_DISABLE_UNLAZY);
	disable_irq(irq);
}
EXPORT_SYMBOL_GPL(irq_layout_mask);

static int layout_request_vector(struct kunit *test, const struct irq_layout_vector *vector,
				 unsigned int irq)
{
	unsigned long flags = vector->context == IRQ_LAYOUT_ONESHOT ? IRQF_ONESHOT : 0;
	struct irq_layout_run *run = test->priv;

	if (vector->context == IRQ_LAYOUT_HARD)
		return irq_layout_request(test, irq);
	return request_threaded_irq(irq, NULL, irq_layout_count, flags, vector->name, &run->fired);
}

/**
 * irq_layout_check_vector - An interrupt with a fixed purpose is where it has to be
 * @test:	The running test, with one of irq_layout_device::vectors as parameter
 * @device:	The device
 *
 * Context: Task context, may sleep.
 */
void irq_layout_check_vector(struct kunit *test, const struct irq_layout_device *device)
{
	struct irq_layout_run *run = irq_layout_setup(test, device);
	const struct irq_layout_vector *vector = test->param_value;
	unsigned int irq = vector->irq(run->irqs);

	KUNIT_ASSERT_NE_MSG(test, irq, 0, "%s %s", device->name, vector->name);
	KUNIT_EXPECT_EQ_MSG(test, irq_layout_index(vector->store, irq), vector->index,
			    "%s %s: index", device->name, vector->name);
	KUNIT_EXPECT_EQ_MSG(test, irq_layout_is_ims(irq), !!vector->store, "%s %s: store",
			    device->name, vector->name);
	/* Not before there is a handler */
	if (vector->store)
		KUNIT_EXPECT_EQ(test, irq_layout_fire(test, vector->store, irq), -EBUSY);

	KUNIT_ASSERT_EQ_MSG(test, layout_request_vector(test, vector, irq), 0, "%s %s",
			    device->name, vector->name);
	KUNIT_EXPECT_EQ(test, irq_layout_fire(test, vector->store, irq), 0);
	KUNIT_EXPECT_EQ_MSG(test, run->fired, 1, "%s %s", device->name, vector->name);
	irq_layout_free(test, irq);
	if (vector->store)
		KUNIT_EXPECT_EQ(test, irq_layout_fire(test, vector->store, irq), -EBUSY);

	/* What the device does not know request_irq() can't tell */
	if (vector->error) {
		KUNIT_EXPECT_EQ(test, vector->error(run->irqs), 0);
		run->refuses = true;
		KUNIT_ASSERT_EQ(test, irq_layout_request(test, irq), 0);
		KUNIT_EXPECT_EQ_MSG(test, vector->error(run->irqs), -EIO, "%s %s: error",
				    device->name, vector->name);
		run->refuses = false;
		irq_layout_free(test, irq);
	}

	/* A thread needs no primary handler in any case: the message is sent once */
	KUNIT_ASSERT_EQ(test, request_threaded_irq(irq, NULL, irq_layout_count, 0, device->name,
						   &run->fired), 0);
	irq_layout_free(test, irq);
}
EXPORT_SYMBOL_GPL(irq_layout_check_vector);

/* --- What every device does -------------------------------------------------- */

static void layout_case_exit(struct kunit *test, const struct irq_layout_device *device)
{
	struct irq_layout_run *run = irq_layout_create(test, device);

	KUNIT_EXPECT_EQ(test, device->init(run->irqs, run->fake, &device->asked), 0);
	device->exit(run->irqs);
	layout_expect_nothing(test, run);
	/* Nothing is left to be masked or released, which is no error */
	device->shutdown(run->irqs);
	device->exit(run->irqs);

	/* A driver may set them up again, e.g. after a reset */
	KUNIT_EXPECT_EQ(test, device->init(run->irqs, run->fake, &device->asked), 0);
	device->exit(run->irqs);
}

static void layout_case_twice(struct kunit *test, const struct irq_layout_device *device)
{
	struct irq_layout_run *run = irq_layout_setup(test, device);
	unsigned int allocated = run->fake->allocated, i;

	KUNIT_EXPECT_EQ(test, device->init(run->irqs, run->fake, &device->asked), -EBUSY);
	KUNIT_EXPECT_EQ(test, irq_layout_init(run), -EBUSY);

	/* What is live was not touched */
	KUNIT_EXPECT_EQ(test, run->fake->allocated, allocated);
	for (i = 0; i < device->nr_vectors; i++)
		KUNIT_EXPECT_NE_MSG(test, device->vectors[i].irq(run->irqs), 0, "%s %s",
				    device->name, device->vectors[i].name);
}

/* The driver detaches without having done anything, which is what each case ends with */
static void layout_case_detach(struct kunit *test, const struct irq_layout_device *device)
{
	irq_layout_setup(test, device);
}

static void layout_case_shutdown(struct kunit *test, const struct irq_layout_device *device)
{
	struct irq_layout_run *run = irq_layout_setup(test, device);
	unsigned int i, irq;

	for (i = 0; i < device->nr_vectors; i++) {
		irq = device->vectors[i].irq(run->irqs);
		KUNIT_ASSERT_EQ(test, irq_layout_request(test, irq), 0);
	}
	device->shutdown(run->irqs);

	/* Masked now, not only when the next message arrives */
	for (i = 0; i < device->nr_vectors; i++) {
		irq = device->vectors[i].irq(run->irqs);
		KUNIT_EXPECT_TRUE_MSG(test, irqd_irq_masked(irq_get_irq_data(irq)), "%s %s",
				      device->name, device->vectors[i].name);
		irq_layout_free(test, irq);
	}
}

const struct irq_layout_case irq_layout_cases[IRQ_LAYOUT_CASES] = {
	{ "detach",	layout_case_detach },
	{ "exit",	layout_case_exit },
	{ "twice",	layout_case_twice },
	{ "shutdown",	layout_case_shutdown },
};
EXPORT_SYMBOL_GPL(irq_layout_cases);

/**
 * irq_layout_check - A device comes and goes as all devices do
 * @test:	The running test, with one of irq_layout_cases as parameter
 * @device:	The device
 *
 * Context: Task context, may sleep.
 */
void irq_layout_check(struct kunit *test, const struct irq_layout_device *device)
{
	const struct irq_layout_case *which = test->param_value;

	which->run(test, device);
}
EXPORT_SYMBOL_GPL(irq_layout_check);

/**
 * irq_layout_check_trial - A machine or a parameter is accepted or refused
 * @test:	The running test, with one of irq_layout_device::trials as parameter
 * @device:	The device
 *
 * Context: Task context, may sleep.
 */
void irq_layout_check_trial(struct kunit *test, const struct irq_layout_device *device)
{
	const struct irq_layout_trial *trial = test->param_value;
	struct irq_layout_run *run;

	run = layout_create_with(test, device, trial->msix, trial->msi);
	KUNIT_EXPECT_EQ_MSG(test, device->devm_init(run->irqs, run->fake, &trial->asked),
			    trial->ret, "%s: %s", device->name, trial->name);
	if (trial->ret)
		layout_expect_nothing(test, run);
}
EXPORT_SYMBOL_GPL(irq_layout_check_trial);

/* --- Vectors which the kernel spreads ---------------------------------------- */

static void layout_managed_queues(struct kunit *test, const struct irq_layout_managed *managed)
{
	struct irq_layout_run *run = irq_layout_setup(test, managed->device);
	unsigned int i, irq, wanted = min(managed->device->asked.queues, managed->most);
	unsigned int nr = managed->nr(run->irqs);
	bool smp = IS_ENABLED(CONFIG_SMP);
	const struct cpumask *mask;
	struct cpumask *seen;

	/* More than there are CPUs make no sense to a kernel which spreads them */
	if (smp)
		wanted = min(wanted, num_possible_cpus());
	KUNIT_ASSERT_EQ_MSG(test, nr, wanted, "%s", managed->name);
	seen = kunit_kzalloc(test, cpumask_size(), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, seen);

	for (i = 0; i < nr; i++) {
		irq = managed->irq(run->irqs, i);
		KUNIT_ASSERT_NE_MSG(test, irq, 0, "%s: queue %u", managed->name, i);
		KUNIT_EXPECT_EQ_MSG(test, irq_layout_index(NULL, irq), managed->first + i,
				    "%s: queue %u", managed->name, i);
		KUNIT_EXPECT_EQ(test, irqd_affinity_is_managed(irq_get_irq_data(irq)), smp);

		mask = managed->affinity(run->irqs, i);
		KUNIT_ASSERT_NOT_NULL(test, mask);
		KUNIT_EXPECT_FALSE_MSG(test, smp && cpumask_intersects(seen, mask),
				       "%s: queue %u: CPUs", managed->name, i);
		cpumask_or(seen, seen, mask);

		KUNIT_ASSERT_EQ(test, irq_layout_request(test, irq), 0);
		KUNIT_EXPECT_EQ(test, irq_layout_fire(test, NULL, irq), 0);
		irq_layout_free(test, irq);
	}
	KUNIT_EXPECT_EQ(test, run->fired, nr);
	KUNIT_EXPECT_TRUE(test, cpumask_equal(seen, cpu_possible_mask));
	KUNIT_EXPECT_EQ(test, managed->irq(run->irqs, nr), 0);
	KUNIT_EXPECT_PTR_EQ(test, managed->affinity(run->irqs, nr), NULL);
}

/* What has a fixed purpose is not spread */
static void layout_managed_fixed(struct kunit *test, const struct irq_layout_managed *managed)
{
	struct irq_layout_run *run = irq_layout_setup(test, managed->device);
	unsigned int i, irq;

	for (i = 0; i < managed->device->nr_vectors; i++) {
		irq = managed->device->vectors[i].irq(run->irqs);
		KUNIT_EXPECT_FALSE_MSG(test, irqd_affinity_is_managed(irq_get_irq_data(irq)),
				       "%s %s", managed->device->name,
				       managed->device->vectors[i].name);
	}
}

/* A user can choose any number of queues but none */
static void layout_managed_choice(struct kunit *test, const struct irq_layout_managed *managed)
{
	struct irq_layout_run *run = irq_layout_create(test, managed->device);
	struct irq_layout_asked asked = managed->device->asked;

	/* The PCI core refuses less than the least there has to be */
	asked.queues = 0;
	KUNIT_EXPECT_EQ(test, managed->device->devm_init(run->irqs, run->fake, &asked), -ERANGE);
	layout_expect_nothing(test, run);

	asked.queues = UINT_MAX;
	KUNIT_ASSERT_EQ(test, managed->device->devm_init(run->irqs, run->fake, &asked), 0);
	KUNIT_EXPECT_GE(test, managed->nr(run->irqs), 1);
	KUNIT_EXPECT_LE(test, managed->nr(run->irqs), managed->most);
}

static void layout_managed_shutdown(struct kunit *test, const struct irq_layout_managed *managed)
{
	struct irq_layout_run *run = irq_layout_setup(test, managed->device);
	unsigned int i, irq, nr = managed->nr(run->irqs);

	for (i = 0; i < nr; i++)
		KUNIT_ASSERT_EQ(test, irq_layout_request(test, managed->irq(run->irqs, i)), 0);
	managed->device->shutdown(run->irqs);
	for (i = 0; i < nr; i++) {
		irq = managed->irq(run->irqs, i);
		KUNIT_EXPECT_TRUE_MSG(test, irqd_irq_masked(irq_get_irq_data(irq)),
				      "%s: queue %u", managed->name, i);
		irq_layout_free(test, irq);
	}
}

const struct irq_layout_managed_case irq_layout_managed_cases[IRQ_LAYOUT_MANAGED_CASES] = {
	{ "queues",	layout_managed_queues },
	{ "fixed",	layout_managed_fixed },
	{ "choice",	layout_managed_choice },
	{ "shutdown",	layout_managed_shutdown },
};
EXPORT_SYMBOL_GPL(irq_layout_managed_cases);

/**
 * irq_layout_check_managed - Each queue has the vector which the kernel chose for it
 * @test:	The running test, with one of irq_layout_managed_cases as parameter
 * @managed:	The vectors
 *
 * Context: Task context, may sleep.
 */
void irq_layout_check_managed(struct kunit *test, const struct irq_layout_managed *managed)
{
	const struct irq_layout_managed_case *which = test->param_value;

	which->run(test, managed);
}
EXPORT_SYMBOL_GPL(irq_layout_check_managed);

MODULE_DESCRIPTION("What the KUnit suites of devices with interrupt messages share");
MODULE_LICENSE("GPL");
