/* SPDX-License-Identifier: MIT */
/*
 * Poll boundaries.
 * Runs on: the runtime's threads, around every poll.
 *
 * One clock reading per poll where possible: when nothing was observed between the end of a poll
 * and the beginning of the next one in the same worker loop, the end serves as the beginning. Only
 * the scheduler runs in between there. On a thread whose polls have no worker loop around them
 * (current_thread, LocalSet) the root future can run in between, so the clock is read twice.
 *
 * Handed-over workers: Tokio's worker loop is a blocking-class poll of a closure that captured
 * nothing but an Arc<Worker> (multi_thread/worker.rs, Launch::launch). block_in_place gives that
 * worker to another thread, which polls a closure that captured the same Arc. The word is kept per
 * thread; the collector compares it to tell that a thread had lost its worker when it blocked.
 */
#include "poll.h"

#include <stddef.h>

#include "runtime/clock.h"
#include "runtime/collector.h"
#include "runtime/entered.h"
#include "runtime/held_poll.h"
#include "runtime/objects.h"
#include "runtime/recording.h"
#include "runtime/suspended.h"
#include "runtime/thread.h"
#include "runtime/unwind.h"

enum poll_class (*poll_classify)(const uint64_t *frames, unsigned count);

struct poll_guard {
	struct thread *thread;
	struct poll_frame *frame; /* NULL: too deep, not counted */
};

static __attribute__((noinline, cold)) void
record_long_poll(struct thread *thread, const struct poll_frame *frame, uint64_t duration)
{
	struct event *event;

	thread_busy_begin(thread);
	event = ring_reserve(&thread->ring, sizeof(*event));
	if (event) {
		*event = (struct event){
			.kind = EVENT_LONG_POLL,
			.context = CONTEXT_TASK,
			.entered = ENTERED_YES,
			.start = frame->start,
			.duration = duration,
			.task = frame->task,
			.type = frame->type,
			.explained = frame->explained,
			.poll_start = frame->start,
			.worker = thread->depth ? thread->loop_worker : 0,
			.futex_op = -1,
			.lock_type = LOCK_TYPES,
		};
		ring_commit(&thread->ring, event, sizeof(*event));
	}
	thread_busy_end(thread);
}

/*
 * A poll over its limit, or any while locks are held across polls. Two processors' counters may be
 * a little apart: that one took no time.
 */
static __attribute__((noinline, cold)) void
leave_looked_at(struct thread *thread, const struct poll_frame *frame, uint64_t duration)
{
	if ((int64_t)duration < 0)
		duration = 0;
	durations_count(&thread->poll_stats, clock_ns(duration));
	if (suspended_any())
		suspended_count_poll(frame->task, frame->header);
	if (duration >= recording.long_poll && duration - frame->explained >= recording.long_poll)
		record_long_poll(thread, frame, duration);
}

/* `class` is frame->class, where the caller knows it as a constant. */
static inline __attribute__((always_inline)) uint64_t
leave(struct thread *thread, struct poll_frame *frame, enum poll_class class)
{
	uint64_t now = clock_ticks();
	uint64_t duration = now - frame->start;

	thread->depth--;
	thread->last_end = now;
	if (class != POLL_TASK)
		return now;
	if (__builtin_expect(duration >= recording.poll_look, 0))
		leave_looked_at(thread, frame, duration);
	else
		durations_count(&thread->poll_stats, clock_ns(duration));
	if (__builtin_expect(thread->held.top != 0, 0))
		held_at_poll_end(thread, frame);
	return now;
}

/*
 * These run when a poll returns, and also while a panic or a cancellation unwinds through the hook.
 * The time of a poll inside another one explains part of that.
 */
static inline void poll_leave_task(struct poll_guard *guard)
{
	uint64_t end = leave(guard->thread, guard->frame, POLL_TASK);

	guard->frame[-1].explained += end - guard->frame->start;
}

static inline void poll_leave_blocking(struct poll_guard *guard)
{
	leave(guard->thread, guard->frame, POLL_BLOCKING);
}

static inline void poll_leave_bottom(struct poll_guard *guard)
{
	leave(guard->thread, guard->frame, guard->frame->class);
	engine_watch = guard->frame->watch;
}

static inline void poll_leave_uncounted(struct poll_guard *guard)
{
	guard->thread->depth--;
}

/* The first poll of a thread. */
static __attribute__((noinline, cold)) struct thread *attach(uint32_t class)
{
	struct thread *thread = thread_self ? thread_self : thread_attach();

	if (thread) {
		thread->polled = true;
		if (class != POLL_UNKNOWN)
			entered_check(class == POLL_TASK);
		collector_start();
		objects_ask_loader();
	}
	return thread;
}

static __attribute__((noinline, cold)) enum poll_class decide_class(struct task_type *type)
{
	struct thread *thread = thread_self ? thread_self : thread_attach();
	const struct remembered_stack *stack;
	enum poll_class class = POLL_UNKNOWN;

	if (!thread)
		return POLL_BLOCKING;
	thread_busy_begin(thread);
	if (poll_classify) {
		stack = unwind_capture(&thread->stacks);
		class = poll_classify(stack->frames, stack->count);
	}
	thread_busy_end(thread);
	/* Silence rather than a false finding: what can't be told apart counts as a pool job. */
	if (class == POLL_UNKNOWN)
		class = POLL_BLOCKING;
	__atomic_store_n(&type->class, class, __ATOMIC_RELAXED);
	return class;
}

static __attribute__((noinline)) void enter_blocking(struct thread *thread, const char *header,
						     const struct task_type *type, uint64_t start)
{
	uint64_t worker = type->future_offset
				  ? *(const uint64_t *)(const void *)(header + type->future_offset)
				  : 0;

	__atomic_store_n(&thread->loop_worker, worker, __ATOMIC_RELAXED);
	__atomic_store_n(&thread->loop_start, start, __ATOMIC_RELEASE);
}

/* Most polls begin with nothing held, and need not say so. */
static __attribute__((noinline, cold)) void note_base(struct thread *thread, uint32_t depth)
{
	thread->bases[depth].held = thread->held.top;
	thread->bases[depth].start = thread->polls[depth].start;
}

static inline __attribute__((always_inline)) struct poll_frame *
poll_enter(struct thread *thread, uint32_t depth, struct task_type *type, const char *header,
	   enum poll_class class, bool chained)
{
	struct poll_frame *frame = &thread->polls[depth];

	frame->start = chained ? thread->last_end : clock_ticks();
	frame->type = type;
	frame->task = __builtin_expect(type->id_offset != 0, 1)
			      ? *(const uint64_t *)(const void *)(header + type->id_offset)
			      : 0;
	frame->explained = 0;
	frame->header = header;
	if (__builtin_expect(thread->held.top != 0, 0))
		note_base(thread, depth);
	frame->class = (uint8_t) class;
	thread->last_end = 0;
	thread->depth = depth + 1;
	return frame;
}

/* A poll at the bottom of a thread, or one too deep to be kept, or without an engine. */
static __attribute__((noinline)) void poll_run_outer(struct task_type *type, char *header,
						     enum poll_class class)
{
	struct thread *thread = thread_self;

	if (__builtin_expect(!thread || !thread->polled, 0))
		thread = attach(class);
	if (__builtin_expect(!thread, 0)) {
		type->poll(header);
	} else if (__builtin_expect(thread->depth >= MAX_OPEN_POLLS, 0)) {
		struct poll_guard guard
			__attribute__((unused, cleanup(poll_leave_uncounted))) = {thread, NULL};

		thread->depth++;
		type->poll(header);
	} else {
		struct poll_guard guard __attribute__((unused, cleanup(poll_leave_bottom))) = {
			thread, poll_enter(thread, thread->depth, type, header, class, false)};

		if (__builtin_expect(thread->held.top != 0, 0) && class == POLL_TASK)
			held_before_poll(thread, guard.frame);
		guard.frame->watch = engine_watch | thread_root_watch();
		engine_watch |= WATCH_POLL;
		if (guard.frame->class == POLL_BLOCKING)
			enter_blocking(thread, header, type, guard.frame->start);
		type->poll(header);
	}
}

static inline __attribute__((always_inline)) void poll_run(struct task_type *type, char *header,
							   enum poll_class class)
{
	struct thread *thread = thread_self;

	if (__builtin_expect(!thread || thread->depth - 1 >= MAX_OPEN_POLLS - 1, 0)) {
		poll_run_outer(type, header, class);
		return;
	}
	uint32_t depth = thread->depth;
	bool chained = thread->last_end && thread->polls[depth - 1].class == POLL_BLOCKING;
	struct poll_frame *frame = poll_enter(thread, depth, type, header, class, chained);

	if (class == POLL_TASK) {
		struct poll_guard guard
			__attribute__((unused, cleanup(poll_leave_task))) = {thread, frame};

		type->poll(header);
	} else {
		struct poll_guard guard
			__attribute__((unused, cleanup(poll_leave_blocking))) = {thread, frame};

		type->poll(header);
	}
}

static inline struct task_type *type_of(const void *header, uint32_t vtable_offset)
{
	return task_types_find(
		*(void *const *)(const void *)((const char *)header + vtable_offset));
}

static enum poll_class class_of(struct task_type *type)
{
	enum poll_class class = __atomic_load_n(&type->class, __ATOMIC_RELAXED);

	return class == POLL_UNKNOWN ? decide_class(type) : class;
}

void poll_hook_task(void *header)
{
	poll_run(type_of(header, 0x10), header, POLL_TASK);
}

void poll_hook_blocking(void *header)
{
	poll_run(type_of(header, 0x10), header, POLL_BLOCKING);
}

void poll_hook_undecided_10(void *header)
{
	struct task_type *type = type_of(header, 0x10);

	poll_run(type, header, class_of(type));
}

void poll_hook_undecided_20(void *header)
{
	struct task_type *type = type_of(header, 0x20);

	poll_run(type, header, class_of(type));
}
