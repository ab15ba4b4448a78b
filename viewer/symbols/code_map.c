/* SPDX-License-Identifier: MIT */
/*
 * Maps addresses of an ELF file to its bytes, its relocated pointers and its calls.
 */
#include "viewer/symbols/code_map.h"

#include <gelf.h>
#include <stdlib.h>
#include <string.h>

#include "viewer/symbols/debug_index.h"
#include "viewer/symbols/module.h"

#ifndef SHT_RELR
#define SHT_RELR 19
#endif

struct code_map {
	Elf *elf;
	GElf_Half machine;
	const uint8_t *file;
	size_t file_size;
	struct code_pointer *pointers;
	size_t pointer_count;
};

const uint8_t *code_map_bytes(struct code_map *map, uint64_t address, size_t *ret_size)
{
	size_t count = 0;
	GElf_Phdr segment;
	uint64_t offset;

	elf_getphdrnum(map->elf, &count);
	for (size_t i = 0; i < count; i++) {
		if (!gelf_getphdr(map->elf, (int)i, &segment) || segment.p_type != PT_LOAD ||
		    address < segment.p_vaddr || address - segment.p_vaddr >= segment.p_filesz)
			continue;
		offset = segment.p_offset + (address - segment.p_vaddr);
		if (offset < segment.p_offset || offset >= map->file_size)
			return NULL;
		*ret_size = segment.p_filesz - (address - segment.p_vaddr);
		if (*ret_size > map->file_size - offset)
			*ret_size = map->file_size - offset;
		return map->file + offset;
	}
	return NULL;
}

static uint64_t read_word(struct code_map *map, uint64_t address)
{
	size_t size;
	uint64_t word = 0;
	const uint8_t *bytes = code_map_bytes(map, address, &size);

	if (bytes && size >= sizeof(word))
		memcpy(&word, bytes, sizeof(word));
	return word;
}

static void add_pointer(struct code_map *map, uint64_t slot, uint64_t target)
{
	struct code_pointer *pointer;

	map->pointers = debug_grow(map->pointers, map->pointer_count, sizeof(*pointer));
	pointer = &map->pointers[map->pointer_count++];
	pointer->slot = slot;
	pointer->target = target;
}

static void add_rela(struct code_map *map, Elf_Data *data, size_t count)
{
	GElf_Xword relative = map->machine == EM_AARCH64 ? R_AARCH64_RELATIVE : R_X86_64_RELATIVE;
	GElf_Rela entry;

	for (size_t i = 0; i < count && gelf_getrela(data, (int)i, &entry); i++) {
		if (GELF_R_TYPE(entry.r_info) == relative)
			add_pointer(map, entry.r_offset, entry.r_addend);
	}
}

/* An even word is an address; an odd one a bitmap of the 63 words after the last address. */
static void add_relr(struct code_map *map, Elf_Data *data)
{
	uint64_t where = 0, entry;

	for (size_t at = 0; at + sizeof(entry) <= data->d_size; at += sizeof(entry)) {
		memcpy(&entry, (const char *)data->d_buf + at, sizeof(entry));
		if ((entry & 1) == 0) {
			add_pointer(map, entry, read_word(map, entry));
			where = entry + sizeof(entry);
			continue;
		}
		for (uint64_t slot = where; (entry >>= 1) != 0; slot += sizeof(entry)) {
			if (entry & 1)
				add_pointer(map, slot, read_word(map, slot));
		}
		where += 63 * sizeof(entry);
	}
}

static int compare_pointers(const void *a, const void *b)
{
	const struct code_pointer *x = a, *y = b;

	return (x->slot > y->slot) - (x->slot < y->slot);
}

static void read_pointers(struct code_map *map)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	Elf_Data *data;

	while ((section = elf_nextscn(map->elf, section))) {
		if (!gelf_getshdr(section, &header) || !(header.sh_flags & SHF_ALLOC) ||
		    (header.sh_type != SHT_RELA && header.sh_type != SHT_RELR))
			continue;
		data = elf_rawdata(section, NULL);
		if (!data || !data->d_buf)
			continue;
		if (header.sh_type == SHT_RELR)
			add_relr(map, data);
		else if ((data = elf_getdata(section, NULL)) && header.sh_entsize > 0)
			add_rela(map, data, header.sh_size / header.sh_entsize);
	}
	if (map->pointer_count > 0)
		qsort(map->pointers, map->pointer_count, sizeof(*map->pointers), compare_pointers);
}

struct code_map *code_map_of(struct symbol_module *module)
{
	struct code_map *map = module->code;
	GElf_Ehdr header;

	if (map)
		return map;
	map = module->code = calloc(1, sizeof(*map));
	if (!map)
		abort();
	map->elf = module->elf;
	map->machine = gelf_getehdr(map->elf, &header) ? header.e_machine : EM_NONE;
	map->file = (const uint8_t *)elf_rawfile(map->elf, &map->file_size);
	if (!map->file)
		map->file_size = 0;
	read_pointers(map);
	return map;
}

void code_map_free(struct code_map *map)
{
	if (map)
		free(map->pointers);
	free(map);
}

uint64_t code_map_pointer(struct code_map *map, uint64_t slot)
{
	struct code_pointer key = {.slot = slot}, *found = NULL;

	if (map->pointer_count > 0)
		found = bsearch(&key, map->pointers, map->pointer_count, sizeof(key),
				compare_pointers);
	/* A program at a fixed address has its pointers in the file, without relocations. */
	return found ? found->target : read_word(map, slot);
}

const struct code_pointer *code_map_pointers(struct code_map *map, size_t *ret_count)
{
	*ret_count = map->pointer_count;
	return map->pointers;
}

/* Target of the x86-64 call or jump at `code`, `left` bytes before the end; 0 when there is none.
 */
static uint64_t x86_target(struct code_map *map, const uint8_t *code, size_t left, uint64_t address)
{
	int32_t relative;

	if (left >= 5 && (code[0] == 0xe8 || code[0] == 0xe9)) {
		memcpy(&relative, code + 1, sizeof(relative));
		return address + 5 + (int64_t)relative;
	}
	if (left >= 6 && code[0] == 0xff && (code[1] == 0x15 || code[1] == 0x25)) {
		memcpy(&relative, code + 2, sizeof(relative));
		return code_map_pointer(map, address + 6 + (int64_t)relative);
	}
	return 0;
}

/* The same for `bl` and `b` of AArch64. */
static uint64_t arm_target(const uint8_t *code, size_t left, uint64_t address)
{
	uint32_t word;

	if (left < sizeof(word) || address % sizeof(word) != 0)
		return 0;
	memcpy(&word, code, sizeof(word));
	if ((word & 0x7c000000) != 0x14000000)
		return 0;
	return address + (int64_t)((int32_t)(word << 6) >> 4);
}

size_t code_map_calls(struct symbol_module *module, uint64_t address, uint64_t *targets, size_t max)
{
	struct code_map *map = code_map_of(module);
	const struct function_symbol *symbol = NULL, *ignored = NULL;
	const uint8_t *code;
	size_t size, count = 0;

	symbol_table_at(&module->symbols, address, &symbol);
	code = symbol ? code_map_bytes(map, address, &size) : NULL;
	if (!code)
		return 0;
	size = size < symbol->size ? size : symbol->size;
	for (size_t i = 0; i < size && count < max; i++) {
		uint64_t target = map->machine == EM_AARCH64
					  ? arm_target(code + i, size - i, address + i)
					  : x86_target(map, code + i, size - i, address + i);

		if (target != 0 && target != address &&
		    symbol_table_at(&module->symbols, target, &ignored) > 0)
			targets[count++] = target;
	}
	return count;
}
