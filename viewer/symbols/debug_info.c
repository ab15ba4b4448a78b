/* SPDX-License-Identifier: MIT */
/*
 * Finds units, functions and inlined calls in DWARF, walking each unit's tree at most once.
 */
#include "viewer/symbols/debug_info.h"

#include <dwarf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "viewer/symbols/debug_index.h"

#define OVERLAP_REACH 32

struct debug_range {
	uint64_t low, high;
	size_t unit;
};

struct debug_info {
	Dwarf *dwarf;
	Dwarf_Addr bias;
	struct debug_unit *units;
	size_t unit_count;
	struct debug_range *ranges;
	size_t range_count;
};

static int compare_ranges(const void *a, const void *b)
{
	const struct debug_range *x = a, *y = b;

	return (x->low > y->low) - (x->low < y->low);
}

static void add_ranges(struct debug_info *info, size_t unit)
{
	Dwarf_Addr base, low, high;
	ptrdiff_t offset = 0;
	struct debug_range *range;

	while ((offset = dwarf_ranges(&info->units[unit].die, offset, &base, &low, &high)) > 0) {
		/* Linkers leave the ranges of discarded functions at 0 or 1. */
		if (low <= 1 || high <= low)
			continue;
		info->ranges = debug_grow(info->ranges, info->range_count, sizeof(*range));
		range = &info->ranges[info->range_count++];
		range->low = low;
		range->high = high;
		range->unit = unit;
	}
}

static void add_units(struct debug_info *info)
{
	Dwarf_CU *cu = NULL;
	Dwarf_Die die, split;
	uint8_t type;
	struct debug_unit *unit;

	while (dwarf_get_units(info->dwarf, cu, &cu, NULL, &type, &die, &split) == 0) {
		if (type != DW_UT_compile && type != DW_UT_skeleton)
			continue;
		info->units = debug_grow(info->units, info->unit_count, sizeof(*unit));
		unit = &info->units[info->unit_count++];
		*unit = (struct debug_unit){.die = die, .root = die};
		if (type == DW_UT_skeleton && split.addr)
			unit->root = split;
		add_ranges(info, info->unit_count - 1);
	}
}

struct debug_info *debug_info_new(Dwarf *dwarf, Dwarf_Addr bias)
{
	struct debug_info *info = calloc(1, sizeof(*info));

	if (!info)
		abort();
	info->dwarf = dwarf;
	info->bias = bias;
	add_units(info);
	if (info->range_count == 0) {
		debug_info_free(info);
		return NULL;
	}
	qsort(info->ranges, info->range_count, sizeof(*info->ranges), compare_ranges);
	return info;
}

void debug_info_free(struct debug_info *info)
{
	if (!info)
		return;
	for (size_t i = 0; i < info->unit_count; i++)
		debug_unit_fini(&info->units[i]);
	free(info->units);
	free(info->ranges);
	free(info);
}

uint64_t debug_info_address(struct debug_info *info, Dwarf_Addr address)
{
	return address + info->bias;
}

struct debug_unit *debug_info_unit(struct debug_info *info, uint64_t address)
{
	size_t low = 0, high = info->range_count;

	address -= info->bias;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (info->ranges[middle].low <= address)
			low = middle + 1;
		else
			high = middle;
	}
	for (size_t i = low; i > 0 && low - i < OVERLAP_REACH; i--) {
		if (address < info->ranges[i - 1].high)
			return &info->units[info->ranges[i - 1].unit];
	}
	return NULL;
}

struct debug_unit *debug_info_unit_of(struct debug_info *info, Dwarf_Die *die)
{
	Dwarf_Die root;

	if (!dwarf_diecu(die, &root, NULL, NULL))
		return NULL;
	for (size_t i = 0; i < info->unit_count; i++) {
		if (info->units[i].root.addr == root.addr)
			return &info->units[i];
	}
	return NULL;
}

Dwarf_Die *debug_unit_function(struct debug_info *info, struct debug_unit *unit, uint64_t address)
{
	return debug_unit_function_at(unit, address - info->bias);
}

/* The child of `parent` that covers `address`, when it is a block or an inlined call. */
static bool covering_child(Dwarf_Die *parent, uint64_t address, Dwarf_Die *ret_child)
{
	Dwarf_Die child;
	int tag;

	if (dwarf_child(parent, &child) != 0)
		return false;
	do {
		tag = dwarf_tag(&child);
		if ((tag == DW_TAG_inlined_subroutine || tag == DW_TAG_lexical_block) &&
		    dwarf_haspc(&child, address) > 0) {
			*ret_child = child;
			return true;
		}
	} while (dwarf_siblingof(&child, &child) == 0);
	return false;
}

size_t debug_inlined_calls(struct debug_info *info, Dwarf_Die *function, uint64_t address,
			   Dwarf_Die *calls, size_t max)
{
	Dwarf_Die scope = *function;
	size_t count = 0;

	address -= info->bias;
	while (count < max && covering_child(&scope, address, &scope)) {
		if (dwarf_tag(&scope) == DW_TAG_inlined_subroutine)
			calls[count++] = scope;
	}
	return count;
}

const char *debug_unit_line(struct debug_info *info, struct debug_unit *unit, uint64_t address,
			    int *ret_line)
{
	Dwarf_Line *line = dwarf_getsrc_die(&unit->die, address - info->bias);
	const char *file = line ? dwarf_linesrc(line, NULL, NULL) : NULL;

	/* Line 0 is the compiler's word for code that belongs to no line. */
	if (!file || dwarf_lineno(line, ret_line) != 0)
		*ret_line = 0;
	return file;
}

const char *debug_call_site(struct debug_unit *unit, Dwarf_Die *call, int *ret_line)
{
	Dwarf_Attribute attribute;
	Dwarf_Word file, line;
	Dwarf_Files *files;
	size_t count;

	*ret_line = 0;
	if (dwarf_formudata(dwarf_attr(call, DW_AT_call_file, &attribute), &file) != 0 ||
	    dwarf_getsrcfiles(&unit->root, &files, &count) != 0 || file >= count)
		return NULL;
	if (dwarf_formudata(dwarf_attr(call, DW_AT_call_line, &attribute), &line) == 0)
		*ret_line = (int)line;
	return dwarf_filesrc(files, file, NULL, NULL);
}

Dwarf_Die *debug_unit_die(struct debug_unit *unit)
{
	return &unit->die;
}

char *debug_absolute_path(Dwarf_Die *unit, const char *file)
{
	Dwarf_Attribute attribute;
	const char *directory = NULL;
	char *path;

	if (*file != '/' && dwarf_attr(unit, DW_AT_comp_dir, &attribute))
		directory = dwarf_formstring(&attribute);
	if (asprintf(&path, "%s%s%s", directory ? directory : "", directory ? "/" : "", file) < 0)
		abort();
	return path;
}
