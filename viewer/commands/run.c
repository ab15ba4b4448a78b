/* SPDX-License-Identifier: MIT */
/* `overstay run`: records a command, and says in one line what it found. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "viewer/child.h"
#include "viewer/command.h"
#include "viewer/duration.h"
#include "viewer/gate.h"
#include "viewer/outdir.h"
#include "viewer/symbolise.h"
#include "viewer/target.h"
#include "viewer/trace_append.h"

#define DEFAULT_DIRECTORY "overstay.data"

struct run_options {
	const char *directory, *threshold, *stall, *timeout;
	uint64_t timeout_ns;
	bool check;
	char **command;
};

static int time_check(const char *option, const char *text, uint64_t *ret_ns)
{
	int r = duration_parse(text, ret_ns);

	if (r == -ERANGE)
		return command_usage_error("run", "--%s %s: out of range", option, text);
	if (r < 0)
		return command_usage_error("run",
					   "--%s %s: not a time; write one like 250us, 1.5ms or 1s",
					   option, text);
	return 0;
}

enum { OPTION_THRESHOLD = 256, OPTION_STALL, OPTION_TIMELINE, OPTION_CHECK, OPTION_TIMEOUT };

/* Returns 0 or an exit status, after telling why. */
static int options_parse(int argc, char **argv, struct run_options *options)
{
	static const struct option known[] = {
		{"output", required_argument, NULL, 'o'},
		{"threshold", required_argument, NULL, OPTION_THRESHOLD},
		{"stall", required_argument, NULL, OPTION_STALL},
		{"timeline", no_argument, NULL, OPTION_TIMELINE},
		{"check", no_argument, NULL, OPTION_CHECK},
		{"timeout", required_argument, NULL, OPTION_TIMEOUT},
		{0},
	};
	uint64_t ns;
	int c, r = 0;

	while (r == 0 && (c = getopt_long(argc, argv, "+:o:", known, NULL)) != -1) {
		switch (c) {
		case 'o':
			options->directory = optarg;
			break;
		case OPTION_THRESHOLD:
			options->threshold = optarg;
			r = time_check("threshold", optarg, &ns);
			break;
		case OPTION_STALL:
			options->stall = optarg;
			r = time_check("stall", optarg, &ns);
			break;
		case OPTION_TIMEOUT:
			options->timeout = optarg;
			r = time_check("timeout", optarg, &options->timeout_ns);
			break;
		case OPTION_CHECK:
			options->check = true;
			break;
		case OPTION_TIMELINE:
			r = command_usage_error("run", "--timeline: not available in this version");
			break;
		default:
			r = command_bad_option("run", c, argv);
			break;
		}
	}
	if (r == 0 && !*options->directory)
		r = command_usage_error("run", "-o: the directory's name is empty");
	if (r == 0 && optind == argc)
		r = command_usage_error("run", "no command given");
	options->command = argv + optind;
	return r;
}

static int run_recorded(const struct run_options *options, const char *library,
			const char *directory, struct child_end *ret_end)
{
	const char *before = getenv("LD_PRELOAD");
	char *preload = before && *before ? memory_format("%s:%s", library, before)
					  : memory_format("%s", library);
	const struct child_variable variables[] = {
		{"LD_PRELOAD", directory ? preload : NULL},
		{"OVERSTAY_OUT", directory},
		{"OVERSTAY_THRESHOLD", options->threshold},
		{"OVERSTAY_STALL", options->stall},
		{0},
	};
	int r = child_run(options->command, variables, options->timeout_ns, ret_end);

	free(preload);
	if (r < 0)
		fprintf(stderr, "overstay: %s: cannot be run: %s\n", options->command[0],
			strerror(-r));
	return r;
}

/* A process without an end in its trace that is still there may go on writing. */
static bool trace_is_live(const struct trace *trace)
{
	return !trace->ending.known && (kill((pid_t)trace->pid, 0) == 0 || errno == EPERM);
}

static void traces_complete(struct recording *recording, const struct child_end *end)
{
	size_t i;

	for (i = 0; i < recording->trace_count; i++) {
		struct trace *trace = recording->traces[i];
		int r = 0;

		if (trace_is_live(trace))
			continue;
		symbolise(trace);
		if (trace->pid == end->pid && !trace->ending.known)
			r = trace_append_end(trace, end->signal, end->status);
		if (r == 0)
			r = trace_append_symbols(trace);
		if (r < 0)
			fprintf(stderr, "overstay: %s: symbols could not be added: %s\n",
				trace->path, strerror(-r));
	}
}

/* A deadlock, however young, is for ever. */
static bool finding_is_worse(const struct finding *finding, const struct finding *than)
{
	if (!finding->deadlock != !than->deadlock)
		return finding->deadlock != NULL;
	return finding->usage.max_ns > than->usage.max_ns;
}

static const struct finding *finding_worst(const struct finding_list *findings)
{
	const struct finding *worst = &findings->items[0];
	size_t i;

	for (i = 1; i < findings->count; i++)
		if (finding_is_worse(&findings->items[i], worst))
			worst = &findings->items[i];
	return worst;
}

static void findings_summary(const struct finding_list *findings)
{
	const struct finding *worst = finding_worst(findings);
	char longest[DURATION_TEXT_SIZE];

	fprintf(stderr, "%zu finding%s (", findings->count, findings->count == 1 ? "" : "s");
	report_text_kinds(findings, stderr);
	fprintf(stderr, "), worst %s in ", duration_format(worst->usage.max_ns, longest));
	report_text_place(worst, stderr);
}

static void summary_print(const struct run_options *options, const struct gate *gate,
			  const struct child_end *end)
{
	bool findings = gate->report.findings.count > 0;

	fputs("overstay: ", stderr);
	if (end->timed_out)
		fprintf(stderr, "the command was ended after %s; ", options->timeout);
	if (!gate->report.process_count) {
		fprintf(stderr, "nothing was judged: no process wrote a trace that can be read\n");
		return;
	}
	if (!findings && !gate->report.watched_count) {
		fprintf(stderr, "nothing was judged: %s\n", gate->reason);
		return;
	}
	if (findings)
		findings_summary(&gate->report.findings);
	else
		fprintf(stderr, "%s", gate->reason);
	fprintf(stderr, "; trace in %s, see: overstay report", options->directory);
	if (strpbrk(options->directory, " \t\"'$&;"))
		fprintf(stderr, " '%s'", options->directory);
	else if (strcmp(options->directory, DEFAULT_DIRECTORY) != 0)
		fprintf(stderr, " %s", options->directory);
	fputc('\n', stderr);
}

/* Completes the traces and tells what they hold. Returns the gate's exit status. */
static int afterwards(const struct run_options *options, const char *directory,
		      const struct child_end *end)
{
	struct recording recording;
	struct gate gate;
	size_t i;
	int status;

	load_recording(directory, &recording);
	traces_complete(&recording, end);
	for (i = 0; i < recording.failure_count && recording.trace_count; i++)
		fprintf(stderr, "overstay: %s: %s\n", recording.failures[i].path,
			recording.failures[i].reason);
	gate_judge(&recording, directory, &gate);
	summary_print(options, &gate, end);
	status = gate.status;
	if (options->check && status == EXIT_FINDINGS)
		fprintf(stderr, "overstay: check failed: %s\n", gate.reason);
	else if (options->check && status == EXIT_UNJUDGED)
		fprintf(stderr, "overstay: check could not judge: %s\n", gate.reason);
	gate_fini(&gate);
	load_fini(&recording);
	return status;
}

static int status_of(const struct run_options *options, const struct child_end *end, int checked)
{
	int status = end->signal ? 128 + end->signal : end->status;

	if (end->timed_out)
		return EXIT_TIMEOUT;
	if (status == 0 && options->check)
		return checked;
	return status;
}

static int run_run(int argc, char **argv)
{
	struct run_options options = {.directory = DEFAULT_DIRECTORY};
	char reason[TARGET_REASON_SIZE], *library = NULL, *directory = NULL;
	struct child_end end;
	int r, lock = -1, checked = EXIT_UNJUDGED;

	r = options_parse(argc, argv, &options);
	if (r)
		return r;
	_Static_assert(OUTDIR_REASON_SIZE <= TARGET_REASON_SIZE, "one buffer for both");
	r = target_find_library(&library, reason);
	if (r == 0)
		r = target_check(options.command[0], library, reason);
	if (r == 0) {
		r = outdir_prepare(options.directory, &directory, &lock, reason);
		if (r < 0 && r != -EEXIST && r != -ENOTDIR && r != -EBUSY) {
			fprintf(stderr, "overstay: %s; running the command unrecorded\n", reason);
			r = 0;
		}
	}
	if (r < 0) {
		fprintf(stderr, "overstay: %s\n", reason);
		free(library);
		return EXIT_UNJUDGED;
	}
	r = run_recorded(&options, library, directory, &end);
	signal(SIGPIPE, SIG_IGN);
	if (r == 0 && directory)
		checked = afterwards(&options, directory, &end);
	if (lock >= 0)
		close(lock);
	free(library);
	free(directory);
	return r < 0 ? EXIT_UNJUDGED : status_of(&options, &end, checked);
}

const struct command command_run = {
	.name = "run",
	.summary = "run a command and record what holds up its async workers",
	.help = "[OPTION]... [--] COMMAND [ARGUMENT]...\n"
		"\n"
		"Runs COMMAND with the recording library preloaded, in this terminal and with its\n"
		"own input and output, and says on stderr in one line what was found.\n"
		"\n"
		"Options:\n"
		"  -o, --output DIR  where traces go, one per process (default overstay.data); an\n"
		"                    earlier recording there is kept as DIR.old\n"
		"  --threshold TIME  record calls that block for at least this long (default 1ms)\n"
		"  --stall TIME      report a worker that does not come back for this long\n"
		"                    (default 1s)\n"
		"  --check           fail like `overstay check` when COMMAND itself succeeds\n"
		"  --timeout TIME    end COMMAND after this long: SIGTERM, two seconds later\n"
		"                    SIGKILL; what was recorded until then is reported\n"
		"\n"
		"TIME is a number with a unit: 250us, 1.5ms, 1s.\n"
		"\n"
		"Exit status: that of COMMAND, 128+N when signal N ended it, 124 after --timeout;\n"
		"with --check and a command that succeeds, that of `overstay check`; 2 when "
		"COMMAND\n"
		"cannot be run or recorded.\n",
	.run = run_run,
};
