/* SPDX-License-Identifier: MIT */
/*
 * A program or shared object read from its file, relocated as the loader would do it, so that the
 * readers of ELF images find in it what they find in a running process.
 */
#ifndef OVERSTAY_ELF_FILE_H
#define OVERSTAY_ELF_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/patch/elf_image.h"

#define ELF_FILE_REASON_SIZE 160

enum elf_file_kind {
	ELF_FILE_DYNAMIC, /* a program that names a dynamic loader */
	ELF_FILE_STATIC,  /* a program that does not */
	ELF_FILE_LIBRARY, /* a shared object that other programs load */
};

struct elf_file {
	/*
	 * Linked for any address: as if mapped where the kernel maps programs, not at 0, where
	 * small numbers would look like pointers into it.
	 */
	struct elf_image image;
	enum elf_file_kind kind;
	uint16_t machine;        /* EM_X86_64 or EM_AARCH64 */
	const char *interpreter; /* the dynamic loader's path; NULL when none is named */
	char build_id[65];       /* lower-case hex, empty when the file has none */
	/* Private from here: a private copy of the file. */
	uint8_t *bytes;
	size_t size;
};

/*
 * Opens the file at `path`. Every offset in it is checked before use. Returns 0, or a negative
 * errno and says in `reason` what is wrong with the file: -ENOEXEC when it is not a 64-bit program
 * or shared object of a machine that overstay knows, or is damaged. Close with elf_file_close.
 */
int elf_file_open(struct elf_file *file, const char *path, char reason[ELF_FILE_REASON_SIZE]);
void elf_file_close(struct elf_file *file);

/* True when the file leaves the symbol `name` to be found in other objects, and refers to it. */
bool elf_file_imports(const struct elf_file *file, const char *name);

#endif
