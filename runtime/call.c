/* SPDX-License-Identifier: MIT */
/*
 * Begin and end of a wrapped call.
 * Runs on: application threads whose engine_watch is set.
 */
#include "runtime/engine.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "runtime/clock.h"
#include "runtime/collector.h"
#include "runtime/entered.h"
#include "runtime/ops.h"
#include "runtime/proof.h"
#include "runtime/recording.h"
#include "runtime/thread.h"
#include "runtime/unwind.h"

/*
 * A call inside a call is a signal handler's, or libc's own through a plug-in (name service), and
 * belongs to the outer one. An outer call whose frame lies below this one's, or that began before
 * the poll that is open now, was left by longjmp.
 */
static bool is_nested(const struct thread *thread, const struct poll_frame *poll,
		      const struct engine_call *call)
{
	return thread->in_call && (uintptr_t)call < thread->call_frame &&
	       (!poll || !thread->call_start || thread->call_start >= poll->start);
}

/*
 * What another thread needs to unwind this one while it is blocked: the wrapper's registers as they
 * are when engine_call_begin has returned to it. Must be inlined there.
 */
static inline __attribute__((always_inline)) void leave_context(struct thread *thread)
{
#if defined(__x86_64__)
	const uint64_t *frame = __builtin_frame_address(0); /* saved rbp, return address */

	thread->call_context.pc = frame[1];
	thread->call_context.sp = (uintptr_t)(frame + 2);
	thread->call_context.bp = frame[0];
#endif
}

void engine_call_begin(struct engine_call *call, unsigned op)
{
	struct thread *thread = thread_self;
	const struct poll_frame *poll;

	call->start = 0;
	call->op = op;
	call->has_proof = false;
	if (__builtin_expect(!thread, 0) && !(thread = thread_attach()))
		return;
	poll = thread_poll(thread);
	if (is_nested(thread, poll, call))
		return;
	thread->in_call = true;
	thread->call_frame = (uintptr_t)call;
	thread->last_end = 0;
	if (!poll || poll->class == POLL_TASK || entered_now() == ENTERED_YES)
		proof_begin(call, ops_class(op));
	call->start = clock_ticks();
	thread->call_op = op;
	thread->calls++;
	leave_context(thread);
	__atomic_store_n(&thread->call_start, call->start, __ATOMIC_RELEASE);
}

/* What the call waited for, where it is known to have been a lock. */
static void fill_lock(struct event *event, const struct thread *thread)
{
	const struct lock_sleep *sleep = &thread->lock_sleep;
	bool known = sleep->call == thread->calls && event->lock;

	event->lock_type = known ? sleep->type : LOCK_TYPES;
	event->lock_mode = known ? sleep->mode : LOCK_MODES;
	event->has_holder = known && sleep->has_holder;
	event->has_copy = event->has_holder && sleep->copy.context.pc;
	if (known)
		event->lock = (const void *)(uintptr_t)sleep->lock;
	if (!event->has_holder)
		return;
	event->holder = sleep->holder;
	if (!event->holder.since && lock_wait_is_alone(thread, sleep->lock, event->start))
		event->holder.since = event->start;
}

/* Behind the frames; returns the event's size. */
static size_t add_copy(struct event *event, const struct stack_copy *copy)
{
	size_t size = sizeof(*event) + event->frame_count * sizeof(*event->frames);

	if (!event->has_copy)
		return size;
	memcpy((char *)event + size, copy, offsetof(struct stack_copy, bytes) + copy->size);
	return size + offsetof(struct stack_copy, bytes) + copy->size;
}

static void fill_event(struct event *event, struct thread *thread, const struct poll_frame *poll,
		       const struct engine_call *call, uint64_t duration,
		       const struct subject *subject)
{
	bool futex = subject->kind == SUBJECT_FUTEX;
	const struct remembered_stack *stack;

	event->kind = EVENT_CALL;
	event->context = !poll                      ? CONTEXT_THREAD
			 : poll->class == POLL_TASK ? CONTEXT_TASK
						    : CONTEXT_BLOCKING;
	event->op = (uint16_t)call->op;
	event->start = call->start;
	event->duration = duration;
	event->task = poll ? poll->task : 0;
	event->type = poll ? poll->type : NULL;
	event->explained = 0;
	event->poll_start = poll ? poll->start : 0;
	event->worker = thread->depth > 1 ? thread->loop_worker : 0;
	event->lock = futex || subject->kind == SUBJECT_LOCK ? subject->pointer : NULL;
	event->futex_op = futex ? (int32_t)subject->number : -1;
	event->futex_expected = subject->extra;
	fill_lock(event, thread);
	subject_describe(subject, ops_class(call->op), &event->target);
	stack = unwind_capture(&thread->stacks);
	event->frame_count = (uint16_t)stack->count;
	memcpy(event->frames, stack->frames, stack->count * sizeof(*stack->frames));
}

static __attribute__((noinline, cold)) void record_call(struct thread *thread,
							struct poll_frame *poll,
							struct engine_call *call, uint64_t duration,
							const struct subject *subject)
{
	enum entered entered = entered_now();
	int saved_errno = errno;
	struct event *event;

	if (poll)
		poll->explained += duration;
	/* A blocking-pool job, a block_in_place closure, or code around block_on. */
	if (entered == ENTERED_NO ||
	    proof_refutes(call, ops_class(call->op), subject, recording.threshold_ns))
		return;
	thread_busy_begin(thread);
	event = ring_reserve(&thread->ring, EVENT_MAX_BYTES);
	if (event) {
		fill_event(event, thread, poll, call, duration, subject);
		event->entered = (uint8_t)entered;
		ring_commit(&thread->ring, event, add_copy(event, &thread->lock_sleep.copy));
		/* The process may be killed next; an idle wait is worth a wake for room only. */
		if (event->context == CONTEXT_TASK || ring_is_filling(&thread->ring))
			collector_kick();
	}
	errno = saved_errno;
}

void engine_call_end(struct engine_call *call, struct subject subject)
{
	struct thread *thread = thread_self;
	struct poll_frame *poll;
	uint64_t duration;

	if (!call->start || !thread)
		return;
	duration = clock_ticks();
	duration = duration > call->start ? duration - call->start : 0;
	poll = thread_poll(thread);
	if (poll && poll->class == POLL_TASK) {
		thread->ops[call->op].count++;
		thread->ops[call->op].total += duration;
	}
	__atomic_store_n(&thread->call_start, 0, __ATOMIC_RELAXED);
	if (__builtin_expect(duration >= recording.threshold, 0) && recording.on)
		record_call(thread, poll, call, duration, &subject);
	thread->in_call = false;
}
