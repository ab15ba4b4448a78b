/* SPDX-License-Identifier: MIT */
/*
 * Stalled workers.
 * Runs on: whoever drains; reads what the thread writes, and checks afterwards that it has not
 * moved.
 */
#include "stall.h"

#include <stddef.h>

#include "runtime/aggregate.h"
#include "runtime/clock.h"
#include "runtime/entered.h"
#include "runtime/locks.h"
#include "runtime/ops.h"
#include "runtime/thread.h"
#include "runtime/trace_locks.h"
#include "runtime/trace_objects.h"
#include "runtime/trace_writer.h"
#include "runtime/unwind.h"

/* A process that stalls more often is told apart by its other findings. */
#define MAX_STALLS 256

static uint32_t stalls;

/* The poll and the call that a thread was in at one moment. */
struct moment {
	uint64_t poll_start, call_start;
	const struct task_type *type;
	uint64_t task;
	enum event_context context;
	unsigned op;
	uint32_t stack; /* index + 1; 0: none */
	bool waits;     /* for a lock: */
	struct lock_wait wait;
	struct told_holder holder;
};

/* One that began before the poll was left by longjmp. */
static void look_at_wait(const struct thread *thread, struct moment *ret)
{
	ret->waits = lock_wait_read(thread, &ret->wait) &&
		     (ret->context == CONTEXT_THREAD || ret->wait.since >= ret->poll_start);
}

/*
 * Outside of tasks' polls a call counts for itself, if the runtime would not make it to wait for
 * work: it is the root future's when the thread has entered the runtime.
 */
static bool look_outside(const struct thread *thread, struct moment *ret)
{
	enum call_class class;

	*ret = (struct moment){
		.call_start = __atomic_load_n(&thread->call_start, __ATOMIC_ACQUIRE),
		.context = CONTEXT_THREAD,
		.op = thread->call_op,
	};
	ret->poll_start = ret->call_start;
	class = ops_class(ret->op);
	look_at_wait(thread, ret);
	return ret->call_start && (ret->waits || (class != CLASS_LOCK && class != CLASS_WAIT));
}

static bool look(const struct thread *thread, struct moment *ret)
{
	uint32_t depth = __atomic_load_n(&thread->depth, __ATOMIC_ACQUIRE);
	const struct poll_frame *frame;

	if (!depth)
		return look_outside(thread, ret);
	if (depth > MAX_OPEN_POLLS)
		return false;
	frame = &thread->polls[depth - 1];
	*ret = (struct moment){
		.poll_start = __atomic_load_n(&frame->start, __ATOMIC_RELAXED),
		.call_start = __atomic_load_n(&thread->call_start, __ATOMIC_ACQUIRE),
		.type = frame->type,
		.task = frame->task,
		.context = CONTEXT_TASK,
		.op = thread->call_op,
	};
	/* A call that began before the poll was left by longjmp. */
	if (ret->call_start < ret->poll_start)
		ret->call_start = 0;
	look_at_wait(thread, ret);
	return frame->class == POLL_TASK && ret->type;
}

/* The stack of a thread that sits in a wrapped call, from what the wrapper left behind. */
static uint32_t stack_of(const struct thread *thread, const struct moment *moment)
{
	uint64_t frames[UNWIND_MAX_FRAMES];
	unsigned count;

	if (!moment->call_start && moment->waits) {
		count = unwind_from(&moment->wait.context, frames, UNWIND_MAX_FRAMES);
		return __atomic_load_n(&thread->lock_wait.sequence, __ATOMIC_ACQUIRE) ==
				       moment->wait.sequence
			       ? aggregate_stack_index(frames, count)
			       : 0;
	}
	if (!moment->call_start)
		return 0;
	count = unwind_from(&thread->call_context, frames, UNWIND_MAX_FRAMES);
	if (__atomic_load_n(&thread->call_start, __ATOMIC_ACQUIRE) != moment->call_start)
		return 0;
	return aggregate_stack_index(frames, count);
}

static void add_lock(struct text *line, const struct moment *moment)
{
	const struct lock_place *place = lock_place_get(moment->wait.place);

	trace_add_key(line, "lock");
	if (!moment->waits) {
		text_add(line, "null");
		return;
	}
	text_add(line, "{\"type\":");
	text_add_json(line, lock_type_name(place->type));
	trace_add_string(line, "mode", lock_mode_name(place->mode));
	trace_add_address(line, moment->wait.lock);
	trace_add_holder(line, &moment->holder);
	text_add_char(line, '}');
}

static void write_stall(struct thread *thread, const struct moment *moment)
{
	uint32_t thread_id = trace_thread_id(thread);
	struct text *line;

	if ((moment->stack && !trace_write_stack(moment->stack - 1)) ||
	    (moment->type && !trace_write_type(moment->type)) ||
	    !trace_prepare_holder(&moment->holder) || !(line = trace_writer_line("stall")))
		return;
	trace_add_u64(line, "id", thread->stall.id);
	trace_add_bool(line, "over", false);
	trace_add_string(line, "in", moment->context == CONTEXT_TASK ? "task" : "thread");
	trace_add_type(line, moment->type);
	trace_add_or_null(line, "task", moment->task);
	trace_add_u64(line, "thread", thread_id);
	trace_add_string(line, "op", moment->call_start ? ops_name(moment->op) : NULL);
	trace_add_string(line, "class",
			 moment->call_start ? ops_class_name(ops_class(moment->op)) : NULL);
	trace_add_or_null(line, "stack", moment->stack);
	add_lock(line, moment);
	trace_add_u64(line, "since_ns", clock_since_start(moment->poll_start));
	trace_add_u64(line, "duration_ns", clock_ns(clock_ticks() - moment->poll_start));
	trace_writer_end_line();
	trace_schedule_done(&thread->stall.schedule);
	thread->stall.open = true;
}

/* The line that is told to be over repeats only what identifies it. */
static void close_stall(struct thread *thread)
{
	struct text *line = trace_writer_line("stall");

	if (!line)
		return;
	trace_add_u64(line, "id", thread->stall.id);
	trace_add_bool(line, "over", true);
	trace_writer_end_line();
	thread->stall.open = false;
}

/*
 * A root future's call counts only where the runtime itself says that it drives one. Inside
 * block_in_place, or after it with the worker gone, nothing is held up.
 */
static bool holds_up(const struct thread *thread, const struct moment *moment, uint64_t now)
{
	enum entered entered = entered_elsewhere(thread->entered_note);

	if (moment->context == CONTEXT_THREAD)
		return entered == ENTERED_YES;
	return entered != ENTERED_NO &&
	       !thread_was_handed_over(thread, thread->depth > 1 ? thread->loop_worker : 0,
				       moment->poll_start, now);
}

void stall_check(struct thread *thread, uint64_t limit_ns, bool all)
{
	struct stall *stall = &thread->stall;
	struct moment moment;
	struct holder holder;
	bool in_poll = look(thread, &moment);
	uint64_t now = clock_ticks();

	if (stall->open && (!in_poll || moment.poll_start != stall->poll_start))
		close_stall(thread);
	if (!in_poll || now < moment.poll_start || clock_ns(now - moment.poll_start) < limit_ns)
		return;
	if (!holds_up(thread, &moment, now))
		return;
	if (moment.poll_start != stall->poll_start) {
		if (stalls == MAX_STALLS)
			return;
		*stall = (struct stall){.poll_start = moment.poll_start, .id = ++stalls};
	}
	if (!trace_schedule_due(&stall->schedule, all))
		return;
	moment.stack = stack_of(thread, &moment);
	if (moment.waits && holder_name(moment.wait.lock, thread, &holder)) {
		if (!holder.since && lock_wait_is_alone(thread, holder.lock, moment.wait.since))
			holder.since = moment.wait.since;
		trace_tell_holder(&holder, now, &moment.holder);
	}
	write_stall(thread, &moment);
}

void stall_after_fork(void)
{
	stalls = 0;
}
