/* SPDX-License-Identifier: MIT */
/* What a trace says of locks: `held` and `deadlock` lines, parts of others; private to load. */
#ifndef OVERSTAY_LOAD_LOCKS_H
#define OVERSTAY_LOAD_LOCKS_H

#include <jansson.h>

#include "model.h"

/* As load_line: 0 or -EPROTO. */
int record_held(struct trace *trace, const json_t *line);
int record_deadlock(struct trace *trace, const json_t *line);

/* Address, type, mode and holder; all unknown when `json` is not an object. */
void lock_load(struct trace *trace, const json_t *json, struct lock *ret_lock);

/* The list `locks` of a `coverage` line. */
void lock_coverage_load(struct trace *trace, const json_t *line);

#endif
