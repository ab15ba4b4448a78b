/* SPDX-License-Identifier: MIT */
/*
 * Unit tests of runtime/adapters/tokio_vtables.h: which arrays of pointers and numbers are task
 * vtables of Tokio since 1.23, and which only look like them.
 */
#include "runtime/adapters/tokio_vtables.h"

#include <criterion/criterion.h>
#include <string.h>

#include "tests/unit/runtime/fake_image.h"

static struct fake_image fake;
static struct tokio_vtable found[16];
static size_t found_count;

static void remember(void *context, const struct tokio_vtable *vtable)
{
	cr_assert_eq(context, &fake);
	cr_assert_lt(found_count, 16);
	found[found_count++] = *vtable;
}

static struct tokio_shapes scan(void)
{
	found_count = 0;
	return tokio_find_vtables(&fake.image, remember, &fake);
}

static void expect_found(size_t count)
{
	struct tokio_shapes shapes = scan();

	cr_expect_eq(found_count, count, "found %zu", found_count);
	cr_expect_eq(shapes.count, count);
	cr_expect_geq(shapes.candidates, count);
}

/* An image with nothing but this table. */
static void expect_numbers(uint64_t trailer, uint64_t scheduler, uint64_t id, bool accepted)
{
	fake_image_init(&fake, 10);
	fake_table(fake.words, trailer, scheduler, id);
	scan();
	cr_expect_eq(found_count, accepted ? 1 : 0, "%#lx %#lx %#lx", (unsigned long)trailer,
		     (unsigned long)scheduler, (unsigned long)id);
}

Test(tokio_vtables, reports_a_table_with_everything_it_tells)
{
	fake_image_init(&fake, 32);
	fake_table(fake.words + 5, 0x90, 0x20, 0x28);
	expect_found(1);
	cr_assert_eq(found[0].address, FAKE_DATA + 5 * 8);
	cr_assert_eq(found[0].poll, fake.words[5]);
	cr_assert_eq(found[0].dealloc, fake.words[7]);
	cr_assert_eq(found[0].vtable_offset, 0x10);
	cr_assert_eq(found[0].id_offset, 0x28);
	cr_assert_eq(found[0].future_offset, 0x38);
	cr_assert_eq(found[0].class, TOKIO_TASK);
	cr_assert_not(scan().unstable);
}

Test(tokio_vtables, finds_tables_that_stand_side_by_side)
{
	fake_image_init(&fake, 40);
	for (unsigned i = 0; i < 4; i++)
		fake_table(fake.words + 10 * i, 0x90 + 8 * i, 0x20, 0x28);
	expect_found(4);
	for (unsigned i = 0; i < 4; i++)
		cr_assert_eq(found[i].address, FAKE_DATA + 80 * i);
}

Test(tokio_vtables, takes_the_last_seven_pointers_before_the_numbers)
{
	fake_image_init(&fake, 13);
	fake_pointers(fake.words, FAKE_CODE + 0x300, 3);
	fake_table(fake.words + 3, 0x90, 0x20, 0x28);
	expect_found(1);
	cr_assert_eq(found[0].address, FAKE_DATA + 24);
}

Test(tokio_vtables, tells_the_layout_of_unstable_builds)
{
	fake_image_init(&fake, 22);
	for (unsigned i = 0; i < 2; i++) {
		fake_table(fake.words + 11 * i, 0x90, 0x20, 0x28);
		fake.words[11 * i + 10] = 0x30;
	}
	expect_found(2);
	cr_assert(scan().unstable);
	cr_assert_eq(found[0].future_offset, 0x40, "the spawn location comes before the stage");
	cr_assert_eq(found[1].future_offset, 0x40);
	cr_assert_eq(found[1].address, FAKE_DATA + 88);
}

Test(tokio_vtables, does_not_take_another_eleventh_word_for_the_unstable_layout)
{
	fake_image_init(&fake, 11);
	fake_table(fake.words, 0x90, 0x20, 0x28);
	fake.words[10] = 0x38;
	expect_found(1);
	cr_assert_not(scan().unstable);
	cr_assert_eq(found[0].future_offset, 0x38);
}

Test(tokio_vtables, knows_no_future_where_none_fits_before_the_trailer)
{
	fake_image_init(&fake, 10);
	fake_table(fake.words, 0x38, 0x20, 0x28);
	expect_found(1);
	cr_assert_eq(found[0].future_offset, 0);
	fake_table(fake.words, 0x40, 0x20, 0x28);
	expect_found(1);
	cr_assert_eq(found[0].future_offset, 0x38);
}

Test(tokio_vtables, tells_blocking_jobs_by_the_size_of_their_scheduler)
{
	static const struct {
		uint64_t size;
		enum tokio_task_class class;
	} cases[] = {
		{0, TOKIO_BLOCKING}, {8, TOKIO_TASK}, {16, TOKIO_BLOCKING}, {32, TOKIO_BLOCKING}};

	for (unsigned i = 0; i < 4; i++) {
		fake_image_init(&fake, 10);
		fake_table(fake.words, 0x100, 0x80, 0x80 + cases[i].size);
		expect_found(1);
		cr_expect_eq(found[0].class, cases[i].class);
		cr_expect_eq(found[0].id_offset, 0x80 + cases[i].size);
	}
}

Test(tokio_vtables, bounds_the_numbers)
{
	expect_numbers(0x40, 0x20, 0x28, true);
	expect_numbers(0x40, 0x18, 0x20, false);
	expect_numbers(0x40, 0x20, 0x38, false);
	expect_numbers(0x2000, 0x1000, 0x1008, true);
	expect_numbers(0x2000, 0x1008, 0x1010, false);
	expect_numbers(0xfffff8, 0x20, 0x28, true);
	expect_numbers(0x1000000, 0x20, 0x28, false);
	expect_numbers(UINT64_MAX & ~7ull, 0x20, 0x28, false);
	expect_numbers(0x100, 0x20, 0x40, true);
	expect_numbers(0x100, 0x20, 0x48, false);
	expect_numbers(0x100, 0x20, UINT64_MAX & ~7ull, false);
}

Test(tokio_vtables, wants_the_numbers_in_their_order)
{
	expect_numbers(0x28, 0x20, 0x28, false);
	expect_numbers(0x20, 0x20, 0x28, false);
	expect_numbers(0x80, 0x28, 0x20, false);
	expect_numbers(0x20, 0x4a0, 0x440, false); /* a table of key sizes in rustls */
	expect_numbers(0, 8, 8, false);            /* size and alignment of a dyn vtable */
	expect_numbers(0, 0, 0, false);
}

Test(tokio_vtables, wants_multiples_of_eight)
{
	for (uint64_t odd = 1; odd < 8; odd++) {
		expect_numbers(0x80 + odd, 0x20, 0x28, false);
		expect_numbers(0x80, 0x20 + odd, 0x28, false);
		expect_numbers(0x80, 0x20, 0x28 + odd, false);
		expect_numbers(0x80 + odd, 0x20 + odd, 0x28 + odd, false);
	}
}

Test(tokio_vtables, wants_seven_pointers_into_code)
{
	static const uint64_t bad[] = {
		0, 1, FAKE_CODE - 1, FAKE_CODE + FAKE_CODE_BYTES, FAKE_DATA, UINT64_MAX};

	for (unsigned slot = 0; slot < 7; slot++)
		for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
			fake_image_init(&fake, 10);
			fake_table(fake.words, 0x90, 0x20, 0x28);
			fake.words[slot] = bad[i];
			expect_found(0);
			cr_expect_eq(scan().candidates, 0);
		}
	fake_image_init(&fake, 10);
	fake_table(fake.words, 0x90, 0x20, 0x28);
	fake.words[0] = FAKE_CODE;
	fake.words[6] = FAKE_CODE + FAKE_CODE_BYTES - 1;
	expect_found(1);
}

Test(tokio_vtables, leaves_vtables_of_rust_traits_alone)
{
	fake_image_init(&fake, 44);
	for (unsigned i = 0; i < 4; i++) {
		uint64_t *vtable = fake.words + 11 * i;

		vtable[0] = FAKE_CODE + 0x40; /* drop, size, align, methods */
		vtable[1] = 0x30;
		vtable[2] = 8;
		fake_pointers(vtable + 3, FAKE_SCHEDULE, 8);
	}
	expect_found(0);
	cr_assert_eq(scan().candidates, 0);
}

Test(tokio_vtables, does_not_read_past_the_end_of_a_segment)
{
	uint64_t table[10];

	fake_table(table, 0x90, 0x20, 0x28);
	for (size_t words = 0; words <= 10; words++) {
		fake_image_init(&fake, words);
		memcpy(fake.words, table, words * 8);
		expect_found(words == 10);
	}
	/* Seven bytes more are no further word. */
	fake_image_init(&fake, 10);
	memcpy(fake.words, table, sizeof(table));
	fake.data->size -= 1;
	expect_found(0);
}

Test(tokio_vtables, finds_tables_in_a_segment_that_begins_at_an_odd_address)
{
	/* Thread-local bytes may come first in the writable segment. */
	for (unsigned odd = 1; odd < 8; odd++) {
		fake_image_init(&fake, 13);
		fake_table(fake.words + 3, 0x90, 0x20, 0x28);
		fake.data->address += odd;
		fake.data->data += odd;
		fake.data->size -= odd;
		expect_found(1);
		cr_expect_eq(found[0].address, FAKE_DATA + 24);
	}
}

Test(tokio_vtables, survives_a_segment_smaller_than_the_gap_to_its_first_word)
{
	for (unsigned size = 0; size < 8; size++) {
		fake_image_init(&fake, 1);
		fake.data->address += 8 - size;
		fake.data->data += 8 - size;
		fake.data->size = size;
		expect_found(0);
	}
}
