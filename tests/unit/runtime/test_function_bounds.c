/* SPDX-License-Identifier: MIT */
/* Unit tests of runtime/patch/function_bounds.h: a made-up index, and this program's own. */
#include "runtime/patch/function_bounds.h"

#include <criterion/criterion.h>
#include <link.h>
#include <string.h>

#include "tests/unit/runtime/fake_image.h"

struct index {
	uint8_t version, frame_encoding, count_encoding, table_encoding;
	int32_t frame;
	uint32_t count;
	int32_t entries[4][2];
};

static struct fake_image fake;
static struct index *table;

/* Three functions, 0x10, 0x40 and 0x80 bytes from the start of the code. */
static void make_index(void)
{
	const struct index index = {1, 0x1b, 0x03, 0x3b, 0, 3, {{0x10, 0}, {0x40, 0}, {0x80, 0}}};

	fake_image_init(&fake, 5);
	table = (struct index *)(void *)fake.words;
	memcpy(table, &index, 12 + 3 * 8);
	for (unsigned i = 0; i < 3; i++)
		table->entries[i][0] -= (int32_t)(FAKE_DATA - FAKE_CODE);
	fake.image.unwind_index = FAKE_DATA;
}

TestSuite(function_bounds, .init = make_index);

static bool spans(unsigned at, unsigned start, unsigned end)
{
	struct function_bounds bounds;

	return function_bounds_at(&fake.image, FAKE_CODE + at, &bounds) &&
	       bounds.start == FAKE_CODE + start && bounds.end == FAKE_CODE + end;
}

static bool none(uint64_t address)
{
	struct function_bounds bounds;

	return !function_bounds_at(&fake.image, address, &bounds);
}

Test(function_bounds, end_where_the_next_function_begins)
{
	cr_assert(spans(0x10, 0x10, 0x40));
	cr_assert(spans(0x3f, 0x10, 0x40));
	cr_assert(spans(0x40, 0x40, 0x80));
	cr_assert(spans(0x7f, 0x40, 0x80));
}

Test(function_bounds, end_with_the_segment)
{
	cr_assert(spans(0x80, 0x80, FAKE_CODE_BYTES));
	cr_assert(spans(FAKE_CODE_BYTES - 1, 0x80, FAKE_CODE_BYTES));
	cr_assert(none(FAKE_CODE + FAKE_CODE_BYTES));
}

Test(function_bounds, begin_with_the_first_function)
{
	cr_assert(none(FAKE_CODE + 0x0f));
	cr_assert(none(0));
}

Test(function_bounds, work_for_any_number_of_functions)
{
	table->count = 1;
	cr_assert(spans(0x50, 0x10, FAKE_CODE_BYTES));
	table->count = 2;
	cr_assert(spans(0x50, 0x40, FAKE_CODE_BYTES));
	table->count = 0;
	cr_assert(none(FAKE_CODE + 0x50));
}

Test(function_bounds, are_unknown_without_an_index_that_is_understood)
{
	table->version = 2;
	cr_assert(none(FAKE_CODE + 0x50));
	table->version = 1;
	table->count_encoding = 0xff;
	cr_assert(none(FAKE_CODE + 0x50));
	table->count_encoding = 0x03;
	table->table_encoding = 0x1b;
	cr_assert(none(FAKE_CODE + 0x50));
	table->table_encoding = 0x3b;
	cr_assert_not(none(FAKE_CODE + 0x50));
	fake.image.unwind_index = 0;
	cr_assert(none(FAKE_CODE + 0x50));
}

Test(function_bounds, are_not_read_past_the_end_of_the_index)
{
	table->count = 4;
	cr_assert(none(FAKE_CODE + 0x50));
	table->count = UINT32_MAX;
	cr_assert(none(FAKE_CODE + 0x50));
	fake.image.unwind_index = FAKE_DATA + 32;
	cr_assert(none(FAKE_CODE + 0x50));
	fake.image.unwind_index = FAKE_DATA + 0x100000;
	cr_assert(none(FAKE_CODE + 0x50));
}

static int take_first(struct dl_phdr_info *info, size_t size, void *context)
{
	elf_image_from_memory(context, info->dlpi_addr, info->dlpi_phdr, info->dlpi_phnum);
	return 1;
}

Test(function_bounds, are_those_of_this_program)
{
	struct function_bounds bounds;
	struct elf_image image;

	cr_assert_eq(dl_iterate_phdr(take_first, &image), 1);
	cr_assert(function_bounds_at(&image, (uintptr_t)&take_first, &bounds));
	cr_assert_eq(bounds.start, (uintptr_t)&take_first);
	cr_assert(function_bounds_at(&image, (uintptr_t)&take_first + 1, &bounds));
	cr_assert_eq(bounds.start, (uintptr_t)&take_first);
	cr_assert_lt(bounds.end - bounds.start, 256);
	cr_assert(function_bounds_at(&image, bounds.end, &bounds));
	cr_assert_gt(bounds.start, (uintptr_t)&take_first);
}
