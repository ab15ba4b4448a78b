/* SPDX-License-Identifier: MIT */
/*
 * From generated code into the thread's list.
 * Runs on: application threads, at lock operations; compiled without vector registers.
 */
#include "lock_hooks_quick.h"

#include <stddef.h>

#include "runtime/held.h"
#include "runtime/locks.h"

void lock_acquired_inline(uint64_t lock, const struct entry_frame *frame)
{
	held_acquired(lock, (uint32_t)frame->place, NULL);
}

void lock_acquired_in_plumbing(uint64_t lock, const struct entry_frame *frame)
{
	const struct unwind_context context = {
		/* A return address of the instruction, so to say: behind its first byte. */
		.pc = lock_place_get((uint32_t)frame->place)->address + 1,
		.sp = (uintptr_t)(frame + 1),
		.bp = frame->bp,
	};

	held_acquired(lock, (uint32_t)frame->place, &context);
}

void lock_released_inline(uint64_t lock, const struct entry_frame *frame)
{
	(void)frame;
	held_released(lock);
}
