/* SPDX-License-Identifier: MIT */
/*
 * Tokio 1.17 to 1.22 in this process: its vtables, and the class of a task type from the stack of
 * its first poll, because their layouts do not tell it.
 * Runs on: the holder of the object lock.
 */
#ifndef OVERSTAY_TOKIO_SYMBOLS_H
#define OVERSTAY_TOKIO_SYMBOLS_H

#include "runtime/adapters/tokio_vtables.h"
#include "runtime/images.h"

/*
 * Reports the vtables of `image` to `found`, as tokio_find_early_vtables does, and from then on
 * decides the class of their types; returns the name of the layout, or NULL when there are none.
 */
const char *tokio_hook_by_symbols(struct image *image,
				  void (*found)(void *context, const struct tokio_vtable *),
				  void *context);

#endif
