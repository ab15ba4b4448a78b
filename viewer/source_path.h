/* SPDX-License-Identifier: MIT */
/*
 * Whose a source file is, and how to write it, by where compilers and cargo keep the sources of the
 * standard library and of dependencies.
 */
#ifndef OVERSTAY_SOURCE_PATH_H
#define OVERSTAY_SOURCE_PATH_H

#include <stdbool.h>
#include <stddef.h>

/* True for a source file of Rust's standard library, or of the crates that come with it. */
bool source_path_is_std(const char *file);

/* True when cargo has fetched the file: from a registry, or a git repository. */
bool source_path_is_fetched(const char *file);

/*
 * The package of a file from a registry, "libsqlite3-sys" of
 * ".../registry/src/<index>/libsqlite3-sys-0.28.0/...". Empty for any other file, and when it does
 * not fit.
 */
void source_path_package(const char *file, char *package, size_t size);

/*
 * The part of the path that tells something: "libsqlite3-sys-0.28.0/sqlite3/sqlite3.c" of a file
 * from a registry, "std/src/fs.rs" of one of the standard library, any other path as it is.
 */
const char *source_path_short(const char *file);

#endif
