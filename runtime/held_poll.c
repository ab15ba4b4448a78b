/* SPDX-License-Identifier: MIT */
/*
 * Held locks at the end of polls.
 * Runs on: application threads.
 *
 * The poll function has returned by then, so another thread may already be polling the task again,
 * and release the lock before it is in the table. Such a release finds no note anywhere and is kept
 * by its thread for a while (held.h), which is how it is told from a release that was not seen. It
 * is not counted: a lock that is held across many polls is found at others of them.
 */
#include "held_poll.h"

#include <string.h>

#include "runtime/clock.h"
#include "runtime/entered.h"
#include "runtime/lock_word.h"
#include "runtime/locks.h"
#include "runtime/suspended.h"
#include "runtime/thread.h"

/* Bits of a task's state (tokio runtime/task/state.rs); the count of references is above them. */
#define TASK_COMPLETE    2
#define TASK_REFERENCE   64
#define REFERENCES_LIMIT (1u << 20)

enum { WORD_STATE, WORD_VTABLE, WORD_ID, WORD_SCHEDULER, WORDS };

/*
 * Whether the task is over after its poll. Its header may have been freed and used for something
 * else; whatever does not look like the same unfinished task is taken for finished.
 */
static bool has_finished(const struct poll_frame *frame, uint64_t *ret_scheduler)
{
	const struct task_type *type = frame->type;
	const uint64_t header = (uintptr_t)frame->header;
	const uint64_t places[WORDS] = {
		[WORD_STATE] = header,
		[WORD_VTABLE] = header + type->vtable_offset,
		[WORD_ID] = header + type->id_offset,
		[WORD_SCHEDULER] = header + type->scheduler_offset,
	};
	uint64_t words[WORDS], references;

	if (!lock_word_read(words, places, WORDS))
		return true;
	*ret_scheduler = type->scheduler_offset ? words[WORD_SCHEDULER] : 0;
	references = words[WORD_STATE] / TASK_REFERENCE;
	return (words[WORD_STATE] & TASK_COMPLETE) || !references ||
	       references >= REFERENCES_LIMIT ||
	       (type->vtable_offset && words[WORD_VTABLE] != type->vtable) ||
	       (type->id_offset && words[WORD_ID] != frame->task);
}

static bool is_exclusive(uint32_t place)
{
	return lock_place_get(place)->mode == LOCK_EXCLUSIVE;
}

/* Another thread has released that lock since, without having had a note of it. */
static bool was_released_elsewhere(const struct thread *thread, uint64_t lock, uint64_t since)
{
	for (struct thread *t = thread_first(); t; t = t->next)
		for (unsigned i = 0; t != thread && i < HELD_ORPHANS; i++)
			if (__atomic_load_n(&t->orphans[i].lock, __ATOMIC_RELAXED) == lock &&
			    __atomic_load_n(&t->orphans[i].ticks, __ATOMIC_RELAXED) >= since)
				return true;
	return false;
}

/* A later note says that somebody has acquired the lock anew. */
static bool is_overtaken(const struct thread *thread, unsigned index)
{
	const struct held_note *note = &thread->held.notes[index];

	if (!is_exclusive(note->place))
		return false;
	for (unsigned i = index + 1; i < held_count(&thread->held); i++)
		if (thread->held.notes[i].lock == note->lock)
			return true;
	for (struct thread *t = thread_first(); t; t = t->next) {
		unsigned count = t == thread ? 0 : held_count(&t->held);

		for (unsigned i = 0; i < count && i < HELD_MAX; i++)
			if (t->held.notes[i].lock == note->lock)
				return true;
	}
	return false;
}

static bool is_true(const struct thread *thread, unsigned index)
{
	const struct held_note *note = &thread->held.notes[index];

	return !is_overtaken(thread, index) &&
	       lock_word_is_locked(note->lock, lock_place_get(note->place)->type);
}

/* A note was stale. If no other thread has released that lock since, its release was missed. */
static void blame(const struct thread *thread, const struct held_note *note, uint64_t since)
{
	if (!was_released_elsewhere(thread, note->lock, since) && !lock_word_refused())
		lock_place_leaked(note->place);
}

static struct suspended *hand_over(struct thread *thread, const struct held_note *note)
{
	struct suspended *entry = suspended_claim();

	if (!entry)
		return NULL;
	entry->place = note->place;
	entry->entered = note->entered;
	entry->thread = thread;
	entry->since = clock_ticks();
	if (note->copy) {
		const struct stack_copy *copy = &thread->held_copies[note->copy - 1];

		entry->copy.context = copy->context;
		entry->copy.size = copy->size;
		memcpy(entry->copy.bytes, copy->bytes, copy->size);
	}
	return entry;
}

/* Before anything is read that takes a system call. */
static void drop_distrusted(struct thread *thread, unsigned base)
{
	for (unsigned i = held_count(&thread->held); i > base; i--)
		if (!lock_place_trusted(thread->held.notes[i - 1].place))
			held_drop(&thread->held, i - 1);
}

void held_at_poll_end(struct thread *thread, const struct poll_frame *frame)
{
	uint64_t scheduler = 0;
	unsigned base = thread_poll_base(thread, (uint32_t)(frame - thread->polls));
	bool finished;

	drop_distrusted(thread, base);
	if (base >= held_count(&thread->held))
		return;
	finished = has_finished(frame, &scheduler);

	for (unsigned i = base; i < held_count(&thread->held); i++) {
		uint64_t lock = thread->held.notes[i].lock;
		struct suspended *entry;

		if (!is_true(thread, i)) {
			blame(thread, &thread->held.notes[i], frame->start);
			continue;
		}
		if (!(entry = hand_over(thread, &thread->held.notes[i])))
			continue;
		entry->quiet = finished;
		entry->task = frame->task;
		entry->header = frame->header;
		entry->type = frame->type;
		entry->scheduler = scheduler;
		suspended_publish(entry, lock);
		if (was_released_elsewhere(thread, lock, frame->start))
			suspended_released(lock);
	}
	held_cut(&thread->held, base);
	/* The next poll did not begin when this one ended. */
	thread->last_end = 0;
}

/* Notes that the body of a root future took, from index `base` on. */
static void root_yields(struct thread *thread, unsigned base, bool parks)
{
	const struct remembered_stack *stack = NULL;

	if (entered_now() != ENTERED_YES)
		return;
	for (unsigned i = base; i < held_count(&thread->held);) {
		struct held_note note = thread->held.notes[i];
		struct suspended *entry = NULL;

		/* Not entered: taken by the code around block_on, which may hold what it likes. */
		if (!entered_means_inside(note.entered)) {
			i++;
			continue;
		}
		/*
		 * A stale note is nobody's fault here: to wait for a condition is to release its
		 * mutex, somewhere inside of the waiting.
		 */
		if (is_true(thread, i))
			entry = hand_over(thread, &note);
		if (entry) {
			entry->root = true;
			if (parks && !stack)
				stack = unwind_capture(&thread->stacks);
			if (stack) {
				entry->parked_count = stack->count;
				memcpy(entry->parked_frames, stack->frames,
				       stack->count * sizeof(*stack->frames));
			}
			suspended_publish(entry, note.lock);
		}
		held_drop(&thread->held, i);
	}
}

void held_before_poll(struct thread *thread, struct poll_frame *frame)
{
	root_yields(thread, 0, false);
	thread->bases[0].held = thread->held.top;
	thread->bases[0].start = frame->start;
}

void held_before_park(struct thread *thread)
{
	const struct poll_frame *frame = thread_poll(thread);

	if (frame && frame->class == POLL_TASK)
		return;
	thread_busy_begin(thread);
	root_yields(thread, frame ? thread_poll_base(thread, thread->depth - 1) : 0, true);
	thread_busy_end(thread);
}
