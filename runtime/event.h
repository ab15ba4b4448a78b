/* SPDX-License-Identifier: MIT */
/*
 * Binary records that go from an application thread to the collector through the thread's ring.
 * Private to the engine, free to change.
 */
#ifndef OVERSTAY_EVENT_H
#define OVERSTAY_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/holder.h"
#include "runtime/locks.h"
#include "runtime/subject.h"
#include "runtime/unwind.h"

enum event_kind {
	EVENT_CALL,      /* a wrapped call blocked for at least the threshold */
	EVENT_LONG_POLL, /* a poll lasted at least its limit */
};

/* The innermost poll that was open on the thread. */
enum event_context {
	CONTEXT_TASK,
	CONTEXT_BLOCKING,
	CONTEXT_THREAD, /* none */
	CONTEXT_COUNT
};

struct task_type;

struct event {
	uint8_t kind;
	uint8_t context;
	uint8_t entered; /* enum entered, when the call began to be recorded */
	uint16_t frame_count;
	uint16_t op;
	uint64_t start;    /* ticks */
	uint64_t duration; /* ticks */
	uint64_t task;     /* Tokio's task id, 0 when unknown */
	const struct task_type *type;
	uint64_t explained;  /* EVENT_LONG_POLL: ticks spent in recorded calls and nested polls */
	uint64_t poll_start; /* of the innermost poll */
	uint64_t worker;     /* what the thread's worker loop was given, see poll.c; 0: no loop */
	const void *lock;    /* lock or futex word, NULL when the call has none */
	int32_t futex_op;    /* -1: not a futex call */
	uint32_t futex_expected;
	struct described target;
	uint8_t lock_type; /* enum lock_type; LOCK_TYPES: unknown, and so is the mode */
	uint8_t lock_mode; /* wanted */
	bool has_holder;   /* when the wait began; its copy is not to be used, but: */
	bool has_copy;     /* a struct stack_copy follows the frames */
	struct holder holder;
	uint64_t frames[]; /* return addresses, innermost first */
};

#define EVENT_MAX_BYTES                                                                            \
	(sizeof(struct event) + UNWIND_MAX_FRAMES * sizeof(uint64_t) + sizeof(struct stack_copy))

#endif
