/* SPDX-License-Identifier: MIT */
/* Unit tests of runtime/clock.h with the machine's real clock. */
#include "runtime/clock.h"

#include <criterion/criterion.h>

static uint64_t difference(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

/* Lets at least this much time pass. */
static void spin(uint64_t ns)
{
	uint64_t start = clock_kernel_ns(CLOCK_MONOTONIC_RAW);

	while (clock_kernel_ns(CLOCK_MONOTONIC_RAW) - start < ns)
		;
}

Test(clock, counts_nanoseconds_before_it_is_started)
{
	cr_assert_eq(clock_ns(1234567), 1234567);
	cr_assert_eq(clock_ticks_of(1234567), 1234567);
	cr_assert_eq(clock_hz(), 1000000000);
}

Test(clock, converts_both_ways)
{
	static const uint64_t durations[] = {0, 1000, 250000, 1000000, 1000000000, 86400000000000};

	clock_start();
	for (unsigned i = 0; i < sizeof(durations) / sizeof(*durations); i++) {
		uint64_t ns = durations[i], back = clock_ns(clock_ticks_of(ns));

		/* A tick may be longer than a nanosecond; the scale has 32 bits of fraction. */
		cr_expect_leq(difference(back, ns), 2 + ns / 100000000, "%lu -> %lu",
			      (unsigned long)ns, (unsigned long)back);
	}
	cr_assert_eq(difference(clock_ns(clock_hz()), 1000000000) / 10, 0);
}

Test(clock, does_not_overflow_in_a_year)
{
	uint64_t year_ns = 365ull * 86400 * 1000000000, year_ticks;

	clock_start();
	year_ticks = clock_ticks_of(year_ns);
	cr_assert_lt(difference(clock_ns(year_ticks), year_ns), year_ns / 1000000);
}

Test(clock, never_goes_back_on_one_thread)
{
	uint64_t last;

	clock_start();
	last = clock_ticks();
	for (unsigned i = 0; i < 1000000; i++) {
		uint64_t now = clock_ticks();

		cr_assert(now >= last);
		last = now;
	}
	cr_assert_gt(last, clock_state.origin_ticks);
}

Test(clock, is_zero_at_and_before_its_start)
{
	clock_start();
	cr_assert_eq(clock_since_start(clock_state.origin_ticks), 0);
	cr_assert_eq(clock_since_start(clock_state.origin_ticks - 1), 0);
	cr_assert_eq(clock_since_start(0), 0);
	cr_assert_gt(clock_since_start(clock_state.origin_ticks + clock_hz()), 0);
}

Test(clock, agrees_with_the_kernel_after_refining)
{
	uint64_t before, after, ours;

	clock_start();
	spin(50000000);
	clock_refine();
	/* The two readings enclose ours, however long this thread is off the processor. */
	before = clock_kernel_ns(CLOCK_MONOTONIC_RAW) - clock_state.origin_ns;
	ours = clock_since_start(clock_ticks());
	after = clock_kernel_ns(CLOCK_MONOTONIC_RAW) - clock_state.origin_ns;
	cr_assert_geq(ours, before - before / 100);
	cr_assert_leq(ours, after + after / 100);
}

Test(clock, changes_its_rate_by_less_than_one_percent_when_refined)
{
	uint64_t before;

	clock_start();
	before = clock_hz();
	for (unsigned i = 0; i < 3; i++) {
		spin(10000000);
		clock_refine();
		cr_expect_lt(difference(clock_hz(), before), before / 100, "%lu -> %lu",
			     (unsigned long)before, (unsigned long)clock_hz());
	}
}

Test(clock, leaves_the_kernels_clock_alone_when_refined)
{
	clock_start();
	clock_state.counter = false;
	clock_state.scale = 1ull << 32;
	clock_refine();
	cr_assert_eq(clock_hz(), 1000000000);
	cr_assert_lt(difference(clock_ticks(), clock_kernel_ns(CLOCK_MONOTONIC_RAW)),
		     60ull * 1000000000);
}
