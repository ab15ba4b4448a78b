/* SPDX-License-Identifier: MIT */
/* Unit tests of runtime/poll.h: what one poll costs, explains, and leaves behind. */
#include "runtime/poll.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>

#include "runtime/entered.h"
#include "runtime/recording.h"
#include "tests/unit/runtime/fake_task.h"

TestSuite(poll, .init = fake_recording_start);

static struct fake_task task, inner, loop;

static void poll_for(struct fake_task *of, uint64_t ns)
{
	of->ns = ns;
	fake_poll(of);
}

static const struct durations *stats(void)
{
	return &thread_self->poll_stats;
}

static void poll_inner(struct fake_task *of)
{
	fake_clock_advance(of->ns);
	fake_poll(of->inner);
	fake_clock_advance(of->ns);
}

Test(poll, only_calls_the_original_while_nothing_is_recorded)
{
	recording.on = false;
	fake_task_init(&task, POLL_TASK, fake_work);
	poll_for(&task, 20 * MS);
	cr_assert_eq(task.polls, 1);
	cr_assert_null(thread_self);
	cr_assert_eq(engine_watch, 0);
	cr_assert_eq(fake_collector_starts, 0);
	fake_task_init(&task, POLL_UNKNOWN, fake_work);
	poll_for(&task, 20 * MS);
	cr_assert_eq(task.polls, 1);
	cr_assert_eq(task.type->class, POLL_UNKNOWN);
}

Test(poll, starts_the_collector_at_a_threads_first_poll)
{
	fake_task_init(&task, POLL_TASK, fake_work);
	fake_poll(&task);
	cr_assert_not_null(thread_self);
	cr_assert(thread_self->polled);
	cr_assert_eq(fake_collector_starts, 1);
	fake_poll(&task);
	cr_assert_eq(fake_collector_starts, 1);
}

Test(poll, starts_the_collector_also_when_a_call_came_first)
{
	fake_call(OP_SLEEP, 0);
	cr_assert_not_null(thread_self);
	cr_assert_eq(fake_collector_starts, 0);
	fake_task_init(&task, POLL_TASK, fake_work);
	fake_poll(&task);
	cr_assert_eq(fake_collector_starts, 1);
}

Test(poll, counts_polls_of_tasks_with_their_times)
{
	fake_task_init(&task, POLL_TASK, fake_work);
	poll_for(&task, 5 * US);
	poll_for(&task, 100 * US);
	poll_for(&task, 7 * US);
	cr_assert_eq(task.polls, 3);
	cr_assert_eq(stats()->count, 3);
	cr_assert_eq(stats()->total_ns, 112 * US);
	cr_assert_eq(stats()->max_ns, 100 * US);
	cr_assert_eq(stats()->histogram[13], 2, "5000 and 7000 lie below 8192");
	cr_assert_eq(stats()->histogram[17], 1);
	cr_assert_eq(thread_self->depth, 0);
	cr_assert_null(fake_next_event());
}

Test(poll, does_not_count_blocking_polls)
{
	fake_task_init(&loop, POLL_BLOCKING, fake_work);
	poll_for(&loop, 500 * MS);
	cr_assert_eq(loop.polls, 1);
	cr_assert_eq(stats()->count, 0);
	cr_assert_null(fake_next_event(), "nor are they ever too long");
}

static unsigned char watch_inside;

static void note_watch(struct fake_task *of)
{
	watch_inside = engine_watch;
	if (of->inner)
		fake_poll(of->inner);
	cr_assert_eq(engine_watch, watch_inside);
}

Test(poll, watches_calls_inside_polls_and_keeps_watching_for_block_on_after)
{
	fake_task_init(&task, POLL_TASK, note_watch);
	fake_task_init(&inner, POLL_TASK, fake_work);
	task.inner = &inner;
	fake_poll(&task);
	cr_assert(watch_inside & WATCH_POLL);
	cr_assert_eq(engine_watch, WATCH_ROOT);
	fake_poll(&task);
	cr_assert_eq(engine_watch, WATCH_ROOT);
}

static __thread uint8_t note = 2;

Test(poll, watches_only_inside_polls_where_the_runtimes_note_is_known)
{
	entered_set(&note, 1, 2);
	note = 0;
	fake_task_init(&task, POLL_TASK, note_watch);
	fake_poll(&task);
	cr_assert(watch_inside & WATCH_POLL);
	cr_assert_eq(engine_watch, 0);
	cr_assert(engine_watches());
	note = 2;
	cr_assert_not(engine_watches());
}

Test(poll, withdraws_the_note_when_the_first_poll_contradicts_it)
{
	entered_set(&note, 1, 2);
	note = 2;
	fake_task_init(&task, POLL_TASK, fake_work);
	fake_poll(&task);
	cr_assert_eq(entered_now(), ENTERED_UNKNOWN);
}

static void chain(struct fake_task *of)
{
	fake_clock_advance(1 * MS);
	poll_for(of->inner, 100 * US);
	fake_clock_advance(20 * US); /* the scheduler */
	poll_for(of->inner, 100 * US);
}

Test(poll, takes_the_end_of_a_poll_for_the_start_of_the_loops_next)
{
	fake_task_init(&loop, POLL_BLOCKING, chain);
	fake_task_init(&inner, POLL_TASK, fake_work);
	loop.inner = &inner;
	fake_poll(&loop);
	cr_assert_eq(stats()->count, 2);
	cr_assert_eq(stats()->total_ns, 220 * US);
	fake_poll(&loop);
	cr_assert_eq(stats()->total_ns, 440 * US, "the loop's own beginning is nobody's");
}

static void chain_with_call(struct fake_task *of)
{
	poll_for(of->inner, 100 * US);
	fake_call(OP_READ, 50 * US);
	fake_clock_advance(20 * US);
	poll_for(of->inner, 100 * US);
}

Test(poll, reads_the_clock_again_after_the_loop_has_made_a_call)
{
	fake_task_init(&loop, POLL_BLOCKING, chain_with_call);
	fake_task_init(&inner, POLL_TASK, fake_work);
	loop.inner = &inner;
	fake_poll(&loop);
	cr_assert_eq(stats()->total_ns, 200 * US);
}

Test(poll, does_not_chain_polls_without_a_loop_around_them)
{
	fake_task_init(&task, POLL_TASK, chain);
	fake_task_init(&inner, POLL_TASK, fake_work);
	task.inner = &inner;
	poll_for(&inner, 100 * US);
	fake_clock_advance(1 * MS);
	poll_for(&inner, 100 * US);
	cr_assert_eq(stats()->total_ns, 200 * US, "at the bottom of a thread");
	fake_poll(&task);
	cr_assert_eq(stats()->total_ns, 400 * US + 1220 * US, "inside another task's poll");
}

Test(poll, records_a_poll_of_the_limit_or_longer)
{
	const struct event *event;

	fake_task_init(&task, POLL_TASK, fake_work);
	task.id = 77;
	poll_for(&task, LONG_POLL - 1);
	cr_assert_null(fake_next_event());
	poll_for(&task, LONG_POLL);
	event = fake_next_event();
	cr_assert_not_null(event);
	cr_assert_eq(event->kind, EVENT_LONG_POLL);
	cr_assert_eq(event->context, CONTEXT_TASK);
	cr_assert_eq(event->duration, LONG_POLL);
	cr_assert_eq(event->explained, 0);
	cr_assert_eq(event->task, 77);
	cr_assert_eq(event->type, task.type);
	cr_assert_eq(event->start, event->poll_start);
	cr_assert_eq(event->futex_op, -1);
	cr_assert_eq(event->frame_count, 0);
	cr_assert_null(event->lock);
	cr_assert_eq(event->worker, 0);
	cr_assert_null(fake_next_event());
	cr_assert_not(thread_self->in_call);
}

Test(poll, explains_a_polls_time_by_the_polls_inside_it)
{
	const struct event *event;

	fake_task_init(&task, POLL_TASK, poll_inner);
	fake_task_init(&inner, POLL_TASK, fake_work);
	task.inner = &inner;
	inner.ns = LONG_POLL - 1;
	poll_for(&task, LONG_POLL / 2 - 1);
	cr_assert_null(fake_next_event(), "20 ms, of which less than 10 are its own");
	inner.ns = LONG_POLL;
	poll_for(&task, LONG_POLL / 2 - 1);
	event = fake_next_event();
	cr_assert_eq(event->type, inner.type);
	cr_assert_null(fake_next_event());
	inner.ns = 1 * MS;
	poll_for(&task, LONG_POLL / 2);
	event = fake_next_event();
	cr_assert_eq(event->type, task.type);
	cr_assert_eq(event->duration, LONG_POLL + 1 * MS);
	cr_assert_eq(event->explained, 1 * MS);
	cr_assert_eq(stats()->count, 6);
}

static void work_and_sleep(struct fake_task *of)
{
	fake_call(OP_SLEEP, 30 * MS);
	fake_clock_advance(of->ns);
}

Test(poll, explains_a_polls_time_by_its_recorded_calls)
{
	fake_task_init(&task, POLL_TASK, work_and_sleep);
	poll_for(&task, LONG_POLL - 1);
	cr_assert_eq(fake_next_event()->kind, EVENT_CALL);
	cr_assert_null(fake_next_event());
	poll_for(&task, LONG_POLL);
	cr_assert_eq(fake_next_event()->kind, EVENT_CALL);
	cr_assert_eq(fake_next_event()->explained, 30 * MS);
}

static void scribble(struct fake_task *of)
{
	fake_clock_advance(LONG_POLL);
	memset(of, 0xa5, sizeof(*of));
}

Test(poll, does_not_touch_the_header_after_the_poll)
{
	struct task_type *type;

	fake_task_init(&task, POLL_TASK, scribble);
	task.id = 5;
	type = task.type;
	fake_poll(&task);
	cr_assert_eq(fake_next_event()->task, 5);
	cr_assert_eq(stats()->count, 1);
	fake_task_init(&task, POLL_BLOCKING, scribble);
	fake_poll(&task);
	cr_assert_eq(type->index, 0);
	cr_assert_eq(thread_self->depth, 0);
}

Test(poll, leaves_the_task_unknown_where_the_header_has_no_id)
{
	fake_task_init(&task, POLL_TASK, fake_work);
	task.id = 5;
	task.type->id_offset = 0;
	poll_for(&task, LONG_POLL);
	cr_assert_eq(fake_next_event()->task, 0);
}

static void descend(struct fake_task *of)
{
	if (of->polls == MAX_OPEN_POLLS)
		cr_assert_not_null(thread_poll(thread_self));
	if (of->polls > MAX_OPEN_POLLS)
		cr_assert_null(thread_poll(thread_self));
	cr_assert_eq(thread_self->depth, of->polls);
	fake_clock_advance(of->ns);
	if (of->polls < of->limit)
		fake_poll(of);
}

Test(poll, goes_on_beyond_the_polls_it_can_keep)
{
	fake_task_init(&task, POLL_TASK, descend);
	task.limit = 3 * MAX_OPEN_POLLS;
	poll_for(&task, 1 * US);
	cr_assert_eq(task.polls, 3 * MAX_OPEN_POLLS);
	cr_assert_eq(thread_self->depth, 0);
	cr_assert_eq(engine_watch, WATCH_ROOT);
	cr_assert_eq(stats()->count, MAX_OPEN_POLLS);
	cr_assert_eq(stats()->max_ns, 3 * MAX_OPEN_POLLS * US);
	task.polls = 0;
	task.limit = MAX_OPEN_POLLS;
	fake_poll(&task);
	cr_assert_eq(stats()->count, 2 * MAX_OPEN_POLLS);
}

Test(poll, drops_and_counts_a_long_poll_when_the_ring_is_full)
{
	fake_task_init(&task, POLL_TASK, fake_work);
	fake_poll(&task);
	while (!thread_self->ring.dropped)
		poll_for(&task, LONG_POLL);
	poll_for(&task, LONG_POLL);
	cr_assert_eq(thread_self->ring.dropped, 2);
	cr_assert_eq(stats()->count, task.polls);
}
