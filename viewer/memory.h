/* SPDX-License-Identifier: MIT */
/*
 * Allocation for a short-lived command-line program: memory that cannot be had ends it, with one
 * line and exit status 2, so that no caller needs a path for it.
 */
#ifndef OVERSTAY_MEMORY_H
#define OVERSTAY_MEMORY_H

#include <stddef.h>

/* Zeroed memory, to be freed with free(). Never NULL. */
void *memory_alloc(size_t size);

/*
 * Makes room for at least `need` items of `item` bytes in `array` and updates *capacity. Returns
 * the array, perhaps moved; never NULL unless `need` is 0. New room is not initialised.
 */
void *memory_grow(void *array, size_t *capacity, size_t need, size_t item);

/* A formatted string, to be freed with free(). Never NULL. */
char *memory_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Strings and structs that live exactly as long as the pool. */
struct pool;

struct pool *pool_new(void);
void pool_free(struct pool *pool); /* accepts NULL */

/* Zeroed memory aligned for any type. Never NULL. */
void *pool_alloc(struct pool *pool, size_t size);

/* The pool's only copy of `text`: equal strings come back as equal pointers. NULL for NULL. */
const char *pool_string(struct pool *pool, const char *text);

#endif
