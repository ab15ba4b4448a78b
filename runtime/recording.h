/* SPDX-License-Identifier: MIT */
/*
 * The few numbers that hot paths compare with. Written by the constructor before any thread reads
 * them, except `on`, a flag with relaxed access.
 */
#ifndef OVERSTAY_RECORDING_H
#define OVERSTAY_RECORDING_H

#include <stdbool.h>
#include <stdint.h>

struct recording {
	uint64_t threshold; /* ticks */
	uint64_t threshold_ns;
	uint64_t stall_ns;
	uint64_t long_poll; /* ticks */
	uint64_t poll_look; /* polls of at least that many ticks are looked at: long_poll, or 0
			       while a lock is held across polls */
	int pid; /* whose state this is; a vfork child shares it, and is another process */
	bool on; /* a runtime is hooked and the process is not ending */
};

extern struct recording recording;

#endif
