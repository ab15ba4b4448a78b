/* SPDX-License-Identifier: MIT */
/* Values of JSON objects in a trace; absent, null and mistyped values are all the same. Private to
 * load. */
#ifndef OVERSTAY_LOAD_FIELDS_H
#define OVERSTAY_LOAD_FIELDS_H

#include <jansson.h>
#include <stdbool.h>

#include "model.h"

/* The text, owned by the trace; NULL when there is none. */
const char *field_text(const struct trace *trace, const json_t *object, const char *key);

/* False when there is no integer; *ret_value is then left alone. */
bool field_integer(const json_t *object, const char *key, int64_t *ret_value);

/* 0 for what is absent, null or not a number of that range. */
uint64_t field_number(const json_t *object, const char *key);

/* False when there is no integer that can be an id. */
bool field_id(const json_t *object, const char *key, uint64_t *ret_id);

#endif
