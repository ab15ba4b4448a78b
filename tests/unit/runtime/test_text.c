/* SPDX-License-Identifier: MIT */
/* Unit tests of runtime/text.h: numbers, JSON strings, and what happens when the buffer is full. */
#include "runtime/text.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static char buffer[256];

static const char *json(const char *string)
{
	struct text text;

	text_init(&text, buffer, sizeof(buffer));
	text_add_json(&text, string);
	cr_assert_eq(text_end(&text), strlen(buffer));
	cr_assert_not(text.overflow);
	return buffer;
}

Test(text, writes_nothing_but_a_terminator_when_nothing_is_added)
{
	struct text text;

	memset(buffer, 'x', sizeof(buffer));
	text_init(&text, buffer, sizeof(buffer));
	cr_assert_str_empty(buffer);
	cr_assert_eq(text_end(&text), 0);
	cr_assert_str_empty(buffer);
}

Test(text, joins_strings_bytes_and_characters)
{
	struct text text;

	text_init(&text, buffer, sizeof(buffer));
	text_add(&text, "one");
	text_add_char(&text, ',');
	text_add_bytes(&text, "two-three", 3);
	text_add(&text, "");
	cr_assert_eq(text_end(&text), 7);
	cr_assert_str_eq(buffer, "one,two");
	cr_assert_not(text.overflow);
}

Test(text, fills_the_buffer_to_the_last_byte_before_the_terminator)
{
	char small[8];
	struct text text;

	text_init(&text, small, sizeof(small));
	text_add(&text, "1234567");
	cr_assert_eq(text_end(&text), 7);
	cr_assert_str_eq(small, "1234567");
	cr_assert_not(text.overflow);
}

Test(text, cuts_what_does_not_fit_and_remembers_it)
{
	struct {
		char room[8];
		char behind[8];
	} small;
	struct text text;

	memset(&small, '#', sizeof(small));
	text_init(&text, small.room, sizeof(small.room));
	text_add(&text, "12345678");
	cr_assert(text.overflow);
	cr_assert_eq(text_end(&text), 7);
	cr_assert_str_eq(small.room, "1234567");
	cr_assert_arr_eq(small.behind, "########", 8);
}

Test(text, stays_overflowed_although_a_later_piece_would_fit)
{
	char small[8];
	struct text text;

	text_init(&text, small, sizeof(small));
	text_add(&text, "123456789");
	text_add(&text, "");
	text_add_u64(&text, 1);
	cr_assert(text.overflow);
	cr_assert_eq(text_end(&text), 7);
}

Test(text, takes_a_buffer_of_one_byte)
{
	char one[1];
	struct text text;

	text_init(&text, one, sizeof(one));
	cr_assert_eq(text_end(&text), 0);
	cr_assert_not(text.overflow);
	text_add_char(&text, 'a');
	cr_assert(text.overflow);
	cr_assert_eq(text_end(&text), 0);
	cr_assert_eq(one[0], '\0');
}

Test(text, writes_numbers_at_the_ends_of_their_range)
{
	struct text text;

	text_init(&text, buffer, sizeof(buffer));
	text_add_u64(&text, 0);
	text_add_char(&text, ' ');
	text_add_u64(&text, UINT64_MAX);
	text_add_char(&text, ' ');
	text_add_i64(&text, INT64_MIN);
	text_add_char(&text, ' ');
	text_add_i64(&text, INT64_MAX);
	text_add_char(&text, ' ');
	text_add_i64(&text, -1);
	text_add_char(&text, ' ');
	text_add_i64(&text, 0);
	text_end(&text);
	cr_assert_str_eq(buffer, "0 18446744073709551615 -9223372036854775808 9223372036854775807 "
				 "-1 0");
}

Test(text, writes_hex_without_prefix_or_padding)
{
	struct text text;

	text_init(&text, buffer, sizeof(buffer));
	text_add_hex(&text, 0x7f00);
	text_add_char(&text, ' ');
	text_add_hex(&text, 0);
	text_add_char(&text, ' ');
	text_add_hex(&text, UINT64_MAX);
	text_end(&text);
	cr_assert_str_eq(buffer, "7f00 0 ffffffffffffffff");
}

Test(text, quotes_json_strings_and_writes_null_for_none)
{
	cr_assert_str_eq(json("plain"), "\"plain\"");
	cr_assert_str_eq(json(""), "\"\"");
	cr_assert_str_eq(json(NULL), "null");
	cr_assert_str_eq(json("null"), "\"null\"");
}

Test(text, escapes_quotes_and_backslashes_but_not_slashes)
{
	cr_assert_str_eq(json("say \"hi\""), "\"say \\\"hi\\\"\"");
	cr_assert_str_eq(json("c:\\dir\\"), "\"c:\\\\dir\\\\\"");
	cr_assert_str_eq(json("/usr/lib"), "\"/usr/lib\"");
}

Test(text, escapes_every_control_character_below_space)
{
	char one[2] = "";

	for (int c = 1; c < 0x20; c++) {
		char expected[16];

		one[0] = (char)c;
		snprintf(expected, sizeof(expected), "\"\\u%04x\"", c);
		cr_assert_str_eq(json(one), expected);
	}
	cr_assert_str_eq(json(" \x7f"), "\" \x7f\"", "0x20 and 0x7f need no escape");
}

Test(text, keeps_well_formed_utf8)
{
	static const char *const good[] = {
		"\xc2\x80",         "\xdf\xbf",         "\xe0\xa0\x80",
		"\xed\x9f\xbf",     "\xee\x80\x80",     "\xef\xbf\xbf",
		"\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "na\xc3\xafve \xe2\x82\xac",
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		char expected[32];

		snprintf(expected, sizeof(expected), "\"%s\"", good[i]);
		cr_assert_str_eq(json(good[i]), expected);
	}
}

#define BAD "\\ufffd"

Test(text, replaces_each_byte_that_is_not_utf8)
{
	cr_assert_str_eq(json("a\x80z"), "\"a" BAD "z\"", "lone continuation");
	cr_assert_str_eq(json("\xff\xfe"), "\"" BAD BAD "\"");
	cr_assert_str_eq(json("\xc0\xaf"), "\"" BAD BAD "\"", "overlong slash");
	cr_assert_str_eq(json("\xe0\x9f\xbf"), "\"" BAD BAD BAD "\"", "overlong");
	cr_assert_str_eq(json("\xf0\x8f\xbf\xbf"), "\"" BAD BAD BAD BAD "\"", "overlong");
	cr_assert_str_eq(json("\xed\xa0\x80"), "\"" BAD BAD BAD "\"", "surrogate");
	cr_assert_str_eq(json("\xf4\x90\x80\x80"), "\"" BAD BAD BAD BAD "\"", "above U+10FFFF");
	cr_assert_str_eq(json("\xf5\x80"), "\"" BAD BAD "\"");
}

Test(text, does_not_read_past_the_end_of_a_cut_sequence)
{
	/* The byte after the terminator would complete the sequence. */
	static const char cut[] = "\xe2\x82\0\xac";

	cr_assert_str_eq(json(cut), "\"" BAD BAD "\"");
	cr_assert_str_eq(json("\xc3"), "\"" BAD "\"");
	cr_assert_str_eq(json("\xc3\"x"), "\"" BAD "\\\"x\"", "the quote is still escaped");
}

Test(text, remembers_a_json_string_that_was_cut)
{
	char small[8];
	struct text text;

	text_init(&text, small, sizeof(small));
	text_add_json(&text, "\n\n");
	cr_assert(text.overflow);
	cr_assert_eq(text_end(&text), 7);
}
