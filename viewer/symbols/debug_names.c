/* SPDX-License-Identifier: MIT */
/*
 * Names of functions in DWARF: the linkage name, or the plain name with what is known around it.
 */
#include "viewer/symbols/debug_info.h"

#include <dwarf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "viewer/symbols/debug_index.h"
#include "viewer/symbols/rust_names.h"
#include "viewer/symbols/symbols.h"

#define ORIGIN_STEPS 8

static const char *linkage_name(Dwarf_Die *die)
{
	Dwarf_Attribute attribute;

	if (dwarf_attr_integrate(die, DW_AT_linkage_name, &attribute) ||
	    dwarf_attr_integrate(die, DW_AT_MIPS_linkage_name, &attribute))
		return dwarf_formstring(&attribute);
	return NULL;
}

/* One step from an inlined call or an out-of-line definition towards its declaration. */
static bool step_to_origin(Dwarf_Die *die)
{
	Dwarf_Attribute attribute;
	Dwarf_Die next;

	if (!dwarf_attr(die, DW_AT_abstract_origin, &attribute) &&
	    !dwarf_attr(die, DW_AT_specification, &attribute))
		return false;
	if (!dwarf_formref_die(&attribute, &next))
		return false;
	*die = next;
	return true;
}

/* The declaration itself: it stands in the scope. */
static Dwarf_Die origin_of(Dwarf_Die *die)
{
	Dwarf_Die current = *die;

	for (int i = 0; i < ORIGIN_STEPS && step_to_origin(&current); i++)
		;
	return current;
}

/* libdw's own dwarf_decl_file ends the program on units of split DWARF. */
char *debug_declaration(struct debug_info *info, Dwarf_Die *die, int *ret_line)
{
	struct debug_unit *unit;
	Dwarf_Die current = *die, root;
	Dwarf_Attribute attribute;
	const char *file = NULL;
	Dwarf_Files *files;
	Dwarf_Word index;
	size_t count;

	for (int i = 0; !dwarf_attr(&current, DW_AT_decl_file, &attribute); i++) {
		if (i == ORIGIN_STEPS || !step_to_origin(&current))
			return NULL;
	}
	if (dwarf_formudata(&attribute, &index) == 0 && dwarf_diecu(&current, &root, NULL, NULL) &&
	    dwarf_getsrcfiles(&root, &files, &count) == 0 && index < count)
		file = dwarf_filesrc(files, index, NULL, NULL);
	if (!file || dwarf_decl_line(die, ret_line) != 0)
		return NULL;
	unit = debug_info_unit_of(info, &current);
	return debug_absolute_path(unit ? debug_unit_die(unit) : &root, file);
}

static bool is_rust(Dwarf_Die *die)
{
	Dwarf_Die root;

	return dwarf_diecu(die, &root, NULL, NULL) && dwarf_srclang(&root) == DW_LANG_Rust;
}

/* "outer::inner" in front of `text`, which it frees. */
static char *prefixed(const char *prefix, char *text)
{
	char *joined;

	if (asprintf(&joined, "%s::%s", prefix, text) < 0)
		abort();
	free(text);
	return joined;
}

static char *qualified(struct debug_info *info, Dwarf_Die *die, bool *ret_scoped)
{
	Dwarf_Die origin = origin_of(die);
	struct debug_unit *unit = debug_info_unit_of(info, &origin);
	const struct debug_scope *scope;
	const char *name = dwarf_diename(die);
	char *text = name ? strdup(name) : NULL;

	*ret_scoped = false;
	scope = text && unit ? debug_unit_scope(unit, dwarf_dieoffset(&origin)) : NULL;
	while (scope) {
		if (scope->name) {
			text = prefixed(scope->name, text);
			*ret_scoped = true;
		}
		scope = scope->parent == SIZE_MAX ? NULL : &unit->scopes[scope->parent];
	}
	return text;
}

char *debug_qualified_name(struct debug_info *info, Dwarf_Die *die)
{
	bool scoped;

	return qualified(info, die, &scoped);
}

char *debug_function_name(struct debug_info *info, Dwarf_Die *die, const char *file,
			  bool *ret_exact)
{
	Dwarf_Die origin = origin_of(die);
	const char *name = linkage_name(die);
	char *text, *rust, *path;
	bool scoped;

	/* What C calls a linkage name may be one of its library's internal aliases. */
	*ret_exact = name && (strncmp(name, "_R", 2) == 0 || strncmp(name, "_Z", 2) == 0);
	if (*ret_exact)
		return symbol_demangle(name);
	text = qualified(info, die, &scoped);
	if (!text || !is_rust(&origin))
		return text;
	rust = rust_function_text(text);
	free(text);
	path = !scoped && file ? rust_path_of_file(file) : NULL;
	if (path)
		rust = prefixed(path, rust);
	free(path);
	return rust;
}
