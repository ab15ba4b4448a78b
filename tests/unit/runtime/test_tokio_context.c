/* SPDX-License-Identifier: MIT */
/* Unit tests of runtime/adapters/tokio_context.h on made-up thread-local templates. */
#include "runtime/adapters/tokio_context.h"

#include <criterion/criterion.h>
#include <string.h>

#include "tests/unit/runtime/fake_image.h"

#define DISTANCE 0x3e /* from the tag word to the byte */

static struct fake_image fake;
static uint8_t *bytes;

/* A template of this size at the end of the data. */
static void with_template(size_t size)
{
	size_t words = (size + 7) / 8;

	fake_image_init(&fake, words);
	fake.data->size = size;
	fake.image.tls_start = FAKE_DATA;
	fake.image.tls_file_size = size;
	bytes = (uint8_t *)fake.words;
}

static void init(void)
{
	with_template(0x100);
}

static void expect(int64_t offset)
{
	cr_expect_eq(tokio_find_entered_byte(&fake.image), offset, "%ld, not %ld",
		     (long)tokio_find_entered_byte(&fake.image), (long)offset);
}

TestSuite(tokio_context, .init = init);

Test(tokio_context, finds_the_only_byte_of_its_value)
{
	bytes[0x47] = 2;
	bytes[0x48] = 1;
	bytes[0x50] = 3;
	expect(0x47);
}

Test(tokio_context, finds_nothing_where_there_is_none)
{
	expect(-1);
	memset(bytes, 1, 0x100);
	expect(-1);
	fake.image.tls_file_size = 0;
	expect(-1);
	fake.image.tls_start = 0;
	expect(-1);
}

Test(tokio_context, tells_a_tag_word_from_the_byte)
{
	bytes[0x10] = 2;
	expect(-1);
	bytes[0x10 + DISTANCE] = 2;
	expect(0x10 + DISTANCE);
	bytes[0x17] = 1; /* no longer a word of 2 */
	expect(-1);
}

Test(tokio_context, chooses_the_byte_at_its_distance_from_a_tag_word)
{
	bytes[0x10] = 2;
	bytes[0x10 + DISTANCE] = 2;
	bytes[0x81] = 2;
	bytes[0xff] = 2;
	expect(0x10 + DISTANCE);
	bytes[0x80 - 8] = 2;
	expect(0x10 + DISTANCE);
}

Test(tokio_context, does_not_choose_between_candidates_alike)
{
	bytes[0x41] = 2;
	bytes[0x43] = 2;
	expect(-1);
	bytes[0x10] = bytes[0x10 + DISTANCE] = 2;
	bytes[0x80] = bytes[0x80 + DISTANCE] = 2;
	expect(-1);
}

Test(tokio_context, reads_within_the_template_only)
{
	for (size_t size = 1; size <= 0x40; size++) {
		with_template(size);
		bytes[size - 1] = 2;
		/* Eight aligned bytes at the end are a tag word only when they are all there. */
		expect((int64_t)size - 1);
	}
	with_template(0x20);
	bytes[0x18] = 2;
	expect(-1);
	with_template(0x1f);
	bytes[0x18] = 2;
	expect(0x18);
}

Test(tokio_context, refuses_a_template_that_is_not_in_the_image)
{
	bytes[0x47] = 2;
	fake.image.tls_file_size = 0x101;
	expect(-1);
	fake.image.tls_file_size = UINT64_MAX;
	expect(-1);
	fake.image.tls_file_size = 0x100;
	fake.image.tls_start = FAKE_DATA + 1;
	expect(-1);
	fake.image.tls_start = FAKE_DATA;
	expect(0x47);
}
