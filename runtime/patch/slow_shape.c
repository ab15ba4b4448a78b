/* SPDX-License-Identifier: MIT */
/*
 * Shapes of slow paths.
 * Runs on: the constructor or the holder of the object lock, the viewer.
 */
#include "slow_shape.h"

#include <elf.h>
#include <string.h>

#include "runtime/patch/function_bounds.h"

#define MAX_FUNCTION_BYTES 6144
#define MAX_CALLEES        24
#define MAX_DEPTH          2

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

static uint64_t word_at(const struct elf_image *image, uint64_t address)
{
	const uint8_t *bytes = elf_image_bytes(image, address, sizeof(uint64_t));
	uint64_t word = 0;

	if (bytes)
		memcpy(&word, bytes, sizeof(word));
	return word;
}

static void add_callee(const struct elf_image *image, struct body *body, uint64_t callee)
{
	struct function_bounds bounds;

	if (body->callee_count < MAX_CALLEES && elf_image_is_code(image, callee) &&
	    function_starts_at(image, callee, &bounds))
		body->callees[body->callee_count++] = callee;
}

/*
 * Without decoding: four bytes that are exactly the distance to the slot, or behind an opcode of a
 * call the distance to the beginning of a function, do not stand there for another reason.
 */
static void read_body(const struct slow_shapes *shapes, const struct elf_image *image,
		      uint64_t function, struct body *body)
{
	struct function_bounds bounds;
	const uint8_t *bytes = NULL;
	uint64_t size = 0;

	*body = (struct body){0};
	if (function_starts_at(image, function, &bounds)) {
		size = bounds.end - bounds.start;
		size = size < MAX_FUNCTION_BYTES ? size : MAX_FUNCTION_BYTES;
		bytes = elf_image_bytes(image, function, size);
	}
	for (uint64_t at = 1; bytes && at + sizeof(int32_t) <= size; at++) {
		uint8_t before = at > 1 ? bytes[at - 2] : 0;
		int32_t distance;
		uint64_t target;

		memcpy(&distance, bytes + at, sizeof(distance));
		target = function + at + sizeof(distance) + (uint64_t)(int64_t)distance;
		if (before == 0xf3 && bytes[at - 1] == 0x90) /* pause */
			body->spins = true;
		if (slow_shapes_is_syscall(shapes, target))
			body->waits = true;
		else if (bytes[at - 1] == 0xe8 || bytes[at - 1] == 0xe9)
			add_callee(image, body, target);
		else if (before == 0xff && (bytes[at - 1] == 0x15 || bytes[at - 1] == 0x25))
			add_callee(image, body, word_at(image, target));
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

static struct slow_shape shape_at(struct slow_shapes *shapes, const struct elf_image *image,
				  uint64_t function, unsigned depth)
{
	struct slow_shape *entry = entry_of(shapes, function, depth);
	struct slow_shape shape = {.function = function, .depth = depth};
	struct body body;

	if (entry && entry->function)
		return *entry;
	read_body(shapes, image, function, &body);
	shape.waits = body.waits;
	shape.spins = body.spins;
	for (unsigned i = 0; depth && !shape.waits && i < body.callee_count; i++)
		shape.waits = shape_at(shapes, image, body.callees[i], depth - 1).waits;
	/* Looked up again: the calls may have taken the place that was free. */
	entry = entry_of(shapes, function, depth);
	if (entry)
		*entry = shape;
	return shape;
}

struct slow_shape slow_shape_of(struct slow_shapes *shapes, const struct elf_image *image,
				uint64_t function)
{
	struct function_bounds bounds;

	if (!elf_image_is_code(image, function) || !function_starts_at(image, function, &bounds))
		return (struct slow_shape){0};
	return shape_at(shapes, image, function, MAX_DEPTH);
}
