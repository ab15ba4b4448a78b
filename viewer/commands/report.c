/* SPDX-License-Identifier: MIT */
/* `overstay report`: what a recording shows. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "viewer/command.h"
#include "viewer/report.h"

static bool colour_wanted(void)
{
	const char *no_colour = getenv("NO_COLOR");
	const char *terminal = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no_colour && *no_colour) &&
	       !(terminal && strcmp(terminal, "dumb") == 0);
}

/* What a reader has to know to trust the names, also when stdout goes to a program. */
static void files_warn(const struct trace *trace)
{
	size_t i;

	for (i = 0; i < trace->modules.count; i++) {
		const struct module *module = trace->modules.items[i];

		if (!module->judged || model_module_is_system(module))
			continue;
		if (module->state == MODULE_MISSING)
			fprintf(stderr, "overstay: %s: not there any more, so names are missing\n",
				module->path);
		else if (module->state == MODULE_CHANGED)
			fprintf(stderr,
				"overstay: %s: changed since the trace was taken, so names are "
				"missing\n",
				module->path);
	}
}

static int report_print(struct recording *recording, bool json)
{
	struct report report;
	size_t i;
	int r = 0;

	report_build(recording, &report);
	for (i = 0; i < recording->trace_count; i++)
		files_warn(recording->traces[i]);
	if (json)
		r = report_json(&report, stdout);
	else
		report_text(&report, stdout, colour_wanted());
	if (fflush(stdout) != 0 || r < 0) {
		fputs("overstay: the report could not be written\n", stderr);
		r = -1;
	}
	report_fini(&report);
	return r;
}

static int report_run(int argc, char **argv)
{
	const char *path;
	bool json;
	struct recording recording;
	bool usable;
	int status = EXIT_CLEAN;
	size_t i;

	if (command_reading_options(argc, argv, &path, &json) != 0)
		return EXIT_UNJUDGED;
	load_recording(path, &recording);
	for (i = 0; i < recording.failure_count; i++)
		fprintf(stderr, "overstay: %s: %s\n", recording.failures[i].path,
			recording.failures[i].reason);
	usable = recording.trace_count > 0;
	if (!usable || report_print(&recording, json) < 0)
		status = EXIT_UNJUDGED;
	load_fini(&recording);
	return status;
}

const struct command command_report = {
	.name = "report",
	.summary = "show what a recording found",
	.help = "[--format text|json] [PATH]\n"
		"\n"
		"Shows the findings of a recording, the longest total time first, then for each\n"
		"process what was watched and what could not be seen.\n"
		"\n"
		"PATH is a trace file or a directory of them; without it, overstay.data.\n"
		"\n"
		"Options:\n"
		"  --format text|json  text for people (default), or one JSON document\n"
		"\n"
		"Colours are used on a terminal only, and never when NO_COLOR is set.\n"
		"Exit status: 0, or 2 when there was nothing to report from.\n",
	.run = report_run,
};
