/* SPDX-License-Identifier: MIT */
/*
 * Replaces pointers in an image's data (vtable slots, GOT slots), also where the loader has made it
 * read-only. A page is writable only between the first and the last replacement in it and never
 * executable.
 * Runs on: the holder of engine.c's object lock.
 */
#ifndef OVERSTAY_SLOTS_H
#define OVERSTAY_SLOTS_H

#include "runtime/patch/elf_image.h"

struct slot_writer {
	const struct elf_image *image;
	bool relocated;
	uint64_t page;  /* the page that is open; 0: none */
	bool read_only; /* to be made read-only again */
};

/*
 * `relocated`: the loader is done with the image, so that its protection is what the headers say.
 * Otherwise another thread may just be in dlopen: then a page gets back the protection it has now.
 */
void slot_writer_init(struct slot_writer *writer, const struct elf_image *image, bool relocated);

/*
 * Stores `value` into the 8-byte aligned slot at `address`, atomically: other threads may be
 * calling through it. Returns 0, or a negative errno and leaves the slot alone. Ascending addresses
 * are cheapest.
 */
int slot_writer_set(struct slot_writer *writer, uint64_t address, uint64_t value);

/* Restores the protection of the page that is still open. */
void slot_writer_finish(struct slot_writer *writer);

#endif
