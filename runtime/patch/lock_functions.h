/* SPDX-License-Identifier: MIT */
/*
 * Out-of-line functions of the locks that are followed, told by their symbols: slow paths in every
 * profile, whole lock functions in unoptimised builds.
 *
 * Sources: Rust 1.62 to 1.95 (library/std/src/sys/sync, sys/unix/locks before 1.78), parking_lot
 * 0.9 to 0.12 (raw_mutex.rs, raw_rwlock.rs), dashmap 5 and 6 (lock.rs). Runs on: the constructor or
 * the holder of the object lock, the viewer.
 */
#ifndef OVERSTAY_LOCK_FUNCTIONS_H
#define OVERSTAY_LOCK_FUNCTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/locks.h"
#include "runtime/patch/elf_image.h"

enum lock_function_role {
	FUNCTION_SLOW_ACQUIRE, /* called when the inlined part failed; the lock is the first
				  argument */
	FUNCTION_SLOW_TRY,     /* the same, returns whether it acquired */
	FUNCTION_SLOW_RELEASE,
	FUNCTION_LOCK,       /* the lock is the first argument */
	FUNCTION_TRY,        /* the same, returns whether it acquired */
	FUNCTION_LOCK_GUARD, /* returns a guard in memory (first argument): the lock is the second
			      */
	FUNCTION_TRY_GUARD,  /* the same, the first word of the result is 0 when it acquired */
	FUNCTION_UNLOCK,
	FUNCTION_PLUMBING, /* other code of a lock's crate: what it locks, it locks for its caller
			    */
};

struct lock_function {
	uint64_t address, size; /* at run time; size 0: unknown */
	uint8_t role;           /* enum lock_function_role */
	uint8_t type, mode;
};

/* Ascending by address; memory from the kernel. */
struct lock_functions {
	struct lock_function *list;
	size_t count;
	bool has_symbols; /* false: the file is stripped, slow paths are told by their shape */
};

#define LOCK_FUNCTIONS_MAX 65536

/* Reads the symbols of the file at `path`. Returns false when memory is short. */
bool lock_functions_read(struct lock_functions *functions, const struct elf_image *image,
			 const char *path);
void lock_functions_free(struct lock_functions *functions);

/* The function that begins at `address`, or NULL. Plumbing is not among the answers. */
const struct lock_function *lock_functions_at(const struct lock_functions *functions,
					      uint64_t address);

/* Whether `address` is in code of a lock's crate. */
bool lock_functions_is_plumbing(const struct lock_functions *functions, uint64_t address);

#endif
