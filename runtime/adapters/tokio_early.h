/* SPDX-License-Identifier: MIT */
/*
 * Tokio 1.17 to 1.22: task vtables found through the symbols of their poll functions, because their
 * layouts are plain arrays of code pointers. Pure but for reading the object's file, whose symbol
 * table it needs.
 * Runs on: the holder of the object lock, the viewer.
 */
#ifndef OVERSTAY_TOKIO_EARLY_H
#define OVERSTAY_TOKIO_EARLY_H

#include "runtime/adapters/tokio_vtables.h"

struct tokio_early_visitor {
	/*
	 * A function, [start, end) at run time, whose presence on a stack tells the class of the
	 * poll that runs below it. May be NULL. All roles are reported before the first vtable.
	 */
	void (*role)(void *context, uint64_t start, uint64_t end, enum tokio_task_class class);
	void (*found)(void *context, const struct tokio_vtable *vtable);
	void *context;
};

/*
 * Reports the vtables of `image`, whose file is at `path`; returns the name of the layout, or NULL
 * when there are none. Only objects that need libgcc_s (every Rust program does) are opened at all.
 */
const char *tokio_find_early_vtables(const struct elf_image *image, const char *path,
				     const struct tokio_early_visitor *visitor);

#endif
