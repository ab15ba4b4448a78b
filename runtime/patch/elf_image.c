/* SPDX-License-Identifier: MIT */
/*
 * The pure view of a relocated ELF image.
 * Runs on: the constructor, the collector, the viewer.
 */
#include "elf_image.h"

#include <elf.h>
#include <string.h>

static void add_segment(struct elf_image *image, const Elf64_Phdr *phdr, const uint8_t *data)
{
	struct elf_segment *segment;

	if (image->segment_count == ELF_IMAGE_SEGMENTS)
		return;
	segment = &image->segments[image->segment_count++];
	segment->address = image->bias + phdr->p_vaddr;
	segment->size = phdr->p_filesz;
	segment->data = data;
	segment->readable = phdr->p_flags & PF_R;
	segment->writable = phdr->p_flags & PF_W;
	segment->executable = phdr->p_flags & PF_X;
}

/* `file`: where the file's bytes are, or NULL when the segments are mapped at their addresses. */
static void image_fill(struct elf_image *image, uint64_t bias, const uint8_t *file,
		       const Elf64_Phdr *phdr, unsigned count)
{
	memset(image, 0, sizeof(*image));
	image->bias = bias;
	image->start = UINT64_MAX;
	for (unsigned i = 0; i < count; i++, phdr++) {
		uint64_t start = bias + phdr->p_vaddr;

		if (phdr->p_type == PT_LOAD) {
			add_segment(image, phdr,
				    file ? file + phdr->p_offset
					 : (const uint8_t *)(uintptr_t)start);
			if (start < image->start)
				image->start = start;
			if (start + phdr->p_memsz > image->end)
				image->end = start + phdr->p_memsz;
		} else if (phdr->p_type == PT_GNU_RELRO) {
			image->relro_start = start;
			image->relro_end = start + phdr->p_memsz;
		} else if (phdr->p_type == PT_TLS) {
			image->tls_start = start;
			image->tls_file_size = phdr->p_filesz;
		} else if (phdr->p_type == PT_DYNAMIC) {
			image->dynamic = start;
		} else if (phdr->p_type == PT_GNU_EH_FRAME) {
			image->unwind_index = start;
		}
	}
	if (!image->segment_count)
		image->start = 0;
	/* A position-independent object is linked at 0 and never stays there. */
	image->fixed = bias == 0;
}

void elf_image_from_memory(struct elf_image *image, uint64_t bias, const void *phdrs,
			   unsigned count)
{
	image_fill(image, bias, NULL, phdrs, count);
}

void elf_image_from_file(struct elf_image *image, uint64_t bias, const void *file,
			 const void *phdrs, unsigned count)
{
	image_fill(image, bias, file, phdrs, count);
}

static const struct elf_segment *segment_of(const struct elf_image *image, uint64_t address)
{
	for (unsigned i = 0; i < image->segment_count; i++) {
		const struct elf_segment *segment = &image->segments[i];

		if (address - segment->address < segment->size)
			return segment;
	}
	return NULL;
}

bool elf_image_is_code(const struct elf_image *image, uint64_t address)
{
	const struct elf_segment *segment = segment_of(image, address);

	return segment && segment->executable;
}

const uint8_t *elf_image_bytes(const struct elf_image *image, uint64_t address, size_t size)
{
	const struct elf_segment *segment = segment_of(image, address);

	if (!segment || !segment->readable || segment->size - (address - segment->address) < size)
		return NULL;
	return segment->data + (address - segment->address);
}

bool elf_image_has_string(const struct elf_image *image, const char *needle)
{
	for (unsigned i = 0; i < image->segment_count; i++) {
		const struct elf_segment *segment = &image->segments[i];

		if (segment->readable && !segment->writable &&
		    memmem(segment->data, segment->size, needle, strlen(needle)))
			return true;
	}
	return false;
}

static bool dynamic_entry(const struct elf_image *image, size_t index, Elf64_Dyn *ret_entry)
{
	const uint8_t *at =
		image->dynamic ? elf_image_bytes(image, image->dynamic + index * sizeof(*ret_entry),
						 sizeof(*ret_entry))
			       : NULL;

	if (at)
		memcpy(ret_entry, at, sizeof(*ret_entry));
	return at && ret_entry->d_tag != DT_NULL;
}

uint64_t elf_image_dynamic(const struct elf_image *image, int64_t tag)
{
	Elf64_Dyn entry;

	for (size_t i = 0; dynamic_entry(image, i, &entry); i++)
		if (entry.d_tag == tag)
			return entry.d_un.d_val;
	return 0;
}

uint64_t elf_image_dynamic_address(const struct elf_image *image, int64_t tag)
{
	uint64_t value = elf_image_dynamic(image, tag);

	/* The loader rewrites these pointers to run-time addresses on most machines. */
	return value && value < image->start ? value + image->bias : value;
}

bool elf_image_needs(const struct elf_image *image, const char *library)
{
	size_t size = strlen(library) + 1;
	uint64_t strings = elf_image_dynamic_address(image, DT_STRTAB);
	Elf64_Dyn entry;

	for (size_t i = 0; dynamic_entry(image, i, &entry); i++) {
		const uint8_t *name;

		if (entry.d_tag != DT_NEEDED)
			continue;
		name = elf_image_bytes(image, strings + entry.d_un.d_val, size);
		if (name && memcmp(name, library, size) == 0)
			return true;
	}
	return false;
}
