/* SPDX-License-Identifier: MIT */
/*
 * Notes of held locks.
 * Runs on: application threads, anywhere, also inside an allocator's lock functions.
 */
#include "held.h"

#include <stddef.h>

#include "runtime/clock.h"
#include "runtime/lock_word.h"
#include "runtime/locks.h"
#include "runtime/suspended.h"
#include "runtime/thread.h"

/* A list for threads that the engine does not know: full, so that generated code never writes. */
static struct held nobody = {.top = sizeof(nobody.notes)};

__thread struct held *held_self = &nobody;
bool held_follows;
static __thread bool excluded;

/* Notes of locks that are free, or were acquired once more, make room. */
static void drop_stale(struct held *held)
{
	for (unsigned i = 0; i < held_count(held);) {
		const struct lock_place *place = lock_place_get(held->notes[i].place);
		bool again = false;

		for (unsigned j = i + 1; j < held_count(held); j++)
			again |= held->notes[j].lock == held->notes[i].lock;
		if (!(again && place->mode == LOCK_EXCLUSIVE) &&
		    lock_word_is_locked(held->notes[i].lock, place->type)) {
			i++;
			continue;
		}
		if (!lock_word_refused())
			lock_place_leaked(held->notes[i].place);
		held_drop(held, i);
	}
}

/* Looking costs a system call per note, so a list that stays full is looked at ever less. */
static bool make_room(struct thread *thread)
{
	uint64_t tries = ++thread->held_full;

	if ((tries & (tries - 1)) == 0 || tries % 4096 == 0)
		drop_stale(&thread->held);
	if (thread->held.top < sizeof(thread->held.notes))
		return true;
	thread->held_lost++;
	return false;
}

/* Whether the thread is known now and has room for one more note. */
static bool noting_thread(void)
{
	struct thread *thread = thread_self;

	if (!thread && (excluded || !(thread = thread_attach())))
		return false;
	return thread->held.top < sizeof(thread->held.notes) || make_room(thread);
}

void held_acquired(uint64_t lock, uint32_t place, const struct unwind_context *context)
{
	if (!held_acquired_quick(lock, place, context) && noting_thread())
		held_acquired_quick(lock, place, context);
}

void held_acquired_from(uint64_t lock, uint32_t place, uint64_t pc)
{
	const struct unwind_context context = {.pc = pc};

	held_acquired(lock, place, &context);
}

static void note_orphan(uint64_t lock)
{
	struct thread *thread = thread_self;
	struct held_orphan *orphan;

	if (!thread)
		return;
	orphan = &thread->orphans[thread->next_orphan++ % HELD_ORPHANS];
	__atomic_store_n(&orphan->lock, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&orphan->ticks, clock_ticks(), __ATOMIC_RELEASE);
	__atomic_store_n(&orphan->lock, lock, __ATOMIC_RELEASE);
}

/*
 * Whoever has the note took the lock, and gave its guard away. Looked for ever less often: a thread
 * may release many locks whose acquisition is not seen.
 */
static void look_for_giver(uint64_t lock)
{
	uint32_t times = thread_self ? thread_self->next_orphan : 0;

	if (!times || (times & (times - 1)))
		return;
	for (struct thread *t = thread_first(); t; t = t->next) {
		unsigned count = held_count(&t->held);

		for (unsigned i = 0; t != thread_self && i < count && i < HELD_MAX; i++)
			if (t->held.notes[i].lock == lock)
				lock_place_moved(t->held.notes[i].place);
	}
}

bool held_released(uint64_t lock)
{
	if (held_released_quick(lock))
		return true;
	if (!suspended_any() || !suspended_released(lock)) {
		note_orphan(lock);
		look_for_giver(lock);
	}
	return false;
}

void held_exclude_thread(void)
{
	excluded = true;
}

void held_after_fork(void)
{
	held_self = &nobody;
	suspended_after_fork();
}
