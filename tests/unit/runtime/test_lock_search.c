/* SPDX-License-Identifier: MIT */
/* Unit tests of where the search for lock instructions looks: at the edges of functions and
 * segments. */
#include <criterion/criterion.h>
#include <string.h>

#include "runtime/patch/atomic_scan.h"
#include "runtime/patch/lock_form.h"
#include "runtime/patch/replaceable.h"
#include "runtime/patch/slow_shape.h"
#include "tests/unit/runtime/fake_image.h"

#define AT 0x100
static struct fake_image fake;
static struct decoder decoder;

static void begin(void)
{
	fake_image_init(&fake, 16);
	memset(fake.code, 0xcc, FAKE_CODE_BYTES);
	cr_assert(decoder_open(&decoder, &fake.image));
}

TestSuite(lock_search, .init = begin);

static struct value source_of(const uint8_t *code, size_t size, unsigned atomic_at)
{
	struct atomic atomic;

	memcpy(fake.code + AT, code, size);
	cr_assert(atomic_read(&decoder, FAKE_CODE + AT + atomic_at, &atomic));
	atomic_read_values(&decoder, &atomic, FAKE_CODE + AT);
	return atomic.source;
}

Test(lock_search, a_constant_is_loaded_by_a_functions_first_instruction)
{
	/* xor %eax,%eax; xchg %eax,(%rdi) */
	struct value value = source_of((const uint8_t[]){0x31, 0xc0, 0x87, 0x07}, 4, 2);

	cr_expect_eq(value.kind, VALUE_CONSTANT);
	/* mov $-1,%eax; lock xadd %eax,(%rdi) */
	value = source_of((const uint8_t[]){0xb8, 0xff, 0xff, 0xff, 0xff, 0xf0, 0x0f, 0xc1, 0x07},
			  9, 5);
	cr_expect_eq(value.kind, VALUE_CONSTANT);
	/* mov $1,%ecx; xor %eax,%eax; lock cmpxchg %ecx,(%rdi) */
	value = source_of((const uint8_t[]){0xb9, 1, 0, 0, 0, 0x31, 0xc0, 0xf0, 0x0f, 0xb1, 0x0f},
			  11, 7);
	cr_expect_eq(value.kind, VALUE_CONSTANT);
}

static unsigned hits;

static void count(void *context, uint64_t address)
{
	hits++;
}

Test(lock_search, the_scan_reaches_the_end_of_a_segment)
{
	/* Any place that has the readable bytes behind it that the scan needs. */
	for (unsigned at = 64; at + 24 <= FAKE_CODE_BYTES; at++) {
		memset(fake.code, 0xcc, FAKE_CODE_BYTES);
		memcpy(fake.code + at - 7,
		       (const uint8_t[]){0xb9, 1, 0, 0, 0, 0x31, 0xc0, 0xf0, 0x0f, 0xb1, 0x0f}, 11);
		hits = 0;
		atomic_scan(&fake.image, count, NULL);
		cr_expect_eq(hits, 1, "at %u", at);
	}
}

struct index {
	uint8_t version, frame_encoding, count_encoding, table_encoding;
	int32_t frame;
	uint32_t count;
	int32_t entries[2][2];
};

Test(lock_search, a_slow_path_begins_with_a_call_or_jump)
{
	static struct slow_shapes shapes;
	const int32_t base = (int32_t)(FAKE_DATA - FAKE_CODE);
	const struct index index = {
		1, 0x1b, 0x03, 0x3b, 0, 2, {{0x100 - base, 0}, {0x140 - base, 0}}};
	const int32_t slot = base + 0x40 - (0x140 + 6);

	memcpy(fake.words, &index, sizeof(index));
	fake.image.unwind_index = FAKE_DATA;
	shapes.syscall_slots[0] = FAKE_DATA + 0x40;
	memcpy(fake.code + 0x100, (const uint8_t[]){0xe9, 0x3b, 0, 0, 0}, 5); /* jmp 0x140 */
	memcpy(fake.code + 0x140, (const uint8_t[]){0xff, 0x15}, 2);          /* call *slot */
	memcpy(fake.code + 0x142, &slot, sizeof(slot));
	cr_assert(slow_shape_of(&shapes, &fake.image, FAKE_CODE + 0x140).waits);
	cr_assert(slow_shape_of(&shapes, &fake.image, FAKE_CODE + 0x100).waits);
}

Test(lock_search, flags_are_used_where_a_jump_goes)
{
	/* xchg %eax,(%rdi); jmp 1f; cmp $2,%eax; 1: sete %dl */
	memcpy(fake.code + AT,
	       (const uint8_t[]){0x87, 0x07, 0xeb, 0x03, 0x83, 0xf8, 0x02, 0x0f, 0x94, 0xc2, 0xc3},
	       11);
	cr_assert_not(replaceable_flags_unused(&decoder, FAKE_CODE + AT));
}

Test(lock_search, an_address_inside_an_instruction_is_none)
{
	/* test %rax,%rcx; jne; xor %eax,%eax; xchg %eax,0x31b87(%rip); cmp $2,%eax */
	static const uint8_t code[] = {0x48, 0x85, 0xc1, 0x0f, 0x85, 0x43, 0x0a, 0x00, 0x00, 0x31,
				       0xc0, 0x87, 0x05, 0x87, 0x1b, 0x03, 0x00, 0x83, 0xf8, 0x02};
	struct atomic atomic;

	memcpy(fake.code + AT, code, sizeof(code));
	cr_assert(atomic_read(&decoder, FAKE_CODE + AT + 11, &atomic));
	atomic_read_values(&decoder, &atomic, FAKE_CODE + AT);
	cr_expect(atomic.in_step);
	/* xchg %ebx,(%rbx) in the displacement */
	cr_assert(atomic_read(&decoder, FAKE_CODE + AT + 13, &atomic));
	atomic_read_values(&decoder, &atomic, FAKE_CODE + AT);
	cr_expect_not(atomic.in_step);
}
