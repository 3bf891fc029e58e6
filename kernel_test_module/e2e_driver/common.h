/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the end-to-end suites share: counting what was sent and what arrived
 */
#ifndef _IMSGEN_E2E_COMMON_H
#define _IMSGEN_E2E_COMMON_H

#include <linux/atomic.h>
#include <linux/cpumask.h>
#include <linux/irqchip/irq-edu.h>
#include <linux/types.h>

#include "carrier.h"

struct kunit;

#define E2E_VECTORS	64

/**
 * struct e2e_sink - Where the interrupts of one slot are to arrive
 * @irq:	Linux interrupt number
 * @slot:	Index of the slot
 * @cpu:	The CPU asked for
 * @before:	The CPU asked for before that: what is sent may go there until the move is over
 * @were:	Those it was on since it was sent last, or was to go to: right while @moving
 * @moving:	The interrupt may be on its way to another CPU
 * @first:	Where the first one may arrive, because the move to @cpu waits for it
 * @sent:	Messages sent
 * @arrived:	Interrupts handled
 * @wrong_cpu:	Those which were handled on another CPU than asked for
 */
struct e2e_sink {
	unsigned int	irq;
	unsigned int	slot;
	unsigned int	cpu;
	unsigned int	before;
	cpumask_t	were;
	bool		moving;
	unsigned int	first;
	unsigned int	sent;
	atomic_t	arrived;
	atomic_t	wrong_cpu;
};

/**
 * struct e2e_count - One line of results
 * @name:		Name of the test
 * @carrier:		How messages are sent
 * @sent:		Attempts to send
 * @arrived:		Interrupts, each attempt counted once
 * @lost:		Attempts without an interrupt which should have led to one
 * @duplicated:		Interrupts beyond one for each attempt
 * @wrong_cpu:		Interrupts on another CPU than the one asked for
 * @expected_lost:	Attempts which must not lead to an interrupt
 * @moves:		Changes of affinity, or CPUs taken offline and online
 * @complaints:		How many slots were named so far
 */
struct e2e_count {
	const char		*name;
	struct e2e_carrier	*carrier;
	unsigned int		sent;
	unsigned int		arrived;
	unsigned int		lost;
	unsigned int		duplicated;
	unsigned int		wrong_cpu;
	unsigned int		expected_lost;
	unsigned int		moves;
	unsigned int		complaints;
};

/**
 * struct e2e_edu - The driver of edu, as long as one test lasts
 * @irqs:	Its interrupts
 * @own:	Counts its own MSI
 * @vecs:	Vectors of the pool
 * @sinks:	Where they are to arrive
 * @nr:		Number of @vecs
 */
struct e2e_edu {
	struct edu_irqs		irqs;
	struct e2e_sink		own;
	struct irq_vec		*vecs[E2E_VECTORS];
	struct e2e_sink		sinks[E2E_VECTORS];
	unsigned int		nr;
};

bool e2e_is_isolated(void);
bool e2e_is_simple(const struct e2e_edu *edu);
void e2e_lift_gate(void);
unsigned int e2e_nth_cpu(unsigned int n);

irqreturn_t e2e_handler(int irq, void *data);
void e2e_arrive(struct e2e_sink *sink);
void e2e_aim(struct e2e_sink *sink, unsigned int irq, unsigned int slot, unsigned int cpu);
void e2e_await_move(struct e2e_sink *sink);
void e2e_redirect(struct e2e_sink *sink, unsigned int cpu);
int e2e_pin(struct e2e_sink *sink, unsigned int cpu, void (*raise)(void));
bool e2e_fire(struct kunit *test, struct e2e_count *count, struct e2e_sink *sink);
bool e2e_wait(struct e2e_sink *sink, unsigned int arrived, unsigned int ms);
void e2e_add(struct kunit *test, struct e2e_count *count, struct e2e_sink *sink);
void e2e_explain(struct e2e_sink *sink, unsigned int arrived);
void e2e_report(struct kunit *test, struct e2e_count *count);

int e2e_start(struct e2e_edu *edu, struct e2e_store *store, irq_handler_t handler,
	      unsigned int slots);
void e2e_stop(struct e2e_edu *edu);
void e2e_get(struct kunit *test, struct e2e_edu *edu, unsigned int nr);
void e2e_put(struct e2e_edu *edu);

#endif /* _IMSGEN_E2E_COMMON_H */
