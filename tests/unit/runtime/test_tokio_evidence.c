/* SPDX-License-Identifier: MIT */
/*
 * Unit tests of runtime/adapters/tokio_vtables.h: what an image must have besides tables of the
 * right shape, and which of its segments are looked at.
 */
#include "runtime/adapters/tokio_vtables.h"

#include <criterion/criterion.h>
#include <string.h>

#include "tests/unit/runtime/fake_image.h"

#define TEXT_OF_TOKIO "[internal exception] blocking task ran twice"

static struct fake_image fake;

static void count_one(void *context, const struct tokio_vtable *vtable)
{
	++*(size_t *)context;
}

static struct tokio_shapes expect_found(size_t count)
{
	size_t found = 0;
	struct tokio_shapes shapes = tokio_find_vtables(&fake.image, count_one, &found);

	cr_expect_eq(found, count, "found %zu, not %zu", found, count);
	cr_expect_eq(shapes.count, count);
	return shapes;
}

/* One table, whose `schedule` has these bytes; it stands at the end of the code. */
static void with_schedule(const uint8_t *bytes, size_t size)
{
	fake_image_init(&fake, 10);
	fake_table(fake.words, 0x90, 0x20, 0x28);
	fake.words[1] = FAKE_CODE + FAKE_CODE_BYTES - size;
	memcpy(fake.code + FAKE_CODE_BYTES - size, bytes, size);
}

static void without_schedule(void)
{
	uint8_t none[96];

	memset(none, 0x90, sizeof(none));
	with_schedule(none, sizeof(none));
}

TestSuite(tokio_evidence, .init = without_schedule);

Test(tokio_evidence, counts_candidates_but_accepts_none_without_evidence)
{
	cr_assert_eq(expect_found(0).candidates, 1);
	cr_assert_not(expect_found(0).unstable);
}

Test(tokio_evidence, accepts_an_image_with_a_text_of_tokio)
{
	fake_image_add(&fake, "xx" TEXT_OF_TOKIO, false);
	expect_found(1);
}

Test(tokio_evidence, is_not_satisfied_by_part_of_the_text)
{
	fake_image_add(&fake, "blocking task ran twice", false);
	fake_image_add(&fake, "[internal exception] blocking task ran twic", false);
	expect_found(0);
}

Test(tokio_evidence, does_not_look_for_the_text_in_writable_data)
{
	fake_image_add(&fake, TEXT_OF_TOKIO, true);
	expect_found(0);
}

Test(tokio_evidence, accepts_every_table_when_one_has_the_code_of_schedule)
{
	fake_image_init(&fake, 30);
	for (unsigned i = 0; i < 3; i++) {
		fake_table(fake.words + 10 * i, 0x90, 0x20, i == 1 ? 0x30 : 0x28);
		if (i != 2)
			fake.words[10 * i + 1] = FAKE_CODE + 0x300;
	}
	cr_assert_eq(expect_found(3).candidates, 3);
}

Test(tokio_evidence, follows_a_schedule_that_only_jumps)
{
	uint8_t jump[96] = {0xe9};
	int32_t offset;

	with_schedule(jump, sizeof(jump));
	offset = (int32_t)(FAKE_SCHEDULE - (fake.words[1] + 5));
	memcpy(fake.code + (fake.words[1] - FAKE_CODE) + 1, &offset, sizeof(offset));
	expect_found(1);
	offset += 0x20;
	memcpy(fake.code + (fake.words[1] - FAKE_CODE) + 1, &offset, sizeof(offset));
	expect_found(0);
	offset = INT32_MIN;
	memcpy(fake.code + (fake.words[1] - FAKE_CODE) + 1, &offset, sizeof(offset));
	expect_found(0);
}

Test(tokio_evidence, reads_a_short_schedule_at_the_end_of_the_code)
{
	static const uint8_t code[24] = {0x50, 0x48, 0x8b, 0x47, 0x10, 0x48, 0x03, 0x78, 0x40};

	with_schedule(code, sizeof(code));
	expect_found(1);
	with_schedule(code, 23);
	expect_found(0); /* too short to judge, and nothing is read behind it */
	with_schedule(code, 1);
	expect_found(0);
}

Test(tokio_evidence, wants_the_schedulers_offset_loaded_after_the_vtable)
{
	static const uint8_t no_offset[96] = {0x48, 0x8b, 0x47, 0x10, 0x48, 0x03, 0x78, 0x48};
	static const uint8_t before[96] = {0x48, 0x03, 0x78, 0x40, 0x48, 0x8b, 0x47, 0x10};
	static const uint8_t older_header[96] = {0x48, 0x8b, 0x47, 0x20, 0x48, 0x03, 0x78, 0x40};

	with_schedule(no_offset, sizeof(no_offset));
	expect_found(0);
	with_schedule(before, sizeof(before));
	expect_found(0);
	with_schedule(older_header, sizeof(older_header));
	expect_found(0);
}

static void with_segment(bool readable, bool writable, bool executable, bool fixed)
{
	fake_image_init(&fake, 10);
	fake_table(fake.words, 0x90, 0x20, 0x28);
	fake.data->readable = readable;
	fake.data->writable = writable;
	fake.data->executable = executable;
	fake.image.fixed = fixed;
}

Test(tokio_evidence, looks_at_writable_data_and_in_fixed_images_also_at_constants)
{
	with_segment(true, true, false, false);
	expect_found(1);
	with_segment(true, true, false, true);
	expect_found(1);
	with_segment(true, false, false, true);
	expect_found(1);
	with_segment(true, false, false, false);
	expect_found(0);
}

Test(tokio_evidence, leaves_code_and_unreadable_segments_alone)
{
	with_segment(true, true, true, false);
	expect_found(0);
	with_segment(true, false, true, true);
	expect_found(0);
	with_segment(false, true, false, true);
	expect_found(0);
}

Test(tokio_evidence, looks_at_every_segment)
{
	struct elf_segment *more;
	char table[80];

	fake_image_init(&fake, 10);
	fake_table(fake.words, 0x90, 0x20, 0x28);
	memset(table, 1, sizeof(table));
	more = fake_image_add(&fake, "", true);
	more->data = fake_guarded(sizeof(table));
	more->size = sizeof(table);
	memcpy((void *)(uintptr_t)more->data, fake.words, sizeof(table));
	expect_found(2);
}

Test(tokio_evidence, finds_nothing_in_an_image_without_segments)
{
	fake.image.segment_count = 0;
	cr_assert_eq(expect_found(0).candidates, 0);
}
