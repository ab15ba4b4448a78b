/* SPDX-License-Identifier: MIT */
/* System calls that a program makes by an instruction of its own rather than through libc. */
#ifndef OVERSTAY_DIRECT_CALLS_H
#define OVERSTAY_DIRECT_CALLS_H

#include <stddef.h>
#include <stdint.h>

#include "runtime/patch/elf_image.h"

/*
 * Places in the image's code that load a call number and, a few instructions later, enter the
 * kernel. An estimate: code is read from wherever such a load seems to stand, not from its
 * functions' starts. `machine` is EM_X86_64 or EM_AARCH64.
 */
size_t direct_calls_count(const struct elf_image *image, uint16_t machine);

#endif
