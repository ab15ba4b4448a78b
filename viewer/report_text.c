/* SPDX-License-Identifier: MIT */
/* The report for people: the culprit first, then what was watched and what was not. */
#include "report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "duration.h"
#include "memory.h"
#include "text_out.h"

#define INDENT           "   "
#define OPERATIONS_SHOWN 6

/* Programs without a runtime that are named. */
#define PROGRAMS_MAX 12

static const char *base_name(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash ? slash + 1 : path ? path : "unknown program";
}

/* Of a process without a runtime nothing is recorded, not even its end. */
static void ending_put(const struct trace *trace, FILE *out)
{
	const struct ending *ending = &trace->ending;
	char ran[DURATION_TEXT_SIZE];

	if (ending->has_duration)
		fprintf(out, ", ran for %s", duration_format(ending->duration_ns, ran));
	if (!ending->known && trace->attached)
		fputs(", no end recorded (killed, or still running)", out);
	else if (ending->has_signal)
		fprintf(out, ", ended by signal %d", (int)ending->signal);
	else if (ending->has_status)
		fprintf(out, ", exit status %d", (int)ending->status);
	else if (ending->reason && strcmp(ending->reason, "exec") == 0)
		fputs(", replaced itself by another program", out);
}

static void coverage_put(const struct trace *trace, FILE *out)
{
	char longest[DURATION_TEXT_SIZE], threshold[DURATION_TEXT_SIZE];

	fprintf(out, INDENT "watched: %" PRIu64 " task poll function%s", trace->task_vtables,
		trace->task_vtables == 1 ? "" : "s");
	if (trace->lock_sites)
		fprintf(out, ", %" PRIu64 " inlined locks (%" PRIu64 " left alone)",
			trace->lock_sites, trace->lock_sites_skipped);
	if (trace->has_polls && trace->polls.count)
		fprintf(out, "; %" PRIu64 " poll%s, the longest %s", trace->polls.count,
			trace->polls.count == 1 ? "" : "s",
			duration_format(trace->polls.max_ns, longest));
	else if (trace->has_polls)
		fputs("; no task was polled", out);
	if (trace->threshold_ns)
		fprintf(out, "; calls of %s and longer",
			duration_format(trace->threshold_ns, threshold));
	fputc('\n', out);
}

/* How many were left alone for the j-th reason of the i-th type, or 0 when it came before. */
static uint64_t lock_skips_sum(const struct trace *trace, size_t i, size_t j)
{
	const char *reason = trace->locks[i].skipped[j].reason;
	uint64_t sum = 0;
	size_t k, l;

	for (k = 0; k < trace->lock_count; k++) {
		for (l = 0; l < trace->locks[k].skip_count; l++) {
			if (strcmp(trace->locks[k].skipped[l].reason, reason) != 0)
				continue;
			if (k < i || (k == i && l < j))
				return 0;
			sum += trace->locks[k].skipped[l].count;
		}
	}
	return sum;
}

/* "std::sync::Mutex 40 of 42, dashmap 7"; then why some were left alone, a line for each reason. */
static void lock_coverage_put(const struct trace *trace, FILE *out)
{
	size_t i, j;

	for (i = 0; i < trace->lock_count; i++) {
		const struct lock_coverage *lock = &trace->locks[i];

		fputs(i ? ", " : INDENT "inlined locks: ", out);
		text_put(out, lock->type);
		fprintf(out, " %" PRIu64, lock->patched);
		if (lock->sites != lock->patched)
			fprintf(out, " of %" PRIu64, lock->sites);
	}
	if (i)
		fputc('\n', out);
	for (i = 0; i < trace->lock_count; i++) {
		for (j = 0; j < trace->locks[i].skip_count; j++) {
			uint64_t sum = lock_skips_sum(trace, i, j);

			if (!sum)
				continue;
			fprintf(out, INDENT "               %" PRIu64 " left alone: ", sum);
			text_put(out, trace->locks[i].skipped[j].reason);
			fputc('\n', out);
		}
	}
}

/* The calls that tasks spent most time in, findings or not. */
static void operations_put(const struct trace *trace, FILE *out)
{
	char total[DURATION_TEXT_SIZE];
	size_t i;

	for (i = 0; i < trace->operation_count && i < OPERATIONS_SHOWN; i++) {
		const struct operation *operation = &trace->operations[i];

		fputs(i ? ", " : INDENT "calls in task polls: ", out);
		fprintf(out, "%" PRIu64 " ", operation->count);
		text_put(out, operation->name);
		fprintf(out, " (%s)", duration_format(operation->total_ns, total));
	}
	if (i)
		fputs(i < trace->operation_count ? ", ...\n" : "\n", out);
}

static void set_aside_put(const struct trace *trace, FILE *out)
{
	if (trace->set_aside)
		fprintf(out,
			INDENT "%" PRIu64 " long poll%s or lock wait%s set aside: waiting for a "
			       "processor may be all it was\n",
			trace->set_aside, trace->set_aside == 1 ? "" : "s",
			trace->set_aside == 1 ? "" : "s");
}

/* A process that could not write its end has not brought its numbers up to date either. */
static void staleness_put(const struct trace *trace, FILE *out)
{
	if (!trace->ending.has_dropped)
		fputs(INDENT "killed or still running: counts may lag behind by an eighth of the "
			     "time it ran\n",
		      out);
}

static void process_put(const struct process_report *process, const struct text_style *style,
			FILE *out)
{
	const struct trace *trace = process->trace;
	const struct runtime *runtime = trace->runtimes.count ? trace->runtimes.items[0] : NULL;
	char reason[REPORT_REASON_SIZE];
	size_t i;

	fputs(style->bold, out);
	text_put(out, base_name(trace->exe));
	fprintf(out, "%s (pid %" PRId64 ")", style->reset, trace->pid);
	if (runtime && runtime->name) {
		fputs(", ", out);
		text_put(out, runtime->name);
		fputc(' ', out);
		text_put(out, runtime->version ? runtime->version : "of unknown version");
	}
	ending_put(trace, out);
	fputc('\n', out);
	if (model_was_watched(trace)) {
		coverage_put(trace, out);
		lock_coverage_put(trace, out);
		operations_put(trace, out);
		set_aside_put(trace, out);
		staleness_put(trace, out);
	} else {
		fputs(INDENT "nothing was judged: ", out);
		text_put(out, report_unwatched_reason(trace, reason));
		fputc('\n', out);
	}
	for (i = 0; i < process->blind_spot_count; i++) {
		fputs(i ? INDENT "          " : INDENT "not seen: ", out);
		text_put(out, process->blind_spots[i]);
		fputc('\n', out);
	}
	if (process->hint) {
		fputs(INDENT "hint: ", out);
		text_put(out, process->hint);
		fputc('\n', out);
	}
}

void report_text_kinds(const struct finding_list *findings, FILE *out)
{
	size_t i, j, kinds = 0;

	for (i = 0; detectors[i]; i++) {
		size_t count = 0;

		for (j = 0; j < findings->count; j++)
			if (findings->items[j].kind == detectors[i]->kind)
				count++;
		if (count)
			fprintf(out, "%s%zu %s", kinds++ ? ", " : "", count, detectors[i]->kind);
	}
}

static void headline_put(const struct report *report, FILE *out)
{
	const struct finding_list *findings = &report->findings;

	if (!findings->count && !report->watched_count) {
		fputs("Nothing was judged: no process with an async runtime was watched.\n", out);
		return;
	}
	if (!findings->count) {
		fputs("Clean: nothing that was watched blocked an async task or a root future.\n",
		      out);
		return;
	}
	fprintf(out, "%zu finding%s:", findings->count, findings->count == 1 ? "" : "s");
	fputc(' ', out);
	report_text_kinds(findings, out);
	fputc('\n', out);
}

/* A program and the number of processes that ran it. */
struct program_count {
	const char *name;
	size_t count;
};

static int program_compare(const void *a, const void *b)
{
	const struct program_count *left = a, *right = b;

	if (left->count != right->count)
		return left->count < right->count ? 1 : -1;
	return strcmp(left->name, right->name);
}

/* Returns the number of different programs without a runtime; *ret_total that of processes. */
static size_t programs_count(const struct report *report, struct program_count *programs,
			     size_t *ret_total)
{
	size_t i, j, count = 0;

	*ret_total = 0;
	for (i = 0; i < report->process_count; i++) {
		const struct trace *trace = report->processes[i].trace;
		const char *name = base_name(trace->exe);

		if (trace->attached)
			continue;
		for (j = 0; j < count && strcmp(programs[j].name, name) != 0; j++)
			;
		if (j == count)
			programs[count++] = (struct program_count){.name = name};
		programs[j].count++;
		++*ret_total;
	}
	if (count)
		qsort(programs, count, sizeof(*programs), program_compare);
	return count;
}

/* "16 other processes without an async runtime: git x8, sh x7, sleep". */
static void others_put(const struct report *report, FILE *out)
{
	struct program_count *programs = memory_alloc(report->process_count * sizeof(*programs));
	size_t i, total, count = programs_count(report, programs, &total);

	if (total)
		fprintf(out, "\n%zu other process%s without an async runtime:", total,
			total == 1 ? "" : "es");
	for (i = 0; i < count; i++) {
		fputs(i ? ", " : " ", out);
		if (i == PROGRAMS_MAX) {
			fputs("...", out);
			break;
		}
		text_put(out, programs[i].name);
		if (programs[i].count > 1)
			fprintf(out, " x%zu", programs[i].count);
	}
	if (total)
		fputc('\n', out);
	free(programs);
}

void report_text(const struct report *report, FILE *out, bool colour)
{
	struct text_style style = text_style(colour);
	bool attached = false;
	size_t i;

	headline_put(report, out);
	for (i = 0; i < report->findings.count; i++) {
		fprintf(out, "\n%zu. ", i + 1);
		report_text_finding(&report->findings.items[i], out, colour);
	}
	for (i = 0; i < report->process_count; i++)
		attached |= report->processes[i].trace->attached;
	for (i = 0; i < report->process_count; i++) {
		if (attached && !report->processes[i].trace->attached)
			continue;
		fputc('\n', out);
		process_put(&report->processes[i], &style, out);
	}
	if (attached)
		others_put(report, out);
}
