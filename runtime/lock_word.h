/* SPDX-License-Identifier: MIT */
/*
 * What a lock's own memory says. Read without being able to fault: the lock may be gone.
 * Runs on: any thread.
 */
#ifndef OVERSTAY_LOCK_WORD_H
#define OVERSTAY_LOCK_WORD_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/locks.h"

/*
 * Whether the lock is held by anybody. False also when its memory cannot be read: what is not known
 * is not told.
 */
bool lock_word_is_locked(uint64_t lock, enum lock_type type);

/* The pure part: of the lock's first 32 bytes, as many as the type has. */
bool lock_word_says_locked(const unsigned char *bytes, enum lock_type type);

/*
 * Whether the word says the same as notes of so many holders, as far as the type's word counts
 * them. `exclusive`: those that are not readers.
 */
bool lock_word_agrees(uint64_t lock, enum lock_type type, unsigned shared, unsigned exclusive);

/* True once reading this process's memory was refused: a sandbox, and nothing is found then. */
bool lock_word_refused(void);

/*
 * Copies `count` words from as many addresses; false when one of them cannot be read.
 */
bool lock_word_read(uint64_t *ret, const uint64_t *addresses, unsigned count);

#endif
