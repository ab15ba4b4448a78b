/* SPDX-License-Identifier: MIT */
/* The trace in memory: creation, linking of stacks to symbols, small questions about it. */
#include "model.h"

#include <stdlib.h>
#include <string.h>

struct trace *model_new(const char *path)
{
	struct pool *pool = pool_new();
	struct trace *trace = pool_alloc(pool, sizeof(*trace));

	trace->pool = pool;
	trace->path = pool_string(pool, path);
	return trace;
}

void model_free(struct trace *trace)
{
	if (!trace)
		return;
	table_fini(&trace->runtimes);
	table_fini(&trace->modules);
	table_fini(&trace->threads);
	table_fini(&trace->types);
	table_fini(&trace->stack_table);
	table_fini(&trace->calls);
	table_fini(&trace->long_polls);
	table_fini(&trace->stalls);
	table_fini(&trace->helds);
	table_fini(&trace->deadlocks);
	table_fini(&trace->symbols);
	pool_free(trace->pool);
}

struct module *model_module(const struct trace *trace, uint64_t id)
{
	return table_get(&trace->modules, id, 0);
}

static const char *module_base_name(const struct module *module)
{
	const char *slash = module->path ? strrchr(module->path, '/') : NULL;

	return slash ? slash + 1 : module->path;
}

bool model_module_is_system(const struct module *module)
{
	static const char *const prefixes[] = {
		"libc.so",  "libc-2.", "ld-linux",   "ld-2.",    "libpthread", "libm.so", "libdl",
		"librt.so", "[vdso]",  "linux-vdso", "libgcc_s", "libresolv",  "libnss_",
	};
	const char *base = module_base_name(module);
	size_t i;

	if (!base)
		return false;
	for (i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (strncmp(base, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

bool model_module_is_ours(const struct module *module)
{
	const char *base = module_base_name(module);

	return base && strncmp(base, "liboverstay", strlen("liboverstay")) == 0;
}

/* Counts the frames, and writes them when there is room. */
static size_t position_expand(const struct trace *trace, const struct position *position,
			      struct frame *ret_frames)
{
	const struct module *module = NULL;
	const struct symbol *symbol = NULL;
	size_t i;

	if (position->in_module) {
		module = model_module(trace, position->module);
		symbol = table_get(&trace->symbols, position->module, position->address);
	}
	if (module && model_module_is_ours(module))
		return 0;
	if (!symbol || !symbol->count) {
		if (ret_frames)
			*ret_frames = (struct frame){.module = module, .offset = position->address};
		return 1;
	}
	for (i = 0; ret_frames && i < symbol->count; i++) {
		ret_frames[i] = symbol->frames[i];
		ret_frames[i].module = module;
		ret_frames[i].offset = position->address;
	}
	return symbol->count;
}

void model_link(struct trace *trace)
{
	size_t i, j, count;

	for (i = 0; i < trace->stack_table.count; i++) {
		struct stack *stack = trace->stack_table.items[i];

		for (j = 0, count = 0; j < stack->position_count; j++)
			count += position_expand(trace, &stack->positions[j], NULL);
		stack->frames = pool_alloc(trace->pool, count * sizeof(*stack->frames));
		for (j = 0, count = 0; j < stack->position_count; j++)
			count +=
				position_expand(trace, &stack->positions[j], &stack->frames[count]);
		stack->frame_count = count;
	}
}

bool party_same(const struct party *a, const struct party *b)
{
	if (a->has_task || b->has_task)
		return a->has_task && b->has_task && a->task == b->task;
	return a->thread && a->thread == b->thread;
}

bool model_was_watched(const struct trace *trace)
{
	return trace->attached && !model_engine_is_off(trace) && !model_was_replaced(trace);
}

bool model_engine_is_off(const struct trace *trace)
{
	return trace->engine && strncmp(trace->engine, "off", 3) == 0;
}

bool model_was_replaced(const struct trace *trace)
{
	return trace->ending.reason && strcmp(trace->ending.reason, "exec") == 0 &&
	       !trace->polls.count;
}

void histogram_merge(struct histogram *into, const struct histogram *from, struct pool *pool)
{
	struct bucket *merged =
		pool_alloc(pool, (into->count + from->count) * sizeof(struct bucket));
	size_t a = 0, b = 0, count = 0;

	while (a < into->count || b < from->count) {
		if (b == from->count ||
		    (a < into->count && into->buckets[a].upper_ns < from->buckets[b].upper_ns)) {
			merged[count++] = into->buckets[a++];
		} else if (a == into->count ||
			   from->buckets[b].upper_ns < into->buckets[a].upper_ns) {
			merged[count++] = from->buckets[b++];
		} else {
			merged[count] = into->buckets[a++];
			merged[count++].count += from->buckets[b++].count;
		}
	}
	into->buckets = merged;
	into->count = count;
	into->room = count;
}
