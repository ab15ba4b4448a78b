/* SPDX-License-Identifier: MIT */
/*
 * The one user of Zydis' library.
 * Runs on: the constructor or the holder of the object lock, the viewer.
 */
#include "decoder.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

/* The library's structures may differ between minor versions; so does its name. */
static void *open_library(void)
{
	char name[32];
	void *library;
	ZyanU64 (*version)(void);

	snprintf(name, sizeof(name), "libZydis.so.%u.%u",
		 (unsigned)ZYDIS_VERSION_MAJOR(ZYDIS_VERSION),
		 (unsigned)ZYDIS_VERSION_MINOR(ZYDIS_VERSION));
	library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
	if (!library)
		return NULL;
	version = (__typeof__(version))dlsym(library, "ZydisGetVersion");
	if (version && version() >> 32 == ZYDIS_VERSION >> 32)
		return library;
	dlclose(library);
	return NULL;
}

bool decoder_open(struct decoder *decoder, const struct elf_image *image)
{
	__typeof__(&ZydisDecoderInit) init;

	*decoder = (struct decoder){.library = open_library(), .image = image};
	if (!decoder->library)
		return false;
	init = (__typeof__(init))dlsym(decoder->library, "ZydisDecoderInit");
	decoder->decode =
		(__typeof__(decoder->decode))dlsym(decoder->library, "ZydisDecoderDecodeFull");
	decoder->measure = (__typeof__(decoder->measure))dlsym(decoder->library,
							       "ZydisDecoderDecodeInstruction");
	if (init && decoder->decode && decoder->measure &&
	    ZYAN_SUCCESS(init(&decoder->state, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)))
		return true;
	decoder_close(decoder);
	return false;
}

void decoder_close(struct decoder *decoder)
{
	if (decoder->library)
		dlclose(decoder->library);
	decoder->library = NULL;
}

/* The bytes of code at `address`, as many as an instruction can have and there are. */
static const uint8_t *code_at(const struct elf_image *image, uint64_t address, size_t *ret_room)
{
	const uint8_t *bytes = NULL;

	*ret_room = ZYDIS_MAX_INSTRUCTION_LENGTH;
	if (elf_image_is_code(image, address))
		while (*ret_room && !(bytes = elf_image_bytes(image, address, *ret_room)))
			--*ret_room;
	return bytes;
}

unsigned decoder_length(const struct decoder *decoder, uint64_t address)
{
	ZydisDecodedInstruction instruction;
	size_t room;
	const uint8_t *bytes = code_at(decoder->image, address, &room);

	return bytes && ZYAN_SUCCESS(
				decoder->measure(&decoder->state, NULL, bytes, room, &instruction))
		       ? instruction.length
		       : 0;
}

bool decoder_comes_to(const struct decoder *decoder, uint64_t start, uint64_t at)
{
	unsigned length;

	while (start < at && (length = decoder_length(decoder, start)))
		start += length;
	return start == at;
}

bool decoder_at(const struct decoder *decoder, uint64_t address, struct instruction *ret)
{
	size_t room;
	const uint8_t *bytes = code_at(decoder->image, address, &room);

	if (!bytes ||
	    !ZYAN_SUCCESS(decoder->decode(&decoder->state, bytes, room, &ret->info, ret->operands)))
		return false;
	ret->address = address;
	ret->next = address + ret->info.length;
	ret->bytes = bytes;
	return true;
}

uint64_t instruction_target(const struct instruction *instruction)
{
	const ZydisDecodedOperand *operand = &instruction->operands[0];

	if (!instruction_is_branch(instruction) && !instruction_is_jump(instruction) &&
	    !instruction_is_call(instruction))
		return 0;
	if (operand->type != ZYDIS_OPERAND_TYPE_IMMEDIATE || !operand->imm.is_relative)
		return 0;
	return instruction->next + (uint64_t)operand->imm.value.s;
}

uint64_t instruction_rip_address(const struct instruction *instruction,
				 const ZydisDecodedOperand *operand)
{
	if (operand->type != ZYDIS_OPERAND_TYPE_MEMORY || operand->mem.base != ZYDIS_REGISTER_RIP)
		return 0;
	return instruction->next + (uint64_t)operand->mem.disp.value;
}

/* A stub of the procedure linkage table: an indirect jump through a slot. */
static uint64_t through_plt(const struct decoder *decoder, uint64_t address, uint64_t *ret_slot)
{
	struct instruction stub;
	const uint8_t *word = elf_image_bytes(decoder->image, address, 2);
	uint64_t slot;

	/* jmp *slot(%rip), or endbr64 before it. */
	if (!word || (word[0] != 0xff && word[0] != 0xf3 && word[0] != 0xf2) ||
	    !decoder_at(decoder, address, &stub))
		return 0;
	if (stub.info.mnemonic == ZYDIS_MNEMONIC_ENDBR64 && !decoder_at(decoder, stub.next, &stub))
		return 0;
	slot = instruction_is_jump(&stub) ? instruction_rip_address(&stub, &stub.operands[0]) : 0;
	word = slot ? elf_image_bytes(decoder->image, slot, sizeof(uint64_t)) : NULL;
	if (!word)
		return 0;
	*ret_slot = slot;
	memcpy(&slot, word, sizeof(slot));
	return slot;
}

uint64_t decoder_callee(const struct decoder *decoder, const struct instruction *instruction,
			uint64_t *ret_slot)
{
	uint64_t target = instruction_target(instruction), slot = 0;
	const uint8_t *word;

	if (target) {
		uint64_t behind = through_plt(decoder, target, &slot);

		target = slot ? behind : target;
	} else if (instruction_is_call(instruction) || instruction_is_jump(instruction)) {
		slot = instruction_rip_address(instruction, &instruction->operands[0]);
		word = slot ? elf_image_bytes(decoder->image, slot, sizeof(target)) : NULL;
		if (word)
			memcpy(&target, word, sizeof(target));
	}
	if (ret_slot)
		*ret_slot = slot;
	return target;
}

ZydisRegister register_whole(ZydisRegister reg)
{
	static const struct {
		ZydisRegister first, last, whole;
	} parts[] = {
		{ZYDIS_REGISTER_RAX, ZYDIS_REGISTER_R15, ZYDIS_REGISTER_RAX},
		{ZYDIS_REGISTER_EAX, ZYDIS_REGISTER_R15D, ZYDIS_REGISTER_RAX},
		{ZYDIS_REGISTER_AX, ZYDIS_REGISTER_R15W, ZYDIS_REGISTER_RAX},
		{ZYDIS_REGISTER_SPL, ZYDIS_REGISTER_R15B, ZYDIS_REGISTER_RSP},
		{ZYDIS_REGISTER_AH, ZYDIS_REGISTER_BH, ZYDIS_REGISTER_RAX},
		{ZYDIS_REGISTER_AL, ZYDIS_REGISTER_BL, ZYDIS_REGISTER_RAX},
	};

	for (unsigned i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		if (reg >= parts[i].first && reg <= parts[i].last)
			return parts[i].whole + (reg - parts[i].first);
	return reg;
}

bool instruction_writes(const struct instruction *instruction, ZydisRegister whole)
{
	for (unsigned i = 0; i < instruction->info.operand_count; i++) {
		const ZydisDecodedOperand *operand = &instruction->operands[i];

		if (operand->type == ZYDIS_OPERAND_TYPE_REGISTER &&
		    operand->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE &&
		    register_whole(operand->reg.value) == whole)
			return true;
	}
	return false;
}

bool instruction_is_atomic(const struct instruction *instruction)
{
	if (instruction->info.attributes & ZYDIS_ATTRIB_HAS_LOCK)
		return true;
	return instruction->info.mnemonic == ZYDIS_MNEMONIC_XCHG &&
	       (instruction->operands[0].type == ZYDIS_OPERAND_TYPE_MEMORY ||
		instruction->operands[1].type == ZYDIS_OPERAND_TYPE_MEMORY);
}
