/* SPDX-License-Identifier: MIT */
/*
 * What an atomic instruction does to a lock's word, told by its operation, width and constants.
 * Runs on: the constructor or the holder of the object lock, the viewer.
 */
#ifndef OVERSTAY_LOCK_FORM_H
#define OVERSTAY_LOCK_FORM_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/locks.h"
#include "runtime/patch/decoder.h"

/* What is known of a register's value before the instruction. */
enum value_kind {
	VALUE_UNKNOWN,
	VALUE_CONSTANT,
	VALUE_SUM, /* the accumulator plus a constant */
	VALUE_OR,  /* something with the bits of a constant set */
};

struct value {
	enum value_kind kind;
	int64_t number;
};

/* An atomic instruction on memory and its context. */
struct atomic {
	struct instruction instruction;
	ZydisMnemonic operation; /* CMPXCHG, XADD or XCHG */
	unsigned width;          /* bits */
	const ZydisDecodedOperand *memory;
	ZydisRegister reg;   /* the register operand, as a whole */
	bool in_step;        /* an instruction begins here, by most ways to decode what is before */
	struct value source; /* of that register */
	struct value expected; /* of the accumulator, for CMPXCHG */
};

enum form_action {
	FORM_ACQUIRE,
	FORM_TRY, /* as FORM_ACQUIRE, without a slow path */
	FORM_RELEASE,
};

struct lock_form {
	ZydisMnemonic operation;
	uint8_t width;
	uint8_t type, mode, action;
	bool distinct; /* a try of this form is a lock for certain */
	struct value source, expected;
};

/* Reads the atomic instruction at `address`, without values; false when it is none. */
bool atomic_read(const struct decoder *decoder, uint64_t address, struct atomic *ret);

/* Fills in the values, from the code that leads up to the instruction. */
void atomic_read_values(const struct decoder *decoder, struct atomic *atomic,
			uint64_t function_start);

/*
 * The next form that the instruction can be, behind `previous` (NULL: the first), or NULL. With
 * `known` only forms whose constants are all there; otherwise forms that nothing known contradicts.
 */
const struct lock_form *lock_form_next(const struct atomic *atomic,
				       const struct lock_form *previous, bool known);

#endif
