/* SPDX-License-Identifier: MIT */
/*
 * One monotonic clock for the whole trace: the processor's cycle counter where it runs at a
 * constant rate in every power state, else the kernel's monotonic clock. Hot paths keep ticks;
 * nanoseconds are made where a number is compared rarely or written. Runs on: any thread;
 * clock_start in the constructor, clock_refine on the collector.
 */
#ifndef OVERSTAY_CLOCK_H
#define OVERSTAY_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct clock {
	bool counter;          /* ticks are cycles, not nanoseconds */
	uint64_t origin_ticks; /* at clock_start */
	uint64_t origin_ns;    /* CLOCK_MONOTONIC_RAW at clock_start */
	uint64_t scale;        /* nanoseconds per tick, 32.32 fixed point */
};

extern struct clock clock_state;

static inline uint64_t clock_kernel_ns(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now); /* vDSO: not a wrapped name, does not set errno on success */
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline uint64_t clock_ticks(void)
{
#if defined(__x86_64__)
	if (__builtin_expect(clock_state.counter, 1))
		return __builtin_ia32_rdtsc();
#endif
	return clock_kernel_ns(CLOCK_MONOTONIC_RAW);
}

/* A duration in ticks as nanoseconds. */
static inline uint64_t clock_ns(uint64_t ticks)
{
	uint64_t scale = __atomic_load_n(&clock_state.scale, __ATOMIC_RELAXED);

	return (uint64_t)(((unsigned __int128)ticks * scale) >> 32);
}

/* A point in time as nanoseconds since clock_start. */
static inline uint64_t clock_since_start(uint64_t ticks)
{
	return ticks > clock_state.origin_ticks ? clock_ns(ticks - clock_state.origin_ticks) : 0;
}

/* A duration in nanoseconds as ticks, with the scale known now. */
uint64_t clock_ticks_of(uint64_t ns);

/* Ticks per second. */
uint64_t clock_hz(void);

/* Chooses the source and measures its rate for about 0.3 ms. */
void clock_start(void);

/* Makes now the start, with the rate that is known: a fork child's trace begins. */
void clock_restart(void);

/* Measures the rate again over the time since clock_start, which makes it exact in the long run. */
void clock_refine(void);

#endif
