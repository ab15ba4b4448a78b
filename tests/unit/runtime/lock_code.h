/* SPDX-License-Identifier: MIT */
/*
 * Hand-written machine code with locks in it, in a shared object of its own: its image can be
 * searched and patched while the test runs. For x86-64.
 */
#ifndef OVERSTAY_LOCK_CODE_H
#define OVERSTAY_LOCK_CODE_H

#include "runtime/patch/elf_image.h"

struct lock_code {
	void *handle;
	struct elf_image image;
	const char *path;
};

/* Loads the object at `path`. */
void lock_code_open(struct lock_code *code, const char *path);

/* The address of the symbol `name`, with `suffix` appended; fails the test when it is not there. */
uint64_t lock_code_address(const struct lock_code *code, const char *name, const char *suffix);

#endif
