/* SPDX-License-Identifier: MIT */
/* Times as people write and read them: `250us`, `1.5ms`, `350 ms`. */
#ifndef OVERSTAY_DURATION_H
#define OVERSTAY_DURATION_H

#include <stddef.h>
#include <stdint.h>

/*
 * Parses a number, whole or decimal, directly followed by `ns`, `us`, `ms`, `s` or `min`. Returns
 * 0, -EINVAL for anything else (also for a plain number), -ERANGE for zero, for less than a
 * nanosecond and for more than 64 bits of nanoseconds.
 */
int duration_parse(const char *text, uint64_t *ret_ns);

#define DURATION_TEXT_SIZE 24

/* Writes `ns` with three significant digits and a unit, "350 ms"; returns `text`. */
const char *duration_format(uint64_t ns, char text[DURATION_TEXT_SIZE]);

#endif
