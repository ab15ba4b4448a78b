/* SPDX-License-Identifier: MIT */
/* Unit tests of runtime/entered.h: the runtime's thread-local note, read, doubted and withdrawn. */
#include "runtime/entered.h"

#include <criterion/criterion.h>
#include <pthread.h>

#include "runtime/engine.h"

static __thread uint8_t note = 2, other_note = 2;

static void set(void)
{
	entered_set(&note, 1, 2);
}

Test(entered, is_unknown_without_a_note)
{
	cr_assert_eq(entered_now(), ENTERED_UNKNOWN);
	entered_check(true);
	cr_assert_eq(entered_trusted(ENTERED_YES), ENTERED_YES);
	cr_assert_not(engine_watches());
}

Test(entered, follows_the_note)
{
	set();
	cr_assert_eq(entered_now(), ENTERED_NO);
	cr_assert_not(engine_watches());
	note = 0;
	cr_assert_eq(entered_now(), ENTERED_YES);
	note = 1;
	cr_assert_eq(entered_now(), ENTERED_YES);
	cr_assert(engine_watches());
	note = 3;
	cr_assert_eq(entered_now(), ENTERED_UNKNOWN, "a value that was never described");
	cr_assert_not(engine_watches());
}

static void *on_thread(void *unused)
{
	enum entered first = entered_now();

	note = 2;
	return (void *)(uintptr_t)(first == ENTERED_NO && entered_now() == ENTERED_NO);
}

Test(entered, is_each_threads_own)
{
	pthread_t thread;
	void *good;

	set();
	note = 1;
	pthread_create(&thread, NULL, on_thread, NULL);
	pthread_join(thread, &good);
	cr_assert(good);
	cr_assert_eq(entered_now(), ENTERED_YES);
}

Test(entered, is_withdrawn_when_there_are_two_notes)
{
	set();
	note = 1;
	entered_set(&other_note, 1, 2);
	cr_assert_eq(entered_now(), ENTERED_UNKNOWN);
	cr_assert_eq(entered_trusted(ENTERED_YES), ENTERED_UNKNOWN);
	cr_assert_eq(entered_trusted(ENTERED_NO), ENTERED_UNKNOWN);
	cr_assert_not(engine_watches());
	set();
	cr_assert_eq(entered_now(), ENTERED_UNKNOWN, "for good");
}

Test(entered, passes_its_check_when_it_tells_the_truth)
{
	set();
	note = 0;
	entered_check(true);
	note = 2;
	entered_check(false);
	cr_assert_eq(entered_now(), ENTERED_NO);
	cr_assert_eq(entered_trusted(ENTERED_YES), ENTERED_YES);
}

static void expect_withdrawn(uint8_t value, bool expected)
{
	set();
	note = value;
	entered_check(expected);
	cr_assert_eq(entered_now(), ENTERED_UNKNOWN);
	cr_assert_eq(entered_trusted(ENTERED_NO), ENTERED_UNKNOWN);
	note = 0;
	cr_assert_eq(entered_now(), ENTERED_UNKNOWN, "for good");
}

Test(entered, is_withdrawn_when_a_task_is_polled_outside)
{
	expect_withdrawn(2, true);
}

Test(entered, is_withdrawn_when_a_job_begins_inside)
{
	expect_withdrawn(1, false);
}

Test(entered, is_withdrawn_when_the_note_makes_no_sense)
{
	expect_withdrawn(0x55, true);
}

Test(entered, is_read_elsewhere_without_a_fault)
{
	set();
	note = 1;
	cr_assert_eq(entered_elsewhere(&note), ENTERED_YES);
	note = 2;
	cr_assert_eq(entered_elsewhere(&note), ENTERED_NO);
	cr_assert_eq(entered_elsewhere(NULL), ENTERED_UNKNOWN);
	cr_assert_eq(entered_elsewhere((const uint8_t *)64), ENTERED_NO, "that thread is gone");
}

Test(entered, is_withdrawn_for_a_second_copy_without_a_note)
{
	set();
	note = 2;
	entered_withdraw();
	cr_assert_eq(entered_now(), ENTERED_UNKNOWN);
}
