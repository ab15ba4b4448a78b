/* SPDX-License-Identifier: MIT */
/* One finding for people: where, what it did, for whom, and the stack. */
#include "report.h"

#include <inttypes.h>
#include <string.h>

#include "duration.h"
#include "function_name.h"
#include "owner.h"
#include "report_lock.h"
#include "text_out.h"

#define INDENT "   "

/* What can be said of a place without an application frame and without a task's type. */
static const char *nowhere(const struct finding *finding)
{
	bool root = finding->context == VERDICT_BLOCK_ON;
	size_t i, end;

	if (!finding->stack)
		return root ? "a future of unknown type" : "a task of unknown type";
	end = root ? finding->stack->frame_count : finding->boundary;
	for (i = 0; i < end; i++)
		if (owner_of(&finding->stack->frames[i], NULL) == OWNER_UNKNOWN)
			return "code without symbols";
	return root ? "a future inlined into Tokio's block_on"
		    : "a future inlined into Tokio's poll function";
}

static void where_put(const struct finding *finding, FILE *out)
{
	if (finding->has_where)
		text_put_place(out, &finding->where);
	else
		fputs(nowhere(finding), out);
}

static bool waits_to_send(const struct finding *finding)
{
	size_t i;

	for (i = 0; finding->stack && i < finding->boundary; i++) {
		const char *function = finding->stack->frames[i].function;

		if (function && strstr(function, "::mp") && strstr(function, "::send"))
			return true;
	}
	return false;
}

static void wait_put(const struct finding *finding, FILE *out)
{
	const char *type = finding->lock.type;

	if (type && strcmp(type, "thread::park") == 0) {
		fputs("waited in thread::park ", out);
	} else if (type && strcmp(type, "std::sync::mpsc") == 0) {
		fprintf(out, "waited to %s on a std::sync::mpsc channel ",
			waits_to_send(finding) ? "send" : "receive");
	} else {
		fputs("waited for a ", out);
		lock_put_type(type, out);
		fputc(' ', out);
	}
}

/* "a poll ran for 52.0 ms", or "3 polls ran too long, for up to 52.0 ms, 120 ms in all". */
static void long_poll_put(const struct usage *usage, const struct text_style *style, FILE *out)
{
	char max[DURATION_TEXT_SIZE], total[DURATION_TEXT_SIZE];

	duration_format(usage->max_ns, max);
	if (usage->count <= 1)
		fprintf(out, "a poll ran for %s%s%s", style->strong, max, style->reset);
	else
		fprintf(out, "%" PRIu64 " polls ran too long, for up to %s%s%s, %s in all",
			usage->count, style->strong, max, style->reset,
			duration_format(usage->total_ns, total));
	fputs(" (recorded calls not counted)", out);
}

/* "read()": the name of a libc call. */
static void operation_put(const struct finding *finding, FILE *out)
{
	text_put(out, finding->operation);
	fputs("()", out);
}

/* A call names the operation; a worker stuck elsewhere has only "poll". */
static void stall_put(const struct finding *finding, const struct text_style *style, FILE *out)
{
	if (finding->lock.type) {
		fputs("stuck waiting for a ", out);
		lock_put_type(finding->lock.type, out);
	} else if (finding->class) {
		fputs("stuck in ", out);
		operation_put(finding, out);
	} else {
		fputs("did not come back from a poll", out);
	}
	fputc(' ', out);
	text_put_times(out, &finding->usage, style);
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
	operation_put(finding, out);
	fputc(' ', out);
	text_put_times(out, &finding->usage, style);
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
	} else if (strcmp(finding->kind, "long-poll") == 0) {
		long_poll_put(&finding->usage, style, out);
	} else if (strcmp(finding->kind, "lock-wait") == 0) {
		wait_put(finding, out);
		text_put_times(out, &finding->usage, style);
	} else if (strcmp(finding->kind, "lock-across-await") == 0) {
		lock_put_held(finding, style, out);
	} else if (finding->deadlock) {
		lock_put_deadlock(finding, style, out);
	} else {
		call_put(finding, style, out);
	}
}

/* A deadlock's links each say who. */
static void context_put(const struct finding *finding, FILE *out)
{
	const char *name = finding->type ? finding->type->name : NULL;

	if (finding->deadlock)
		return;
	fputs(INDENT, out);
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
	fputc('\n', out);
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
	fputc('\n', out);
	lock_put_particulars(finding, INDENT, out);
	context_put(finding, out);
	elsewhere_put(finding, out);
	if (text_stack_is_telling(finding)) {
		fputc('\n', out);
		text_put_stack(out, finding, style, INDENT INDENT);
		fputc('\n', out);
	}
	lock_put_help(finding, INDENT, out);
	fprintf(out, "%s" INDENT "%s %016" PRIx64 "%s\n", style->dim, finding->kind, finding->id,
		style->reset);
}

void report_text_finding(const struct finding *finding, FILE *out, bool colour)
{
	struct text_style style = text_style(colour);

	finding_put(finding, &style, out);
}

/* "read() at ", "std::sync::Mutex held across an .await at ", or "a poll of ". */
static void place_lead_put(const struct finding *finding, FILE *out)
{
	bool held = strcmp(finding->kind, "lock-across-await") == 0;

	if (!finding->class) {
		fputs("a poll of ", out);
		return;
	}
	if (finding->deadlock)
		fputs("a deadlock", out);
	else if (held || strcmp(finding->kind, "lock-wait") == 0)
		fputs(finding->lock.type ? finding->lock.type : "a lock", out);
	else
		operation_put(finding, out);
	fputs(held ? " held across an .await at " : " at ", out);
}

void report_text_place(const struct finding *finding, FILE *out)
{
	place_lead_put(finding, out);
	if (!finding->has_where) {
		fputs(nowhere(finding), out);
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
