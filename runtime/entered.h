/* SPDX-License-Identifier: MIT */
/*
 * Whether a thread is inside a runtime's block_on or worker loop, read from the runtime's own
 * thread-local note of it. Exact where an adapter found that note, also in stripped binaries.
 */
#ifndef OVERSTAY_ENTERED_H
#define OVERSTAY_ENTERED_H

#include <stdbool.h>
#include <stdint.h>

enum entered {
	ENTERED_NO,
	ENTERED_YES,
	ENTERED_UNKNOWN,
};

/*
 * Constructor: the note of a recognised runtime is the byte at `address` on the calling thread, in
 * a thread-local block that has the same distance from the thread pointer on every thread. Values
 * up to `entered_max` mean entered, `not_entered` means not. A second note withdraws both: one byte
 * cannot speak for two copies of a runtime.
 */
void entered_set(const uint8_t *address, uint8_t entered_max, uint8_t not_entered);

/* A copy of a runtime was hooked that has no note: the other's cannot speak for its threads. */
void entered_withdraw(void);

/* Where the calling thread has its note, or NULL when that is not known. */
const uint8_t *entered_note(void);

/* Whether a value of the note, read earlier, means entered; false while there is no note. */
bool entered_means_inside(uint8_t value);

/* The calling thread's state as the note has it now. */
enum entered entered_now(void);

/*
 * The same from the note of another thread, which may end meanwhile: what cannot be read any more
 * is not entered.
 */
enum entered entered_elsewhere(const uint8_t *note);

/*
 * Checks the note against what is known for certain at the start of a poll: a scheduler polls tasks
 * only when entered, and a blocking-pool job begins not entered. A contradiction withdraws the note
 * for good.
 */
void entered_check(bool expected);

/* What a state that was read earlier is worth now: unknown when the note was withdrawn since. */
enum entered entered_trusted(enum entered earlier);

#endif
