/* SPDX-License-Identifier: MIT */
/*
 * Reads machine code: which functions does a function call, directly or through a GOT slot.
 */
#ifndef OVERSTAY_SYMBOLS_CODE_MAP_H
#define OVERSTAY_SYMBOLS_CODE_MAP_H

#include <stddef.h>
#include <stdint.h>

struct code_map;
struct symbol_module;

/* A data word that the loader sets to the address of something in the same file. */
struct code_pointer {
	uint64_t slot;
	uint64_t target;
};

/* Read on first use and kept in the module. */
struct code_map *code_map_of(struct symbol_module *module);
void code_map_free(struct code_map *map); /* accepts NULL */

/*
 * Starts of the functions that the function at `address` calls or jumps to, in order, without
 * itself, at most `max`. Only targets with a symbol count, so that data read as code does no harm.
 */
size_t code_map_calls(struct symbol_module *module, uint64_t address, uint64_t *targets,
		      size_t max);

/* What the loader writes at `slot`; 0 when nothing. */
uint64_t code_map_pointer(struct code_map *map, uint64_t slot);

/* All such words, by slot. */
const struct code_pointer *code_map_pointers(struct code_map *map, size_t *ret_count);

/* Bytes of the file that are loaded at `address`, and how many follow; NULL when none. */
const uint8_t *code_map_bytes(struct code_map *map, uint64_t address, size_t *ret_size);

#endif
