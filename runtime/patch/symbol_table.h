/* SPDX-License-Identifier: MIT */
/*
 * The static symbol table of an ELF file, mapped read-only. Nothing is allocated; a damaged file
 * yields no symbols.
 * Runs on: the holder of the object lock, the viewer.
 */
#ifndef OVERSTAY_SYMBOL_TABLE_H
#define OVERSTAY_SYMBOL_TABLE_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct symbol_table {
	const uint8_t *file;
	size_t file_size;
	const Elf64_Sym *symbols; /* NULL when the file has none */
	size_t count;
	const char *strings; /* ends with NUL */
	size_t strings_size;
};

/* Returns 0 (also for a file without symbols) or a negative errno. */
int symbol_table_open(struct symbol_table *table, const char *path);
void symbol_table_close(struct symbol_table *table);

/* True when some symbol's name contains `part`: much faster than looking at each. */
bool symbol_table_mentions(const struct symbol_table *table, const char *part);

/* Reports every defined function; addresses are the file's virtual addresses. */
void symbol_table_functions(const struct symbol_table *table,
			    void (*visit)(void *context, const char *name, uint64_t address,
					  uint64_t size),
			    void *context);

#endif
