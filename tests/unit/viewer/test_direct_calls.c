/* SPDX-License-Identifier: MIT */
/* Unit tests of viewer/direct_calls.h: system calls told from bytes that look like them. */
#include "viewer/direct_calls.h"

#include <criterion/criterion.h>
#include <elf.h>
#include <string.h>

static size_t count(uint16_t machine, const void *code, size_t size)
{
	const struct elf_image image = {
		.segment_count = 1,
		.segments[0] = {.address = 0x1000,
				.size = size,
				.data = code,
				.readable = true,
				.executable = true},
	};

	return direct_calls_count(&image, machine);
}

#define COUNT(...)                                                                                 \
	({                                                                                         \
		static const uint8_t code[] = {__VA_ARGS__};                                       \
		count(EM_X86_64, code, sizeof(code));                                              \
	})

Test(direct_calls, sees_a_number_loaded_right_before)
{
	cr_expect_eq(COUNT(0xb8, 0xca, 0, 0, 0, 0x0f, 0x05), 1);
	cr_expect_eq(COUNT(0x31, 0xc0, 0x0f, 0x05), 1, "read");
	cr_expect_eq(COUNT(0x6a, 0x03, 0x58, 0x0f, 0x05), 1, "for size");
	cr_expect_eq(COUNT(0x48, 0x8b, 0x44, 0x24, 0x20, 0x0f, 0x05), 1, "without optimisation");
}

Test(direct_calls, sees_arguments_prepared_in_between)
{
	/* mov $0xe8,%eax; mov %r14d,%edi; lea 8(%rsp),%rsi; xor %edx,%edx; mov $-1,%r10 */
	cr_expect_eq(COUNT(0xb8, 0xe8, 0, 0, 0, 0x44, 0x89, 0xf7, 0x48, 0x8d, 0x74, 0x24, 0x08,
			   0x31, 0xd2, 0x49, 0xc7, 0xc2, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x05),
		     1);
}

Test(direct_calls, counts_each_place)
{
	cr_expect_eq(COUNT(0xb8, 1, 0, 0, 0, 0x0f, 0x05, 0xc3, 0xb8, 0, 0, 0, 0, 0x0f, 0x05, 0xc3),
		     2);
}

Test(direct_calls, ignores_the_bytes_within_other_instructions)
{
	/* mov $1,%eax; mov $0x050f,%ecx */
	cr_expect_eq(COUNT(0xb8, 1, 0, 0, 0, 0xb9, 0x0f, 0x05, 0, 0), 0);
	/* mov $1,%eax; jmp to somewhere */
	cr_expect_eq(COUNT(0xb8, 1, 0, 0, 0, 0xe9, 0x00, 0x0f, 0x05, 0), 0);
	cr_expect_eq(COUNT(0x0f, 0x05), 0);
	cr_expect_eq(COUNT(0xb8, 0x0f, 0x05, 0, 0), 0);
}

Test(direct_calls, ignores_numbers_that_are_no_calls)
{
	cr_expect_eq(COUNT(0xb8, 0, 0, 0, 0x80, 0x0f, 0x05), 0);
}

Test(direct_calls, knows_aarch64)
{
	/* mov x8, #98; mov x0, x19; svc #0; ret; svc #0 without a number nearby */
	static const uint32_t near[] = {0xd2800c48, 0xaa1303e0, 0xd4000001, 0xd65f03c0};
	static const uint32_t far[12] = {[0] = 0xd2800c48, [11] = 0xd4000001};

	cr_expect_eq(count(EM_AARCH64, near, sizeof(near)), 1);
	cr_expect_eq(count(EM_AARCH64, far, sizeof(far)), 0);
	cr_expect_eq(count(EM_AARCH64, near, 3), 0);
}

Test(direct_calls, looks_at_code_only)
{
	static const uint8_t code[] = {0xb8, 1, 0, 0, 0, 0x0f, 0x05};
	const struct elf_image image = {
		.segment_count = 1,
		.segments[0] = {.size = sizeof(code), .data = code, .readable = true},
	};

	cr_expect_eq(direct_calls_count(&image, EM_X86_64), 0);
}
