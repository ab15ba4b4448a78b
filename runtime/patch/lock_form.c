/* SPDX-License-Identifier: MIT */
/*
 * The table of forms.
 * Runs on: the constructor or the holder of the object lock, the viewer.
 */
#include "lock_form.h"

#include <stddef.h>
#include <string.h>

#define NEAR       20 /* bytes before the instruction that are looked at first */
#define WINDOW     48 /* and then, when that was not enough */
#define MAX_BEFORE 16 /* instructions in it */
#define EXACT(n)                                                                                   \
	{                                                                                          \
		VALUE_CONSTANT, (n)                                                                \
	}
#define SUM(n)                                                                                     \
	{                                                                                          \
		VALUE_SUM, (n)                                                                     \
	}
#define BITS(n)                                                                                    \
	{                                                                                          \
		VALUE_OR, (n)                                                                      \
	}
#define ANY                                                                                        \
	{                                                                                          \
		VALUE_UNKNOWN, 0                                                                   \
	}
#define CMPXCHG ZYDIS_MNEMONIC_CMPXCHG
#define XADD    ZYDIS_MNEMONIC_XADD
#define XCHG    ZYDIS_MNEMONIC_XCHG

/*
 * std: sys/sync/mutex/futex.rs, rwlock/futex.rs (1.62 to 1.95); parking_lot: raw_mutex.rs,
 * raw_rwlock.rs (0.12: PARKED 1, WRITER_PARKED 2, UPGRADABLE 4, WRITER 8, one reader 16); dashmap:
 * lock.rs (5.3 on: one reader 4, one writer all bits from 2 up).
 */
/* clang-format off */
static const struct lock_form forms[] = {
	{CMPXCHG, 32, LOCK_STD_MUTEX, LOCK_EXCLUSIVE, FORM_ACQUIRE, false, EXACT(1), EXACT(0)},
	{CMPXCHG, 32, LOCK_STD_MUTEX, LOCK_EXCLUSIVE, FORM_TRY, false, EXACT(1), EXACT(0)},
	{XCHG, 32, LOCK_STD_MUTEX, LOCK_EXCLUSIVE, FORM_RELEASE, false, EXACT(0), ANY},
	{CMPXCHG, 32, LOCK_STD_RWLOCK, LOCK_EXCLUSIVE, FORM_ACQUIRE, false, EXACT(0x3fffffff), EXACT(0)},
	{CMPXCHG, 32, LOCK_STD_RWLOCK, LOCK_EXCLUSIVE, FORM_TRY, true, BITS(0x3fffffff), ANY},
	{CMPXCHG, 32, LOCK_STD_RWLOCK, LOCK_EXCLUSIVE, FORM_TRY, true, SUM(0x3fffffff), ANY},
	{CMPXCHG, 32, LOCK_STD_RWLOCK, LOCK_SHARED, FORM_ACQUIRE, false, SUM(1), ANY},
	{CMPXCHG, 32, LOCK_STD_RWLOCK, LOCK_SHARED, FORM_TRY, false, SUM(1), ANY},
	{XADD, 32, LOCK_STD_RWLOCK, LOCK_SHARED, FORM_RELEASE, false, EXACT(-1), ANY},
	{XADD, 32, LOCK_STD_RWLOCK, LOCK_EXCLUSIVE, FORM_RELEASE, false, EXACT((int32_t)0xc0000001), ANY},
	{CMPXCHG, 8, LOCK_PARKING_LOT_MUTEX, LOCK_EXCLUSIVE, FORM_ACQUIRE, false, EXACT(1), EXACT(0)},
	{CMPXCHG, 8, LOCK_PARKING_LOT_MUTEX, LOCK_EXCLUSIVE, FORM_TRY, false, BITS(1), ANY},
	{CMPXCHG, 8, LOCK_PARKING_LOT_MUTEX, LOCK_EXCLUSIVE, FORM_RELEASE, false, EXACT(0), EXACT(1)},
	{CMPXCHG, 64, LOCK_PARKING_LOT_RWLOCK, LOCK_EXCLUSIVE, FORM_ACQUIRE, false, EXACT(8), EXACT(0)},
	{CMPXCHG, 64, LOCK_PARKING_LOT_RWLOCK, LOCK_EXCLUSIVE, FORM_TRY, false, EXACT(8), EXACT(0)},
	{CMPXCHG, 64, LOCK_PARKING_LOT_RWLOCK, LOCK_EXCLUSIVE, FORM_RELEASE, false, EXACT(0), EXACT(8)},
	{CMPXCHG, 64, LOCK_PARKING_LOT_RWLOCK, LOCK_SHARED, FORM_ACQUIRE, false, SUM(0x10), ANY},
	{XADD, 64, LOCK_PARKING_LOT_RWLOCK, LOCK_SHARED, FORM_RELEASE, false, EXACT(-0x10), ANY},
	{CMPXCHG, 64, LOCK_PARKING_LOT_RWLOCK, LOCK_UPGRADABLE, FORM_ACQUIRE, false, SUM(0x14), ANY},
	{CMPXCHG, 64, LOCK_PARKING_LOT_RWLOCK, LOCK_UPGRADABLE, FORM_RELEASE, false, SUM(-0x14), ANY},
	{CMPXCHG, 64, LOCK_DASHMAP, LOCK_EXCLUSIVE, FORM_ACQUIRE, false, EXACT(-4), EXACT(0)},
	{CMPXCHG, 64, LOCK_DASHMAP, LOCK_EXCLUSIVE, FORM_TRY, false, EXACT(-4), EXACT(0)},
	{CMPXCHG, 64, LOCK_DASHMAP, LOCK_EXCLUSIVE, FORM_RELEASE, false, EXACT(0), EXACT(-4)},
	{CMPXCHG, 64, LOCK_DASHMAP, LOCK_SHARED, FORM_ACQUIRE, false, SUM(4), ANY},
	{XADD, 64, LOCK_DASHMAP, LOCK_SHARED, FORM_RELEASE, false, EXACT(-4), ANY},
};
/* clang-format on */

struct before {
	struct instruction list[MAX_BEFORE];
	unsigned count;
};

/*
 * Instructions cannot be decoded backwards, and from a start in the middle of one the decoder needs
 * some to get in step. So it is started at every byte: where most runs meet, instructions begin.
 * From the last instruction backwards the one is taken that most runs come through. Returns whether
 * most come to the instruction itself.
 */
static bool read_before(const struct decoder *decoder, uint64_t address, uint64_t floor,
			uint64_t window, struct before *before)
{
	uint64_t first = address - floor > window ? address - window : floor;
	unsigned size = (unsigned)(address - first), at = size;
	uint8_t lengths[WINDOW], runs[WINDOW + 1], starts[MAX_BEFORE];

	memset(runs, 1, sizeof(runs));
	/* A function's first instruction is one for certain. */
	if (first == floor)
		runs[0] = WINDOW;
	for (unsigned i = 0; i < size; i++) {
		lengths[i] = (uint8_t)decoder_length(decoder, first + i);
		if (lengths[i] && i + lengths[i] <= size)
			runs[i + lengths[i]] = (uint8_t)(runs[i + lengths[i]] + runs[i]);
	}
	for (before->count = 0; at && before->count < MAX_BEFORE; before->count++) {
		unsigned best = size;

		for (unsigned i = 0; i < at; i++)
			if (lengths[i] && i + lengths[i] == at &&
			    (best == size || runs[i] > runs[best]))
				best = i;
		/* What only the run that starts there comes through says nothing. */
		if (best == size || runs[best] < 2)
			break;
		starts[before->count] = (uint8_t)best;
		at = best;
	}
	for (unsigned i = 0; i < before->count; i++)
		if (!decoder_at(decoder, first + starts[before->count - 1 - i], &before->list[i]))
			before->count = 0;
	return runs[size] > size / 2;
}

static bool is_register(const ZydisDecodedOperand *operand, ZydisRegister whole)
{
	return operand->type == ZYDIS_OPERAND_TYPE_REGISTER &&
	       register_whole(operand->reg.value) == whole;
}

/* What the instruction that writes `reg` makes of it. */
static struct value value_of(const struct instruction *instruction, ZydisRegister reg)
{
	const ZydisDecodedOperand *to = &instruction->operands[0];
	const ZydisDecodedOperand *from = &instruction->operands[1];

	if (!is_register(to, reg))
		return (struct value){0};
	switch (instruction->info.mnemonic) {
	case ZYDIS_MNEMONIC_MOV:
		if (from->type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
			return (struct value)EXACT(from->imm.value.s);
		break;
	case ZYDIS_MNEMONIC_XOR:
		if (is_register(from, reg))
			return (struct value)EXACT(0);
		break;
	case ZYDIS_MNEMONIC_OR:
		if (from->type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
			return (struct value)BITS(from->imm.value.s);
		break;
	case ZYDIS_MNEMONIC_ADD:
		if (from->type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
			return (struct value)SUM(from->imm.value.s);
		break;
	case ZYDIS_MNEMONIC_LEA:
		if (register_whole(from->mem.base) == ZYDIS_REGISTER_RAX &&
		    from->mem.index == ZYDIS_REGISTER_NONE)
			return (struct value)SUM(from->mem.disp.value);
		break;
	default:
		break;
	}
	return (struct value){0};
}

static struct value value_before(const struct before *before, ZydisRegister reg)
{
	for (unsigned i = before->count; i > 0; i--) {
		const struct instruction *instruction = &before->list[i - 1];

		if (instruction_is_call(instruction))
			return (struct value){0};
		if (instruction_writes(instruction, reg))
			return value_of(instruction, reg);
	}
	return (struct value){0};
}

bool atomic_read(const struct decoder *decoder, uint64_t address, struct atomic *ret)
{
	const ZydisDecodedOperand *operands = ret->instruction.operands;
	unsigned reg;

	if (!decoder_at(decoder, address, &ret->instruction) ||
	    !instruction_is_atomic(&ret->instruction))
		return false;
	ret->operation = ret->instruction.info.mnemonic;
	if (ret->operation != CMPXCHG && ret->operation != XADD && ret->operation != XCHG)
		return false;
	reg = operands[0].type == ZYDIS_OPERAND_TYPE_MEMORY ? 1 : 0;
	ret->memory = &operands[1 - reg];
	if (operands[reg].type != ZYDIS_OPERAND_TYPE_REGISTER ||
	    ret->memory->mem.segment == ZYDIS_REGISTER_FS ||
	    ret->memory->mem.segment == ZYDIS_REGISTER_GS)
		return false;
	ret->width = ret->memory->size;
	ret->reg = register_whole(operands[reg].reg.value);
	ret->source = ret->expected = (struct value){0};
	return true;
}

static void read_values(const struct decoder *decoder, struct atomic *atomic, uint64_t floor,
			uint64_t window)
{
	struct before before;

	atomic->in_step = read_before(decoder, atomic->instruction.address, floor, window, &before);
	atomic->source = value_before(&before, atomic->reg);
	if (atomic->operation == CMPXCHG)
		atomic->expected = value_before(&before, ZYDIS_REGISTER_RAX);
}

void atomic_read_values(const struct decoder *decoder, struct atomic *atomic,
			uint64_t function_start)
{
	read_values(decoder, atomic, function_start, NEAR);
	/* Values that no lock has may be misread: with more room more runs get in step. */
	if (atomic->source.kind == VALUE_UNKNOWN || !lock_form_next(atomic, NULL, false) ||
	    (atomic->operation == CMPXCHG && atomic->source.kind == VALUE_CONSTANT &&
	     atomic->expected.kind == VALUE_UNKNOWN))
		read_values(decoder, atomic, function_start, WINDOW);
}

static int64_t narrowed(int64_t number, unsigned width)
{
	return width == 8 ? (int8_t)number : width == 32 ? (int32_t)number : number;
}

static bool fits(const struct value *have, const struct value *want, unsigned width, bool known)
{
	if (want->kind == VALUE_UNKNOWN)
		return true;
	if (have->kind == VALUE_UNKNOWN)
		return !known;
	return have->kind == want->kind &&
	       narrowed(have->number, width) == narrowed(want->number, width);
}

const struct lock_form *lock_form_next(const struct atomic *atomic,
				       const struct lock_form *previous, bool known)
{
	const struct lock_form *end = forms + sizeof(forms) / sizeof(*forms);

	for (const struct lock_form *form = previous ? previous + 1 : forms; form < end; form++)
		if (form->operation == atomic->operation && form->width == atomic->width &&
		    fits(&atomic->source, &form->source, atomic->width, known) &&
		    fits(&atomic->expected, &form->expected, atomic->width, known))
			return form;
	return NULL;
}
