/* SPDX-License-Identifier: MIT */
/*
 * Finds, in an ELF image, the thread-local byte in which Tokio notes that a thread is inside
 * block_on or a worker's loop. Pure.
 *
 * Source: tokio/src/runtime/context.rs, `CONTEXT.runtime: Cell<EnterRuntime>`, which is
 * Entered { allow_block_in_place: bool } or NotEntered: one byte, 0 or 1 when entered, 2 when not
 * (rustc uses the bool's niche). enter_runtime sets it, exit_runtime (block_in_place) clears it for
 * the closure's time. CONTEXT is initialised by a constant since Tokio 1.29 to 1.38, so that the
 * byte stands as a 2 in the thread-local template; the only other 2 in it is the tag of
 * HandleCell's Option<Handle>, a word of its own.
 */
#ifndef OVERSTAY_TOKIO_CONTEXT_H
#define OVERSTAY_TOKIO_CONTEXT_H

#include <stdint.h>

#include "runtime/patch/elf_image.h"

#define TOKIO_ENTERED_MAX 1 /* largest value that means entered */
#define TOKIO_NOT_ENTERED 2

/* Offset of the byte in the image's thread-local block, or -1 when it is not unmistakable. */
int64_t tokio_find_entered_byte(const struct elf_image *image);

#endif
