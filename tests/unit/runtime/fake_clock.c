/* SPDX-License-Identifier: MIT */
/* The clock of tests, moved by hand. */
#include "fake_clock.h"

#include "runtime/clock.h"

static uint64_t now_ns = 1000000000u;

int __wrap_clock_gettime(clockid_t id, struct timespec *now);

int __wrap_clock_gettime(clockid_t id, struct timespec *now)
{
	uint64_t ns = __atomic_load_n(&now_ns, __ATOMIC_RELAXED);

	now->tv_sec = (time_t)(ns / 1000000000u);
	now->tv_nsec = (long)(ns % 1000000000u);
	return 0;
}

void fake_clock_start(void)
{
	clock_state = (struct clock){.scale = 1ull << 32, .origin_ticks = 500, .origin_ns = 500};
}

void fake_clock_advance(uint64_t ns)
{
	__atomic_add_fetch(&now_ns, ns, __ATOMIC_RELAXED);
}
