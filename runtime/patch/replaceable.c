/* SPDX-License-Identifier: MIT */
/*
 * Checks before text is replaced.
 * Runs on: the constructor or the holder of the object lock, the viewer.
 */
#include "replaceable.h"

#include <string.h>

#define MAX_FLAG_STEPS 6
#define ARITHMETIC_FLAGS                                                                           \
	(ZYDIS_CPUFLAG_CF | ZYDIS_CPUFLAG_PF | ZYDIS_CPUFLAG_AF | ZYDIS_CPUFLAG_ZF |               \
	 ZYDIS_CPUFLAG_SF | ZYDIS_CPUFLAG_OF)

/*
 * Calls stay where they are, for their return addresses; short loops have no long form. Everything
 * else is position-independent, or relative to the instruction pointer with 32 bits.
 */
static bool is_movable(const struct instruction *instruction)
{
	if (instruction_is_call(instruction))
		return false;
	switch (instruction->info.mnemonic) {
	case ZYDIS_MNEMONIC_LOOP:
	case ZYDIS_MNEMONIC_LOOPE:
	case ZYDIS_MNEMONIC_LOOPNE:
	case ZYDIS_MNEMONIC_JRCXZ:
	case ZYDIS_MNEMONIC_JECXZ:
	case ZYDIS_MNEMONIC_XBEGIN:
	case ZYDIS_MNEMONIC_INT3:
	case ZYDIS_MNEMONIC_UD2:
		return false;
	default:
		return true;
	}
}

static bool is_short_branch(uint8_t byte)
{
	return (byte & 0xf0) == 0x70 || byte == 0xeb || (byte & 0xfc) == 0xe0;
}

/* A branch with 8 bits of displacement to `target`. Bytes that look like one are decoded. */
static bool short_branch_to(const struct decoder *decoder, const struct function_bounds *function,
			    const uint8_t *bytes, uint64_t target)
{
	uint64_t first = target - function->start > 129 ? target - 129 : function->start;

	for (uint64_t at = first; at < target + 127 && at + 2 <= function->end; at++) {
		const uint8_t *code = bytes + (at - function->start);

		if (is_short_branch(code[0]) && at + 2 + (uint64_t)(int8_t)code[1] == target &&
		    decoder_comes_to(decoder, function->start, at))
			return true;
	}
	return false;
}

/* The opcode before a displacement of 32 bits at `code`: its length, 0 when it is no branch's. */
static unsigned long_branch_opcode(const uint8_t *code, uint32_t offset)
{
	if (offset >= 2 && code[-2] == 0x0f && (code[-1] & 0xf0) == 0x80)
		return 2;
	return offset >= 1 && code[-1] == 0xe9 ? 1 : 0;
}

/* The same with 32 bits. */
static bool long_branch_to(const struct decoder *decoder, const struct function_bounds *function,
			   const uint8_t *bytes, uint64_t target)
{
	uint64_t size = function->end - function->start;
	uint32_t wanted = (uint32_t)(target - function->start - sizeof(wanted));

	for (uint32_t at = 0; at + sizeof(wanted) <= size; at++) {
		uint32_t displacement;
		unsigned opcode;

		memcpy(&displacement, bytes + at, sizeof(displacement));
		if (displacement + at != wanted)
			continue;
		opcode = long_branch_opcode(bytes + at, at);
		if (opcode &&
		    decoder_comes_to(decoder, function->start, function->start + at - opcode))
			return true;
	}
	return false;
}

/* The same for at least `least` bytes. */
static enum lock_skip length_of(const struct decoder *decoder, uint64_t address, uint64_t least,
				const struct function_bounds *function, uint8_t *ret_length)
{
	const uint8_t *bytes =
		elf_image_bytes(decoder->image, function->start, function->end - function->start);
	struct instruction instruction;
	uint64_t at = address;

	*ret_length = 0;
	if (!bytes)
		return SKIP_BOUNDS;
	while (at < address + least) {
		if (!decoder_at(decoder, at, &instruction) || !is_movable(&instruction))
			return SKIP_OPERAND;
		/* Nothing runs behind an unconditional end, and what follows is something else. */
		if ((instruction_is_jump(&instruction) ||
		     instruction.info.meta.category == ZYDIS_CATEGORY_RET) &&
		    instruction.next < address + least)
			return SKIP_OPERAND;
		if (at != address && (long_branch_to(decoder, function, bytes, at) ||
				      short_branch_to(decoder, function, bytes, at)))
			return SKIP_BRANCH;
		at = instruction.next;
	}
	if (at > function->end)
		return SKIP_OPERAND;
	*ret_length = (uint8_t)(at - address);
	return SKIP_NOT;
}

enum lock_skip replaceable_length(const struct decoder *decoder, uint64_t address,
				  const struct function_bounds *function, uint8_t *ret_length)
{
	return length_of(decoder, address, JUMP_BYTES, function, ret_length);
}

uint8_t replaceable_before(const struct decoder *decoder, uint64_t address,
			   const struct function_bounds *function, uint8_t *ret_length)
{
	unsigned length = decoder_length(decoder, address);
	struct instruction previous;

	for (uint64_t before = 1; before <= ZYDIS_MAX_INSTRUCTION_LENGTH; before++) {
		uint64_t at = address - before, least = before + length;

		if (at < function->start)
			return 0;
		if (decoder_at(decoder, at, &previous) && previous.next == address &&
		    decoder_comes_to(decoder, function->start, at) &&
		    length_of(decoder, at, least > JUMP_BYTES ? least : JUMP_BYTES, function,
			      ret_length) == SKIP_NOT)
			return (uint8_t)before;
	}
	return 0;
}

bool replaceable_flags_unused(const struct decoder *decoder, uint64_t address)
{
	uint32_t pending = ARITHMETIC_FLAGS;
	struct instruction instruction;

	for (unsigned i = 0; pending && i < MAX_FLAG_STEPS; i++, address = instruction.next) {
		const ZydisAccessedFlags *flags;

		if (!decoder_at(decoder, address, &instruction) ||
		    instruction_is_jump(&instruction) || instruction_is_call(&instruction))
			return false;
		flags = instruction.info.cpu_flags;
		if (flags->tested & pending)
			return false;
		pending &= ~(flags->modified | flags->set_0 | flags->set_1 | flags->undefined);
	}
	return pending == 0;
}

static bool is_general(ZydisRegister reg)
{
	return reg >= ZYDIS_REGISTER_RAX && reg <= ZYDIS_REGISTER_R15;
}

bool replaceable_operand(const ZydisDecodedOperand *operand)
{
	const ZydisDecodedOperandMem *memory = &operand->mem;

	if (memory->base == ZYDIS_REGISTER_RIP)
		return true;
	return is_general(memory->base) &&
	       (memory->index == ZYDIS_REGISTER_NONE || is_general(memory->index));
}
