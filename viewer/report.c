/* SPDX-License-Identifier: MIT */
/* Judges a recording, and puts into sentences what could not be seen. */
#include "report.h"

#include <stdlib.h>
#include <string.h>

#include "duration.h"
#include "program_file.h"
#include "runtime/coverage.h"
#include "symbolise.h"

/* Takes over `sentence`, which is malloc'd. */
static void blind_spot_add(struct process_report *process, char *sentence)
{
	process->blind_spots = memory_grow(process->blind_spots, &process->blind_spot_capacity,
					   process->blind_spot_count + 1, sizeof(sentence));
	process->blind_spots[process->blind_spot_count++] = sentence;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void blind_spots_of_module(struct process_report *process, const struct module *module)
{
	static const char *const reasons[] = {
		[MODULE_MISSING] = "the file is not there any more",
		[MODULE_CHANGED] = "the file has changed since the trace was taken",
		[MODULE_NO_SYMBOLS] = "the file is stripped",
	};

	if (!module->judged || module->state == MODULE_OK || model_module_is_system(module))
		return;
	blind_spot_add(process, memory_format("%s: %s; its code positions stay without names",
					      module->path ? base_name(module->path)
							   : "a module without a name",
					      reasons[module->state]));
}

static const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

static void blind_spots_of_losses(struct process_report *process, const struct ending *ending)
{
	unsigned long long events = ending->dropped_events, records = ending->dropped_records;
	unsigned long long stacks = ending->dropped_stacks;

	if (events)
		blind_spot_add(process,
			       memory_format("%llu event%s lost because a buffer was full; counts "
					     "and totals are too low",
					     events, events == 1 ? " was" : "s were"));
	if (records)
		blind_spot_add(process,
			       memory_format("%llu distinct place%s left out because the table of "
					     "findings was full",
					     records, records == 1 ? " was" : "s were"));
	if (stacks)
		blind_spot_add(process, memory_format("%llu stack%s lost because the table of "
						      "stacks was full",
						      stacks, stacks == 1 ? " was" : "s were"));
}

/* The library says this of every program; the file says whether it is one that does it. */
static void blind_spot_of_direct_calls(struct process_report *process, struct program_files *files)
{
	size_t count;

	if (!program_direct_calls(files, process->trace, &count))
		blind_spot_add(process,
			       memory_format("%s", coverage_sentence(BLIND_INLINE_SYSCALLS)));
	else if (count)
		blind_spot_add(process,
			       memory_format("%zu place%s in %s make%s system calls past libc "
					     "(rustix or similar)",
					     count, plural(count), base_name(process->trace->exe),
					     count == 1 ? "s" : ""));
}

static void blind_spots_of_trace(struct process_report *process, struct program_files *files)
{
	const struct trace *trace = process->trace;
	size_t i;

	for (i = 0; i < trace->blind_spot_count; i++) {
		if (strcmp(trace->blind_spots[i], coverage_sentence(BLIND_INLINE_SYSCALLS)) == 0)
			blind_spot_of_direct_calls(process, files);
		else
			blind_spot_add(process, memory_format("%s", trace->blind_spots[i]));
	}
}

static void process_build(struct process_report *process, struct trace *trace,
			  struct program_files *files, struct finding_list *findings)
{
	uint64_t unjudged = findings->unjudged;
	size_t i;

	symbolise(trace);
	process->trace = trace;
	finding_detect(trace, findings);
	blind_spots_of_trace(process, files);
	for (i = 0; i < trace->modules.count; i++)
		blind_spots_of_module(process, trace->modules.items[i]);
	blind_spots_of_losses(process, &trace->ending);
	unjudged = findings->unjudged - unjudged;
	if (unjudged)
		blind_spot_add(
			process,
			memory_format("%llu place%s outside of task polls could not be "
				      "judged: without symbols a block_on body looks like the "
				      "runtime's own work or an idle thread",
				      (unsigned long long)unjudged, plural(unjudged)));
}

static void hint_build(struct process_report *process, struct program_files *files,
		       const struct finding_list *findings)
{
	const struct trace *trace = process->trace;
	size_t i;

	for (i = 0; i < findings->count; i++)
		if (findings->items[i].pid == trace->pid)
			break;
	if (i < findings->count && program_lacks_lines(files, trace))
		process->hint =
			memory_format("%s has no line tables, so inlined functions are not named; "
				      "build with CARGO_PROFILE_RELEASE_DEBUG=line-tables-only",
				      base_name(trace->exe));
}

void report_build(struct recording *recording, struct report *ret_report)
{
	struct report report = {.process_count = recording->trace_count};
	struct program_files files = {0};
	size_t i;

	report.processes = memory_alloc(report.process_count * sizeof(*report.processes));
	finding_list_init(&report.findings);
	for (i = 0; i < report.process_count; i++) {
		process_build(&report.processes[i], recording->traces[i], &files, &report.findings);
		if (model_was_watched(recording->traces[i]))
			report.watched_count++;
	}
	for (i = 0; i < report.process_count; i++)
		hint_build(&report.processes[i], &files, &report.findings);
	program_files_fini(&files);
	finding_sort(&report.findings);
	*ret_report = report;
}

void report_fini(struct report *report)
{
	size_t i, j;

	for (i = 0; i < report->process_count; i++) {
		for (j = 0; j < report->processes[i].blind_spot_count; j++)
			free(report->processes[i].blind_spots[j]);
		free(report->processes[i].blind_spots);
		free(report->processes[i].hint);
	}
	free(report->processes);
	finding_list_fini(&report->findings);
}

const char *report_unwatched_reason(const struct trace *trace, char text[REPORT_REASON_SIZE])
{
	if (!trace->attached)
		snprintf(text, REPORT_REASON_SIZE, "no async runtime was recognised in it");
	else if (model_was_replaced(trace))
		snprintf(text, REPORT_REASON_SIZE,
			 "it replaced itself by another program before it polled a task");
	else
		snprintf(text, REPORT_REASON_SIZE, "the engine had to switch itself %s",
			 trace->engine);
	return text;
}
