/* SPDX-License-Identifier: MIT */
/*
 * Locks that were still held when the poll that acquired them returned, or when a root future did.
 *
 * A table of fixed size. Application threads add entries and mark them released, without waiting;
 * the collector takes released entries out. An entry's key says what it is; the rest of it is
 * written before the key becomes a lock's address and read by others only while it stays one.
 */
#ifndef OVERSTAY_SUSPENDED_H
#define OVERSTAY_SUSPENDED_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/durations.h"
#include "runtime/held.h"

#define SUSPENDED_MAX     512
#define SUSPENDED_WAITERS 8

struct thread;
struct task_type;

struct suspended_waiter {
	uint64_t task; /* 0: none */
	struct thread *thread;
	uint32_t thread_id; /* in the trace, once `thread` has ended */
};

struct suspended {
	uint32_t generation; /* goes up whenever the entry is taken */
	uint64_t lock;
	uint32_t place;
	bool root;  /* of a block_on's own future */
	bool quiet; /* the task has finished: no finding, only known as the holder */
	uint8_t entered;
	uint64_t task; /* 0: unknown, or a root future */
	const char *header;
	const struct task_type *type;
	uint64_t scheduler;    /* what the task's header says of its runtime; 0: unknown */
	struct thread *thread; /* that acquired it; NULL when that has ended */
	uint64_t since;        /* ticks: end of the poll */
	uint64_t released;     /* ticks; 0: nobody saw it */
	uint32_t polls;        /* of that task, begun since */
	uint32_t waits;        /* begun for this lock since */
	struct suspended_waiter waiters[SUSPENDED_WAITERS]; /* the first that differ */

	struct durations more; /* others of this kind, released while there was no time for them */

	/* The collector's. */
	uint32_t thread_id, record; /* record: index + 1 */
	uint32_t stack, parked;     /* index + 1; 0: none */
	bool resolved;
	uint64_t last_look; /* ticks: found still held */
	bool looked_at;     /* found still held some time after */

	uint32_t parked_count; /* where the thread went to wait: of a root future */
	uint64_t parked_frames[UNWIND_MAX_FRAMES];
	struct stack_copy copy; /* context.pc 0: none */
};

extern uint32_t suspended_count;

/* Whether there is any; a load. */
static inline bool suspended_any(void)
{
	return __atomic_load_n(&suspended_count, __ATOMIC_RELAXED) != 0;
}

/* An entry to be filled in and published, or NULL: there is no room, which is counted. */
struct suspended *suspended_claim(void);
void suspended_publish(struct suspended *entry, uint64_t lock);

/*
 * The calling thread releases a lock that its own list does not have. False when it is not here
 * either. Any thread.
 */
bool suspended_released(uint64_t lock);

/* A poll of that task has ended; `header` tells tasks without an id apart. */
void suspended_count_poll(uint64_t task, const char *header);

/* The calling thread begins to wait for that lock, polling `task` (0: none). */
void suspended_count_wait(uint64_t lock, struct thread *thread, uint64_t task);

/* Entries below this index have been in use. */
unsigned suspended_high(void);

enum suspended_state { SUSPENDED_FREE, SUSPENDED_BUSY, SUSPENDED_RELEASED, SUSPENDED_OPEN };

/* State and lock of an entry; others may change it at once. */
enum suspended_state suspended_look(unsigned index, uint64_t *ret_lock);
struct suspended *suspended_get(unsigned index);

/*
 * Collector: an open entry that nobody holds any more becomes a released one, without a time. False
 * when it was released meanwhile.
 */
bool suspended_close(unsigned index, uint64_t lock);

/* Collector: takes a released entry, false when there is none now; and is done with it. */
bool suspended_take(unsigned index);
void suspended_free(unsigned index);

/* Collector: a thread has ended that had this trace id. */
void suspended_forget_thread(struct thread *thread, uint32_t id);

/* How many found no room. */
uint64_t suspended_lost(void);

/* In a fork child. */
void suspended_after_fork(void);

#endif
