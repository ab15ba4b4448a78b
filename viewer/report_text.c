/* SPDX-License-Identifier: MIT */
/* The report for people: the culprit first, then what was watched and what was not. */
#include "report.h"

#include <inttypes.h>
#include <string.h>

#include "duration.h"
#include "function_name.h"
#include "owner.h"
#include "text_out.h"

#define INDENT "   "

static const char *base_name(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash ? slash + 1 : path ? path : "unknown program";
}

static void where_put(const struct finding *finding, FILE *out)
{
	if (finding->has_where)
		text_put_place(out, &finding->where);
	else
		fputs("code without symbols", out);
}

/* "for 350 ms", or "4 times, for up to 350 ms, 1.20 s in all". */
static void times_put(const struct usage *usage, const struct text_style *style, FILE *out)
{
	char max[DURATION_TEXT_SIZE], total[DURATION_TEXT_SIZE];

	duration_format(usage->max_ns, max);
	duration_format(usage->total_ns, total);
	if (usage->count <= 1)
		fprintf(out, "for %s%s%s", style->strong, max, style->reset);
	else
		fprintf(out, "%" PRIu64 " times, for up to %s%s%s, %s in all", usage->count,
			style->strong, max, style->reset, total);
}

static void lock_put(const char *type, FILE *out)
{
	if (!type)
		fputs("waited for a lock ", out);
	else if (strcmp(type, "thread::park") == 0)
		fputs("waited in thread::park ", out);
	else
		fprintf(out, "waited for a %s ", type);
}

/* A call names the operation; a worker stuck elsewhere has only "poll". */
static void stall_put(const struct finding *finding, const struct text_style *style, FILE *out)
{
	if (finding->class) {
		fputs("stuck in ", out);
		text_put(out, finding->operation);
	} else {
		fputs("did not come back from a poll", out);
	}
	fputc(' ', out);
	times_put(&finding->usage, style, out);
	fputs(", still there when the trace ended", out);
}

/* " in libsqlite3-sys (full_fsync)": where a library went on from the program's own code. */
static void via_put(const struct finding *finding, FILE *out)
{
	char label[OWNER_LABEL_SIZE], path[FUNCTION_PATH_SIZE];

	if (!finding->via)
		return;
	owner_package(finding->via, label);
	fputs(", in ", out);
	if (!finding->via->function) {
		text_put(out, label);
		return;
	}
	function_path(finding->via->function, path);
	if (strncmp(path, label, strlen(label)) == 0) {
		text_put(out, path);
		return;
	}
	text_put(out, label);
	fputs(" (", out);
	text_put(out, path);
	fputc(')', out);
}

static void call_put(const struct finding *finding, const struct text_style *style, FILE *out)
{
	fputs("blocked in ", out);
	text_put(out, finding->operation);
	fputc(' ', out);
	times_put(&finding->usage, style, out);
	if (finding->target_kind) {
		fputs(", on ", out);
		text_put(out, finding->target_kind);
	}
	if (finding->target_kind && finding->target_name) {
		fputc(' ', out);
		text_put(out, finding->target_name);
	}
}

static void deed_put(const struct finding *finding, const struct text_style *style, FILE *out)
{
	if (strcmp(finding->kind, "stall") == 0) {
		stall_put(finding, style, out);
		return;
	}
	if (strcmp(finding->kind, "long-poll") == 0) {
		fputs("did not yield ", out);
		times_put(&finding->usage, style, out);
		fputs(" (recorded calls not counted)", out);
		return;
	}
	if (strcmp(finding->kind, "lock-wait") == 0) {
		lock_put(finding->lock_type, out);
		times_put(&finding->usage, style, out);
		return;
	}
	call_put(finding, style, out);
}

static void context_put(const struct finding *finding, FILE *out)
{
	const char *name = finding->type ? finding->type->name : NULL;

	if (finding->context == VERDICT_BLOCK_ON) {
		fputs("in the future that block_on runs", out);
	} else {
		fputs("in task ", out);
		if (name)
			text_put_function(out, name);
		else
			fputs("of unknown type", out);
		if (finding->has_task)
			fprintf(out, " (id %" PRIu64 ")", finding->task);
	}
	if (finding->thread && finding->thread->name) {
		fputs(", thread ", out);
		text_put(out, finding->thread->name);
	}
}

static void elsewhere_put(const struct finding *finding, FILE *out)
{
	size_t i;

	if (!finding->elsewhere_count)
		return;
	fputs(INDENT "the same from ", out);
	for (i = 0; i < finding->elsewhere_count; i++) {
		fputs(i ? ", " : "", out);
		text_put_source(out, finding->elsewhere[i]);
	}
	fputc('\n', out);
}

static void finding_put(const struct finding *finding, const struct text_style *style, FILE *out)
{
	fputs(style->bold, out);
	where_put(finding, out);
	fprintf(out, "%s\n" INDENT, style->reset);
	deed_put(finding, style, out);
	via_put(finding, out);
	fputs("\n" INDENT, out);
	context_put(finding, out);
	fputc('\n', out);
	elsewhere_put(finding, out);
	if (text_stack_is_telling(finding)) {
		fputc('\n', out);
		text_put_stack(out, finding, style, INDENT INDENT);
		fputc('\n', out);
	}
	fprintf(out, "%s" INDENT "%s %016" PRIx64 "%s\n", style->dim, finding->kind, finding->id,
		style->reset);
}

void report_text_finding(const struct finding *finding, FILE *out, bool colour)
{
	struct text_style style = text_style(colour);

	finding_put(finding, &style, out);
}

void report_text_place(const struct finding *finding, FILE *out)
{
	if (strcmp(finding->kind, "lock-wait") == 0)
		fprintf(out, "%s", finding->lock_type ? finding->lock_type : "a lock");
	else
		text_put(out, finding->operation);
	fputs(" at ", out);
	if (!finding->has_where) {
		fputs("code without symbols", out);
		return;
	}
	if (text_frame_is_nameless(&finding->where)) {
		text_put_source(out, &finding->where);
		return;
	}
	text_put_function(out, finding->where.function);
	if (finding->where.file) {
		fputs(" (", out);
		text_put_source(out, &finding->where);
		fputc(')', out);
	}
}

static void ending_put(const struct ending *ending, FILE *out)
{
	char ran[DURATION_TEXT_SIZE];

	if (ending->has_duration)
		fprintf(out, ", ran for %s", duration_format(ending->duration_ns, ran));
	if (!ending->known)
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

	fprintf(out, INDENT "watched: %" PRIu64 " task poll functions", trace->task_vtables);
	if (trace->lock_sites)
		fprintf(out, ", %" PRIu64 " inlined locks (%" PRIu64 " left alone)",
			trace->lock_sites, trace->lock_sites_skipped);
	if (trace->has_polls)
		fprintf(out, "; %" PRIu64 " polls, the longest %s", trace->polls.count,
			duration_format(trace->polls.max_ns, longest));
	if (trace->threshold_ns)
		fprintf(out, "; calls from %s on", duration_format(trace->threshold_ns, threshold));
	fputc('\n', out);
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
	ending_put(&trace->ending, out);
	fputc('\n', out);
	if (model_was_watched(trace)) {
		coverage_put(trace, out);
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

static void headline_put(const struct report *report, FILE *out)
{
	const struct finding_list *findings = &report->findings;
	size_t i, j, kinds = 0;

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
	for (i = 0; detectors[i]; i++) {
		size_t count = 0;

		for (j = 0; j < findings->count; j++)
			if (findings->items[j].kind == detectors[i]->kind)
				count++;
		if (count)
			fprintf(out, "%s %zu %s", kinds++ ? "," : "", count, detectors[i]->kind);
	}
	fputc('\n', out);
}

void report_text(const struct report *report, FILE *out, bool colour)
{
	struct text_style style = text_style(colour);
	size_t i;

	headline_put(report, out);
	for (i = 0; i < report->findings.count; i++) {
		fprintf(out, "\n%zu. ", i + 1);
		finding_put(&report->findings.items[i], &style, out);
	}
	for (i = 0; i < report->process_count; i++) {
		fputc('\n', out);
		process_put(&report->processes[i], &style, out);
	}
}
