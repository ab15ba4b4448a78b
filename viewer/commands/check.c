/* SPDX-License-Identifier: MIT */
/* `overstay check`: a gate for CI. */
#include <stdio.h>

#include "viewer/command.h"
#include "viewer/gate.h"

static int check_run(int argc, char **argv)
{
	const char *path;
	bool json;
	struct recording recording;
	struct gate gate;
	int status;

	if (command_reading_options(argc, argv, &path, &json) != 0)
		return EXIT_UNJUDGED;
	load_recording(path, &recording);
	gate_judge(&recording, path, &gate);
	if (json)
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
		"blocking-call 1ms, lock-wait 1ms, long-poll 10ms, stall 1s; lock-across-await "
		"and\n"
		"deadlock at any length.\n"
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
