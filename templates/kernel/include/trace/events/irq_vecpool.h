/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM irq_vecpool

#if !defined(_TRACE_IRQ_VECPOOL_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_IRQ_VECPOOL_H

#include <linux/atomic.h>
#include <linux/device.h>
#include <linux/irq_vecpool.h>
#include <linux/tracepoint.h>

DECLARE_EVENT_CLASS(irq_vec, TP_PROTO(const struct irq_vec *vec), TP_ARGS(vec),
		    TP_STRUCT__entry(__string(dev, dev_name(vec->pool->dev))
				     __string(pool, vec->pool->info->name)
				     __field(unsigned int, entry)
				     __field(unsigned int, irq)
				     __field(unsigned int, cpu)
				     __field(int, users)
				     __field(bool, dedicated)),
		    TP_fast_assign(__assign_str(dev);
				   __assign_str(pool);
				   __entry->entry = vec->entry;
				   __entry->irq = vec->irq;
				   __entry->cpu = vec->cpu;
				   __entry->users = atomic_read(&vec->users);
				   __entry->dedicated = vec->dedicated;),
		    TP_printk("%s %s vector=%u irq=%u cpu=%u users=%d %s", __get_str(dev),
			      __get_str(pool), __entry->entry, __entry->irq, __entry->cpu,
			      __entry->users, __entry->dedicated ? "dedicated" : "shared")
);

/* A vector was made. Who gets one that exists leaves no trace: that is one atomic */
DEFINE_EVENT(irq_vec, irq_vec_get, TP_PROTO(const struct irq_vec *vec), TP_ARGS(vec));

/* The last user of a vector has given it back */
DEFINE_EVENT(irq_vec, irq_vec_put, TP_PROTO(const struct irq_vec *vec), TP_ARGS(vec));

/* A vector came home with its CPU */
DEFINE_EVENT(irq_vec, irq_vec_move, TP_PROTO(const struct irq_vec *vec), TP_ARGS(vec));

/* No vector could be made on a CPU, so its user went to one which was there */
TRACE_EVENT(irq_vec_full, TP_PROTO(const struct irq_vec *vec, unsigned int wanted),
	    TP_ARGS(vec, wanted),
	    TP_STRUCT__entry(__string(dev, dev_name(vec->pool->dev))
			     __string(pool, vec->pool->info->name)
			     __field(unsigned int, entry)
			     __field(unsigned int, wanted)
			     __field(unsigned int, cpu)
			     __field(int, users)),
	    TP_fast_assign(__assign_str(dev);
			   __assign_str(pool);
			   __entry->entry = vec->entry;
			   __entry->wanted = wanted;
			   __entry->cpu = vec->cpu;
			   __entry->users = atomic_read(&vec->users);),
	    TP_printk("%s %s wanted_cpu=%u vector=%u cpu=%u users=%d", __get_str(dev),
		      __get_str(pool), __entry->wanted, __entry->entry, __entry->cpu,
		      __entry->users)
);

#endif /* _TRACE_IRQ_VECPOOL_H */

/* This part must be outside protection */
#include <trace/define_trace.h>
