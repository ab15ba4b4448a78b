/* SPDX-License-Identifier: MIT */
/* Judges a recording, and puts into sentences what could not be seen. */
#include "report.h"

#include <stdlib.h>
#include <string.h>

#include "duration.h"
#include "symbolise.h"

/* Takes over `sentence`, which is malloc'd. */
static void blind_spot_add(struct process_report *process, char *sentence)
{
	process->blind_spots = memory_grow(process->blind_spots, &process->blind_spot_capacity,
					   process->blind_spot_count + 1, sizeof(sentence));
	process->blind_spots[process->blind_spot_count++] = sentence;
}

static const char *module_name(const struct module *module)
{
	const char *slash = module->path ? strrchr(module->path, '/') : NULL;

	return slash ? slash + 1 : module->path ? module->path : "a module without a name";
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
					      module_name(module), reasons[module->state]));
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

static void process_build(struct process_report *process, struct trace *trace,
			  struct finding_list *findings)
{
	uint64_t unjudged = findings->unjudged;
	size_t i;

	symbolise(trace);
	process->trace = trace;
	finding_detect(trace, findings);
	for (i = 0; i < trace->blind_spot_count; i++)
		blind_spot_add(process, memory_format("%s", trace->blind_spots[i]));
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

void report_build(struct recording *recording, struct report *ret_report)
{
	struct report report = {.process_count = recording->trace_count};
	size_t i;

	report.processes = memory_alloc(report.process_count * sizeof(*report.processes));
	finding_list_init(&report.findings);
	for (i = 0; i < report.process_count; i++) {
		process_build(&report.processes[i], recording->traces[i], &report.findings);
		if (model_was_watched(recording->traces[i]))
			report.watched_count++;
	}
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
