/* SPDX-License-Identifier: MIT */
/* One function per kind of line; the last line with the same kind and id wins. */
#include "load_lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "load_fields.h"
#include "load_locks.h"
#include "load_records.h"

#define TRACE_VERSION 1

static int load_coverage(struct trace *trace, const json_t *line)
{
	const json_t *spots = json_object_get(line, "blind_spots");
	size_t i, count = json_array_size(spots);

	trace->attached = json_is_true(json_object_get(line, "attached"));
	trace->stacks = json_is_true(json_object_get(line, "stacks"));
	trace->task_vtables = field_number(line, "task_vtables");
	trace->lock_sites = field_number(line, "lock_sites");
	trace->lock_sites_skipped = field_number(line, "lock_sites_skipped");
	lock_coverage_load(trace, line);
	trace->engine = field_text(trace, line, "engine");
	trace->blind_spots = pool_alloc(trace->pool, count * sizeof(*trace->blind_spots));
	trace->blind_spot_count = 0;
	for (i = 0; i < count; i++) {
		const char *text = json_string_value(json_array_get(spots, i));

		if (text)
			trace->blind_spots[trace->blind_spot_count++] =
				pool_string(trace->pool, text);
	}
	return 0;
}

static int load_runtime(struct trace *trace, const json_t *line)
{
	struct runtime *runtime;
	uint64_t id;

	if (!field_id(line, "id", &id))
		return -EPROTO;
	runtime = table_put(&trace->runtimes, trace->pool, id, 0, sizeof(*runtime));
	runtime->id = id;
	runtime->name = field_text(trace, line, "name");
	runtime->version = field_text(trace, line, "version");
	runtime->layout = field_text(trace, line, "layout");
	runtime->task_vtables = field_number(line, "task_vtables");
	if (!field_id(line, "module", &runtime->module))
		runtime->module = UINT64_MAX;
	return 0;
}

static int load_module(struct trace *trace, const json_t *line)
{
	struct module *module;
	uint64_t id;

	if (!field_id(line, "id", &id))
		return -EPROTO;
	module = table_put(&trace->modules, trace->pool, id, 0, sizeof(*module));
	module->id = id;
	module->path = field_text(trace, line, "path");
	module->build_id = field_text(trace, line, "build_id");
	return 0;
}

static int load_thread(struct trace *trace, const json_t *line)
{
	struct thread *thread;
	uint64_t id;

	if (!field_id(line, "id", &id))
		return -EPROTO;
	thread = table_put(&trace->threads, trace->pool, id, 0, sizeof(*thread));
	thread->id = id;
	thread->tid = field_number(line, "tid");
	thread->name = field_text(trace, line, "name");
	return 0;
}

static int load_vtable(struct trace *trace, const json_t *line)
{
	struct task_type *type;
	uint64_t id;

	if (!field_id(line, "id", &id))
		return -EPROTO;
	type = table_put(&trace->types, trace->pool, id, 0, sizeof(*type));
	type->id = id;
	if (!field_id(line, "module", &type->module))
		type->module = UINT64_MAX;
	type->poll = field_number(line, "poll");
	type->dealloc = field_number(line, "dealloc");
	return 0;
}

static int load_type(struct trace *trace, const json_t *line)
{
	struct task_type *type;
	uint64_t id;

	if (!field_id(line, "vtable", &id))
		return -EPROTO;
	type = table_put(&trace->types, trace->pool, id, 0, sizeof(*type));
	type->id = id;
	type->named = true;
	type->name = field_text(trace, line, "name");
	type->file = field_text(trace, line, "file");
	type->line = field_number(line, "line");
	return 0;
}

static int load_stack(struct trace *trace, const json_t *line)
{
	const json_t *frames = json_object_get(line, "frames");
	size_t i, count = json_array_size(frames);
	struct stack *stack;
	uint64_t id;

	if (!field_id(line, "id", &id) || !json_is_array(frames))
		return -EPROTO;
	stack = table_put(&trace->stack_table, trace->pool, id, 0, sizeof(*stack));
	stack->id = id;
	stack->positions = pool_alloc(trace->pool, count * sizeof(*stack->positions));
	stack->position_count = count;
	for (i = 0; i < count; i++) {
		const json_t *pair = json_array_get(frames, i);
		const json_t *module = json_array_get(pair, 0);
		const json_t *address = json_array_get(pair, 1);

		if (!json_is_integer(address))
			return -EPROTO;
		stack->positions[i].in_module = json_is_integer(module);
		stack->positions[i].module = json_integer_value(module);
		stack->positions[i].address = json_integer_value(address);
	}
	return 0;
}

static int load_polls(struct trace *trace, const json_t *line)
{
	trace->has_polls = true;
	trace->set_aside = field_number(line, "set_aside");
	record_usage(trace, line, &trace->polls);
	return 0;
}

static int operation_compare(const void *a, const void *b)
{
	const struct operation *left = a, *right = b;

	return left->total_ns < right->total_ns ? 1 : left->total_ns > right->total_ns ? -1 : 0;
}

static int load_operations(struct trace *trace, const json_t *line)
{
	const json_t *list = json_object_get(line, "list");
	size_t i, count = json_array_size(list);

	trace->operations = pool_alloc(trace->pool, count * sizeof(*trace->operations));
	trace->operation_count = 0;
	for (i = 0; i < count; i++) {
		const json_t *item = json_array_get(list, i);
		struct operation operation = {
			.name = field_text(trace, item, "op"),
			.class = field_text(trace, item, "class"),
			.count = field_number(item, "count"),
			.total_ns = field_number(item, "total_ns"),
		};

		if (operation.name && operation.class)
			trace->operations[trace->operation_count++] = operation;
	}
	if (trace->operation_count)
		qsort(trace->operations, trace->operation_count, sizeof(*trace->operations),
		      operation_compare);
	return 0;
}

static int load_end(struct trace *trace, const json_t *line)
{
	struct ending *ending = &trace->ending;
	int64_t value;

	ending->known = true;
	ending->reason = field_text(trace, line, "reason");
	ending->has_status = field_integer(line, "status", &ending->status);
	ending->has_signal = field_integer(line, "signal", &ending->signal);
	ending->has_duration = field_integer(line, "duration_ns", &value);
	ending->duration_ns = field_number(line, "duration_ns");
	ending->has_dropped = field_integer(line, "dropped_events", &value);
	ending->dropped_events = field_number(line, "dropped_events");
	ending->dropped_records = field_number(line, "dropped_records");
	ending->dropped_stacks = field_number(line, "dropped_stacks");
	return 0;
}

static int load_symbol(struct trace *trace, const json_t *line)
{
	const json_t *frames = json_object_get(line, "frames");
	size_t i, count = json_array_size(frames);
	struct symbol *symbol;
	uint64_t module, position;

	if (!field_id(line, "module", &module) || !field_id(line, "position", &position))
		return -EPROTO;
	symbol = table_put(&trace->symbols, trace->pool, module, position, sizeof(*symbol));
	symbol->module = module;
	symbol->position = position;
	symbol->frames = pool_alloc(trace->pool, count * sizeof(*symbol->frames));
	symbol->count = count;
	for (i = 0; i < count; i++) {
		const json_t *frame = json_array_get(frames, i);

		symbol->frames[i].function = field_text(trace, frame, "function");
		symbol->frames[i].file = field_text(trace, frame, "file");
		symbol->frames[i].line = field_number(frame, "line");
		symbol->frames[i].inlined = json_is_true(json_object_get(frame, "inlined"));
	}
	return 0;
}

static int load_symbolised(struct trace *trace, const json_t *line)
{
	static const struct {
		const char *name;
		enum module_state state;
	} states[] = {
		{"ok", MODULE_OK},
		{"missing", MODULE_MISSING},
		{"changed", MODULE_CHANGED},
		{"no-symbols", MODULE_NO_SYMBOLS},
	};
	const json_t *modules = json_object_get(line, "modules");
	size_t i, j;

	for (i = 0; i < json_array_size(modules); i++) {
		const json_t *item = json_array_get(modules, i);
		const char *state = json_string_value(json_object_get(item, "state"));
		struct module *module = NULL;
		uint64_t id;

		if (field_id(item, "module", &id))
			module = model_module(trace, id);
		for (j = 0; module && state && j < sizeof(states) / sizeof(states[0]); j++) {
			if (strcmp(states[j].name, state) == 0) {
				module->judged = true;
				module->state = states[j].state;
			}
		}
	}
	return 0;
}

static const struct line_kind {
	const char *name;
	int (*load)(struct trace *trace, const json_t *line);
} line_kinds[] = {
	{"symbol", load_symbol},         {"stack", load_stack},
	{"call", record_call},           {"type", load_type},
	{"vtable", load_vtable},         {"thread", load_thread},
	{"module", load_module},         {"long_poll", record_long_poll},
	{"stall", record_stall},         {"coverage", load_coverage},
	{"polls", load_polls},           {"operations", load_operations},
	{"runtime", load_runtime},       {"end", load_end},
	{"symbolised", load_symbolised}, {"held", record_held},
	{"deadlock", record_deadlock},
};

int load_header(struct trace *trace, const json_t *line)
{
	const char *kind = json_string_value(json_object_get(line, "t"));
	const char *format = json_string_value(json_object_get(line, "format"));
	int64_t version;

	if (!kind || strcmp(kind, "header") != 0 || !format ||
	    strcmp(format, "overstay-trace") != 0 || !field_integer(line, "version", &version))
		return -EPROTO;
	if (version > TRACE_VERSION)
		return -EPROTONOSUPPORT;
	trace->pid = field_number(line, "pid");
	trace->exe = field_text(trace, line, "exe");
	trace->build_id = field_text(trace, line, "build_id");
	trace->threshold_ns = field_number(line, "threshold_ns");
	trace->long_poll_ns = field_number(line, "long_poll_ns");
	trace->stall_ns = field_number(line, "stall_ns");
	return 0;
}

int load_line(struct trace *trace, const json_t *line)
{
	const char *kind = json_string_value(json_object_get(line, "t"));
	size_t i;

	for (i = 0; kind && i < sizeof(line_kinds) / sizeof(line_kinds[0]); i++)
		if (strcmp(line_kinds[i].name, kind) == 0)
			return line_kinds[i].load(trace, line);
	return kind ? 0 : -EPROTO;
}
