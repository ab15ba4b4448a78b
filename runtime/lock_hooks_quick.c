/* SPDX-License-Identifier: MIT */
/*
 * From generated code into the thread's list.
 * Runs on: application threads, at lock operations; compiled without vector registers.
 */
#include "lock_hooks_quick.h"

#include "runtime/held.h"
#include "runtime/locks.h"

struct unwind_context lock_hooks_context(const struct entry_frame *frame)
{
	return (struct unwind_context){
		/* A return address of the instruction, so to say: behind its first byte. */
		.pc = lock_place_get((uint32_t)frame->place)->address + 1,
		.sp = (uintptr_t)(frame + 1),
		.bp = frame->bp,
	};
}

bool lock_hook_plumbing_quick(uint64_t lock, const struct entry_frame *frame)
{
	const struct unwind_context context = lock_hooks_context(frame);

	return held_acquired_quick(lock, (uint32_t)frame->place, &context);
}

bool lock_hook_missing_quick(uint64_t lock)
{
	return held_released_quick(lock);
}
