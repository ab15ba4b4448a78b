/* SPDX-License-Identifier: MIT */
/*
 * Reads .symtab of an ELF file.
 * Runs on: the holder of the object lock, the viewer.
 */
#include "symbol_table.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "runtime/sys.h"

static bool in_file(const struct symbol_table *table, uint64_t offset, uint64_t size)
{
	return offset <= table->file_size && size <= table->file_size - offset;
}

static void find_sections(struct symbol_table *table)
{
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)(const void *)table->file;
	const Elf64_Shdr *sections;

	if (table->file_size < sizeof(*header) || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
	    header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_shentsize != sizeof(Elf64_Shdr) ||
	    (header->e_shoff & 7) ||
	    !in_file(table, header->e_shoff, (uint64_t)header->e_shnum * sizeof(Elf64_Shdr)))
		return;
	sections = (const Elf64_Shdr *)(const void *)(table->file + header->e_shoff);
	for (unsigned i = 0; i < header->e_shnum; i++) {
		const Elf64_Shdr *symbols = &sections[i], *strings;

		if (symbols->sh_type != SHT_SYMTAB || symbols->sh_link >= header->e_shnum)
			continue;
		strings = &sections[symbols->sh_link];
		if (!in_file(table, symbols->sh_offset, symbols->sh_size) ||
		    !in_file(table, strings->sh_offset, strings->sh_size) ||
		    (symbols->sh_offset & 7) || !strings->sh_size ||
		    table->file[strings->sh_offset + strings->sh_size - 1] != '\0')
			continue;
		table->symbols =
			(const Elf64_Sym *)(const void *)(table->file + symbols->sh_offset);
		table->count = symbols->sh_size / sizeof(Elf64_Sym);
		table->strings = (const char *)table->file + strings->sh_offset;
		table->strings_size = strings->sh_size;
	}
}

int symbol_table_open(struct symbol_table *table, const char *path)
{
	int fd = sys_open(path, O_RDONLY, 0);
	long size, address;

	memset(table, 0, sizeof(*table));
	if (fd < 0)
		return fd;
	size = sys_call3(SYS_lseek, fd, 0, 2 /* end */);
	address = size <= 0 ? -EINVAL : sys_call(SYS_mmap, 0, size, PROT_READ, MAP_PRIVATE, fd, 0);
	sys_close(fd);
	if (address < 0 && address > -4096)
		return (int)address;
	table->file = (const uint8_t *)address;
	table->file_size = (size_t)size;
	find_sections(table);
	return 0;
}

void symbol_table_close(struct symbol_table *table)
{
	if (table->file)
		sys_call2(SYS_munmap, table->file, table->file_size);
	memset(table, 0, sizeof(*table));
}

bool symbol_table_mentions(const struct symbol_table *table, const char *part)
{
	return table->symbols && memmem(table->strings, table->strings_size, part, strlen(part));
}

void symbol_table_functions(const struct symbol_table *table,
			    void (*visit)(void *context, const char *name, uint64_t address,
					  uint64_t size),
			    void *context)
{
	for (size_t i = 0; i < table->count; i++) {
		const Elf64_Sym *symbol = &table->symbols[i];

		if (ELF64_ST_TYPE(symbol->st_info) == STT_FUNC && symbol->st_shndx != SHN_UNDEF &&
		    symbol->st_name < table->strings_size)
			visit(context, table->strings + symbol->st_name, symbol->st_value,
			      symbol->st_size);
	}
}
