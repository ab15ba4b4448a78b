/* SPDX-License-Identifier: MIT */
/*
 * Inlined lock instructions: the atomic instruction that acquires or releases a lock, together with
 * the call into the lock's slow path that proves what it is. A pure function of the ELF image.
 *
 * Forms were read in code of rustc 1.95 (std, parking_lot 0.12.5, dashmap 5.5.3 and 6.1.0) at
 * opt-level 0 to 3 and s, without, with thin and with fat LTO.
 * Runs on: the constructor or the holder of the object lock, the viewer.
 */
#ifndef OVERSTAY_LOCK_SITES_H
#define OVERSTAY_LOCK_SITES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/locks.h"
#include "runtime/patch/decoder.h"
#include "runtime/patch/elf_image.h"
#include "runtime/patch/lock_functions.h"

/* Why a place is left alone. */
enum lock_skip {
	SKIP_NOT,
	SKIP_BRANCH,  /* a branch lands inside the bytes that would be replaced */
	SKIP_OPERAND, /* an operand or instruction that cannot be moved */
	SKIP_FLAGS,   /* the processor's flags are in use */
	SKIP_BOUNDS,  /* the function's extent is not known */
	SKIP_OVERLAP, /* another place begins inside the bytes that would be replaced */
	SKIP_REFUSED, /* memory could not be had or made writable */
	SKIP_COUNT
};

/* As in the trace and in `overstay inspect`. */
const char *lock_skip_reason(enum lock_skip skip);

struct lock_site {
	uint64_t address;   /* where bytes are replaced; of a function: its first byte */
	uint64_t slow;      /* the slow path that proves the kind; 0: none was needed */
	uint64_t only_lock; /* of a function that is not passed the lock; else 0 */
	uint8_t length;     /* bytes to be replaced: whole instructions, at least five */
	uint8_t atomic;     /* of these, bytes before the atomic instruction */
	uint8_t type, mode;
	bool release;
	bool tentative;  /* see struct lock_place */
	bool plumbing;   /* in a lock crate's own code: its caller is of interest */
	bool function;   /* the place is a function's entry; `role` applies */
	uint8_t role;    /* enum lock_function_role */
	uint8_t timeout; /* number of the argument with a timeout, from 1; 0: has none */
	uint8_t skip;    /* enum lock_skip */
};

struct lock_sites {
	struct lock_site *list; /* ascending by address; memory from the kernel */
	size_t count;
	/* Why nothing was looked for. */
	bool decoder_missing;       /* the decoder's library is not there */
	bool unwind_tables_missing; /* functions cannot be told apart */
};

#define LOCK_SITES_MAX (1u << 16)

/*
 * Finds all places in the image; `path` is its file, read for symbols. Returns false when memory is
 * short. `decoder` is open for this image when the caller has more to decode, else NULL.
 */
bool lock_sites_find(struct lock_sites *sites, const struct decoder *decoder,
		     const struct elf_image *image, const char *path);
void lock_sites_free(struct lock_sites *sites);

#endif
