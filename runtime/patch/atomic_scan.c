/* SPDX-License-Identifier: MIT */
/*
 * The byte scan, 64 bytes at a time.
 * Runs on: the constructor or the holder of the object lock, the viewer.
 */
#include "atomic_scan.h"

#include <emmintrin.h>
#include <string.h>

#define LOCK_PREFIX 0xf0
#define XCHG_OPCODE 0x87
#define BLOCK       64 /* bytes that are looked at together */
#define LOOKBEHIND  48 /* and before it, where its constants are looked for */
#define LOOKAHEAD   24 /* readable bytes that a candidate needs behind it */

/* A memory operand: the mode bits of ModRM are not those of a register. */
static inline int is_memory(uint8_t modrm)
{
	return modrm < 0xc0;
}

/* Whether the byte `opcode` stands in the bytes before the instruction, with `number` behind it. */
static int precedes(const uint8_t *at, uint8_t opcode, unsigned skip, uint32_t number,
		    unsigned size)
{
	for (const uint8_t *byte = at - LOOKBEHIND; byte + 1 + skip + size <= at; byte++)
		if (*byte == opcode && memcmp(byte + 1 + skip, &number, size) == 0)
			return 1;
	return 0;
}

/* LEA of the accumulator and a displacement of one byte. */
static int adds(const uint8_t *at, uint8_t number)
{
	return precedes(at, 0x8d, 1, number, 1);
}

static int mentions(const uint8_t *at, uint32_t number)
{
	return memmem(at - LOOKBEHIND, LOOKBEHIND, &number, sizeof(number)) != NULL;
}

/*
 * The constants of lock_form.c as they stand in code. The accumulator and the register of xadd are
 * changed by the instruction, so that they are loaded shortly before it.
 */
static int is_locks(const uint8_t *at, uint8_t opcode, int wide)
{
	if (opcode == 0xc1)
		return wide ? mentions(at, 0xfffffff0) || mentions(at, 0xfffffffc)
			    : mentions(at, 0xffffffff) || mentions(at, 0xc0000001);
	if (precedes(at, 0x31, 0, 0xc0, 1)) /* xor eax,eax */
		return 1;
	if (opcode == 0xb0)
		return precedes(at, 0xb0, 0, 1, 1) || precedes(at, 0x80, 1, 1, 1) ||
		       mentions(at, 1);
	if (wide)
		return mentions(at, 8) || mentions(at, 0xfffffffc) || adds(at, 0x10) ||
		       adds(at, 0x14) || adds(at, 0xec) || adds(at, 4);
	return adds(at, 1) || mentions(at, 0x3fffffff) || mentions(at, 0);
}

/* F0 [REX] 0F B0/B1 (cmpxchg) or C1 (xadd). */
static int is_locked(const uint8_t *at)
{
	const uint8_t *opcode = at + 1 + ((at[1] & 0xf0) == 0x40);

	if (opcode[0] != 0x0f || !is_memory(opcode[2]) ||
	    (opcode[1] != 0xb0 && opcode[1] != 0xb1 && opcode[1] != 0xc1))
		return 0;
	return is_locks(at, opcode[1], (at[1] & 0xf8) == 0x48);
}

/* XCHG with memory, and soon after it a comparison with 2: std's unlock. */
static int is_unlock(const uint8_t *at)
{
	if (!is_memory(at[1]))
		return 0;
	for (unsigned i = 2; i < LOOKAHEAD - 8; i++)
		if (at[i] == 0x83 &&
		    ((at[i + 1] & 0xf8) == 0xf8 ? at[i + 2] == 2
						: at[i + 1] == 0x7c && at[i + 4] == 2))
			return 1;
	return 0;
}

static inline __m128i hits_at(const uint8_t *data)
{
	__m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)data);

	return _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8((char)LOCK_PREFIX)),
			    _mm_cmpeq_epi8(bytes, _mm_set1_epi8((char)XCHG_OPCODE)));
}

static inline uint64_t bits(__m128i hits)
{
	return (unsigned)_mm_movemask_epi8(hits);
}

/* A bit per byte that begins one of the two. Most blocks have none. */
static inline uint64_t hits_in(const uint8_t *data)
{
	__m128i a = hits_at(data), b = hits_at(data + 16);
	__m128i c = hits_at(data + 32), d = hits_at(data + 48);

	if (!bits(_mm_or_si128(_mm_or_si128(a, b), _mm_or_si128(c, d))))
		return 0;
	return bits(a) | bits(b) << 16 | bits(c) << 32 | bits(d) << 48;
}

static void report(const struct elf_segment *segment, uint64_t at, uint64_t hits,
		   void (*found)(void *context, uint64_t address), void *context)
{
	for (; hits; hits &= hits - 1) {
		uint64_t hit = at + (unsigned)__builtin_ctzll(hits);
		const uint8_t *code = segment->data + hit;
		uint64_t rex = code[0] == XCHG_OPCODE && (code[-1] & 0xf8) == 0x40;

		if (code[0] == LOCK_PREFIX ? is_locked(code) : is_unlock(code))
			found(context, segment->address + hit - rex);
	}
}

static void scan_segment(const struct elf_segment *segment,
			 void (*found)(void *context, uint64_t address), void *context)
{
	uint64_t at = LOOKBEHIND, last;

	if (segment->size < LOOKBEHIND + BLOCK + LOOKAHEAD)
		return;
	last = segment->size - BLOCK - LOOKAHEAD + 1;
	for (; at <= last; at += BLOCK)
		report(segment, at, hits_in(segment->data + at), found, context);
	/* The last block overlaps what was looked at. */
	if (at - last < BLOCK)
		report(segment, last, hits_in(segment->data + last) & ~0ul << (at - last), found,
		       context);
}

void atomic_scan(const struct elf_image *image, void (*found)(void *context, uint64_t address),
		 void *context)
{
	for (unsigned i = 0; i < image->segment_count; i++)
		if (image->segments[i].executable && image->segments[i].readable)
			scan_segment(&image->segments[i], found, context);
}
