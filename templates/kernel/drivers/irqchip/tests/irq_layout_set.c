// SPDX-License-Identifier: GPL-2.0
/*
 * What the KUnit suites of devices with subdevices share
 */
#include <kunit/irq_layout_set.h>
#include <kunit/test.h>

#include <linux/auxiliary_bus.h>
#include <linux/completion.h>
#include <linux/container_of.h>
#include <linux/export.h>
#include <linux/irq_vecset.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/slab.h>

/**
 * struct layout_sub - A subdevice
 * @adev:	The auxiliary device
 * @released:	It is gone
 * @kind:	What it is
 * @irqs:	What the driver of the device has of its interrupts
 * @wanted:	How many vectors it wants
 * @ret:	What came of that
 * @set:	The vectors
 */
struct layout_sub {
	struct auxiliary_device		adev;
	struct completion		released;
	const struct irq_layout_set	*kind;
	void				*irqs;
	unsigned int			wanted;
	int				ret;
	struct irq_vecset		set;
};

static int layout_sub_probe(struct auxiliary_device *adev,
			    const struct auxiliary_device_id *id)
{
	struct layout_sub *sub = container_of(adev, struct layout_sub, adev);

	sub->ret = sub->kind->devm_init(&sub->set, sub->irqs, adev, sub->wanted);
	return sub->ret;
}

static const struct auxiliary_device_id layout_sub_ids[] = {
	{ .name = KBUILD_MODNAME ".layout-sub" },
	{ }
};

static struct auxiliary_driver layout_sub_driver = {
	.name		= "layout-sub",
	.probe		= layout_sub_probe,
	.id_table	= layout_sub_ids,
};

static void layout_unregister(void *driver)
{
	auxiliary_driver_unregister(driver);
}

static void layout_register(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, auxiliary_driver_register(&layout_sub_driver), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, layout_unregister,
							&layout_sub_driver), 0);
}

static void layout_sub_release(struct device *dev)
{
	complete(&container_of(dev, struct layout_sub, adev.dev)->released);
}

static void layout_sub_destroy(void *data)
{
	struct layout_sub *sub = data;

	auxiliary_device_delete(&sub->adev);
	auxiliary_device_uninit(&sub->adev);
	wait_for_completion(&sub->released);
}

static void layout_sub_remove(struct kunit *test, struct layout_sub *sub)
{
	kunit_release_action(test, layout_sub_destroy, sub);
}

/*
 * Make a subdevice, and have it probed if its driver is there. It goes away with
 * the test at the latest
 */
static struct layout_sub *layout_sub_add(struct kunit *test, const struct irq_layout_set *kind,
					 unsigned int wanted)
{
	struct layout_sub *sub = kunit_kzalloc(test, sizeof(*sub), GFP_KERNEL);
	struct irq_layout_run *run = test->priv;
	static unsigned int id;

	KUNIT_ASSERT_NOT_NULL(test, sub);
	init_completion(&sub->released);
	sub->kind = kind;
	sub->irqs = run->irqs;
	sub->wanted = wanted;
	sub->ret = -EPROBE_DEFER;
	sub->adev.name = "layout-sub";
	sub->adev.id = id++;
	sub->adev.dev.parent = &run->fake->pdev->dev;
	sub->adev.dev.release = layout_sub_release;
	KUNIT_ASSERT_EQ(test, auxiliary_device_init(&sub->adev), 0);
	if (auxiliary_device_add(&sub->adev)) {
		auxiliary_device_uninit(&sub->adev);
		KUNIT_ASSERT_TRUE_MSG(test, false, "%s: no auxiliary device", kind->name);
	}
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, layout_sub_destroy, sub), 0);
	return sub;
}

/*
 * The first vector of a part carries along what the driver of the subdevice has given,
 * if it is in the store that has cookies
 */
static void layout_expect_carried(struct kunit *test, const struct irq_layout_part *part,
				  const struct irq_vec *vec)
{
	if (!part->cookie || !irq_layout_is_ims(vec->irq) ||
	    irq_layout_index(part->store, vec->irq) != vec->index)
		return;

	KUNIT_ASSERT_EQ(test, irq_layout_request(test, vec->irq), 0);
	part->store->carries(test, part->store, vec->index, part->cookie);
	irq_layout_free(test, vec->irq);
}

/* Each index has the vector of its part, and there is none behind the last one */
static void layout_expect_parts(struct kunit *test, struct layout_sub *sub, bool most)
{
	unsigned int p, i, nr, index = 0;
	const struct irq_layout_part *part;
	struct irq_vecset_vec *vec;

	for (p = 0; p < sub->kind->nr_parts; p++) {
		part = &sub->kind->parts[p];
		nr = most ? part->most : part->least;
		for (i = 0; i < nr; i++, index++) {
			vec = part->vec(&sub->set, i);
			KUNIT_ASSERT_NOT_NULL_MSG(test, vec, "%s: %s vector %u", sub->kind->name,
						  part->name, i);
			KUNIT_EXPECT_EQ_MSG(test, sub->kind->irq(&sub->set, index), vec->vec->irq,
					    "%s: index %u", sub->kind->name, index);
			if (!i)
				layout_expect_carried(test, part, vec->vec);
		}
		KUNIT_EXPECT_PTR_EQ_MSG(test, part->vec(&sub->set, nr), NULL, "%s: %s vector %u",
					sub->kind->name, part->name, nr);
		KUNIT_EXPECT_PTR_EQ(test, part->vec(&sub->set, UINT_MAX), NULL);
	}
	KUNIT_EXPECT_EQ_MSG(test, sub->kind->nr(&sub->set), index, "%s: vectors",
			    sub->kind->name);
	KUNIT_EXPECT_EQ_MSG(test, sub->kind->irq(&sub->set, index), 0, "%s: index %u",
			    sub->kind->name, index);
	KUNIT_EXPECT_EQ(test, sub->kind->irq(&sub->set, UINT_MAX), 0);
}

static void layout_check_wanted(struct kunit *test, const struct irq_layout_set *kind,
				unsigned int wanted)
{
	struct irq_layout_run *run = irq_layout_setup(test, kind->device);
	unsigned int base = run->fake->allocated;
	struct layout_sub *sub;

	layout_register(test);
	sub = layout_sub_add(test, kind, wanted);
	KUNIT_EXPECT_EQ_MSG(test, sub->ret, 0, "%s", kind->name);
	if (!sub->ret)
		layout_expect_parts(test, sub, wanted);
	layout_sub_remove(test, sub);
	KUNIT_EXPECT_EQ_MSG(test, run->fake->allocated, base, "%s: given back", kind->name);
}

/* What is wanted is brought into the bounds of the layout */
static void layout_case_least(struct kunit *test, const struct irq_layout_set *kind)
{
	layout_check_wanted(test, kind, 0);
}

static void layout_case_most(struct kunit *test, const struct irq_layout_set *kind)
{
	layout_check_wanted(test, kind, UINT_MAX);
}

/* There can be as many subdevices as the layout says */
static void layout_case_number(struct kunit *test, const struct irq_layout_set *kind)
{
	struct layout_sub **subs;
	unsigned int i, nr;

	irq_layout_setup(test, kind->device);
	layout_register(test);
	subs = kunit_kcalloc(test, kind->max + 1, sizeof(*subs), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, subs);
	for (nr = 0; nr <= kind->max; nr++) {
		subs[nr] = layout_sub_add(test, kind, 0);
		if (subs[nr]->ret)
			break;
	}
	KUNIT_EXPECT_EQ_MSG(test, nr, kind->max, "%s: subdevices", kind->name);
	if (nr <= kind->max)
		KUNIT_EXPECT_EQ_MSG(test, subs[nr]->ret, -ENOSPC, "%s", kind->name);
	for (i = 0; i <= min(nr, kind->max); i++)
		layout_sub_remove(test, subs[i]);
}

/* Without CPU vectors nothing can be shared: nobody gets fewer than the least */
static void layout_case_scarce(struct kunit *test, const struct irq_layout_set *kind)
{
	struct irq_layout_run *run = irq_layout_setup(test, kind->device);
	unsigned int i, base = run->fake->allocated;
	bool shares = false;
	struct layout_sub *sub;

	for (i = 0; i < kind->nr_parts; i++)
		shares |= !!kind->parts[i].attach;
	if (!shares)
		kunit_skip(test, "no vector is shared");

	layout_register(test);
	run->fake->params.vectors = 0;
	sub = layout_sub_add(test, kind, UINT_MAX);
	KUNIT_EXPECT_EQ_MSG(test, sub->ret, -ENOSPC, "%s", kind->name);
	KUNIT_EXPECT_EQ(test, kind->nr(&sub->set), 0);
	layout_sub_remove(test, sub);
	KUNIT_EXPECT_EQ_MSG(test, run->fake->allocated, base, "%s: given back", kind->name);
}

static void layout_case_attach(struct kunit *test, const struct irq_layout_set *kind)
{
	struct irq_layout_run *run = irq_layout_setup(test, kind->device);
	const struct irq_layout_part *part = kind->parts;
	struct irq_layout_user user = { };
	struct irq_vecset_vec *vec;
	struct layout_sub *sub;
	unsigned int i;

	layout_register(test);
	sub = layout_sub_add(test, kind, 0);
	KUNIT_EXPECT_EQ_MSG(test, sub->ret, 0, "%s", kind->name);
	for (i = 0; !sub->ret && i < kind->nr_parts; i++, part++) {
		if (!part->attach)
			continue;
		vec = part->vec(&sub->set, 0);
		user.called = 0;
		part->attach(vec, &user.user);
		KUNIT_EXPECT_PTR_EQ(test, user.user.vec, vec->vec);
		KUNIT_EXPECT_EQ(test, irq_layout_fire(test, NULL, vec->vec->irq), 0);
		KUNIT_EXPECT_EQ_MSG(test, user.called, 1, "%s: %s", kind->name, part->name);
		part->detach(vec, &user.user);
		KUNIT_EXPECT_PTR_EQ(test, user.user.vec, NULL);
	}
	layout_sub_remove(test, sub);
	KUNIT_EXPECT_EQ(test, run->fired, 0);
}

/* Without devres: a driver which gives the vectors back by itself */
static void layout_case_exit(struct kunit *test, const struct irq_layout_set *kind)
{
	struct irq_layout_run *run = irq_layout_setup(test, kind->device);
	unsigned int base = run->fake->allocated;
	struct layout_sub *sub = layout_sub_add(test, kind, 0);

	KUNIT_EXPECT_EQ(test, kind->init(&sub->set, run->irqs, &sub->adev, 0), 0);
	KUNIT_EXPECT_EQ(test, kind->init(&sub->set, run->irqs, &sub->adev, 0), -EBUSY);
	layout_expect_parts(test, sub, false);
	kind->exit(&sub->set);
	KUNIT_EXPECT_EQ_MSG(test, run->fake->allocated, base, "%s: given back", kind->name);
	KUNIT_EXPECT_EQ(test, kind->irq(&sub->set, 0), 0);
	kind->exit(&sub->set);
	layout_sub_remove(test, sub);
}

const struct irq_layout_set_case irq_layout_set_cases[IRQ_LAYOUT_SET_CASES] = {
	{ "least",	layout_case_least },
	{ "most",	layout_case_most },
	{ "number",	layout_case_number },
	{ "scarce",	layout_case_scarce },
	{ "attach",	layout_case_attach },
	{ "exit",	layout_case_exit },
};
EXPORT_SYMBOL_GPL(irq_layout_set_cases);

/**
 * irq_layout_check_set - Subdevices have the vectors which the datasheet gives them
 * @test:	The running test, with one of irq_layout_set_cases as parameter
 * @kind:	The subdevices
 *
 * Context: Task context, may sleep.
 */
void irq_layout_check_set(struct kunit *test, const struct irq_layout_set *kind)
{
	const struct irq_layout_set_case *which = test->param_value;

	which->run(test, kind);
}
EXPORT_SYMBOL_GPL(irq_layout_check_set);

MODULE_DESCRIPTION("What the KUnit suites of devices with subdevices share");
MODULE_LICENSE("GPL");
