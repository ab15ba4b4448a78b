/* SPDX-License-Identifier: MIT */
/* Unit tests of the wrapped calls of runtime/engine.h: which are recorded, and with what. */
#include "runtime/engine.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <setjmp.h>
#include <string.h>
#include <unistd.h>

#include "runtime/entered.h"
#include "runtime/recording.h"
#include "tests/unit/runtime/fake_task.h"

TestSuite(call, .init = fake_recording_start);

static struct fake_task task, loop;

static void sleep_in_call(struct fake_task *of)
{
	fake_call(OP_SLEEP, of->ns);
}

static void poll_inner(struct fake_task *of)
{
	fake_poll(of->inner);
}

static void about(struct subject subject)
{
	struct engine_call call;

	engine_call_begin(&call, OP_LOCK);
	fake_clock_advance(THRESHOLD);
	engine_call_end(&call, subject);
}

Test(call, is_recorded_from_the_threshold_on)
{
	const struct event *event;

	fake_call(OP_SLEEP, THRESHOLD - 1);
	cr_assert_null(fake_next_event());
	fake_call(OP_READ, THRESHOLD);
	event = fake_next_event();
	cr_assert_not_null(event);
	cr_assert_eq(event->kind, EVENT_CALL);
	cr_assert_eq(event->op, OP_READ);
	cr_assert_eq(event->duration, THRESHOLD);
	cr_assert_null(fake_next_event());
	cr_assert_not(thread_self->in_call);
}

Test(call, knows_the_thread_when_no_poll_is_open)
{
	const struct event *event;

	fake_call(OP_SLEEP, THRESHOLD);
	event = fake_next_event();
	cr_assert_eq(event->context, CONTEXT_THREAD);
	cr_assert_eq(event->task, 0);
	cr_assert_null(event->type);
	cr_assert_eq(event->poll_start, 0);
	cr_assert_eq(event->worker, 0);
}

Test(call, knows_the_task_it_was_made_in)
{
	const struct event *event;

	fake_task_init(&task, POLL_TASK, sleep_in_call);
	task.id = 42;
	task.ns = 2 * MS;
	fake_poll(&task);
	event = fake_next_event();
	cr_assert_eq(event->context, CONTEXT_TASK);
	cr_assert_eq(event->task, 42);
	cr_assert_eq(event->type, task.type);
	cr_assert_eq(event->poll_start, event->start);
	cr_assert_eq(event->duration, 2 * MS);
}

Test(call, knows_the_blocking_poll_it_was_made_in)
{
	fake_task_init(&loop, POLL_BLOCKING, sleep_in_call);
	loop.ns = THRESHOLD;
	fake_poll(&loop);
	cr_assert_eq(fake_next_event()->context, CONTEXT_BLOCKING);
	cr_assert_eq(thread_self->ops[OP_SLEEP].count, 0);
}

Test(call, belongs_to_the_innermost_poll)
{
	fake_task_init(&loop, POLL_BLOCKING, poll_inner);
	fake_task_init(&task, POLL_TASK, sleep_in_call);
	loop.inner = &task;
	loop.future = 0x1230;
	task.ns = THRESHOLD;
	fake_poll(&loop);
	cr_assert_eq(fake_next_event()->worker, 0x1230);
	cr_assert_eq(thread_self->ops[OP_SLEEP].count, 1);
	fake_poll(&task);
	cr_assert_eq(fake_next_event()->worker, 0, "no loop is open");
}

Test(call, belongs_to_the_thread_in_polls_too_deep_to_be_kept)
{
	static struct fake_task tasks[MAX_OPEN_POLLS + 1];

	for (unsigned i = 0; i <= MAX_OPEN_POLLS; i++) {
		fake_task_init(&tasks[i], POLL_TASK,
			       i == MAX_OPEN_POLLS ? sleep_in_call : poll_inner);
		tasks[i].inner = i == MAX_OPEN_POLLS ? NULL : &tasks[i + 1];
		tasks[i].ns = THRESHOLD;
	}
	fake_poll(&tasks[0]);
	cr_assert_eq(fake_next_event()->context, CONTEXT_THREAD);
	fake_poll(&tasks[1]);
	cr_assert_eq(fake_next_event()->context, CONTEXT_TASK);
}

static void short_calls(struct fake_task *of)
{
	for (unsigned i = 0; i < 5; i++)
		fake_call(OP_READ, 10 * US);
	fake_call(OP_SLEEP, 4 * MS);
}

Test(call, is_counted_in_tasks_however_short)
{
	fake_task_init(&task, POLL_TASK, short_calls);
	fake_poll(&task);
	fake_call(OP_READ, 10 * US);
	cr_assert_eq(thread_self->ops[OP_READ].count, 5, "the one outside is not");
	cr_assert_eq(thread_self->ops[OP_READ].total, 50 * US);
	cr_assert_eq(thread_self->ops[OP_SLEEP].count, 1);
	cr_assert_eq(thread_self->ops[OP_SLEEP].total, 4 * MS);
}

Test(call, inside_another_belongs_to_the_outer_one)
{
	struct engine_call outer;
	const struct event *event;

	engine_call_begin(&outer, OP_LOCK);
	fake_call(OP_SLEEP, 3 * MS); /* a signal handler */
	cr_assert(thread_self->in_call);
	fake_call(OP_READ, 1 * MS);
	engine_call_end(&outer, subject_none());
	event = fake_next_event();
	cr_assert_eq(event->op, OP_LOCK);
	cr_assert_eq(event->duration, 4 * MS);
	cr_assert_null(fake_next_event());
	fake_call(OP_READ, 1 * MS);
	cr_assert_eq(fake_next_event()->op, OP_READ);
}

static jmp_buf out;

static __attribute__((noinline)) void leave_by_jump(void)
{
	struct engine_call call;

	engine_call_begin(&call, OP_SLEEP);
	fake_clock_advance(5 * MS);
	longjmp(out, 1);
}

Test(call, that_never_returned_is_noticed_at_the_next_one)
{
	struct engine_call next;

	if (!setjmp(out))
		leave_by_jump();
	cr_assert(thread_self->in_call);
	engine_call_begin(&next, OP_READ);
	fake_clock_advance(THRESHOLD);
	engine_call_end(&next, subject_none());
	cr_assert_eq(fake_next_event()->op, OP_READ);
	cr_assert_null(fake_next_event());
	cr_assert_not(thread_self->in_call);
}

Test(call, is_ignored_while_the_engine_is_busy_on_this_thread)
{
	fake_call(OP_SLEEP, 0);
	thread_busy_begin(thread_self);
	fake_call(OP_SLEEP, 5 * MS);
	thread_busy_end(thread_self);
	cr_assert_null(fake_next_event());
	fake_call(OP_SLEEP, 5 * MS);
	cr_assert_not_null(fake_next_event());
}

Test(call, is_not_recorded_while_nothing_is)
{
	struct engine_call call;

	recording.on = false;
	fake_call(OP_SLEEP, 5 * MS);
	cr_assert_null(thread_self);
	recording.pid = getpid();
	recording.on = true;
	engine_call_begin(&call, OP_SLEEP);
	fake_clock_advance(5 * MS);
	recording.on = false; /* the process ends meanwhile */
	engine_call_end(&call, subject_none());
	cr_assert_null(fake_next_event());
	cr_assert_not(thread_self->in_call);
}

Test(call, keeps_errno)
{
	struct engine_call call;

	errno = EDOM;
	engine_call_begin(&call, OP_READ);
	cr_assert_eq(errno, EDOM);
	fake_clock_advance(THRESHOLD);
	errno = ERANGE;
	engine_call_end(&call, subject_fd(-1));
	cr_assert_eq(errno, ERANGE);
	cr_assert_not_null(fake_next_event());
}

Test(call, tells_what_it_was_about)
{
	const struct event *event;
	int word, fd = open("/dev/null", O_RDONLY);

	about(subject_lock(&word));
	event = fake_next_event();
	cr_assert_eq(event->lock, &word);
	cr_assert_eq(event->futex_op, -1);
	cr_assert_eq(event->target.class, CLASS_LOCK);
	cr_assert_null(event->target.kind);

	about(subject_futex(&word, FUTEX_WAIT_PRIVATE, 2));
	event = fake_next_event();
	cr_assert_eq(event->lock, &word);
	cr_assert_eq(event->futex_op, FUTEX_WAIT_PRIVATE);
	cr_assert_eq(event->futex_expected, 2);

	about(subject_fd(fd));
	event = fake_next_event();
	cr_assert_null(event->lock);
	cr_assert_eq(event->futex_op, -1);
	cr_assert_str_eq(event->target.name, "/dev/null");
}

static __thread uint8_t note = 2;

Test(call, outside_the_runtime_explains_time_but_is_no_event)
{
	entered_set(&note, 1, 2);
	note = 1;
	fake_call(OP_SLEEP, THRESHOLD);
	cr_assert_eq(fake_next_event()->entered, ENTERED_YES);
	note = 2;
	fake_call(OP_SLEEP, THRESHOLD);
	cr_assert_null(fake_next_event());
	cr_assert_not(thread_self->in_call);
	note = 3;
	fake_call(OP_SLEEP, THRESHOLD);
	cr_assert_eq(fake_next_event()->entered, ENTERED_UNKNOWN);

	fake_task_init(&task, POLL_TASK, sleep_in_call);
	thread_self->polled = true;
	note = 2;
	task.ns = 2 * LONG_POLL;
	fake_poll(&task);
	cr_assert_null(fake_next_event(), "block_in_place: no call, and no long poll either");
}

Test(call, is_dropped_and_counted_when_the_ring_is_full)
{
	fake_call(OP_SLEEP, 0);
	while (!thread_self->ring.dropped)
		fake_call(OP_SLEEP, THRESHOLD);
	fake_call(OP_SLEEP, THRESHOLD);
	cr_assert_eq(thread_self->ring.dropped, 2);
	cr_assert_not(thread_self->in_call);
	while (fake_next_event())
		;
	fake_call(OP_SLEEP, THRESHOLD);
	cr_assert_not_null(fake_next_event());
}

Test(call, has_a_stack_once_there_is_an_unwinder)
{
	const struct event *event;

	fake_call(OP_SLEEP, THRESHOLD);
	cr_assert_eq(fake_next_event()->frame_count, 0);
	if (!unwind_start())
		cr_skip_test("no libunwind here");
	fake_call(OP_SLEEP, THRESHOLD);
	event = fake_next_event();
	cr_assert_gt(event->frame_count, 3);
	cr_assert_leq(event->frame_count, UNWIND_MAX_FRAMES);
	for (unsigned i = 0; i < event->frame_count; i++)
		cr_assert_neq(event->frames[i], 0);
}
