/* SPDX-License-Identifier: MIT */
/*
 * Says how much a file tells of its own code.
 */
#include "viewer/symbols/symbols.h"

#include <dwarf.h>
#include <string.h>

#include "viewer/symbols/module.h"

/* Where the standard library and the crates in it were compiled. */
static const char *const std_places[] = {
	"/rustc/", "/rust/deps/", "/cargo/registry/", "/usr/src/rustc", "library/",
};

static bool in_std(const char *path)
{
	for (size_t i = 0; path && i < sizeof(std_places) / sizeof(*std_places); i++)
		if (strncmp(path, std_places[i], strlen(std_places[i])) == 0)
			return true;
	return false;
}

static const char *text_of(Dwarf_Die *unit, unsigned name)
{
	Dwarf_Attribute attribute;

	return dwarf_attr(unit, name, &attribute) ? dwarf_formstring(&attribute) : NULL;
}

/* Rust's types stand in namespaces; at most eight deep, which is enough to meet one. */
static bool has_types(Dwarf_Die *parent, int depth)
{
	Dwarf_Die die;

	if (!depth || dwarf_child(parent, &die) != 0)
		return false;
	do {
		switch (dwarf_tag(&die)) {
		case DW_TAG_structure_type:
		case DW_TAG_class_type:
		case DW_TAG_base_type:
			return true;
		case DW_TAG_namespace:
			if (has_types(&die, depth - 1))
				return true;
			break;
		default:
			break;
		}
	} while (dwarf_siblingof(&die, &die) == 0);
	return false;
}

/* `root`: what has the types; differs from `unit` in split DWARF only. */
static enum symbol_detail unit_detail(Dwarf_Die *unit, Dwarf_Die *root)
{
	if (in_std(text_of(unit, DW_AT_name)) || in_std(text_of(unit, DW_AT_comp_dir)) ||
	    !dwarf_hasattr(unit, DW_AT_stmt_list))
		return SYMBOL_DETAIL_NONE;
	return has_types(root, 8) ? SYMBOL_DETAIL_FULL : SYMBOL_DETAIL_LINES;
}

/* The best of the units; where there are Rust's, those of C libraries linked in don't count. */
static enum symbol_detail dwarf_detail(Dwarf *dwarf)
{
	enum symbol_detail best[2] = {SYMBOL_DETAIL_NONE, SYMBOL_DETAIL_NONE};
	bool rust_seen = false;
	Dwarf_CU *cu = NULL;
	Dwarf_Die die, split;
	uint8_t type;

	while (best[1] != SYMBOL_DETAIL_FULL &&
	       dwarf_get_units(dwarf, cu, &cu, NULL, &type, &die, &split) == 0) {
		Dwarf_Die *root = type == DW_UT_skeleton && split.addr ? &split : &die;
		bool rust = dwarf_srclang(root) == DW_LANG_Rust;
		enum symbol_detail detail;

		rust_seen |= rust;
		/* Only what can still change the answer is walked. */
		if ((type != DW_UT_compile && type != DW_UT_skeleton) || (rust_seen && !rust) ||
		    best[rust] == SYMBOL_DETAIL_FULL)
			continue;
		detail = unit_detail(&die, root);
		if (detail > best[rust])
			best[rust] = detail;
	}
	return best[rust_seen];
}

enum symbol_detail symbol_module_detail(struct symbol_module *module)
{
	enum symbol_detail detail;
	Dwarf_Addr bias;
	Dwarf *dwarf;

	if (module->state != MODULE_OK)
		return SYMBOL_DETAIL_NONE;
	dwarf = dwfl_module_getdwarf(module->dwfl_module, &bias);
	detail = dwarf ? dwarf_detail(dwarf) : SYMBOL_DETAIL_NONE;
	if (detail == SYMBOL_DETAIL_NONE && module->symbols.count)
		return SYMBOL_DETAIL_NAMES;
	return detail;
}
