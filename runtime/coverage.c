/* SPDX-License-Identifier: MIT */
/*
 * Coverage and blind spots.
 * Runs on: the holder of the object lock.
 */
#include "coverage.h"

#include <string.h>

struct coverage coverage = {.dirty = true};

static const char *const sentences[BLIND_SPOT_COUNT] = {
	[BLIND_NO_RUNTIME] =
		"no known runtime: no Tokio task vtables were found in the loaded objects "
		"(Tokio before 1.23 is found by its symbols only)",
	[BLIND_NO_STACKS] =
		"libunwind.so.8 is not available: findings have no stacks, and blocking "
		"calls in block_on bodies cannot be recognised",
	[BLIND_INLINE_SYSCALLS] =
		"system calls made past libc (rustix's default backend, liburing)",
	[BLIND_ROOT_BY_SYMBOLS] =
		"this Tokio's note of being inside block_on was not found (it is from 1.38 on, in "
		"objects that are not loaded later): bodies of block_on are told by function "
		"symbols only, and on threads other than the main one only after they have first "
		"waited",
	[BLIND_SLOTS_REFUSED] =
		"some task vtables lie in memory that cannot be made writable; polls "
		"of those task types are not seen",
	[BLIND_OBJECTS_LEFT_OUT] =
		"more than 1024 shared objects were loaded; the later ones were not "
		"examined",
	[BLIND_BAD_SETTING] =
		"an OVERSTAY_ environment variable holds a value that is not a time; its "
		"default was used",
	[BLIND_ROOT_LOCKS] = "this Tokio's note of being inside block_on was not found: locks that "
			     "a body of block_on holds across an await are not told from those "
			     "held by the code around it, and are left out",
	[BLIND_MEMORY_READS] =
		"the process may not read its own memory through the kernel (a sandbox): locks "
		"held across an await, and deadlocks, are not found",
	[BLIND_LOCKS_NO_DECODER] = "libZydis is not available in the version that this library was "
				   "built with: inlined "
				   "locks are not followed, only pthread's",
	[BLIND_LOCKS_NO_UNWIND_TABLES] = "an object with a runtime has no unwind tables "
					 "(.eh_frame_hdr): its inlined locks are "
					 "not followed, only pthread's",
	[BLIND_LOCKS_LATE] = "an object with a runtime was loaded when other threads were running: "
			     "its inlined locks "
			     "are not followed, only pthread's",
	[BLIND_LOCKS_MACHINE] =
		"inlined locks are followed on x86-64 only: here only waits for locks are seen, "
		"and locks of pthread; what is stuck has no stack, and a body of block_on that is "
		"stuck is not found",
};

void coverage_add_runtime(const char *name, const char *layout, uint32_t image, uint32_t vtables)
{
	struct coverage_runtime *runtime = NULL;

	for (uint32_t i = 0; i < coverage.runtime_count; i++)
		if (coverage.runtimes[i].image == image &&
		    strcmp(coverage.runtimes[i].name, name) == 0)
			runtime = &coverage.runtimes[i];
	if (!runtime && coverage.runtime_count < COVERAGE_RUNTIMES) {
		runtime = &coverage.runtimes[coverage.runtime_count++];
		*runtime =
			(struct coverage_runtime){.name = name, .layout = layout, .image = image};
	}
	if (runtime)
		runtime->task_vtables += vtables;
	coverage.task_vtables += vtables;
	coverage.blind[BLIND_NO_RUNTIME] = false;
	coverage.blind[BLIND_INLINE_SYSCALLS] = true;
	coverage.dirty = true;
}

void coverage_add_lock_site(enum lock_type type, const char *reason)
{
	coverage_count_lock(&coverage.locks[type], reason);
	coverage.dirty = true;
}

void coverage_count_lock(struct coverage_locks *locks, const char *reason)
{
	uint32_t i = 0;

	locks->sites++;
	if (!reason) {
		locks->patched++;
		return;
	}
	while (i < locks->reason_count && strcmp(locks->skipped[i].reason, reason) != 0)
		i++;
	if (i == COVERAGE_LOCK_REASONS)
		i--;
	else if (i == locks->reason_count)
		locks->skipped[locks->reason_count++].reason = reason;
	locks->skipped[i].count++;
}

void coverage_set_blind(enum blind_spot spot, bool blind)
{
	if (coverage.blind[spot] != blind)
		coverage.dirty = true;
	coverage.blind[spot] = blind;
}

void coverage_set_opened(bool opened)
{
	coverage.opened = opened;
	coverage.dirty = true;
}

void coverage_set_leaky_places(uint32_t count)
{
	if (coverage.leaky_places != count)
		coverage.dirty = true;
	coverage.leaky_places = count;
}

const char *coverage_sentence(enum blind_spot spot)
{
	return sentences[spot];
}
