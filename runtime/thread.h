/* SPDX-License-Identifier: MIT */
/*
 * What the engine knows of one application thread: its open polls, its statistics, its ring.
 *
 * The state is mapped when the thread first polls or makes a call that is of interest. Only the
 * thread itself writes it (the collector writes ring.tail and `retired`); the collector reads the
 * counters without synchronisation, which is exact once the thread has stopped and otherwise a
 * moment old.
 */
#ifndef OVERSTAY_THREAD_H
#define OVERSTAY_THREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/deadlock.h"
#include "runtime/durations.h"
#include "runtime/engine.h"
#include "runtime/event.h"
#include "runtime/held.h"
#include "runtime/lock_wait.h"
#include "runtime/ring.h"
#include "runtime/run_delay.h"
#include "runtime/stall.h"
#include "runtime/task_types.h"

/* Bits of engine_watch. */
#define WATCH_POLL 1 /* inside a hooked poll */
#define WATCH_ROOT 2 /* may be inside a runtime's block_on */

#define MAX_OPEN_POLLS 16

struct poll_frame {
	struct task_type *type;
	uint64_t task;      /* Tokio's task id, 0 when unknown */
	uint64_t start;     /* ticks */
	uint64_t explained; /* ticks in recorded calls and nested polls */
	const char *header; /* of the task; may be gone when the poll has returned */
	uint8_t class;      /* enum poll_class */
	uint8_t watch;      /* of the bottom frame: engine_watch to restore */
};

/* Of the poll with the same depth and start: what held.top was when it began. Otherwise it was 0.
 */
struct poll_base {
	uint64_t held;
	uint64_t start;
};

struct op_counter {
	uint64_t count;
	uint64_t total; /* ticks */
};

struct thread {
	uint32_t depth;       /* open polls; those beyond MAX_OPEN_POLLS are only counted */
	bool polled;          /* has run a hooked poll */
	bool in_call;         /* inside a wrapped call or the engine's slow path */
	uint64_t last_end;    /* of the last poll, in ticks; 0: something was observed since */
	struct held held;     /* begins with what every poll reads */
	uintptr_t call_frame; /* address of the wrapper's frame while in_call */
	uint64_t call_start;  /* ticks, while in a wrapped call; else 0 */
	uint32_t call_op;
	uint64_t calls;                     /* wrapped calls begun while watched */
	struct unwind_context call_context; /* the wrapper's */
	struct poll_frame polls[MAX_OPEN_POLLS];
	struct poll_base bases[MAX_OPEN_POLLS];
	struct durations poll_stats;
	struct op_counter ops[ENGINE_MAX_OPS];

	/* The latest blocking-class poll at the bottom of this thread, see poll.c. */
	uint64_t loop_start;
	uint64_t loop_worker;

	struct stack_copy held_copies[HELD_MAX];
	uint64_t held_lost; /* notes that had no room */
	uint64_t held_full; /* times that the list was full */
	struct held_orphan orphans[HELD_ORPHANS];
	uint32_t next_orphan;
	struct lock_wait lock_wait;
	struct lock_sleep lock_sleep;
	uint64_t stack_top;        /* the end of the thread's own stack */
	uint64_t stack_known_from; /* from here on to its end it is certain to be mapped */

	const uint8_t *entered_note; /* see entered.h; only while the thread lives */

	int32_t tid;
	char name[16];
	uint32_t id; /* in the trace; given by the collector, 0 = not yet written */
	bool retired;
	struct run_delay run_delay;    /* the collector's */
	struct stall stall;            /* the collector's */
	struct deadlock_mark deadlock; /* the collector's */
	struct thread *next;           /* registry, newest first; never unlinked */
	struct stack_memory stacks;
	struct ring ring;
};

extern __thread struct thread *thread_self __attribute__((tls_model("initial-exec")));

/* This thread's state, made if need be; NULL when the engine is off or memory is short. */
struct thread *thread_attach(void);

/*
 * True when between `from` and `to` (ticks) another thread has begun a worker loop with the same
 * worker: Tokio's block_in_place had given it away. `worker` 0: the thread ran no worker.
 */
bool thread_was_handed_over(const struct thread *owner, uint64_t worker, uint64_t from,
			    uint64_t to);

/* How many threads have attached so far. */
uint32_t thread_attached_count(void);

/* First of the registry. */
struct thread *thread_first(void);

/*
 * Collector: adds what a thread that has ended counted to `ret_polls` and `ret_ops` and gives its
 * state to the next new thread. The ring must be drained.
 */
void thread_retire(struct thread *thread, struct durations *ret_polls, struct op_counter *ret_ops);

/* In a fork child: only the calling thread is left, with nothing recorded. */
void thread_after_fork(void);

/* The bit that keeps a thread watched outside polls, needed where the runtime's note is not known.
 */
static inline unsigned char thread_root_watch(void)
{
	return engine_entered_offset ? 0 : WATCH_ROOT;
}

/*
 * Brackets the thread's own work on its state: wrapped calls made meanwhile, by a signal handler or
 * by a library the engine uses, pass through.
 */
static inline void thread_busy_begin(struct thread *thread)
{
	thread->in_call = true;
	thread->call_frame = UINTPTR_MAX;
}

static inline void thread_busy_end(struct thread *thread)
{
	thread->in_call = false;
}

/* How many locks the thread held when its poll at `depth` began. */
static inline unsigned thread_poll_base(const struct thread *thread, uint32_t depth)
{
	const struct poll_base *base = &thread->bases[depth];

	return base->start == thread->polls[depth].start
		       ? (unsigned)(base->held / sizeof(struct held_note))
		       : 0;
}

/* Whether that task is being polled by the thread; any thread may ask. */
static inline bool thread_polls(const struct thread *thread, const char *header, uint64_t task)
{
	uint32_t depth = __atomic_load_n(&thread->depth, __ATOMIC_ACQUIRE);

	for (uint32_t i = 0; i < depth && i < MAX_OPEN_POLLS; i++)
		if (thread->polls[i].header == header && thread->polls[i].task == task)
			return true;
	return false;
}

/* The innermost open poll, or NULL. */
static inline struct poll_frame *thread_poll(struct thread *thread)
{
	uint32_t depth = thread->depth;

	return depth && depth <= MAX_OPEN_POLLS ? &thread->polls[depth - 1] : NULL;
}

#endif
