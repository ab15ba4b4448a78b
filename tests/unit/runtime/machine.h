/* SPDX-License-Identifier: MIT */
/*
 * Runs machine code with given registers and tells what it left in them. For x86-64.
 */
#ifndef OVERSTAY_MACHINE_H
#define OVERSTAY_MACHINE_H

#include <stdint.h>

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15, REGISTERS };

#define MACHINE_FLAGS 0xcd5 /* carry, parity, adjust, zero, sign, direction, overflow */

enum machine_vectors { VECTORS_SSE, VECTORS_AVX, VECTORS_AVX512 };

/* The assembly knows the layout. */
struct machine {
	uint64_t registers[REGISTERS]; /* RSP is a result only */
	uint64_t flags;
	uint64_t vectors; /* enum machine_vectors: how much there is */
	uint64_t unused[6];
	uint8_t wide[32][64]; /* of the vector registers what there is */
	uint64_t masks[8];
} __attribute__((aligned(64)));

/* Every register another value. */
void machine_fill(struct machine *machine);

/* `code` is called; it returns. */
void machine_run(struct machine *machine, uint64_t code);

#endif
