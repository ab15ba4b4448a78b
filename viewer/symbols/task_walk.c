/* SPDX-License-Identifier: MIT */
/*
 * Follows the runtime's own functions from a task's slots to what they call.
 */
#include "viewer/symbols/task_evidence.h"

#include <stdlib.h>
#include <string.h>

#include "viewer/symbols/code_map.h"
#include "viewer/symbols/module.h"
#include "viewer/symbols/task_index.h"

#define CLOSURE     "{{closure}}"
#define FUTURE_POLL " as core::future::future::Future>::poll"

/* Prefixes of the functions that lie between the poll slot and the future. */
static const char *const runtime_prefixes[] = {
	"tokio::runtime::task::",
	"<tokio::runtime::task::",
	"tokio::runtime::blocking::task::",
	"<tokio::runtime::blocking::task::",
	"tokio::loom::",
	"core::ops::function::",
	"<core::panic::unwind_safe::AssertUnwindSafe",
	"std::panicking::",
	"std::panic::",
	"core::mem::drop",
};

void type_candidates_add(struct type_candidates *candidates, char *text)
{
	bool known = candidates->count == TYPE_CANDIDATES_MAX;

	for (size_t i = 0; i < candidates->count; i++)
		known = known || strcmp(candidates->texts[i], text) == 0;
	if (known)
		free(text);
	else
		candidates->texts[candidates->count++] = text;
}

void type_candidates_fini(struct type_candidates *candidates)
{
	for (size_t i = 0; i < candidates->count; i++)
		free(candidates->texts[i]);
	candidates->count = 0;
}

static bool is_runtime_function(struct symbol_module *module, uint64_t address)
{
	const struct function_symbol *symbols = NULL;
	bool result = false;
	char *name;

	if (symbol_table_at(&module->symbols, address, &symbols) == 0)
		return false;
	name = symbol_demangle(symbols[0].name);
	for (size_t i = 0; i < sizeof(runtime_prefixes) / sizeof(*runtime_prefixes); i++)
		result = result ||
			 strncmp(name, runtime_prefixes[i], strlen(runtime_prefixes[i])) == 0;
	free(name);
	return result;
}

static bool contains(const uint64_t *list, size_t count, uint64_t value)
{
	for (size_t i = 0; i < count; i++) {
		if (list[i] == value)
			return true;
	}
	return false;
}

size_t task_runtime_functions(struct symbol_module *module, uint64_t start, uint64_t *functions)
{
	uint64_t calls[TASK_CALLS_MAX];
	size_t count = 1, found;

	functions[0] = start;
	for (size_t i = 0; i < count; i++) {
		found = code_map_calls(module, functions[i], calls, TASK_CALLS_MAX);
		for (size_t j = 0; j < found && count < RUNTIME_FUNCTIONS_MAX; j++) {
			if (!contains(functions, count, calls[j]) &&
			    is_runtime_function(module, calls[j]))
				functions[count++] = calls[j];
		}
	}
	return count;
}

/* The text to keep of a function that is a future's body; NULL for other functions. Frees `name`.
 */
static char *future_of(char *name)
{
	size_t length = strlen(name), tail = strlen(CLOSURE), poll = strlen(FUTURE_POLL);

	if (length > tail && strcmp(name + length - tail, CLOSURE) == 0)
		return name;
	if (*name == '<' && length > poll && strcmp(name + length - poll, FUTURE_POLL) == 0) {
		name[1 + strcspn(name + 1, "< ")] = '\0';
		return name;
	}
	free(name);
	return NULL;
}

/* Adds the futures among the symbols at `address`; false when it is a resumption panic. */
static bool add_called(struct symbol_module *module, uint64_t address,
		       struct type_candidates *called)
{
	const struct function_symbol *symbols = NULL;
	size_t aliases = symbol_table_at(&module->symbols, address, &symbols);
	char *future;

	for (size_t i = 0; i < aliases; i++) {
		if (task_is_resumption_panic(symbols[i].name))
			return false;
		future = future_of(symbol_demangle(symbols[i].name));
		if (future && !is_runtime_function(module, address))
			type_candidates_add(called, future);
		else
			free(future);
	}
	return true;
}

bool task_called_futures(struct symbol_module *module, uint64_t poll,
			 struct type_candidates *called)
{
	uint64_t functions[RUNTIME_FUNCTIONS_MAX], calls[TASK_CALLS_MAX];
	size_t count, found;

	if (!task_index_of(module)->marks_resumption)
		return false;
	count = task_runtime_functions(module, poll, functions);
	for (size_t i = 0; i < count; i++) {
		found = code_map_calls(module, functions[i], calls, TASK_CALLS_MAX);
		for (size_t j = 0; j < found; j++) {
			if (!add_called(module, calls[j], called))
				return false;
		}
	}
	return true;
}
