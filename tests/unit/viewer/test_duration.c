/* SPDX-License-Identifier: MIT */
/* Unit tests of viewer/duration.h. */
#include "viewer/duration.h"

#include <criterion/criterion.h>
#include <errno.h>

static void expect_time(const char *text, uint64_t expected)
{
	uint64_t ns = 0;

	cr_expect_eq(duration_parse(text, &ns), 0, "%s", text);
	cr_expect_eq(ns, expected, "%s gave %llu", text, (unsigned long long)ns);
}

static void expect_refused(const char *text, int error)
{
	uint64_t ns = 7;

	cr_expect_eq(duration_parse(text, &ns), error, "%s", text);
	cr_expect_eq(ns, 7, "%s changed the result", text);
}

Test(duration, reads_a_number_and_its_unit)
{
	expect_time("250us", 250 * 1000);
	expect_time("1ms", 1000 * 1000);
	expect_time("1s", 1000 * 1000 * 1000);
	expect_time("7ns", 7);
	expect_time("2min", 120ull * 1000 * 1000 * 1000);
}

Test(duration, reads_decimals_exactly)
{
	expect_time("1.5ms", 1500 * 1000);
	expect_time("1.1us", 1100);
	expect_time("0.25s", 250 * 1000 * 1000);
	expect_time("1.0000000009s", 1000 * 1000 * 1000);
}

Test(duration, refuses_what_has_no_unit_or_a_wrong_one)
{
	static const char *const texts[] = {"",     "5",       "ms",   "-1ms", "+1ms", "1 ms",
					    "1ms ", "1parsec", "1.ms", ".5ms", "0x1s", "1e3s"};
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		expect_refused(texts[i], -EINVAL);
}

Test(duration, refuses_nothing_and_more_than_fits)
{
	expect_refused("0s", -ERANGE);
	expect_refused("0.1ns", -ERANGE);
	expect_refused("99999999999999s", -ERANGE);
	expect_refused("99999999999999999999999999ns", -ERANGE);
}

Test(duration, prints_three_digits_and_a_unit)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} cases[] = {
		{0, "0 ns"},
		{999, "999 ns"},
		{1000, "1.00 us"},
		{52300, "52.3 us"},
		{350000000, "350 ms"},
		{1204000000, "1.20 s"},
		{61000000000, "61.0 s"},
		{3600000000000, "3600 s"},
	};
	char text[DURATION_TEXT_SIZE];
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_expect_str_eq(duration_format(cases[i].ns, text), cases[i].text);
}
