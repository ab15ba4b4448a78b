/* SPDX-License-Identifier: MIT */
/*
 * The engine's settings: environment, read once, then constant.
 * Runs on: the constructor.
 */
#ifndef OVERSTAY_CONFIG_H
#define OVERSTAY_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

struct config {
	char out[4096];        /* OVERSTAY_OUT: directory of traces, absolute */
	uint64_t threshold_ns; /* OVERSTAY_THRESHOLD: shortest blocking call that is recorded */
	uint64_t long_poll_ns; /* OVERSTAY_LONG_POLL */
	uint64_t stall_ns;     /* OVERSTAY_STALL */
	const char
		*problem; /* a setting that could not be understood and kept its default; or NULL */
};

/*
 * Fills `ret` from the environment. Returns 0, or a negative errno when no output directory can be
 * named at all (then the engine stays off).
 */
int config_read(struct config *ret);

/* "250us", "1ms", "1.5s" -> nanoseconds. Returns 0, or -EINVAL and leaves *ret_ns alone. */
int config_parse_time(const char *text, uint64_t *ret_ns);

#endif
