/* SPDX-License-Identifier: MIT */
/* Unit tests of runtime/held.h: the list of locks that a thread holds. */
#include "runtime/held.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <unistd.h>

#include "runtime/locks.h"
#include "runtime/recording.h"
#include "runtime/suspended.h"
#include "runtime/thread.h"

static uint32_t words[64] = {[0 ... 63] = 1}; /* std mutexes, all locked */
static uint32_t place;

static void record(void)
{
	const struct lock_place mutex = {.address = 0x1000, .type = LOCK_STD_MUTEX};

	recording.pid = getpid();
	recording.on = true;
	place = lock_places_add(&mutex);
}

TestSuite(held, .init = record);

static uint64_t lock(unsigned index)
{
	return (uintptr_t)&words[index];
}

static void acquire(unsigned index)
{
	held_acquired(lock(index), place, NULL);
}

Test(held, makes_the_thread_known_at_its_first_lock)
{
	cr_assert_null(thread_self);
	acquire(0);
	cr_assert_not_null(thread_self);
	cr_assert_eq(held_self, &thread_self->held);
	cr_assert_eq(held_count(held_self), 1);
	cr_assert_eq(held_self->notes[0].lock, lock(0));
	cr_assert_eq(held_self->notes[0].place, place);
	cr_assert_eq(held_self->notes[0].entered, ENTERED_BYTE_NONE);
}

Test(held, does_not_know_a_thread_of_the_engine)
{
	held_exclude_thread();
	acquire(0);
	cr_assert_null(thread_self);
	cr_assert_not(held_released(lock(0)));
}

Test(held, does_nothing_while_nothing_is_recorded)
{
	recording.on = false;
	acquire(0);
	cr_assert_null(thread_self);
}

Test(held, is_a_stack)
{
	acquire(0);
	acquire(1);
	cr_assert(held_released(lock(1)));
	cr_assert_eq(held_count(held_self), 1);
	cr_assert(held_released(lock(0)));
	cr_assert_eq(held_count(held_self), 0);
	cr_assert_not(held_released(lock(0)), "there is nothing left");
}

Test(held, takes_releases_in_any_order)
{
	acquire(0);
	acquire(1);
	acquire(2);
	cr_assert(held_released(lock(0)));
	cr_assert_eq(held_count(held_self), 2);
	cr_assert_eq(held_self->notes[0].lock, lock(1));
	cr_assert_eq(held_self->notes[1].lock, lock(2));
	cr_assert(held_released(lock(1)));
	cr_assert_eq(held_self->notes[0].lock, lock(2));
}

Test(held, pairs_up_a_lock_that_is_taken_twice)
{
	acquire(0);
	acquire(0);
	cr_assert(held_released(lock(0)));
	cr_assert_eq(held_count(held_self), 1);
	cr_assert(held_released(lock(0)));
	cr_assert_eq(held_count(held_self), 0);
}

Test(held, counts_what_finds_no_room)
{
	for (unsigned i = 0; i < HELD_MAX; i++)
		acquire(i);
	cr_assert_eq(thread_self->held_lost, 0);
	acquire(HELD_MAX);
	cr_assert_eq(held_count(held_self), HELD_MAX);
	cr_assert_eq(thread_self->held_lost, 1);
	cr_assert(held_released(lock(3)));
	acquire(HELD_MAX + 1);
	cr_assert_eq(held_self->notes[HELD_MAX - 1].lock, lock(HELD_MAX + 1));
}

Test(held, makes_room_by_dropping_notes_of_free_locks)
{
	for (unsigned i = 0; i < HELD_MAX; i++)
		acquire(i);
	words[4] = words[9] = 0; /* released by code that nobody sees */
	acquire(HELD_MAX);
	cr_assert_eq(held_count(held_self), HELD_MAX - 1);
	cr_assert_eq(thread_self->held_lost, 0);
	cr_assert_eq(lock_place_get(place)->leaks, 2);
	cr_assert_not(lock_place_trusted(place));
	cr_assert_eq(lock_places_distrusted(), 1);
}

Test(held, trusts_a_place_that_is_mostly_seen)
{
	lock_place_leaked(place);
	cr_assert(lock_place_trusted(place), "one is nothing");
	for (unsigned i = 0; i < 1000; i++)
		lock_place_released(place);
	lock_place_leaked(place);
	cr_assert(lock_place_trusted(place));
	cr_assert_eq(lock_places_distrusted(), 0);
}

Test(held, keeps_the_stack_of_an_acquisition)
{
	uint64_t here[4] = {11, 12, 13, 14};
	struct unwind_context context = {.pc = 0x4711, .sp = (uintptr_t)here, .bp = 1};
	const struct stack_copy *copy;

	held_acquired(lock(0), place, NULL);
	held_acquired(lock(1), place, &context);
	cr_assert_eq(held_self->notes[0].copy, 0);
	cr_assert_neq(held_self->notes[1].copy, 0);
	copy = &thread_self->held_copies[held_self->notes[1].copy - 1];
	cr_assert_eq(copy->context.pc, 0x4711);
	cr_assert_geq(copy->size, sizeof(here));
	cr_assert_eq(((const uint64_t *)(const void *)copy->bytes)[2], 13);
	held_acquired_from(lock(2), place, 0x4712);
	copy = &thread_self->held_copies[held_self->notes[2].copy - 1];
	cr_assert_eq(copy->context.pc, 0x4712);
	cr_assert_eq(copy->size, 0);
	cr_assert_neq(held_self->notes[2].copy, held_self->notes[1].copy);
}

static void *release_elsewhere(void *of)
{
	thread_attach();
	held_released((uintptr_t)of);
	return thread_self;
}

Test(held, remembers_releases_of_what_nobody_held)
{
	struct thread *other;
	pthread_t id;
	void *state;

	acquire(0);
	cr_assert_eq(pthread_create(&id, NULL, release_elsewhere, &words[0]), 0);
	pthread_join(id, &state);
	other = state;
	cr_assert_eq(other->orphans[0].lock, lock(0));
	cr_assert_gt(other->orphans[0].ticks, 0);
	cr_assert_eq(held_count(held_self), 1, "it is not this thread's to take back");
}

Test(held, forgets_in_a_fork_child)
{
	acquire(0);
	thread_after_fork();
	cr_assert_null(thread_self);
	cr_assert_neq(held_self->top, 0,
		      "full again, so that the next lock makes the thread known");
	acquire(1);
	cr_assert_eq(held_count(held_self), 1);
}
