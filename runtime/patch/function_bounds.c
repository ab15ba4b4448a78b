/* SPDX-License-Identifier: MIT */
/*
 * Binary search in .eh_frame_hdr.
 * Runs on: the constructor or the holder of the object lock, the viewer.
 */
#include "function_bounds.h"

#include <string.h>

/* Encodings of DWARF exception headers: four bytes unsigned; four bytes signed from the header. */
#define ENCODING_UDATA4         0x03
#define ENCODING_DATAREL_SDATA4 0x3b

struct entry {
	int32_t start, description; /* relative to the header */
};

struct header {
	uint8_t version, frame_encoding, count_encoding, table_encoding;
	int32_t frame;
	uint32_t count;
};

static uint64_t segment_end(const struct elf_image *image, uint64_t address)
{
	for (unsigned i = 0; i < image->segment_count; i++) {
		const struct elf_segment *segment = &image->segments[i];

		if (address - segment->address < segment->size)
			return segment->address + segment->size;
	}
	return address;
}

static uint64_t start_of(const struct elf_image *image, const uint8_t *table, uint32_t index)
{
	struct entry entry;

	memcpy(&entry, table + index * sizeof(entry), sizeof(entry));
	return image->unwind_index + (uint64_t)(int64_t)entry.start;
}

bool function_bounds_at(const struct elf_image *image, uint64_t address,
			struct function_bounds *ret)
{
	uint64_t at = image->unwind_index;
	const uint8_t *bytes = at ? elf_image_bytes(image, at, sizeof(struct header)) : NULL;
	struct header header;
	uint32_t low = 0, high;

	if (!bytes)
		return false;
	memcpy(&header, bytes, sizeof(header));
	if (header.version != 1 || header.count_encoding != ENCODING_UDATA4 ||
	    header.table_encoding != ENCODING_DATAREL_SDATA4)
		return false;
	bytes = elf_image_bytes(image, at + sizeof(header), header.count * sizeof(struct entry));
	if (!bytes)
		return false;
	for (high = header.count; low < high;) {
		uint32_t middle = low + (high - low) / 2;

		if (start_of(image, bytes, middle) <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return false;
	ret->start = start_of(image, bytes, low - 1);
	ret->end = low < header.count ? start_of(image, bytes, low) : segment_end(image, address);
	return ret->end > address;
}
