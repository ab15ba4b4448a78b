/* SPDX-License-Identifier: MIT */
/*
 * What was recognised and hooked in this process, and what cannot be seen in it. Written by the
 * holder of engine.c's object lock, read by the trace.
 */
#ifndef OVERSTAY_COVERAGE_H
#define OVERSTAY_COVERAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/locks.h"

#define COVERAGE_RUNTIMES     32
#define COVERAGE_LOCK_REASONS 16 /* per type; what comes later counts as the last of them */

/* Reasons why something is not seen; each is one sentence in the trace. */
enum blind_spot {
	BLIND_NO_RUNTIME,
	BLIND_NO_STACKS,
	BLIND_INLINE_SYSCALLS,
	BLIND_ROOT_BY_SYMBOLS,
	BLIND_SLOTS_REFUSED,
	BLIND_OBJECTS_LEFT_OUT,
	BLIND_BAD_SETTING,
	BLIND_ROOT_LOCKS,
	BLIND_MEMORY_READS,
	BLIND_LOCKS_NO_DECODER,
	BLIND_LOCKS_NO_UNWIND_TABLES,
	BLIND_LOCKS_LATE,
	BLIND_LOCKS_MACHINE,
	BLIND_SPOT_COUNT
};

struct coverage_runtime {
	const char *name;   /* "tokio" */
	const char *layout; /* the adapter's word */
	uint32_t image;
	uint32_t task_vtables;
};

/* Inlined lock instructions and lock functions of one type that were found. */
struct coverage_locks {
	uint32_t sites;
	uint32_t patched;
	uint32_t reason_count;
	struct {
		const char *reason; /* static text */
		uint32_t count;
	} skipped[COVERAGE_LOCK_REASONS];
};

struct coverage {
	uint32_t task_vtables;
	uint32_t runtime_count;
	bool blind[BLIND_SPOT_COUNT];
	bool stacks;
	bool dirty;      /* changed since it was last written */
	bool opened;     /* whoever drains could open the trace, which is later than its start */
	const char *off; /* why the engine switched itself off, or NULL */
	struct coverage_runtime runtimes[COVERAGE_RUNTIMES];
	struct coverage_locks locks[LOCK_TYPES];
	uint32_t leaky_places; /* whose locks are released unseen, see locks.h */
};

extern struct coverage coverage;

/* Counts `vtables` hooked in image `image` for a runtime; more of the same are added up. */
void coverage_add_runtime(const char *name, const char *layout, uint32_t image, uint32_t vtables);

/*
 * Counts one place that acquires or releases locks of a type: patched, or, with a `reason` (static
 * text), recognised and left alone.
 */
void coverage_add_lock_site(enum lock_type type, const char *reason);

/* The same in somebody else's counters. */
void coverage_count_lock(struct coverage_locks *locks, const char *reason);

void coverage_set_blind(enum blind_spot spot, bool blind);

void coverage_set_opened(bool opened);

void coverage_set_leaky_places(uint32_t count);

/* The sentence of TRACE-FORMAT's `blind_spots`. */
const char *coverage_sentence(enum blind_spot spot);

#endif
