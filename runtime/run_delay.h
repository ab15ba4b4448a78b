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

#define RUN_DELAY_SAMPLES 16 /* at most one a tick: most of a second */

/* One per thread; zero-initialised. */
struct run_delay {
	int fd;            /* schedstat, plus 1; 0: not open; -1: cannot be opened */
	uint64_t activity; /* of the thread at the latest sample */
	struct {
		uint64_t at; /* ticks; 0: none */
		uint64_t delay_ns;
	} samples[RUN_DELAY_SAMPLES]; /* the latest first */
};

/* Takes the first sample, and others when the thread has done something that is seen since. */
void run_delay_sample(struct thread *thread);

/*
 * How long the thread has waited for a processor since `start` (ticks): at most this, which is
 * since the latest sample before. When there is none that old, since the oldest sample: a wait
 * longer than what is remembered cannot be explained by it. A thread without samples is new: in all
 * its life. 0 when it is not known.
 */
uint64_t run_delay_since(struct thread *thread, uint64_t start);

/* The thread has ended. */
void run_delay_forget(struct thread *thread);

#endif
