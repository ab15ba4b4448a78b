/* SPDX-License-Identifier: MIT */
/*
 * Follows code from an atomic instruction to a slow path.
 * Runs on: the constructor or the holder of the object lock, the viewer.
 */
#include "slow_path.h"

#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>

#define MAX_INSTRUCTIONS 56 /* on all paths together */
#define MAX_BRANCHES     4  /* on one path */
#define REGISTERS        16

/* A register as it is somewhere behind the instruction, in terms of what was there at it. */
struct origin {
	enum { ORIGIN_UNKNOWN, ORIGIN_REGISTER, ORIGIN_ADDRESS, ORIGIN_NUMBER } kind;
	ZydisRegister base;
	int64_t number; /* added to the base; the address; the number */
};

struct walk {
	const struct lock_search *search;
	const struct atomic *atomic;
	struct slow_path *found;
	unsigned budget;
};

struct state {
	struct origin registers[REGISTERS];
	uint64_t at;
	unsigned branches;
	bool failure_only; /* the next branch decides whether the lock was had */
};

static struct origin *origin_of(struct state *state, ZydisRegister reg)
{
	ZydisRegister whole = register_whole(reg);

	return whole >= ZYDIS_REGISTER_RAX && whole <= ZYDIS_REGISTER_R15
		       ? &state->registers[whole - ZYDIS_REGISTER_RAX]
		       : NULL;
}

static struct origin assigned(struct state *state, const struct instruction *instruction)
{
	const ZydisDecodedOperand *from = &instruction->operands[1];
	const struct origin *source;

	switch (instruction->info.mnemonic) {
	case ZYDIS_MNEMONIC_MOV:
		if (from->type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
			return (struct origin){ORIGIN_NUMBER, 0, from->imm.value.s};
		source = from->type == ZYDIS_OPERAND_TYPE_REGISTER
				 ? origin_of(state, from->reg.value)
				 : NULL;
		return source && from->size == 64 ? *source : (struct origin){0};
	case ZYDIS_MNEMONIC_LEA:
		if (from->mem.base == ZYDIS_REGISTER_RIP)
			return (struct origin){ORIGIN_ADDRESS, 0,
					       (int64_t)instruction_rip_address(instruction, from)};
		source = origin_of(state, from->mem.base);
		if (!source || source->kind != ORIGIN_REGISTER ||
		    from->mem.index != ZYDIS_REGISTER_NONE)
			return (struct origin){0};
		return (struct origin){ORIGIN_REGISTER, source->base,
				       source->number + from->mem.disp.value};
	default:
		return (struct origin){0};
	}
}

static void execute(struct state *state, const struct instruction *instruction)
{
	struct origin value = assigned(state, instruction);

	for (unsigned i = 0; i < instruction->info.operand_count; i++) {
		const ZydisDecodedOperand *operand = &instruction->operands[i];
		struct origin *target;

		if (operand->type != ZYDIS_OPERAND_TYPE_REGISTER ||
		    !(operand->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
			continue;
		target = origin_of(state, operand->reg.value);
		if (target)
			*target = i == 0 ? value : (struct origin){0};
	}
}

/* False when the register is known to hold another address than the lock's. */
static bool may_be_lock(const struct walk *walk, const struct origin *origin)
{
	const struct atomic *atomic = walk->atomic;
	const ZydisDecodedOperandMem *memory = &atomic->memory->mem;
	uint64_t fixed = instruction_rip_address(&atomic->instruction, atomic->memory);

	if (origin->kind == ORIGIN_NUMBER)
		return false;
	if (origin->kind == ORIGIN_ADDRESS)
		return !fixed || (uint64_t)origin->number == fixed;
	if (origin->kind == ORIGIN_REGISTER && origin->base == memory->base &&
	    memory->index == ZYDIS_REGISTER_NONE)
		return origin->number == memory->disp.value;
	return true;
}

static bool is_lock(const struct walk *walk, const struct origin *origin)
{
	const ZydisDecodedOperandMem *memory = &walk->atomic->memory->mem;
	uint64_t fixed = instruction_rip_address(&walk->atomic->instruction, walk->atomic->memory);

	if (fixed)
		return origin->kind == ORIGIN_ADDRESS && (uint64_t)origin->number == fixed;
	return origin->kind == ORIGIN_REGISTER && origin->base == memory->base &&
	       memory->index == ZYDIS_REGISTER_NONE && origin->number == memory->disp.value;
}

static bool is_number(const struct state *state, ZydisRegister reg, int64_t number)
{
	const struct origin *origin = &state->registers[reg - ZYDIS_REGISTER_RAX];

	return origin->kind == ORIGIN_NUMBER && origin->number == number;
}

/* std's wake-up of one waiter, inlined by link-time optimisation. */
static bool is_wake(const struct walk *walk, const struct state *state)
{
	return is_number(state, ZYDIS_REGISTER_RDI, SYS_futex) &&
	       is_number(state, ZYDIS_REGISTER_RDX, FUTEX_WAKE | FUTEX_PRIVATE_FLAG) &&
	       may_be_lock(walk, &state->registers[ZYDIS_REGISTER_RSI - ZYDIS_REGISTER_RAX]);
}

/*
 * With link-time optimisation a slow path that is called for one static lock only is made for that
 * one, and its argument left out.
 */
static uint64_t only_lock(const struct walk *walk, const struct state *state)
{
	const struct origin *first = &state->registers[ZYDIS_REGISTER_RDI - ZYDIS_REGISTER_RAX];

	return is_lock(walk, first)
		       ? 0
		       : instruction_rip_address(&walk->atomic->instruction, walk->atomic->memory);
}

/*
 * parking_lot's slow paths take an Option<Instant> in two registers; none is a second of
 * nanoseconds in the latter. Link-time optimisation leaves the argument out when nobody gives one.
 */
static uint8_t timeout_argument(const struct state *state)
{
	if (is_number(state, ZYDIS_REGISTER_RDX, SLOW_PATH_NO_TIMEOUT))
		return 3;
	return is_number(state, ZYDIS_REGISTER_RCX, SLOW_PATH_NO_TIMEOUT) ? 4 : 0;
}

/* The code behind may come to other locks' slow paths as well. */
static bool is_of_kind(const struct walk *walk, const struct lock_function *name)
{
	const struct lock_form *form = NULL;

	while ((form = lock_form_next(walk->atomic, form, false)))
		if (form->type == name->type)
			return true;
	return false;
}

/* A call, or a jump out of the function: the end of a path, and maybe what is looked for. */
static bool is_slow_path(struct walk *walk, struct state *state, uint64_t callee, uint64_t slot,
			 uint64_t return_address)
{
	const struct lock_search *search = walk->search;
	struct slow_shape shape;

	if (slow_shapes_is_syscall(search->shapes, slot)) {
		if (!is_wake(walk, state))
			return false;
		*walk->found = (struct slow_path){.wakes = true};
		return true;
	}
	if (!callee && !slot && return_address) {
		/* A pointer that was loaded before a loop. */
		bool wakes = is_wake(walk, state);

		*walk->found = (struct slow_path){.unknown = !wakes, .wakes = wakes};
		return wakes ||
		       is_lock(walk, &state->registers[ZYDIS_REGISTER_RDI - ZYDIS_REGISTER_RAX]);
	}
	if (!callee ||
	    !may_be_lock(walk, &state->registers[ZYDIS_REGISTER_RDI - ZYDIS_REGISTER_RAX]))
		return false;
	*walk->found = (struct slow_path){
		.function = callee,
		.name = lock_functions_at(search->functions, callee),
		.timeout = timeout_argument(state),
		.only_lock = only_lock(walk, state),
	};
	if (walk->found->name) {
		uint8_t role = walk->found->name->role;

		walk->found->acquires = role == FUNCTION_SLOW_ACQUIRE || role == FUNCTION_SLOW_TRY;
		return (walk->found->acquires || role == FUNCTION_SLOW_RELEASE) &&
		       is_of_kind(walk, walk->found->name);
	}
	if (search->functions->has_symbols)
		return false;
	shape = slow_shape_of(search->shapes, search->image, callee);
	walk->found->acquires = shape.spins;
	return shape.waits;
}

static bool follow(struct walk *walk, struct state state);

static bool follow_branch(struct walk *walk, struct state *state,
			  const struct instruction *instruction)
{
	uint64_t target = instruction_target(instruction);
	bool failure_only = state->failure_only;
	struct state taken = *state;

	/* Behind cmpxchg, "not zero" is the side where the word was another one. */
	bool taken_side = instruction->info.mnemonic != ZYDIS_MNEMONIC_JZ;
	bool other_side = instruction->info.mnemonic != ZYDIS_MNEMONIC_JNZ;

	if (!target || ++state->branches > MAX_BRANCHES)
		return false;
	taken.at = target;
	taken.branches = state->branches;
	taken.failure_only = state->failure_only = false;
	state->at = instruction->next;
	if ((!failure_only || taken_side) &&
	    (is_slow_path(walk, &taken, target, 0, 0) || follow(walk, taken)))
		return true;
	return (!failure_only || other_side) && follow(walk, *state);
}

static bool follow(struct walk *walk, struct state state)
{
	struct instruction instruction;
	uint64_t slot = 0, callee;

	while (walk->budget && decoder_at(walk->search->decoder, state.at, &instruction)) {
		walk->budget--;
		if (instruction_is_branch(&instruction))
			return follow_branch(walk, &state, &instruction);
		if (instruction_is_call(&instruction)) {
			callee = decoder_callee(walk->search->decoder, &instruction, &slot);
			return is_slow_path(walk, &state, callee, slot, instruction.next);
		}
		if (instruction_is_jump(&instruction)) {
			callee = decoder_callee(walk->search->decoder, &instruction, &slot);
			if (is_slow_path(walk, &state, callee, slot, 0))
				return true;
			if (slot || !callee)
				return false;
			state.at = callee;
			continue;
		}
		if (instruction_is_atomic(&instruction) ||
		    instruction.info.meta.category == ZYDIS_CATEGORY_RET)
			return false;
		execute(&state, &instruction);
		state.at = instruction.next;
	}
	return false;
}

bool slow_path_find(const struct lock_search *search, const struct atomic *atomic, bool acquires,
		    struct slow_path *ret)
{
	struct walk walk = {search, atomic, ret, MAX_INSTRUCTIONS};
	struct state state = {.at = atomic->instruction.next, .failure_only = acquires};

	for (unsigned i = 0; i < REGISTERS; i++)
		state.registers[i] = (struct origin){ORIGIN_REGISTER, ZYDIS_REGISTER_RAX + i, 0};
	execute(&state, &atomic->instruction);
	return follow(&walk, state);
}
