/* SPDX-License-Identifier: MIT */
/* Limits of a gate, taken from the detectors' defaults. */
#include "limits.h"

#include <string.h>

void limits_default(struct limits *ret_limits)
{
	size_t i;

	for (i = 0; detectors[i] && i < LIMITS_MAX; i++) {
		ret_limits->items[i].kind = detectors[i]->kind;
		ret_limits->items[i].max_ns = detectors[i]->limit_ns;
	}
	ret_limits->count = i;
}

uint64_t limits_get(const struct limits *limits, const char *kind)
{
	size_t i;

	for (i = 0; i < limits->count; i++)
		if (strcmp(limits->items[i].kind, kind) == 0)
			return limits->items[i].max_ns;
	return 0;
}

bool limits_exceeded(const struct limits *limits, const struct finding *finding)
{
	return finding->usage.max_ns >= limits_get(limits, finding->kind);
}
