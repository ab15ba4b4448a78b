/* SPDX-License-Identifier: MIT */
/* Judging against limits, and telling the verdict. */
#include "gate.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "duration.h"
#include "json_text.h"

static char *reason_unwatched(const struct gate *gate)
{
	char text[REPORT_REASON_SIZE];
	const struct trace *trace;

	if (gate->report.process_count != 1)
		return memory_format("in none of %zu processes an async runtime was watched",
				     gate->report.process_count);
	trace = gate->report.processes[0].trace;
	return memory_format("%s: %s", trace->exe ? trace->exe : gate->path,
			     report_unwatched_reason(trace, text));
}

static char *reason_unreadable(const struct gate *gate)
{
	const struct load_failure *failure = &gate->recording->failures[0];

	if (gate->recording->failure_count == 1)
		return memory_format("%s: %s", failure->path, failure->reason);
	return memory_format("%zu traces cannot be read, the first is %s: %s",
			     gate->recording->failure_count, failure->path, failure->reason);
}

static uint64_t polls_count(const struct report *report)
{
	uint64_t count = 0;
	size_t i;

	for (i = 0; i < report->process_count; i++)
		count += report->processes[i].trace->polls.count;
	return count;
}

/* A process that ended by itself writes how; when `run` had to, the rest of its trace is missing.
 */
static const struct trace *trace_incomplete(const struct report *report)
{
	size_t i;

	for (i = 0; i < report->process_count; i++) {
		const struct trace *trace = report->processes[i].trace;

		if (trace->attached && trace->ending.known && !trace->ending.has_dropped &&
		    trace->ending.reason && strcmp(trace->ending.reason, "exit") == 0)
			return trace;
	}
	return NULL;
}

/* What was lost may have been a finding: silence of such a trace means nothing. */
static const struct trace *trace_with_losses(const struct report *report)
{
	size_t i;

	for (i = 0; i < report->process_count; i++) {
		const struct trace *trace = report->processes[i].trace;

		if (trace->attached && trace->ending.has_dropped &&
		    (trace->ending.dropped_events || trace->ending.dropped_records))
			return trace;
	}
	return NULL;
}

static void gate_decide(struct gate *gate)
{
	const struct report *report = &gate->report;
	const struct trace *incomplete = trace_incomplete(report);
	const struct trace *lossy = trace_with_losses(report);

	if (gate->recording->failure_count) {
		gate->status = EXIT_UNJUDGED;
		gate->reason = reason_unreadable(gate);
	} else if (gate->failing) {
		gate->status = EXIT_FINDINGS;
		gate->reason = memory_format("%zu finding%s over the limits", gate->failing,
					     gate->failing == 1 ? "" : "s");
	} else if (lossy) {
		gate->status = EXIT_UNJUDGED;
		gate->reason = memory_format("%s: events of pid %" PRId64
					     " were lost, and a finding may be among them",
					     lossy->path, lossy->pid);
	} else if (incomplete) {
		gate->status = EXIT_UNJUDGED;
		gate->reason = memory_format("%s: the trace of pid %" PRId64
					     " is not complete; is the disk full?",
					     incomplete->path, incomplete->pid);
	} else if (!report->watched_count) {
		gate->status = EXIT_UNJUDGED;
		gate->reason = reason_unwatched(gate);
	} else {
		gate->status = EXIT_CLEAN;
		gate->reason = memory_format(
			"no finding over the limits in %" PRIu64 " polls, %zu of %zu process%s "
			"watched",
			polls_count(report), report->watched_count, report->process_count,
			report->process_count == 1 ? "" : "es");
	}
}

/* A limit below what was recorded promises more than the trace can hold. */
static void thresholds_check(struct gate *gate)
{
	size_t i;

	for (i = 0; i < gate->report.process_count; i++) {
		struct process_report *process = &gate->report.processes[i];
		uint64_t limit = limits_get(&gate->limits, "blocking-call");
		char text[DURATION_TEXT_SIZE], limit_text[DURATION_TEXT_SIZE];

		if (process->trace->threshold_ns <= limit)
			continue;
		process->blind_spots =
			memory_grow(process->blind_spots, &process->blind_spot_capacity,
				    process->blind_spot_count + 1, sizeof(char *));
		process->blind_spots[process->blind_spot_count++] = memory_format(
			"calls shorter than %s were not recorded, but the limit is %s",
			duration_format(process->trace->threshold_ns, text),
			duration_format(limit, limit_text));
	}
}

void gate_judge(struct recording *recording, const char *path, struct gate *ret_gate)
{
	struct gate gate = {.path = path, .recording = recording};
	size_t i;

	limits_default(&gate.limits);
	report_build(recording, &gate.report);
	thresholds_check(&gate);
	for (i = 0; i < gate.report.findings.count; i++)
		if (limits_exceeded(&gate.limits, &gate.report.findings.items[i]))
			gate.failing++;
	gate_decide(&gate);
	*ret_gate = gate;
}

void gate_fini(struct gate *gate)
{
	report_fini(&gate->report);
	free(gate->reason);
}

static void blind_spots_put(const struct gate *gate, FILE *out)
{
	size_t i, j;

	for (i = 0; i < gate->report.process_count; i++) {
		const struct process_report *process = &gate->report.processes[i];

		if (!process->trace->attached)
			continue;
		for (j = 0; j < process->blind_spot_count; j++)
			fprintf(out, "  not seen in pid %" PRId64 ": %s\n", process->trace->pid,
				process->blind_spots[j]);
	}
}

void gate_text(const struct gate *gate, FILE *out, FILE *err)
{
	const struct finding_list *findings = &gate->report.findings;
	size_t i;

	for (i = 0; i < findings->count; i++) {
		if (!limits_exceeded(&gate->limits, &findings->items[i]))
			continue;
		report_text_finding(&findings->items[i], out, false);
		fputc('\n', out);
	}
	fflush(out);
	if (gate->status == EXIT_UNJUDGED) {
		fprintf(err, "overstay: could not judge: %s\n", gate->reason);
		return;
	}
	fprintf(out, "%s: %s\n", gate->status == EXIT_CLEAN ? "clean" : "failed", gate->reason);
	blind_spots_put(gate, out);
}

static json_t *limits_json(const struct limits *limits)
{
	json_t *json = json_object();
	size_t i;

	for (i = 0; i < limits->count; i++)
		json_object_set_new(json, limits->items[i].kind,
				    json_integer((json_int_t)limits->items[i].max_ns));
	return json;
}

static json_t *blind_spots_json(const struct gate *gate)
{
	json_t *json = json_array();
	size_t i, j;

	for (i = 0; i < gate->report.process_count; i++)
		for (j = 0; j < gate->report.processes[i].blind_spot_count; j++)
			json_array_append_new(json,
					      json_text(gate->report.processes[i].blind_spots[j]));
	return json;
}

void gate_json(const struct gate *gate, FILE *out)
{
	static const char *const words[] = {
		[EXIT_CLEAN] = "clean",
		[EXIT_FINDINGS] = "findings",
		[EXIT_UNJUDGED] = "unjudged",
	};
	json_t *findings = json_array(), *document;
	size_t i;

	for (i = 0; i < gate->report.findings.count; i++)
		if (limits_exceeded(&gate->limits, &gate->report.findings.items[i]))
			json_array_append_new(findings,
					      report_json_finding(&gate->report.findings.items[i]));
	document = json_pack("{s:s, s:s, s:o, s:o, s:o, s:I, s:I, s:o, s:o}", "schema",
			     "overstay-check/1", "status", words[gate->status], "reason",
			     json_text(gate->reason), "path", json_text(gate->path), "limits_ns",
			     limits_json(&gate->limits), "processes",
			     (json_int_t)gate->report.process_count, "watched",
			     (json_int_t)gate->report.watched_count, "blind_spots",
			     blind_spots_json(gate), "findings", findings);
	json_dumpf(document, out, JSON_INDENT(2));
	fputc('\n', out);
	json_decref(document);
}
