/* SPDX-License-Identifier: MIT */
/*
 * Modules are opened, judged and searched.
 */
#include <criterion/criterion.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "viewer/symbols/symbols.h"

struct vtable {
	char *poll, *schedule, *dealloc;
	size_t offset;
};

/* The address that `symbol` has in its file. */
static uint64_t position(const void *symbol)
{
	Dl_info info;

	if (!symbol)
		return 0;
	cr_assert(dladdr(symbol, &info));
	return (const char *)symbol - (const char *)info.dli_fbase;
}

static const void *load(const char *path, const char *symbol)
{
	void *handle = dlopen(path, RTLD_NOW);
	void *found = handle ? dlsym(handle, symbol) : NULL;

	cr_assert_not_null(found);
	return found;
}

static struct symbol_module *open_as(const char *path, enum module_state expected)
{
	enum module_state state;
	struct symbol_module *module = symbol_module_open(path, NULL, &state);

	cr_assert_not_null(module);
	cr_assert_eq(state, expected);
	return module;
}

static void expect_type(size_t index, const char *expected)
{
	const struct vtable *vtable = load(FIXTURE_TASKS, "fixture_vtables");
	struct symbol_module *module = open_as(FIXTURE_TASKS, MODULE_OK);
	char *name, *file;
	int line;

	vtable += index;
	symbol_module_task_type(module, position(vtable->poll), position(vtable->dealloc), &name,
				&file, &line);
	if (expected)
		cr_expect_str_eq(name, expected);
	else
		cr_expect_null(name);
	cr_expect_null(file);
	cr_expect_eq(line, 0);
	free(name);
	symbol_module_close(module);
}

Test(modules, finds_inlined_calls_with_their_lines)
{
	uint64_t address = position(load(FIXTURE_LINES, "fixture_outer"));
	struct symbol_module *module = open_as(FIXTURE_LINES, MODULE_OK);
	struct symbol_frame *frames;
	size_t count = 0;

	/* The first instructions may belong to the frame of the function: look for the inlined one.
	 */
	for (int i = 0; i < 32 && count != 2; i++) {
		count = symbol_module_lookup(module, address + i, &frames);
		if (count != 2)
			symbol_frames_free(frames, count);
	}
	cr_assert_eq(count, 2);
	cr_expect_str_eq(frames[0].function, "fixture_inner");
	cr_expect(frames[0].inlined);
	cr_expect(frames[0].line == 7 || frames[0].line == 8);
	cr_expect_str_eq(frames[1].function, "fixture_outer");
	cr_expect_not(frames[1].inlined);
	cr_expect_eq(frames[1].line, 13);
	cr_expect_eq(frames[1].file[0], '/');
	cr_expect_not_null(strstr(frames[1].file, "fixture_lines.c"));
	symbol_frames_free(frames, count);
	symbol_module_close(module);
}

Test(modules, gives_the_function_alone_when_there_is_no_dwarf)
{
	const struct vtable *vtable = load(FIXTURE_TASKS, "fixture_vtables");
	struct symbol_module *module = open_as(FIXTURE_TASKS, MODULE_OK);
	struct symbol_frame *frames;

	cr_assert_eq(symbol_module_lookup(module, position(vtable->poll), &frames), 1);
	cr_expect_str_eq(frames[0].function, "tokio::runtime::task::raw::poll");
	cr_expect_null(frames[0].file);
	cr_expect_eq(frames[0].line, 0);
	symbol_frames_free(frames, 1);
	symbol_module_close(module);
}

Test(modules, finds_nothing_at_an_address_outside)
{
	struct symbol_module *module = open_as(FIXTURE_LINES, MODULE_OK);
	struct symbol_frame *frames;

	cr_expect_eq(symbol_module_lookup(module, 0, &frames), 0);
	cr_expect_null(frames);
	cr_expect_eq(symbol_module_lookup(module, UINT64_MAX, &frames), 0);
	cr_expect_null(frames);
	symbol_module_close(module);
}

Test(modules, says_when_a_file_is_missing_or_stripped)
{
	struct symbol_frame *frames;
	struct symbol_module *module = open_as("/nonexistent/program", MODULE_MISSING);

	cr_expect_eq(symbol_module_lookup(module, 4096, &frames), 0);
	cr_expect_null(symbol_module_tokio_version(module));
	symbol_module_close(module);
	symbol_module_close(open_as(FIXTURE_STRIPPED, MODULE_NO_SYMBOLS));
	symbol_module_close(NULL);
}

Test(modules, says_when_a_file_has_changed)
{
	enum module_state state;

	symbol_module_close(symbol_module_open(FIXTURE_TASKS, "0123456789abcdef", &state));
	cr_expect_eq(state, MODULE_CHANGED);
	symbol_module_close(symbol_module_open(FIXTURE_TASKS, FIXTURE_BUILD_ID, &state));
	cr_expect_eq(state, MODULE_OK);
}

Test(modules, takes_dynamic_symbols_when_there_are_no_others)
{
	Dl_info info;
	struct symbol_frame *frames;
	struct symbol_module *module;
	void *function = dlsym(RTLD_DEFAULT, "gnu_get_libc_version");

	cr_assert(dladdr(function, &info));
	module = open_as(info.dli_fname, MODULE_OK);
	cr_assert_geq(symbol_module_lookup(module, position(function), &frames), 1);
	cr_expect_str_eq(frames[0].function, "gnu_get_libc_version");
	symbol_frames_free(frames, 1);
	symbol_module_close(module);
}

Test(modules, survives_a_file_that_is_cut_off_anywhere)
{
	char path[] = "/tmp/overstay-symbols-XXXXXX", buffer[65536];
	int from = open(FIXTURE_LINES, O_RDONLY), to = mkstemp(path);
	ssize_t size = read(from, buffer, sizeof(buffer));
	struct symbol_module *module;
	struct symbol_frame *frames;
	enum module_state state;

	cr_assert(size > 0 && write(to, buffer, size) == size);
	for (ssize_t length = size; length >= 0; length -= 61) {
		cr_assert_eq(ftruncate(to, length), 0);
		module = symbol_module_open(path, NULL, &state);
		symbol_frames_free(frames, symbol_module_lookup(module, 4400, &frames));
		free(symbol_module_tokio_version(module));
		symbol_module_close(module);
	}
	unlink(path);
	close(from);
	close(to);
}

Test(modules, reads_the_version_of_tokio_even_when_stripped)
{
	struct symbol_module *module = open_as(FIXTURE_STRIPPED, MODULE_NO_SYMBOLS);
	char *version = symbol_module_tokio_version(module);

	cr_expect_str_eq(version, "1.49.0");
	free(version);
	symbol_module_close(module);
	module = open_as(FIXTURE_LINES, MODULE_OK);
	cr_expect_null(symbol_module_tokio_version(module));
	symbol_module_close(module);
}

Test(task_types, come_from_the_drop_glue_that_dealloc_calls)
{
	expect_type(0, "app::plain::{{closure}}");
}

Test(task_types, with_folded_drop_glue_come_from_the_body_that_poll_calls)
{
	expect_type(1, "app::alpha::{{closure}}");
	expect_type(2, "app::beta::{{closure}}");
}

Test(task_types, with_folded_drop_glue_stay_open_when_the_body_is_inlined)
{
	expect_type(3, NULL);
}

Test(task_types, come_from_the_generic_arguments_of_v0_names)
{
	expect_type(4, "app::nap::{{closure}}");
}
