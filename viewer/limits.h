/* SPDX-License-Identifier: MIT */
/* When a finding makes a gate fail. */
#ifndef OVERSTAY_LIMITS_H
#define OVERSTAY_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#include "finding.h"

#define LIMITS_MAX 16

/* One limit per kind of finding. */
struct limits {
	struct limit {
		const char *kind;
		uint64_t max_ns; /* an occurrence at least this long fails */
	} items[LIMITS_MAX];
	size_t count;
};

/* The defaults of all detectors. */
void limits_default(struct limits *ret_limits);

/* The limit for that kind; 0, so that any length fails, when there is none. */
uint64_t limits_get(const struct limits *limits, const char *kind);

/* True when the finding's longest occurrence reaches the limit of its kind. */
bool limits_exceeded(const struct limits *limits, const struct finding *finding);

#endif
