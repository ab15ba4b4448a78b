/* SPDX-License-Identifier: MIT */
/*
 * Collects closures and deallocation functions from the symbol table.
 */
#include "viewer/symbols/task_index.h"

#include <stdlib.h>
#include <string.h>

#include "viewer/symbols/debug_index.h"
#include "viewer/symbols/module.h"
#include "viewer/symbols/rust_names.h"

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
