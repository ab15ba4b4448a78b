/* SPDX-License-Identifier: MIT */
/* Unit tests of runtime/suspended.h: the table of locks that are held across polls. */
#include "runtime/suspended.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <unistd.h>

#include "runtime/recording.h"
#include "runtime/thread.h"

#define LOCK  0x10000u
#define OTHER 0x20000u

static void record(void)
{
	recording.pid = getpid();
	recording.on = true;
	recording.long_poll = recording.poll_look = 1000;
	thread_attach();
}

TestSuite(suspended, .init = record);

static struct suspended *add(uint64_t lock, uint64_t task, uint64_t since)
{
	struct suspended *entry = suspended_claim();

	cr_assert_not_null(entry);
	entry->task = task;
	entry->since = since;
	entry->thread = thread_self;
	suspended_publish(entry, lock);
	return entry;
}

static unsigned count_in(enum suspended_state state)
{
	unsigned count = 0;
	uint64_t lock;

	for (unsigned i = 0; i < suspended_high(); i++)
		count += suspended_look(i, &lock) == state;
	return count;
}

Test(suspended, is_empty_at_first)
{
	cr_assert_not(suspended_any());
	cr_assert_eq(suspended_high(), 0);
	cr_assert_not(suspended_released(LOCK));
}

Test(suspended, knows_a_lock_until_it_is_released)
{
	struct suspended *entry = add(LOCK, 7, 100);
	uint64_t lock;

	cr_assert(suspended_any());
	cr_assert_eq(recording.poll_look, 0, "every poll is looked at meanwhile");
	cr_assert_eq(suspended_look(0, &lock), SUSPENDED_OPEN);
	cr_assert_eq(lock, LOCK);
	cr_assert_eq(suspended_get(0), entry);
	cr_assert_not(suspended_released(OTHER));
	cr_assert(suspended_released(LOCK));
	cr_assert_not(suspended_any());
	cr_assert_gt(entry->released, 0);
	cr_assert_eq(suspended_look(0, &lock), SUSPENDED_RELEASED);
	cr_assert_eq(entry->lock, LOCK);
	cr_assert_not(suspended_released(LOCK), "only once");
	cr_assert(suspended_take(0));
	cr_assert_not(suspended_take(0));
	suspended_free(0);
	cr_assert_eq(suspended_look(0, &lock), SUSPENDED_FREE);
}

Test(suspended, fills_a_free_entry_anew)
{
	struct suspended *entry = add(LOCK, 7, 100);
	uint32_t generation = entry->generation;

	suspended_count_wait(LOCK, thread_self, 3);
	suspended_released(LOCK);
	suspended_free(0);
	cr_assert_eq(add(OTHER, 8, 200), entry);
	cr_assert_neq(entry->generation, generation);
	cr_assert_eq(entry->waits, 0);
	cr_assert_null(entry->waiters[0].thread);
	cr_assert_eq(entry->released, 0);
}

Test(suspended, lets_the_newest_of_several_readers_go_first)
{
	struct suspended *older = add(LOCK, 7, 100), *newer = add(LOCK, 8, 200);

	suspended_released(LOCK);
	cr_assert_gt(newer->released, 0);
	cr_assert_eq(older->released, 0);
	suspended_released(LOCK);
	cr_assert_gt(older->released, 0);
}

Test(suspended, lets_the_polled_task_go_before_newer_ones)
{
	static const char headers[2];
	struct suspended *mine = add(LOCK, 7, 100), *newer = add(LOCK, 8, 200);

	mine->header = &headers[0];
	newer->header = &headers[1];
	thread_self->depth = 1;
	thread_self->polls[0].header = &headers[0];
	thread_self->polls[0].task = 7;
	suspended_released(LOCK);
	cr_assert_gt(mine->released, 0);
	cr_assert_eq(mine->polls, 1, "the poll that released it began before");
	cr_assert_eq(newer->released, 0);
}

Test(suspended, counts_the_tasks_polls)
{
	static const char header;
	struct suspended *entry = add(LOCK, 7, 100);

	entry->header = &header;
	suspended_count_poll(7, &header);
	suspended_count_poll(7, &header);
	suspended_count_poll(8, &header);
	cr_assert_eq(entry->polls, 2);
}

Test(suspended, counts_waits_and_keeps_distinct_waiters)
{
	struct suspended *entry = add(LOCK, 7, 100);

	for (uint64_t i = 0; i < 3; i++)
		suspended_count_wait(LOCK, thread_self, 1);
	suspended_count_wait(LOCK, thread_self, 2);
	suspended_count_wait(OTHER, thread_self, 3);
	cr_assert_eq(entry->waits, 4);
	cr_assert_eq(entry->waiters[0].task, 1);
	cr_assert_eq(entry->waiters[1].task, 2);
	cr_assert_null(entry->waiters[2].thread);
	for (uint64_t i = 10; i < 30; i++)
		suspended_count_wait(LOCK, thread_self, i);
	cr_assert_eq(entry->waits, 24);
}

Test(suspended, forgets_a_thread_but_not_its_id)
{
	struct suspended *entry = add(LOCK, 7, 100);

	suspended_count_wait(LOCK, thread_self, 1);
	suspended_forget_thread(thread_self, 42);
	cr_assert_null(entry->thread);
	cr_assert_eq(entry->thread_id, 42);
	cr_assert_eq(entry->waiters[0].thread_id, 42);
}

Test(suspended, closes_what_was_released_unseen)
{
	struct suspended *entry = add(LOCK, 7, 100);

	cr_assert_not(suspended_close(0, OTHER));
	cr_assert(suspended_close(0, LOCK));
	cr_assert_eq(entry->released, 0);
	cr_assert_eq(count_in(SUSPENDED_RELEASED), 1);
	cr_assert_not(suspended_any());
}

Test(suspended, counts_what_finds_no_room)
{
	for (unsigned i = 0; i < SUSPENDED_MAX; i++)
		add(LOCK + 16 * i, i + 1, i);
	cr_assert_null(suspended_claim());
	cr_assert_null(suspended_claim());
	cr_assert_eq(suspended_lost(), 2);
	cr_assert(suspended_released(LOCK + 16 * 300));
	cr_assert_null(suspended_claim(), "the collector has not been there yet");
	suspended_free(300);
	cr_assert_not_null(suspended_claim());
}

Test(suspended, counts_alike_ones_together_when_it_is_crowded)
{
	uint64_t total = 0;

	for (unsigned i = 0; i < 5000; i++) {
		add(LOCK, 7, i);
		cr_assert(suspended_released(LOCK));
	}
	for (unsigned i = 0; i < suspended_high(); i++)
		total += suspended_take(i) ? 1 + suspended_get(i)->more.count : 0;
	cr_assert_eq(total, 5000);
	cr_assert_lt(suspended_high(), SUSPENDED_MAX);
	cr_assert_eq(suspended_lost(), 0);
}

Test(suspended, is_empty_in_a_fork_child)
{
	add(LOCK, 7, 100);
	suspended_after_fork();
	cr_assert_not(suspended_any());
	cr_assert_eq(suspended_high(), 0);
	cr_assert_not(suspended_released(LOCK));
}

#define ROUNDS 20000

static bool done;

static void *add_and_release(void *number)
{
	uint64_t lock = LOCK + 64 * (uintptr_t)number;

	thread_attach();
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct suspended *entry = suspended_claim();

		if (!entry)
			continue;
		entry->since = 1;
		suspended_publish(entry, lock);
		suspended_count_wait(lock, thread_self, i % 3);
		cr_assert(suspended_released(lock));
	}
	return NULL;
}

static uint64_t taken;

static void *collect(void *unused)
{
	bool last;

	do {
		last = __atomic_load_n(&done, __ATOMIC_ACQUIRE);
		for (unsigned i = 0; i < suspended_high(); i++) {
			if (!suspended_take(i))
				continue;
			taken += 1 + suspended_get(i)->more.count;
			suspended_free(i);
		}
	} while (!last);
	return NULL;
}

Test(suspended, loses_nothing_between_threads)
{
	pthread_t threads[4], collector;

	pthread_create(&collector, NULL, collect, NULL);
	for (uintptr_t i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, add_and_release, (void *)i);
	for (unsigned i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	__atomic_store_n(&done, true, __ATOMIC_RELEASE);
	pthread_join(collector, NULL);
	cr_assert_eq(taken + suspended_lost(), 4 * ROUNDS);
	cr_assert_not(suspended_any());
	cr_assert_eq(count_in(SUSPENDED_FREE), suspended_high());
}
