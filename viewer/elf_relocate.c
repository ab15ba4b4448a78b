/* SPDX-License-Identifier: MIT */
/* Relocates a private copy of an ELF file; every address is checked against the image. */
#include "elf_relocate.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

struct relocation {
	const struct elf_image *image;
	uint64_t symbols;            /* run-time address of the symbol table; 0: none */
	uint32_t relative, absolute; /* relocation types of the machine */
};

/* A word of the image, to be written; NULL when it is not in the file. */
static uint8_t *word_at(const struct elf_image *image, uint64_t address)
{
	/* The image is a view of bytes that belong to its owner and are writable. */
	return (uint8_t *)(uintptr_t)elf_image_bytes(image, address, sizeof(uint64_t));
}

static uint64_t load(const uint8_t *word)
{
	uint64_t value;

	memcpy(&value, word, sizeof(value));
	return value;
}

static bool symbol_at(const struct elf_image *image, uint64_t table, uint64_t index,
		      Elf64_Sym *ret_symbol)
{
	const uint8_t *at = table ? elf_image_bytes(image, table + index * sizeof(*ret_symbol),
						    sizeof(*ret_symbol))
				  : NULL;

	if (at)
		memcpy(ret_symbol, at, sizeof(*ret_symbol));
	return at;
}

static void apply(const struct relocation *relocation, const Elf64_Rela *rela)
{
	const struct elf_image *image = relocation->image;
	uint8_t *word = word_at(image, image->bias + rela->r_offset);
	uint32_t type = ELF64_R_TYPE(rela->r_info);
	uint64_t value = image->bias + (uint64_t)rela->r_addend;
	Elf64_Sym symbol;

	if (!word)
		return;
	if (type == relocation->absolute) {
		if (!symbol_at(image, relocation->symbols, ELF64_R_SYM(rela->r_info), &symbol) ||
		    symbol.st_shndx == SHN_UNDEF || symbol.st_shndx == SHN_ABS)
			return;
		value += symbol.st_value;
	} else if (type != relocation->relative) {
		return;
	}
	memcpy(word, &value, sizeof(value));
}

/* The table that two entries of the dynamic section describe; NULL when it is not in the image. */
static const uint8_t *table_at(const struct elf_image *image, int64_t tag, int64_t size_tag,
			       uint64_t *ret_size)
{
	uint64_t address = elf_image_dynamic_address(image, tag);

	*ret_size = address ? elf_image_dynamic(image, size_tag) : 0;
	return elf_image_bytes(image, address, *ret_size);
}

static int apply_table(const struct relocation *relocation)
{
	uint64_t size;
	const uint8_t *table = table_at(relocation->image, DT_RELA, DT_RELASZ, &size);
	Elf64_Rela rela;

	if (size && !table)
		return -EINVAL;
	for (; size >= sizeof(rela); size -= sizeof(rela), table += sizeof(rela)) {
		memcpy(&rela, table, sizeof(rela));
		apply(relocation, &rela);
	}
	return 0;
}

static void add_bias(const struct elf_image *image, uint64_t address)
{
	uint8_t *word = word_at(image, address);
	uint64_t value;

	if (!word)
		return;
	value = load(word) + image->bias;
	memcpy(word, &value, sizeof(value));
}

/* An even entry is an address; an odd one is a bitmap of the 63 words after the last address. */
static int apply_packed(const struct elf_image *image)
{
	uint64_t size, where = 0;
	const uint8_t *table = table_at(image, DT_RELR, DT_RELRSZ, &size);

	if (size && !table)
		return -EINVAL;
	for (; size >= 8; size -= 8, table += 8) {
		uint64_t entry = load(table);

		if (!(entry & 1)) {
			where = image->bias + entry;
			add_bias(image, where);
			where += 8;
			continue;
		}
		for (unsigned i = 0; i < 63; i++)
			if (entry >> (i + 1) & 1)
				add_bias(image, where + i * 8);
		where += 63 * 8;
	}
	return 0;
}

int elf_relocate(const struct elf_image *image, uint16_t machine)
{
	struct relocation relocation = {
		.image = image,
		.symbols = elf_image_dynamic_address(image, DT_SYMTAB),
		.relative = machine == EM_AARCH64 ? R_AARCH64_RELATIVE : R_X86_64_RELATIVE,
		.absolute = machine == EM_AARCH64 ? R_AARCH64_ABS64 : R_X86_64_64,
	};
	int r = apply_table(&relocation);

	return r < 0 ? r : apply_packed(image);
}

static bool table_refers_to(const struct elf_image *image, int64_t tag, int64_t size_tag,
			    const char *name)
{
	uint64_t strings = elf_image_dynamic_address(image, DT_STRTAB);
	uint64_t symbols = elf_image_dynamic_address(image, DT_SYMTAB);
	uint64_t size, last = 0;
	const uint8_t *table = table_at(image, tag, size_tag, &size), *text;
	Elf64_Rela rela;
	Elf64_Sym symbol;

	for (; table && size >= sizeof(rela); size -= sizeof(rela), table += sizeof(rela)) {
		memcpy(&rela, table, sizeof(rela));
		if (ELF64_R_SYM(rela.r_info) == last)
			continue;
		last = ELF64_R_SYM(rela.r_info);
		if (!symbol_at(image, symbols, last, &symbol) || symbol.st_shndx != SHN_UNDEF)
			continue;
		text = elf_image_bytes(image, strings + symbol.st_name, strlen(name) + 1);
		if (text && memcmp(text, name, strlen(name) + 1) == 0)
			return true;
	}
	return false;
}

bool elf_refers_to(const struct elf_image *image, const char *name)
{
	return table_refers_to(image, DT_RELA, DT_RELASZ, name) ||
	       table_refers_to(image, DT_JMPREL, DT_PLTRELSZ, name);
}
