/* SPDX-License-Identifier: MIT */
/*
 * Names a future by its drop glue, the one family of legacy symbols that spells types out.
 */
#include "viewer/symbols/task_evidence.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "viewer/symbols/code_map.h"
#include "viewer/symbols/module.h"
#include "viewer/symbols/rust_names.h"
#include "viewer/symbols/task_index.h"

#define BLOCKING "tokio::runtime::blocking::task::"

static const char *const glue_shells[] = {
	"core::ptr::drop_in_place<",
	"core::ptr::drop_glue<",
	"alloc::boxed::Box<",
	"core::cell::UnsafeCell<",
	"tokio::loom::std::unsafe_cell::UnsafeCell<",
	"tokio::runtime::task::core::Cell<",
	"tokio::runtime::task::core::Core<",
	"tokio::runtime::task::core::CoreStage<",
	"tokio::runtime::task::core::Stage<",
};

static bool has_prefix(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool is_shell(const char *text)
{
	for (size_t i = 0; i < sizeof(glue_shells) / sizeof(*glue_shells); i++) {
		if (has_prefix(text, glue_shells[i]))
			return true;
	}
	return false;
}

/* T of "core::ptr::drop_in_place<..Cell<T,S>>", of Stage<T> and so on; else NULL. */
static char *glue_type(const char *mangled)
{
	char *text = rust_demangle_full(mangled), *inner;
	bool task = false;

	if (!has_prefix(text, "core::ptr::drop_")) {
		free(text);
		return NULL;
	}
	while (!task && is_shell(text)) {
		task = has_prefix(text, "tokio::runtime::task::core::");
		inner = rust_first_argument(text);
		free(text);
		text = inner;
		if (!text)
			return NULL;
	}
	if (task)
		return text;
	free(text);
	return NULL;
}

static void add_glue_at(struct symbol_module *module, uint64_t address,
			struct type_candidates *candidates)
{
	const struct function_symbol *symbols = NULL;
	size_t count = symbol_table_at(&module->symbols, address, &symbols);

	for (size_t i = 0; i < count; i++) {
		char *type = glue_type(symbols[i].name);

		if (!type)
			continue;
		candidates->function = address;
		type_candidates_add(candidates, type);
	}
}

/* The first drop glue of a task that `dealloc` comes to. */
static void find_glue(struct symbol_module *module, uint64_t dealloc,
		      struct type_candidates *candidates)
{
	uint64_t functions[RUNTIME_FUNCTIONS_MAX], calls[TASK_CALLS_MAX];
	size_t count, found;

	count = task_runtime_functions(module, dealloc, functions);
	for (size_t i = 0; i < count && candidates->count == 0; i++) {
		found = code_map_calls(module, functions[i], calls, TASK_CALLS_MAX);
		for (size_t j = 0; j < found && candidates->count == 0; j++)
			add_glue_at(module, calls[j], candidates);
	}
}

/* Whether another vtable has the same dealloc slot and another poll slot. */
static bool dealloc_is_shared(struct symbol_module *module, uint64_t poll, uint64_t dealloc)
{
	struct code_map *map = code_map_of(module);
	const struct code_pointer *pointers;
	uint64_t delta = 0;
	size_t count;

	pointers = code_map_pointers(map, &count);
	for (size_t i = 0; i < count && delta == 0; i++) {
		if (pointers[i].target != dealloc)
			continue;
		if (code_map_pointer(map, pointers[i].slot - 16) == poll)
			delta = 16;
		else if (code_map_pointer(map, pointers[i].slot - 8) == poll)
			delta = 8;
	}
	for (size_t i = 0; i < count && delta != 0; i++) {
		if (pointers[i].target == dealloc &&
		    code_map_pointer(map, pointers[i].slot - delta) != poll)
			return true;
	}
	return false;
}

/*
 * Whether the glue belongs to several types. One type is spawned on at most two schedulers, with a
 * dealloc each; glue of the future alone, without the scheduler, may serve those two.
 */
static bool glue_is_shared(struct symbol_module *module, uint64_t glue)
{
	const struct glue_user *users = NULL;
	size_t count = task_index_users(task_index_of(module), glue, &users);

	if (count < 2)
		return false;
	return count > 2 || users[0].drops == users[1].drops;
}

static bool type_is_of_libraries(const char *name)
{
	static const char *const crates[] = {"tokio::", "std::", "core::", "alloc::"};

	for (size_t i = 0; i < sizeof(crates) / sizeof(*crates); i++) {
		if (has_prefix(name, crates[i]))
			return true;
	}
	return false;
}

/* Whether `called`, as task_called_futures gives it, is what a task of `type` polls. */
static bool type_fits(const char *type, const char *called)
{
	char *name, *function;
	bool fits;

	if (*called == '<')
		return strncmp(type, called + 1, strlen(called) - 1) == 0 &&
		       strchr("<", type[strlen(called) - 1]);
	name = rust_unwrap_future(type);
	function = rust_function_text(name);
	fits = strcmp(function, called) == 0;
	free(function);
	free(name);
	return fits;
}

/*
 * Chooses by what the task polls. Where folding has lost the type's name, the async body that the
 * task polls names it; not so for a blocking job, whose closure may be inlined and call another.
 */
static char *decide(struct symbol_module *module, uint64_t poll, const struct type_candidates *glue)
{
	struct type_candidates called = {.count = 0};
	const char *choice = NULL, *only;
	size_t fitting = 0;
	bool blocking = false;
	char *result = NULL;

	if (!task_called_futures(module, poll, &called))
		type_candidates_fini(&called);
	for (size_t i = 0; i < glue->count; i++) {
		blocking = blocking || has_prefix(glue->texts[i], BLOCKING);
		for (size_t j = 0; j < called.count; j++) {
			if (!type_fits(glue->texts[i], called.texts[j]))
				continue;
			choice = glue->texts[i];
			fitting++;
		}
	}
	only = called.count == 1 ? called.texts[0] : "<";
	if (fitting == 0 && !blocking && *only != '<' && !type_is_of_libraries(only))
		choice = only;
	if (choice && fitting <= 1)
		result = rust_unwrap_future(choice);
	type_candidates_fini(&called);
	return result;
}

char *task_type_from_glue(struct symbol_module *module, uint64_t poll, uint64_t dealloc)
{
	struct type_candidates glue = {.count = 0};
	char *result = NULL;

	find_glue(module, dealloc, &glue);
	if (glue.count == 1 && !dealloc_is_shared(module, poll, dealloc) &&
	    !glue_is_shared(module, glue.function))
		result = rust_unwrap_future(glue.texts[0]);
	else if (glue.count > 0)
		result = decide(module, poll, &glue);
	type_candidates_fini(&glue);
	return result;
}
