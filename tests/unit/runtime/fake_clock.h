/* SPDX-License-Identifier: MIT */
/*
 * A clock that stands still until the test moves it. Link with -Wl,--wrap=clock_gettime; ticks are
 * then nanoseconds, and every duration is exact.
 */
#ifndef OVERSTAY_FAKE_CLOCK_H
#define OVERSTAY_FAKE_CLOCK_H

#include <stdint.h>

#define US 1000u
#define MS 1000000u

/* Sets the engine's clock up without its cycle counter; the time is one second. */
void fake_clock_start(void);

void fake_clock_advance(uint64_t ns);

#endif
