/* SPDX-License-Identifier: MIT */
/*
 * Machine code.
 * Runs on: the constructor or the holder of the object lock.
 */
#include "emit.h"

#include <string.h>

#include "runtime/patch/replaceable.h"

void emit_bytes(struct emitter *emitter, const void *bytes, size_t size)
{
	if (emitter->failed || (size_t)(emitter->end - emitter->at) < size) {
		emitter->failed = true;
		return;
	}
	memcpy(emitter->at, bytes, size);
	emitter->at += size;
}

void emit_u32(struct emitter *emitter, uint32_t value)
{
	emit_bytes(emitter, &value, sizeof(value));
}

void emit_u64(struct emitter *emitter, uint64_t value)
{
	emit_bytes(emitter, &value, sizeof(value));
}

static bool fits_32(int64_t value)
{
	return value == (int32_t)value;
}

void emit_distance(struct emitter *emitter, uint64_t target)
{
	int64_t distance = (int64_t)(target - ((uintptr_t)emitter->at + sizeof(uint32_t)));

	if (!fits_32(distance))
		emitter->failed = true;
	emit_u32(emitter, (uint32_t)distance);
}

static uint64_t rip_target(const struct instruction *instruction)
{
	for (unsigned i = 0; i < instruction->info.operand_count; i++) {
		uint64_t target = instruction_rip_address(instruction, &instruction->operands[i]);

		if (target)
			return target;
	}
	return 0;
}

void emit_copy(struct emitter *emitter, const struct instruction *instruction)
{
	uint64_t target = instruction_target(instruction);
	uint8_t *start = emitter->at;
	int64_t displacement;
	int32_t narrow;

	if (target) {
		if (instruction_is_jump(instruction))
			EMIT(emitter, 0xe9);
		else
			EMIT(emitter, 0x0f, 0x80 | (instruction->info.opcode & 0x0f));
		emit_distance(emitter, target);
		return;
	}
	emit_bytes(emitter, instruction->bytes, instruction->info.length);
	target = rip_target(instruction);
	if (!target || emitter->failed)
		return;
	displacement = (int64_t)(target - (uintptr_t)emitter->at);
	if (!fits_32(displacement) || instruction->info.raw.disp.size != 32) {
		emitter->failed = true;
		return;
	}
	narrow = (int32_t)displacement;
	memcpy(start + instruction->info.raw.disp.offset, &narrow, sizeof(narrow));
}

/* The hardware number of a 64-bit register. */
static unsigned number_of(ZydisRegister reg)
{
	return (unsigned)(reg - ZYDIS_REGISTER_RAX);
}

void emit_lea_rcx(struct emitter *emitter, const struct instruction *instruction,
		  const ZydisDecodedOperand *operand, uint32_t pushed)
{
	const ZydisDecodedOperandMem *mem = &operand->mem;
	uint64_t fixed = instruction_rip_address(instruction, operand);
	bool has_index = mem->index != ZYDIS_REGISTER_NONE;
	unsigned base, index, scale;
	int64_t displacement = mem->disp.value;

	if (fixed) {
		EMIT(emitter, 0x48, 0x8d, EMIT_RCX << 3 | 5);
		emit_distance(emitter, fixed);
		return;
	}
	if (!replaceable_operand(operand)) {
		emitter->failed = true;
		return;
	}
	if (mem->base == ZYDIS_REGISTER_RSP)
		displacement += pushed;
	base = number_of(mem->base);
	index = has_index ? number_of(mem->index) : 4; /* 4: none */
	scale = has_index ? (unsigned)__builtin_ctz(mem->scale) : 0;
	if (!fits_32(displacement))
		emitter->failed = true;
	EMIT(emitter, (uint8_t)(0x48 | (has_index && index >= 8) << 1 | (base >= 8)), 0x8d,
	     2 << 6 | EMIT_RCX << 3 | 4, (uint8_t)(scale << 6 | (index & 7) << 3 | (base & 7)));
	emit_u32(emitter, (uint32_t)displacement);
}

emit_label emit_branch(struct emitter *emitter, uint8_t condition)
{
	if (condition)
		EMIT(emitter, 0x0f, condition);
	else
		EMIT(emitter, 0xe9);
	emit_u32(emitter, 0);
	return emitter->at;
}

void emit_land(struct emitter *emitter, emit_label label)
{
	int32_t distance = (int32_t)(emitter->at - label);

	if (!emitter->failed)
		memcpy(label - sizeof(distance), &distance, sizeof(distance));
}
