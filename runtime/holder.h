/* SPDX-License-Identifier: MIT */
/*
 * Who holds a lock, as far as notes say.
 * Runs on: any thread. What other threads' notes say is a moment old.
 */
#ifndef OVERSTAY_HOLDER_H
#define OVERSTAY_HOLDER_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/held.h"

struct thread;
struct task_type;

struct holder {
	uint64_t lock;
	uint32_t place;
	uint8_t mode;   /* enum lock_mode */
	bool suspended; /* a task or root future that has yielded and is not being polled */
	bool finished;  /* a task that is over, and has left the lock to whom nobody knows */
	bool root;      /* of the suspended: a root future */
	uint64_t task;  /* 0: none */
	const struct task_type *type;
	uint64_t scheduler;            /* of a suspended task */
	struct thread *thread;         /* that holds it, or acquired it; NULL when that has ended */
	uint32_t thread_id;            /* in the trace, if `thread` is NULL */
	uint64_t since;                /* ticks; 0: unknown */
	uint32_t entry;                /* index + 1 of the suspended lock; 0: a thread's note */
	uint32_t generation;           /* of that entry */
	const struct stack_copy *copy; /* where it was acquired; may be overwritten at any time */
};

/*
 * Everybody who is noted to hold the lock, at most `max`; returns how many. More than one that
 * exclude each other: some note is stale, and which one is not known.
 */
unsigned holders_find(uint64_t lock, struct holder *ret, unsigned max);

/*
 * The one to be named to a thread that waits for the lock: itself, or else a suspended one, or else
 * any. False when there is none, or when they contradict each other.
 */
bool holder_name(uint64_t lock, const struct thread *waiter, struct holder *ret);

/* True when nothing contradicts what was found. */
bool holders_agree(const struct holder *holders, unsigned count);

#endif
