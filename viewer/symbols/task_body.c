/* SPDX-License-Identifier: MIT */
/*
 * Finds the function that is the body of a future, and where it is written.
 */
#include "viewer/symbols/task_evidence.h"

#include <dwarf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "viewer/symbols/code_map.h"
#include "viewer/symbols/debug_info.h"
#include "viewer/symbols/module.h"
#include "viewer/symbols/rust_names.h"
#include "viewer/symbols/rust_text.h"
#include "viewer/symbols/task_index.h"

#define TREE_DEPTH 64

/* "app::serve::{async_fn#0}", the body of "app::serve::{async_fn_env#0}"; NULL for other types. */
static char *body_name(const char *raw_type)
{
	char *text = rust_unwrap_future(raw_type), *end, *at, *mark = NULL;
	const char *group = rust_text_last_group(text);

	end = group ? text + (group - text) : text + strlen(text);
	for (at = text; (at = strstr(at, "_env#")) && at < end; at++)
		mark = at;
	if (!mark) {
		free(text);
		return NULL;
	}
	memmove(mark, mark + strlen("_env"), strlen(mark + strlen("_env")) + 1);
	return text;
}

/* The last path segment of a raw name, with its generic arguments. */
static const char *last_segment(const char *raw_name)
{
	const char *segment = raw_name, *group = rust_text_last_group(raw_name);

	for (const char *at = raw_name; (at = strstr(at, "::")) && (!group || at < group); at += 2)
		segment = at + 2;
	return segment;
}

static void set_position(struct debug_info *debug, Dwarf_Die *die, struct task_body *body)
{
	struct debug_unit *unit;
	const char *file = NULL;
	Dwarf_Addr address;
	int line = 0;

	body->file = debug_declaration(debug, die, &line);
	if (!body->file && dwarf_entrypc(die, &address) == 0) {
		address = debug_info_address(debug, address);
		unit = debug_info_unit(debug, address);
		file = unit ? debug_unit_line(debug, unit, address, &line) : NULL;
	}
	if (file && line != 0)
		body->file = debug_absolute_path(debug_unit_die(unit), file);
	if (body->file)
		body->line = line;
}

static bool try_die(struct debug_info *debug, Dwarf_Die *die, const char *raw_name,
		    struct task_body *body)
{
	const char *plain = dwarf_diename(die);
	char *name;
	bool same, exact;

	if (!plain || strcmp(plain, last_segment(raw_name)) != 0)
		return false;
	name = debug_qualified_name(debug, die);
	same = name && strcmp(name, raw_name) == 0;
	free(name);
	if (!same)
		return false;
	body->name = debug_function_name(debug, die, NULL, &exact);
	if (!exact) {
		free(body->name);
		body->name = NULL;
	}
	set_position(debug, die, body);
	return true;
}

static bool search_inlined(struct debug_info *debug, Dwarf_Die *parent, const char *raw_name,
			   int depth, struct task_body *body)
{
	Dwarf_Die child;
	int tag;

	if (depth > TREE_DEPTH || dwarf_child(parent, &child) != 0)
		return false;
	do {
		tag = dwarf_tag(&child);
		if (tag == DW_TAG_inlined_subroutine && try_die(debug, &child, raw_name, body))
			return true;
		if ((tag == DW_TAG_inlined_subroutine || tag == DW_TAG_lexical_block) &&
		    search_inlined(debug, &child, raw_name, depth + 1, body))
			return true;
	} while (dwarf_siblingof(&child, &child) == 0);
	return false;
}

static Dwarf_Die *function_at(struct debug_info *debug, uint64_t address)
{
	struct debug_unit *unit = debug_info_unit(debug, address);

	return unit ? debug_unit_function(debug, unit, address) : NULL;
}

/* The body is inlined into one of the runtime's functions. */
static bool search_runtime(struct symbol_module *module, uint64_t poll, const char *raw_name,
			   struct task_body *body)
{
	uint64_t functions[RUNTIME_FUNCTIONS_MAX];
	size_t count = task_runtime_functions(module, poll, functions);
	Dwarf_Die *function;

	for (size_t i = 0; i < count; i++) {
		function = function_at(module->debug, functions[i]);
		if (function && search_inlined(module->debug, function, raw_name, 0, body))
			return true;
	}
	return false;
}

/* The part of a demangled name that must be the same: "serve::{{closure}}" after an impl block. */
static const char *known_tail(const char *text)
{
	const char *tail = text, *at;

	for (at = text; (at = strstr(at, "{impl#")); at++)
		tail = at + strcspn(at, "}") + 1;
	return tail;
}

static bool search_closures(struct symbol_module *module, const char *raw_name,
			    struct task_body *body)
{
	struct task_index *index = task_index_of(module);
	char *text = rust_function_text(raw_name);
	const char *tail = known_tail(text), *name;
	size_t length = strlen(tail);
	Dwarf_Die *function;
	bool found = false;

	for (size_t i = 0; i < index->closure_count && !found; i++) {
		name = index->closures[i].name;
		if (strlen(name) < length || strcmp(name + strlen(name) - length, tail) != 0)
			continue;
		function = function_at(module->debug, index->closures[i].address);
		found = function && try_die(module->debug, function, raw_name, body);
	}
	free(text);
	return found;
}

void task_body_of_type(struct symbol_module *module, uint64_t poll, const char *raw_type,
		       struct task_body *body)
{
	char *raw_name = body_name(raw_type);

	if (raw_name && module->debug && !search_closures(module, raw_name, body))
		search_runtime(module, poll, raw_name, body);
	free(raw_name);
}

/* The one function called `name` that `functions` call; 0 when there is none, or several. */
static uint64_t called_by(struct symbol_module *module, const uint64_t *functions, size_t count,
			  const struct closure_symbol *closures, size_t closure_count)
{
	uint64_t calls[TASK_CALLS_MAX], body = 0;
	size_t found;

	for (size_t i = 0; i < count; i++) {
		found = code_map_calls(module, functions[i], calls, TASK_CALLS_MAX);
		for (size_t j = 0; j < found * closure_count; j++) {
			if (closures[j % closure_count].address != calls[j / closure_count])
				continue;
			if (body != 0 && body != calls[j / closure_count])
				return 0;
			body = calls[j / closure_count];
		}
	}
	return body;
}

void task_body_of_name(struct symbol_module *module, uint64_t poll, const char *name,
		       struct task_body *body)
{
	uint64_t functions[RUNTIME_FUNCTIONS_MAX], address = 0;
	const struct closure_symbol *closures = NULL;
	char *text = rust_function_text(name);
	size_t count, closure_count;
	Dwarf_Die *function;

	closure_count = task_index_closures(task_index_of(module), text, &closures);
	free(text);
	if (closure_count > 0 && symbol_module_debug(module)) {
		count = task_runtime_functions(module, poll, functions);
		address = called_by(module, functions, count, closures, closure_count);
	}
	function = address ? function_at(module->debug, address) : NULL;
	if (function)
		set_position(module->debug, function, body);
}
