/* SPDX-License-Identifier: MIT */
/*
 * Tokio's thread-local "entered" byte.
 * Runs on: the constructor, the viewer.
 */
#include "tokio_context.h"

#include <stddef.h>
#include <string.h>

/*
 * HandleCell's tag word, then at this distance the byte: the same in every binary looked at (1.38,
 * 1.44, 1.49, 1.54; dev, release and fat LTO). Only used to choose among several candidates.
 */
#define TAG_TO_BYTE 0x3e

static bool is_tag_word(const uint8_t *template, uint64_t size, uint64_t at)
{
	uint64_t word;

	if ((at & 7) || at + sizeof(word) > size)
		return false;
	memcpy(&word, template + at, sizeof(word));
	return word == TOKIO_NOT_ENTERED;
}

int64_t tokio_find_entered_byte(const struct elf_image *image)
{
	const uint8_t *template = elf_image_bytes(image, image->tls_start, image->tls_file_size);
	int64_t candidate = -1, beside_tag = -1;
	unsigned candidates = 0, beside_tags = 0;

	if (!template || !image->tls_file_size)
		return -1;
	for (uint64_t i = 0; i < image->tls_file_size; i++) {
		if (template[i] != TOKIO_NOT_ENTERED ||
		    is_tag_word(template, image->tls_file_size, i))
			continue;
		candidate = (int64_t)i;
		candidates++;
		if (i >= TAG_TO_BYTE &&
		    is_tag_word(template, image->tls_file_size, i - TAG_TO_BYTE)) {
			beside_tag = candidate;
			beside_tags++;
		}
	}
	if (beside_tags == 1)
		return beside_tag;
	return candidates == 1 ? candidate : -1;
}
