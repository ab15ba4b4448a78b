/* SPDX-License-Identifier: MIT */
/*
 * A thread's wait for a lock: opened around a lock's slow path, by the hooks of those functions and
 * by the wrappers of pthread's. It covers spinning and sleeping alike; the futex wait inside of it
 * belongs to that lock.
 */
#ifndef OVERSTAY_LOCK_WAIT_H
#define OVERSTAY_LOCK_WAIT_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/holder.h"
#include "runtime/unwind.h"

/* One per thread; zero-initialised. Written by the thread, read by the collector. */
struct lock_wait {
	uint32_t sequence;             /* odd while waiting; goes up with every begin and end */
	uint32_t place;                /* index of a lock_place: wanted type and mode */
	uint64_t lock;                 /* its address */
	uint64_t since;                /* ticks */
	uint64_t ended;                /* ticks; of the last one that ended */
	uint32_t held;                 /* how many notes the thread had */
	bool timed;                    /* gives up after a time */
	struct unwind_context context; /* where it waits */
};

/* What the thread's latest wrapped call that waited for a lock found out before it did. */
struct lock_sleep {
	uint64_t call; /* thread->calls of that call; 0: none */
	uint64_t lock;
	uint8_t type, mode;
	bool has_holder;
	struct holder holder;
	struct stack_copy copy; /* where the holder acquired it; context.pc 0: unknown */
};

/*
 * The calling thread enters a lock's slow path. Any thread. `timed`: it gives up after a time. The
 * acquisition itself is told by held_acquired, after lock_wait_end.
 */
void lock_wait_begin(uint64_t lock, uint32_t place, bool timed);

/* It returned, with the lock or without. */
void lock_wait_end(void);

struct thread;

/*
 * Whether no other thread has waited for that lock since then: so whoever held it when `waiter`
 * began to wait has not passed it on to a third.
 */
bool lock_wait_is_alone(const struct thread *waiter, uint64_t lock, uint64_t since);

/* What another thread waits for at the moment; false when it does not. */
bool lock_wait_read(const struct thread *thread, struct lock_wait *ret);

#endif
