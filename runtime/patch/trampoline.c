/* SPDX-License-Identifier: MIT */
/*
 * Generates trampolines.
 * Runs on: the constructor or the holder of the object lock.
 *
 * No register is free and a leaf function may use the 128 bytes below the stack pointer, so the
 * code steps over them and saves three registers. Behind a compare-and-exchange that succeeded the
 * flags are those of comparing equal values, which comparing a register with itself restores.
 */
#include "trampoline.h"

#include <stddef.h>

#include "runtime/held.h"

#define RED_ZONE     128
#define SAVED        (RED_ZONE + 3 * 8)
#define IF_NOT_EQUAL 0x85
#define IF_NOT_BELOW 0x83

_Static_assert(offsetof(struct held, top) == 0 && offsetof(struct held, notes) == 16 &&
		       sizeof(struct held_note) == 16 && offsetof(struct held_note, lock) == 0 &&
		       offsetof(struct held_note, place) == 8 &&
		       offsetof(struct held_note, entered) == 12,
	       "generated code knows this layout");

static void save(struct emitter *e)
{
	EMIT(e, 0x48, 0x8d, 0x64, 0x24, 0x80); /* lea -128(%rsp), %rsp */
	EMIT(e, 0x50, 0x51, 0x52);             /* push %rax, %rcx, %rdx */
}

static void restore(struct emitter *e)
{
	EMIT(e, 0x5a, 0x59, 0x58);       /* pop %rdx, %rcx, %rax */
	EMIT(e, 0x48, 0x8d, 0xa4, 0x24); /* lea 128(%rsp), %rsp */
	emit_u32(e, RED_ZONE);
}

/* rax = held_self, edx = its top. */
static void load_list(const struct trampolines *t, struct emitter *e)
{
	EMIT(e, 0x64, 0x48, 0x8b, 0x04, 0x25); /* mov %fs:held_self, %rax */
	emit_u32(e, (uint32_t)t->held_offset);
	EMIT(e, 0x8b, 0x10); /* mov (%rax), %edx */
}

static void call_engine(struct emitter *e, const uint64_t *pointer)
{
	EMIT(e, 0xff, 0x15); /* call *pointer(%rip) */
	emit_distance(e, (uintptr_t)pointer);
}

static void call_with_place(struct emitter *e, uint32_t place, const uint64_t *pointer)
{
	EMIT(e, 0x68); /* push $place */
	emit_u32(e, place);
	call_engine(e, pointer);
	EMIT(e, 0x48, 0x8d, 0x64, 0x24, 0x08); /* lea 8(%rsp), %rsp */
}

static void load_entered(const struct trampolines *t, struct emitter *e)
{
	if (t->entered_offset) {
		EMIT(e, 0x64, 0x0f, 0xb6, 0x14, 0x25); /* movzbl %fs:entered, %edx */
		emit_u32(e, (uint32_t)t->entered_offset);
	} else {
		EMIT(e, 0xba); /* mov $none, %edx */
		emit_u32(e, ENTERED_BYTE_NONE);
	}
}

/* The lock's address is in RCX. Returns where the list is full, to be filled in. */
static emit_label add_note(const struct trampolines *t, struct emitter *e, uint32_t place)
{
	emit_label full;

	load_list(t, e);
	EMIT(e, 0x81, 0xfa); /* cmp $size, %edx */
	emit_u32(e, sizeof(((struct held *)0)->notes));
	full = emit_branch(e, IF_NOT_BELOW);
	EMIT(e, 0x83, 0xc2, 0x10);       /* add $16, %edx */
	EMIT(e, 0x48, 0x89, 0x10);       /* mov %rdx, (%rax): a signal handler's notes go above */
	EMIT(e, 0x48, 0x8d, 0x04, 0x10); /* lea (%rax,%rdx), %rax: the note */
	EMIT(e, 0xc7, 0x40, 0x08);       /* movl $place, 8(%rax) */
	emit_u32(e, place);
	load_entered(t, e);
	EMIT(e, 0x89, 0x50, 0x0c); /* mov %edx, 12(%rax): entered, copy */
	EMIT(e, 0x48, 0x89, 0x08); /* mov %rcx, (%rax): lock */
	return full;
}

/* The instructions behind the first one that the jump covers, and the way back. */
static void continue_behind(struct trampolines *t, const struct instruction *first,
			    const struct lock_site *site)
{
	struct emitter *e = &t->emitter;
	uint64_t at = first->next, end = site->address + site->length;
	struct instruction instruction;

	while (at < end && decoder_at(t->decoder, at, &instruction)) {
		emit_copy(e, &instruction);
		at = instruction.next;
	}
	if (at != end)
		e->failed = true;
	EMIT(e, 0xe9);
	emit_distance(e, end);
}

/* The instructions that are replaced together with the atomic one, and stand before it. */
static void lead_up(struct trampolines *t, const struct lock_site *site)
{
	uint64_t at = site->address, end = site->address + site->atomic;
	struct instruction instruction;

	while (at < end && decoder_at(t->decoder, at, &instruction)) {
		emit_copy(&t->emitter, &instruction);
		at = instruction.next;
	}
	if (at != end)
		t->emitter.failed = true;
}

static const ZydisDecodedOperand *memory_of(const struct instruction *instruction)
{
	return &instruction->operands[instruction->operands[0].type != ZYDIS_OPERAND_TYPE_MEMORY];
}

static void emit_acquire(struct trampolines *t, const struct lock_site *site,
			 const struct instruction *first, uint32_t place)
{
	struct emitter *e = &t->emitter;
	emit_label failed, full = NULL, done;
	uint8_t *noted;

	emit_copy(e, first);
	failed = emit_branch(e, IF_NOT_EQUAL);
	save(e);
	emit_lea_rcx(e, first, memory_of(first), SAVED);
	if (site->plumbing)
		call_with_place(e, place, &t->calls->plumbing);
	else
		full = add_note(t, e, place);
	noted = e->at;
	restore(e);
	EMIT(e, 0x39, 0xc0); /* cmp %eax, %eax */
	emit_land(e, failed);
	continue_behind(t, first, site);
	if (!full)
		return;
	emit_land(e, full);
	call_with_place(e, place, &t->calls->full);
	done = emit_branch(e, 0);
	if (!e->failed) {
		int32_t back = (int32_t)(noted - done);

		__builtin_memcpy(done - sizeof(back), &back, sizeof(back));
	}
}

static void emit_release(struct trampolines *t, const struct lock_site *site,
			 const struct instruction *first)
{
	struct emitter *e = &t->emitter;
	emit_label missing;
	uint8_t *forgotten;

	save(e);
	emit_lea_rcx(e, first, memory_of(first), SAVED);
	load_list(t, e);
	EMIT(e, 0x48, 0x3b, 0x0c, 0x10); /* cmp (%rax,%rdx), %rcx: the newest note's lock */
	missing = emit_branch(e, IF_NOT_EQUAL);
	EMIT(e, 0x48, 0xc7, 0x04, 0x10); /* movq $0, (%rax,%rdx) */
	emit_u32(e, 0);
	EMIT(e, 0x83, 0xea, 0x10); /* sub $16, %edx */
	EMIT(e, 0x48, 0x89, 0x10); /* mov %rdx, (%rax) */
	forgotten = e->at;
	restore(e);
	emit_copy(e, first);
	continue_behind(t, first, site);
	emit_land(e, missing);
	call_engine(e, &t->calls->missing);
	EMIT(e, 0xe9);
	emit_distance(e, (uintptr_t)forgotten);
}

static uint64_t finish(struct trampolines *t, uint8_t *start)
{
	if (!t->emitter.failed)
		return (uintptr_t)start;
	t->emitter.at = start;
	t->emitter.failed = false;
	return 0;
}

uint64_t trampoline_instruction(struct trampolines *t, const struct lock_site *site, uint32_t place)
{
	uint8_t *start = t->emitter.at;
	struct instruction first;

	if (!decoder_at(t->decoder, site->address + site->atomic, &first))
		return 0;
	lead_up(t, site);
	if (site->release)
		emit_release(t, site, &first);
	else
		emit_acquire(t, site, &first, place);
	return finish(t, start);
}

uint64_t trampoline_function(struct trampolines *t, const struct lock_site *site,
			     struct lock_hook *hook)
{
	struct emitter *e = &t->emitter;
	uint8_t *start = e->at;
	struct instruction first;

	if (!decoder_at(t->decoder, site->address, &first))
		return 0;
	EMIT(e, 0x49, 0xbb); /* movabs $hook, %r11 */
	emit_u64(e, (uintptr_t)hook);
	EMIT(e, 0xff, 0x25); /* jmp *function(%rip) */
	emit_distance(e, (uintptr_t)&t->calls->function);
	hook->original = (uintptr_t)e->at;
	emit_copy(e, &first);
	continue_behind(t, &first, site);
	return finish(t, start);
}
