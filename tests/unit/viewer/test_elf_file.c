/* SPDX-License-Identifier: MIT */
/* Unit tests of viewer/elf_file.h: files become what they are when they run. */
#include "viewer/elf_file.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "elf_sample.h"

#define WORD SAMPLE_DATA

static struct elf_sample sample;
static struct elf_file file;
static char reason[ELF_FILE_REASON_SIZE];

static void init(void)
{
	elf_sample_init(&sample);
}

static void fini(void)
{
	elf_file_close(&file);
	elf_sample_remove(&sample);
}

TestSuite(elf_file, .init = init, .fini = fini);

static void opens(void)
{
	int r = elf_file_open(&file, elf_sample_write(&sample, SAMPLE_SIZE), reason);

	cr_assert_eq(r, 0, "%s", reason);
}

static void refuses(size_t size, const char *words)
{
	cr_assert_eq(elf_file_open(&file, elf_sample_write(&sample, size), reason), -ENOEXEC);
	cr_expect(strstr(reason, words), "%s", reason);
	cr_expect_null(file.bytes);
}

static uint64_t word(uint64_t address)
{
	const uint8_t *at = elf_image_bytes(&file.image, file.image.bias + address, 8);
	uint64_t value;

	cr_assert_not_null(at);
	memcpy(&value, at, sizeof(value));
	return value;
}

static bool is_code(uint64_t value)
{
	return elf_image_is_code(&file.image, value);
}

Test(elf_file, shows_segments_with_their_rights)
{
	opens();
	cr_expect_eq(file.image.segment_count, 3);
	cr_expect(file.image.segments[1].executable);
	cr_expect_not(file.image.segments[1].writable);
	cr_expect(file.image.segments[2].writable);
	cr_expect_eq(file.image.segments[2].size, 0x1000);
	cr_expect_eq(file.image.end - file.image.start, 0x4000);
	cr_expect_not(file.image.fixed);
	cr_expect_eq(file.machine, EM_X86_64);
}

Test(elf_file, applies_relative_relocations)
{
	elf_sample_word(&sample, WORD, 0x4711);
	elf_sample_rela(&sample, WORD, R_X86_64_RELATIVE, 0, SAMPLE_CODE + 0x10);
	opens();
	cr_expect_eq(word(WORD), file.image.bias + SAMPLE_CODE + 0x10);
	cr_expect(is_code(word(WORD)));
}

Test(elf_file, does_not_take_numbers_for_pointers)
{
	elf_sample_word(&sample, WORD, SAMPLE_CODE + 0x10);
	opens();
	cr_expect_eq(word(WORD), SAMPLE_CODE + 0x10);
	cr_expect_not(is_code(word(WORD)));
}

Test(elf_file, applies_packed_relocations)
{
	static const uint64_t moved[] = {0, 1, 3, 63, 64};

	for (size_t i = 0; i < 80; i++)
		elf_sample_word(&sample, WORD + i * 8, SAMPLE_CODE + i);
	elf_sample_dynamic(&sample, DT_RELR, 0x600);
	elf_sample_dynamic(&sample, DT_RELRSZ, 24);
	elf_sample_word(&sample, 0x600, WORD);
	elf_sample_word(&sample, 0x608, 1 | 1ull << 1 | 1ull << 3 | 1ull << 63);
	elf_sample_word(&sample, 0x610, 1 | 1ull << 1);
	opens();
	for (size_t i = 0, next = 0; i < 80; i++) {
		bool expected = next < 5 && moved[next] == i;

		next += expected;
		cr_expect_eq(word(WORD + i * 8), SAMPLE_CODE + i + (expected ? file.image.bias : 0),
			     "word %zu", i);
	}
}

Test(elf_file, applies_references_to_its_own_symbols)
{
	uint32_t own = elf_sample_symbol(&sample, "own", 1, SAMPLE_CODE + 0x20);
	uint32_t foreign = elf_sample_symbol(&sample, "foreign", SHN_UNDEF, 0);

	elf_sample_rela(&sample, WORD, R_X86_64_64, own, 4);
	elf_sample_rela(&sample, WORD + 8, R_X86_64_64, foreign, 4);
	elf_sample_rela(&sample, WORD + 16, R_X86_64_64, 100000, 4);
	opens();
	cr_expect_eq(word(WORD), file.image.bias + SAMPLE_CODE + 0x24);
	cr_expect_eq(word(WORD + 8), 0);
	cr_expect_eq(word(WORD + 16), 0);
}

Test(elf_file, knows_the_relocations_of_aarch64)
{
	uint32_t own = elf_sample_symbol(&sample, "own", 1, SAMPLE_CODE + 0x20);

	sample.header.e_machine = EM_AARCH64;
	elf_sample_rela(&sample, WORD, R_AARCH64_RELATIVE, 0, SAMPLE_CODE);
	elf_sample_rela(&sample, WORD + 8, R_AARCH64_ABS64, own, 0);
	elf_sample_rela(&sample, WORD + 16, R_X86_64_RELATIVE, 0, SAMPLE_CODE);
	opens();
	cr_expect(is_code(word(WORD)));
	cr_expect(is_code(word(WORD + 8)));
	cr_expect_eq(word(WORD + 16), 0);
}

Test(elf_file, leaves_a_fixed_program_where_it_is_linked)
{
	sample.header.e_type = ET_EXEC;
	elf_sample_word(&sample, WORD, SAMPLE_CODE + 8);
	opens();
	cr_expect(file.image.fixed);
	cr_expect_eq(file.image.bias, 0);
	cr_expect(is_code(word(WORD)));
}

Test(elf_file, leaves_out_relocations_outside_the_file)
{
	elf_sample_rela(&sample, 0x3000, R_X86_64_RELATIVE, 0, SAMPLE_CODE);
	elf_sample_rela(&sample, 0x2ffc, R_X86_64_RELATIVE, 0, SAMPLE_CODE);
	elf_sample_rela(&sample, UINT64_MAX - 2, R_X86_64_RELATIVE, 0, SAMPLE_CODE);
	elf_sample_rela(&sample, WORD, R_X86_64_RELATIVE, 0, SAMPLE_CODE);
	opens();
	cr_expect(is_code(word(WORD)));
}

Test(elf_file, tells_programs_from_libraries)
{
	opens();
	cr_expect_eq(file.kind, ELF_FILE_STATIC, "static-pie");
	fini();
	elf_sample_word(&sample, SAMPLE_DYNAMIC + 8, 0);
	opens();
	cr_expect_eq(file.kind, ELF_FILE_LIBRARY);
	fini();
	elf_sample_interpreter(&sample, "/lib64/ld-linux-x86-64.so.2");
	opens();
	cr_expect_eq(file.kind, ELF_FILE_DYNAMIC);
	cr_expect_str_eq(file.interpreter, "/lib64/ld-linux-x86-64.so.2");
}

Test(elf_file, reads_the_build_id_behind_other_notes)
{
	static const uint8_t notes[] = {
		4, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 'G', 'N', 'U', 0, 1,    2,    0,    0,
		4, 0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0, 'G', 'N', 'U', 0, 0xab, 0x0c, 0xff,
	};

	memcpy(sample.bytes + 0x700, notes, sizeof(notes));
	elf_sample_phdr(&sample, PT_NOTE, 0x700, sizeof(notes));
	opens();
	cr_expect_str_eq(file.build_id, "ab0cff");
}

Test(elf_file, survives_notes_that_claim_too_much)
{
	static const uint32_t note[] = {4, 0xfffffffc, NT_GNU_BUILD_ID, 0x00554e47};
	static const uint32_t named[] = {0xffffffff, 4, NT_GNU_BUILD_ID, 0x00554e47};

	memcpy(sample.bytes + 0x700, note, sizeof(note));
	memcpy(sample.bytes + 0x780, named, sizeof(named));
	elf_sample_phdr(&sample, PT_NOTE, 0x700, sizeof(note));
	elf_sample_phdr(&sample, PT_NOTE, 0x780, sizeof(named));
	elf_sample_phdr(&sample, PT_NOTE, 0x10000, 0x1000);
	opens();
	cr_expect_str_empty(file.build_id);
}

Test(elf_file, knows_what_is_imported)
{
	uint32_t wanted = elf_sample_symbol(&sample, "syscall", SHN_UNDEF, 0);
	uint32_t own = elf_sample_symbol(&sample, "own", 1, SAMPLE_CODE);

	elf_sample_symbol(&sample, "unused", SHN_UNDEF, 0);
	elf_sample_rela(&sample, WORD, R_X86_64_GLOB_DAT, own, 0);
	elf_sample_rela(&sample, WORD + 8, R_X86_64_GLOB_DAT, wanted, 0);
	opens();
	cr_expect(elf_file_imports(&file, "syscall"));
	cr_expect_not(elf_file_imports(&file, "own"));
	cr_expect_not(elf_file_imports(&file, "unused"));
	cr_expect_not(elf_file_imports(&file, "sys"));
}

Test(elf_file, refuses_what_is_not_elf)
{
	sample.bytes[0] = 'x';
	refuses(SAMPLE_SIZE, "not an ELF file");
	fini();
	memcpy(sample.bytes, "#!/bin/sh", 9);
	refuses(SAMPLE_SIZE, "script");
	fini();
	refuses(0, "empty");
}

Test(elf_file, refuses_other_machines_and_kinds)
{
	sample.header.e_machine = EM_RISCV;
	refuses(SAMPLE_SIZE, "machine");
	fini();
	init();
	sample.header.e_ident[EI_CLASS] = ELFCLASS32;
	refuses(SAMPLE_SIZE, "32-bit");
	fini();
	init();
	sample.header.e_type = ET_REL;
	refuses(SAMPLE_SIZE, "neither");
}

Test(elf_file, refuses_a_file_cut_anywhere_in_what_it_loads)
{
	for (size_t size = 4; size < SAMPLE_SIZE; size += size < 0x200 ? 1 : 0x155) {
		refuses(size, "truncated");
		fini();
	}
}

Test(elf_file, refuses_parts_that_cannot_be_loaded)
{
	elf_sample_load(&sample, SAMPLE_DATA)->p_memsz = 0x10;
	refuses(SAMPLE_SIZE, "damaged");
	fini();
	init();
	elf_sample_load(&sample, SAMPLE_DATA)->p_vaddr += 1;
	refuses(SAMPLE_SIZE, "damaged");
	fini();
	init();
	elf_sample_load(&sample, SAMPLE_DATA)->p_vaddr = UINT64_MAX & ~0xfffull;
	refuses(SAMPLE_SIZE, "damaged");
	fini();
	init();
	sample.header.e_phentsize = 32;
	refuses(SAMPLE_SIZE, "damaged");
	fini();
	init();
	sample.header.e_phoff = UINT64_MAX & ~7ull;
	refuses(SAMPLE_SIZE, "damaged");
}

Test(elf_file, refuses_tables_outside_the_image)
{
	elf_sample_dynamic(&sample, DT_RELA, 0x2000);
	elf_sample_dynamic(&sample, DT_RELASZ, 0x100000);
	refuses(SAMPLE_SIZE, "relocations");
	fini();
	init();
	elf_sample_dynamic(&sample, DT_RELR, 0x900000);
	elf_sample_dynamic(&sample, DT_RELRSZ, 8);
	refuses(SAMPLE_SIZE, "relocations");
}

Test(elf_file, survives_a_dynamic_section_without_end)
{
	for (uint64_t at = SAMPLE_DYNAMIC; at < SAMPLE_SIZE; at += 16)
		elf_sample_word(&sample, at, DT_DEBUG);
	opens();
	cr_expect_not(elf_image_needs(&file.image, "libgcc_s.so.1"));
}

Test(elf_file, says_what_is_not_there)
{
	cr_expect_eq(elf_file_open(&file, "/nonexistent/file", reason), -ENOENT);
	cr_expect_str_eq(reason, "No such file or directory");
	cr_expect_eq(elf_file_open(&file, "/tmp", reason), -EISDIR);
	cr_expect_eq(elf_file_open(&file, "/dev/null", reason), -EINVAL);
}
