/* SPDX-License-Identifier: MIT */
/*
 * Walks the tree of one DWARF unit and keeps its functions by address and its scopes by offset.
 */
#include "viewer/symbols/debug_index.h"

#include <dwarf.h>
#include <stdlib.h>

#define TREE_DEPTH    64
#define OVERLAP_REACH 32

void *debug_grow(void *list, size_t count, size_t size)
{
	if (count > 0 && (count & (count - 1)) != 0)
		return list;
	list = reallocarray(list, count ? 2 * count : 1, size);
	if (!list)
		abort();
	return list;
}

static void add_function(struct debug_unit *unit, Dwarf_Die *die)
{
	Dwarf_Addr base, low, high;
	ptrdiff_t offset = 0;
	struct debug_function *function;

	while ((offset = dwarf_ranges(die, offset, &base, &low, &high)) > 0) {
		if (low <= 1 || high <= low)
			continue;
		unit->functions =
			debug_grow(unit->functions, unit->function_count, sizeof(*function));
		function = &unit->functions[unit->function_count++];
		function->low = low;
		function->high = high;
		function->die = *die;
	}
}

static size_t add_scope(struct debug_unit *unit, Dwarf_Die *die, size_t parent)
{
	struct debug_scope *scope;

	unit->scopes = debug_grow(unit->scopes, unit->scope_count, sizeof(*scope));
	scope = &unit->scopes[unit->scope_count];
	scope->start = dwarf_dieoffset(die);
	scope->end = (Dwarf_Off)-1;
	scope->parent = parent;
	scope->name = dwarf_diename(die);
	return unit->scope_count++;
}

static bool is_scope(int tag)
{
	return tag == DW_TAG_namespace || tag == DW_TAG_structure_type || tag == DW_TAG_module ||
	       tag == DW_TAG_class_type || tag == DW_TAG_union_type ||
	       tag == DW_TAG_enumeration_type;
}

static void walk(struct debug_unit *unit, Dwarf_Die *parent, size_t parent_scope, int depth)
{
	Dwarf_Die child;
	size_t scope = SIZE_MAX;
	int tag, more;

	if (depth > TREE_DEPTH || dwarf_child(parent, &child) != 0)
		return;
	do {
		tag = dwarf_tag(&child);
		if (tag == DW_TAG_subprogram) {
			add_function(unit, &child);
		} else if (is_scope(tag) && dwarf_haschildren(&child) > 0) {
			scope = add_scope(unit, &child, parent_scope);
			walk(unit, &child, scope, depth + 1);
		}
		more = dwarf_siblingof(&child, &child);
		if (scope != SIZE_MAX && more == 0)
			unit->scopes[scope].end = dwarf_dieoffset(&child);
		scope = SIZE_MAX;
	} while (more == 0);
}

static int compare_functions(const void *a, const void *b)
{
	const struct debug_function *x = a, *y = b;

	return (x->low > y->low) - (x->low < y->low);
}

static void index_unit(struct debug_unit *unit)
{
	if (unit->indexed)
		return;
	unit->indexed = true;
	walk(unit, &unit->root, SIZE_MAX, 0);
	if (unit->function_count > 0)
		qsort(unit->functions, unit->function_count, sizeof(*unit->functions),
		      compare_functions);
}

Dwarf_Die *debug_unit_function_at(struct debug_unit *unit, uint64_t address)
{
	size_t low = 0, high;

	index_unit(unit);
	high = unit->function_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (unit->functions[middle].low <= address)
			low = middle + 1;
		else
			high = middle;
	}
	for (size_t i = low; i > 0 && low - i < OVERLAP_REACH; i--) {
		if (address < unit->functions[i - 1].high)
			return &unit->functions[i - 1].die;
	}
	return NULL;
}

const struct debug_scope *debug_unit_scope(struct debug_unit *unit, Dwarf_Off offset)
{
	size_t low = 0, high, found;

	index_unit(unit);
	high = unit->scope_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (unit->scopes[middle].start < offset)
			low = middle + 1;
		else
			high = middle;
	}
	/* The last child of a scope has no end of its own, so every parent has a say. */
	found = low - 1;
	for (size_t i = found; i != SIZE_MAX; i = unit->scopes[i].parent) {
		if (offset >= unit->scopes[i].end)
			found = unit->scopes[i].parent;
	}
	return found == SIZE_MAX ? NULL : &unit->scopes[found];
}

void debug_unit_fini(struct debug_unit *unit)
{
	free(unit->functions);
	free(unit->scopes);
}
