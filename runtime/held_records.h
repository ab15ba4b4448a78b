/* SPDX-License-Identifier: MIT */
/*
 * Folds suspended locks into records, one per distinct acquiring stack and task type, and writes
 * them.
 * Runs on: whoever drains.
 */
#ifndef OVERSTAY_HELD_RECORDS_H
#define OVERSTAY_HELD_RECORDS_H

#include <stdbool.h>
#include <stdint.h>

/* Takes in what was suspended and released since, and closes entries whose release was missed. */
void held_records_collect(void);

/* Writes `held` lines that are new or due. */
void held_records_write(bool all);

/* Locks that found no free record. */
uint64_t held_records_lost(void);

/* In a fork child. */
void held_records_reset(void);

#endif
