/* SPDX-License-Identifier: MIT */
/*
 * Executable memory.
 * Runs on: the constructor or the holder of the object lock.
 */
#include "code_area.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>

#include "runtime/sys.h"

#define PAGE         4096ul
#define WINDOW_BYTES (32 * PAGE) /* of code that are writable at a time */
#define STEP         (2ul << 20)
#define REACH        0x70000000ul /* within 2 GiB of everything, and some more */
#define HEAP_ROOM    (1ul << 30)  /* behind a program lies its heap, which grows */

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000 /* Linux 4.17; before that, a hint */
#endif

static void *map_at(uint64_t address, size_t size)
{
	long got = sys_call(SYS_mmap, (long)address, (long)size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	if (got < 0 && got > -4096)
		return NULL;
	if ((uint64_t)got == address)
		return (void *)got;
	sys_call2(SYS_munmap, got, size);
	return NULL;
}

/* Below the image first. */
void *code_area_map(const struct elf_image *image, size_t size)
{
	uint64_t start = image->start & ~(PAGE - 1), end = (image->end + PAGE - 1) & ~(PAGE - 1);
	uint64_t span = end - start;
	void *area;

	size = (size + PAGE - 1) & ~(PAGE - 1);
	if (span >= REACH)
		return NULL;
	for (uint64_t away = size; away < REACH - span && away + PAGE * 16 < start; away += STEP)
		if ((area = map_at(start - away, size)))
			return area;
	for (uint64_t away = span + HEAP_ROOM < REACH ? HEAP_ROOM : 0; away + span < REACH;
	     away += STEP)
		if ((area = map_at(end + away, size)))
			return area;
	return NULL;
}

int code_area_seal(void *area, size_t size)
{
	return (int)sys_call3(SYS_mprotect, area, size, PROT_READ | PROT_EXEC);
}

void code_area_unmap(void *area, size_t size)
{
	sys_call2(SYS_munmap, area, size);
}

bool code_area_may_patch(const char *path)
{
	int fd = sys_open(path, O_RDONLY, 0);
	bool may = false;
	long page;

	if (fd < 0)
		return false;
	page = sys_call(SYS_mmap, 0, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	if (page > 0 || page <= -4096) {
		*(volatile uint8_t *)page = 0;
		may = sys_call3(SYS_mprotect, page, PAGE, PROT_READ | PROT_EXEC) == 0;
		sys_call2(SYS_munmap, page, PAGE);
	}
	sys_close(fd);
	return may;
}

static int protect(uint64_t start, uint64_t end, int protection)
{
	return end > start ? (int)sys_call3(SYS_mprotect, start, end - start, protection) : 0;
}

void code_window_begin(struct code_window *window, const struct elf_image *image)
{
	uint64_t all = ~0ul;

	*window = (struct code_window){.image = image};
	sys_call4(SYS_rt_sigprocmask, SIG_SETMASK, &all, &window->signals, sizeof(all));
}

static void close_pages(struct code_window *window)
{
	protect(window->start, window->end, PROT_READ | PROT_EXEC);
	window->start = window->end = 0;
}

int code_window_open(struct code_window *window, uint64_t address, size_t size)
{
	int error = -EFAULT;

	if (address >= window->start && address + size <= window->end)
		return 0;
	close_pages(window);
	for (unsigned i = 0; i < window->image->segment_count; i++) {
		const struct elf_segment *segment = &window->image->segments[i];
		uint64_t end = segment->address + segment->size;

		if (!segment->executable || address < segment->address || address + size > end)
			continue;
		window->start = address & ~(PAGE - 1);
		window->end =
			window->start + WINDOW_BYTES < end ? window->start + WINDOW_BYTES : end;
		error = protect(window->start, window->end, PROT_READ | PROT_WRITE);
		if (error)
			window->start = window->end = 0;
	}
	return error;
}

void code_window_end(struct code_window *window)
{
	close_pages(window);
	sys_call4(SYS_rt_sigprocmask, SIG_SETMASK, &window->signals, NULL, sizeof(window->signals));
}
