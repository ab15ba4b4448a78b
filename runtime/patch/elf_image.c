/* SPDX-License-Identifier: MIT */
/*
 * The pure view of a relocated ELF image.
 * Runs on: the constructor, the collector, the viewer.
 */
#include "elf_image.h"

#include <elf.h>
#include <string.h>

static void add_segment(struct elf_image *image, const Elf64_Phdr *phdr)
{
	struct elf_segment *segment;

	if (image->segment_count == ELF_IMAGE_SEGMENTS)
		return;
	segment = &image->segments[image->segment_count++];
	segment->address = image->bias + phdr->p_vaddr;
	segment->size = phdr->p_filesz;
	segment->data = (const uint8_t *)(uintptr_t)segment->address;
	segment->readable = phdr->p_flags & PF_R;
	segment->writable = phdr->p_flags & PF_W;
	segment->executable = phdr->p_flags & PF_X;
}

void elf_image_from_memory(struct elf_image *image, uint64_t bias, const void *phdrs, unsigned count)
{
	const Elf64_Phdr *phdr = phdrs;

	memset(image, 0, sizeof(*image));
	image->bias = bias;
	image->start = UINT64_MAX;
	for (unsigned i = 0; i < count; i++, phdr++) {
		uint64_t start = bias + phdr->p_vaddr;

		if (phdr->p_type == PT_LOAD) {
			add_segment(image, phdr);
			if (start < image->start)
				image->start = start;
			if (start + phdr->p_memsz > image->end)
				image->end = start + phdr->p_memsz;
		} else if (phdr->p_type == PT_GNU_RELRO) {
			image->relro_start = start;
			image->relro_end = start + phdr->p_memsz;
		} else if (phdr->p_type == PT_DYNAMIC) {
			image->dynamic = start;
		}
	}
	if (!image->segment_count)
		image->start = 0;
	/* A position-independent object is linked at 0 and never stays there. */
	image->fixed = bias == 0;
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

/* The loader rewrites pointers of the dynamic section to run-time addresses on most machines. */
static uint64_t dynamic_address(const struct elf_image *image, uint64_t value)
{
	return value < image->start ? value + image->bias : value;
}

bool elf_image_needs(const struct elf_image *image, const char *library)
{
	const Elf64_Dyn *first = (const Elf64_Dyn *)(const void *)elf_image_bytes(
		image, image->dynamic, sizeof(Elf64_Dyn));
	size_t size = strlen(library) + 1;
	uint64_t strings = 0;

	if (!image->dynamic || !first)
		return false;
	for (const Elf64_Dyn *entry = first; entry->d_tag != DT_NULL; entry++)
		if (entry->d_tag == DT_STRTAB)
			strings = dynamic_address(image, entry->d_un.d_ptr);
	for (const Elf64_Dyn *entry = first; entry->d_tag != DT_NULL; entry++) {
		const uint8_t *name;

		if (entry->d_tag != DT_NEEDED)
			continue;
		name = elf_image_bytes(image, strings + entry->d_un.d_val, size);
		if (name && memcmp(name, library, size) == 0)
			return true;
	}
	return false;
}
