/* SPDX-License-Identifier: MIT */
/*
 * Rewrites the text of v0 and DWARF names into the form that legacy names have.
 */
#include "viewer/symbols/rust_text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX  100
#define LENGTH_MAX 65536 /* what is longer is no name */
#define CLOSURE    "{{closure}}"
#define SHIM       "{{vtable.shim}}"
#define GLOBAL     ", alloc::alloc::Global>"

struct output {
	char *text;
	size_t length;
};

static void emit(struct output *output, const char *text, size_t length)
{
	memcpy(output->text + output->length, text, length);
	output->length += length;
}

static bool ends_with(const struct output *output, const char *suffix)
{
	size_t length = strlen(suffix);

	return output->length >= length &&
	       memcmp(output->text + output->length - length, suffix, length) == 0;
}

static bool is_name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

/* Where the group that opens at `text` closes, or NULL. */
static const char *closing(const char *text, const char *end)
{
	int depth = 0;

	for (const char *p = text; p < end; p++) {
		if (*p == '<')
			depth++;
		else if (*p == '>' && (p == text || p[-1] != '-') && --depth == 0)
			return p;
	}
	return NULL;
}

/* Whether the text between two brackets is "Type as Trait". */
static bool has_trait(const char *text, const char *end)
{
	const char *close;

	for (; text + 4 < end; text++) {
		if (*text == '<' && (close = closing(text, end)))
			text = close;
		else if (strncmp(text, " as ", 4) == 0)
			return true;
	}
	return false;
}

static void convert(struct output *output, const char *text, const char *end, bool function,
		    int depth);

/* DWARF gives a function's arguments to its closures: "f::{{closure}}<A>" is f<A>'s closure. */
static void move_before_closures(struct output *output, size_t start)
{
	size_t target = start, unit = strlen("::" CLOSURE), length = output->length - start;
	char *arguments;

	while (target >= unit && memcmp(output->text + target - unit, "::" CLOSURE, unit) == 0)
		target -= unit;
	if (target == start)
		return;
	arguments = strndup(output->text + start, length);
	if (!arguments)
		abort();
	memmove(output->text + target + length, output->text + target, start - target);
	memcpy(output->text + target, arguments, length);
	free(arguments);
}

/* At a '<': generic arguments, or the "<Type>" and "<Type as Trait>" that begin a path. */
static const char *convert_group(struct output *output, const char *text, const char *end,
				 bool function, int depth)
{
	const char *close = depth < DEPTH_MAX ? closing(text, end) : NULL;
	bool arguments, keep = true;
	size_t start;

	if (!close) {
		emit(output, text, 1);
		return text + 1;
	}
	if (ends_with(output, "::"))
		output->length -= 2;
	arguments = output->length > 0 && (is_name_char(output->text[output->length - 1]) ||
					   output->text[output->length - 1] == '}');
	if (arguments && function && !ends_with(output, "drop_in_place") &&
	    !ends_with(output, "drop_glue"))
		return close + 1;
	if (!arguments && end - close > 2 && strncmp(close, ">::", 3) == 0 &&
	    is_name_char(text[1]) && memchr(text, ':', close - text))
		keep = has_trait(text + 1, close);
	start = output->length;
	if (keep)
		emit(output, "<", 1);
	convert(output, text + 1, close, false, depth + 1);
	if (keep)
		emit(output, ">", 1);
	if (arguments)
		move_before_closures(output, start);
	return close + 1;
}

static bool is_body(const char *token)
{
	return strncmp(token, "{closure", 8) == 0 || strncmp(token, "{async_", 7) == 0 ||
	       strncmp(token, "{coroutine", 10) == 0 || strncmp(token, "{gen_", 5) == 0;
}

/* At a '{': "{closure#0}", "{async_fn_env#0}", "{shim:vtable#0}", "{impl#1}" or "{{closure}}". */
static const char *convert_brace(struct output *output, const char *text, const char *end)
{
	const char *close = memchr(text, '}', end - text);

	if (!close || !memchr(text, '#', close - text)) {
		emit(output, text, 1);
		return text + 1;
	}
	if (is_body(text)) {
		emit(output, CLOSURE, strlen(CLOSURE));
	} else if (strncmp(text, "{shim:vtable#", 13) == 0) {
		if (ends_with(output, "::"))
			output->length -= 2;
		emit(output, SHIM, strlen(SHIM));
	} else {
		emit(output, text, close + 1 - text);
	}
	return close + 1;
}

static void convert(struct output *output, const char *text, const char *end, bool function,
		    int depth)
{
	while (text < end) {
		if (*text == '<') {
			text = convert_group(output, text, end, function, depth);
		} else if (*text == '{') {
			text = convert_brace(output, text, end);
		} else if (strncmp(text, GLOBAL, strlen(GLOBAL)) == 0) {
			text += strlen(GLOBAL) - 1;
		} else if (strncmp(text, ", ", 2) == 0) {
			emit(output, ",", 1);
			text += 2;
		} else if (strncmp(text, " + ", 3) == 0) {
			emit(output, "+", 1);
			text += 3;
		} else {
			emit(output, text++, 1);
		}
	}
}

char *rust_text_convert(const char *text, bool function)
{
	size_t length = strlen(text);
	struct output output = {.text = malloc(3 * length + 1)};

	if (!output.text)
		abort();
	if (length > LENGTH_MAX)
		emit(&output, text, length);
	else
		convert(&output, text, text + length, function, 0);
	output.text[output.length] = '\0';
	return output.text;
}

const char *rust_text_last_group(const char *text)
{
	const char *end = text + strlen(text), *close;

	for (const char *p = text; *p; p++) {
		if (*p != '<')
			continue;
		close = closing(p, end);
		if (!close)
			return NULL;
		if (close + 1 == end)
			return p;
		p = close;
	}
	return NULL;
}

size_t rust_text_argument_length(const char *text)
{
	int depth = 0;
	const char *p;

	for (p = text; *p; p++) {
		if (*p == '>' && p > text && p[-1] == '-')
			continue;
		if (depth == 0 && (*p == ',' || *p == '>'))
			break;
		if (strchr("<([{", *p))
			depth++;
		else if (strchr(">)]}", *p))
			depth--;
	}
	return p - text;
}
