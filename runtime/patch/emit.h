/* SPDX-License-Identifier: MIT */
/*
 * Writes x86-64 machine code at the place where it will run.
 * Runs on: the constructor or the holder of the object lock.
 */
#ifndef OVERSTAY_EMIT_H
#define OVERSTAY_EMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/patch/decoder.h"

/* Grows towards `end`; once something did not fit or could not be encoded, `failed` stays set. */
struct emitter {
	uint8_t *at, *end;
	bool failed;
};

/* Hardware numbers of the registers that generated code uses. */
enum { EMIT_RAX, EMIT_RCX, EMIT_RDX };

void emit_bytes(struct emitter *emitter, const void *bytes, size_t size);
#define EMIT(emitter, ...)                                                                         \
	emit_bytes((emitter), (const uint8_t[]){__VA_ARGS__},                                      \
		   sizeof((const uint8_t[]){__VA_ARGS__}))

void emit_u32(struct emitter *emitter, uint32_t value);
void emit_u64(struct emitter *emitter, uint64_t value);

/* A displacement of 32 bits to `target` as the last part of an instruction. */
void emit_distance(struct emitter *emitter, uint64_t target);

/*
 * The instruction as it would do the same here: addresses relative to the instruction pointer and
 * targets of branches are adjusted.
 */
void emit_copy(struct emitter *emitter, const struct instruction *instruction);

/*
 * lea of an operand in memory into RCX, when `pushed` bytes were pushed since the instruction whose
 * operand it is.
 */
void emit_lea_rcx(struct emitter *emitter, const struct instruction *instruction,
		  const ZydisDecodedOperand *operand, uint32_t pushed);

/* A forward branch of 32 bits, whose distance is filled in by emit_land. */
typedef uint8_t *emit_label;
emit_label emit_branch(struct emitter *emitter, uint8_t condition); /* 0: unconditional */
void emit_land(struct emitter *emitter, emit_label label);

#endif
