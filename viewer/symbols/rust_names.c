/* SPDX-License-Identifier: MIT */
/*
 * Demangles names and brings legacy, v0 and DWARF spellings of Rust names to one form.
 */
#include "viewer/symbols/rust_names.h"

#include <ctype.h>
#include <libiberty/demangle.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "viewer/symbols/rust_text.h"
#include "viewer/symbols/symbols.h"

static const char *const future_wrappers[] = {
	"core::pin::Pin<",
	"alloc::boxed::Box<",
	"tracing::instrument::Instrumented<",
	"tokio::runtime::blocking::task::BlockingTask<",
};

char *rust_type_text(const char *text)
{
	return rust_text_convert(text, false);
}

char *rust_function_text(const char *text)
{
	return rust_text_convert(text, true);
}

/* Drops what LTO appends to make names unique, and the version of a dynamic symbol. */
static char *without_suffix(const char *mangled)
{
	const char *suffix = strstr(mangled, ".llvm.");
	size_t length = suffix ? (size_t)(suffix - mangled) : strcspn(mangled, "@");
	char *copy = strndup(mangled, length);

	if (!copy)
		abort();
	return copy;
}

static char *demangle(const char *mangled, bool keep_arguments)
{
	char *plain = without_suffix(mangled), *text, *result;

	text = rust_demangle(plain, 0);
	if (!text)
		text = cplus_demangle(plain, DMGL_ANSI | DMGL_GNU_V3);
	if (!text)
		return plain;
	if (strncmp(plain, "_R", 2) == 0) {
		result = keep_arguments ? rust_type_text(text) : rust_function_text(text);
		free(text);
		text = result;
	}
	free(plain);
	return text;
}

char *symbol_demangle(const char *mangled)
{
	return demangle(mangled, false);
}

char *rust_demangle_full(const char *mangled)
{
	return demangle(mangled, true);
}

/* Length of "<crate>" in "/<crate>-<version>/src/", of which `version` is the start; 0 when not. */
static size_t crate_length(const char *start, const char *end)
{
	for (const char *dash = start; dash + 1 < end; dash++) {
		if (*dash == '-' && isdigit((unsigned char)dash[1]) &&
		    memchr(dash, '.', end - dash))
			return dash - start;
	}
	return 0;
}

/* Finds the crate's name and the path below its src directory. */
static const char *split_crate(const char *file, const char **ret_crate, size_t *ret_length)
{
	const char *start, *below;

	for (below = file; (below = strstr(below, "/src/")); below += strlen("/src")) {
		for (start = below; start > file && start[-1] != '/'; start--)
			;
		*ret_crate = start;
		*ret_length = crate_length(start, below);
		if (*ret_length == 0 && start - file >= 9 &&
		    strncmp(start - 9, "/library/", 9) == 0)
			*ret_length = below - start;
		if (*ret_length > 0)
			return below + strlen("/src/");
	}
	return NULL;
}

char *rust_path_of_file(const char *file)
{
	const char *crate, *below, *part, *end;
	size_t length;
	char *path, *out;

	below = split_crate(file, &crate, &length);
	if (!below)
		return NULL;
	path = malloc(length + 2 * strlen(below) + 1);
	if (!path)
		abort();
	memcpy(path, crate, length);
	for (size_t i = 0; i < length; i++)
		path[i] = path[i] == '-' ? '_' : path[i];
	out = path + length;
	for (part = below; part; part = *end ? end + 1 : NULL) {
		end = part + strcspn(part, "/");
		length = end - part;
		if (*end == '\0') {
			if (length > 3 && strcmp(end - 3, ".rs") == 0)
				length -= 3;
			if (length == 3 && (!strncmp(part, "mod", 3) || !strncmp(part, "lib", 3)))
				break;
		}
		out += sprintf(out, "::%.*s", (int)length, part);
	}
	*out = '\0';
	return path;
}

char *rust_first_argument(const char *name)
{
	const char *open = rust_text_last_group(name);
	char *argument;

	if (!open)
		return NULL;
	argument = strndup(open + 1, rust_text_argument_length(open + 1));
	if (!argument)
		abort();
	return argument;
}

/* What one wrapper holds, or NULL. DWARF puts "dyn A + B" in parentheses. */
static char *unwrap_once(const char *type)
{
	size_t length = strlen(type);

	if (*type == '(' && strncmp(type + 1, "dyn ", 4) == 0 && type[length - 1] == ')')
		return strndup(type + 1, length - 2);
	for (size_t i = 0; i < sizeof(future_wrappers) / sizeof(*future_wrappers); i++) {
		length = strlen(future_wrappers[i]);
		if (strncmp(type, future_wrappers[i], length) == 0 &&
		    rust_text_last_group(type) == type + length - 1)
			return rust_first_argument(type);
	}
	return NULL;
}

char *rust_unwrap_future(const char *type)
{
	char *current = strdup(type), *inner;

	while (current && (inner = unwrap_once(current))) {
		free(current);
		current = inner;
	}
	if (!current)
		abort();
	return current;
}
