/* SPDX-License-Identifier: MIT */
/*
 * Shapes of slow paths.
 * Runs on: the constructor or the holder of the object lock, the viewer.
 */
#include "slow_shape.h"

#include <elf.h>
#include <string.h>

#include "runtime/patch/function_bounds.h"

#define MAX_INSTRUCTIONS 1200 /* of one function */
#define MAX_CALLEES      24
#define MAX_DEPTH        2

static void add_slots(struct slow_shapes *shapes, const struct elf_image *image, uint64_t table,
		      uint64_t size, uint64_t skip)
{
	uint64_t symbols = elf_image_dynamic_address(image, DT_SYMTAB);
	uint64_t strings = elf_image_dynamic_address(image, DT_STRTAB);
	unsigned count = 0;

	while (count < SYSCALL_SLOTS && shapes->syscall_slots[count])
		count++;
	for (uint64_t at = skip * sizeof(Elf64_Rela); at + sizeof(Elf64_Rela) <= size;
	     at += sizeof(Elf64_Rela)) {
		const uint8_t *bytes = elf_image_bytes(image, table + at, sizeof(Elf64_Rela));
		const uint8_t *name;
		Elf64_Rela rela;
		Elf64_Sym symbol;

		if (!bytes)
			return;
		memcpy(&rela, bytes, sizeof(rela));
		bytes = ELF64_R_SYM(rela.r_info)
				? elf_image_bytes(image,
						  symbols +
							  ELF64_R_SYM(rela.r_info) * sizeof(symbol),
						  sizeof(symbol))
				: NULL;
		if (!bytes)
			continue;
		memcpy(&symbol, bytes, sizeof(symbol));
		name = elf_image_bytes(image, strings + symbol.st_name, sizeof("syscall"));
		if (name && memcmp(name, "syscall", sizeof("syscall")) == 0 &&
		    count < SYSCALL_SLOTS)
			shapes->syscall_slots[count++] = image->bias + rela.r_offset;
	}
}

void slow_shapes_init(struct slow_shapes *shapes, const struct elf_image *image)
{
	memset(shapes, 0, sizeof(*shapes));
	/* The first DT_RELACOUNT relocations are relative ones, without a symbol. */
	add_slots(shapes, image, elf_image_dynamic_address(image, DT_RELA),
		  elf_image_dynamic(image, DT_RELASZ), elf_image_dynamic(image, DT_RELACOUNT));
	add_slots(shapes, image, elf_image_dynamic_address(image, DT_JMPREL),
		  elf_image_dynamic(image, DT_PLTRELSZ), 0);
}

bool slow_shapes_is_syscall(const struct slow_shapes *shapes, uint64_t slot)
{
	for (unsigned i = 0; slot && i < SYSCALL_SLOTS; i++)
		if (shapes->syscall_slots[i] == slot)
			return true;
	return false;
}

static bool function_starts_at(const struct elf_image *image, uint64_t function,
			       struct function_bounds *ret)
{
	return function_bounds_at(image, function, ret) && ret->start == function;
}

struct body {
	bool waits, spins;
	uint64_t callees[MAX_CALLEES];
	unsigned callee_count;
};

static void read_body(const struct slow_shapes *shapes, const struct decoder *decoder,
		      uint64_t function, struct body *body)
{
	struct function_bounds bounds;
	struct instruction instruction;
	uint64_t at = function;

	*body = (struct body){0};
	if (!function_starts_at(decoder->image, function, &bounds))
		return;
	for (unsigned i = 0; i < MAX_INSTRUCTIONS && at < bounds.end; i++, at = instruction.next) {
		uint64_t slot, callee;

		if (!decoder_at(decoder, at, &instruction))
			return;
		if (instruction.info.mnemonic == ZYDIS_MNEMONIC_PAUSE)
			body->spins = true;
		/* The pointer is often kept in a register for a loop. */
		if (slow_shapes_is_syscall(shapes, instruction_rip_address(
							   &instruction, &instruction.operands[1])))
			body->waits = true;
		if (!instruction_is_call(&instruction) && !instruction_is_jump(&instruction))
			continue;
		callee = decoder_callee(decoder, &instruction, &slot);
		if (slow_shapes_is_syscall(shapes, slot))
			body->waits = true;
		else if (callee && (callee < bounds.start || callee >= bounds.end) &&
			 body->callee_count < MAX_CALLEES)
			body->callees[body->callee_count++] = callee;
	}
}

static struct slow_shape *entry_of(struct slow_shapes *shapes, uint64_t function, unsigned depth)
{
	for (unsigned i = 0; i < SLOW_SHAPES; i++) {
		struct slow_shape *entry =
			&shapes->table[((function >> 4) * 3 + depth + i) & (SLOW_SHAPES - 1)];

		if (!entry->function || (entry->function == function && entry->depth == depth))
			return entry;
	}
	return NULL;
}

static struct slow_shape shape_at(struct slow_shapes *shapes, const struct decoder *decoder,
				  uint64_t function, unsigned depth)
{
	struct slow_shape *entry = entry_of(shapes, function, depth);
	struct slow_shape shape = {.function = function, .depth = depth};
	struct body body;

	if (entry && entry->function)
		return *entry;
	read_body(shapes, decoder, function, &body);
	shape.waits = body.waits;
	shape.spins = body.spins;
	for (unsigned i = 0; depth && !shape.waits && i < body.callee_count; i++)
		shape.waits = shape_at(shapes, decoder, body.callees[i], depth - 1).waits;
	/* Looked up again: the calls may have taken the place that was free. */
	entry = entry_of(shapes, function, depth);
	if (entry)
		*entry = shape;
	return shape;
}

struct slow_shape slow_shape_of(struct slow_shapes *shapes, const struct decoder *decoder,
				uint64_t function)
{
	struct function_bounds bounds;

	if (!function_starts_at(decoder->image, function, &bounds))
		return (struct slow_shape){0};
	return shape_at(shapes, decoder, function, MAX_DEPTH);
}
