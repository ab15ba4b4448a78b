/* SPDX-License-Identifier: MIT */
/* Made-up ELF files. */
#include "elf_sample.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INTERPRETER 0x300
#define RELAS       0x400
#define SYMBOLS     0x800
#define STRINGS     0xa00

static Elf64_Phdr *phdr_at(struct elf_sample *sample, unsigned index)
{
	return (Elf64_Phdr *)(void *)(sample->bytes + sizeof(Elf64_Ehdr)) + index;
}

Elf64_Phdr *elf_sample_phdr(struct elf_sample *sample, uint32_t type, uint64_t offset,
			    uint64_t size)
{
	Elf64_Phdr *phdr = phdr_at(sample, sample->header.e_phnum++);

	*phdr = (Elf64_Phdr){.p_type = type,
			     .p_flags = PF_R,
			     .p_offset = offset,
			     .p_vaddr = offset,
			     .p_filesz = size,
			     .p_memsz = size,
			     .p_align = 4};
	return phdr;
}

Elf64_Phdr *elf_sample_load(struct elf_sample *sample, uint64_t offset)
{
	for (unsigned i = 0; i < sample->header.e_phnum; i++)
		if (phdr_at(sample, i)->p_type == PT_LOAD && phdr_at(sample, i)->p_offset == offset)
			return phdr_at(sample, i);
	abort();
}

void elf_sample_init(struct elf_sample *sample)
{
	memset(sample, 0, sizeof(*sample));
	sample->header = (Elf64_Ehdr){
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			    EV_CURRENT},
		.e_type = ET_DYN,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(Elf64_Ehdr),
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
	};
	elf_sample_phdr(sample, PT_LOAD, 0, SAMPLE_CODE);
	elf_sample_phdr(sample, PT_LOAD, SAMPLE_CODE, 0x1000)->p_flags = PF_R | PF_X;
	elf_sample_phdr(sample, PT_LOAD, SAMPLE_DATA, 0x1000)->p_flags = PF_R | PF_W;
	elf_sample_load(sample, SAMPLE_DATA)->p_memsz += 0x1000;
	elf_sample_phdr(sample, PT_DYNAMIC, SAMPLE_DYNAMIC, 0x800);
	elf_sample_dynamic(sample, DT_FLAGS_1, DF_1_PIE);
	elf_sample_dynamic(sample, DT_SYMTAB, SYMBOLS);
	elf_sample_dynamic(sample, DT_STRTAB, STRINGS);
	sample->strings_size = 1;
	sample->symbol_count = 1;
}

void elf_sample_dynamic(struct elf_sample *sample, int64_t tag, uint64_t value)
{
	uint64_t at = SAMPLE_DYNAMIC + sample->dynamic_count++ * sizeof(Elf64_Dyn);

	elf_sample_word(sample, at, (uint64_t)tag);
	elf_sample_word(sample, at + 8, value);
}

void elf_sample_rela(struct elf_sample *sample, uint64_t offset, uint32_t type, uint32_t symbol,
		     int64_t addend)
{
	const Elf64_Rela rela = {offset, ELF64_R_INFO((uint64_t)symbol, type), addend};

	if (!sample->rela_count) {
		elf_sample_dynamic(sample, DT_RELA, RELAS);
		elf_sample_dynamic(sample, DT_RELASZ, 0);
	}
	memcpy(sample->bytes + RELAS + sample->rela_count++ * sizeof(rela), &rela, sizeof(rela));
	for (unsigned i = 0; i < sample->dynamic_count; i++)
		if (sample->bytes[SAMPLE_DYNAMIC + i * 16] == DT_RELASZ)
			elf_sample_word(sample, SAMPLE_DYNAMIC + i * 16 + 8,
					sample->rela_count * sizeof(rela));
}

uint32_t elf_sample_symbol(struct elf_sample *sample, const char *name, uint16_t section,
			   uint64_t value)
{
	const Elf64_Sym symbol = {.st_name = (Elf64_Word)sample->strings_size,
				  .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
				  .st_shndx = section,
				  .st_value = value};

	strcpy((char *)sample->bytes + STRINGS + sample->strings_size, name);
	sample->strings_size += strlen(name) + 1;
	memcpy(sample->bytes + SYMBOLS + sample->symbol_count * sizeof(symbol), &symbol,
	       sizeof(symbol));
	return sample->symbol_count++;
}

void elf_sample_interpreter(struct elf_sample *sample, const char *path)
{
	strcpy((char *)sample->bytes + INTERPRETER, path);
	elf_sample_phdr(sample, PT_INTERP, INTERPRETER, strlen(path) + 1);
}

void elf_sample_word(struct elf_sample *sample, uint64_t offset, uint64_t value)
{
	memcpy(sample->bytes + offset, &value, sizeof(value));
}

void elf_sample_vtable(struct elf_sample *sample, uint64_t offset, uint64_t id)
{
	/* mov 0x10(%rdi),%rax; add 0x40(%rax),%rdi: what Tokio's schedule function does */
	static const uint8_t schedule[] = {0x48, 0x8b, 0x47, 0x10, 0x48, 0x03, 0x78, 0x40};

	memcpy(sample->bytes + SAMPLE_CODE + 0x200, schedule, sizeof(schedule));
	for (unsigned i = 0; i < 7; i++)
		elf_sample_rela(sample, offset + i * 8, R_X86_64_RELATIVE, 0,
				SAMPLE_CODE + (i == 1 ? 0x200 : 0x400 + i * 0x10));
	elf_sample_word(sample, offset + 56, 0x80);
	elf_sample_word(sample, offset + 64, 0x20);
	elf_sample_word(sample, offset + 72, id);
}

const char *elf_sample_write(struct elf_sample *sample, size_t size)
{
	int fd;

	strcpy(sample->path, "/tmp/overstay-elf-XXXXXX");
	fd = mkstemp(sample->path);
	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, sample->bytes, size), (ssize_t)size);
	close(fd);
	return sample->path;
}

void elf_sample_remove(struct elf_sample *sample)
{
	if (*sample->path)
		unlink(sample->path);
	*sample->path = '\0';
}
