/* SPDX-License-Identifier: MIT */
/*
 * A relocated ELF image as data: the same view of a program whether it is mapped in this process or
 * was read from a file, so that finding what to patch is a pure function of the image.
 * Runs on: the constructor and the collector (in the target), the viewer.
 */
#ifndef OVERSTAY_ELF_IMAGE_H
#define OVERSTAY_ELF_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ELF_IMAGE_SEGMENTS 16

struct elf_segment {
	uint64_t address;    /* run-time address of the first byte (bias included) */
	uint64_t size;       /* bytes backed by the file; zero-fill is left out */
	const uint8_t *data; /* where this view reads those bytes */
	bool readable, writable, executable;
};

struct elf_image {
	uint64_t bias;  /* run-time address minus the file's virtual address */
	uint64_t start; /* lowest and one past the highest run-time address, zero-fill included */
	uint64_t end;
	uint64_t relro_start, relro_end; /* read-only after relocation; both 0 when there is none */
	uint64_t tls_start, tls_file_size; /* template of the thread-local block; 0: none */
	uint64_t dynamic;                  /* run-time address of the dynamic section; 0: none */
	uint64_t unwind_index;             /* run-time address of .eh_frame_hdr; 0: none */
	bool fixed;                        /* ET_EXEC: not relocated, constants in read-only data */
	unsigned segment_count;
	struct elf_segment segments[ELF_IMAGE_SEGMENTS];
};

/*
 * Adds the program headers `phdrs` (Elf64_Phdr[count]) of an object that is mapped at `bias` in
 * this process. Reads nothing but the headers.
 */
void elf_image_from_memory(struct elf_image *image, uint64_t bias, const void *phdrs,
			   unsigned count);

/*
 * The same for an object whose file's bytes are at `file`, as if it were mapped at `bias`; 0 means
 * that it is not position-independent. The caller has checked that the segments lie in the file.
 */
void elf_image_from_file(struct elf_image *image, uint64_t bias, const void *file,
			 const void *phdrs, unsigned count);

/* True when `address` lies in an executable segment. */
bool elf_image_is_code(const struct elf_image *image, uint64_t address);

/* The bytes at `address`, with at least `size` of them readable in this view; NULL if there are
 * not. */
const uint8_t *elf_image_bytes(const struct elf_image *image, uint64_t address, size_t size);

/* True when the NUL-free string `needle` stands in the image's read-only data. Slow: reads it all.
 */
bool elf_image_has_string(const struct elf_image *image, const char *needle);

/* The value of the first entry `tag` of the dynamic section; 0 when there is none. */
uint64_t elf_image_dynamic(const struct elf_image *image, int64_t tag);

/* The same for an entry that holds a pointer, as a run-time address. */
uint64_t elf_image_dynamic_address(const struct elf_image *image, int64_t tag);

/* True when the object names `library` in a DT_NEEDED entry. */
bool elf_image_needs(const struct elf_image *image, const char *library);

#endif
