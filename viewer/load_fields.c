/* SPDX-License-Identifier: MIT */
/* Values of JSON objects, checked. */
#include "load_fields.h"

const char *field_text(const struct trace *trace, const json_t *object, const char *key)
{
	return pool_string(trace->pool, json_string_value(json_object_get(object, key)));
}

bool field_integer(const json_t *object, const char *key, int64_t *ret_value)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_integer(value))
		return false;
	*ret_value = json_integer_value(value);
	return true;
}

/* 0 for what is absent, null or not a number of that range. */
uint64_t field_number(const json_t *object, const char *key)
{
	int64_t value;

	return field_integer(object, key, &value) && value > 0 ? value : 0;
}

bool field_id(const json_t *object, const char *key, uint64_t *ret_id)
{
	int64_t value;

	if (!field_integer(object, key, &value) || value < 0)
		return false;
	*ret_id = value;
	return true;
}
