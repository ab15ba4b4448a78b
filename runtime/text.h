/* SPDX-License-Identifier: MIT */
/*
 * Builds text in a caller's buffer without stdio and without allocating. What does not fit is cut
 * and remembered in `overflow`; the buffer is always NUL-terminated after text_end.
 * Runs on: any thread.
 */
#ifndef OVERSTAY_TEXT_H
#define OVERSTAY_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
	char *start;
	char *at;
	char *end; /* one past the last usable byte; room for the NUL is kept behind it */
	bool overflow;
};

void text_init(struct text *text, char *buffer, size_t size); /* size >= 1 */
void text_add(struct text *text, const char *string);
void text_add_bytes(struct text *text, const char *bytes, size_t length);
void text_add_char(struct text *text, char c);
void text_add_u64(struct text *text, uint64_t value);
void text_add_i64(struct text *text, int64_t value);
void text_add_hex(struct text *text, uint64_t value); /* "7f00", no prefix */

/* Terminates; returns the length. */
size_t text_end(struct text *text);

/* A JSON string with quotes; NULL gives null. Bytes that are not UTF-8 become U+FFFD. */
void text_add_json(struct text *text, const char *string);

#endif
