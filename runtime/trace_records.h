/* SPDX-License-Identifier: MIT */
/*
 * Lines of the trace that describe what was aggregated: stacks, task types, calls, long polls.
 * Runs on: whoever drains.
 */
#ifndef OVERSTAY_TRACE_RECORDS_H
#define OVERSTAY_TRACE_RECORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/text.h"

/* When a line that may be repeated was written; zero-initialised: never. */
struct trace_schedule {
	uint64_t first, last; /* ticks */
};

/* True when the line is to be written (again) now; `all` forces it. */
bool trace_schedule_due(const struct trace_schedule *schedule, bool all);
void trace_schedule_done(struct trace_schedule *schedule);

/* ,"histogram":[[upper_ns,count],...] of HISTOGRAM_BUCKETS counters */
void trace_add_histogram(struct text *line, const uint64_t *histogram);

/* Writes the stack's line, and its modules', if they have none yet; false when there is no room. */
bool trace_write_stack(uint32_t index);

/* Writes new and due records with whatever they refer to. */
void trace_write_records(bool all);

#endif
