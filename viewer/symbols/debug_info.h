/* SPDX-License-Identifier: MIT */
/*
 * DWARF of one module, indexed lazily: address to unit, unit to function, function to inlined
 * calls.
 */
#ifndef OVERSTAY_SYMBOLS_DEBUG_INFO_H
#define OVERSTAY_SYMBOLS_DEBUG_INFO_H

#include <elfutils/libdw.h>
#include <stddef.h>
#include <stdint.h>

struct debug_info;
struct debug_unit;

/* NULL when the DWARF names no code. Does not own `dwarf`. */
struct debug_info *debug_info_new(Dwarf *dwarf, Dwarf_Addr bias);
void debug_info_free(struct debug_info *info); /* accepts NULL */

/* Address in the file itself of an address in the DWARF. */
uint64_t debug_info_address(struct debug_info *info, Dwarf_Addr address);

/* The unit that covers `address`, or NULL. */
struct debug_unit *debug_info_unit(struct debug_info *info, uint64_t address);

/* The function of `unit` that covers `address`, or NULL. */
Dwarf_Die *debug_unit_function(struct debug_info *info, struct debug_unit *unit, uint64_t address);

/*
 * Calls inlined into `function` at `address`, outermost first, at most `max`. Returns their number.
 */
size_t debug_inlined_calls(struct debug_info *info, Dwarf_Die *function, uint64_t address,
			   Dwarf_Die *calls, size_t max);

/* Source position from the line table: file as the DWARF has it (and lives as long) or NULL. */
const char *debug_unit_line(struct debug_info *info, struct debug_unit *unit, uint64_t address,
			    int *ret_line);

/* File and line of the call that was inlined as `call`. */
const char *debug_call_site(struct debug_unit *unit, Dwarf_Die *call, int *ret_line);

/* `file` under the directory in which the unit was compiled, unless absolute; malloc'd. */
char *debug_absolute_path(Dwarf_Die *unit, const char *file);

/* Where the function behind `die` is declared; malloc'd, or NULL. */
char *debug_declaration(struct debug_info *info, Dwarf_Die *die, int *ret_line);

/* The DIE of the unit itself. */
Dwarf_Die *debug_unit_die(struct debug_unit *unit);

/*
 * Name of a function or inlined call: malloc'd, cleaned, NULL when there is none. `file` is where
 * its code stands; it gives the module path where the DWARF leaves namespaces out. *ret_exact is
 * false when the name was put together and not read from a linkage name.
 */
char *debug_function_name(struct debug_info *info, Dwarf_Die *die, const char *file,
			  bool *ret_exact);

/* Plain name under its namespaces and types, as the DWARF spells them; malloc'd or NULL. */
char *debug_qualified_name(struct debug_info *info, Dwarf_Die *die);

#endif
