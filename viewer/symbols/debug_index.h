/* SPDX-License-Identifier: MIT */
/*
 * What debug_info.c and its siblings share: one unit with the functions and scopes found in it.
 */
#ifndef OVERSTAY_SYMBOLS_DEBUG_INDEX_H
#define OVERSTAY_SYMBOLS_DEBUG_INDEX_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "viewer/symbols/debug_info.h"

/* One contiguous piece of a function; addresses are those of the DWARF. */
struct debug_function {
	uint64_t low, high;
	Dwarf_Die die;
};

/* A namespace or type: what lies between its offsets belongs to it. */
struct debug_scope {
	Dwarf_Off start, end;
	size_t parent; /* index, or SIZE_MAX at the top */
	const char *name;
};

struct debug_unit {
	Dwarf_Die die;  /* ranges and lines */
	Dwarf_Die root; /* functions; differs from `die` in split DWARF only */
	bool indexed;
	struct debug_function *functions;
	size_t function_count;
	struct debug_scope *scopes;
	size_t scope_count;
};

/* Room for one more element; doubles as needed. Aborts when memory is out. */
void *debug_grow(void *list, size_t count, size_t size);

void debug_unit_fini(struct debug_unit *unit);
Dwarf_Die *debug_unit_function_at(struct debug_unit *unit, uint64_t address);

/* The unit that `die` belongs to, or NULL. */
struct debug_unit *debug_info_unit_of(struct debug_info *info, Dwarf_Die *die);

/* The innermost scope around `offset`, or NULL. Parents are reached through `parent`. */
const struct debug_scope *debug_unit_scope(struct debug_unit *unit, Dwarf_Off offset);

#endif
