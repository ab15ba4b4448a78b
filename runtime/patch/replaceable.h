/* SPDX-License-Identifier: MIT */
/*
 * Whether instructions can be replaced by a jump to a copy of them.
 * Runs on: the constructor or the holder of the object lock, the viewer.
 */
#ifndef OVERSTAY_REPLACEABLE_H
#define OVERSTAY_REPLACEABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/patch/decoder.h"
#include "runtime/patch/function_bounds.h"
#include "runtime/patch/lock_sites.h"

#define JUMP_BYTES 5 /* of a jump with a 32-bit displacement */

/*
 * The whole instructions from `address` on that a jump would cover: their length is in *ret_length.
 * None of them but the first may be the target of a branch in the function, all can run elsewhere.
 */
enum lock_skip replaceable_length(const struct decoder *decoder, uint64_t address,
				  const struct function_bounds *function, uint8_t *ret_length);

/*
 * The instruction before `address`, where the two and what follows can be replaced although a
 * branch lands behind the instruction at `address`: returns its length, 0 when that is not so. The
 * whole length is in *ret_length then.
 */
uint8_t replaceable_before(const struct decoder *decoder, uint64_t address,
			   const struct function_bounds *function, uint8_t *ret_length);

/* Whether the address of an operand in memory can be computed by other code. */
bool replaceable_operand(const ZydisDecodedOperand *operand);

/*
 * Whether the processor's flags may be changed before the instruction at `address`: nothing reads
 * them before they are written again.
 */
bool replaceable_flags_unused(const struct decoder *decoder, uint64_t address);

#endif
