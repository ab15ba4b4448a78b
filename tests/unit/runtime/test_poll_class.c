/* SPDX-License-Identifier: MIT */
/*
 * Unit tests of runtime/poll.h: types whose class is found out at their first poll, worker loops,
 * and polls that end by a thread's exit or cancellation.
 */
#include "runtime/poll.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>

#include "runtime/recording.h"
#include "tests/unit/runtime/fake_task.h"

TestSuite(poll_class, .init = fake_recording_start);

static struct fake_task task, inner, loop;
static enum poll_class answer;
static unsigned questions;

static enum poll_class classify(const uint64_t *frames, unsigned count)
{
	questions++;
	cr_assert(thread_self->in_call, "the unwinder's own calls must pass through");
	return answer;
}

static void ask(enum poll_class class)
{
	answer = class;
	poll_classify = classify;
	fake_task_init(&task, POLL_UNKNOWN, fake_work);
}

Test(poll_class, is_asked_for_once_and_kept)
{
	ask(POLL_TASK);
	poll_hook_undecided_10(&task);
	cr_assert_eq(task.type->class, POLL_TASK);
	cr_assert_eq(thread_self->poll_stats.count, 1, "this first poll counts already");
	answer = POLL_BLOCKING;
	poll_hook_undecided_10(&task);
	cr_assert_eq(questions, 1);
	cr_assert_eq(task.type->class, POLL_TASK);
	cr_assert_eq(thread_self->poll_stats.count, 2);
	cr_assert_not(thread_self->in_call);
}

Test(poll_class, may_turn_out_to_be_blocking)
{
	ask(POLL_BLOCKING);
	poll_hook_undecided_10(&task);
	cr_assert_eq(task.type->class, POLL_BLOCKING);
	cr_assert_eq(thread_self->poll_stats.count, 0);
}

Test(poll_class, is_blocking_when_it_cannot_be_told)
{
	ask(POLL_UNKNOWN);
	task.ns = 50 * MS;
	poll_hook_undecided_10(&task);
	poll_hook_undecided_10(&task);
	cr_assert_eq(questions, 1);
	cr_assert_eq(task.type->class, POLL_BLOCKING);
	cr_assert_null(fake_next_event());
}

Test(poll_class, is_blocking_when_nobody_can_tell)
{
	fake_task_init(&task, POLL_UNKNOWN, fake_work);
	poll_hook_undecided_10(&task);
	cr_assert_eq(task.type->class, POLL_BLOCKING);
	cr_assert_eq(task.polls, 1);
}

Test(poll_class, is_found_with_the_older_header_too)
{
	ask(POLL_TASK);
	task.old_vtable = task.table;
	task.vtable = NULL;
	poll_hook_undecided_20(&task);
	poll_hook_undecided_20(&task);
	cr_assert_eq(questions, 1);
	cr_assert_eq(task.polls, 2);
	cr_assert_eq(thread_self->poll_stats.count, 2);
}

Test(poll_class, is_kept_apart_for_each_type)
{
	static struct fake_task other;

	ask(POLL_TASK);
	fake_task_init(&other, POLL_UNKNOWN, fake_work);
	poll_hook_undecided_10(&task);
	answer = POLL_BLOCKING;
	poll_hook_undecided_10(&other);
	cr_assert_eq(questions, 2);
	cr_assert_eq(task.type->class, POLL_TASK);
	cr_assert_eq(other.type->class, POLL_BLOCKING);
}

static void poll_inner(struct fake_task *of)
{
	fake_clock_advance(of->ns);
	fake_poll(of->inner);
}

Test(poll_class, lets_a_worker_loop_tell_what_it_was_given)
{
	const struct event *event;

	fake_task_init(&loop, POLL_BLOCKING, poll_inner);
	fake_task_init(&inner, POLL_TASK, fake_work);
	loop.inner = &inner;
	loop.future = 0xabc0;
	loop.ns = 3 * MS;
	inner.ns = LONG_POLL;
	fake_poll(&loop);
	event = fake_next_event();
	cr_assert_eq(event->worker, 0xabc0);
	cr_assert_eq(event->duration, LONG_POLL, "not the loop's time");
	cr_assert_eq(event->poll_start, thread_self->loop_start + 3 * MS);
	cr_assert_eq(thread_self->loop_worker, 0xabc0);

	loop.type->future_offset = 0;
	fake_poll(&loop);
	cr_assert_eq(fake_next_event()->worker, 0);
}

Test(poll_class, ignores_blocking_polls_inside_another_poll_as_loops)
{
	fake_task_init(&task, POLL_TASK, poll_inner);
	fake_task_init(&loop, POLL_BLOCKING, poll_inner);
	fake_task_init(&inner, POLL_TASK, fake_work);
	task.inner = &loop;
	loop.inner = &inner;
	loop.future = 0xabc0;
	fake_poll(&task);
	cr_assert_eq(thread_self->loop_worker, 0);
	cr_assert_eq(thread_self->loop_start, 0);
	cr_assert_eq(inner.polls, 1);
}

/* What a thread left behind, looked at by the destructor of a thread-local value. */
static struct {
	bool looked;
	uint32_t depth;
	unsigned char watch;
	struct durations stats;
} left;

static void look(void *unused)
{
	left.looked = true;
	left.depth = thread_self->depth;
	left.watch = engine_watch;
	left.stats = thread_self->poll_stats;
}

static unsigned reached;

static void leave(struct fake_task *of)
{
	fake_clock_advance(3 * MS);
	if (of->polls < of->limit) {
		fake_poll(of);
		return;
	}
	if (of->ns)
		pthread_exit(NULL);
	__atomic_store_n(&reached, 1, __ATOMIC_RELEASE);
	for (;;) {
		pthread_testcancel();
		sched_yield();
	}
}

static void *thread_main(void *key)
{
	pthread_setspecific(*(pthread_key_t *)key, &left);
	fake_poll(&task);
	cr_assert_fail("the poll has returned");
	return NULL;
}

static void run_thread(bool cancel, unsigned depth)
{
	pthread_key_t key;
	pthread_t thread;

	fake_task_init(&task, POLL_TASK, leave);
	task.ns = !cancel;
	task.limit = depth;
	cr_assert_eq(pthread_key_create(&key, look), 0);
	cr_assert_eq(pthread_create(&thread, NULL, thread_main, &key), 0);
	while (cancel && !__atomic_load_n(&reached, __ATOMIC_ACQUIRE))
		sched_yield();
	if (cancel)
		pthread_cancel(thread);
	pthread_join(thread, NULL);
	cr_assert(left.looked);
	cr_assert_eq(left.depth, 0);
	cr_assert_eq(left.watch, WATCH_ROOT);
}

Test(poll_class, closes_the_poll_that_a_thread_exits_from)
{
	run_thread(false, 1);
	cr_assert_eq(left.stats.count, 1);
	cr_assert_eq(left.stats.total_ns, 3 * MS);
}

Test(poll_class, closes_the_poll_in_which_a_thread_is_cancelled)
{
	run_thread(true, 1);
	cr_assert_eq(left.stats.count, 1);
}

Test(poll_class, closes_nested_polls_and_those_it_could_not_keep)
{
	run_thread(false, 5);
	cr_assert_eq(left.stats.count, 5);
	cr_assert_eq(left.stats.max_ns, 15 * MS);
	left.looked = false;
	run_thread(true, MAX_OPEN_POLLS + 4);
	cr_assert_eq(left.stats.count, MAX_OPEN_POLLS);
}
