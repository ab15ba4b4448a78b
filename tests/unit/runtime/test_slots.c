/* SPDX-License-Identifier: MIT */
/* Unit tests of runtime/patch/slots.h: pointers replaced in mapped data, and page protections. */
#include "runtime/patch/slots.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGES 4

static size_t page;
static uint8_t *memory; /* PAGES pages, the last one inaccessible */
static struct elf_image image;
static struct slot_writer writer;

/* An image whose one data segment is all of the memory, protected as given. */
static void map(int protection, bool writable_segment)
{
	page = (size_t)sysconf(_SC_PAGESIZE);
	memory = mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		      0);
	cr_assert_neq(memory, MAP_FAILED);
	memset(memory, 0x11, PAGES * page);
	cr_assert_eq(mprotect(memory, (PAGES - 1) * page, protection), 0);
	cr_assert_eq(mprotect(memory + (PAGES - 1) * page, page, PROT_NONE), 0);
	image = (struct elf_image){.start = (uintptr_t)memory,
				   .end = (uintptr_t)memory + (PAGES - 1) * page,
				   .segment_count = 1};
	image.segments[0] = (struct elf_segment){.address = (uintptr_t)memory,
						 .size = (PAGES - 1) * page,
						 .data = memory,
						 .readable = true,
						 .writable = writable_segment};
	slot_writer_init(&writer, &image, true);
}

static void relro(size_t from, size_t to)
{
	image.relro_start = (uintptr_t)memory + from;
	image.relro_end = (uintptr_t)memory + to;
}

/* "rw-p" of the mapping that holds the address. */
static const char *protection_of(const void *address)
{
	static char flags[8];
	unsigned long start, end;
	char line[512];
	FILE *maps = fopen("/proc/self/maps", "r");

	strcpy(flags, "none");
	while (fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%lx %7s", &start, &end, flags) == 3 &&
		    (uintptr_t)address >= start && (uintptr_t)address < end)
			break;
	fclose(maps);
	return flags;
}

static int set(size_t offset, uint64_t value)
{
	return slot_writer_set(&writer, (uintptr_t)memory + offset, value);
}

static uint64_t slot(size_t offset)
{
	uint64_t value;

	memcpy(&value, memory + offset, sizeof(value));
	return value;
}

Test(slots, sets_a_slot_in_writable_data_without_touching_its_protection)
{
	map(PROT_READ | PROT_WRITE, true);
	cr_assert_eq(set(16, 0xabcdef), 0);
	cr_assert_eq(slot(16), 0xabcdef);
	cr_assert_eq(slot(8), 0x1111111111111111);
	cr_assert_eq(slot(24), 0x1111111111111111);
	slot_writer_finish(&writer);
	cr_assert_str_eq(protection_of(memory), "rw-p");
}

Test(slots, sets_a_slot_in_a_read_only_page_and_leaves_it_read_only)
{
	map(PROT_READ, false);
	cr_assert_eq(set(page + 8, 42), 0);
	cr_assert_str_eq(protection_of(memory + page), "rw-p");
	slot_writer_finish(&writer);
	cr_assert_eq(slot(page + 8), 42);
	cr_assert_str_eq(protection_of(memory + page), "r--p");
}

Test(slots, closes_a_page_before_it_opens_the_next)
{
	map(PROT_READ, false);
	cr_assert_eq(set(0, 1), 0);
	cr_assert_eq(set(page - 8, 2), 0);
	cr_assert_eq(set(page, 3), 0);
	cr_assert_str_eq(protection_of(memory), "r--p");
	cr_assert_str_eq(protection_of(memory + page), "rw-p");
	cr_assert_eq(set(8, 4), 0, "back again");
	cr_assert_str_eq(protection_of(memory), "rw-p");
	cr_assert_str_eq(protection_of(memory + page), "r--p");
	slot_writer_finish(&writer);
	cr_assert_str_eq(protection_of(memory), "r--p");
	cr_assert_eq(slot(0) + slot(8) + slot(page - 8) + slot(page), 10);
}

Test(slots, may_be_finished_twice_and_used_again)
{
	map(PROT_READ, false);
	slot_writer_finish(&writer);
	cr_assert_eq(set(0, 1), 0);
	slot_writer_finish(&writer);
	slot_writer_finish(&writer);
	cr_assert_eq(set(0, 2), 0, "the page is opened again");
	slot_writer_finish(&writer);
	cr_assert_eq(slot(0), 2);
	cr_assert_str_eq(protection_of(memory), "r--p");
}

Test(slots, restores_pages_that_the_loader_made_read_only)
{
	map(PROT_READ | PROT_WRITE, true);
	relro(8, page + 100);
	cr_assert_eq(mprotect(memory, page, PROT_READ), 0); /* as the loader does */
	cr_assert_eq(set(64, 7), 0);
	cr_assert_str_eq(protection_of(memory), "rw-p");
	cr_assert_eq(set(page + 64, 8), 0);
	cr_assert_str_eq(protection_of(memory), "r--p");
	slot_writer_finish(&writer);
	cr_assert_eq(slot(64), 7);
	cr_assert_eq(slot(page + 64), 8);
	cr_assert_str_eq(protection_of(memory + page), "rw-p",
			 "the last page is not all relro: the loader leaves it writable");
}

Test(slots, treats_a_last_page_that_is_all_relro_as_read_only)
{
	map(PROT_READ | PROT_WRITE, true);
	relro(8, 2 * page);
	cr_assert_eq(mprotect(memory, 2 * page, PROT_READ), 0);
	cr_assert_eq(set(page + 64, 8), 0);
	slot_writer_finish(&writer);
	cr_assert_str_eq(protection_of(memory + page), "r--p");
	cr_assert_str_eq(protection_of(memory + 2 * page), "rw-p");
}

Test(slots, refuses_executable_segments)
{
	map(PROT_READ, false);
	image.segments[0].executable = true;
	cr_assert_eq(set(16, 1), -EFAULT);
	image.segments[0].writable = true;
	cr_assert_eq(set(16, 1), -EFAULT);
	slot_writer_finish(&writer);
	cr_assert_eq(slot(16), 0x1111111111111111);
	cr_assert_str_eq(protection_of(memory), "r--p");
}

Test(slots, refuses_unaligned_slots)
{
	map(PROT_READ, false);
	for (size_t odd = 1; odd < 8; odd++)
		cr_expect_eq(set(16 + odd, 1), -EFAULT);
	cr_assert_eq(slot(16), 0x1111111111111111);
	cr_assert_str_eq(protection_of(memory), "r--p");
}

Test(slots, refuses_addresses_outside_the_image)
{
	map(PROT_READ, false);
	cr_assert_eq(set((PAGES - 1) * page, 1), -EFAULT);
	cr_assert_eq(slot_writer_set(&writer, (uintptr_t)memory - 8, 1), -EFAULT);
	cr_assert_eq(slot_writer_set(&writer, 0, 1), -EFAULT);
	image.segment_count = 0;
	cr_assert_eq(set(0, 1), -EFAULT);
}

Test(slots, says_so_when_the_kernel_refuses)
{
	map(PROT_READ, false);
	cr_assert_eq(set(0, 1), 0);
	cr_assert_eq(munmap(memory + page, page), 0);
	cr_assert_eq(set(page, 1), -ENOMEM);
	cr_assert_str_eq(protection_of(memory), "r--p", "the page before was closed");
	cr_assert_eq(set(2 * page, 1), 0, "and the next one works");
	slot_writer_finish(&writer);
	cr_assert_eq(slot(2 * page), 1);
}

Test(slots, leaves_a_page_writable_that_the_loader_is_still_relocating)
{
	map(PROT_READ | PROT_WRITE, true);
	relro(0, page);
	slot_writer_init(&writer, &image, false);
	cr_assert_eq(set(8, 42), 0);
	slot_writer_finish(&writer);
	cr_assert_eq(slot(8), 42);
	cr_assert_str_eq(protection_of(memory), "rw-p");
}

Test(slots, protects_a_page_again_that_the_loader_is_done_with)
{
	map(PROT_READ, true);
	relro(0, page);
	slot_writer_init(&writer, &image, false);
	cr_assert_eq(set(8, 42), 0);
	slot_writer_finish(&writer);
	cr_assert_eq(slot(8), 42);
	cr_assert_str_eq(protection_of(memory), "r--p");
}
