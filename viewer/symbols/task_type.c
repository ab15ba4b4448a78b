/* SPDX-License-Identifier: MIT */
/*
 * Names the future behind a Tokio task vtable.
 */
#include <dwarf.h>
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

/* Functions of different types may be folded into one: two names at one address say nothing. */
static char *type_from_poll(struct symbol_module *module, uint64_t poll, char **ret_raw)
{
	const struct function_symbol *symbols = NULL;
	size_t aliases = symbol_table_at(&module->symbols, poll, &symbols);
	char *type;

	if (aliases > 1)
		return NULL;
	*ret_raw = type_from_debug(module, poll);
	if (*ret_raw)
		return rust_type_text(*ret_raw);
	type = aliases == 1 ? type_from_symbol(symbols[0].name) : NULL;
	return type;
}

/* "{async_fn#0}" for a type "app::serve::{async_fn_env#0}", "{closure#1}" for a closure's. */
static char *entry_name(const char *raw_type)
{
	char *plain = rust_unwrap_future(raw_type), *start = NULL, *mark;

	for (char *at = plain; (at = strstr(at, "::{")); at++)
		start = at + 2;
	start = start ? start : plain;
	mark = strstr(start, "_env#");
	if (*start == '{' && mark) {
		memmove(plain, start, mark - start);
		plain[mark - start] = '\0';
		start = plain + (mark - start);
		mark += strlen("_env");
		memmove(start, mark, strcspn(mark, "}") + 1);
		start[strcspn(start, "}") + 1] = '\0';
		return plain;
	}
	free(plain);
	return NULL;
}

void symbol_module_task_type(struct symbol_module *module, uint64_t poll, uint64_t dealloc,
			     char **ret_name, char **ret_file, int *ret_line)
{
	char *type = NULL, *raw = NULL, *entry = NULL;

	*ret_name = *ret_file = NULL;
	*ret_line = 0;
	if (module->state != MODULE_OK)
		return;
	type = type_from_poll(module, poll, &raw);
	if (type)
		*ret_name = rust_unwrap_future(type);
	else if (dealloc)
		*ret_name = task_type_from_glue(module, poll, dealloc);
	if (raw)
		entry = entry_name(raw);
	if (*ret_name)
		task_body_position(module, poll, *ret_name, entry, ret_file, ret_line);
	free(type);
	free(raw);
	free(entry);
}
