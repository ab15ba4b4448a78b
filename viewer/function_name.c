/* SPDX-License-Identifier: MIT */
/* A small parser for the names that Rust's demanglers print. */
#include "function_name.h"

#include <string.h>

struct text {
	char *out;
	size_t used;
};

static void text_put(struct text *text, char c)
{
	if (text->used + 1 < FUNCTION_PATH_SIZE)
		text->out[text->used++] = c;
	text->out[text->used] = '\0';
}

/* `name` points at '<' (or '('); returns the end of the bracketed part, behind its last character.
 */
static const char *bracket_skip(const char *name, const char *end)
{
	int depth = 0;

	for (; name < end; name++) {
		if (*name == '<' || *name == '(' || *name == '[')
			depth++;
		else if (*name == ')' || *name == ']' || (*name == '>' && name[-1] != '-'))
			depth--;
		if (depth == 0)
			return name + 1;
	}
	return end;
}

/* The first `word` in name .. end that is in no bracket, or NULL. */
static const char *word_find(const char *name, const char *end, const char *word)
{
	size_t length = strlen(word);

	while (name < end) {
		if (*name == '<' || *name == '(' || *name == '[') {
			name = bracket_skip(name, end);
			continue;
		}
		if ((size_t)(end - name) >= length && memcmp(name, word, length) == 0)
			return name;
		name++;
	}
	return NULL;
}

/* Splits what stands in `<A as B>` or `<impl B for A>`; B is empty (start == end) when there is
 * none. */
struct impl {
	const char *type, *type_end, *trait, *trait_end;
};

static void impl_split(const char *name, const char *end, struct impl *ret)
{
	const char *word;

	*ret = (struct impl){name, end, end, end};
	if (end - name > 5 && memcmp(name, "impl ", 5) == 0) {
		ret->type = name + 5;
		word = word_find(ret->type, end, " for ");
		if (word) {
			ret->trait = ret->type;
			ret->trait_end = word;
			ret->type = word + 5;
		}
		return;
	}
	word = word_find(name, end, " as ");
	if (word) {
		ret->type_end = word;
		ret->trait = word + 4;
	}
}

static const char *prefix_skip(const char *name, const char *end)
{
	static const char *const prefixes[] = {"&", "*const ", "*mut ", "mut ", "dyn ", "(", "["};
	size_t i;

	for (i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		size_t length = strlen(prefixes[i]);

		if ((size_t)(end - name) > length && memcmp(name, prefixes[i], length) == 0) {
			name += length;
			i = (size_t)-1;
		}
	}
	return name;
}

static void path_put(struct text *text, const char *name, const char *end, int depth);

/* `<...>` at `name`: the qualified self type at a path's start, generic arguments anywhere else. */
static const char *angle_put(struct text *text, const char *name, const char *end, bool start,
			     int depth)
{
	const char *close = bracket_skip(name, end);
	const char *inner_end = close > name + 1 && close[-1] == '>' ? close - 1 : close;
	struct impl impl;

	if (start && depth < 8) {
		impl_split(name + 1, inner_end, &impl);
		path_put(text, impl.type, impl.type_end, depth + 1);
	} else if (text->used >= 2 && memcmp(text->out + text->used - 2, "::", 2) == 0) {
		/* Turbofish, or a legacy `module::<impl B for A>`: the module stays. */
		text->used -= 2;
		text->out[text->used] = '\0';
	}
	return close;
}

static void path_put(struct text *text, const char *name, const char *end, int depth)
{
	const char *start = depth ? prefix_skip(name, end) : name;

	for (name = start; name < end;) {
		if (*name == '<') {
			name = angle_put(text, name, end, name == start, depth);
			continue;
		}
		/* Only a type goes on like this: `dyn A + Send`, `(A, B)`, `[A; 4]`. */
		if (depth && strchr(" ,;)]", *name))
			return;
		text_put(text, *name++);
	}
}

void function_path(const char *function, char path[FUNCTION_PATH_SIZE])
{
	struct text text = {.out = path};

	path[0] = '\0';
	path_put(&text, function, function + strlen(function), 0);
}

void function_trait_path(const char *function, char path[FUNCTION_PATH_SIZE])
{
	struct text text = {.out = path};
	const char *end = function + strlen(function);
	const char *close;
	struct impl impl;

	path[0] = '\0';
	if (*function != '<')
		return;
	close = bracket_skip(function, end);
	impl_split(function + 1, close - 1, &impl);
	if (impl.trait != impl.trait_end)
		path_put(&text, impl.trait, impl.trait_end, 1);
}

void function_stable_path(const char *function, char path[FUNCTION_PATH_SIZE])
{
	static const char *const bodies[] = {"{{closure", "{closure", "{async_fn", "{async_block",
					     "{async_closure"};
	struct text text = {.out = path};
	char full[FUNCTION_PATH_SIZE];
	const char *name = full;

	function_path(function, full);
	path[0] = '\0';
	while (*name) {
		const char *close = NULL;
		size_t i;

		for (i = 0; *name == '{' && !close && i < sizeof(bodies) / sizeof(bodies[0]); i++)
			if (strncmp(name, bodies[i], strlen(bodies[i])) == 0)
				close = strchr(name, '}');
		if (!close) {
			text_put(&text, *name++);
			continue;
		}
		name = close + strspn(close, "}");
		for (i = 0; i < strlen("{{closure}}"); i++)
			text_put(&text, "{{closure}}"[i]);
	}
}

static size_t segment_length(const char *path)
{
	const char *end = strstr(path, "::");

	return end ? (size_t)(end - path) : strlen(path);
}

bool function_path_matches(const char *path, const char *pattern)
{
	for (;;) {
		size_t have = segment_length(path), want = segment_length(pattern);

		if (want && pattern[want - 1] == '*') {
			if (have < want - 1 || memcmp(path, pattern, want - 1) != 0)
				return false;
		} else if (have != want || memcmp(path, pattern, want) != 0) {
			return false;
		}
		if (!pattern[want])
			return true;
		if (!path[have])
			return false;
		path += have + 2;
		pattern += want + 2;
	}
}

void function_path_crate(const char *path, char *crate, size_t size)
{
	size_t length = segment_length(path);

	if (!path[length])
		length = 0;
	if (length >= size)
		length = size - 1;
	memcpy(crate, path, length);
	crate[length] = '\0';
}
