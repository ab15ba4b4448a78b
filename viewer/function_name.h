/* SPDX-License-Identifier: MIT */
/*
 * Demangled Rust function names taken apart: `<app::Conn<T> as core::future::Future>::poll` is, as
 * a path, `app::Conn::poll`, and belongs to the crate `app`.
 */
#ifndef OVERSTAY_FUNCTION_NAME_H
#define OVERSTAY_FUNCTION_NAME_H

#include <stdbool.h>
#include <stddef.h>

#define FUNCTION_PATH_SIZE 512

/*
 * The name as a plain path: generic arguments removed, `<A as B>::f`, `<A>::f` and `<impl B for
 * A>::f` turned into `A::f`, references and wrappers such as `dyn` dropped. A longer path is cut.
 */
void function_path(const char *function, char path[FUNCTION_PATH_SIZE]);

/*
 * The path with every kind of closure and async body written `{{closure}}`, so that debug
 * information, mangling scheme and numbering of closures make no difference.
 */
void function_stable_path(const char *function, char path[FUNCTION_PATH_SIZE]);

/*
 * True when `path` begins with `pattern`, segment by segment. A segment of the pattern that ends in
 * `*` stands for every segment with that beginning.
 */
bool function_path_matches(const char *path, const char *pattern);

/* Copies the first segment of `path`; the empty string when the path is a single name (C, `T`). */
void function_path_crate(const char *path, char *crate, size_t size);

/*
 * For `<A as B>::f` and `<impl B for A>::f` the trait B as a path, else the empty string. B's crate
 * is where the code lives when A is a type of the language or of a library.
 */
void function_trait_path(const char *function, char path[FUNCTION_PATH_SIZE]);

#endif
