/* SPDX-License-Identifier: MIT */
/* The inspection for people. */
#include "inspect.h"

#include <string.h>

#include "text_out.h"

#define TASKS_MAX 20
#define INDENT    "  "
#define LABEL     INDENT "%-13s"

static void program_put(const struct elf_file *file, FILE *out)
{
	fprintf(out, LABEL "%s, ", "binary", inspect_machine(file->machine));
	if (file->kind == ELF_FILE_LIBRARY)
		fputs("shared library", out);
	else
		fprintf(out, "%s, %s",
			file->kind == ELF_FILE_STATIC ? "statically linked" : "dynamically linked",
			file->image.fixed ? "not position-independent" : "position-independent");
	if (*file->build_id)
		fprintf(out, ", build id %s\n", file->build_id);
	else
		fputs(", no build id\n", out);
}

static void preload_put(const struct inspection *inspection, FILE *out)
{
	static const char *const answers[] = {
		[PRELOAD_YES] = "yes",
		[PRELOAD_NO] = "no: ",
		[PRELOAD_DEPENDS] = "",
	};

	fprintf(out, LABEL "%s%s\n", "preload", answers[inspection->preload],
		inspection->reason ? inspection->reason : "");
}

static void symbols_put(enum symbol_detail symbols, FILE *out)
{
	static const char *const details[] = {
		[SYMBOL_DETAIL_NONE] = "none",
		[SYMBOL_DETAIL_NAMES] = "symbol table: function names, no source lines",
		[SYMBOL_DETAIL_LINES] = "line tables: function names and source lines",
		[SYMBOL_DETAIL_FULL] = "full DWARF: function names, source lines and types",
	};

	fprintf(out, LABEL "%s\n", "symbols", details[symbols]);
}

static void tokio_put(const struct inspection *inspection, FILE *out)
{
	const size_t *counts = inspection->class_counts;

	if (!inspection->layout) {
		fprintf(out, LABEL "none recognised\n", "runtime");
		return;
	}
	fprintf(out, LABEL "Tokio ", "runtime");
	text_put(out, inspection->tokio_version ? inspection->tokio_version : "of unknown version");
	fprintf(out, " (task layout of %s)\n", inspection->layout);
	fprintf(out, LABEL "%zu:", "task types", inspection->task_count);
	if (counts[TOKIO_UNKNOWN])
		fprintf(out, " %zu to be told apart when they are first polled\n",
			counts[TOKIO_UNKNOWN]);
	else
		fprintf(out, " %zu async, %zu blocking (jobs of the blocking pool, workers)\n",
			counts[TOKIO_TASK], counts[TOKIO_BLOCKING]);
	fprintf(out, LABEL "%s\n", "lock waits",
		inspection->futex_imported ? "seen: `syscall` is imported from libc"
					   : "not seen: `syscall` is not imported from libc");
}

/* One line per kind of lock, as a sum of what would be patched and what not. */
static void locks_put(const struct inspection *inspection, FILE *out)
{
	bool first = true;

	for (unsigned type = 0; type < LOCK_TYPES; type++) {
		const struct coverage_locks *locks = &inspection->locks[type];

		if (!locks->sites)
			continue;
		fprintf(out, LABEL "%s: %u place%s, %u patched", first ? "locks" : "",
			lock_type_name(type), locks->sites, locks->sites == 1 ? "" : "s",
			locks->patched);
		first = false;
		for (uint32_t i = 0; i < locks->reason_count; i++)
			fprintf(out, ", %u left alone: %s", locks->skipped[i].count,
				locks->skipped[i].reason);
		fputc('\n', out);
	}
}

static void crates_put(const struct inspection *inspection, FILE *out)
{
	size_t i;

	for (i = 0; i < inspection->crate_count; i++) {
		const struct inspected_crate *crate = &inspection->crates[i];

		fprintf(out, LABEL "%s ", i ? "" : "also inside", crate->name);
		text_put(out, crate->version ? crate->version : "of unknown version");
		fprintf(out, "%s\n",
			crate->on_tokio ? ", which runs on Tokio" : ", which is not supported");
	}
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* One future makes several types when it is spawned on several kinds of scheduler. */
static bool same_task(const struct inspected_task *a, const struct inspected_task *b)
{
	return a->class == b->class && same_text(a->name, b->name) && same_text(a->file, b->file) &&
	       a->line == b->line;
}

static void task_put(const struct inspected_task *task, size_t count, FILE *out)
{
	const struct frame place = {.file = task->file, .line = task->line};

	fputs(INDENT INDENT, out);
	text_put_function(out, task->name);
	if (task->class == TOKIO_BLOCKING)
		fputs(" (blocking)", out);
	if (count > 1)
		fprintf(out, " (%zu types)", count);
	if (task->file) {
		fputs(" at ", out);
		text_put_source(out, &place);
	}
	fputc('\n', out);
}

static void tasks_put(const struct inspection *inspection, FILE *out, bool all)
{
	size_t i, next, lines = 0, named = 0, left = 0;

	for (i = 0; i < inspection->task_count; i++)
		named += inspection->tasks[i].name != NULL;
	if (named)
		fputs("\nTask types by name:\n", out);
	for (i = 0; i < inspection->task_count; i = next) {
		const struct inspected_task *task = &inspection->tasks[i];

		for (next = i + 1; next < inspection->task_count; next++)
			if (!same_task(task, &inspection->tasks[next]))
				break;
		if (!task->name)
			continue;
		if (all || lines < TASKS_MAX)
			task_put(task, next - i, out);
		else
			left += next - i;
		lines++;
	}
	if (left)
		fprintf(out, INDENT INDENT "and %zu more (--all shows them)\n", left);
	if (named && named < inspection->task_count)
		fprintf(out, INDENT INDENT "and %zu without a name\n",
			inspection->task_count - named);
}

void inspect_text(const struct inspection *inspection, FILE *out, bool all)
{
	size_t i;

	text_put(out, inspection->path);
	fputc('\n', out);
	program_put(&inspection->file, out);
	preload_put(inspection, out);
	symbols_put(inspection->symbols, out);
	tokio_put(inspection, out);
	locks_put(inspection, out);
	crates_put(inspection, out);
	tasks_put(inspection, out, all);
	if (inspection->blind_spot_count)
		fputs("\nWhat will not be seen:\n", out);
	for (i = 0; i < inspection->blind_spot_count; i++) {
		fputs(INDENT "- ", out);
		text_put(out, inspection->blind_spots[i]);
		fputc('\n', out);
	}
}
