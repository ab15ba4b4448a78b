/* SPDX-License-Identifier: MIT */
/*
 * Finds where the body of a future is written.
 */
#include <dwarf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "viewer/symbols/debug_info.h"
#include "viewer/symbols/module.h"
#include "viewer/symbols/rust_names.h"
#include "viewer/symbols/task_evidence.h"
#include "viewer/symbols/task_index.h"

#define TREE_DEPTH 64

/* What is looked for, and what was found: only positions that agree make an answer. */
struct search {
	struct debug_info *debug;
	const char *name;
	const char *entry;
	const char *file;
	int line;
	bool conflict;
};

static void found(struct search *search, const char *file, int line)
{
	if (!file || line == 0)
		return;
	if (search->file && (strcmp(search->file, file) != 0 || search->line != line))
		search->conflict = true;
	search->file = file;
	search->line = line;
}

static bool entry_differs(struct search *search, Dwarf_Die *die)
{
	const char *name = search->entry ? dwarf_diename(die) : NULL;

	return name && strncmp(name, search->entry, strlen(search->entry)) != 0;
}

static void try_function(struct search *search, uint64_t address)
{
	struct debug_unit *unit = debug_info_unit(search->debug, address);
	Dwarf_Die *function = unit ? debug_unit_function(search->debug, unit, address) : NULL;
	const char *file = NULL;
	int line = 0;

	if (!function || entry_differs(search, function))
		return;
	file = dwarf_decl_file(function);
	if (!file || dwarf_decl_line(function, &line) != 0)
		file = debug_unit_line(search->debug, unit, address, &line);
	found(search, file, line);
}

static void try_inlined(struct search *search, Dwarf_Die *call)
{
	bool exact;
	char *name;
	int line = 0;

	if (entry_differs(search, call) || dwarf_decl_line(call, &line) != 0)
		return;
	name = debug_function_name(search->debug, call, NULL, &exact);
	if (name && strcmp(name, search->name) == 0)
		found(search, dwarf_decl_file(call), line);
	free(name);
}

static void search_inlined(struct search *search, Dwarf_Die *parent, int depth)
{
	Dwarf_Die child;
	int tag;

	if (depth > TREE_DEPTH || dwarf_child(parent, &child) != 0)
		return;
	do {
		tag = dwarf_tag(&child);
		if (tag == DW_TAG_inlined_subroutine)
			try_inlined(search, &child);
		if (tag == DW_TAG_inlined_subroutine || tag == DW_TAG_lexical_block)
			search_inlined(search, &child, depth + 1);
	} while (dwarf_siblingof(&child, &child) == 0);
}

/* The body has no function of its own: it is part of one of the runtime's. */
static void search_runtime(struct symbol_module *module, struct search *search, uint64_t poll)
{
	uint64_t functions[RUNTIME_FUNCTIONS_MAX];
	size_t count = task_runtime_functions(module, poll, functions);
	struct debug_unit *unit;
	Dwarf_Die *function;

	for (size_t i = 0; i < count && !search->file; i++) {
		unit = debug_info_unit(search->debug, functions[i]);
		function = unit ? debug_unit_function(search->debug, unit, functions[i]) : NULL;
		if (function)
			search_inlined(search, function, 0);
	}
}

void task_body_position(struct symbol_module *module, uint64_t poll, const char *name,
			const char *entry, char **ret_file, int *ret_line)
{
	struct search search = {.debug = symbol_module_debug(module), .entry = entry};
	const struct closure_symbol *closures = NULL;
	size_t count;
	char *body;

	if (!search.debug)
		return;
	body = rust_function_text(name);
	search.name = body;
	count = task_index_closures(task_index_of(module), body, &closures);
	for (size_t i = 0; i < count; i++)
		try_function(&search, closures[i].address);
	if (!search.file)
		search_runtime(module, &search, poll);
	free(body);
	if (!search.file || search.conflict)
		return;
	*ret_file = strdup(search.file);
	*ret_line = *ret_file ? search.line : 0;
}
