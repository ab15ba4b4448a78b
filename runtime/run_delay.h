/* SPDX-License-Identifier: MIT */
/*
 * How long a thread has waited for a processor, from the scheduler's own account: the second number
 * of /proc/<pid>/task/<tid>/schedstat (Documentation/scheduler/sched-stats.rst), in nanoseconds.
 * Runs on: the collector, whose descriptors the target does not see.
 */
#ifndef OVERSTAY_RUN_DELAY_H
#define OVERSTAY_RUN_DELAY_H

#include <stdint.h>

struct thread;

/* One per thread; zero-initialised. */
struct run_delay {
	int fd;            /* schedstat, plus 1; 0: not open; -1: cannot be opened */
	uint64_t activity; /* of the thread at the latest sample */
	struct {
		uint64_t at; /* ticks; 0: none */
		uint64_t delay_ns;
	} samples[2]; /* the latest first */
};

/* Takes a sample when the thread has finished a poll, or begun a job, since the last one. */
void run_delay_sample(struct thread *thread);

/*
 * An upper bound of the time the thread has waited for a processor since `start` (ticks): what it
 * has waited since the latest sample before, or else in all its life. 0 when it is not known.
 */
uint64_t run_delay_since(struct thread *thread, uint64_t start);

/* The thread has ended. */
void run_delay_forget(struct thread *thread);

#endif
