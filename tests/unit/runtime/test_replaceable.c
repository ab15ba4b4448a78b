/* SPDX-License-Identifier: MIT */
/* Unit tests of runtime/patch/replaceable.h, on a few bytes of code. */
#include "runtime/patch/replaceable.h"

#include <criterion/criterion.h>
#include <string.h>

#include "tests/unit/runtime/fake_image.h"

#define ATOMIC 0xf0, 0x0f, 0xb1, 0x0f /* lock cmpxchg %ecx, (%rdi) */
#define NOPS   0x90, 0x90, 0x90, 0x90, 0x90, 0x90
#define AT     0x100 /* of the function; code before it is not its own */

static struct fake_image fake;
static struct decoder decoder;
static struct function_bounds function;
static uint8_t length;

static void open_decoder(void)
{
	fake_image_init(&fake, 1);
	cr_assert(decoder_open(&decoder, &fake.image));
}

TestSuite(replaceable, .init = open_decoder);

static void write_code(const uint8_t *code, size_t size)
{
	memset(fake.code + AT, 0xcc, FAKE_CODE_BYTES - AT);
	memcpy(fake.code + AT, code, size);
	function = (struct function_bounds){FAKE_CODE + AT, FAKE_CODE + AT + size};
}

#define CODE(...) write_code((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static enum lock_skip from(unsigned offset)
{
	return replaceable_length(&decoder, FAKE_CODE + AT + offset, &function, &length);
}

static uint8_t before(unsigned offset)
{
	return replaceable_before(&decoder, FAKE_CODE + AT + offset, &function, &length);
}

Test(replaceable, covers_whole_instructions)
{
	CODE(ATOMIC, 0x75, 0x00, 0xc3);
	cr_assert_eq(from(0), SKIP_NOT);
	cr_assert_eq(length, 6, "and the branch behind");
	CODE(ATOMIC, 0x0f, 0x85, 0, 1, 0, 0, 0xc3);
	cr_assert_eq(from(0), SKIP_NOT);
	cr_assert_eq(length, 10);
	CODE(0x90, 0x90, 0x90, 0x90, 0x90, 0xc3);
	cr_assert_eq(from(0), SKIP_NOT);
	cr_assert_eq(length, 5);
	CODE(0xf0, 0x0f, 0xb1, 0x8f, 0, 1, 0, 0, 0x75, 0x00, 0xc3);
	cr_assert_eq(from(0), SKIP_NOT);
	cr_assert_eq(length, 8, "one is enough");
}

Test(replaceable, sees_short_branches_inside)
{
	CODE(ATOMIC, 0x75, 0x02, 0x90, 0xc3, 0xeb, 0xfa);
	cr_assert_eq(from(0), SKIP_BRANCH, "from behind");
	CODE(0x74, 0x04, ATOMIC, 0x75, 0x00, 0xc3);
	cr_assert_eq(from(2), SKIP_BRANCH, "from before");
	CODE(ATOMIC, 0x75, 0x00, 0x90, 0xe2, 0xfb, 0xc3);
	cr_assert_eq(from(0), SKIP_BRANCH, "a loop");
	CODE(ATOMIC, 0x75, 0x00, 0x90, 0xe3, 0xfb, 0xc3);
	cr_assert_eq(from(0), SKIP_BRANCH, "of no more turns");
}

Test(replaceable, sees_long_branches_inside)
{
	CODE(ATOMIC, 0x75, 0x00, 0xe9, 0xf9, 0xff, 0xff, 0xff);
	cr_assert_eq(from(0), SKIP_BRANCH);
	CODE(0x0f, 0x84, 0x04, 0, 0, 0, ATOMIC, 0x75, 0x00, 0xc3);
	cr_assert_eq(from(6), SKIP_BRANCH);
	CODE(ATOMIC, 0x75, 0x00, 0x0f, 0x85, 0xf8, 0xff, 0xff, 0xff, 0xc3);
	cr_assert_eq(from(0), SKIP_BRANCH);
}

Test(replaceable, sees_branches_from_far_away)
{
	uint8_t code[0x200];

	memset(code, 0x90, sizeof(code));
	memcpy(code, (const uint8_t[]){ATOMIC, 0x75, 0x00}, 6);
	code[4 + 128 - 2] = 0x74;
	code[4 + 128 - 1] = 0x80;
	write_code(code, sizeof(code));
	cr_assert_eq(from(0), SKIP_BRANCH, "128 bytes back");
	memset(code, 0x90, 0x100);
	code[0] = 0x74;
	code[1] = 0x7f;
	memcpy(code + 0x81 - 4, (const uint8_t[]){ATOMIC, 0x75, 0x00}, 6);
	write_code(code, sizeof(code));
	cr_assert_eq(from(0x81 - 4), SKIP_BRANCH, "127 bytes on");
	memset(code, 0x90, 0x100);
	memcpy(code, (const uint8_t[]){ATOMIC, 0x75, 0x00}, 6);
	memcpy(code + 0x1f0, (const uint8_t[]){0xe9, 0x0f, 0xfe, 0xff, 0xff}, 5);
	write_code(code, sizeof(code));
	cr_assert_eq(from(0), SKIP_BRANCH, "farther than short branches reach");
}

Test(replaceable, may_be_branched_to_as_a_whole)
{
	CODE(0x74, 0x00, ATOMIC, 0x75, 0xfa, 0xe9, 0xf5, 0xff, 0xff, 0xff);
	cr_assert_eq(from(2), SKIP_NOT);
	cr_assert_eq(length, 6);
	CODE(ATOMIC, 0x75, 0x01, 0x90, 0xeb, 0xfd);
	cr_assert_eq(from(0), SKIP_NOT, "behind it is outside");
}

Test(replaceable, tells_branches_from_bytes_that_look_like_one)
{
	CODE(ATOMIC, 0x75, 0x00, 0xb8, 0x90, 0xeb, 0xfa, 0x90, 0xc3);
	cr_assert_eq(from(0), SKIP_NOT, "a constant");
}

Test(replaceable, moves_no_calls_and_no_traps)
{
	CODE(0xe8, 0, 0, 0, 0, NOPS);
	cr_assert_eq(from(0), SKIP_OPERAND);
	CODE(0x90, 0xff, 0xd0, NOPS);
	cr_assert_eq(from(0), SKIP_OPERAND);
	CODE(0x90, 0xe3, 0x10, NOPS);
	cr_assert_eq(from(0), SKIP_OPERAND, "no long form");
	CODE(0x90, 0xe2, 0x10, NOPS);
	cr_assert_eq(from(0), SKIP_OPERAND);
	CODE(0x90, 0xcc, NOPS);
	cr_assert_eq(from(0), SKIP_OPERAND);
	CODE(0x90, 0x0f, 0x0b, NOPS);
	cr_assert_eq(from(0), SKIP_OPERAND);
	CODE(0x90, 0x06, NOPS);
	cr_assert_eq(from(0), SKIP_OPERAND, "no instruction");
}

Test(replaceable, ends_where_the_code_goes_elsewhere)
{
	CODE(ATOMIC, 0xc3);
	cr_assert_eq(from(0), SKIP_NOT, "as the last one");
	cr_assert_eq(length, 5);
	CODE(0x90, 0x90, 0x90, 0xc3, NOPS);
	cr_assert_eq(from(0), SKIP_OPERAND, "what follows is reached otherwise");
	CODE(0x90, 0x90, 0xeb, 0x01, NOPS);
	cr_assert_eq(from(0), SKIP_OPERAND);
	CODE(0x90, 0x90, 0x90, 0xeb, 0x01, NOPS);
	cr_assert_eq(from(0), SKIP_NOT);
}

Test(replaceable, stays_in_the_function)
{
	CODE(ATOMIC);
	fake.code[AT + 4] = fake.code[AT + 5] = 0x90;
	cr_assert_eq(from(0), SKIP_OPERAND);
	function.end++;
	cr_assert_eq(from(0), SKIP_NOT);
	function.end = FAKE_CODE + FAKE_CODE_BYTES + 1;
	cr_assert_eq(from(0), SKIP_BOUNDS, "not all of it is there");
}

Test(replaceable, takes_the_instruction_before)
{
	CODE(0x74, 0x06, 0x31, 0xc0, ATOMIC, 0x75, 0x00, 0xc3);
	cr_assert_eq(from(4), SKIP_BRANCH);
	cr_assert_eq(before(4), 2);
	cr_assert_eq(length, 6);
	CODE(0x74, 0x0a, 0x90, 0xb9, 1, 0, 0, 0, ATOMIC, 0x75, 0x00, 0xc3);
	cr_assert_eq(before(8), 5);
	cr_assert_eq(length, 9, "with the atomic instruction, although the jump would do");
}

Test(replaceable, finds_none_before)
{
	CODE(ATOMIC, 0x75, 0x02, 0x90, 0xc3, 0xeb, 0xfa);
	cr_assert_eq(before(0), 0, "another function's");
	CODE(0x74, 0x08, 0x74, 0x02, 0x31, 0xc0, ATOMIC, 0x75, 0x00, 0xc3);
	cr_assert_eq(before(6), 0, "a branch lands on the instruction itself");
	CODE(0x74, 0x09, 0xe8, 0, 0, 0, 0, ATOMIC, 0x75, 0x00, 0xc3);
	cr_assert_eq(before(7), 0, "a call stays where it is");
}

static bool unused(void)
{
	return replaceable_flags_unused(&decoder, FAKE_CODE + AT);
}

Test(replaceable, knows_whether_flags_are_in_use)
{
	CODE(0x87, 0x07, 0x83, 0xf8, 0x02, 0x74, 0x00, 0xc3);
	cr_assert(unused(), "xchg keeps them, cmp makes new ones");
	CODE(0x87, 0x07, 0x0f, 0x94, 0xc2, 0x83, 0xf8, 0x02, 0xc3);
	cr_assert_not(unused(), "sete");
	CODE(0x87, 0x07, 0x74, 0x00, 0x83, 0xf8, 0x02, 0xc3);
	cr_assert_not(unused(), "je");
	CODE(0x87, 0x07, 0x11, 0xc0, 0xc3);
	cr_assert_not(unused(), "adc");
	CODE(0xf0, 0x0f, 0xc1, 0x07, 0x74, 0x00, 0xc3);
	cr_assert(unused(), "xadd makes them all");
	CODE(0x87, 0x07, 0xff, 0xc0, 0x72, 0x00, 0xc3);
	cr_assert_not(unused(), "inc keeps the carry");
	CODE(0x87, 0x07, 0x9c, 0x83, 0xf8, 0x02, 0xc3);
	cr_assert_not(unused(), "pushf");
	CODE(0x87, 0x07, 0x06);
	cr_assert_not(unused(), "unknown");
}

static bool movable_operand(void)
{
	struct instruction instruction;

	cr_assert(decoder_at(&decoder, FAKE_CODE + AT, &instruction));
	return replaceable_operand(&instruction.operands[0]);
}

Test(replaceable, computes_addresses_of_general_registers_only)
{
	CODE(ATOMIC);
	cr_assert(movable_operand());
	CODE(0xf0, 0x0f, 0xb1, 0x0d, 0, 0, 0, 0);
	cr_assert(movable_operand(), "relative to the instruction");
	CODE(0xf0, 0x0f, 0xb1, 0x4c, 0xb4, 0x10);
	cr_assert(movable_operand(), "stack and index");
	CODE(0xf0, 0x0f, 0xb1, 0x0c, 0x25, 0, 0x10, 0, 0);
	cr_assert_not(movable_operand(), "a fixed address");
	CODE(0xf0, 0x0f, 0xb1, 0x0c, 0xb5, 0, 0x10, 0, 0);
	cr_assert_not(movable_operand(), "only an index");
	CODE(0x67, 0xf0, 0x0f, 0xb1, 0x0f);
	cr_assert_not(movable_operand(), "half a register");
}
