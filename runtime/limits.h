/* SPDX-License-Identifier: MIT */
/*
 * The few numbers that hot paths compare with. Written by the constructor before any thread reads
 * them, except `recording` and `root_seen`, which are flags with relaxed access.
 */
#ifndef OVERSTAY_LIMITS_H
#define OVERSTAY_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

struct limits {
	uint64_t threshold; /* ticks */
	uint64_t long_poll; /* ticks */
	bool recording;     /* a runtime is hooked and the process is not ending */
};

extern struct limits limits;

#endif
