/* SPDX-License-Identifier: MIT */
/* Made-up ELF images. */
#include "fake_image.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

uint8_t *fake_guarded(size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t usable = (size + page - 1) & ~(page - 1);
	uint8_t *memory = mmap(NULL, usable + page, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED || mprotect(memory + usable, page, PROT_NONE))
		abort();
	return memory + usable - size;
}

void fake_image_init(struct fake_image *fake, size_t data_words)
{
	/* mov 0x10(%rdi),%rax; add 0x40(%rax),%rdi */
	static const uint8_t schedule[] = {0x48, 0x8b, 0x47, 0x10, 0x48, 0x03, 0x78, 0x40};

	memset(fake, 0, sizeof(*fake));
	fake->code = fake_guarded(FAKE_CODE_BYTES);
	memset(fake->code, 0xcc, FAKE_CODE_BYTES);
	memcpy(fake->code + (FAKE_SCHEDULE - FAKE_CODE), schedule, sizeof(schedule));
	fake->words = (uint64_t *)(void *)fake_guarded(data_words * 8);
	fake->image = (struct elf_image){.bias = FAKE_CODE,
					 .start = FAKE_CODE,
					 .end = FAKE_DATA + data_words * 8,
					 .segment_count = 2};
	fake->image.segments[0] = (struct elf_segment){.address = FAKE_CODE,
						       .size = FAKE_CODE_BYTES,
						       .data = fake->code,
						       .readable = true,
						       .executable = true};
	fake->data = &fake->image.segments[1];
	*fake->data = (struct elf_segment){.address = FAKE_DATA,
					   .size = data_words * 8,
					   .data = (const uint8_t *)fake->words,
					   .readable = true,
					   .writable = true};
}

struct elf_segment *fake_image_add(struct fake_image *fake, const char *string, bool writable)
{
	struct elf_segment *segment = &fake->image.segments[fake->image.segment_count++];
	uint8_t *bytes = fake_guarded(strlen(string));

	memcpy(bytes, string, strlen(string));
	*segment = (struct elf_segment){.address = FAKE_DATA + 0x100000,
					.size = strlen(string),
					.data = bytes,
					.readable = true,
					.writable = writable};
	return segment;
}

void fake_pointers(uint64_t *words, uint64_t first, unsigned count)
{
	words[0] = first;
	for (unsigned i = 1; i < count; i++)
		words[i] = FAKE_CODE + 0x200 + i * 0x10;
}

void fake_table(uint64_t *words, uint64_t trailer, uint64_t scheduler, uint64_t id)
{
	fake_pointers(words, FAKE_CODE + 0x40, 7);
	words[1] = FAKE_SCHEDULE;
	words[7] = trailer;
	words[8] = scheduler;
	words[9] = id;
}
