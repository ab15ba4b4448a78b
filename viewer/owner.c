/* SPDX-License-Identifier: MIT */
/* Crates and paths that are plumbing, and the search for the first frame that is not. */
#include "owner.h"

#include <stdio.h>
#include <string.h>

#include "function_name.h"

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

/*
 * The crate of a source file: `std` for the standard library's (which the compiler calls
 * /rustc/<hash>/library/), `tokio` for .../registry/src/<index>/tokio-1.49.0/.... Empty for others.
 */
static void file_crate(const char *file, char *crate, size_t size)
{
	const char *name = strstr(file, "/registry/src/");
	size_t i, length;

	crate[0] = '\0';
	if (strncmp(file, "/rustc/", 7) == 0 || strstr(file, "/rustlib/src/rust/library/")) {
		snprintf(crate, size, "std");
		return;
	}
	if (!name)
		return;
	name = strchr(name + strlen("/registry/src/"), '/');
	if (!name++)
		return;
	length = strcspn(name, "/");
	for (i = length; i > 0; i--)
		if (name[i] == '-' && name[i + 1] >= '0' && name[i + 1] <= '9')
			break;
	if (!i || i >= size)
		return;
	memcpy(crate, name, i);
	crate[i] = '\0';
	while ((name = strchr(crate, '-')))
		crate[name - crate] = '_';
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

const struct frame *owner_where(const struct stack *stack, size_t boundary, bool outside)
{
	size_t i, end = outside ? stack->frame_count : boundary;

	for (i = 0; i < end; i++)
		if (owner_is_application(&stack->frames[i]))
			return &stack->frames[i];
	return NULL;
}
