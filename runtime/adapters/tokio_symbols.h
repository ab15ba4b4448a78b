/* SPDX-License-Identifier: MIT */
/*
 * Tokio 1.17 to 1.22: task vtables found through the symbols of their poll functions, because their
 * layouts are plain arrays of code pointers. Needs the object's symbol table in its file.
 * Runs on: the holder of the object lock.
 */
#ifndef OVERSTAY_TOKIO_SYMBOLS_H
#define OVERSTAY_TOKIO_SYMBOLS_H

#include "runtime/adapters/tokio_vtables.h"
#include "runtime/images.h"

/*
 * Reports the vtables of `image` to `found`; returns the name of the layout, or NULL when there are
 * none. Only objects that need libgcc_s (every Rust program does) are opened at all.
 */
const char *tokio_hook_by_symbols(struct image *image,
				  void (*found)(void *context, const struct tokio_vtable *),
				  void *context);

#endif
