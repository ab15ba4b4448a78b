/* SPDX-License-Identifier: MIT */
/*
 * Notes of held locks.
 * Runs on: application threads, anywhere, also inside an allocator's lock functions.
 */
#include "held.h"

#include <stddef.h>
#include <string.h>

#include "runtime/clock.h"
#include "runtime/entered.h"
#include "runtime/lock_word.h"
#include "runtime/locks.h"
#include "runtime/suspended.h"
#include "runtime/thread.h"

/* A list for threads that the engine does not know: full, so that generated code never writes. */
static struct held nobody = {.top = sizeof(nobody.notes)};

__thread struct held *held_self = &nobody;
bool held_follows;
static __thread bool excluded;

static uint8_t entered_byte(void)
{
	const uint8_t *note = entered_note();

	return note ? *note : ENTERED_BYTE_NONE;
}

/* Stack memory above `sp` that is certain to be mapped, for copying. */
static uint64_t readable_above(const struct thread *thread, uint64_t sp)
{
	uint64_t to_page_end = 4096 - (sp & 4095);
	uint64_t to_top = thread->stack_top - sp;

	/* A thread that runs on another stack for now (a fiber, a signal stack) is not near its
	 * top. */
	if (thread->stack_top > sp && to_top < 64u * 1024)
		return to_top < STACK_COPY ? to_top : STACK_COPY;
	return to_page_end < STACK_COPY ? to_page_end : STACK_COPY;
}

/* Returns index + 1 of a copy that no note has, 0 when there is none. */
static uint8_t free_copy(const struct thread *thread)
{
	uint32_t used = 0;

	for (unsigned i = 0; i < held_count(&thread->held); i++)
		if (thread->held.notes[i].copy)
			used |= 1u << (thread->held.notes[i].copy - 1);
	return used == (1u << HELD_MAX) - 1 ? 0 : (uint8_t)(__builtin_ctz(~used) + 1);
}

static void copy_stack(const struct thread *thread, const struct unwind_context *context,
		       struct stack_copy *copy)
{
	copy->context = *context;
	copy->size = readable_above(thread, context->sp);
	memcpy(copy->bytes, (const void *)(uintptr_t)context->sp, copy->size);
}

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

/* The thread's state, with room for one more note; NULL when there is none. */
static struct thread *noting_thread(void)
{
	struct thread *thread = thread_self;

	if (!thread && (excluded || !(thread = thread_attach())))
		return NULL;
	if (thread->held.top >= sizeof(thread->held.notes) && !make_room(thread))
		return NULL;
	return thread;
}

static void add(struct thread *thread, const struct held_note *note)
{
	thread->held.notes[held_count(&thread->held)] = *note;
	/* A reader on another thread never sees a note that is not there yet. */
	__atomic_store_n(&thread->held.top, thread->held.top + sizeof(*note), __ATOMIC_RELEASE);
}

void held_acquired(uint64_t lock, uint32_t place, const struct unwind_context *context)
{
	struct held_note note = {.lock = lock, .place = place, .entered = entered_byte()};
	struct thread *thread = noting_thread();

	if (!thread)
		return;
	if (context && (note.copy = free_copy(thread)))
		copy_stack(thread, context, &thread->held_copies[note.copy - 1]);
	add(thread, &note);
}

void held_acquired_from(uint64_t lock, uint32_t place, uint64_t pc)
{
	struct held_note note = {.lock = lock, .place = place, .entered = entered_byte()};
	struct thread *thread = noting_thread();

	if (!thread)
		return;
	if ((note.copy = free_copy(thread))) {
		thread->held_copies[note.copy - 1].context = (struct unwind_context){.pc = pc};
		thread->held_copies[note.copy - 1].size = 0;
	}
	add(thread, &note);
}

/* Polls that are open remember how long the list was when they began. */
static void shorten_bases(struct thread *thread, unsigned index)
{
	for (uint32_t i = 0; i < thread->depth && i < MAX_OPEN_POLLS; i++)
		if (thread_poll_base(thread, i) > index)
			thread->bases[i].held -= sizeof(struct held_note);
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

bool held_released(uint64_t lock)
{
	struct held *held = held_self;

	for (unsigned i = held == &nobody ? 0 : held_count(held); i > 0; i--) {
		if (held->notes[i - 1].lock != lock)
			continue;
		held_drop(held, i - 1);
		shorten_bases(thread_self, i - 1);
		return true;
	}
	if (!suspended_any() || !suspended_released(lock))
		note_orphan(lock);
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
