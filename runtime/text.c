/* SPDX-License-Identifier: MIT */
/*
 * Text and JSON strings in a fixed buffer.
 * Runs on: any thread.
 */
#include "text.h"

#include <string.h>

void text_init(struct text *text, char *buffer, size_t size)
{
	text->start = buffer;
	text->at = buffer;
	text->end = buffer + size - 1;
	text->overflow = false;
	*buffer = '\0';
}

void text_add_bytes(struct text *text, const char *bytes, size_t length)
{
	size_t room = (size_t)(text->end - text->at);

	if (length > room) {
		text->overflow = true;
		length = room;
	}
	memcpy(text->at, bytes, length);
	text->at += length;
}

void text_add(struct text *text, const char *string)
{
	text_add_bytes(text, string, strlen(string));
}

void text_add_char(struct text *text, char c)
{
	text_add_bytes(text, &c, 1);
}

static void add_number(struct text *text, uint64_t value, unsigned base)
{
	char digits[24];
	char *p = digits + sizeof(digits);

	do {
		*--p = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	text_add_bytes(text, p, (size_t)(digits + sizeof(digits) - p));
}

void text_add_u64(struct text *text, uint64_t value)
{
	add_number(text, value, 10);
}

void text_add_i64(struct text *text, int64_t value)
{
	if (value < 0)
		text_add_char(text, '-');
	add_number(text, value < 0 ? -(uint64_t)value : (uint64_t)value, 10);
}

void text_add_hex(struct text *text, uint64_t value)
{
	add_number(text, value, 16);
}

size_t text_end(struct text *text)
{
	*text->at = '\0';
	return (size_t)(text->at - text->start);
}

/* Length of the well-formed UTF-8 sequence at `s` (RFC 3629), 0 if there is none. */
static size_t utf8_length(const unsigned char *s)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t length;

	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		length = 2;
	else if (s[0] >= 0xe0 && s[0] <= 0xef)
		length = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		length = 4;
	else
		return 0;
	if (s[0] == 0xe0)
		low = 0xa0;
	else if (s[0] == 0xed)
		high = 0x9f;
	else if (s[0] == 0xf0)
		low = 0x90;
	else if (s[0] == 0xf4)
		high = 0x8f;
	if (s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++)
		if (s[i] < 0x80 || s[i] > 0xbf)
			return 0;
	return length;
}

void text_add_json(struct text *text, const char *string)
{
	const unsigned char *s = (const unsigned char *)string;

	if (!string) {
		text_add(text, "null");
		return;
	}
	text_add_char(text, '"');
	while (*s) {
		size_t length = utf8_length(s);

		if (!length) {
			text_add(text, "\\ufffd");
			length = 1;
		} else if (*s == '"' || *s == '\\') {
			text_add_char(text, '\\');
			text_add_char(text, (char)*s);
		} else if (*s < 0x20) {
			text_add(text, *s < 0x10 ? "\\u000" : "\\u001");
			text_add_char(text, "0123456789abcdef"[*s & 15]);
		} else {
			text_add_bytes(text, (const char *)s, length);
		}
		s += length;
	}
	text_add_char(text, '"');
}
