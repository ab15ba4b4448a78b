/* SPDX-License-Identifier: MIT */
/* `overstay check`: a gate for CI. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "viewer/command.h"
#include "viewer/gate.h"

static int check_run(int argc, char **argv)
{
	static const struct option options[] = {{"format", required_argument, NULL, 'f'}, {0}};
	const char *path = "overstay.data", *format = "text";
	struct recording recording;
	struct gate gate;
	int c, status;

	while ((c = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		if (c != 'f')
			return command_bad_option(argv[0], c, argv);
		format = optarg;
	}
	if (strcmp(format, "text") != 0 && strcmp(format, "json") != 0)
		return command_usage_error(argv[0], "unknown format '%s'", format);
	if (argc - optind > 1)
		return command_usage_error(argv[0], "more than one path given");
	if (optind < argc)
		path = argv[optind];
	load_recording(path, &recording);
	gate_judge(&recording, path, &gate);
	if (strcmp(format, "json") == 0)
		gate_json(&gate, stdout);
	else
		gate_text(&gate, stdout, stderr);
	status = gate.status;
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fputs("overstay: the verdict could not be written\n", stderr);
		status = EXIT_UNJUDGED;
	}
	gate_fini(&gate);
	load_fini(&recording);
	return status;
}

const struct command command_check = {
	.name = "check",
	.summary = "fail when a recording has findings over the limits (for CI)",
	.help = "[--format text|json] [PATH]\n"
		"\n"
		"Judges a recording. PATH is a trace file or a directory of them; without it,\n"
		"overstay.data.\n"
		"\n"
		"A finding fails when its longest occurrence reaches the limit of its kind:\n"
		"blocking-call 1ms, lock-wait 1ms, long-poll 10ms, stall 1s.\n"
		"\n"
		"Options:\n"
		"  --format text|json  text for people (default), or one JSON document\n"
		"\n"
		"Exit status:\n"
		"  0  clean\n"
		"  1  findings over the limits\n"
		"  2  could not judge: no trace, a trace that cannot be read, or no process in "
		"which\n"
		"     an async runtime was watched\n",
	.run = check_run,
};
