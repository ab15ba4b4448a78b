/* SPDX-License-Identifier: MIT */
/* A verb of the command line. */
#ifndef OVERSTAY_COMMAND_H
#define OVERSTAY_COMMAND_H

#include <stdbool.h>

/* Exit statuses of all verbs, but for those that `run` passes on. */
enum exit_status {
	EXIT_CLEAN = 0,
	EXIT_FINDINGS = 1,
	EXIT_UNJUDGED = 2, /* also usage errors and unreadable input */
	EXIT_TIMEOUT = 124,
};

struct command {
	const char *name, *summary;
	const char *help; /* everything behind "Usage: overstay NAME " */
	/* argv[0] is the verb; getopt is fresh. Returns the exit status. */
	int (*run)(int argc, char **argv);
};

extern const struct command command_run;
extern const struct command command_report;
extern const struct command command_check;
extern const struct command command_inspect;

/*
 * The answer to a usage error that getopt_long found (it returned '?' or ':', with a leading ':' in
 * its option string): one line on stderr; returns EXIT_UNJUDGED.
 */
int command_bad_option(const char *verb, int result, char *const *argv);

/* One line on stderr, "overstay: VERB: ... (see: overstay VERB --help)"; returns EXIT_UNJUDGED. */
int command_usage_error(const char *verb, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Options of a verb that reads a recording: [--format text|json] [PATH]. Returns 0, or
 * EXIT_UNJUDGED after a line on stderr.
 */
int command_reading_options(int argc, char **argv, const char **ret_path, bool *ret_json);

#endif
