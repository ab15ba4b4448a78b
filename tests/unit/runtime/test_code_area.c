/* SPDX-License-Identifier: MIT */
/*
 * Unit tests of runtime/patch/code_area.h: where memory for code is put, and that nothing is ever
 * writable and executable.
 */
#include "runtime/patch/code_area.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/unit/runtime/lock_code.h"

#define PAGE  4096ul
#define REACH 0x7fff0000ul

/* "rw-p" of the mapping that holds the address. */
static const char *protection_of(const void *address)
{
	static char flags[8];
	unsigned long start, end;
	char line[512];
	FILE *maps = fopen("/proc/self/maps", "r");

	strcpy(flags, "none");
	while (fgets(line, sizeof(line), maps)) {
		char here[8];

		cr_assert_eq(sscanf(line, "%lx-%lx %7s", &start, &end, here), 3);
		cr_expect_not(here[1] == 'w' && here[2] == 'x', "%s", line);
		if ((uintptr_t)address >= start && (uintptr_t)address < end)
			strcpy(flags, here);
	}
	fclose(maps);
	return flags;
}

static struct elf_image image_at(uint64_t start, uint64_t size)
{
	return (struct elf_image){.start = start, .end = start + size};
}

/* All of the area is in reach of all of the image, and nothing of the image is in it. */
static void expect_near(const struct elf_image *image, const uint8_t *area, size_t size)
{
	uint64_t low = (uintptr_t)area, high = low + size;

	cr_assert_not_null(area);
	cr_assert(high <= image->start || low >= image->end);
	cr_assert_lt((high > image->end ? high : image->end) -
			     (low < image->start ? low : image->start),
		     REACH);
}

static uint8_t *map_near(const struct elf_image *image, size_t size)
{
	uint8_t *area = code_area_map(image, size);

	expect_near(image, area, size);
	cr_assert_str_eq(protection_of(area), "rw-p");
	cr_assert_str_eq(protection_of(area + size - 1), "rw-p");
	area[0] = area[size - 1] = 0xc3;
	return area;
}

Test(code_area, lies_below_an_image)
{
	static const uint64_t starts[] = {0x555555554000, 0x7f1234567000, 0x140000000, 0x400000};

	for (unsigned i = 0; i < sizeof(starts) / sizeof(*starts); i++) {
		struct elf_image image = image_at(starts[i], 0x234567);
		uint8_t *area = map_near(&image, 3 * PAGE + 1);

		cr_expect_lt((uintptr_t)area, starts[i]);
	}
}

Test(code_area, lies_behind_an_image_at_the_bottom_of_memory)
{
	struct elf_image image = image_at(0x10000, 0x5000);
	uint8_t *area = map_near(&image, PAGE);

	cr_assert_geq((uintptr_t)area, image.end + (1ul << 30), "there is room for a heap");
}

Test(code_area, lies_behind_a_low_image_when_it_is_large)
{
	struct elf_image image = image_at(0x400000, 0x5000);

	map_near(&image, 16ul << 20);
}

Test(code_area, makes_way_for_what_is_there)
{
	struct elf_image image = image_at(0x300000000, 0x5000);
	uint8_t *first = map_near(&image, 4 * PAGE), *second;

	first[1] = 0x77;
	second = map_near(&image, 4 * PAGE);
	cr_assert(second + 4 * PAGE <= first || second >= first + 4 * PAGE);
	cr_assert_eq(first[1], 0x77);
	code_area_unmap(first, 4 * PAGE);
	cr_assert_str_eq(protection_of(first), "none");
}

Test(code_area, is_not_for_images_that_are_larger_than_its_reach)
{
	struct elf_image image = image_at(0x10000000000, 0x70000000);

	cr_assert_null(code_area_map(&image, PAGE));
	image.end -= 0x10000000;
	map_near(&image, PAGE);
}

Test(code_area, runs_once_it_is_sealed)
{
	struct elf_image image = image_at(0x300000000, 0x5000);
	uint8_t *area = map_near(&image, PAGE + 1);
	int (*function)(void) = (int (*)(void))(uintptr_t)area;

	memcpy(area, (const uint8_t[]){0xb8, 42, 0, 0, 0, 0xc3}, 6);
	cr_assert_eq(code_area_seal(area, PAGE + 1), 0);
	cr_assert_str_eq(protection_of(area), "r-xp");
	cr_assert_str_eq(protection_of(area + PAGE), "r-xp");
	cr_assert_eq(function(), 42);
	code_area_unmap(area, PAGE + 1);
	cr_assert_str_eq(protection_of(area), "none");
	cr_assert_str_eq(protection_of(area + PAGE), "none");
	cr_assert_eq(code_area_seal(area, PAGE + 1), -ENOMEM);
}

Test(code_area, says_whether_a_file_may_be_patched)
{
	cr_assert(code_area_may_patch("/proc/self/exe"));
	cr_assert(code_area_may_patch(LOCK_RUNS));
	cr_assert_not(code_area_may_patch("/nonexistent"));
	cr_assert_not(code_area_may_patch("/proc"));
}

static volatile sig_atomic_t signals;

static void count_signal(int number)
{
	signals++;
}

Test(code_window, makes_code_writable_and_executable_in_turn)
{
	struct code_window window;
	struct lock_code code;
	uint8_t *function;

	lock_code_open(&code, LOCK_RUNS);
	function = (uint8_t *)(uintptr_t)lock_code_address(&code, "take_guard", "");
	cr_assert_str_eq(protection_of(function), "r-xp");
	code_window_begin(&window, &code.image);
	cr_assert_str_eq(protection_of(function), "r-xp");
	cr_assert_eq(code_window_open(&window, (uintptr_t)function, 6), 0);
	cr_assert_eq(code_window_open(&window, (uintptr_t)function + 6, 6), 0);
	cr_assert_str_eq(protection_of(function), "rw-p");
	memcpy(function, (const uint8_t[]){0xb8, 42, 0, 0, 0, 0xc3}, 6);
	code_window_end(&window);
	cr_assert_str_eq(protection_of(function), "r-xp");
	cr_assert_eq(((int (*)(void))(uintptr_t)function)(), 42);
	cr_assert_str_eq(protection_of((void *)(uintptr_t)code.image.start), "r--p");
}

Test(code_window, holds_signals_back)
{
	struct code_window window;
	struct lock_code code;
	sigset_t mine, now;

	lock_code_open(&code, LOCK_RUNS);
	signal(SIGUSR1, count_signal);
	sigemptyset(&mine);
	sigaddset(&mine, SIGUSR2);
	cr_assert_eq(sigprocmask(SIG_SETMASK, &mine, NULL), 0);
	code_window_begin(&window, &code.image);
	raise(SIGUSR1);
	cr_assert_eq(signals, 0);
	code_window_end(&window);
	cr_assert_eq(signals, 1);
	cr_assert_eq(sigprocmask(SIG_SETMASK, NULL, &now), 0);
	cr_assert(sigismember(&now, SIGUSR2));
	cr_assert_not(sigismember(&now, SIGUSR1));
}

/* Code that nobody runs, as an image of its own. */
static uint8_t *map_code(struct elf_image *image, size_t size)
{
	uint8_t *code = mmap(NULL, size, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	cr_assert_neq(code, MAP_FAILED);
	*image = image_at((uintptr_t)code, size);
	image->segment_count = 1;
	image->segments[0] = (struct elf_segment){.address = (uintptr_t)code,
						  .size = size - 10,
						  .data = code,
						  .readable = true,
						  .executable = true};
	return code;
}

Test(code_window, is_open_at_one_place_at_a_time)
{
	struct code_window window;
	struct elf_image image;
	uint8_t *code = map_code(&image, 1 << 20);

	code_window_begin(&window, &image);
	cr_assert_eq(code_window_open(&window, (uintptr_t)code + 2 * PAGE - 3, 6), 0);
	cr_assert_str_eq(protection_of(code), "r-xp");
	cr_assert_str_eq(protection_of(code + 2 * PAGE - 3), "rw-p");
	cr_assert_str_eq(protection_of(code + 2 * PAGE + 2), "rw-p", "all of the six bytes");
	cr_assert_eq(code_window_open(&window, (uintptr_t)code + (1 << 20) - 16, 6), 0);
	cr_assert_str_eq(protection_of(code + 2 * PAGE), "r-xp");
	cr_assert_str_eq(protection_of(code + (1 << 20) - 16), "rw-p");
	cr_assert_eq(code_window_open(&window, (uintptr_t)code, 5), 0, "and back");
	code[0] = 0xc3;
	cr_assert_str_eq(protection_of(code + (1 << 20) - 16), "r-xp");
	code_window_end(&window);
	cr_assert_str_eq(protection_of(code), "r-xp");
}

Test(code_window, opens_nothing_but_the_images_code)
{
	struct code_window window;
	struct elf_image image;
	uint8_t *code = map_code(&image, 4 * PAGE);

	code_window_begin(&window, &image);
	cr_assert_eq(code_window_open(&window, (uintptr_t)code - 1, 6), -EFAULT);
	cr_assert_eq(code_window_open(&window, (uintptr_t)code + 4 * PAGE - 12, 6), -EFAULT);
	image.segments[0].executable = false;
	cr_assert_eq(code_window_open(&window, (uintptr_t)code, 6), -EFAULT);
	cr_assert_str_eq(protection_of(code), "r-xp");
	code_window_end(&window);
}

Test(code_window, leaves_nothing_writable_when_the_kernel_refuses)
{
	struct code_window window;
	struct elf_image image;
	uint8_t *code = map_code(&image, 128 * PAGE);

	cr_assert_eq(munmap(code + 64 * PAGE, 64 * PAGE), 0);
	code_window_begin(&window, &image);
	cr_assert_eq(code_window_open(&window, (uintptr_t)code, 6), 0);
	cr_assert_eq(code_window_open(&window, (uintptr_t)code + 100 * PAGE, 6), -ENOMEM);
	cr_assert_str_eq(protection_of(code), "r-xp");
	code_window_end(&window);
	cr_assert_str_eq(protection_of(code), "r-xp");
}
