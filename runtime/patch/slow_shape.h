/* SPDX-License-Identifier: MIT */
/*
 * Slow paths of locks in files without symbols: functions that reach the C library's syscall(3),
 * which std and parking_lot wait and wake with (Rust 1.62 to 1.95, parking_lot_core 0.9), within
 * two calls. Those that spin first (pause) are the ones that acquire.
 * Runs on: the constructor or the holder of the object lock, the viewer.
 */
#ifndef OVERSTAY_SLOW_SHAPE_H
#define OVERSTAY_SLOW_SHAPE_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/patch/elf_image.h"

#define SLOW_SHAPES   16384 /* power of two */
#define SYSCALL_SLOTS 4

struct slow_shape {
	uint64_t function; /* 0: free */
	unsigned depth;    /* calls that were followed */
	bool waits;        /* reaches syscall(3) */
	bool spins;
};

/* What was found out so far; zero-initialised but for the slots. */
struct slow_shapes {
	uint64_t syscall_slots[SYSCALL_SLOTS]; /* GOT slots bound to syscall(3); 0: none */
	struct slow_shape table[SLOW_SHAPES];
};

/* Looks up the slots in the image's relocations. */
void slow_shapes_init(struct slow_shapes *shapes, const struct elf_image *image);

bool slow_shapes_is_syscall(const struct slow_shapes *shapes, uint64_t slot);

/* The shape of the function at that address; nothing when it cannot be told. */
struct slow_shape slow_shape_of(struct slow_shapes *shapes, const struct elf_image *image,
				uint64_t function);

#endif
