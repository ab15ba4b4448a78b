/* SPDX-License-Identifier: MIT */
/* Writing of `symbol`, `type`, `runtime`, `symbolised` and `end` lines. */
#include "trace_append.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

#include "json_text.h"

static void line_write(FILE *file, json_t *line)
{
	if (json_dumpf(line, file, JSON_COMPACT) == 0)
		fputc('\n', file);
	json_decref(line);
}

static json_t *line_or_null(int line)
{
	return line ? json_integer(line) : json_null();
}

static void symbol_write(FILE *file, const struct symbol *symbol)
{
	json_t *frames = json_array();
	size_t i;

	for (i = 0; i < symbol->count; i++) {
		const struct frame *frame = &symbol->frames[i];

		json_array_append_new(frames, json_pack("{s:o, s:o, s:o, s:b}", "function",
							json_text_or_null(frame->function), "file",
							json_text_or_null(frame->file), "line",
							line_or_null(frame->line), "inlined",
							frame->inlined));
	}
	line_write(file, json_pack("{s:s, s:I, s:I, s:o}", "t", "symbol", "module",
				   (json_int_t)symbol->module, "position",
				   (json_int_t)symbol->position, "frames", frames));
}

static void type_write(FILE *file, const struct task_type *type)
{
	if (type->named)
		line_write(file,
			   json_pack("{s:s, s:I, s:o, s:o, s:o}", "t", "type", "vtable",
				     (json_int_t)type->id, "name", json_text_or_null(type->name),
				     "file", json_text_or_null(type->file), "line",
				     line_or_null(type->line)));
}

static void runtime_write(FILE *file, const struct runtime *runtime)
{
	json_t *line;

	if (!runtime->version)
		return;
	line = json_pack("{s:s, s:I, s:o, s:o, s:o}", "t", "runtime", "id", (json_int_t)runtime->id,
			 "name", json_text_or_null(runtime->name), "version",
			 json_text_or_null(runtime->version), "layout",
			 json_text_or_null(runtime->layout));
	json_object_set_new(line, "task_vtables", json_integer(runtime->task_vtables));
	if (runtime->module != UINT64_MAX)
		json_object_set_new(line, "module", json_integer(runtime->module));
	line_write(file, line);
}

static void symbolised_write(FILE *file, const struct trace *trace)
{
	static const char *const states[] = {
		[MODULE_OK] = "ok",
		[MODULE_MISSING] = "missing",
		[MODULE_CHANGED] = "changed",
		[MODULE_NO_SYMBOLS] = "no-symbols",
	};
	json_t *modules = json_array();
	size_t i;

	for (i = 0; i < trace->modules.count; i++) {
		const struct module *module = trace->modules.items[i];

		if (module->judged)
			json_array_append_new(modules, json_pack("{s:I, s:s}", "module",
								 (json_int_t)module->id, "state",
								 states[module->state]));
	}
	line_write(file, json_pack("{s:s, s:o}", "t", "symbolised", "modules", modules));
}

/* NULL with errno when the trace cannot be written. */
static FILE *append_open(const struct trace *trace)
{
	if (truncate(trace->path, (off_t)trace->good_bytes) < 0)
		return NULL;
	return fopen(trace->path, "ae");
}

/* Half of what was meant to be written must not stay: the next line would be glued to its end. */
static int append_close(struct trace *trace, FILE *file)
{
	bool failed = fflush(file) != 0 || ferror(file);
	long size = ftell(file);

	if (fclose(file) != 0 || failed || size < 0) {
		if (truncate(trace->path, (off_t)trace->good_bytes) < 0)
			return -errno;
		return -EIO;
	}
	trace->good_bytes = size;
	return 0;
}

int trace_append_symbols(struct trace *trace)
{
	FILE *file = append_open(trace);
	size_t i;

	if (!file)
		return -errno;
	for (i = 0; i < trace->symbols.count; i++)
		symbol_write(file, trace->symbols.items[i]);
	for (i = 0; i < trace->types.count; i++)
		type_write(file, trace->types.items[i]);
	for (i = 0; i < trace->runtimes.count; i++)
		runtime_write(file, trace->runtimes.items[i]);
	symbolised_write(file, trace);
	return append_close(trace, file);
}

int trace_append_end(struct trace *trace, int signal, int status)
{
	struct ending *ending = &trace->ending;
	json_t *line;
	FILE *file = append_open(trace);
	int r;

	if (!file)
		return -errno;
	line = json_pack("{s:s, s:s, s:o, s:o, s:n, s:n, s:n, s:n}", "t", "end", "reason",
			 signal ? "signal" : "exit", "status",
			 signal ? json_null() : json_integer(status), "signal",
			 signal ? json_integer(signal) : json_null(), "duration_ns",
			 "dropped_events", "dropped_records", "dropped_stacks");
	line_write(file, line);
	r = append_close(trace, file);
	if (r < 0)
		return r;
	*ending = (struct ending){.known = true,
				  .reason = signal ? "signal" : "exit",
				  .has_signal = signal != 0,
				  .signal = signal,
				  .has_status = signal == 0,
				  .status = status};
	return 0;
}
