/* SPDX-License-Identifier: MIT */
/*
 * From an atomic instruction to the slow path of its lock: follows the code behind it to the call
 * that is made for the same address.
 * Runs on: the constructor or the holder of the object lock, the viewer.
 */
#ifndef OVERSTAY_SLOW_PATH_H
#define OVERSTAY_SLOW_PATH_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/patch/lock_form.h"
#include "runtime/patch/lock_functions.h"
#include "runtime/patch/slow_shape.h"

#define SLOW_PATH_NO_TIMEOUT 1000000000

struct slow_path {
	uint64_t function;                /* 0: the wake-up call was inlined */
	const struct lock_function *name; /* NULL: told by its shape */
	uint64_t only_lock; /* it is not passed the lock: it serves this one only; 0: it is */
	bool acquires;      /* it spins, so it waits for the lock */
	bool wakes;         /* std's wake-up, inlined */
	bool unknown;       /* called through a register: the first three say nothing */
	uint8_t timeout;    /* number of the argument with a timeout, from 1; 0: has none */
};

/* Everything that finding sites in one image needs. */
struct lock_search {
	const struct decoder *decoder;
	const struct elf_image *image;
	const struct lock_functions *functions;
	struct slow_shapes *shapes;
};

/*
 * Follows both sides of each branch behind the instruction, or only the side of failure for one
 * that `acquires`, up to a small number of instructions. False when there is no slow path for the
 * same address.
 */
bool slow_path_find(const struct lock_search *search, const struct atomic *atomic, bool acquires,
		    struct slow_path *ret);

#endif
