/* SPDX-License-Identifier: MIT */
/*
 * Writes pointer slots in relocated, possibly read-only data.
 * Runs on: the holder of the object lock.
 */
#include "slots.h"

#include <errno.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include "runtime/sys.h"

/* As the kernel was built: 4, 16 or 64 KiB on aarch64. What the loader protects depends on it. */
static uint64_t page_size(void)
{
#if defined(__x86_64__)
	return 4096;
#else
	return getauxval(AT_PAGESZ);
#endif
}

static int protect(uint64_t page, int protection)
{
	return (int)sys_call3(SYS_mprotect, page, page_size(), protection);
}

static const struct elf_segment *data_segment_of(const struct elf_image *image, uint64_t address)
{
	for (unsigned i = 0; i < image->segment_count; i++) {
		const struct elf_segment *segment = &image->segments[i];

		if (address - segment->address < segment->size)
			return segment->executable ? NULL : segment;
	}
	return NULL;
}

/* The loader protects whole pages: from the page of the first relro byte to the last full page. */
static bool in_relro(const struct elf_image *image, uint64_t page)
{
	uint64_t mask = ~(page_size() - 1);

	return page >= (image->relro_start & mask) && page < (image->relro_end & mask);
}

struct maps_reader {
	int fd;
	long have, at;
	char buffer[1024];
};

static int next_char(struct maps_reader *reader)
{
	if (reader->at == reader->have) {
		reader->have = sys_read(reader->fd, reader->buffer, sizeof(reader->buffer));
		reader->at = 0;
	}
	return reader->have > 0 ? (unsigned char)reader->buffer[reader->at++] : -1;
}

/* Reads hexadecimal digits; the character that ends them is in *ret_end. */
static uint64_t next_hex(struct maps_reader *reader, int *ret_end)
{
	uint64_t value = 0;

	for (;;) {
		int c = next_char(reader);

		*ret_end = c;
		if (c >= '0' && c <= '9')
			value = value << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			value = value << 4 | (uint64_t)(c - 'a' + 10);
		else
			return value;
	}
}

/* True when the page is mapped and not writable now ("start-end rw-p ..." in proc(5) maps). */
static bool is_read_only_now(uint64_t page)
{
	struct maps_reader reader = {.fd = sys_open("/proc/self/maps", O_RDONLY, 0)};
	bool read_only = false;
	int c = 0;

	if (reader.fd < 0)
		return false;
	while (c >= 0) {
		uint64_t start = next_hex(&reader, &c);
		uint64_t end = c == '-' ? next_hex(&reader, &c) : 0;

		if (c == ' ' && page >= start && page < end) {
			read_only = next_char(&reader) == 'r' && next_char(&reader) == '-';
			break;
		}
		while (c >= 0 && c != '\n')
			c = next_char(&reader);
	}
	sys_close(reader.fd);
	return read_only;
}

void slot_writer_init(struct slot_writer *writer, const struct elf_image *image, bool relocated)
{
	writer->image = image;
	writer->relocated = relocated;
	writer->page = 0;
	writer->read_only = false;
}

void slot_writer_finish(struct slot_writer *writer)
{
	if (writer->page && writer->read_only)
		protect(writer->page, PROT_READ);
	writer->page = 0;
}

int slot_writer_set(struct slot_writer *writer, uint64_t address, uint64_t value)
{
	const struct elf_segment *segment = data_segment_of(writer->image, address);
	uint64_t page = address & ~(page_size() - 1);

	if (!segment || (address & 7))
		return -EFAULT;
	if (page != writer->page) {
		slot_writer_finish(writer);
		writer->read_only = !segment->writable || in_relro(writer->image, page);
		if (writer->read_only && !writer->relocated)
			writer->read_only = is_read_only_now(page);
		if (writer->read_only) {
			int error = protect(page, PROT_READ | PROT_WRITE);

			if (error < 0)
				return error;
		}
		writer->page = page;
	}
	__atomic_store_n((uint64_t *)(uintptr_t)address, value, __ATOMIC_RELEASE);
	return 0;
}
