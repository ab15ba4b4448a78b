/* SPDX-License-Identifier: MIT */
/* Unit tests of runtime/patch/elf_image.h: made-up program headers, and this program's own. */
#include "runtime/patch/elf_image.h"

#include <criterion/criterion.h>
#include <elf.h>
#include <link.h>
#include <string.h>

#include "tests/unit/runtime/fake_image.h"

static const char constant[] = "a sentence that stands in read-only data";
static uint64_t variable = 1;

static int take_first(struct dl_phdr_info *info, size_t size, void *context)
{
	elf_image_from_memory(context, info->dlpi_addr, info->dlpi_phdr, info->dlpi_phnum);
	return 1;
}

/* This program: the first object of the loader's list. */
static struct elf_image own_image(void)
{
	struct elf_image image;

	cr_assert_eq(dl_iterate_phdr(take_first, &image), 1);
	return image;
}

static Elf64_Phdr load(uint64_t address, uint64_t file_size, uint64_t memory_size, uint32_t flags)
{
	return (Elf64_Phdr){.p_type = PT_LOAD,
			    .p_vaddr = address,
			    .p_filesz = file_size,
			    .p_memsz = memory_size,
			    .p_flags = flags};
}

Test(elf_image, reads_program_headers)
{
	const Elf64_Phdr headers[] = {
		{.p_type = PT_PHDR, .p_vaddr = 0x40},
		load(0, 0x500, 0x500, PF_R),
		load(0x1000, 0x800, 0x800, PF_R | PF_X),
		load(0x3000, 0x200, 0x900, PF_R | PF_W),
		{.p_type = PT_DYNAMIC, .p_vaddr = 0x3100, .p_memsz = 0x80},
		{.p_type = PT_GNU_RELRO, .p_vaddr = 0x3000, .p_memsz = 0x180},
		{.p_type = PT_TLS, .p_vaddr = 0x3010, .p_filesz = 0x20, .p_memsz = 0x60},
	};
	struct elf_image image;

	memset(&image, 0xff, sizeof(image));
	elf_image_from_memory(&image, 0x7f0000000000, headers, 7);
	cr_assert_eq(image.bias, 0x7f0000000000);
	cr_assert_eq(image.start, 0x7f0000000000);
	cr_assert_eq(image.end, 0x7f0000003900, "zero-fill included");
	cr_assert_eq(image.relro_start, 0x7f0000003000);
	cr_assert_eq(image.relro_end, 0x7f0000003180);
	cr_assert_eq(image.dynamic, 0x7f0000003100);
	cr_assert_eq(image.tls_start, 0x7f0000003010);
	cr_assert_eq(image.tls_file_size, 0x20);
	cr_assert_not(image.fixed);
	cr_assert_eq(image.segment_count, 3);
	cr_assert_eq(image.segments[2].address, 0x7f0000003000);
	cr_assert_eq(image.segments[2].size, 0x200, "zero-fill left out");
	cr_assert(image.segments[2].writable && !image.segments[2].executable);
	cr_assert(image.segments[1].executable && !image.segments[1].writable);
	cr_assert(image.segments[0].readable && !image.segments[0].executable);
}

Test(elf_image, is_fixed_where_it_was_linked)
{
	const Elf64_Phdr header = load(0x400000, 0x100, 0x100, PF_R | PF_X);
	struct elf_image image;

	elf_image_from_memory(&image, 0, &header, 1);
	cr_assert(image.fixed);
	cr_assert_eq(image.start, 0x400000);
	cr_assert(elf_image_is_code(&image, 0x4000ff));
	cr_assert_not(elf_image_is_code(&image, 0x400100));
}

Test(elf_image, has_no_extent_without_segments)
{
	const Elf64_Phdr note = {.p_type = PT_NOTE, .p_vaddr = 0x100, .p_memsz = 0x20};
	struct elf_image image;

	elf_image_from_memory(&image, 0x1000, &note, 1);
	cr_assert_eq(image.segment_count, 0);
	cr_assert_eq(image.start, 0);
	cr_assert_eq(image.end, 0);
	cr_assert_not(elf_image_is_code(&image, 0x1100));
	cr_assert_null(elf_image_bytes(&image, 0x1100, 1));
	cr_assert_not(elf_image_needs(&image, "libc.so.6"));
	elf_image_from_memory(&image, 0x1000, NULL, 0);
	cr_assert_eq(image.end, 0);
}

Test(elf_image, leaves_out_segments_beyond_its_room_but_not_their_extent)
{
	Elf64_Phdr headers[ELF_IMAGE_SEGMENTS + 2];
	struct elf_image image;

	for (unsigned i = 0; i < ELF_IMAGE_SEGMENTS + 2; i++)
		headers[i] = load(0x1000u * i, 0x1000, 0x1000, PF_R);
	elf_image_from_memory(&image, 0x10000000, headers, ELF_IMAGE_SEGMENTS + 2);
	cr_assert_eq(image.segment_count, ELF_IMAGE_SEGMENTS);
	cr_assert_eq(image.end, 0x10000000 + 0x1000u * (ELF_IMAGE_SEGMENTS + 2));
}

Test(elf_image, tells_code_from_data)
{
	struct elf_image image = own_image();

	cr_assert(elf_image_is_code(&image, (uintptr_t)&own_image));
	cr_assert_not(elf_image_is_code(&image, (uintptr_t)&variable));
	cr_assert_not(elf_image_is_code(&image, (uintptr_t)constant));
	cr_assert_not(elf_image_is_code(&image, (uintptr_t)&image), "a stack");
	cr_assert_not(elf_image_is_code(&image, (uintptr_t)&memmem), "another object's code");
	cr_assert_not(elf_image_is_code(&image, 0));
	cr_assert_not(elf_image_is_code(&image, UINT64_MAX));
	cr_assert_eq(image.bias == 0, image.fixed);
}

Test(elf_image, gives_bytes_within_one_segment_only)
{
	struct fake_image fake;

	fake_image_init(&fake, 4);
	cr_assert_eq(elf_image_bytes(&fake.image, FAKE_DATA, 32), (uint8_t *)fake.words);
	cr_assert_eq(elf_image_bytes(&fake.image, FAKE_DATA + 31, 1), (uint8_t *)fake.words + 31);
	cr_assert_not_null(elf_image_bytes(&fake.image, FAKE_DATA + 31, 0));
	cr_assert_null(elf_image_bytes(&fake.image, FAKE_DATA, 33));
	cr_assert_null(elf_image_bytes(&fake.image, FAKE_DATA + 31, 2));
	cr_assert_null(elf_image_bytes(&fake.image, FAKE_DATA + 32, 0));
	cr_assert_null(elf_image_bytes(&fake.image, FAKE_DATA - 1, 1));
	cr_assert_null(elf_image_bytes(&fake.image, FAKE_DATA + 8, SIZE_MAX));
	cr_assert_null(elf_image_bytes(&fake.image, FAKE_DATA + 8, SIZE_MAX - 7));
	fake.data->readable = false;
	cr_assert_null(elf_image_bytes(&fake.image, FAKE_DATA, 1));
}

Test(elf_image, finds_strings_in_read_only_data)
{
	struct elf_image image = own_image();
	char absent[sizeof(constant)];

	cr_assert(elf_image_has_string(&image, constant));
	cr_assert(elf_image_has_string(&image, constant + 10), "part of one");
	/* Made at run time, so that it stands nowhere in the program. */
	for (size_t i = 0; i < sizeof(constant) - 1; i++)
		absent[i] = constant[sizeof(constant) - 2 - i];
	absent[sizeof(constant) - 1] = '\0';
	cr_assert_not(elf_image_has_string(&image, absent));
}

Test(elf_image, does_not_find_a_string_across_segments_or_in_writable_data)
{
	struct fake_image fake;

	fake_image_init(&fake, 1);
	fake_image_add(&fake, "first half, ", false);
	fake_image_add(&fake, "second half", false);
	fake_image_add(&fake, "scribble", true);
	cr_assert(elf_image_has_string(&fake.image, "second half"));
	cr_assert_not(elf_image_has_string(&fake.image, "half, second"));
	cr_assert_not(elf_image_has_string(&fake.image, "scribble"));
	fake_image_add(&fake, "secret", false)->readable = false;
	cr_assert_not(elf_image_has_string(&fake.image, "secret"));
}

Test(elf_image, knows_the_libraries_this_program_needs)
{
	struct elf_image image = own_image();

	cr_assert_neq(image.dynamic, 0);
	cr_assert(elf_image_needs(&image, "libc.so.6"));
	cr_assert_not(elf_image_needs(&image, "libc.so"));
	cr_assert_not(elf_image_needs(&image, "libc.so.66"));
	cr_assert_not(elf_image_needs(&image, "ibc.so.6"));
	cr_assert_not(elf_image_needs(&image, "libm.so.6x"));
	cr_assert_not(elf_image_needs(&image, ""));
}

#define STRINGS (FAKE_DATA + 0x1000)

/* A dynamic section at the end of the data, and the strings "", "libx.so" and an unfinished one. */
static void with_dynamic(struct fake_image *fake, const Elf64_Dyn *entries, size_t count)
{
	static const char strings[] = "\0libx.so\0liby.so";
	struct elf_segment *segment;

	fake_image_init(fake, 2 * count);
	memcpy(fake->words, entries, count * sizeof(*entries));
	fake->image.dynamic = FAKE_DATA;
	segment = fake_image_add(fake, "0libx.so0liby.so", false);
	memcpy((void *)(uintptr_t)segment->data, strings, segment->size);
	segment->address = STRINGS;
}

Test(elf_image, reads_dynamic_addresses_relocated_or_not)
{
	Elf64_Dyn entries[] = {{DT_NEEDED, {1}}, {DT_STRTAB, {STRINGS}}, {DT_NULL, {0}}};
	struct fake_image fake;

	with_dynamic(&fake, entries, 3);
	cr_assert(elf_image_needs(&fake.image, "libx.so"));
	cr_assert_not(elf_image_needs(&fake.image, "liby.so"));
	entries[1].d_un.d_ptr -= fake.image.bias;
	with_dynamic(&fake, entries, 3);
	cr_assert(elf_image_needs(&fake.image, "libx.so"));
}

Test(elf_image, ignores_names_that_are_not_whole_in_the_image)
{
	Elf64_Dyn entries[] = {{DT_STRTAB, {STRINGS}}, {DT_NEEDED, {9}}, {DT_NULL, {0}}};
	struct fake_image fake;

	with_dynamic(&fake, entries, 3);
	cr_assert_not(elf_image_needs(&fake.image, "liby.so"), "its terminator is missing");
	entries[1].d_un.d_val = 0x10000000;
	with_dynamic(&fake, entries, 3);
	cr_assert_not(elf_image_needs(&fake.image, "libx.so"));
	entries[1].d_un.d_val = UINT64_MAX;
	with_dynamic(&fake, entries, 3);
	cr_assert_not(elf_image_needs(&fake.image, "libx.so"));
}

Test(elf_image, does_not_read_past_an_unterminated_dynamic_section)
{
	const Elf64_Dyn entries[] = {{DT_STRTAB, {STRINGS}}, {DT_NEEDED, {9}}, {DT_DEBUG, {0}}};
	struct fake_image fake;

	for (size_t count = 0; count <= 3; count++) {
		with_dynamic(&fake, entries, count);
		cr_expect_not(elf_image_needs(&fake.image, "libx.so"));
	}
	fake.image.dynamic = FAKE_DATA + 0x40000;
	cr_expect_not(elf_image_needs(&fake.image, "libx.so"));
}
