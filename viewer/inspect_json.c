/* SPDX-License-Identifier: MIT */
/* The inspection as one JSON document. */
#include "inspect.h"

#include <errno.h>
#include <jansson.h>

#include "json_text.h"

static json_t *runtimes_json(const struct inspection *inspection)
{
	json_t *runtimes = json_array();

	if (inspection->layout)
		json_array_append_new(
			runtimes,
			json_pack("{s:s, s:o, s:s, s:I, s:I, s:I, s:I}", "name", "tokio", "version",
				  json_text_or_null(inspection->tokio_version), "layout",
				  inspection->layout, "task_vtables",
				  (json_int_t)inspection->task_count, "task",
				  (json_int_t)inspection->class_counts[TOKIO_TASK], "blocking",
				  (json_int_t)inspection->class_counts[TOKIO_BLOCKING], "unknown",
				  (json_int_t)inspection->class_counts[TOKIO_UNKNOWN]));
	return runtimes;
}

static json_t *crates_json(const struct inspection *inspection)
{
	json_t *crates = json_array();
	size_t i;

	for (i = 0; i < inspection->crate_count; i++) {
		const struct inspected_crate *crate = &inspection->crates[i];

		json_array_append_new(crates,
				      json_pack("{s:s, s:o, s:b}", "name", crate->name, "version",
						json_text_or_null(crate->version), "on_tokio",
						crate->on_tokio));
	}
	return crates;
}

static json_t *tasks_json(const struct inspection *inspection)
{
	static const char *const classes[] = {
		[TOKIO_TASK] = "task",
		[TOKIO_BLOCKING] = "blocking",
		[TOKIO_UNKNOWN] = "unknown",
	};
	json_t *tasks = json_array();
	size_t i;

	for (i = 0; i < inspection->task_count; i++) {
		const struct inspected_task *task = &inspection->tasks[i];

		json_array_append_new(
			tasks,
			json_pack("{s:o, s:s, s:o, s:o}", "name", json_text_or_null(task->name),
				  "class", classes[task->class], "file",
				  json_text_or_null(task->file), "line",
				  task->line ? json_integer(task->line) : json_null()));
	}
	return tasks;
}

static json_t *blind_spots_json(const struct inspection *inspection)
{
	json_t *sentences = json_array();
	size_t i;

	for (i = 0; i < inspection->blind_spot_count; i++)
		json_array_append_new(sentences, json_text(inspection->blind_spots[i]));
	return sentences;
}

static json_t *skipped_json(const struct coverage_locks *locks)
{
	json_t *reasons = json_array();

	for (uint32_t i = 0; i < locks->reason_count; i++)
		json_array_append_new(reasons,
				      json_pack("{s:s, s:I}", "reason", locks->skipped[i].reason,
						"count", (json_int_t)locks->skipped[i].count));
	return reasons;
}

/* The same keys and numbers as a trace's coverage has. */
static void locks_put(const struct inspection *inspection, json_t *document)
{
	json_int_t patched = 0, skipped = 0;
	json_t *types = json_array();

	for (unsigned type = 0; type < LOCK_TYPES; type++) {
		const struct coverage_locks *locks = &inspection->locks[type];

		if (!locks->sites)
			continue;
		patched += locks->patched;
		skipped += locks->sites - locks->patched;
		json_array_append_new(types, json_pack("{s:s, s:I, s:I, s:o}", "type",
						       lock_type_name(type), "sites",
						       (json_int_t)locks->sites, "patched",
						       (json_int_t)locks->patched, "skipped",
						       skipped_json(locks)));
	}
	json_object_set_new(document, "lock_sites", json_integer(patched));
	json_object_set_new(document, "lock_sites_skipped", json_integer(skipped));
	json_object_set_new(document, "locks", types);
}

int inspect_json(const struct inspection *inspection, FILE *out)
{
	static const char *const symbols[] = {
		[SYMBOL_DETAIL_NONE] = "none",
		[SYMBOL_DETAIL_NAMES] = "symtab",
		[SYMBOL_DETAIL_LINES] = "lines",
		[SYMBOL_DETAIL_FULL] = "dwarf",
	};
	const struct elf_file *file = &inspection->file;
	json_t *document = json_object();
	int r;

	json_object_set_new(document, "schema", json_string("overstay-inspect/1"));
	json_object_set_new(document, "binary", json_text(inspection->path));
	json_object_set_new(document, "arch", json_string(inspect_machine(file->machine)));
	json_object_set_new(document, "pie", json_boolean(!file->image.fixed));
	json_object_set_new(document, "build_id",
			    json_text_or_null(*file->build_id ? file->build_id : NULL));
	json_object_set_new(document, "preloadable",
			    inspection->preload == PRELOAD_DEPENDS
				    ? json_null()
				    : json_boolean(inspection->preload == PRELOAD_YES));
	json_object_set_new(document, "reason", json_text_or_null(inspection->reason));
	json_object_set_new(document, "symbols", json_string(symbols[inspection->symbols]));
	json_object_set_new(document, "runtimes", runtimes_json(inspection));
	json_object_set_new(document, "other_runtimes", crates_json(inspection));
	json_object_set_new(document, "task_types", tasks_json(inspection));
	locks_put(inspection, document);
	json_object_set_new(document, "futex_waits", json_boolean(inspection->futex_imported));
	json_object_set_new(document, "direct_syscalls",
			    json_integer((json_int_t)inspection->direct_calls));
	json_object_set_new(document, "blind_spots", blind_spots_json(inspection));
	r = json_dumpf(document, out, JSON_INDENT(2));
	fputc('\n', out);
	json_decref(document);
	return r < 0 || fflush(out) != 0 ? -EIO : 0;
}
