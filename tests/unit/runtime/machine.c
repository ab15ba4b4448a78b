/* SPDX-License-Identifier: MIT */
/* Registers before and after. */
#include "machine.h"

#include <stddef.h>
#include <string.h>

_Static_assert(offsetof(struct machine, flags) == 128 && offsetof(struct machine, vectors) == 136 &&
		       offsetof(struct machine, wide) == 192 &&
		       offsetof(struct machine, masks) == 2240,
	       "the assembly knows");

static enum machine_vectors vectors(void)
{
	if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw"))
		return VECTORS_AVX512;
	return __builtin_cpu_supports("avx") ? VECTORS_AVX : VECTORS_SSE;
}

void machine_fill(struct machine *machine)
{
	static const unsigned registers[] = {16, 16, 32}, bytes[] = {16, 32, 64};
	uint8_t next = 1;

	memset(machine, 0, sizeof(*machine));
	machine->vectors = vectors();
	machine->flags = 0x2d7; /* all but overflow and direction; interrupts */
	for (unsigned i = 0; i < REGISTERS; i++)
		machine->registers[i] = 0x1111111111111111u * i + 0x0102030405060708u;
	for (unsigned i = 0; i < registers[machine->vectors]; i++)
		for (unsigned j = 0; j < bytes[machine->vectors]; j++)
			machine->wide[i][j] = next = (uint8_t)(next * 5 + i + 1);
	for (unsigned i = 0; machine->vectors == VECTORS_AVX512 && i < 8; i++)
		machine->masks[i] = 0x0123456789abcdef + i;
}
