/* SPDX-License-Identifier: MIT */
/*
 * Memory for generated code in reach of an image's code, and the image's code itself: written first
 * and executed afterwards, never both at a time.
 * Runs on: the constructor or the holder of the object lock, while the process has one thread.
 */
#ifndef OVERSTAY_CODE_AREA_H
#define OVERSTAY_CODE_AREA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/patch/elf_image.h"

/* Writable memory not farther than 32-bit displacements reach from all of the image, or NULL. */
void *code_area_map(const struct elf_image *image, size_t size);

/* Makes it executable instead of writable; returns 0 or a negative errno. */
int code_area_seal(void *area, size_t size);

void code_area_unmap(void *area, size_t size);

/*
 * Whether the kernel lets pages of this file be executed after they were written to (a security
 * module may not); tried on a page that nobody uses.
 */
bool code_area_may_patch(const char *path);

/*
 * Writing to the image's code. Between begin and end no signal is delivered, and nothing may run
 * that is in the image.
 */
struct code_window {
	const struct elf_image *image;
	uint64_t signals;
	uint64_t start, end; /* pages that are writable instead of executable now */
};

void code_window_begin(struct code_window *window, const struct elf_image *image);

/*
 * Makes the code at `address` writable and what was open before executable again. Returns 0 or a
 * negative errno. Ascending addresses are cheapest.
 */
int code_window_open(struct code_window *window, uint64_t address, size_t size);

void code_window_end(struct code_window *window);

#endif
