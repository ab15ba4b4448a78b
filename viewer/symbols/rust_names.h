/* SPDX-License-Identifier: MIT */
/*
 * Text of Rust names: one spelling for what legacy mangling, v0 mangling and DWARF print.
 */
#ifndef OVERSTAY_SYMBOLS_RUST_NAMES_H
#define OVERSTAY_SYMBOLS_RUST_NAMES_H

#include <stdbool.h>
#include <stddef.h>

/* As symbol_demangle, but keeps the generic arguments that v0 gives to functions. */
char *rust_demangle_full(const char *mangled);

/* The spelling of a type, from v0 or DWARF text: "{closure#0}" and its like become "{{closure}}".
 */
char *rust_type_text(const char *text);

/* The spelling of a function's own DW_AT_name: no generic arguments, except those of drop glue. */
char *rust_function_text(const char *text);

/*
 * Module path of a source file of the standard library or of a crate from a registry, such as
 * "std::thread" for ".../library/std/src/thread/mod.rs": malloc'd, or NULL for any other file.
 */
char *rust_path_of_file(const char *file);

/* The first generic argument of the last path segment: "a::poll<T,S>" gives "T"; malloc'd or NULL.
 */
char *rust_first_argument(const char *name);

/* Takes Pin, Box, Instrumented and BlockingTask off a type; malloc'd. */
char *rust_unwrap_future(const char *type);

#endif
