/* SPDX-License-Identifier: MIT */
/* Lines that say what held a worker up; private to load. As load_line: 0 or -EPROTO. */
#ifndef OVERSTAY_LOAD_RECORDS_H
#define OVERSTAY_LOAD_RECORDS_H

#include <jansson.h>

#include "model.h"

int record_call(struct trace *trace, const json_t *line);
int record_long_poll(struct trace *trace, const json_t *line);
int record_stall(struct trace *trace, const json_t *line);

/* Count, sums, times and histogram of any line that has them. */
void record_usage(struct trace *trace, const json_t *line, struct usage *ret);

/* The same of a line that tells of one occurrence, since when and how long. */
struct usage record_once(const json_t *line);

/* Where and who, of any line that has them. */
void record_origin(struct trace *trace, const json_t *line, struct origin *origin);

/*
 * The item of `table` that the line's `key` names, NULL when it names none. What is named may
 * follow later in the file, so a reference makes room for it; empty if it never does.
 */
void *record_reference(struct trace *trace, struct table *table, const json_t *line,
		       const char *key, size_t size);

#endif
