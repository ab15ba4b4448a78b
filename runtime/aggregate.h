/* SPDX-License-Identifier: MIT */
/*
 * Folds events into records: one per distinct (kind, context, operation, task type, stack). Memory
 * and trace size grow with what is distinct, not with the run time.
 * Runs on: whoever drains (the collector, or an exiting thread without one).
 */
#ifndef OVERSTAY_AGGREGATE_H
#define OVERSTAY_AGGREGATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/event.h"
#include "runtime/thread.h"
#include "runtime/trace_locks.h"
#include "runtime/trace_records.h"

struct stack {
	uint64_t hash;
	const uint64_t *frames;
	uint32_t count;
	bool written;
};

struct record {
	uint64_t hash;
	uint8_t kind; /* enum event_kind */
	uint8_t context;
	uint16_t op;
	bool handover;
	uint8_t entered; /* enum entered */
	const struct task_type *type;
	uint32_t stack; /* index + 1; 0: none */

	struct durations durations;
	uint64_t first; /* ticks */
	uint64_t last;
	uint64_t explained_ns;

	/* Of the longest occurrence. */
	enum call_class class;
	uint64_t task;
	uint32_t thread; /* trace id */
	const void *lock;
	int32_t futex_op;
	uint32_t futex_expected;
	struct described target;
	uint8_t lock_type, lock_mode;
	struct told_holder holder;

	/* The writer's. */
	bool dirty;
	struct trace_schedule schedule;
};

struct aggregate_losses {
	uint64_t records; /* occurrences that found no free record */
	uint64_t stacks;  /* occurrences whose stack found no room */
};

/*
 * Folds one event of the thread with trace id `thread`. `handover`: the worker had been given away.
 * Returns 0, or -ENOMEM when there is no memory at all.
 */
int aggregate_add(const struct event *event, uint32_t thread, bool handover);

/*
 * Keeps a stack, leaving out the library's own frames at its top. Returns its index + 1; 0 for an
 * empty one or when there is no room (counted as lost).
 */
uint32_t aggregate_stack_index(const uint64_t *frames, unsigned count);

size_t aggregate_record_count(void);
struct record *aggregate_record(size_t index);
struct stack *aggregate_stack(size_t index);
const struct aggregate_losses *aggregate_losses(void);

/* In a fork child: forgets everything. */
void aggregate_reset(void);

#endif
