/* SPDX-License-Identifier: MIT */
/* Any bytes to a JSON string. */
#include "json_text.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"

/* Length of the valid UTF-8 sequence at `text`, 0 when there is none. Jansson does the judging. */
static size_t sequence_length(const char *text)
{
	size_t length, room = strnlen(text, 4);

	for (length = 1; length <= room; length++) {
		json_t *string = json_stringn(text, length);

		json_decref(string);
		if (string)
			return length;
	}
	return 0;
}

json_t *json_text(const char *text)
{
	json_t *string = json_string(text);
	char *clean;
	size_t used = 0;

	if (string)
		return string;
	clean = memory_alloc(strlen(text) * 3 + 1);
	while (*text) {
		size_t length = sequence_length(text);

		memcpy(clean + used, length ? text : "\xef\xbf\xbd", length ? length : 3);
		used += length ? length : 3;
		text += length ? length : 1;
	}
	string = json_stringn(clean, used);
	free(clean);
	return string;
}

json_t *json_text_or_null(const char *text)
{
	return text ? json_text(text) : json_null();
}
