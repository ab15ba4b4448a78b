/* SPDX-License-Identifier: MIT */
/* Dynamic relocations of an ELF image that was read from a file. */
#ifndef OVERSTAY_ELF_RELOCATE_H
#define OVERSTAY_ELF_RELOCATE_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/patch/elf_image.h"

/*
 * Gives the image's words the values they have at run time, as far as the file alone tells: all
 * relative relocations (also packed ones), and references to symbols that the file itself defines.
 * The data that the image reads must be writable; `machine` is EM_X86_64 or EM_AARCH64. Returns 0,
 * or -EINVAL when the tables lie outside the image; single entries that do are left out.
 */
int elf_relocate(const struct elf_image *image, uint16_t machine);

/* True when a relocation refers to a symbol `name` that the image does not define. */
bool elf_refers_to(const struct elf_image *image, const char *name);

#endif
