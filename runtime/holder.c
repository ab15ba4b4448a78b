/* SPDX-License-Identifier: MIT */
/*
 * Holders of locks.
 * Runs on: any thread.
 */
#include "holder.h"

#include <stddef.h>

#include "runtime/locks.h"
#include "runtime/suspended.h"
#include "runtime/thread.h"

#define CANDIDATES 8

/* The thread that polls the task of a suspended lock at the moment. */
static struct thread *polled_by(const struct suspended *entry)
{
	if (!entry->header)
		return NULL;
	for (struct thread *t = thread_first(); t; t = t->next)
		if (thread_polls(t, entry->header, entry->task))
			return t;
	return NULL;
}

static bool read_entry(unsigned index, uint64_t lock, struct holder *ret)
{
	const struct suspended *entry;
	struct thread *poller;
	uint64_t key;

	if (suspended_look(index, &key) != SUSPENDED_OPEN || key != lock)
		return false;
	entry = suspended_get(index);
	*ret = (struct holder){
		.lock = lock,
		.place = entry->place,
		.mode = lock_place_get(entry->place)->mode,
		.suspended = !entry->quiet,
		.finished = entry->quiet,
		.root = entry->root,
		.task = entry->task,
		.type = entry->type,
		.scheduler = entry->scheduler,
		.thread = entry->thread,
		.thread_id = entry->thread_id,
		.since = entry->since,
		.entry = index + 1,
		.generation = entry->generation,
		.copy = &entry->copy,
	};
	if (!ret->finished && (poller = polled_by(entry))) {
		ret->suspended = false;
		ret->thread = poller;
	}
	return suspended_look(index, &key) == SUSPENDED_OPEN && key == lock &&
	       suspended_get(index)->generation == ret->generation;
}

/* The task whose poll took the note: the innermost one that had begun by then. */
static const struct poll_frame *poll_of_note(const struct thread *thread, unsigned index)
{
	uint32_t depth = __atomic_load_n(&thread->depth, __ATOMIC_ACQUIRE);

	for (uint32_t i = depth < MAX_OPEN_POLLS ? depth : MAX_OPEN_POLLS; i > 0; i--)
		if (index >= thread_poll_base(thread, i - 1))
			return &thread->polls[i - 1];
	return NULL;
}

static bool read_note(struct thread *thread, unsigned index, uint64_t lock, struct holder *ret)
{
	const struct held_note note = thread->held.notes[index];
	const struct poll_frame *frame;

	if (note.lock != lock)
		return false;
	*ret = (struct holder){
		.lock = lock,
		.place = note.place,
		.mode = lock_place_get(note.place)->mode,
		.thread = thread,
		.copy = note.copy && note.copy <= HELD_MAX ? &thread->held_copies[note.copy - 1]
							   : NULL,
	};
	frame = poll_of_note(thread, index);
	if (frame && frame->class == POLL_TASK) {
		ret->task = frame->task;
		ret->type = frame->type;
	}
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return thread->held.notes[index].lock == lock &&
	       thread->held.notes[index].place == note.place && index < held_count(&thread->held);
}

unsigned holders_find(uint64_t lock, struct holder *ret, unsigned max)
{
	unsigned found = 0, high = suspended_any() ? suspended_high() : 0;

	for (unsigned i = 0; i < high && found < max; i++)
		found += read_entry(i, lock, &ret[found]);
	for (struct thread *t = thread_first(); t; t = t->next) {
		unsigned count = (unsigned)(__atomic_load_n(&t->held.top, __ATOMIC_ACQUIRE) /
					    sizeof(struct held_note));

		for (unsigned i = 0; i < count && i < HELD_MAX && found < max; i++)
			found += read_note(t, i, lock, &ret[found]);
	}
	return found;
}

bool holders_agree(const struct holder *holders, unsigned count)
{
	bool exclusive = false, recursive = true;

	for (unsigned i = 0; i < count; i++) {
		exclusive |= holders[i].mode == LOCK_EXCLUSIVE;
		if (!lock_place_trusted(holders[i].place))
			return false;
		/* A recursive mutex is noted once for every time. */
		recursive &= holders[i].thread == holders[0].thread &&
			     lock_place_get(holders[i].place)->type == LOCK_PTHREAD_MUTEX;
	}
	return count < 2 || !exclusive || recursive;
}

bool holder_name(uint64_t lock, const struct thread *waiter, struct holder *ret)
{
	struct holder found[CANDIDATES];
	unsigned count = holders_find(lock, found, CANDIDATES), best = 0;

	if (!count || !holders_agree(found, count))
		return false;
	for (unsigned i = 1; i < count; i++) {
		if (found[best].thread == waiter && !found[best].suspended)
			break;
		if ((found[i].thread == waiter && !found[i].suspended) ||
		    (found[i].suspended && !found[best].suspended))
			best = i;
	}
	*ret = found[best];
	return true;
}
