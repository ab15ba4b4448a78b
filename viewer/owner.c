/* SPDX-License-Identifier: MIT */
/* Crates and paths that are plumbing, and the search for the first frame that is not. */
#include "owner.h"

#include <stdio.h>
#include <string.h>

#include "function_name.h"
#include "source_path.h"

/* Crates whose frames never are the answer to "where in my code". */
static const char *const plumbing_crates[] = {
	"std",
	"core",
	"alloc",
	"hashbrown",
	"panic_unwind",
	"tokio",
	"mio",
	"futures",
	"futures_core",
	"futures_util",
	"futures_task",
	"pin_project",
	"pin_project_lite",
	"parking_lot",
	"parking_lot_core",
	"lock_api",
	"dashmap",
	"tokio_macros",
	"std_detect",
	"rustc_std_workspace_core",
};

/* Parts of crates that are otherwise an application's choice. */
static const char *const plumbing_paths[] = {
	"tracing::instrument", "tracing::span",    "tracing_futures",
	"test::run_test*",     "test::test_main*", "test::__rust_begin_short_backtrace",
	"test::console",       "test::types",      "test::assert_test_result",
};

/* Entry points and unwinder helpers, which carry no crate. */
static const char *const system_functions[] = {
	"main",
	"_start",
	"start_thread",
	"clone",
	"clone3",
	"__clone",
	"__clone3",
	"__libc_start_main",
	"__libc_start_call_main",
	"__libc_start_main_impl",
	"__rust_try",
	"rust_begin_unwind",
};

static bool name_listed(const char *name, const char *const *list, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (strcmp(list[i], name) == 0)
			return true;
	return false;
}

#define LISTED(name, list) name_listed(name, list, sizeof(list) / sizeof(list[0]))

static void label_set(char *label, const char *text)
{
	if (label)
		snprintf(label, OWNER_LABEL_SIZE, "%s", text);
}

static bool crate_is_plumbing(const char *crate)
{
	return LISTED(crate, plumbing_crates);
}

/* The crate of a source file from the standard library or a registry; empty for others. */
static void file_crate(const char *file, char *crate, size_t size)
{
	char *dash;

	if (source_path_is_std(file)) {
		snprintf(crate, size, "std");
		return;
	}
	source_path_package(file, crate, size);
	while ((dash = strchr(crate, '-')))
		*dash = '_';
}

/* A tuple, slice, reference or primitive type belongs to no crate. */
static bool type_has_no_crate(const char *type)
{
	static const char *const primitives[] = {"bool", "char", "str",   "u8",  "u16", "u32",
						 "u64",  "u128", "usize", "i8",  "i16", "i32",
						 "i64",  "i128", "isize", "f32", "f64"};

	return !(*type == '_' || (*type >= 'a' && *type <= 'z') ||
		 (*type >= 'A' && *type <= 'Z')) ||
	       LISTED(type, primitives);
}

/* In `<A as B>::f` the code lives in A's crate, or, when A is the plumbing's, perhaps in B's. */
static void function_crate(const char *function, const char *path, char *crate, size_t size)
{
	char trait[FUNCTION_PATH_SIZE];

	function_path_crate(path, crate, size);
	if (function[0] != '<' || !(crate_is_plumbing(crate) || type_has_no_crate(crate)))
		return;
	function_trait_path(function, trait);
	if (*trait)
		function_path_crate(trait, crate, size);
}

static bool path_is_plumbing(const char *path)
{
	size_t i;

	for (i = 0; i < sizeof(plumbing_paths) / sizeof(plumbing_paths[0]); i++)
		if (function_path_matches(path, plumbing_paths[i]))
			return true;
	return false;
}

static void label_module(char *label, const struct module *module)
{
	const char *path = module && module->path ? module->path : "unknown code";
	const char *slash = strrchr(path, '/');

	label_set(label, slash ? slash + 1 : path);
}

enum owner owner_of(const struct frame *frame, char label[OWNER_LABEL_SIZE])
{
	char path[FUNCTION_PATH_SIZE], crate[OWNER_LABEL_SIZE];

	if ((frame->module && model_module_is_system(frame->module)) ||
	    (frame->function && LISTED(frame->function, system_functions))) {
		label_set(label, "libc");
		return OWNER_SYSTEM;
	}
	if (!frame->function) {
		label_module(label, frame->module);
		return OWNER_UNKNOWN;
	}
	function_path(frame->function, path);
	function_crate(frame->function, path, crate, sizeof(crate));
	if (frame->file && !crate_is_plumbing(crate)) {
		char from_file[OWNER_LABEL_SIZE];

		file_crate(frame->file, from_file, sizeof(from_file));
		if (crate_is_plumbing(from_file) || (!*crate && *from_file))
			memcpy(crate, from_file, sizeof(crate));
	}
	if (crate_is_plumbing(crate)) {
		bool standard = strcmp(crate, "core") == 0 || strcmp(crate, "alloc") == 0;

		label_set(label, standard ? "std" : crate);
		return OWNER_PLUMBING;
	}
	label_set(label, *crate ? crate : "C code");
	return path_is_plumbing(path) ? OWNER_PLUMBING : OWNER_APPLICATION;
}

bool owner_is_application(const struct frame *frame)
{
	return owner_of(frame, NULL) == OWNER_APPLICATION;
}

/*
 * The crate that an executable is made from: cargo gives it the crate's name, and that of a test a
 * hash behind it.
 */
static void executable_crate(const char *exe, char *crate, size_t size)
{
	const char *slash = strrchr(exe, '/');
	size_t length;
	char *dash;

	snprintf(crate, size, "%s", slash ? slash + 1 : exe);
	length = strlen(crate);
	dash = strrchr(crate, '-');
	if (dash && crate + length - dash == 17 && strspn(dash + 1, "0123456789abcdef") == 16)
		*dash = '\0';
	while ((dash = strchr(crate, '-')))
		*dash = '_';
}

bool owner_is_own(const struct frame *frame, const char *exe)
{
	char label[OWNER_LABEL_SIZE], crate[OWNER_LABEL_SIZE];
	const char *suffix;

	if (owner_of(frame, label) != OWNER_APPLICATION)
		return false;
	if (frame->file) {
		suffix = strrchr(frame->file, '.');
		return suffix && strcmp(suffix, ".rs") == 0 && !source_path_is_fetched(frame->file);
	}
	if (!exe)
		return false;
	executable_crate(exe, crate, sizeof(crate));
	return strcmp(label, crate) == 0;
}

bool owner_is_dependency(const struct frame *frame)
{
	return owner_is_application(frame) && frame->file && !owner_is_own(frame, NULL);
}

void owner_package(const struct frame *frame, char label[OWNER_LABEL_SIZE])
{
	char package[OWNER_LABEL_SIZE] = "";

	if (owner_of(frame, label) == OWNER_APPLICATION && frame->file)
		source_path_package(frame->file, package, sizeof(package));
	if (*package)
		memcpy(label, package, sizeof(package));
}

const struct frame *owner_where(const struct stack *stack, size_t boundary, bool outside,
				const char *exe)
{
	size_t i, end = outside ? stack->frame_count : boundary;

	for (i = 0; i < end; i++)
		if (owner_is_own(&stack->frames[i], exe))
			return &stack->frames[i];
	for (i = 0; i < end; i++)
		if (owner_is_application(&stack->frames[i]))
			return &stack->frames[i];
	return NULL;
}
