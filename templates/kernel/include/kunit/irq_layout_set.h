/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the KUnit suites of devices with subdevices share
 */
#ifndef _KUNIT_IRQ_LAYOUT_SET_H
#define _KUNIT_IRQ_LAYOUT_SET_H

#include <kunit/irq_layout_pool.h>

#include <linux/irq_vecset.h>
#include <linux/types.h>

struct auxiliary_device;

/**
 * struct irq_layout_part - Vectors that a subdevice has of a pool
 * @name:	Name of the pool
 * @least:	With fewer than that it can't work
 * @most:	It gets no more, however many it wants and the fake device has
 * @vec:	One of them, NULL when there is none
 * @attach:	Has a user called, NULL when no vector is shared
 * @detach:	No longer
 * @store:	The store of those which carry something along
 * @cookie:	What that is, NULL for nothing
 */
struct irq_layout_part {
	const char		*name;
	unsigned int		least;
	unsigned int		most;
	struct irq_vecset_vec	*(*vec)(const struct irq_vecset *set, unsigned int index);
	void			(*attach)(struct irq_vecset_vec *vec, struct irq_vec_user *user);
	void			(*detach)(struct irq_vecset_vec *vec, struct irq_vec_user *user);
	const struct irq_layout_store	*store;
	const void		*cookie;
};

/**
 * struct irq_layout_set - Subdevices of one kind
 * @name:	Device and kind
 * @device:	The device
 * @max:	How many of them there can be
 * @parts:	What each of them has, in the order of its indexes
 * @nr_parts:	Of how many pools
 * @init:	Gets the vectors of one, as many as wanted of each part
 * @devm_init:	The same until the driver of the auxiliary device detaches
 * @exit:	Gives them back
 * @nr:		How many it has
 * @irq:	The Linux interrupt number of one, 0 when there is none
 */
struct irq_layout_set {
	const char			*name;
	const struct irq_layout_device	*device;
	unsigned int			max;
	const struct irq_layout_part	*parts;
	unsigned int			nr_parts;
	int		(*init)(struct irq_vecset *set, void *irqs,
				struct auxiliary_device *adev, unsigned int wanted);
	int		(*devm_init)(struct irq_vecset *set, void *irqs,
				     struct auxiliary_device *adev, unsigned int wanted);
	void				(*exit)(struct irq_vecset *set);
	unsigned int			(*nr)(const struct irq_vecset *set);
	unsigned int			(*irq)(const struct irq_vecset *set, unsigned int index);
};

/**
 * struct irq_layout_set_case - One thing to look at, of every kind of subdevice
 * @name:	Its name
 * @run:	Looks
 */
struct irq_layout_set_case {
	const char	*name;
	void		(*run)(struct kunit *test, const struct irq_layout_set *kind);
};

#define IRQ_LAYOUT_SET_CASES	6
extern const struct irq_layout_set_case irq_layout_set_cases[IRQ_LAYOUT_SET_CASES];

void irq_layout_check_set(struct kunit *test, const struct irq_layout_set *kind);

#endif /* _KUNIT_IRQ_LAYOUT_SET_H */
