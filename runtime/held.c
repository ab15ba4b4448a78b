/* SPDX-License-Identifier: MIT */
/*
 * Notes of held locks.
 * Runs on: application threads, anywhere, also inside an allocator's lock functions.
 */
#include "held.h"

#include <stddef.h>
#include <string.h>

#include "runtime/entered.h"
#include "runtime/suspended.h"
#include "runtime/thread.h"

/* A list for threads that the engine does not know: full, so that generated code never writes. */
static struct held nobody = {.top = sizeof(nobody.notes)};

__thread struct held *held_self = &nobody;
bool held_follows;

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

/* Returns index + 1 of the copy, 0 when none is free. */
static uint8_t copy_stack(struct thread *thread, const struct unwind_context *context)
{
	uint32_t used = 0;
	unsigned slot;

	for (unsigned i = 0; i < held_count(&thread->held); i++)
		if (thread->held.notes[i].copy)
			used |= 1u << (thread->held.notes[i].copy - 1);
	if (used == (1u << HELD_MAX) - 1)
		return 0;
	slot = (unsigned)__builtin_ctz(~used);
	struct stack_copy *copy = &thread->held_copies[slot];

	copy->context = *context;
	copy->size = readable_above(thread, context->sp);
	memcpy(copy->bytes, (const void *)(uintptr_t)context->sp, copy->size);
	return (uint8_t)(slot + 1);
}

void held_acquired(uint64_t lock, uint32_t place, const struct unwind_context *context)
{
	struct thread *thread = thread_self ? thread_self : thread_attach();
	struct held_note note = {.lock = lock, .place = place, .entered = entered_byte()};

	if (!thread)
		return;
	if (thread->held.top >= sizeof(thread->held.notes)) {
		thread->held_lost++;
		return;
	}
	if (context)
		note.copy = copy_stack(thread, context);
	thread->held.notes[held_count(&thread->held)] = note;
	/* A reader on another thread never sees a note that is not there yet. */
	__atomic_store_n(&thread->held.top, thread->held.top + sizeof(note), __ATOMIC_RELEASE);
}

void held_released(uint64_t lock)
{
	struct held *held = held_self;

	if (held != &nobody) {
		for (unsigned i = held_count(held); i > 0; i--) {
			if (held->notes[i - 1].lock != lock)
				continue;
			for (unsigned j = i; j < held_count(held); j++)
				held->notes[j - 1] = held->notes[j];
			__atomic_store_n(&held->top, held->top - sizeof(*held->notes),
					 __ATOMIC_RELEASE);
			return;
		}
	}
	if (suspended_any())
		suspended_released(lock);
}

void held_after_fork(void)
{
	held_self = &nobody;
}
