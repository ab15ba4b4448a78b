/* SPDX-License-Identifier: MIT */
/* `overstay inspect`: what would be seen in a binary, without running it. */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "viewer/command.h"
#include "viewer/inspect.h"

static int binary_inspect(const char *path, bool json, bool all)
{
	char reason[ELF_FILE_REASON_SIZE];
	struct inspection inspection;
	int status, r = inspect_file(path, &inspection, reason);

	if (r < 0) {
		fprintf(stderr, "overstay: %s: %s\n", path, reason);
		return EXIT_UNJUDGED;
	}
	status = inspection.preload == PRELOAD_NO ? EXIT_UNJUDGED : EXIT_CLEAN;
	if (json)
		r = inspect_json(&inspection, stdout);
	else
		inspect_text(&inspection, stdout, all);
	if (fflush(stdout) != 0 || ferror(stdout) || r < 0) {
		fputs("overstay: the inspection could not be written\n", stderr);
		status = EXIT_UNJUDGED;
	}
	inspect_fini(&inspection);
	return status;
}

static int inspect_run(int argc, char **argv)
{
	static const struct option options[] = {
		{"format", required_argument, NULL, 'f'},
		{"all", no_argument, NULL, 'a'},
		{0},
	};
	const char *format = "text";
	bool all = false;
	int c;

	while ((c = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		if (c == 'a')
			all = true;
		else if (c == 'f')
			format = optarg;
		else
			return command_bad_option(argv[0], c, argv);
	}
	if (strcmp(format, "text") != 0 && strcmp(format, "json") != 0)
		return command_usage_error(argv[0], "unknown format '%s'", format);
	if (optind == argc)
		return command_usage_error(argv[0], "no binary given");
	if (argc - optind > 1)
		return command_usage_error(argv[0], "more than one binary given");
	return binary_inspect(argv[optind], strcmp(format, "json") == 0, all);
}

const struct command command_inspect = {
	.name = "inspect",
	.summary = "show what would be seen in a binary, without running it",
	.help = "[--format text|json] [--all] BINARY\n"
		"\n"
		"Reads a program or shared library and shows whether it can be watched, which "
		"async\n"
		"runtime and task types are recognised in it, and what will not be seen. Nothing "
		"is\n"
		"run. Shared objects that it loads are not looked at.\n"
		"\n"
		"Options:\n"
		"  --format text|json  text for people (default), or one JSON document\n"
		"  --all               list all task types, not only the first 20\n"
		"\n"
		"Exit status: 0, or 2 when the binary cannot be watched at all (a statically "
		"linked\n"
		"program, another architecture, not an ELF file, ...).\n",
	.run = inspect_run,
};
