/* SPDX-License-Identifier: MIT */
/*
 * Names the future behind a Tokio task vtable.
 */
#include "viewer/symbols/symbols.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "viewer/symbols/debug_info.h"
#include "viewer/symbols/module.h"
#include "viewer/symbols/rust_names.h"
#include "viewer/symbols/task_evidence.h"

/* T of "poll<T, S>", as the DWARF spells it; NULL without DWARF. */
static char *type_from_debug(struct symbol_module *module, uint64_t poll)
{
	struct debug_info *debug = symbol_module_debug(module);
	struct debug_unit *unit = debug ? debug_info_unit(debug, poll) : NULL;
	Dwarf_Die *function = unit ? debug_unit_function(debug, unit, poll) : NULL;
	const char *name = function ? dwarf_diename(function) : NULL;

	return name ? rust_first_argument(name) : NULL;
}

/* T of v0's "tokio::runtime::task::raw::poll::<T, S>"; NULL when legacy mangling left it out. */
static char *type_from_symbol(const char *mangled)
{
	char *name, *type = NULL;

	if (strncmp(mangled, "_R", 2) != 0)
		return NULL;
	name = rust_demangle_full(mangled);
	if (strncmp(name, "tokio::runtime::task::", strlen("tokio::runtime::task::")) == 0)
		type = rust_first_argument(name);
	free(name);
	return type;
}

/* A method's body: DWARF numbers the impl block and does not say of which type. */
static bool leaves_type_out(const char *type)
{
	return strstr(type, "{impl#") != NULL;
}

/* Functions of different types may be folded into one: two names at one address say nothing. */
static bool poll_is_unique(struct symbol_module *module, uint64_t poll, const char **ret_mangled)
{
	const struct function_symbol *symbols = NULL;
	size_t count = symbol_table_at(&module->symbols, poll, &symbols);

	*ret_mangled = count == 1 ? symbols[0].name : "";
	return count <= 1;
}

/* With DWARF the body itself is found, and it knows its name and place. */
static char *name_from_debug(struct symbol_module *module, uint64_t poll, uint64_t dealloc,
			     struct task_body *body)
{
	char *raw = type_from_debug(module, poll), *type, *name = NULL;

	if (!raw)
		return NULL;
	task_body_of_type(module, poll, raw, body);
	type = rust_type_text(raw);
	if (leaves_type_out(type)) {
		name = body->name ? strdup(body->name) : NULL;
		if (!name && dealloc)
			name = task_type_from_glue(module, poll, dealloc);
	}
	if (!name)
		name = rust_unwrap_future(type);
	free(type);
	free(raw);
	return name;
}

void symbol_module_task_type(struct symbol_module *module, uint64_t poll, uint64_t dealloc,
			     char **ret_name, char **ret_file, int *ret_line)
{
	struct task_body body = {.name = NULL};
	const char *mangled;
	char *name = NULL, *type;

	*ret_name = *ret_file = NULL;
	*ret_line = 0;
	if (module->state != MODULE_OK)
		return;
	if (poll_is_unique(module, poll, &mangled)) {
		name = name_from_debug(module, poll, dealloc, &body);
		type = type_from_symbol(mangled);
		if (type) {
			free(name);
			name = rust_unwrap_future(type);
		}
		free(type);
	}
	if (!name && dealloc)
		name = task_type_from_glue(module, poll, dealloc);
	if (name && !body.file)
		task_body_of_name(module, poll, name, &body);
	*ret_name = name;
	*ret_file = body.file;
	*ret_line = body.line;
	free(body.name);
}
