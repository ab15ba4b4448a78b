/* SPDX-License-Identifier: MIT */
/* Symbol lookup for a whole trace. */
#include "symbolise.h"

#include <stdlib.h>
#include <string.h>

/* The modules' files, opened when first needed; parallel to trace->modules. */
struct lookup {
	struct trace *trace;
	struct symbol_module **files;
};

static size_t module_index(const struct trace *trace, uint64_t id)
{
	size_t i;

	for (i = 0; i < trace->modules.count; i++)
		if (((struct module *)trace->modules.items[i])->id == id)
			break;
	return i;
}

/* The file to look into, or NULL when there is none or the trace said before that it is no use. */
static struct symbol_module *lookup_file(struct lookup *lookup, uint64_t id)
{
	size_t index = module_index(lookup->trace, id);
	struct module *module;

	if (index == lookup->trace->modules.count)
		return NULL;
	module = lookup->trace->modules.items[index];
	if (!module->judged && module->path && !model_module_is_ours(module)) {
		lookup->files[index] =
			symbol_module_open(module->path, module->build_id, &module->state);
		module->judged = true;
	}
	return lookup->files[index];
}

static void position_lookup(struct lookup *lookup, const struct position *position)
{
	struct trace *trace = lookup->trace;
	struct symbol_module *file;
	struct symbol_frame *frames;
	struct symbol *symbol;
	size_t i;

	if (!position->in_module || !position->address ||
	    table_get(&trace->symbols, position->module, position->address))
		return;
	file = lookup_file(lookup, position->module);
	if (!file)
		return;
	symbol = table_put(&trace->symbols, trace->pool, position->module, position->address,
			   sizeof(*symbol));
	symbol->module = position->module;
	symbol->position = position->address;
	symbol->count = symbol_module_lookup(file, position->address - 1, &frames);
	symbol->frames = pool_alloc(trace->pool, symbol->count * sizeof(*symbol->frames));
	for (i = 0; i < symbol->count; i++) {
		symbol->frames[i].function = pool_string(trace->pool, frames[i].function);
		symbol->frames[i].file = pool_string(trace->pool, frames[i].file);
		symbol->frames[i].line = frames[i].line;
		symbol->frames[i].inlined = frames[i].inlined;
	}
	symbol_frames_free(frames, symbol->count);
}

static void type_lookup(struct lookup *lookup, struct task_type *type)
{
	struct symbol_module *file;
	char *name = NULL, *path = NULL;

	if (type->named || !type->poll)
		return;
	file = lookup_file(lookup, type->module);
	if (!file)
		return;
	symbol_module_task_type(file, type->poll, type->dealloc, &name, &path, &type->line);
	type->named = true;
	type->name = pool_string(lookup->trace->pool, name);
	type->file = pool_string(lookup->trace->pool, path);
	free(name);
	free(path);
}

static void runtime_lookup(struct lookup *lookup, struct runtime *runtime)
{
	struct symbol_module *file;
	char *version;

	if (runtime->version || !runtime->name || strcmp(runtime->name, "tokio") != 0)
		return;
	file = lookup_file(lookup, runtime->module);
	if (!file)
		return;
	version = symbol_module_tokio_version(file);
	runtime->version = pool_string(lookup->trace->pool, version);
	free(version);
}

void symbolise(struct trace *trace)
{
	struct lookup lookup = {.trace = trace};
	size_t i, j;

	lookup.files = memory_alloc(trace->modules.count * sizeof(*lookup.files));
	for (i = 0; i < trace->stack_table.count; i++) {
		const struct stack *stack = trace->stack_table.items[i];

		for (j = 0; j < stack->position_count; j++)
			position_lookup(&lookup, &stack->positions[j]);
	}
	for (i = 0; i < trace->types.count; i++)
		type_lookup(&lookup, trace->types.items[i]);
	for (i = 0; i < trace->runtimes.count; i++)
		runtime_lookup(&lookup, trace->runtimes.items[i]);
	for (i = 0; i < trace->modules.count; i++)
		symbol_module_close(lookup.files[i]);
	free(lookup.files);
	model_link(trace);
}
