/* SPDX-License-Identifier: MIT */
/*
 * Decoding of x86-64 instructions in an image. One backend: Zydis, of which only a shared library
 * is packaged: it is opened when there is something to decode and closed afterwards. Runs on: the
 * constructor or the holder of the object lock, the viewer.
 */
#ifndef OVERSTAY_DECODER_H
#define OVERSTAY_DECODER_H

#include <Zydis/Zydis.h>
#include <stdbool.h>
#include <stdint.h>

#include "runtime/patch/elf_image.h"

struct decoder {
	void *library;
	ZyanStatus (*decode)(const ZydisDecoder *, const void *, ZyanUSize,
			     ZydisDecodedInstruction *, ZydisDecodedOperand *);
	ZyanStatus (*measure)(const ZydisDecoder *, ZydisDecoderContext *, const void *, ZyanUSize,
			      ZydisDecodedInstruction *);
	ZydisDecoder state;
	const struct elf_image *image;
};

struct instruction {
	uint64_t address; /* at run time */
	uint64_t next;    /* the address behind it */
	const uint8_t *bytes;
	ZydisDecodedInstruction info;
	ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
};

/* Returns false when the library is not there or is another version than this was built with. */
bool decoder_open(struct decoder *decoder, const struct elf_image *image);
void decoder_close(struct decoder *decoder);

/* Decodes the instruction at `address`; false when there is none, or outside of code. */
bool decoder_at(const struct decoder *decoder, uint64_t address, struct instruction *ret);

/* Only the length of the instruction at `address`, in half the time; 0 when there is none. */
unsigned decoder_length(const struct decoder *decoder, uint64_t address);

/* Whether an instruction begins at `at`: decodes the function from its start up to there. */
bool decoder_comes_to(const struct decoder *decoder, uint64_t start, uint64_t at);

/* The target of a direct jump, branch or call; 0 for other instructions. */
uint64_t instruction_target(const struct instruction *instruction);

/*
 * The function that a direct call or jump, or one through a pointer at a fixed address in the image
 * (a GOT slot), goes to; 0 for other instructions. With `ret_slot`, the slot's address or 0.
 */
uint64_t decoder_callee(const struct decoder *decoder, const struct instruction *instruction,
			uint64_t *ret_slot);

/* The address of an operand in memory relative to the instruction pointer; 0 for others. */
uint64_t instruction_rip_address(const struct instruction *instruction,
				 const ZydisDecodedOperand *operand);

/* The whole register that a register is part of (eax: rax). */
ZydisRegister register_whole(ZydisRegister reg);

/* Whether the instruction may change any part of that whole register. */
bool instruction_writes(const struct instruction *instruction, ZydisRegister whole);

/* A read-modify-write of memory that is atomic: a lock prefix, or an exchange with memory. */
bool instruction_is_atomic(const struct instruction *instruction);

static inline bool instruction_is_branch(const struct instruction *instruction)
{
	return instruction->info.meta.category == ZYDIS_CATEGORY_COND_BR;
}

static inline bool instruction_is_jump(const struct instruction *instruction)
{
	return instruction->info.meta.category == ZYDIS_CATEGORY_UNCOND_BR;
}

static inline bool instruction_is_call(const struct instruction *instruction)
{
	return instruction->info.meta.category == ZYDIS_CATEGORY_CALL;
}

#endif
