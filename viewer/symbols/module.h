/* SPDX-License-Identifier: MIT */
/*
 * What the files of this room share: an opened ELF file and its function symbols.
 */
#ifndef OVERSTAY_SYMBOLS_MODULE_H
#define OVERSTAY_SYMBOLS_MODULE_H

#include <elfutils/libdwfl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "viewer/symbols/symbols.h"

struct debug_info;
struct code_map;
struct task_index;

/* A defined function; `name` is mangled and lives as long as the module. */
struct function_symbol {
	uint64_t address;
	uint64_t size;
	const char *name;
	bool global;
};

struct symbol_table {
	struct function_symbol
		*list; /* by address; of several at one address the preferred one first */
	size_t count;
};

struct symbol_module {
	enum module_state state;
	Dwfl *dwfl;
	Dwfl_Module *dwfl_module;
	Elf *elf; /* the file itself, never a separate debug file */
	struct symbol_table symbols;
	bool debug_tried;
	struct debug_info *debug;
	struct code_map *code;
	struct task_index *tasks;
};

/* Fills an empty table; *ret_only_dynamic says that all names come from .dynsym. */
void symbol_table_load(struct symbol_table *table, Dwfl_Module *dwfl_module, Elf *elf,
		       bool *ret_only_dynamic);
void symbol_table_free(struct symbol_table *table);

/* The function that covers `address`, or NULL. */
const struct function_symbol *symbol_table_find(const struct symbol_table *table, uint64_t address);

/* The functions that start at `address`: number, and the first in *ret_first. */
size_t symbol_table_at(const struct symbol_table *table, uint64_t address,
		       const struct function_symbol **ret_first);

/* DWARF of the module, read on first use; NULL when there is none. */
struct debug_info *symbol_module_debug(struct symbol_module *module);

#endif
