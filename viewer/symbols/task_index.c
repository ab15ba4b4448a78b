/* SPDX-License-Identifier: MIT */
/*
 * Collects closures and deallocation functions from the symbol table.
 */
#include "viewer/symbols/task_index.h"

#include <stdlib.h>
#include <string.h>

#include "viewer/symbols/code_map.h"
#include "viewer/symbols/debug_index.h"
#include "viewer/symbols/module.h"
#include "viewer/symbols/rust_names.h"

#define CALLS_MAX 256

static bool may_be_closure(const char *mangled)
{
	if (strncmp(mangled, "_R", 2) == 0)
		return strstr(mangled, "NC") != NULL;
	return strstr(mangled, "$closure$") || strstr(mangled, "..closure..");
}

static bool is_dealloc(const char *mangled)
{
	return strstr(mangled, "4task3raw7dealloc") != NULL;
}

bool task_is_resumption_panic(const char *mangled)
{
	return strstr(mangled, "panic_const_async_fn_resumed") ||
	       strstr(mangled, "panic_const_async_gen_fn_resumed");
}

static void add_closure(struct task_index *index, const struct function_symbol *symbol)
{
	char *name = symbol_demangle(symbol->name);
	size_t length = strlen(name), tail = strlen("{{closure}}");
	struct closure_symbol *closure;

	if (length < tail || strcmp(name + length - tail, "{{closure}}") != 0) {
		free(name);
		return;
	}
	index->closures = debug_grow(index->closures, index->closure_count, sizeof(*closure));
	closure = &index->closures[index->closure_count++];
	closure->name = name;
	closure->address = symbol->address;
}

static int compare_closures(const void *a, const void *b)
{
	const struct closure_symbol *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : (x->address > y->address) - (x->address < y->address);
}

static bool calls_by_name(struct symbol_module *module, uint64_t address, const char *part)
{
	const struct function_symbol *symbols = NULL;

	return symbol_table_at(&module->symbols, address, &symbols) > 0 &&
	       strstr(symbols[0].name, part);
}

static void add_users_of(struct symbol_module *module, struct task_index *index, uint64_t dealloc)
{
	uint64_t calls[CALLS_MAX], drops = 0;
	size_t count = code_map_calls(module, dealloc, calls, CALLS_MAX);
	struct glue_user *user;

	/* Cleanup code calls them again: each function counts once. */
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < i && calls[i] != 0; j++)
			calls[i] = calls[j] == calls[i] ? 0 : calls[i];
		if (calls_by_name(module, calls[i], "9drop_slow"))
			drops ^= calls[i];
	}
	for (size_t i = 0; i < count; i++) {
		if (!calls_by_name(module, calls[i], "drop_in_place") &&
		    !calls_by_name(module, calls[i], "drop_glue"))
			continue;
		index->users = debug_grow(index->users, index->user_count, sizeof(*user));
		user = &index->users[index->user_count++];
		*user = (struct glue_user){.glue = calls[i], .dealloc = dealloc, .drops = drops};
	}
}

static int compare_users(const void *a, const void *b)
{
	const struct glue_user *x = a, *y = b;

	return (x->glue > y->glue) - (x->glue < y->glue);
}

static void add_users(struct symbol_module *module, struct task_index *index)
{
	for (size_t i = 0; i < index->dealloc_count; i++)
		add_users_of(module, index, index->deallocs[i]);
	if (index->user_count > 0)
		qsort(index->users, index->user_count, sizeof(*index->users), compare_users);
}

size_t task_index_users(struct task_index *index, uint64_t glue, const struct glue_user **ret_first)
{
	size_t low = 0, high = index->user_count, count = 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (index->users[middle].glue < glue)
			low = middle + 1;
		else
			high = middle;
	}
	while (low + count < index->user_count && index->users[low + count].glue == glue)
		count++;
	if (count > 0)
		*ret_first = &index->users[low];
	return count;
}

struct task_index *task_index_of(struct symbol_module *module)
{
	struct task_index *index = module->tasks;
	const struct function_symbol *symbol;

	if (index)
		return index;
	index = module->tasks = calloc(1, sizeof(*index));
	if (!index)
		abort();
	for (size_t i = 0; i < module->symbols.count; i++) {
		symbol = &module->symbols.list[i];
		if (may_be_closure(symbol->name))
			add_closure(index, symbol);
		if (task_is_resumption_panic(symbol->name))
			index->marks_resumption = true;
		if (!is_dealloc(symbol->name) ||
		    (index->dealloc_count > 0 &&
		     index->deallocs[index->dealloc_count - 1] == symbol->address))
			continue;
		index->deallocs =
			debug_grow(index->deallocs, index->dealloc_count, sizeof(uint64_t));
		index->deallocs[index->dealloc_count++] = symbol->address;
	}
	if (index->closure_count > 0)
		qsort(index->closures, index->closure_count, sizeof(*index->closures),
		      compare_closures);
	add_users(module, index);
	return index;
}

void task_index_free(struct task_index *index)
{
	if (!index)
		return;
	for (size_t i = 0; i < index->closure_count; i++)
		free(index->closures[i].name);
	free(index->closures);
	free(index->deallocs);
	free(index->users);
	free(index);
}

size_t task_index_closures(struct task_index *index, const char *name,
			   const struct closure_symbol **ret_first)
{
	size_t low = 0, high = index->closure_count, count = 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(index->closures[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	while (low + count < index->closure_count &&
	       strcmp(index->closures[low + count].name, name) == 0)
		count++;
	if (count > 0)
		*ret_first = &index->closures[low];
	return count;
}
