/* SPDX-License-Identifier: MIT */
/*
 * From a code position in an ELF file to functions, files and lines; from a task vtable to the name
 * of its future's type. Runs in the viewer only, never in the target. Not thread-safe.
 */
#ifndef OVERSTAY_SYMBOLS_H
#define OVERSTAY_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One source-level frame; strings are owned by whoever filled the struct, NULL when not known. */
struct symbol_frame {
	char *function; /* demangled, no hash suffix, no "[dis]" crate disambiguators */
	char *file;     /* absolute, where the compiler said in which directory it ran */
	int line;       /* 0 when not known */
	bool inlined;   /* inlined into the frame that follows it */
};

enum module_state {
	MODULE_OK,
	MODULE_MISSING,    /* no file at that path */
	MODULE_CHANGED,    /* the file has another build id than the trace */
	MODULE_NO_SYMBOLS, /* opened, but has neither symbol table nor DWARF */
};

struct symbol_module;

/*
 * Opens the ELF file at `path`. `build_id` is lower-case hex, or NULL when the trace had none (then
 * the file is taken as it is). Always returns an object, whose lookups find nothing unless the
 * state is MODULE_OK; separate debug files are found by build id and debug link in the usual
 * places. Free with symbol_module_close.
 */
struct symbol_module *symbol_module_open(const char *path, const char *build_id,
					 enum module_state *ret_state);
void symbol_module_close(struct symbol_module *module); /* accepts NULL */

/*
 * Frames at the virtual address `address` in that file, innermost inlined function first. (Callers
 * pass return address - 1.) Returns their number and a malloc'd array in *ret_frames, to be freed
 * with symbol_frames_free; 0 and NULL when nothing is known.
 */
size_t symbol_module_lookup(struct symbol_module *module, uint64_t address,
			    struct symbol_frame **ret_frames);
void symbol_frames_free(struct symbol_frame *frames, size_t count);

/*
 * Name of the future type behind a Tokio task vtable, from its poll and dealloc functions (v0
 * generics, drop glue, DWARF), and where that future's body is defined. All strings malloc'd, NULL
 * when not known. `dealloc` may be 0.
 */
void symbol_module_task_type(struct symbol_module *module, uint64_t poll, uint64_t dealloc,
			     char **ret_name, char **ret_file, int *ret_line);

/*
 * The version of a crate, such as "1.49.0" of "tokio", from the panic-location strings in read-only
 * data, which stripped files have too; malloc'd, or NULL.
 */
char *symbol_module_crate_version(struct symbol_module *module, const char *crate);
char *symbol_module_tokio_version(struct symbol_module *module);

/* What a file, with its separate debug file if there is one, tells of its own code. */
enum symbol_detail {
	SYMBOL_DETAIL_NONE,
	SYMBOL_DETAIL_NAMES, /* a symbol table */
	SYMBOL_DETAIL_LINES, /* source positions and inlined calls, no types */
	SYMBOL_DETAIL_FULL,  /* DWARF with types */
};

/* DWARF of Rust's standard library alone, which comes prebuilt, doesn't count. */
enum symbol_detail symbol_module_detail(struct symbol_module *module);

/* Demangles a Rust (legacy or v0) or C++ name; malloc'd. Another name comes back as a copy. */
char *symbol_demangle(const char *mangled);

#endif
