/* SPDX-License-Identifier: MIT */
/*
 * Unit tests of runtime/adapters/tokio_vtables.h: the layouts before Tokio 1.23, found by the
 * addresses of poll functions, and which of the two headers goes with them.
 */
#include "runtime/adapters/tokio_vtables.h"

#include <criterion/criterion.h>
#include <string.h>

#include "tests/unit/runtime/fake_image.h"

#define POLL(n) (FAKE_CODE + 0x40 + (n)*0x10)

static const uint64_t polls[] = {POLL(0), POLL(1), POLL(2), POLL(3), POLL(4)};
#define POLLS (sizeof(polls) / sizeof(*polls))

static struct fake_image fake;
static struct tokio_vtable found[8];
static size_t found_count;

static void remember(void *context, const struct tokio_vtable *vtable)
{
	cr_assert_lt(found_count, 8);
	found[found_count++] = *vtable;
}

static void expect_found(size_t count)
{
	struct tokio_shapes shapes;

	found_count = 0;
	shapes = tokio_find_vtables_by_poll(&fake.image, polls, POLLS, 0x20, remember, NULL);
	cr_expect_eq(found_count, count, "found %zu", found_count);
	cr_expect_eq(shapes.count, count);
	cr_expect_eq(shapes.candidates, count);
}

static uint32_t header(void)
{
	return tokio_header_of_old_layout(&fake.image, polls, POLLS);
}

Test(tokio_old_vtables, reports_an_array_that_begins_with_a_known_poll)
{
	fake_image_init(&fake, 20);
	fake_pointers(fake.words + 3, POLL(2), 8);
	expect_found(1);
	cr_assert_eq(found[0].address, FAKE_DATA + 24);
	cr_assert_eq(found[0].poll, POLL(2));
	cr_assert_eq(found[0].dealloc, fake.words[4]);
	cr_assert_eq(found[0].vtable_offset, 0x20);
	cr_assert_eq(found[0].id_offset, 0);
	cr_assert_eq(found[0].future_offset, 0);
	cr_assert_eq(found[0].class, TOKIO_UNKNOWN);
}

Test(tokio_old_vtables, hands_the_header_layout_on)
{
	fake_image_init(&fake, 8);
	fake_pointers(fake.words, POLL(0), 8);
	tokio_find_vtables_by_poll(&fake.image, polls, POLLS, 0x10, remember, NULL);
	cr_assert_eq(found[0].vtable_offset, 0x10);
}

Test(tokio_old_vtables, finds_every_listed_poll)
{
	fake_image_init(&fake, 7 * POLLS);
	for (unsigned i = 0; i < POLLS; i++)
		fake_pointers(fake.words + 7 * i, polls[POLLS - 1 - i], 7);
	expect_found(POLLS);
}

Test(tokio_old_vtables, ignores_arrays_of_other_functions)
{
	fake_image_init(&fake, 32);
	fake_pointers(fake.words, POLL(0) - 1, 8);
	fake_pointers(fake.words + 8, POLL(0) + 1, 8);
	fake_pointers(fake.words + 16, POLL(4) + 1, 8);
	fake_pointers(fake.words + 24, FAKE_CODE, 8);
	expect_found(0);
}

Test(tokio_old_vtables, ignores_a_lone_pointer_to_a_poll)
{
	for (unsigned bad = 1; bad < 7; bad++) {
		fake_image_init(&fake, 7);
		fake_pointers(fake.words, POLL(1), 7);
		fake.words[bad] = FAKE_DATA;
		expect_found(0);
	}
}

Test(tokio_old_vtables, finds_nothing_when_no_poll_is_known)
{
	size_t context = 0;

	fake_image_init(&fake, 8);
	fake_pointers(fake.words, POLL(0), 8);
	cr_assert_eq(
		tokio_find_vtables_by_poll(&fake.image, polls, 0, 0x20, remember, &context).count,
		0);
	cr_assert_eq(tokio_header_of_old_layout(&fake.image, polls, 0), 0x20);
}

Test(tokio_old_vtables, does_not_read_past_the_end_of_a_segment)
{
	for (size_t words = 0; words <= 8; words++) {
		fake_image_init(&fake, words);
		for (size_t i = 0; i < words; i++)
			fake.words[i] = i ? FAKE_CODE + 0x200 : POLL(0);
		expect_found(words >= 7);
		cr_expect_eq(header(), 0x20);
	}
}

Test(tokio_old_vtables, finds_arrays_in_a_segment_that_begins_at_an_odd_address)
{
	fake_image_init(&fake, 10);
	fake_pointers(fake.words + 2, POLL(0), 8);
	fake.data->address += 4;
	fake.data->data += 4;
	fake.data->size -= 4;
	expect_found(1);
	cr_assert_eq(found[0].address, FAKE_DATA + 16);
}

Test(tokio_old_vtables, looks_only_where_tables_can_be_hooked)
{
	fake_image_init(&fake, 8);
	fake_pointers(fake.words, POLL(0), 8);
	fake.data->writable = false;
	expect_found(0);
	fake.image.fixed = true;
	expect_found(1);
	fake.data->executable = true;
	expect_found(0);
}

/* Tables with a trailer offset after the eighth pointer, but for one. */
static void numbered_tables(unsigned count, unsigned without)
{
	fake_image_init(&fake, 9 * count);
	for (unsigned i = 0; i < count; i++) {
		fake_pointers(fake.words + 9 * i, POLL(i), 8);
		fake.words[9 * i + 8] = i == without ? FAKE_CODE : 0x88;
	}
}

Test(tokio_old_vtables, tells_the_newer_header_by_the_trailer_offset)
{
	numbered_tables(1, UINT32_MAX);
	cr_assert_eq(header(), 0x10);
	numbered_tables(4, UINT32_MAX);
	cr_assert_eq(header(), 0x10);
}

Test(tokio_old_vtables, keeps_to_the_older_header_when_one_table_has_no_number)
{
	for (unsigned without = 0; without < 4; without++) {
		numbered_tables(4, without);
		cr_expect_eq(header(), 0x20);
	}
}

Test(tokio_old_vtables, bounds_the_trailer_offset)
{
	static const struct {
		uint64_t trailer;
		uint32_t header;
	} cases[] = {{0x28, 0x10}, {0x20, 0x20}, {0, 0x20},        {0x2c, 0x20},
		     {0x29, 0x20}, {8, 0x20},    {0xfffff8, 0x10}, {0x1000000, 0x20}};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		numbered_tables(1, UINT32_MAX);
		fake.words[8] = cases[i].trailer;
		cr_expect_eq(header(), cases[i].header, "%#lx", (unsigned long)cases[i].trailer);
	}
}

Test(tokio_old_vtables, takes_the_older_header_where_there_is_no_table)
{
	fake_image_init(&fake, 8);
	cr_assert_eq(header(), 0x20);
}
