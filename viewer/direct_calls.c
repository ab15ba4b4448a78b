/* SPDX-License-Identifier: MIT */
/*
 * Looks for `syscall` (x86-64) and `svc #0` (aarch64) behind the load of a call number. The two
 * bytes of `syscall` also occur by chance within other instructions, once in 64 KiB, so those in
 * between must all be ones that prepare arguments and end exactly there.
 */
#include "direct_calls.h"

#include <elf.h>
#include <stdbool.h>
#include <string.h>

#define REACH           32 /* bytes from the end of the load to the end of `syscall` */
#define CALL_NUMBER_MAX 1024

/* Bytes of a ModRM byte with what belongs to it, beginning at `code`. */
static size_t operand_length(const uint8_t *code, const uint8_t *end)
{
	uint8_t mode, base;
	size_t length = 1;

	if (code == end)
		return 1;
	mode = code[0] >> 6;
	base = code[0] & 7;
	if (mode == 3)
		return length;
	if (base == 4) {
		length++;
		base = code + 1 < end ? code[1] & 7 : 0;
	}
	if (mode == 1)
		length += 1;
	else if (mode == 2 || base == 5)
		length += 4;
	return length;
}

/* One-byte opcodes with a ModRM operand: moves, lea, and simple arithmetic. */
static const uint8_t with_operand[] = {0x01, 0x03, 0x09, 0x0b, 0x21, 0x23, 0x29, 0x2b, 0x31,
				       0x33, 0x63, 0x85, 0x88, 0x89, 0x8a, 0x8b, 0x8d};
static const uint8_t with_operand_and_byte[] = {0x83, 0xc1, 0xc6};
static const uint8_t with_operand_and_word[] = {0x81, 0xc7};
static const uint8_t extended[] = {0xb6, 0xb7, 0xbe, 0xbf}; /* movzx, movsx: behind 0x0f */

#define IS_ONE_OF(opcode, list) (memchr(list, opcode, sizeof(list)) != NULL)

/* Length of an instruction that prepares arguments; 0 for anything else. */
static size_t instruction_length(const uint8_t *code, const uint8_t *end)
{
	const uint8_t *at = code;
	bool wide = false;
	uint8_t opcode;
	size_t length;

	if (at < end && (*at & 0xf0) == 0x40)
		wide = *at++ & 8;
	if (at == end)
		return 0;
	opcode = *at++;
	length = (size_t)(at - code);
	if (IS_ONE_OF(opcode, with_operand))
		return length + operand_length(at, end);
	if (IS_ONE_OF(opcode, with_operand_and_byte))
		return length + operand_length(at, end) + 1;
	if (IS_ONE_OF(opcode, with_operand_and_word))
		return length + operand_length(at, end) + 4;
	if (opcode == 0x0f && at < end && IS_ONE_OF(*at, extended))
		return length + 1 + operand_length(at + 1, end);
	if (opcode >= 0xb8 && opcode <= 0xbf) /* mov of a constant */
		return length + (wide ? 8 : 4);
	if (opcode == 0x6a) /* push of a constant */
		return length + 1;
	return (opcode >= 0x50 && opcode <= 0x5f) || opcode == 0x90 ? length : 0;
}

/*
 * Length of what can load a call number: mov eax, number; xor eax, eax; push number, pop rax; or,
 * without optimisation, mov rax, from somewhere. 0 for anything else.
 */
static size_t load_length(const uint8_t *code, const uint8_t *end)
{
	uint32_t number;

	if (end - code >= 5 && code[0] == 0xb8) {
		memcpy(&number, code + 1, sizeof(number));
		return number < CALL_NUMBER_MAX ? 5 : 0;
	}
	if (end - code >= 2 && code[0] == 0x31 && code[1] == 0xc0)
		return 2;
	if (end - code < 3)
		return 0;
	if (code[0] == 0x6a && code[2] == 0x58)
		return 3;
	if ((code[0] & 0xfe) == 0x48 && code[1] == 0x8b && (code[2] & 0x38) == 0)
		return 2 + operand_length(code + 2, end);
	if ((code[0] == 0x48 || code[0] == 0x4c) && code[1] == 0x89 && (code[2] & 0xc7) == 0xc0)
		return 3;
	return 0;
}

static bool loads_number(const uint8_t *start, const uint8_t *call)
{
	for (const uint8_t *at = call - start > REACH ? call - REACH : start; at < call; at++) {
		size_t length = load_length(at, call);
		const uint8_t *next = at + length;

		while (length && next < call) {
			length = instruction_length(next, call);
			next += length;
		}
		if (length && next == call)
			return true;
	}
	return false;
}

static size_t count_x86_64(const uint8_t *code, size_t size)
{
	static const uint8_t syscall[] = {0x0f, 0x05};
	const uint8_t *end = code + size, *at = code;
	size_t count = 0;

	while ((at = memmem(at, (size_t)(end - at), syscall, sizeof(syscall)))) {
		count += loads_number(code, at);
		at += sizeof(syscall);
	}
	return count;
}

/* `svc #0` within eight instructions of mov w8 or x8, number. */
static size_t count_aarch64(const uint8_t *code, size_t size)
{
	size_t count = 0, loaded = 0, n;
	uint32_t word;

	for (n = 0; (n + 1) * sizeof(word) <= size; n++) {
		memcpy(&word, code + n * sizeof(word), sizeof(word));
		if ((word & 0x7fe0001f) == 0x52800008)
			loaded = n + 1;
		else if (word == 0xd4000001 && loaded && n + 1 - loaded <= 8)
			count++;
	}
	return count;
}

size_t direct_calls_count(const struct elf_image *image, uint16_t machine)
{
	size_t count = 0;

	for (unsigned i = 0; i < image->segment_count; i++) {
		const struct elf_segment *segment = &image->segments[i];

		if (segment->executable)
			count += machine == EM_AARCH64 ? count_aarch64(segment->data, segment->size)
						       : count_x86_64(segment->data, segment->size);
	}
	return count;
}
