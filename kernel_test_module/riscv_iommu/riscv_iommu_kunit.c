// SPDX-License-Identifier: GPL-2.0
/*
 * Real interrupts of a RISC-V IOMMU, whatever its driver writes messages with
 *
 * The driver of the IOMMU handles them; the counts are those of the interrupt
 * core, by CPU. The edu device is who makes faults.
 */
#include <kunit/test.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/interrupt.h>
#include <linux/iommu.h>
#include <linux/jiffies.h>
#include <linux/kernel_stat.h>
#include <linux/pci.h>
#include <linux/platform_device.h>
#include <linux/smp.h>

#include "iommu.h"

#define EDU_VENDOR	0x1234
#define EDU_ID		0x11e8
#define EDU_SOURCE	0x80
#define EDU_TARGET	0x88
#define EDU_COUNT	0x90
#define EDU_COMMAND	0x98
#define EDU_START	BIT(0)
#define EDU_TO_MEMORY	BIT(1)
#define EDU_BUFFER	0x40000

#define NO_COMMAND	0x7f
#define UNMAPPED	0x10000000UL

#define FAULTS		12
#define COMMANDS	40
#define PATIENCE_MS	5000

struct iommu_test {
	struct riscv_iommu_device *iommu;
	struct pci_dev *edu;
	void __iomem *regs;
	unsigned int moves;
};

static unsigned int arrived_on(unsigned int irq, unsigned int cpu)
{
	return kstat_irqs_cpu(irq, cpu);
}

static unsigned int arrived(unsigned int irq)
{
	unsigned int cpu, sum = 0;

	for_each_possible_cpu(cpu)
		sum += arrived_on(irq, cpu);
	return sum;
}

/* An access of memory which is not there for the device. */
static void make_fault(struct iommu_test *ctx, unsigned int cpu)
{
	unsigned long end = jiffies + msecs_to_jiffies(PATIENCE_MS);

	while (readl(ctx->regs + EDU_COMMAND) & EDU_START && time_before(jiffies, end))
		usleep_range(1000, 2000);
	writeq(EDU_BUFFER, ctx->regs + EDU_SOURCE);
	writeq(UNMAPPED, ctx->regs + EDU_TARGET);
	writeq(4, ctx->regs + EDU_COUNT);
	writeq(EDU_START | EDU_TO_MEMORY, ctx->regs + EDU_COMMAND);
}

/*
 * A command that is none. The queue stops there, and goes on when the driver's
 * thread says so, so it is taken back before that. Called with interrupts off on
 * the CPU which handles the interrupt.
 */
static void write_command(void *data)
{
	struct iommu_test *ctx = data;
	struct riscv_iommu_device *iommu = ctx->iommu;
	struct riscv_iommu_queue *queue = &iommu->cmdq;
	struct riscv_iommu_command *commands = queue->base;
	u32 tail = riscv_iommu_readl(iommu, RISCV_IOMMU_REG_CQT);

	commands[tail] = (struct riscv_iommu_command) { .dword0 = NO_COMMAND };
	dma_wmb();
	riscv_iommu_writel(iommu, RISCV_IOMMU_REG_CQT, (tail + 1) & queue->mask);
	riscv_iommu_writel(iommu, RISCV_IOMMU_REG_CQT, tail);
}

static bool command_seen(struct iommu_test *ctx)
{
	struct riscv_iommu_device *iommu = ctx->iommu;

	return !(riscv_iommu_readl(iommu, RISCV_IOMMU_REG_CQCSR) & RISCV_IOMMU_CQCSR_CMD_ILL) &&
	       !(riscv_iommu_readl(iommu, RISCV_IOMMU_REG_IPSR) & BIT(RISCV_IOMMU_INTR_CQ));
}

static void make_command(struct iommu_test *ctx, unsigned int cpu)
{
	unsigned long end = jiffies + msecs_to_jiffies(PATIENCE_MS);

	while (!command_seen(ctx) && time_before(jiffies, end))
		usleep_range(100, 200);
	smp_call_function_single(cpu, write_command, ctx, true);
}

static void check(struct kunit *test, const char *name, unsigned int which,
		  unsigned int nr, void (*make)(struct iommu_test *ctx, unsigned int cpu))
{
	struct iommu_test *ctx = test->priv;
	unsigned int irq = ctx->iommu->irqs[which], cpu = cpumask_first(cpu_online_mask);
	unsigned int i, there, lost = 0, wrong = 0, more = 0;

	KUNIT_ASSERT_NE(test, irq, 0);
	for (i = 0; i < nr; i++) {
		unsigned int all = arrived(irq);
		unsigned long end = jiffies + msecs_to_jiffies(PATIENCE_MS);

		KUNIT_ASSERT_EQ(test, irq_set_affinity(irq, cpumask_of(cpu)), 0);
		there = arrived_on(irq, cpu);
		make(ctx, cpu);
		while (arrived(irq) == all && time_before(jiffies, end))
			usleep_range(100, 200);
		/* What comes twice comes soon. */
		msleep(20);

		lost += arrived(irq) == all;
		wrong += arrived(irq) != all && arrived_on(irq, cpu) == there;
		more += arrived(irq) > all + 1;
		cpu = cpumask_next_wrap(cpu, cpu_online_mask);
	}
	kunit_info(test, "e2e: {\"parent\": \"imsic\", \"test\": \"%s\", \"store\": \"riscv-iommu\", \"carrier\": \"iommu\", \"cpus\": %u, \"sent\": %u, \"arrived\": %u, \"lost\": %u, \"duplicated\": %u, \"wrong_cpu\": %u, \"expected_lost\": 0}\n",
		   name, num_online_cpus(), nr, nr - lost, lost, more, wrong);
	KUNIT_EXPECT_EQ(test, lost, 0);
	KUNIT_EXPECT_EQ(test, wrong, 0);
	KUNIT_EXPECT_EQ(test, more, 0);
}

static void faults(struct kunit *test)
{
	struct iommu_test *ctx = test->priv;
	struct iommu_domain *domain;

	domain = iommu_paging_domain_alloc(&ctx->edu->dev);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, domain);
	KUNIT_ASSERT_EQ(test, iommu_attach_device(domain, &ctx->edu->dev), 0);

	check(test, "faults", RISCV_IOMMU_INTR_FQ, FAULTS, make_fault);

	iommu_detach_device(domain, &ctx->edu->dev);
	iommu_domain_free(domain);
}

static void commands(struct kunit *test)
{
	check(test, "commands", RISCV_IOMMU_INTR_CQ, COMMANDS, make_command);
}

static int iommu_test_init(struct kunit *test)
{
	struct device_driver *driver = driver_find("riscv,iommu", &platform_bus_type);
	struct iommu_test *ctx;
	struct device *dev;
	int ret;

	KUNIT_ASSERT_NOT_NULL(test, driver);
	dev = platform_find_device_by_driver(NULL, driver);
	KUNIT_ASSERT_NOT_NULL(test, dev);
	ctx = kunit_kzalloc(test, sizeof(*ctx), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ctx);
	ctx->iommu = dev_get_drvdata(dev);
	/* Built in, and bound for good. */
	put_device(dev);
	test->priv = ctx;
	KUNIT_ASSERT_FALSE_MSG(test, ctx->iommu->fctl & RISCV_IOMMU_FCTL_WSI,
			       "it has wires");

	ctx->edu = pci_get_device(EDU_VENDOR, EDU_ID, NULL);
	KUNIT_ASSERT_NOT_NULL(test, ctx->edu);
	ret = pci_enable_device(ctx->edu);
	KUNIT_ASSERT_EQ(test, ret, 0);
	pci_set_master(ctx->edu);
	ctx->regs = pci_iomap(ctx->edu, 0, 0);
	KUNIT_ASSERT_NOT_NULL(test, ctx->regs);
	return 0;
}

static void iommu_test_exit(struct kunit *test)
{
	struct iommu_test *ctx = test->priv;

	if (!ctx || !ctx->edu)
		return;
	if (ctx->regs)
		pci_iounmap(ctx->edu, ctx->regs);
	pci_disable_device(ctx->edu);
	pci_dev_put(ctx->edu);
}

static struct kunit_case iommu_test_cases[] = {
	KUNIT_CASE(faults),
	KUNIT_CASE(commands),
	{}
};

static struct kunit_suite iommu_test_suite = {
	.name = "riscv_iommu_e2e",
	.init = iommu_test_init,
	.exit = iommu_test_exit,
	.test_cases = iommu_test_cases,
};
kunit_test_suite(iommu_test_suite);

MODULE_DESCRIPTION("Real interrupts of a RISC-V IOMMU");
MODULE_LICENSE("GPL");
