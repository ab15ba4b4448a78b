/* SPDX-License-Identifier: MIT */
/*
 * Made-up ELF images for what is a pure function of an image. The run-time addresses exist nowhere;
 * the data lies right before an inaccessible page, so that reading past its end is a crash.
 */
#ifndef OVERSTAY_FAKE_IMAGE_H
#define OVERSTAY_FAKE_IMAGE_H

#include "runtime/patch/elf_image.h"

#define FAKE_CODE       0x550000000000u
#define FAKE_DATA       0x550000100000u
#define FAKE_CODE_BYTES 1024u

/* Code whose first bytes are those of a task vtable's `schedule` function. */
#define FAKE_SCHEDULE (FAKE_CODE + 0x100)

struct fake_image {
	struct elf_image image; /* segment 0 is the code, segment 1 the data */
	struct elf_segment *data;
	uint64_t *words; /* of the data, all zero at first */
	uint8_t *code;   /* all int3, but for FAKE_SCHEDULE */
};

void fake_image_init(struct fake_image *fake, size_t data_words);

/* Adds a segment with the bytes of `string`. */
struct elf_segment *fake_image_add(struct fake_image *fake, const char *string, bool writable);

/* A task vtable as Tokio lays it out since 1.23: ten words. */
void fake_table(uint64_t *words, uint64_t trailer, uint64_t scheduler, uint64_t id);

/* `count` distinct addresses in the code; the first is `first`. */
void fake_pointers(uint64_t *words, uint64_t first, unsigned count);

/* Bytes that end right before an inaccessible page. */
uint8_t *fake_guarded(size_t size);

#endif
