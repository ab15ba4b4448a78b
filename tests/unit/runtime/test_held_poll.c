/* SPDX-License-Identifier: MIT */
/* Unit tests of runtime/held_poll.h: what becomes of held locks when polls end and roots yield. */
#include "runtime/held_poll.h"

#include <criterion/criterion.h>
#include <pthread.h>

#include "runtime/entered.h"
#include "runtime/locks.h"
#include "runtime/poll.h"
#include "runtime/recording.h"
#include "runtime/suspended.h"
#include "tests/unit/runtime/fake_task.h"

#define IDLE     (3 * 64u)
#define COMPLETE (3 * 64u + 2)

static struct fake_task task, inner;
static uint32_t words[8]; /* std mutexes */
static uint32_t place, shared;
static void (*body)(void);

static void begin(void)
{
	const struct lock_place mutex = {.address = 0x1000, .type = LOCK_STD_MUTEX};
	const struct lock_place reader = {
		.address = 0x2000, .type = LOCK_STD_RWLOCK, .mode = LOCK_SHARED};

	fake_recording_start();
	place = lock_places_add(&mutex);
	shared = lock_places_add(&reader);
}

TestSuite(held_poll, .init = begin);

static uint64_t lock(unsigned index)
{
	return (uintptr_t)&words[index];
}

static void acquire(unsigned index)
{
	words[index] = 1;
	held_acquired(lock(index), place, NULL);
}

static void release(unsigned index)
{
	held_released(lock(index));
	words[index] = 0;
}

static void run_body(struct fake_task *of)
{
	fake_clock_advance(1 * US);
	body();
}

/* One poll of the task, which then has that state. */
static void poll(void (*what)(void), uint64_t state)
{
	if (!task.type)
		fake_task_init(&task, POLL_TASK, run_body);
	task.id = 7;
	task.state = state;
	body = what;
	fake_poll(&task);
}

static unsigned open_count(void)
{
	unsigned count = 0;
	uint64_t key;

	for (unsigned i = 0; i < suspended_high(); i++)
		count += suspended_look(i, &key) == SUSPENDED_OPEN;
	return count;
}

static void nothing(void)
{
}

static void take(void)
{
	acquire(0);
}

static void take_and_release(void)
{
	acquire(0);
	release(0);
}

Test(held_poll, does_nothing_about_what_is_released_in_time)
{
	poll(take_and_release, IDLE);
	cr_assert_eq(suspended_high(), 0);
	cr_assert_eq(held_count(held_self), 0);
}

Test(held_poll, hands_over_what_is_still_held)
{
	const struct suspended *entry;

	poll(take, IDLE);
	cr_assert_eq(held_count(held_self), 0);
	cr_assert_eq(open_count(), 1);
	entry = suspended_get(0);
	cr_assert_eq(entry->lock, lock(0));
	cr_assert_eq(entry->task, 7);
	cr_assert_eq(entry->type, task.type);
	cr_assert_eq(entry->thread, thread_self);
	cr_assert_eq(entry->place, place);
	cr_assert_not(entry->quiet || entry->root);
	poll(nothing, IDLE);
	cr_assert_eq(entry->polls, 1);
	release(0);
	cr_assert_eq(open_count(), 0);
	cr_assert_eq(entry->released - entry->since, 1 * US);
}

static void release_first(void)
{
	release(0);
}

Test(held_poll, counts_the_poll_that_releases)
{
	poll(take, IDLE);
	poll(release_first, IDLE);
	cr_assert_eq(suspended_get(0)->polls, 1);
	cr_assert_gt(suspended_get(0)->released, 0);
}

Test(held_poll, knows_who_left_a_lock_when_the_task_is_over)
{
	poll(take, COMPLETE);
	cr_assert_eq(open_count(), 1);
	cr_assert(suspended_get(0)->quiet);
	release(0);
	poll(take, 0);
	cr_assert(suspended_get(1)->quiet, "no reference is left");
	release(0);
	poll(take, ~0ull - 2);
	cr_assert(suspended_get(2)->quiet, "that is no task's state");
}

static void reuse_header(void)
{
	acquire(0);
	task.id = 8;
}

Test(held_poll, takes_another_task_at_that_place_for_the_end_of_the_first)
{
	poll(reuse_header, IDLE);
	cr_assert(suspended_get(0)->quiet);
}

static void release_unseen(void)
{
	acquire(0);
	words[0] = 0;
}

Test(held_poll, drops_a_note_of_a_free_lock)
{
	poll(release_unseen, IDLE);
	cr_assert_eq(suspended_high(), 0);
	cr_assert_eq(held_count(held_self), 0);
	cr_assert_eq(lock_place_get(place)->leaks, 1);
}

static void *acquire_elsewhere(void *unused)
{
	acquire(0);
	return NULL;
}

static void lose_to_another_thread(void)
{
	pthread_t id;

	acquire(0);
	words[0] = 0;
	pthread_create(&id, NULL, acquire_elsewhere, NULL);
	pthread_join(id, NULL);
}

Test(held_poll, drops_a_note_that_another_thread_has_a_newer_one_of)
{
	poll(lose_to_another_thread, IDLE);
	cr_assert_eq(suspended_high(), 0);
	cr_assert_eq(lock_place_get(place)->leaks, 1);
}

static void *release_elsewhere(void *unused)
{
	thread_attach();
	release(0);
	return NULL;
}

static void be_released_elsewhere(void)
{
	pthread_t id;

	acquire(0);
	pthread_create(&id, NULL, release_elsewhere, NULL);
	pthread_join(id, NULL);
}

Test(held_poll, does_not_blame_the_place_for_what_another_thread_released)
{
	poll(be_released_elsewhere, IDLE);
	cr_assert_eq(suspended_high(), 0);
	cr_assert_eq(held_count(held_self), 0);
	cr_assert_eq(lock_place_get(place)->leaks, 0);
}

static void take_twice(void)
{
	acquire(0);
	acquire(0);
}

Test(held_poll, believes_the_later_of_two_notes_of_one_lock)
{
	poll(take_twice, IDLE);
	cr_assert_eq(open_count(), 1);
	cr_assert_eq(lock_place_get(place)->leaks, 1);
}

static void read_twice(void)
{
	words[0] = 2;
	held_acquired(lock(0), shared, NULL);
	held_acquired(lock(0), shared, NULL);
}

Test(held_poll, believes_all_readers)
{
	poll(read_twice, IDLE);
	cr_assert_eq(open_count(), 2);
	cr_assert_eq(lock_place_get(shared)->leaks, 0);
}

Test(held_poll, believes_nothing_of_a_place_it_does_not_trust)
{
	lock_place_leaked(place);
	lock_place_leaked(place);
	poll(take, IDLE);
	cr_assert_eq(suspended_high(), 0);
	cr_assert_eq(held_count(held_self), 0);
}

static void poll_inner(void)
{
	acquire(1);
	body = take;
	fake_poll(&inner);
	cr_assert_eq(open_count(), 1, "the inner task's, and not the outer one's");
	cr_assert_eq(suspended_get(0)->task, 9);
	cr_assert_eq(held_count(held_self), 1);
	release(1);
}

Test(held_poll, tells_nested_polls_apart)
{
	fake_task_init(&inner, POLL_TASK, run_body);
	inner.id = 9;
	inner.state = IDLE;
	poll(poll_inner, IDLE);
	cr_assert_eq(open_count(), 1);
}

static void release_outer_and_take(void)
{
	release(5);
	acquire(0);
}

static void poll_inner_that_releases(void)
{
	acquire(5);
	body = release_outer_and_take;
	fake_poll(&inner);
}

Test(held_poll, is_not_confused_by_the_release_of_an_outer_polls_lock)
{
	fake_task_init(&inner, POLL_TASK, run_body);
	inner.state = IDLE;
	poll(poll_inner_that_releases, IDLE);
	cr_assert_eq(open_count(), 1);
	cr_assert_eq(suspended_get(0)->lock, lock(0));
}

static __thread uint8_t note = 2;

Test(held_poll, tells_a_root_futures_lock_when_a_task_is_polled)
{
	entered_set(&note, 1, 2);
	note = 2;
	acquire(0); /* around block_on */
	note = 0;
	acquire(1); /* inside */
	poll(nothing, IDLE);
	cr_assert_eq(open_count(), 1);
	cr_assert(suspended_get(0)->root);
	cr_assert_eq(suspended_get(0)->lock, lock(1));
	cr_assert_eq(held_count(held_self), 1);
	cr_assert_eq(held_self->notes[0].lock, lock(0));
	poll(take_and_release, IDLE);
	cr_assert_eq(open_count(), 1, "and once");
}

Test(held_poll, tells_a_root_futures_lock_when_the_thread_parks)
{
	entered_set(&note, 1, 2);
	note = 0;
	acquire(0);
	held_before_park(thread_self);
	cr_assert_eq(open_count(), 1);
	cr_assert(suspended_get(0)->root);
	cr_assert_eq(held_count(held_self), 0);
	note = 2;
	acquire(1);
	held_before_park(thread_self);
	cr_assert_eq(open_count(), 1);
}

static void park_inside(void)
{
	acquire(0);
	held_before_park(thread_self);
	cr_assert_eq(open_count(), 0);
	release(0);
}

Test(held_poll, leaves_a_wait_inside_a_tasks_poll_alone)
{
	entered_set(&note, 1, 2);
	note = 0;
	poll(park_inside, IDLE);
	cr_assert_eq(open_count(), 0);
}

Test(held_poll, tells_nothing_of_roots_where_the_note_is_not_known)
{
	acquire(0);
	held_before_park(thread_self);
	poll(nothing, IDLE);
	cr_assert_eq(open_count(), 0);
	cr_assert_eq(held_count(held_self), 1);
}
