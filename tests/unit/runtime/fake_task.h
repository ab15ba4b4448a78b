/* SPDX-License-Identifier: MIT */
/*
 * Tasks without a runtime: a header as Tokio lays it out, whose poll is a function of the test.
 * Link with fake_clock and with -Wl,--wrap=collector_start, so that no collector reads the rings.
 */
#ifndef OVERSTAY_FAKE_TASK_H
#define OVERSTAY_FAKE_TASK_H

#include "runtime/event.h"
#include "runtime/task_types.h"
#include "runtime/thread.h"
#include "tests/unit/runtime/fake_clock.h"

#define THRESHOLD (1 * MS)
#define LONG_POLL (10 * MS)

struct fake_task {
	uint64_t state, queue_next;
	void *vtable; /* at 0x10 */
	uint64_t owner;
	void *old_vtable; /* at 0x20, before Tokio 1.21 */
	uint64_t id;      /* at 0x28 */
	uint64_t tag;
	uint64_t future; /* at 0x38 */
	void (*body)(struct fake_task *task);
	struct fake_task *inner; /* for the body's use */
	uint64_t ns;
	unsigned polls; /* how often `body` was entered */
	unsigned limit;
	struct task_type *type;
	uint64_t table[10];
};

/* The real threshold and limit, a standing clock, and recording switched on. */
void fake_recording_start(void);

/* A task of a class of its own, hooked as that class. */
void fake_task_init(struct fake_task *task, enum poll_class class,
		    void (*body)(struct fake_task *task));

/* Polls as the runtime would, through the hook of the type's class. */
void fake_poll(struct fake_task *task);

/* A body: takes `ns`. */
void fake_work(struct fake_task *task);

/* A wrapped call that takes `ns`. */
void fake_call(unsigned op, uint64_t ns);

/* The calling thread's oldest event that was not returned yet, or NULL. */
const struct event *fake_next_event(void);

/* How often the engine asked for its collector. */
extern unsigned fake_collector_starts;

/* Operations of fake_call. */
enum { OP_SLEEP, OP_READ, OP_LOCK };

#endif
