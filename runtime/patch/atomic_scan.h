/* SPDX-License-Identifier: MIT */
/*
 * Finds byte sequences that look like the atomic instructions locks are made of, as fast as memory
 * can be read. What is found may be the middle of something else: the decoder has the last word.
 * Runs on: the constructor or the holder of the object lock, the viewer.
 */
#ifndef OVERSTAY_ATOMIC_SCAN_H
#define OVERSTAY_ATOMIC_SCAN_H

#include <stdint.h>

#include "runtime/patch/elf_image.h"

/* Calls `found` with the address of each candidate, ascending within a segment. */
void atomic_scan(const struct elf_image *image, void (*found)(void *context, uint64_t address),
		 void *context);

#endif
