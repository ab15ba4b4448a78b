/* SPDX-License-Identifier: MIT */
/*
 * Reads OVERSTAY_* from the environment. All variables are listed here and nowhere else.
 * Runs on: the constructor.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/sys.h"
#include "runtime/text.h"

int config_parse_time(const char *text, uint64_t *ret_ns)
{
	static const struct {
		const char *suffix;
		uint64_t ns;
	} units[] = {{"ns", 1}, {"us", 1000}, {"ms", 1000000}, {"s", 1000000000}};
	uint64_t whole = 0, fraction = 0, fraction_unit = 1;
	const char *p = text;

	if (*p < '0' || *p > '9')
		return -EINVAL;
	for (; *p >= '0' && *p <= '9'; p++) {
		if (whole > 1000000000000u)
			return -EINVAL;
		whole = whole * 10 + (uint64_t)(*p - '0');
	}
	if (*p == '.') {
		p++;
		if (*p < '0' || *p > '9')
			return -EINVAL;
		for (; *p >= '0' && *p <= '9'; p++) {
			if (fraction_unit >= 1000000000u)
				continue;
			fraction = fraction * 10 + (uint64_t)(*p - '0');
			fraction_unit *= 10;
		}
	}
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (strcmp(p, units[i].suffix) != 0)
			continue;
		if (whole > UINT64_MAX / 2 / units[i].ns)
			return -EINVAL;
		*ret_ns = whole * units[i].ns + fraction * units[i].ns / fraction_unit;
		return 0;
	}
	return -EINVAL;
}

static void read_time(struct config *config, const char *name, uint64_t *value)
{
	const char *text = getenv(name);

	if (text && *text && config_parse_time(text, value) < 0)
		config->problem = name;
}

static int read_out(struct config *config)
{
	const char *out = getenv("OVERSTAY_OUT");
	struct text path;

	if (!out || !*out)
		out = "overstay.data";
	text_init(&path, config->out, sizeof(config->out));
	if (*out != '/') {
		/* The kernel's getcwd returns the length including the NUL. */
		long length = sys_call2(SYS_getcwd, config->out, sizeof(config->out));

		if (length < 0)
			return (int)length;
		path.at = config->out + length - 1;
		text_add_char(&path, '/');
	}
	text_add(&path, out);
	text_end(&path);
	return path.overflow ? -ENAMETOOLONG : 0;
}

int config_read(struct config *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->threshold_ns = 1000000;
	ret->long_poll_ns = 10000000;
	ret->stall_ns = 1000000000;
	read_time(ret, "OVERSTAY_THRESHOLD", &ret->threshold_ns);
	read_time(ret, "OVERSTAY_LONG_POLL", &ret->long_poll_ns);
	read_time(ret, "OVERSTAY_STALL", &ret->stall_ns);
	return read_out(ret);
}
