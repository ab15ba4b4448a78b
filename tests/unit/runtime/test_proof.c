/* SPDX-License-Identifier: MIT */
/* Unit tests of runtime/proof.h and runtime/run_delay.h: blocking or waiting for a processor. */
#include "runtime/proof.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "runtime/clock.h"
#include "runtime/sys.h"
#include "runtime/thread.h"

#define MS 1000000u

static struct engine_call call;

static void begin(enum call_class class)
{
	call = (struct engine_call){0};
	proof_begin(&call, class);
}

static bool refuted(enum call_class class, struct subject subject)
{
	return proof_refutes(&call, class, &subject, MS);
}

static void sleep_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_nsec = ms * MS}, NULL);
}

static void spin_ms(uint64_t ms)
{
	uint64_t start = clock_kernel_ns(CLOCK_THREAD_CPUTIME_ID);

	while (clock_kernel_ns(CLOCK_THREAD_CPUTIME_ID) - start < ms * MS)
		;
}

Test(proof, refutes_a_call_during_which_the_thread_neither_slept_nor_worked)
{
	struct stat status;

	begin(CLASS_FILE);
	stat("/", &status);
	cr_assert(call.has_proof);
	cr_expect(refuted(CLASS_FILE, subject_path("/")));
}

Test(proof, believes_a_call_in_which_the_thread_slept)
{
	begin(CLASS_FILE);
	sleep_ms(2);
	cr_expect_not(refuted(CLASS_FILE, subject_path("/")));
}

Test(proof, believes_a_call_that_worked_for_the_threshold)
{
	begin(CLASS_IO);
	spin_ms(10);
	cr_expect_not(refuted(CLASS_IO, subject_none()));
}

Test(proof, does_not_ask_about_classes_that_sleep_by_nature)
{
	static const enum call_class classes[] = {CLASS_SLEEP, CLASS_LOCK,    CLASS_WAIT,
						  CLASS_DNS,   CLASS_PROCESS, CLASS_THREAD,
						  CLASS_NET};

	for (unsigned i = 0; i < sizeof(classes) / sizeof(*classes); i++) {
		begin(classes[i]);
		cr_expect_not(call.has_proof);
		cr_expect_not(refuted(classes[i], subject_none()));
	}
}

Test(proof, refutes_whatever_is_done_to_a_non_blocking_descriptor)
{
	int ends[2];

	cr_assert_eq(pipe2(ends, O_NONBLOCK), 0);
	begin(CLASS_NET);
	sleep_ms(2);
	cr_expect(refuted(CLASS_NET, subject_fd(ends[0])));
	begin(CLASS_IO);
	sleep_ms(2);
	cr_expect(refuted(CLASS_IO, subject_fd(ends[1])));
}

Test(proof, believes_a_blocking_descriptor_and_one_that_is_closed)
{
	int ends[2];

	cr_assert_eq(pipe(ends), 0);
	begin(CLASS_NET);
	cr_expect_not(refuted(CLASS_NET, subject_fd(ends[0])));
	close(ends[0]);
	cr_expect_not(refuted(CLASS_NET, subject_fd(ends[0])));
}

static struct thread *state;

static void poll_once(void)
{
	if (!state)
		state = sys_map(sizeof(*state));
	state->tid = sys_gettid();
	state->poll_stats.count++;
}

Test(run_delay, is_that_of_the_whole_life_without_any_sample)
{
	uint64_t whole;

	poll_once();
	whole = run_delay_since(state, clock_ticks());
	run_delay_sample(state);
	cr_expect_leq(run_delay_since(state, clock_ticks()), whole + 50 * MS);
	cr_expect_geq(run_delay_since(state, 1), run_delay_since(state, clock_ticks()));
}

Test(run_delay, is_nothing_for_a_thread_that_is_gone)
{
	poll_once();
	state->tid = 1 << 30;
	cr_expect_eq(run_delay_since(state, clock_ticks()), 0);
}

Test(run_delay, is_small_for_a_thread_that_sleeps)
{
	uint64_t start;

	poll_once();
	run_delay_sample(state);
	start = clock_ticks();
	sleep_ms(50);
	cr_expect_lt(run_delay_since(state, start), 50 * MS);
}

static void *spin_until_told(void *stop)
{
	while (!__atomic_load_n((int *)stop, __ATOMIC_RELAXED))
		;
	return NULL;
}

/* Starts a thread that competes with this one for one processor. */
static pthread_t compete(int *stop)
{
	cpu_set_t one;
	pthread_t other;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	cr_assert_eq(sched_setaffinity(0, sizeof(one), &one), 0);
	cr_assert_eq(pthread_create(&other, NULL, spin_until_told, stop), 0);
	return other;
}

Test(run_delay, counts_what_another_thread_takes_from_this_one)
{
	int stop = 0;
	pthread_t other;
	uint64_t start;

	poll_once();
	run_delay_sample(state);
	start = clock_ticks();
	other = compete(&stop);
	spin_ms(60);
	cr_expect_gt(run_delay_since(state, start), 5 * MS);
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	pthread_join(other, NULL);
}

/* A wait that is longer than what is remembered cannot be excused by what came before it. */
Test(run_delay, reaches_back_no_further_than_its_samples)
{
	int stop = 0;
	pthread_t other = compete(&stop);
	uint64_t whole;

	spin_ms(60);
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	pthread_join(other, NULL);
	poll_once();
	whole = run_delay_since(state, clock_ticks());
	cr_assert_gt(whole, 5 * MS);
	for (unsigned i = 0; i < 2 * RUN_DELAY_SAMPLES; i++) {
		poll_once();
		run_delay_sample(state);
	}
	cr_expect_lt(run_delay_since(state, 1), whole);
}

Test(run_delay, forgets_the_past_of_a_thread_that_polls_no_task)
{
	uint64_t first;

	poll_once();
	state->poll_stats.count = 0;
	run_delay_sample(state);
	first = state->run_delay.samples[0].at;
	cr_assert_neq(first, 0, "the first sample is always taken");
	run_delay_sample(state);
	cr_expect_eq(state->run_delay.samples[0].at, first, "nothing has happened since");
	state->calls++;
	run_delay_sample(state);
	cr_expect_gt(state->run_delay.samples[0].at, first);
}

Test(run_delay, samples_only_threads_that_have_polled_since)
{
	uint64_t at;

	poll_once();
	run_delay_sample(state);
	at = state->run_delay.samples[0].at;
	run_delay_sample(state);
	cr_expect_eq(state->run_delay.samples[0].at, at);
	poll_once();
	run_delay_sample(state);
	cr_expect_gt(state->run_delay.samples[0].at, at);
	cr_expect_eq(state->run_delay.samples[1].at, at);
	run_delay_forget(state);
	cr_expect_eq(state->run_delay.fd, 0);
}
