/* SPDX-License-Identifier: MIT */
/* Unit tests of runtime/thread.h: the registry of thread states, and durations. */
#include "runtime/thread.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/recording.h"

static struct durations polls;
static struct op_counter ops[ENGINE_MAX_OPS];

static void record(void)
{
	recording.pid = getpid();
	recording.on = true;
}

TestSuite(thread, .init = record);

/* Attaches on a thread of its own, which then ends; returns its state. */
static void *attach_and_end(void *name)
{
	prctl(PR_SET_NAME, name);
	return thread_attach();
}

static struct thread *ended_thread(const char *name)
{
	pthread_t id;
	void *state;

	cr_assert_eq(pthread_create(&id, NULL, attach_and_end, (void *)(uintptr_t)name), 0);
	pthread_join(id, &state);
	return state;
}

static unsigned registered(void)
{
	unsigned count = 0;

	for (struct thread *t = thread_first(); t; t = t->next)
		count++;
	return count;
}

Test(thread, has_no_state_while_nothing_is_recorded)
{
	recording.on = false;
	cr_assert_null(thread_attach());
	cr_assert_null(thread_self);
	cr_assert_null(thread_first());
}

Test(thread, has_a_state_with_its_name_and_number)
{
	struct thread *state;

	prctl(PR_SET_NAME, "tokio-runtime-worker-name-cut");
	state = thread_attach();
	cr_assert_not_null(state);
	cr_assert_eq(state, thread_self);
	cr_assert_eq(state, thread_first());
	cr_assert_eq(state->tid, gettid());
	cr_assert_str_eq(state->name, "tokio-runtime-w");
	cr_assert_eq(state->depth, 0);
	cr_assert_eq(state->id, 0);
	cr_assert_not(state->retired);
}

Test(thread, is_listed_with_the_newest_first)
{
	struct thread *first = ended_thread("first"), *second = ended_thread("second");

	cr_assert_neq(first, second, "an ended thread's state is kept until it is retired");
	cr_assert_eq(thread_first(), second);
	cr_assert_eq(second->next, first);
	cr_assert_null(first->next);
	cr_assert_str_eq(second->name, "second");
}

Test(thread, hands_its_counts_over_when_it_is_retired)
{
	struct thread *state = ended_thread("gone");

	durations_count(&state->poll_stats, 5);
	durations_count(&state->poll_stats, 9);
	state->ops[3] = (struct op_counter){2, 70};
	durations_count(&polls, 6);
	ops[3] = (struct op_counter){1, 30};
	thread_retire(state, &polls, ops);
	cr_assert_eq(polls.count, 3);
	cr_assert_eq(polls.total_ns, 20);
	cr_assert_eq(polls.max_ns, 9);
	cr_assert_eq(ops[3].count, 3);
	cr_assert_eq(ops[3].total, 100);
	cr_assert_eq(state->poll_stats.count, 0);
	cr_assert_eq(state->ops[3].count, 0);
	cr_assert(state->retired);
	thread_retire(state, &polls, ops);
	cr_assert_eq(polls.count, 3, "nothing is handed over twice");
}

Test(thread, takes_over_the_state_of_a_retired_one)
{
	struct thread *old = ended_thread("old"), *fresh;

	old->depth = 4;
	old->in_call = old->polled = true;
	old->last_end = 5;
	old->loop_worker = old->loop_start = 99;
	old->id = 12;
	old->stacks.stacks[1].count = 3;
	thread_retire(old, &polls, ops);
	fresh = ended_thread("new");
	cr_assert_eq(fresh, old);
	cr_assert_eq(registered(), 1);
	cr_assert_str_eq(fresh->name, "new");
	cr_assert_eq(fresh->depth, 0);
	cr_assert_not(fresh->in_call || fresh->last_end || fresh->polled || fresh->retired);
	cr_assert_eq(fresh->loop_worker + fresh->loop_start, 0);
	cr_assert_eq(fresh->id, 0, "it is told as a thread of its own");
	cr_assert_eq(fresh->stacks.stacks[1].count, 0, "the stack it was on may be unmapped");
}

Test(thread, shares_no_state_with_another_that_is_not_retired)
{
	struct thread *a = ended_thread("a"), *b = ended_thread("b"), *c;

	thread_retire(a, &polls, ops);
	c = ended_thread("c");
	cr_assert_eq(c, a);
	cr_assert_neq(ended_thread("d"), b);
	cr_assert_eq(registered(), 3);
}

Test(thread, that_took_a_state_over_is_not_yet_taken_for_an_ended_one)
{
	struct thread *state = ended_thread("gone");

	thread_retire(state, &polls, ops);
	/*
	 * The next thread first claims the state and then enters its number. A collector that looks
	 * in between must not find the number of a thread that has ended, or none.
	 */
	cr_assert_neq(state->tid, 0);
	cr_assert_eq(syscall(SYS_tgkill, getpid(), state->tid, 0), -1);
	cr_assert_neq(errno, ESRCH);
}

Test(thread, orphans_an_earlier_one_that_had_its_number)
{
	struct thread *old = ended_thread("old"), *other = ended_thread("other"), *own;
	int32_t number = other->tid;

	old->tid = gettid();
	own = thread_attach();
	cr_assert_eq(own->tid, gettid());
	cr_assert_eq(old->tid, 0);
	cr_assert_eq(other->tid, number);
	cr_assert_eq(registered(), 3);
}

Test(thread, has_nothing_but_itself_after_a_fork)
{
	struct thread *old = thread_attach();

	ended_thread("other");
	thread_after_fork();
	cr_assert_null(thread_first());
	cr_assert_null(thread_self);
	cr_assert_neq(thread_attach(), old);
	cr_assert_eq(registered(), 1);
}

#define CROWD 32

static pthread_barrier_t barrier;

static void *attach_in_crowd(void *unused)
{
	struct thread *state;

	pthread_barrier_wait(&barrier);
	state = thread_attach();
	state->loop_worker = (uintptr_t)&unused;
	pthread_barrier_wait(&barrier);
	cr_assert_eq(state->loop_worker, (uintptr_t)&unused);
	cr_assert_eq(state->tid, gettid());
	return state;
}

Test(thread, has_a_state_of_its_own_in_a_crowd)
{
	pthread_t ids[CROWD];
	void *states[CROWD];

	for (unsigned round = 0; round < 20; round++) {
		pthread_barrier_init(&barrier, NULL, CROWD);
		for (unsigned i = 0; i < CROWD; i++)
			pthread_create(&ids[i], NULL, attach_in_crowd, NULL);
		for (unsigned i = 0; i < CROWD; i++)
			pthread_join(ids[i], &states[i]);
		for (unsigned i = 0; i < CROWD; i++)
			for (unsigned j = 0; j < i; j++)
				cr_assert_neq(states[i], states[j]);
		for (unsigned i = 0; i < CROWD; i += 2)
			thread_retire(states[i], &polls, ops);
		cr_assert_eq(registered(), CROWD + round * CROWD / 2);
	}
}

Test(durations, fall_into_buckets_by_powers_of_two)
{
	static const struct {
		uint64_t ns;
		unsigned bucket;
	} cases[] = {{0, 0},
		     {1, 1},
		     {2, 2},
		     {3, 2},
		     {4, 3},
		     {7, 3},
		     {8, 4},
		     {1023, 10},
		     {1024, 11},
		     {1000000, 20},
		     {(1ull << 43) - 1, 43},
		     {1ull << 43, 43},
		     {UINT64_MAX, 43}};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct durations one = {0};

		durations_count(&one, cases[i].ns);
		cr_expect_eq(one.histogram[cases[i].bucket], 1, "%llu",
			     (unsigned long long)cases[i].ns);
		cr_expect_eq(one.count, 1);
		cr_expect_eq(one.max_ns, cases[i].ns);
	}
}

Test(durations, are_added_up)
{
	struct durations a = {0}, b = {0};

	durations_count(&a, 10);
	durations_count(&b, 12);
	durations_count(&b, 3);
	durations_add(&a, &b);
	cr_assert_eq(a.count, 3);
	cr_assert_eq(a.total_ns, 25);
	cr_assert_eq(a.max_ns, 12);
	cr_assert_eq(a.histogram[4], 2);
	cr_assert_eq(a.histogram[2], 1);
	cr_assert_eq(b.count, 2);
}
