/* SPDX-License-Identifier: MIT */
/*
 * Chooses and calibrates the trace's clock.
 * Runs on: the constructor (clock_start), the collector (clock_refine).
 */
#include "clock.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

struct clock clock_state = {.scale = 1ull << 32};

#define CALIBRATION_NS 300000u

/*
 * CPUID 0x80000007 EDX bit 8: the TSC ticks at a constant rate in all P-, C- and T-states (Intel
 * SDM vol. 3 section 18.17.1, AMD APM vol. 3 E.4.6). Kernel and hypervisor clear it where it is not
 * so.
 */
static bool counter_is_invariant(void)
{
#if defined(__x86_64__)
	unsigned eax, ebx, ecx, edx;

	return __get_cpuid(0x80000007, &eax, &ebx, &ecx, &edx) && (edx & (1u << 8));
#else
	return false;
#endif
}

static void measure_scale(uint64_t ticks, uint64_t ns)
{
	if (ticks > clock_state.origin_ticks && ns > clock_state.origin_ns)
		__atomic_store_n(
			&clock_state.scale,
			(uint64_t)(((unsigned __int128)(ns - clock_state.origin_ns) << 32) /
				   (ticks - clock_state.origin_ticks)),
			__ATOMIC_RELAXED);
}

void clock_restart(void)
{
	clock_state.origin_ticks = clock_ticks();
	clock_state.origin_ns = clock_kernel_ns(CLOCK_MONOTONIC_RAW);
}

void clock_start(void)
{
	clock_state.counter = counter_is_invariant();
	/* The first reading faults the vDSO's pages in and would count as ticks without time. */
	clock_kernel_ns(CLOCK_MONOTONIC_RAW);
	clock_restart();
	if (clock_state.counter) {
		uint64_t now;

		do {
			now = clock_kernel_ns(CLOCK_MONOTONIC_RAW);
		} while (now - clock_state.origin_ns < CALIBRATION_NS);
		measure_scale(clock_ticks(), now);
	}
}

void clock_refine(void)
{
	if (clock_state.counter)
		measure_scale(clock_ticks(), clock_kernel_ns(CLOCK_MONOTONIC_RAW));
}

uint64_t clock_ticks_of(uint64_t ns)
{
	return (uint64_t)(((unsigned __int128)ns << 32) / clock_state.scale);
}

uint64_t clock_hz(void)
{
	return clock_ticks_of(1000000000u);
}
