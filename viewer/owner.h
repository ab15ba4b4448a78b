/* SPDX-License-Identifier: MIT */
/* Whose code a frame is: the application's, or the plumbing's that a reader wants folded away. */
#ifndef OVERSTAY_OWNER_H
#define OVERSTAY_OWNER_H

#include <stdbool.h>
#include <stddef.h>

#include "model.h"

#define OWNER_LABEL_SIZE 64

enum owner {
	OWNER_APPLICATION, /* the user's crates and the libraries they chose */
	OWNER_SYSTEM,      /* C library, loader, process and thread entry */
	OWNER_PLUMBING,    /* std, the runtime, futures and lock crates */
	OWNER_UNKNOWN,     /* no symbol */
};

/*
 * Decides by module, crate and source file. `label` takes a short name for folding ("std", "tokio",
 * "libc", the module's file name for OWNER_UNKNOWN); it may be NULL.
 */
enum owner owner_of(const struct frame *frame, char label[OWNER_LABEL_SIZE]);

bool owner_is_application(const struct frame *frame);

/*
 * True for an application frame of the program itself: its Rust source file was not fetched by
 * cargo; without a source file, its crate has the name of the executable `exe` (may be NULL).
 */
bool owner_is_own(const struct frame *frame, const char *exe);

/* True for an application frame whose source file says that it belongs to a library. */
bool owner_is_dependency(const struct frame *frame);

/* As the label of owner_of, but "libsqlite3-sys" for a file of that package. */
void owner_package(const struct frame *frame, char label[OWNER_LABEL_SIZE]);

/*
 * The first frame of the program's own code, or else the first application frame, inside of the
 * poll (before `boundary`). `outside` allows those behind it as a second choice: the caller of
 * `block_on`, into which a root future can be inlined. NULL when there is none.
 */
const struct frame *owner_where(const struct stack *stack, size_t boundary, bool outside,
				const char *exe);

#endif
