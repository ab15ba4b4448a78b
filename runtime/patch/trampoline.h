/* SPDX-License-Identifier: MIT */
/*
 * The code that replaced instructions jump to: does what they did, and keeps the list of held locks
 * (held.h, whose layout it knows).
 * Runs on: the constructor or the holder of the object lock; what it writes runs on any thread.
 */
#ifndef OVERSTAY_TRAMPOLINE_H
#define OVERSTAY_TRAMPOLINE_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/patch/decoder.h"
#include "runtime/patch/emit.h"
#include "runtime/patch/lock_sites.h"

/* Upper bound of what one place needs, for reserving memory. */
#define TRAMPOLINE_BYTES 256

/*
 * Stands before the trampolines, in reach of their addressing: where they call the engine. The
 * functions keep every register and the vector state.
 */
struct trampoline_calls {
	uint64_t full; /* RCX: lock, on the stack: place. The list has no room, or is not there */
	uint64_t plumbing; /* the same: note the lock together with the stack */
	uint64_t missing;  /* RCX: lock, not the one that was acquired last */
	uint64_t function; /* R11: struct lock_hook */
};

struct trampolines {
	const struct decoder *decoder;
	const struct trampoline_calls *calls;
	int32_t held_offset;    /* of held_self from the thread pointer */
	int32_t entered_offset; /* of the runtime's note; 0: not known */
	struct emitter emitter;
};

/* A function whose entry was replaced. */
struct lock_hook {
	uint64_t original;  /* runs it nevertheless; first, the assembly knows */
	uint64_t only_lock; /* as in struct lock_site */
	uint32_t place;
	uint8_t role;    /* enum lock_function_role */
	uint8_t type;    /* enum lock_type */
	uint8_t timeout; /* as in struct lock_site */
};

/* Writes the code for one inlined instruction; returns its address, 0 when that is not possible. */
uint64_t trampoline_instruction(struct trampolines *trampolines, const struct lock_site *site,
				uint32_t place);

/* The same for a function; sets hook->original. */
uint64_t trampoline_function(struct trampolines *trampolines, const struct lock_site *site,
			     struct lock_hook *hook);

#endif
