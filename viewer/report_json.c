/* SPDX-License-Identifier: MIT */
/* The report for programs: "overstay-report/1". */
#include "report.h"

#include <errno.h>
#include <inttypes.h>

#include "json_text.h"
#include "report_json_parts.h"

/* A frame that is only a task's type: whether it was inlined, nobody knows. */
static json_t *where_json(const struct finding *finding)
{
	json_t *where;

	if (!finding->has_where)
		return json_null();
	where = frame_json(&finding->where);
	if (!finding->where.offset)
		json_object_set_new(where, "inlined", json_null());
	return where;
}

static json_t *histogram_json(const struct histogram *histogram)
{
	json_t *buckets = json_array();
	size_t i;

	for (i = 0; i < histogram->count; i++)
		json_array_append_new(buckets, json_pack("[I, I]",
							 (json_int_t)histogram->buckets[i].upper_ns,
							 (json_int_t)histogram->buckets[i].count));
	return buckets;
}

static json_t *target_json(const struct finding *finding)
{
	if (!finding->target_kind)
		return json_null();
	return json_pack("{s:o, s:o}", "kind", json_text_or_null(finding->target_kind), "name",
			 json_text_or_null(finding->target_name));
}

static json_t *elsewhere_json(const struct finding *finding)
{
	json_t *frames = json_array();
	size_t i;

	for (i = 0; i < finding->elsewhere_count; i++)
		json_array_append_new(frames, frame_json(finding->elsewhere[i]));
	return frames;
}

json_t *report_json_finding(const struct finding *finding)
{
	const struct usage *usage = &finding->usage;
	const struct thread *thread = finding->thread;
	json_t *json = json_object();

	json_object_set_new(json, "id", json_sprintf("%016" PRIx64, finding->id));
	json_object_set_new(json, "kind", json_text(finding->kind));
	json_object_set_new(json, "context", json_text_or_null(context_name(finding->context)));
	json_object_set_new(json, "operation", json_text_or_null(finding->operation));
	json_object_set_new(json, "class", json_text_or_null(finding->class));
	json_object_set_new(json, "count", json_integer((json_int_t)usage->count));
	json_object_set_new(json, "total_ns", json_integer((json_int_t)usage->total_ns));
	json_object_set_new(json, "max_ns", json_integer((json_int_t)usage->max_ns));
	json_object_set_new(json, "first_ns", json_integer((json_int_t)usage->first_ns));
	json_object_set_new(json, "last_ns", json_integer((json_int_t)usage->last_ns));
	json_object_set_new(json, "histogram", histogram_json(&usage->histogram));
	json_object_set_new(json, "where", where_json(finding));
	json_object_set_new(json, "elsewhere", elsewhere_json(finding));
	json_object_set_new(json, "stack", stack_json(finding->stack));
	json_object_set_new(json, "task",
			    json_pack("{s:o, s:o}", "name",
				      json_text_or_null(finding->type ? finding->type->name : NULL),
				      "id", number_if(finding->has_task, finding->task)));
	json_object_set_new(json, "thread",
			    json_pack("{s:o, s:o}", "name",
				      json_text_or_null(thread ? thread->name : NULL), "tid",
				      number_if(thread && thread->tid, thread ? thread->tid : 0)));
	json_object_set_new(json, "target", target_json(finding));
	json_object_set_new(json, "lock", lock_json(&finding->lock));
	json_object_set_new(json, "cycle", cycle_json(finding->deadlock));
	json_object_set_new(json, "victims", json_pack("{s:n, s:n}", "tasks", "delay_ns"));
	json_object_set_new(json, "pid", json_integer(finding->pid));
	return json;
}

static json_t *coverage_json(const struct process_report *process)
{
	const struct trace *trace = process->trace;
	json_t *blind_spots = json_array();
	size_t i;

	for (i = 0; i < process->blind_spot_count; i++)
		json_array_append_new(blind_spots, json_text(process->blind_spots[i]));
	return json_pack("{s:b, s:I, s:I, s:I, s:o, s:b, s:o, s:o}", "attached", trace->attached,
			 "task_vtables", (json_int_t)trace->task_vtables, "lock_sites",
			 (json_int_t)trace->lock_sites, "lock_sites_skipped",
			 (json_int_t)trace->lock_sites_skipped, "locks", lock_coverage_json(trace),
			 "stacks", trace->stacks, "engine", json_text_or_null(trace->engine),
			 "blind_spots", blind_spots);
}

static json_t *runtime_json(const struct runtime *runtime)
{
	return json_pack("{s:o, s:o}", "name", json_text_or_null(runtime ? runtime->name : NULL),
			 "version", json_text_or_null(runtime ? runtime->version : NULL));
}

static json_t *runtimes_json(const struct trace *trace)
{
	json_t *runtimes = json_array();
	size_t i;

	for (i = 0; i < trace->runtimes.count; i++)
		json_array_append_new(runtimes, runtime_json(trace->runtimes.items[i]));
	return runtimes;
}

static json_t *polls_json(const struct trace *trace)
{
	return json_pack("{s:o, s:o, s:o, s:o}", "count",
			 number_if(trace->has_polls, trace->polls.count), "total_ns",
			 number_if(trace->has_polls, trace->polls.total_ns), "max_ns",
			 number_if(trace->has_polls, trace->polls.max_ns), "histogram",
			 histogram_json(&trace->polls.histogram));
}

static json_t *operations_json(const struct trace *trace)
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < trace->operation_count; i++) {
		const struct operation *operation = &trace->operations[i];

		json_array_append_new(array, json_pack("{s:o, s:o, s:I, s:I}", "operation",
						       json_text(operation->name), "class",
						       json_text(operation->class), "count",
						       (json_int_t)operation->count, "total_ns",
						       (json_int_t)operation->total_ns));
	}
	return array;
}

static json_t *process_json(const struct process_report *process)
{
	const struct trace *trace = process->trace;
	const struct ending *ending = &trace->ending;
	json_t *json = json_object();

	json_object_set_new(json, "pid", json_integer(trace->pid));
	json_object_set_new(json, "exe", json_text_or_null(trace->exe));
	json_object_set_new(json, "build_id", json_text_or_null(trace->build_id));
	json_object_set_new(json, "trace", json_text(trace->path));
	json_object_set_new(json, "ended",
			    json_text_or_null(ending->known ? ending->reason : NULL));
	json_object_set_new(json, "status", number_if(ending->has_status, ending->status));
	json_object_set_new(json, "signal", number_if(ending->has_signal, ending->signal));
	json_object_set_new(json, "duration_ns",
			    number_if(ending->has_duration, ending->duration_ns));
	json_object_set_new(json, "dropped_events",
			    number_if(ending->has_dropped, ending->dropped_events));
	json_object_set_new(json, "threshold_ns", json_integer((json_int_t)trace->threshold_ns));
	json_object_set_new(json, "long_poll_ns", json_integer((json_int_t)trace->long_poll_ns));
	json_object_set_new(json, "runtime",
			    runtime_json(trace->runtimes.count ? trace->runtimes.items[0] : NULL));
	json_object_set_new(json, "runtimes", runtimes_json(trace));
	json_object_set_new(json, "coverage", coverage_json(process));
	json_object_set_new(json, "polls", polls_json(trace));
	json_object_set_new(json, "operations", operations_json(trace));
	json_object_set_new(json, "set_aside", number_if(trace->has_polls, trace->set_aside));
	return json;
}

int report_json(const struct report *report, FILE *out)
{
	json_t *processes = json_array(), *findings = json_array(), *document;
	size_t i;
	int r;

	for (i = 0; i < report->process_count; i++)
		json_array_append_new(processes, process_json(&report->processes[i]));
	for (i = 0; i < report->findings.count; i++)
		json_array_append_new(findings, report_json_finding(&report->findings.items[i]));
	document = json_pack("{s:s, s:o, s:o}", "schema", "overstay-report/1", "processes",
			     processes, "findings", findings);
	r = json_dumpf(document, out, JSON_INDENT(2));
	fputc('\n', out);
	json_decref(document);
	return r < 0 || fflush(out) != 0 ? -EIO : 0;
}
