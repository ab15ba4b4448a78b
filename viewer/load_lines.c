/* SPDX-License-Identifier: MIT */
/* One function per kind of line; the last line with the same kind and id wins. */
#include "load_lines.h"

#include <errno.h>
#include <string.h>

#define TRACE_VERSION 1

static const char *text_get(const struct trace *trace, const json_t *object, const char *key)
{
	return pool_string(trace->pool, json_string_value(json_object_get(object, key)));
}

static bool integer_get(const json_t *object, const char *key, int64_t *ret_value)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_integer(value))
		return false;
	*ret_value = json_integer_value(value);
	return true;
}

/* 0 for what is absent, null or not a number of that range. */
static uint64_t number_get(const json_t *object, const char *key)
{
	int64_t value;

	return integer_get(object, key, &value) && value > 0 ? value : 0;
}

static bool id_get(const json_t *object, const char *key, uint64_t *ret_id)
{
	int64_t value;

	if (!integer_get(object, key, &value) || value < 0)
		return false;
	*ret_id = value;
	return true;
}

static void histogram_get(struct trace *trace, const json_t *line, struct histogram *ret)
{
	const json_t *array = json_object_get(line, "histogram");
	size_t i, count = json_array_size(array);

	/* The line may be the hundredth of its id: its room is used again. */
	if (count > ret->room) {
		ret->buckets = pool_alloc(trace->pool, count * sizeof(*ret->buckets));
		ret->room = count;
	}
	ret->count = 0;
	for (i = 0; i < count; i++) {
		const json_t *pair = json_array_get(array, i);

		ret->buckets[ret->count].upper_ns = json_integer_value(json_array_get(pair, 0));
		ret->buckets[ret->count].count = json_integer_value(json_array_get(pair, 1));
		if (ret->buckets[ret->count].count)
			ret->count++;
	}
}

static void usage_get(struct trace *trace, const json_t *line, struct usage *ret)
{
	ret->count = number_get(line, "count");
	ret->total_ns = number_get(line, "total_ns");
	ret->max_ns = number_get(line, "max_ns");
	ret->first_ns = number_get(line, "first_ns");
	ret->last_ns = number_get(line, "last_ns");
	histogram_get(trace, line, &ret->histogram);
}

/* What is named may follow later in the file, so a reference makes room for it; empty if it never
 * does. */
static void *reference_get(struct trace *trace, struct table *table, const json_t *line,
			   const char *key, size_t size)
{
	uint64_t id;

	return id_get(line, key, &id) ? table_put(table, trace->pool, id, 0, size) : NULL;
}

static void origin_get(struct trace *trace, const json_t *line, struct origin *origin)
{
	const char *in = json_string_value(json_object_get(line, "in"));
	const json_t *entered = json_object_get(line, "entered");

	origin->handover = json_is_true(json_object_get(line, "handover"));
	origin->entered = ENTERED_UNKNOWN;
	if (json_is_boolean(entered))
		origin->entered = json_is_true(entered) ? ENTERED_YES : ENTERED_NO;
	origin->scope = SCOPE_THREAD;
	if (in && strcmp(in, "task") == 0)
		origin->scope = SCOPE_TASK;
	else if (in && strcmp(in, "blocking") == 0)
		origin->scope = SCOPE_BLOCKING;
	origin->has_task = id_get(line, "task", &origin->task);
	origin->stack =
		reference_get(trace, &trace->stack_table, line, "stack", sizeof(*origin->stack));
	origin->type = reference_get(trace, &trace->types, line, "vtable", sizeof(*origin->type));
	origin->thread =
		reference_get(trace, &trace->threads, line, "thread", sizeof(*origin->thread));
}

static int load_coverage(struct trace *trace, const json_t *line)
{
	const json_t *spots = json_object_get(line, "blind_spots");
	size_t i, count = json_array_size(spots);

	trace->attached = json_is_true(json_object_get(line, "attached"));
	trace->stacks = json_is_true(json_object_get(line, "stacks"));
	trace->task_vtables = number_get(line, "task_vtables");
	trace->lock_sites = number_get(line, "lock_sites");
	trace->lock_sites_skipped = number_get(line, "lock_sites_skipped");
	trace->engine = text_get(trace, line, "engine");
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

	if (!id_get(line, "id", &id))
		return -EPROTO;
	runtime = table_put(&trace->runtimes, trace->pool, id, 0, sizeof(*runtime));
	runtime->id = id;
	runtime->name = text_get(trace, line, "name");
	runtime->version = text_get(trace, line, "version");
	runtime->layout = text_get(trace, line, "layout");
	runtime->task_vtables = number_get(line, "task_vtables");
	if (!id_get(line, "module", &runtime->module))
		runtime->module = UINT64_MAX;
	return 0;
}

static int load_module(struct trace *trace, const json_t *line)
{
	struct module *module;
	uint64_t id;

	if (!id_get(line, "id", &id))
		return -EPROTO;
	module = table_put(&trace->modules, trace->pool, id, 0, sizeof(*module));
	module->id = id;
	module->path = text_get(trace, line, "path");
	module->build_id = text_get(trace, line, "build_id");
	return 0;
}

static int load_thread(struct trace *trace, const json_t *line)
{
	struct thread *thread;
	uint64_t id;

	if (!id_get(line, "id", &id))
		return -EPROTO;
	thread = table_put(&trace->threads, trace->pool, id, 0, sizeof(*thread));
	thread->id = id;
	thread->tid = number_get(line, "tid");
	thread->name = text_get(trace, line, "name");
	return 0;
}

static int load_vtable(struct trace *trace, const json_t *line)
{
	struct task_type *type;
	uint64_t id;

	if (!id_get(line, "id", &id))
		return -EPROTO;
	type = table_put(&trace->types, trace->pool, id, 0, sizeof(*type));
	type->id = id;
	if (!id_get(line, "module", &type->module))
		type->module = UINT64_MAX;
	type->poll = number_get(line, "poll");
	type->dealloc = number_get(line, "dealloc");
	return 0;
}

static int load_type(struct trace *trace, const json_t *line)
{
	struct task_type *type;
	uint64_t id;

	if (!id_get(line, "vtable", &id))
		return -EPROTO;
	type = table_put(&trace->types, trace->pool, id, 0, sizeof(*type));
	type->id = id;
	type->named = true;
	type->name = text_get(trace, line, "name");
	type->file = text_get(trace, line, "file");
	type->line = number_get(line, "line");
	return 0;
}

static int load_stack(struct trace *trace, const json_t *line)
{
	const json_t *frames = json_object_get(line, "frames");
	size_t i, count = json_array_size(frames);
	struct stack *stack;
	uint64_t id;

	if (!id_get(line, "id", &id) || !json_is_array(frames))
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

static int load_call(struct trace *trace, const json_t *line)
{
	const json_t *target = json_object_get(line, "target");
	const json_t *lock = json_object_get(line, "lock");
	const json_t *futex = json_object_get(lock, "futex");
	struct call *call;
	uint64_t id;

	if (!id_get(line, "id", &id))
		return -EPROTO;
	call = table_put(&trace->calls, trace->pool, id, 0, sizeof(*call));
	call->id = id;
	call->op = text_get(trace, line, "op");
	call->class = text_get(trace, line, "class");
	if (!call->op || !call->class)
		return -EPROTO;
	call->target_kind = text_get(trace, target, "kind");
	call->target_name = text_get(trace, target, "name");
	call->lock_address = text_get(trace, lock, "address");
	call->futex_op = text_get(trace, futex, "op");
	call->futex_expected = json_integer_value(json_object_get(futex, "expected"));
	origin_get(trace, line, &call->origin);
	usage_get(trace, line, &call->usage);
	return 0;
}

static int load_long_poll(struct trace *trace, const json_t *line)
{
	struct long_poll *poll;
	uint64_t id;

	if (!id_get(line, "id", &id))
		return -EPROTO;
	poll = table_put(&trace->long_polls, trace->pool, id, 0, sizeof(*poll));
	poll->id = id;
	poll->explained_ns = number_get(line, "explained_ns");
	origin_get(trace, line, &poll->origin);
	usage_get(trace, line, &poll->usage);
	return 0;
}

static int load_polls(struct trace *trace, const json_t *line)
{
	trace->has_polls = true;
	usage_get(trace, line, &trace->polls);
	return 0;
}

static int load_end(struct trace *trace, const json_t *line)
{
	struct ending *ending = &trace->ending;
	int64_t value;

	ending->known = true;
	ending->reason = text_get(trace, line, "reason");
	ending->has_status = integer_get(line, "status", &ending->status);
	ending->has_signal = integer_get(line, "signal", &ending->signal);
	ending->has_duration = integer_get(line, "duration_ns", &value);
	ending->duration_ns = number_get(line, "duration_ns");
	ending->has_dropped = integer_get(line, "dropped_events", &value);
	ending->dropped_events = number_get(line, "dropped_events");
	ending->dropped_records = number_get(line, "dropped_records");
	ending->dropped_stacks = number_get(line, "dropped_stacks");
	return 0;
}

static int load_symbol(struct trace *trace, const json_t *line)
{
	const json_t *frames = json_object_get(line, "frames");
	size_t i, count = json_array_size(frames);
	struct symbol *symbol;
	uint64_t module, position;

	if (!id_get(line, "module", &module) || !id_get(line, "position", &position))
		return -EPROTO;
	symbol = table_put(&trace->symbols, trace->pool, module, position, sizeof(*symbol));
	symbol->module = module;
	symbol->position = position;
	symbol->frames = pool_alloc(trace->pool, count * sizeof(*symbol->frames));
	symbol->count = count;
	for (i = 0; i < count; i++) {
		const json_t *frame = json_array_get(frames, i);

		symbol->frames[i].function = text_get(trace, frame, "function");
		symbol->frames[i].file = text_get(trace, frame, "file");
		symbol->frames[i].line = number_get(frame, "line");
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

		if (id_get(item, "module", &id))
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
	{"symbol", load_symbol},
	{"stack", load_stack},
	{"call", load_call},
	{"type", load_type},
	{"vtable", load_vtable},
	{"thread", load_thread},
	{"module", load_module},
	{"long_poll", load_long_poll},
	{"coverage", load_coverage},
	{"polls", load_polls},
	{"runtime", load_runtime},
	{"end", load_end},
	{"symbolised", load_symbolised},
};

int load_header(struct trace *trace, const json_t *line)
{
	const char *kind = json_string_value(json_object_get(line, "t"));
	const char *format = json_string_value(json_object_get(line, "format"));
	int64_t version;

	if (!kind || strcmp(kind, "header") != 0 || !format ||
	    strcmp(format, "overstay-trace") != 0 || !integer_get(line, "version", &version))
		return -EPROTO;
	if (version > TRACE_VERSION)
		return -EPROTONOSUPPORT;
	trace->pid = number_get(line, "pid");
	trace->exe = text_get(trace, line, "exe");
	trace->build_id = text_get(trace, line, "build_id");
	trace->threshold_ns = number_get(line, "threshold_ns");
	trace->long_poll_ns = number_get(line, "long_poll_ns");
	trace->stall_ns = number_get(line, "stall_ns");
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
