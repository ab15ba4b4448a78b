/* SPDX-License-Identifier: MIT */
/*
 * A made-up ELF file: headers and tables at 0, code at 0x1000, data at 0x2000, each mapped where it
 * stands in the file, with room for a word of zero-fill behind the data.
 */
#ifndef OVERSTAY_TESTS_ELF_SAMPLE_H
#define OVERSTAY_TESTS_ELF_SAMPLE_H

#include <elf.h>
#include <stddef.h>
#include <stdint.h>

#define SAMPLE_CODE    0x1000
#define SAMPLE_DATA    0x2000
#define SAMPLE_DYNAMIC 0x2800
#define SAMPLE_SIZE    0x3000

struct elf_sample {
	union {
		uint8_t bytes[SAMPLE_SIZE];
		Elf64_Ehdr header;
	};
	unsigned dynamic_count, rela_count, symbol_count;
	size_t strings_size;
	char path[64]; /* after elf_sample_write */
};

/* A position-independent x86-64 program without a loader and without relocations. */
void elf_sample_init(struct elf_sample *sample);

/* Adds a program header for [offset, offset + size) of the file, to be changed at will. */
Elf64_Phdr *elf_sample_phdr(struct elf_sample *sample, uint32_t type, uint64_t offset,
			    uint64_t size);

/* The program header that elf_sample_init made for the part at `offset`. */
Elf64_Phdr *elf_sample_load(struct elf_sample *sample, uint64_t offset);

void elf_sample_dynamic(struct elf_sample *sample, int64_t tag, uint64_t value);
void elf_sample_rela(struct elf_sample *sample, uint64_t offset, uint32_t type, uint32_t symbol,
		     int64_t addend);

/* Returns the symbol's index. */
uint32_t elf_sample_symbol(struct elf_sample *sample, const char *name, uint16_t section,
			   uint64_t value);

/* The path of a dynamic loader. */
void elf_sample_interpreter(struct elf_sample *sample, const char *path);

void elf_sample_word(struct elf_sample *sample, uint64_t offset, uint64_t value);

/* A Tokio task vtable at `offset`, with its relocations; scheduler and id as in a task's. */
void elf_sample_vtable(struct elf_sample *sample, uint64_t offset, uint64_t id);

/* Writes the first `size` bytes to a file in /tmp; returns its path. elf_sample_remove deletes it.
 */
const char *elf_sample_write(struct elf_sample *sample, size_t size);
void elf_sample_remove(struct elf_sample *sample);

#endif
