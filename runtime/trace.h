/* SPDX-License-Identifier: MIT */
/*
 * What the engine knows, as lines of the trace (docs/TRACE-FORMAT.md).
 * Runs on: the constructor (trace_start), whoever drains (the rest).
 */
#ifndef OVERSTAY_TRACE_H
#define OVERSTAY_TRACE_H

#include <stdbool.h>

#include "runtime/config.h"
#include "runtime/engine.h"
#include "runtime/thread.h"

/* Creates the file and writes header and coverage. Returns 0 or a negative errno. */
int trace_start(const struct config *config);

/*
 * Writes what is new, and what has changed and is due: a line is repeated after an eighth of the
 * time since it was first written, at least 200 ms, so that the file grows with the logarithm of
 * the run time. `all`: everything that has changed.
 */
void trace_update(const struct durations *polls, uint64_t set_aside, const struct op_counter *ops,
		  bool all);

void trace_end(enum finish_reason reason, int status, uint64_t dropped_events);

/* In a fork child: nothing is written yet. */
void trace_after_fork(void);

#endif
