/* SPDX-License-Identifier: MIT */
/* Parsing and printing of times. */
#include "duration.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct unit {
	const char *name;
	uint64_t ns;
} units[] = {
	{"ns", 1},
	{"us", 1000},
	{"ms", 1000 * 1000},
	{"s", 1000 * 1000 * 1000},
	{"min", 60ull * 1000 * 1000 * 1000},
};

static const struct unit *unit_find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(units[i].name, name) == 0)
			return &units[i];
	return NULL;
}

static const char *digits_skip(const char *text)
{
	return text + strspn(text, "0123456789");
}

/* Decimals are added digit by digit, exactly: a double would turn 1.1us into 1099 ns. */
static int number_scale(const char *text, const char *end, uint64_t unit_ns, uint64_t *ret_ns)
{
	uint64_t ns = 0, scale = unit_ns;

	for (; text < end && *text != '.'; text++)
		if (__builtin_mul_overflow(ns, 10u, &ns) ||
		    __builtin_add_overflow(ns, (uint64_t)(*text - '0') * unit_ns, &ns))
			return -ERANGE;
	for (text++; text < end; text++) {
		scale /= 10;
		if (__builtin_add_overflow(ns, (uint64_t)(*text - '0') * scale, &ns))
			return -ERANGE;
	}
	if (!ns)
		return -ERANGE;
	*ret_ns = ns;
	return 0;
}

int duration_parse(const char *text, uint64_t *ret_ns)
{
	const char *end = digits_skip(text);
	const struct unit *unit;

	if (end == text)
		return -EINVAL;
	if (*end == '.') {
		const char *decimals = end + 1;

		end = digits_skip(decimals);
		if (end == decimals)
			return -EINVAL;
	}
	unit = unit_find(end);
	if (!unit)
		return -EINVAL;
	return number_scale(text, end, unit->ns, ret_ns);
}

const char *duration_format(uint64_t ns, char text[DURATION_TEXT_SIZE])
{
	const struct unit *unit = &units[0];
	uint64_t thousandths;
	size_t i;

	for (i = 0; i < 4; i++)
		if (ns >= units[i].ns)
			unit = &units[i];
	/* Units are powers of 1000, so that a thousandth of one is whole, but for `ns` itself. */
	if (unit == &units[0]) {
		snprintf(text, DURATION_TEXT_SIZE, "%u ns", (unsigned int)ns);
		return text;
	}
	thousandths = ns / (unit->ns / 1000);
	if (thousandths >= 100000)
		snprintf(text, DURATION_TEXT_SIZE, "%llu %s",
			 (unsigned long long)(thousandths / 1000), unit->name);
	else if (thousandths >= 10000)
		snprintf(text, DURATION_TEXT_SIZE, "%u.%u %s", (unsigned int)(thousandths / 1000),
			 (unsigned int)(thousandths / 100 % 10), unit->name);
	else
		snprintf(text, DURATION_TEXT_SIZE, "%u.%02u %s", (unsigned int)(thousandths / 1000),
			 (unsigned int)(thousandths / 10 % 100), unit->name);
	return text;
}
