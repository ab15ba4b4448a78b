/* SPDX-License-Identifier: MIT */
/* Unit tests of runtime/config.h: times with units, and settings from the environment. */
#include "runtime/config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define UNTOUCHED 0xdeadu

static void expect_time(const char *text, uint64_t expected)
{
	uint64_t ns = UNTOUCHED;

	cr_expect_eq(config_parse_time(text, &ns), 0, "\"%s\" was refused", text);
	cr_expect_eq(ns, expected, "\"%s\" is %llu", text, (unsigned long long)ns);
}

static void expect_refused(const char *text)
{
	uint64_t ns = UNTOUCHED;

	cr_expect_eq(config_parse_time(text, &ns), -EINVAL, "\"%s\" was taken", text);
	cr_expect_eq(ns, UNTOUCHED, "\"%s\" changed the value", text);
}

static void clear_environment(void)
{
	unsetenv("OVERSTAY_OUT");
	unsetenv("OVERSTAY_THRESHOLD");
	unsetenv("OVERSTAY_LONG_POLL");
	unsetenv("OVERSTAY_STALL");
}

TestSuite(config, .init = clear_environment);

Test(config, understands_every_unit)
{
	expect_time("7ns", 7);
	expect_time("250us", 250000);
	expect_time("1ms", 1000000);
	expect_time("1s", 1000000000);
	expect_time("0ms", 0);
	expect_time("007us", 7000);
}

Test(config, understands_fractions)
{
	expect_time("1.5s", 1500000000);
	expect_time("0.25ms", 250000);
	expect_time("2.000000001s", 2000000001);
	expect_time("1.9ns", 1);
	expect_time("0.1234567899999s", 123456789);
	expect_time("1.000000000000000000000000000000us", 1000);
}

Test(config, refuses_what_is_not_a_time)
{
	static const char *const garbage[] = {
		"",     "ms",   " 1ms",  "1 ms", "1",    "1m",   "1MS",   "1mss",
		"1ms ", "-1ms", "+1ms",  ".5s",  "1.s",  "1.ms", "1..5s", "1.5.s",
		"0x1s", "1e3s", "1,5ms", "1h",   "infs", "nan",  "1ns1",  "1\xc2\xb5s",
	};

	for (size_t i = 0; i < sizeof(garbage) / sizeof(*garbage); i++)
		expect_refused(garbage[i]);
}

Test(config, refuses_times_that_overflow)
{
	expect_time("9223372036s", 9223372036000000000u);
	expect_refused("9223372037s");
	expect_refused("18446744074s");
	expect_refused("18446744073709551616ns");
	expect_refused("99999999999999999999999999999999999999ns");
	expect_time("1000000000000ns", 1000000000000u);
	expect_time("1000000000000ms", 1000000000000000000u);
}

Test(config, has_defaults_when_nothing_is_set)
{
	struct config config;
	char expected[PATH_MAX + 32];
	char cwd[PATH_MAX];

	cr_assert_eq(config_read(&config), 0);
	cr_assert_eq(config.threshold_ns, 1000000);
	cr_assert_eq(config.long_poll_ns, 10000000);
	cr_assert_eq(config.stall_ns, 1000000000);
	cr_assert_null(config.problem);
	cr_assert_not_null(getcwd(cwd, sizeof(cwd)));
	snprintf(expected, sizeof(expected), "%s/overstay.data", cwd);
	cr_assert_str_eq(config.out, expected);
}

Test(config, takes_settings_from_the_environment)
{
	struct config config;

	setenv("OVERSTAY_THRESHOLD", "250us", 1);
	setenv("OVERSTAY_LONG_POLL", "2ms", 1);
	setenv("OVERSTAY_STALL", "1.5s", 1);
	setenv("OVERSTAY_OUT", "/var/tmp/traces", 1);
	cr_assert_eq(config_read(&config), 0);
	cr_assert_eq(config.threshold_ns, 250000);
	cr_assert_eq(config.long_poll_ns, 2000000);
	cr_assert_eq(config.stall_ns, 1500000000);
	cr_assert_str_eq(config.out, "/var/tmp/traces");
	cr_assert_null(config.problem);
}

Test(config, keeps_the_default_of_a_bad_setting_and_names_it)
{
	static const char *const names[] = {"OVERSTAY_THRESHOLD", "OVERSTAY_LONG_POLL",
					    "OVERSTAY_STALL"};

	for (size_t i = 0; i < 3; i++) {
		struct config config;

		clear_environment();
		setenv(names[i], "soon", 1);
		cr_assert_eq(config_read(&config), 0);
		cr_assert_eq(config.threshold_ns, 1000000);
		cr_assert_eq(config.long_poll_ns, 10000000);
		cr_assert_eq(config.stall_ns, 1000000000);
		cr_assert_str_eq(config.problem, names[i]);
	}
}

Test(config, takes_an_empty_setting_for_none)
{
	struct config config;

	setenv("OVERSTAY_THRESHOLD", "", 1);
	setenv("OVERSTAY_OUT", "", 1);
	cr_assert_eq(config_read(&config), 0);
	cr_assert_eq(config.threshold_ns, 1000000);
	cr_assert_null(config.problem);
	cr_assert_eq(config.out[0], '/');
}

Test(config, makes_a_relative_directory_absolute)
{
	struct config config;

	cr_assert_eq(chdir("/usr"), 0);
	setenv("OVERSTAY_OUT", "some/where", 1);
	cr_assert_eq(config_read(&config), 0);
	cr_assert_str_eq(config.out, "/usr/some/where");
}

Test(config, refuses_a_directory_whose_name_is_too_long)
{
	static char name[sizeof(((struct config *)0)->out) + 1];
	struct config config;

	memset(name, 'a', sizeof(name) - 1);
	name[0] = '/';
	setenv("OVERSTAY_OUT", name, 1);
	cr_assert_eq(config_read(&config), -ENAMETOOLONG);
	name[sizeof(config.out) - 1] = '\0';
	setenv("OVERSTAY_OUT", name, 1);
	cr_assert_eq(config_read(&config), 0, "the longest name that fits");
	cr_assert_str_eq(config.out, name);
}

Test(config, refuses_a_relative_directory_when_there_is_no_working_directory)
{
	char directory[] = "/tmp/config-XXXXXX";
	struct config config;

	cr_assert_not_null(mkdtemp(directory));
	cr_assert_eq(chdir(directory), 0);
	cr_assert_eq(rmdir(directory), 0);
	cr_assert_eq(config_read(&config), -ENOENT);
	setenv("OVERSTAY_OUT", "/elsewhere", 1);
	cr_assert_eq(config_read(&config), 0);
}
