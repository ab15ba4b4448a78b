/* SPDX-License-Identifier: MIT */
/*
 * What is done about most locks that generated code does not do itself.
 * Runs on: application threads, anywhere.
 *
 * Compiled without vector registers, and calls nothing: generated code stands in the middle of
 * functions whose vector registers are in use, and saving those takes longer than all of this.
 */
#include "held.h"

#include <stddef.h>

#include "runtime/engine.h"
#include "runtime/locks.h"
#include "runtime/recording.h"
#include "runtime/sys.h"
#include "runtime/thread.h"

#define NEAR_TOP  (64u * 1024) /* how far from its end a stack is looked at */
#define PAGE      4096ul
#define MAX_PAGES (NEAR_TOP / PAGE + 1)

/*
 * Asks the kernel whether every page from `sp` to what is known is there: a thread that runs on
 * another stack for now (a fiber, a signal stack) may be near its own, with a guard page between.
 */
static bool reaches(const struct thread *thread, uint64_t sp)
{
	uint8_t bytes[MAX_PAGES];
	struct iovec local = {bytes, 0}, remote[MAX_PAGES];

	for (uint64_t page = sp & ~(PAGE - 1); page < thread->stack_known_from; page += PAGE) {
		remote[local.iov_len].iov_base = (void *)page;
		remote[local.iov_len++].iov_len = 1;
	}
	return sys_call(SYS_process_vm_readv, recording.pid, (long)&local, 1, (long)remote,
			(long)local.iov_len, 0) == (long)local.iov_len;
}

/* Stack memory above `sp` that is certain to be mapped, for copying. */
static uint64_t readable_above(struct thread *thread, uint64_t sp, uint64_t most)
{
	uint64_t to_page_end = PAGE - (sp & (PAGE - 1));
	uint64_t to_top = thread->stack_top - sp;

	if (thread->stack_top <= sp || to_top >= NEAR_TOP)
		return to_page_end < most ? to_page_end : most;
	if (sp < thread->stack_known_from) {
		if (!reaches(thread, sp))
			return to_page_end < most ? to_page_end : most;
		thread->stack_known_from = sp & ~(PAGE - 1);
	}
	return to_top < most ? to_top : most;
}

/* Returns index + 1 of a copy that no note has, 0 when there is none. */
static uint8_t free_copy(const struct thread *thread)
{
	uint32_t used = 0;

	for (unsigned i = 0; i < held_count(&thread->held); i++)
		if (thread->held.notes[i].copy)
			used |= 1u << (thread->held.notes[i].copy - 1);
	return used == (1u << HELD_MAX) - 1 ? 0 : (uint8_t)(__builtin_ctz(~used) + 1);
}

/* Not by the C library's function, which uses vector registers. */
static void copy_words(void *to, uint64_t from, uint64_t words)
{
#if defined(__x86_64__)
	__asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
#else
	for (uint64_t i = 0; i < words; i++)
		((volatile uint64_t *)to)[i] = ((const volatile uint64_t *)(uintptr_t)from)[i];
#endif
}

static void copy_stack(struct thread *thread, const struct unwind_context *context, uint64_t most,
		       struct stack_copy *copy)
{
	copy->context = *context;
	copy->size = context->sp ? readable_above(thread, context->sp, most) & ~7ul : 0;
	copy_words(copy->bytes, context->sp, copy->size / 8);
}

bool held_acquired_quick(uint64_t lock, uint32_t place, const struct unwind_context *context)
{
	int64_t entered = engine_entered_offset;
	struct thread *thread = thread_self;
	struct held_note *note;
	uint8_t copy;

	if (!thread || thread->held.top >= sizeof(thread->held.notes))
		return false;
	note = &thread->held.notes[held_count(&thread->held)];
	copy = context ? free_copy(thread) : 0;
	__atomic_store_n(&thread->held.top, thread->held.top + sizeof(*note), __ATOMIC_RELAXED);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	note->place = place;
	note->entered = entered ? ((const uint8_t *)__builtin_thread_pointer())[entered]
				: ENTERED_BYTE_NONE;
	note->copy = copy;
	if (copy)
		copy_stack(thread, context,
			   lock_place_get(place)->inlined ? STACK_COPY_INLINED : STACK_COPY,
			   &thread->held_copies[copy - 1]);
	__atomic_store_n(&note->lock, lock, __ATOMIC_RELEASE);
	return true;
}

/* Polls that are open remember how long the list was when they began. */
static void shorten_bases(struct thread *thread, unsigned index)
{
	for (uint32_t i = 0; i < thread->depth && i < MAX_OPEN_POLLS; i++)
		if (thread_poll_base(thread, i) > index)
			thread->bases[i].held -= sizeof(struct held_note);
}

bool held_released_quick(uint64_t lock)
{
	struct thread *thread = thread_self;

	for (unsigned i = thread ? held_count(&thread->held) : 0; i > 0; i--) {
		if (thread->held.notes[i - 1].lock != lock)
			continue;
		held_drop(&thread->held, i - 1);
		shorten_bases(thread, i - 1);
		return true;
	}
	return false;
}
