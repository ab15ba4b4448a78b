/* SPDX-License-Identifier: MIT */
/*
 * Statistics of durations.
 */
#ifndef OVERSTAY_DURATIONS_H
#define OVERSTAY_DURATIONS_H

#include <stdint.h>

#define HISTOGRAM_BUCKETS 44 /* bucket b counts durations below 2^b ns and not below 2^(b-1) */

struct durations {
	uint64_t count;
	uint64_t total_ns;
	uint64_t max_ns;
	uint64_t histogram[HISTOGRAM_BUCKETS];
};

void durations_add(struct durations *to, const struct durations *from);

static inline void durations_count(struct durations *durations, uint64_t ns)
{
	unsigned bucket = ns ? 64u - (unsigned)__builtin_clzll(ns) : 0;

	durations->count++;
	durations->total_ns += ns;
	if (ns > durations->max_ns)
		durations->max_ns = ns;
	durations->histogram[bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1]++;
}

#endif
