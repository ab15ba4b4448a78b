/* SPDX-License-Identifier: MIT */
/*
 * From a code position to its source-level frames, with whatever the file has to say.
 */
#include "viewer/symbols/symbols.h"

#include <stdlib.h>
#include <string.h>

#include "viewer/symbols/debug_info.h"
#include "viewer/symbols/module.h"

#define INLINED_MAX 128

static char *path_of(struct debug_unit *unit, const char *file)
{
	return file ? debug_absolute_path(debug_unit_die(unit), file) : NULL;
}

/*
 * Fills frames[0..inlined]: each inlined call's file and line are those of the call inside it, so
 * they are handed outwards.
 */
static void fill_inlined(struct debug_info *debug, struct debug_unit *unit, Dwarf_Die *calls,
			 size_t inlined, uint64_t address, struct symbol_frame *frames)
{
	const char *file;
	int line;
	bool exact;

	file = debug_unit_line(debug, unit, address, &line);
	for (size_t i = 0; i < inlined; i++) {
		Dwarf_Die *call = &calls[inlined - 1 - i];

		frames[i].file = path_of(unit, file);
		frames[i].function = debug_function_name(debug, call, frames[i].file, &exact);
		frames[i].line = line;
		frames[i].inlined = true;
		file = debug_call_site(unit, call, &line);
	}
	frames[inlined].file = path_of(unit, file);
	frames[inlined].line = line;
}

/* The function around all inlined calls; the symbol table knows it better than a bare name. */
static char *outer_name(struct symbol_module *module, Dwarf_Die *function, const char *file,
			uint64_t address)
{
	const struct function_symbol *symbol;
	char *name = NULL;
	bool exact = false;

	if (function)
		name = debug_function_name(module->debug, function, file, &exact);
	if (exact)
		return name;
	symbol = symbol_table_find(&module->symbols, address);
	if (!symbol)
		return name;
	free(name);
	return symbol_demangle(symbol->name);
}

size_t symbol_module_lookup(struct symbol_module *module, uint64_t address,
			    struct symbol_frame **ret_frames)
{
	Dwarf_Die calls[INLINED_MAX], *function = NULL;
	struct debug_info *debug;
	struct debug_unit *unit;
	struct symbol_frame *frames;
	size_t inlined = 0;

	*ret_frames = NULL;
	if (module->state != MODULE_OK)
		return 0;
	debug = symbol_module_debug(module);
	unit = debug ? debug_info_unit(debug, address) : NULL;
	if (unit)
		function = debug_unit_function(debug, unit, address);
	if (function)
		inlined = debug_inlined_calls(debug, function, address, calls, INLINED_MAX);
	frames = calloc(inlined + 1, sizeof(*frames));
	if (!frames)
		abort();
	if (unit)
		fill_inlined(debug, unit, calls, inlined, address, frames);
	frames[inlined].function = outer_name(module, function, frames[inlined].file, address);
	if (!frames[inlined].function && !frames[inlined].file && inlined == 0) {
		free(frames);
		return 0;
	}
	*ret_frames = frames;
	return inlined + 1;
}

void symbol_frames_free(struct symbol_frame *frames, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(frames[i].function);
		free(frames[i].file);
	}
	free(frames);
}
