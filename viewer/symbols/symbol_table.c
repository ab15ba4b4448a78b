/* SPDX-License-Identifier: MIT */
/*
 * The function symbols of a module, sorted once, so that thousands of lookups cost nothing.
 */
#include "viewer/symbols/module.h"

#include <gelf.h>
#include <stdlib.h>
#include <string.h>

/* How far back a lookup looks for a larger function around the nearest ones. */
#define OVERLAP_REACH 32

static int compare_symbols(const void *a, const void *b)
{
	const struct function_symbol *x = a, *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	if (x->global != y->global)
		return x->global ? -1 : 1;
	if (x->size != y->size)
		return x->size > y->size ? -1 : 1;
	return strcmp(x->name, y->name);
}

static bool read_symbol(Dwfl_Module *dwfl_module, int index, struct function_symbol *ret_symbol)
{
	GElf_Sym symbol;
	GElf_Addr address;
	GElf_Word section;
	const char *name;
	int type;

	name = dwfl_module_getsym_info(dwfl_module, index, &symbol, &address, &section, NULL, NULL);
	if (!name || !*name || section == SHN_UNDEF)
		return false;
	type = GELF_ST_TYPE(symbol.st_info);
	if (type != STT_FUNC && type != STT_GNU_IFUNC)
		return false;
	ret_symbol->address = address;
	ret_symbol->size = symbol.st_size;
	ret_symbol->name = name;
	ret_symbol->global = GELF_ST_BIND(symbol.st_info) != STB_LOCAL;
	return address != 0;
}

static bool has_symtab(Elf *elf)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	while ((section = elf_nextscn(elf, section))) {
		if (gelf_getshdr(section, &header) && header.sh_type == SHT_SYMTAB)
			return true;
	}
	return false;
}

/* The last symbol of the table tells which file it came from: main, separate or embedded. */
static bool comes_from(Dwfl_Module *dwfl_module, int last, Elf *elf)
{
	GElf_Sym symbol;
	GElf_Addr address;
	Elf *source = NULL;

	return !dwfl_module_getsym_info(dwfl_module, last, &symbol, &address, NULL, &source,
					NULL) ||
	       source == elf;
}

static uint64_t end_of_code(Elf *elf, uint64_t address)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	while ((section = elf_nextscn(elf, section))) {
		if (gelf_getshdr(section, &header) && (header.sh_flags & SHF_EXECINSTR) &&
		    address >= header.sh_addr && address - header.sh_addr < header.sh_size)
			return header.sh_addr + header.sh_size;
	}
	return address;
}

/* Hand-written assembly leaves sizes out: such a function reaches up to the next one. */
static void set_missing_sizes(struct symbol_table *table, Elf *elf)
{
	uint64_t next = UINT64_MAX, above = UINT64_MAX;

	for (size_t i = table->count; i > 0; i--) {
		struct function_symbol *symbol = &table->list[i - 1];

		if (symbol->address != next) {
			above = next;
			next = symbol->address;
		}
		if (symbol->size == 0) {
			symbol->size = end_of_code(elf, symbol->address) - symbol->address;
			if (symbol->size > above - symbol->address)
				symbol->size = above - symbol->address;
		}
	}
}

void symbol_table_load(struct symbol_table *table, Dwfl_Module *dwfl_module, Elf *elf,
		       bool *ret_only_dynamic)
{
	int count;

	count = dwfl_module_getsymtab(dwfl_module);
	if (count <= 0)
		return;
	table->list = calloc(count, sizeof(*table->list));
	if (!table->list)
		abort();
	for (int i = 0; i < count; i++) {
		if (read_symbol(dwfl_module, i, &table->list[table->count]))
			table->count++;
	}
	qsort(table->list, table->count, sizeof(*table->list), compare_symbols);
	set_missing_sizes(table, elf);
	*ret_only_dynamic = !has_symtab(elf) && comes_from(dwfl_module, count - 1, elf);
}

void symbol_table_free(struct symbol_table *table)
{
	free(table->list);
	table->list = NULL;
	table->count = 0;
}

/* Index of the first symbol whose address is greater than `address`. */
static size_t upper_bound(const struct symbol_table *table, uint64_t address)
{
	size_t low = 0, high = table->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (table->list[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool covers(const struct function_symbol *symbol, uint64_t address)
{
	return address - symbol->address < symbol->size;
}

const struct function_symbol *symbol_table_find(const struct symbol_table *table, uint64_t address)
{
	const struct function_symbol *found = NULL;
	size_t end = upper_bound(table, address);

	for (size_t i = end; i > 0 && end - i < OVERLAP_REACH; i--) {
		const struct function_symbol *symbol = &table->list[i - 1];

		if (found && symbol->address != found->address)
			break;
		if (covers(symbol, address))
			found = symbol;
	}
	return found;
}

size_t symbol_table_at(const struct symbol_table *table, uint64_t address,
		       const struct function_symbol **ret_first)
{
	size_t end = upper_bound(table, address), first = end;

	while (first > 0 && table->list[first - 1].address == address)
		first--;
	if (first < end)
		*ret_first = &table->list[first];
	return end - first;
}
