/* SPDX-License-Identifier: MIT */
/*
 * Stack capture through libunwind.
 * Runs on: the constructor or collector (start), application threads (capture).
 */
#include "unwind.h"

#include <dlfcn.h>
#include <stddef.h>

#define UNW_LOCAL_ONLY
#include <libunwind.h>

#define QUOTE(name)  #name
#define SYMBOL(name) QUOTE(name)

/* The header maps these to names that carry the machine, as the shared library exports them. */
static int (*init_local)(unw_cursor_t *cursor, unw_context_t *context);
static int (*step)(unw_cursor_t *cursor);
static int (*get_reg)(unw_cursor_t *cursor, unw_regnum_t number, unw_word_t *ret_value);
#if defined(__x86_64__)
static int (*get_context)(unw_context_t *context);
#else
#define get_context(context) unw_getcontext(*(context))
#endif

static bool ready;            /* set last, with release */
static uint32_t busy_threads; /* inside capture_afresh */

static void *find(void *library, const char *name, bool *missing)
{
	void *function = dlsym(library, name);

	*missing |= !function;
	return function;
}

static __attribute__((noinline)) void capture_afresh(struct remembered_stack *stack)
{
	unw_context_t context;
	unw_cursor_t cursor;
	uint32_t count = 0;

	__atomic_add_fetch(&busy_threads, 1, __ATOMIC_RELAXED);
	get_context(&context);
	if (init_local(&cursor, &context) >= 0 && step(&cursor) > 0) {
		/* One step leads into unwind_capture, the next ones to its callers. */
		while (count < UNWIND_MAX_FRAMES && step(&cursor) > 0) {
			unw_word_t ip = 0, sp = 0;

			if (get_reg(&cursor, UNW_REG_IP, &ip) < 0 || !ip ||
			    get_reg(&cursor, UNW_REG_SP, &sp) < 0)
				break;
			stack->frames[count] = ip;
			stack->places[count++] = sp - sizeof(uint64_t);
		}
	}
	stack->count = count;
	__atomic_sub_fetch(&busy_threads, 1, __ATOMIC_RELAXED);
}

bool unwind_start(void)
{
	static struct stack_memory warm_up;
	void *library;
	bool missing = false;

	if (__atomic_load_n(&ready, __ATOMIC_ACQUIRE))
		return true;
	library = dlopen("libunwind.so.8", RTLD_NOW | RTLD_LOCAL);
	if (!library)
		return false;
	*(void **)&init_local = find(library, SYMBOL(unw_init_local), &missing);
	*(void **)&step = find(library, SYMBOL(unw_step), &missing);
	*(void **)&get_reg = find(library, SYMBOL(unw_get_reg), &missing);
#if defined(__x86_64__)
	*(void **)&get_context = find(library, SYMBOL(unw_tdep_getcontext), &missing);
#endif
	if (missing)
		return false;
	__atomic_store_n(&ready, true, __ATOMIC_RELEASE);
	unwind_capture(&warm_up);
	return true;
}

/*
 * The call instruction leaves the return address right below the caller's stack pointer on x86-64;
 * elsewhere its place is not known this way, and every stack is captured afresh.
 */
static bool still_there(const struct remembered_stack *stack, uint64_t place)
{
#if defined(__x86_64__)
	if (!stack->count || stack->places[0] != place)
		return false;
	for (uint32_t i = 0; i < stack->count; i++)
		if (*(const uint64_t *)(uintptr_t)stack->places[i] != stack->frames[i])
			return false;
	return true;
#else
	return false;
#endif
}

__attribute__((noinline)) const struct remembered_stack *
unwind_capture(struct stack_memory *memory)
{
	uint64_t place = (uintptr_t)__builtin_frame_address(0) + sizeof(uint64_t);
	struct remembered_stack *stack;

	for (uint32_t i = 0; i < UNWIND_REMEMBERED; i++)
		if (still_there(&memory->stacks[i], place))
			return &memory->stacks[i];
	stack = &memory->stacks[memory->next++ % UNWIND_REMEMBERED];
	stack->count = 0;
	if (__atomic_load_n(&ready, __ATOMIC_ACQUIRE))
		capture_afresh(stack);
	return stack;
}

bool unwind_after_fork(void)
{
	if (busy_threads)
		ready = false;
	return ready;
}
