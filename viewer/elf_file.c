/* SPDX-License-Identifier: MIT */
/* Checks an ELF file, takes its headers apart and relocates a private copy of it. */
#include "elf_file.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "elf_relocate.h"

/* Where Linux puts position-independent programs on x86-64 when it does not randomise. */
#define LOAD_BIAS 0x555555554000ull

#define ADDRESS_MAX (1ull << 47)

__attribute__((format(printf, 3, 4))) static int fail(char *reason, int error, const char *format,
						      ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(reason, ELF_FILE_REASON_SIZE, format, args);
	va_end(args);
	return error;
}

static int file_map(struct elf_file *file, int fd, char *reason)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return fail(reason, -errno, "%s", strerror(errno));
	if (S_ISDIR(status.st_mode))
		return fail(reason, -EISDIR, "is a directory");
	if (!S_ISREG(status.st_mode))
		return fail(reason, -EINVAL, "not a regular file");
	if (status.st_size == 0)
		return fail(reason, -ENOEXEC, "an empty file");
	file->size = (size_t)status.st_size;
	file->bytes = mmap(NULL, file->size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	if (file->bytes == MAP_FAILED) {
		file->bytes = NULL;
		return fail(reason, -errno, "%s", strerror(errno));
	}
	return 0;
}

static bool in_file(const struct elf_file *file, uint64_t offset, uint64_t size)
{
	return offset <= file->size && size <= file->size - offset;
}

static int header_check(const struct elf_file *file, Elf64_Ehdr *header, char *reason)
{
	if (file->size >= 2 && memcmp(file->bytes, "#!", 2) == 0)
		return fail(reason, -ENOEXEC, "a script; give the program that it starts instead");
	if (file->size < SELFMAG || memcmp(file->bytes, ELFMAG, SELFMAG) != 0)
		return fail(reason, -ENOEXEC, "not an ELF file");
	if (file->size < sizeof(Elf32_Ehdr))
		return fail(reason, -ENOEXEC, "truncated: it ends within its first header");
	if (file->bytes[EI_CLASS] != ELFCLASS64)
		return fail(reason, -ENOEXEC,
			    "a 32-bit program; overstay watches 64-bit ones only");
	if (file->size < sizeof(*header))
		return fail(reason, -ENOEXEC, "truncated: it ends within its first header");
	memcpy(header, file->bytes, sizeof(*header));
	if (header->e_ident[EI_DATA] != ELFDATA2LSB ||
	    (header->e_machine != EM_X86_64 && header->e_machine != EM_AARCH64))
		return fail(reason, -ENOEXEC,
			    "made for a machine that overstay does not know; it knows x86-64 and "
			    "aarch64");
	if (header->e_type != ET_EXEC && header->e_type != ET_DYN)
		return fail(reason, -ENOEXEC,
			    "an ELF file, but neither a program nor a shared object");
	if (header->e_phentsize != sizeof(Elf64_Phdr) || (header->e_phoff & 7) ||
	    !in_file(file, header->e_phoff, (uint64_t)header->e_phnum * sizeof(Elf64_Phdr)))
		return fail(reason, -ENOEXEC,
			    "truncated or damaged: its program headers are not in the file");
	return 0;
}

/* The readers of an image trust what this has checked. */
static int segments_check(const struct elf_file *file, const Elf64_Phdr *phdrs, unsigned count,
			  char *reason)
{
	unsigned loaded = 0;

	for (unsigned i = 0; i < count; i++) {
		const Elf64_Phdr *phdr = &phdrs[i];

		if (phdr->p_type != PT_LOAD)
			continue;
		loaded++;
		if (!in_file(file, phdr->p_offset, phdr->p_filesz))
			return fail(reason, -ENOEXEC,
				    "truncated: a part that is to be loaded goes on after its end");
		if (phdr->p_filesz > phdr->p_memsz || phdr->p_memsz > ADDRESS_MAX ||
		    phdr->p_vaddr > ADDRESS_MAX || ((phdr->p_vaddr - phdr->p_offset) & 7))
			return fail(reason, -ENOEXEC,
				    "damaged: a part cannot be loaded as its "
				    "header says");
	}
	if (!loaded)
		return fail(reason, -ENOEXEC, "nothing in it is to be loaded");
	return 0;
}

static void note_read(struct elf_file *file, const uint8_t *at, const uint8_t *end, size_t align)
{
	Elf64_Nhdr note;
	size_t name, description;

	while ((size_t)(end - at) >= sizeof(note)) {
		memcpy(&note, at, sizeof(note));
		at += sizeof(note);
		name = (note.n_namesz + align - 1) & ~(align - 1);
		if (name > (size_t)(end - at))
			return;
		description = note.n_descsz;
		if (description > (size_t)(end - at) - name)
			return;
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
		    memcmp(at, "GNU", 4) == 0 && description * 2 < sizeof(file->build_id))
			for (size_t i = 0; i < description; i++)
				sprintf(file->build_id + 2 * i, "%02x", at[name + i]);
		description = (description + align - 1) & ~(align - 1);
		if (description > (size_t)(end - at) - name)
			return;
		at += name + description;
	}
}

static void headers_read(struct elf_file *file, const Elf64_Ehdr *header, const Elf64_Phdr *phdrs)
{
	bool pie = elf_image_dynamic(&file->image, DT_FLAGS_1) & DF_1_PIE;

	file->machine = header->e_machine;
	for (unsigned i = 0; i < header->e_phnum; i++) {
		const Elf64_Phdr *phdr = &phdrs[i];
		const uint8_t *at;

		if (!phdr->p_filesz || !in_file(file, phdr->p_offset, phdr->p_filesz))
			continue;
		at = file->bytes + phdr->p_offset;
		if (phdr->p_type == PT_INTERP && !at[phdr->p_filesz - 1])
			file->interpreter = (const char *)at;
		if (phdr->p_type == PT_NOTE)
			note_read(file, at, at + phdr->p_filesz, phdr->p_align == 8 ? 8 : 4);
	}
	if (file->interpreter)
		file->kind = ELF_FILE_DYNAMIC;
	else
		file->kind = header->e_type == ET_EXEC || pie ? ELF_FILE_STATIC : ELF_FILE_LIBRARY;
}

static int file_read(struct elf_file *file, char *reason)
{
	const Elf64_Phdr *phdrs;
	Elf64_Ehdr header;
	int r;

	r = header_check(file, &header, reason);
	if (r < 0)
		return r;
	phdrs = (const Elf64_Phdr *)(const void *)(file->bytes + header.e_phoff);
	r = segments_check(file, phdrs, header.e_phnum, reason);
	if (r < 0)
		return r;
	elf_image_from_file(&file->image, header.e_type == ET_EXEC ? 0 : LOAD_BIAS, file->bytes,
			    phdrs, header.e_phnum);
	/* Before relocation, which may write anywhere in a damaged file. */
	headers_read(file, &header, phdrs);
	if (elf_relocate(&file->image, file->machine) < 0)
		return fail(reason, -ENOEXEC, "damaged: its relocations are not in the file");
	return 0;
}

int elf_file_open(struct elf_file *file, const char *path, char reason[ELF_FILE_REASON_SIZE])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int r;

	memset(file, 0, sizeof(*file));
	if (fd < 0)
		return fail(reason, -errno, "%s", strerror(errno));
	r = file_map(file, fd, reason);
	close(fd);
	if (r == 0)
		r = file_read(file, reason);
	if (r < 0)
		elf_file_close(file);
	return r;
}

void elf_file_close(struct elf_file *file)
{
	if (file->bytes)
		munmap(file->bytes, file->size);
	memset(file, 0, sizeof(*file));
}

bool elf_file_imports(const struct elf_file *file, const char *name)
{
	return elf_refers_to(&file->image, name);
}
