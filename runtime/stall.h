/* SPDX-License-Identifier: MIT */
/*
 * Workers that do not come back: seen from outside while it lasts, so that it is in the trace even
 * if the process has to be killed.
 * Runs on: whoever drains.
 */
#ifndef OVERSTAY_STALL_H
#define OVERSTAY_STALL_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/trace_records.h"

struct thread;

/* One per thread; zero-initialised. The latest stall. */
struct stall {
	uint64_t poll_start; /* ticks; identifies the poll; 0: none */
	uint32_t id;         /* in the trace */
	bool open;           /* told, and not yet told to be over */
	struct trace_schedule schedule;
};

/*
 * Looks whether the thread is still in one poll of a task that began longer ago than `limit_ns`,
 * and writes it: at first sight, again as it grows, and once more when it is over.
 */
void stall_check(struct thread *thread, uint64_t limit_ns, bool all);

/* In a fork child: nothing is written yet. */
void stall_after_fork(void);

#endif
