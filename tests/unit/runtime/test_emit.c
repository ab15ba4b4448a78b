/* SPDX-License-Identifier: MIT */
/* Unit tests of runtime/patch/emit.h: instructions written elsewhere, and read again. */
#include "runtime/patch/emit.h"

#include <criterion/criterion.h>
#include <string.h>

#include "tests/unit/runtime/fake_image.h"

/* One instruction is at FROM; what is written stands at TO, where it is read as code as well. */
#define FROM 0x100

static struct fake_image fake;
static struct decoder decoder;
static struct instruction instruction;
static uint8_t written[256];
static struct emitter emitter;

static void begin(void)
{
	struct elf_segment *segment;

	fake_image_init(&fake, 1);
	segment = &fake.image.segments[fake.image.segment_count++];
	*segment = (struct elf_segment){.address = (uintptr_t)written,
					.size = sizeof(written),
					.data = written,
					.readable = true,
					.executable = true};
	/* In reach of what is written. */
	fake.image.segments[0].address = (uintptr_t)written + 0x10000;
	cr_assert(decoder_open(&decoder, &fake.image));
	emitter = (struct emitter){written, written + sizeof(written), false};
}

TestSuite(emit, .init = begin);

static void read_code(const uint8_t *code, size_t size)
{
	memcpy(fake.code + FROM, code, size);
	cr_assert(decoder_at(&decoder, fake.image.segments[0].address + FROM, &instruction));
	cr_assert_eq(instruction.info.length, size);
}

#define CODE(...) read_code((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

/* What stands at the beginning of what was written. */
static struct instruction result(void)
{
	struct instruction ret;

	cr_assert_not(emitter.failed);
	cr_assert(decoder_at(&decoder, (uintptr_t)written, &ret));
	cr_assert_eq(ret.next, (uintptr_t)emitter.at);
	return ret;
}

static void copy(void)
{
	emitter.at = written;
	emit_copy(&emitter, &instruction);
}

Test(emit, copies_what_depends_on_nothing)
{
	CODE(0xf0, 0x48, 0x0f, 0xb1, 0x4c, 0xb4, 0x10);
	copy();
	result();
	cr_assert_eq(memcmp(written, instruction.bytes, 7), 0);
}

Test(emit, adjusts_short_and_long_branches)
{
	struct instruction moved;

	CODE(0x75, 0x20);
	copy();
	moved = result();
	cr_assert_eq(moved.info.mnemonic, ZYDIS_MNEMONIC_JNZ);
	cr_assert_eq(instruction_target(&moved), instruction_target(&instruction));
	CODE(0x0f, 0x8c, 0x00, 0xff, 0xff, 0xff);
	copy();
	moved = result();
	cr_assert_eq(moved.info.mnemonic, ZYDIS_MNEMONIC_JL);
	cr_assert_eq(instruction_target(&moved), instruction_target(&instruction));
	for (uint8_t condition = 0; condition < 16; condition++) {
		CODE((uint8_t)(0x70 | condition), 0x80);
		copy();
		moved = result();
		cr_assert_eq(moved.info.mnemonic, instruction.info.mnemonic);
		cr_assert_eq(instruction_target(&moved), instruction_target(&instruction));
	}
}

Test(emit, adjusts_jumps)
{
	struct instruction moved;

	CODE(0xeb, 0x7f);
	copy();
	moved = result();
	cr_assert(instruction_is_jump(&moved));
	cr_assert_eq(instruction_target(&moved), instruction_target(&instruction));
	CODE(0xe9, 0x78, 0x56, 0x34, 0x02);
	copy();
	moved = result();
	cr_assert(instruction_is_jump(&moved));
	cr_assert_eq(instruction_target(&moved), instruction_target(&instruction));
}

Test(emit, adjusts_operands_relative_to_the_instruction)
{
	struct instruction moved;

	CODE(0xf0, 0x0f, 0xb1, 0x0d, 0x44, 0x33, 0x22, 0x01);
	copy();
	moved = result();
	cr_assert_eq(instruction_rip_address(&moved, &moved.operands[0]),
		     instruction_rip_address(&instruction, &instruction.operands[0]));
	CODE(0x81, 0x3d, 0x44, 0x33, 0x22, 0x01, 0xdd, 0xcc, 0xbb, 0x0a);
	copy();
	moved = result();
	cr_assert_eq(instruction_rip_address(&moved, &moved.operands[0]),
		     instruction_rip_address(&instruction, &instruction.operands[0]),
		     "a constant follows the displacement");
	cr_assert_eq(moved.operands[1].imm.value.u, 0x0abbccdd);
	CODE(0xff, 0x25, 0x00, 0x00, 0x00, 0x00);
	copy();
	moved = result();
	cr_assert_eq(instruction_rip_address(&moved, &moved.operands[0]), instruction.next,
		     "an indirect jump");
}

Test(emit, fails_when_something_is_out_of_reach)
{
	fake.image.segments[0].address += 0x100000000;
	CODE(0x75, 0x20);
	copy();
	cr_assert(emitter.failed);
	emitter.failed = false;
	CODE(0x8b, 0x05, 0, 0, 0, 0);
	copy();
	cr_assert(emitter.failed);
	emitter.failed = false;
	CODE(0x8b, 0x07);
	copy();
	cr_assert_not(emitter.failed);
	emit_distance(&emitter, (uintptr_t)emitter.at + 4 + INT32_MAX);
	cr_assert_not(emitter.failed);
	emit_distance(&emitter, (uintptr_t)emitter.at + 5 + INT32_MAX);
	cr_assert(emitter.failed);
}

Test(emit, writes_nothing_behind_its_end)
{
	emitter.end = written + 9;
	written[8] = written[9] = 0xee;
	emit_u64(&emitter, 0x1122334455667788);
	cr_assert_not(emitter.failed);
	cr_assert_eq(written[0], 0x88);
	emit_u32(&emitter, 0x11223344);
	cr_assert(emitter.failed);
	cr_assert_eq(emitter.at, written + 8);
	EMIT(&emitter, 0x90);
	cr_assert_eq(emitter.at, written + 8, "not even what would fit");
	CODE(0x8b, 0x05, 0, 0, 0, 0);
	emit_copy(&emitter, &instruction);
	emit_land(&emitter, emit_branch(&emitter, 0));
	cr_assert_eq(written[8], 0xee);
	cr_assert_eq(written[9], 0xee);
	cr_assert(emitter.failed);
}

/* The lea that is written for the operand, `pushed` bytes later. */
static const ZydisDecodedOperandMem *lea(uint32_t pushed)
{
	static struct instruction ret;

	emitter.at = written;
	emit_lea_rcx(&emitter, &instruction, &instruction.operands[0], pushed);
	ret = result();
	cr_assert_eq(ret.info.mnemonic, ZYDIS_MNEMONIC_LEA);
	cr_assert_eq(ret.operands[0].reg.value, ZYDIS_REGISTER_RCX);
	return &ret.operands[1].mem;
}

/* All bases and indexes, with some scales and displacements. */
Test(emit, computes_the_same_address)
{
	static const int32_t displacements[] = {0, 1, -8, 0x12345, INT32_MIN, INT32_MAX};

	for (unsigned i = 0; i < 16 * 16 * 6; i++) {
		uint8_t base = i % 16, index = i / 16 % 16, scale = (uint8_t)(i / 16 % 4);
		int32_t displacement = displacements[i / 256];
		uint8_t code[] = {0x48 | (index >> 3) << 1 | base >> 3,
				  0x87,
				  0x80 | 2 << 3 | 4,
				  (uint8_t)(scale << 6 | (index & 7) << 3 | (base & 7)),
				  0,
				  0,
				  0,
				  0};
		const ZydisDecodedOperandMem *from = &instruction.operands[0].mem, *to;

		memcpy(code + 4, &displacement, sizeof(displacement));
		read_code(code, sizeof(code));
		if (base == 4 && displacement == INT32_MAX)
			continue;
		to = lea(8);
		cr_expect_eq(to->base, from->base);
		cr_expect_eq(to->index, from->index);
		cr_expect(from->index == ZYDIS_REGISTER_NONE || to->scale == from->scale);
		cr_expect_eq(to->disp.value, from->disp.value + (base == 4 ? 8 : 0), "%u", i);
	}
}

Test(emit, computes_a_fixed_address)
{
	CODE(0xf0, 0x0f, 0xb1, 0x0d, 0x44, 0x33, 0x22, 0x01);
	cr_assert_eq(lea(152)->disp.value + (int64_t)(uintptr_t)emitter.at,
		     (int64_t)instruction_rip_address(&instruction, &instruction.operands[0]));
}

Test(emit, computes_no_address_that_it_does_not_know)
{
	CODE(0xf0, 0x0f, 0xb1, 0x0c, 0xb5, 0, 0x10, 0, 0);
	emit_lea_rcx(&emitter, &instruction, &instruction.operands[0], 0);
	cr_assert(emitter.failed, "no base");
	emitter.failed = false;
	CODE(0x87, 0x8c, 0x24, 0xff, 0xff, 0xff, 0x7f);
	emit_lea_rcx(&emitter, &instruction, &instruction.operands[0], 8);
	cr_assert(emitter.failed, "beyond 32 bits");
}

Test(emit, lands_branches)
{
	struct instruction branch;
	emit_label label = emit_branch(&emitter, 0x85);

	EMIT(&emitter, 0x90, 0x90, 0x90);
	emit_land(&emitter, label);
	cr_assert(decoder_at(&decoder, (uintptr_t)written, &branch));
	cr_assert_eq(branch.info.mnemonic, ZYDIS_MNEMONIC_JNZ);
	cr_assert_eq(instruction_target(&branch), (uintptr_t)emitter.at);
	emitter.at = written;
	label = emit_branch(&emitter, 0);
	emit_land(&emitter, label);
	cr_assert(decoder_at(&decoder, (uintptr_t)written, &branch));
	cr_assert(instruction_is_jump(&branch));
	cr_assert_eq(instruction_target(&branch), (uintptr_t)emitter.at);
}
