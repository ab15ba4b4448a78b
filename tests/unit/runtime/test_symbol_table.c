/* SPDX-License-Identifier: MIT */
/* Unit tests of runtime/patch/symbol_table.h: this program's symbols, and damaged files. */
#include "runtime/patch/symbol_table.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FUZZ_ROUNDS 4000

void symbol_table_landmark(void);
static struct symbol_table table;

__attribute__((noinline)) void symbol_table_landmark(void)
{
	__asm__ volatile("");
}

struct seen {
	uint64_t landmark, size;
	size_t functions, bytes;
	bool foreign; /* a function that is not defined here, or a variable */
};

static void look(void *context, const char *name, uint64_t address, uint64_t size)
{
	struct seen *seen = context;

	seen->functions++;
	seen->bytes += strlen(name);
	if (strcmp(name, "symbol_table_landmark") == 0) {
		seen->landmark = address;
		seen->size = size;
	}
	if (strncmp(name, "munmap", 6) == 0 || strcmp(name, "table") == 0)
		seen->foreign = true;
}

static struct seen visit(void)
{
	struct seen seen = {0};

	symbol_table_functions(&table, look, &seen);
	return seen;
}

static char *temporary(const void *bytes, size_t size)
{
	static char path[64];
	int fd;

	strcpy(path, "/tmp/symbol-table-XXXXXX");
	fd = mkstemp(path);
	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, bytes, size), (ssize_t)size);
	close(fd);
	return path;
}

/* Opens a file of these bytes, goes through all of it, and returns what was seen. */
static struct seen open_bytes(const void *bytes, size_t size)
{
	char *path = temporary(bytes, size);
	struct seen seen;

	cr_assert_eq(symbol_table_open(&table, path), 0);
	unlink(path);
	seen = visit();
	symbol_table_mentions(&table, "tokio7runtime");
	symbol_table_close(&table);
	return seen;
}

static int bias_of_first(struct dl_phdr_info *info, size_t size, void *context)
{
	*(uint64_t *)context = info->dlpi_addr;
	return 1;
}

Test(symbol_table, reports_the_functions_this_program_defines)
{
	struct seen seen;
	uint64_t bias;

	cr_assert_eq(symbol_table_open(&table, "/proc/self/exe"), 0);
	dl_iterate_phdr(bias_of_first, &bias);
	seen = visit();
	cr_assert_eq(seen.landmark, (uintptr_t)&symbol_table_landmark - bias);
	cr_assert_gt(seen.size, 0);
	cr_assert_not(seen.foreign);
	symbol_table_close(&table);
	cr_assert_null(table.file);
}

Test(symbol_table, knows_which_names_are_mentioned)
{
	char absent[] = "symbol_table_landmark";

	cr_assert_eq(symbol_table_open(&table, "/proc/self/exe"), 0);
	cr_assert(symbol_table_mentions(&table, "symbol_table_landmark"));
	cr_assert(symbol_table_mentions(&table, "table_landm"));
	absent[0] = '#';
	cr_assert_not(symbol_table_mentions(&table, absent));
}

Test(symbol_table, passes_the_error_on_when_a_file_cannot_be_opened)
{
	memset(&table, 0xff, sizeof(table));
	cr_assert_eq(symbol_table_open(&table, "/nonexistent/file"), -ENOENT);
	cr_assert_eq(visit().functions, 0, "nothing is left of what was there");
	cr_assert_not(symbol_table_mentions(&table, "x"));
	symbol_table_close(&table);
	cr_assert_lt(symbol_table_open(&table, "/tmp"), 0);
	symbol_table_close(&table);
}

Test(symbol_table, refuses_an_empty_file)
{
	char *path = temporary("", 0);

	cr_assert_eq(symbol_table_open(&table, path), -EINVAL);
	symbol_table_close(&table);
	unlink(path);
}

Test(symbol_table, takes_a_file_that_is_not_elf_for_one_without_symbols)
{
	unsigned char zeros[4096] = {0};

	cr_assert_eq(open_bytes("#!/bin/sh\n", 10).functions, 0);
	cr_assert_eq(open_bytes("\x7f"
				"ELF",
				4)
			     .functions,
		     0);
	cr_assert_eq(open_bytes(zeros, sizeof(zeros)).functions, 0);
	memset(zeros, 0xff, sizeof(zeros));
	memcpy(zeros, ELFMAG, SELFMAG);
	cr_assert_eq(open_bytes(zeros, sizeof(zeros)).functions, 0);
	zeros[EI_CLASS] = ELFCLASS32;
	cr_assert_eq(open_bytes(zeros, sizeof(zeros)).functions, 0);
}

/* A small object file: header, null section, symbols, strings. */
static struct small {
	Elf64_Ehdr header;
	Elf64_Shdr sections[3];
	Elf64_Sym symbols[4];
	char strings[16];
} small;

static void make_small(void)
{
	memset(&small, 0, sizeof(small));
	memcpy(small.header.e_ident, ELFMAG, SELFMAG);
	small.header.e_ident[EI_CLASS] = ELFCLASS64;
	small.header.e_shentsize = sizeof(Elf64_Shdr);
	small.header.e_shoff = offsetof(struct small, sections);
	small.header.e_shnum = 3;
	small.sections[1] = (Elf64_Shdr){.sh_type = SHT_SYMTAB,
					 .sh_offset = offsetof(struct small, symbols),
					 .sh_size = sizeof(small.symbols),
					 .sh_link = 2};
	small.sections[2] = (Elf64_Shdr){.sh_type = SHT_STRTAB,
					 .sh_offset = offsetof(struct small, strings),
					 .sh_size = sizeof(small.strings)};
	memcpy(small.strings, "\0first\0second", 14);
	small.symbols[1] = (Elf64_Sym){.st_name = 1, .st_info = STT_FUNC, .st_shndx = 1};
	small.symbols[2] = (Elf64_Sym){.st_name = 7, .st_info = STT_OBJECT, .st_shndx = 1};
	small.symbols[3] = (Elf64_Sym){.st_name = 7, .st_info = STT_FUNC, .st_shndx = SHN_UNDEF};
}

static void expect_functions(size_t count)
{
	cr_expect_eq(open_bytes(&small, sizeof(small)).functions, count);
}

TestSuite(small_symbol_table, .init = make_small);

Test(small_symbol_table, reports_defined_functions_only)
{
	expect_functions(1);
	cr_assert_eq(open_bytes(&small, sizeof(small)).bytes, strlen("first"));
	small.symbols[3].st_shndx = 2;
	expect_functions(2);
}

Test(small_symbol_table, leaves_out_names_beyond_the_strings)
{
	small.symbols[1].st_name = sizeof(small.strings);
	expect_functions(0);
	small.symbols[1].st_name = UINT32_MAX;
	expect_functions(0);
	small.symbols[1].st_name = sizeof(small.strings) - 1;
	expect_functions(1);
}

Test(small_symbol_table, wants_terminated_strings)
{
	small.strings[sizeof(small.strings) - 1] = 'x';
	expect_functions(0);
}

Test(small_symbol_table, wants_sections_within_the_file)
{
	uint64_t *fields[] = {&small.header.e_shoff, &small.sections[1].sh_offset,
			      &small.sections[1].sh_size, &small.sections[2].sh_offset,
			      &small.sections[2].sh_size};
	static const uint64_t beyond[] = {sizeof(small) + 8, 1ull << 40, INT64_MAX - 7,
					  UINT64_MAX - 7};

	for (size_t f = 0; f < sizeof(fields) / sizeof(*fields); f++)
		for (size_t i = 0; i < sizeof(beyond) / sizeof(*beyond); i++) {
			uint64_t good = *fields[f];

			*fields[f] = beyond[i];
			expect_functions(0);
			*fields[f] = good;
		}
	expect_functions(1);
}

Test(small_symbol_table, wants_sensible_section_headers)
{
	small.sections[1].sh_link = 3;
	expect_functions(0);
	small.sections[1].sh_link = UINT32_MAX;
	expect_functions(0);
	make_small();
	small.sections[2].sh_size = 0;
	expect_functions(0);
	make_small();
	small.header.e_shentsize = 32;
	expect_functions(0);
	make_small();
	small.header.e_shnum = 2;
	expect_functions(0);
	make_small();
	small.header.e_shoff++;
	expect_functions(0);
	make_small();
	small.sections[1].sh_offset++;
	expect_functions(0);
}

Test(small_symbol_table, ignores_half_a_symbol_at_the_end)
{
	small.sections[1].sh_size = sizeof(Elf64_Sym) * 2 - 1;
	expect_functions(0);
	small.sections[1].sh_size = sizeof(Elf64_Sym) * 2;
	expect_functions(1);
}

Test(small_symbol_table, survives_every_truncation)
{
	for (size_t size = 1; size < sizeof(small); size++)
		cr_expect_eq(open_bytes(&small, size).functions, 0, "%zu bytes", size);
}

static uint64_t random_state = 0x5eed;

static uint64_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/* Bytes that matter: the ELF header and the section headers. */
static size_t victim(const uint8_t *file, size_t size)
{
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)(const void *)file;
	uint64_t choice = next_random();

	if (choice % 4 == 0)
		return next_random() % size;
	if (choice % 4 == 1)
		return next_random() % sizeof(*header);
	return header->e_shoff + next_random() % (header->e_shnum * sizeof(Elf64_Shdr));
}

Test(symbol_table, survives_flipped_bytes_and_cuts, .timeout = 120)
{
	struct symbol_table original;
	char path[] = "/tmp/symbol-table-XXXXXX";
	size_t with_symbols = 0;
	uint8_t *file;
	int fd = mkstemp(path);

	cr_assert_eq(symbol_table_open(&original, "/proc/self/exe"), 0);
	cr_assert_eq(ftruncate(fd, (off_t)original.file_size), 0);
	file = mmap(NULL, original.file_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	cr_assert_neq(file, MAP_FAILED);
	memcpy(file, original.file, original.file_size);
	for (unsigned round = 0; round < FUZZ_ROUNDS; round++) {
		size_t at[4];

		for (unsigned i = 0; i < 4; i++) {
			at[i] = victim(original.file, original.file_size);
			file[at[i]] = (uint8_t)next_random();
		}
		cr_assert_eq(symbol_table_open(&table, path), 0);
		with_symbols += visit().functions > 0;
		symbol_table_mentions(&table, "#absent#");
		symbol_table_close(&table);
		for (unsigned i = 0; i < 4; i++)
			file[at[i]] = original.file[at[i]];
	}
	cr_assert(with_symbols > 0 && with_symbols < FUZZ_ROUNDS, "%zu", with_symbols);
	for (unsigned round = 0; round < 200; round++) {
		cr_assert_eq(ftruncate(fd, (off_t)(1 + next_random() % original.file_size)), 0);
		cr_assert_eq(symbol_table_open(&table, path), 0);
		visit();
		symbol_table_close(&table);
	}
	close(fd);
	unlink(path);
}
