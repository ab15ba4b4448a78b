/* SPDX-License-Identifier: MIT */
/*
 * Where functions begin, from the sorted index of the unwind tables (.eh_frame_hdr, LSB core
 * specification 10.6.2), which stripping leaves in place.
 * Runs on: the constructor or the holder of the object lock, the viewer.
 */
#ifndef OVERSTAY_FUNCTION_BOUNDS_H
#define OVERSTAY_FUNCTION_BOUNDS_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/patch/elf_image.h"

struct function_bounds {
	uint64_t start, end; /* end: where the next function begins; padding is included */
};

/* Returns false when no function with unwind information covers `address`. */
bool function_bounds_at(const struct elf_image *image, uint64_t address,
			struct function_bounds *ret);

#endif
