/* SPDX-License-Identifier: MIT */
/*
 * From generated code into the engine.
 * Runs on: application threads, at any lock operation.
 *
 * Inlined instructions are no function calls to the compiler that made them: every register is in
 * use, the vector registers too. So what is called from there (lock_hooks_quick.c, held.c and what
 * they call) is compiled without vector registers: saving those would take three kilobytes of the
 * target's stack, which may be a small one. tests/lint/vector_registers.sh looks at the result.
 */
#include "lock_hooks.h"

#include <stddef.h>

#include "runtime/held.h"
#include "runtime/lock_hooks_quick.h"
#include "runtime/lock_wait.h"
#include "runtime/locks.h"
#include "runtime/patch/slow_path.h"
#include "runtime/thread.h"

_Static_assert(offsetof(struct lock_hook, original) == 0, "the assembly below knows");

/*
 * The frame of the outermost lock function that the calling thread is in; 0: none. Only that one
 * notes the lock. A frame that was left by longjmp or unwinding lies below the next one, and a
 * signal handler's lies further away than lock functions call each other.
 */
#define NESTED_BYTES 1024
static __thread uintptr_t outermost;

/* Called from the assembly. */
uint64_t lock_function_begin(const struct lock_hook *hook, const uint64_t *arguments,
			     const uint64_t *frame);
void lock_function_end(const struct lock_hook *hook, uint64_t lock, uint64_t result,
		       const uint64_t *frame, const uint64_t *arguments);

void lock_hook_full(void);
void lock_hook_plumbing(void);
void lock_hook_missing(void);
void lock_hook_function(void);

/*
 * Entered by a call from a trampoline, which has saved RAX, RCX and RDX. RCX is the lock; the place
 * lies above the return address where there is one. RBP keeps the stack pointer, so that the rest
 * of the stack may be aligned.
 */
#define KEEP_ALL(name, function)                                                                   \
	__asm__(".text\n"                                                                          \
		".globl " #name "\n.hidden " #name "\n.type " #name ", @function\n" #name ":\n"    \
		"cmpb $0, held_follows(%rip)\n je 1f\n"                                            \
		"push %rbp\n mov %rsp, %rbp\n"                                                     \
		"push %rsi\n push %rdi\n push %r8\n push %r9\n push %r10\n push %r11\n"            \
		"and $-16, %rsp\n cld\n"                                                           \
		"mov %rcx, %rdi\n mov %rbp, %rsi\n call " #function "\n"                           \
		"lea -48(%rbp), %rsp\n"                                                            \
		"pop %r11\n pop %r10\n pop %r9\n pop %r8\n pop %rdi\n pop %rsi\n pop %rbp\n"       \
		"1: ret\n"                                                                         \
		".size " #name ", . - " #name "\n")

KEEP_ALL(lock_hook_full, lock_acquired_inline);
KEEP_ALL(lock_hook_plumbing, lock_acquired_in_plumbing);
KEEP_ALL(lock_hook_missing, lock_released_inline);

/*
 * Jumped to from the entry of a lock function, with the hook in R11: an ordinary call in every
 * respect, with unwind information, between the function and its caller.
 */
__asm__(".text\n"
	".globl lock_hook_function\n.hidden lock_hook_function\n"
	".type lock_hook_function, @function\nlock_hook_function:\n"
	".cfi_startproc\n"
	"push %rbp\n.cfi_def_cfa_offset 16\n.cfi_offset %rbp, -16\n"
	"mov %rsp, %rbp\n.cfi_def_cfa_register %rbp\n"
	"push %rbx\n push %r12\n.cfi_offset %rbx, -24\n.cfi_offset %r12, -32\n"
	"sub $64, %rsp\n mov %r11, %rbx\n"
	"mov %rdi, (%rsp)\n mov %rsi, 8(%rsp)\n mov %rdx, 16(%rsp)\n"
	"mov %rcx, 24(%rsp)\n mov %r8, 32(%rsp)\n mov %r9, 40(%rsp)\n"
	"mov %rsp, %rsi\n mov %rbp, %rdx\n mov %rbx, %rdi\n"
	"call lock_function_begin\n"
	"mov %rax, %r12\n"
	"mov (%rsp), %rdi\n mov 8(%rsp), %rsi\n mov 16(%rsp), %rdx\n"
	"mov 24(%rsp), %rcx\n mov 32(%rsp), %r8\n mov 40(%rsp), %r9\n"
	"call *(%rbx)\n"
	"mov %rax, 48(%rsp)\n mov %rdx, 56(%rsp)\n"
	"mov %rbx, %rdi\n mov %r12, %rsi\n mov %rax, %rdx\n mov %rbp, %rcx\n mov %rsp, %r8\n"
	"call lock_function_end\n"
	"mov 48(%rsp), %rax\n mov 56(%rsp), %rdx\n"
	"lea -16(%rbp), %rsp\n pop %r12\n pop %rbx\n pop %rbp\n"
	".cfi_def_cfa %rsp, 8\n ret\n"
	".cfi_endproc\n.size lock_hook_function, . - lock_hook_function\n");

static bool is_slow(uint8_t role)
{
	return role == FUNCTION_SLOW_ACQUIRE || role == FUNCTION_SLOW_TRY;
}

static bool is_timed(const struct lock_hook *hook, const uint64_t *arguments)
{
	return hook->timeout && (uint32_t)arguments[hook->timeout - 1] != SLOW_PATH_NO_TIMEOUT;
}

static bool is_inside_another(const uint64_t *frame)
{
	return outermost > (uintptr_t)frame && outermost - (uintptr_t)frame < NESTED_BYTES;
}

/* Returns the lock's address. The arguments are the function's, the frame the hook's. */
uint64_t lock_function_begin(const struct lock_hook *hook, const uint64_t *arguments,
			     const uint64_t *frame)
{
	bool guard = hook->role == FUNCTION_LOCK_GUARD || hook->role == FUNCTION_TRY_GUARD;
	uint64_t lock = hook->only_lock ? hook->only_lock : arguments[guard];

	if (hook->role == FUNCTION_UNLOCK)
		held_released(lock);
	else if (is_slow(hook->role))
		lock_wait_begin(lock, hook->place, is_timed(hook, arguments));
	else if (!is_inside_another(frame))
		outermost = (uintptr_t)frame;
	return lock;
}

/*
 * parking_lot's slow paths return whether they acquired; where link-time optimisation found that
 * nobody asks, they always do, and what is in the register is no answer.
 */
static bool slow_path_answers(const struct lock_hook *hook)
{
	return hook->type == LOCK_PARKING_LOT_MUTEX || hook->type == LOCK_PARKING_LOT_RWLOCK;
}

/* Whether the result is what a guard's memory was passed for: where it is small it comes otherwise.
 */
static bool holds_guard(uint64_t result, const uint64_t *arguments)
{
	return result == arguments[0] && *(const uint64_t *)(uintptr_t)result == 0;
}

static bool has_acquired(const struct lock_hook *hook, uint64_t result, const uint64_t *arguments)
{
	switch (hook->role) {
	case FUNCTION_LOCK:
	case FUNCTION_LOCK_GUARD:
		return true;
	case FUNCTION_SLOW_ACQUIRE:
		return !slow_path_answers(hook) || result & 0xff;
	case FUNCTION_TRY:
	case FUNCTION_SLOW_TRY:
		return result & 0xff;
	case FUNCTION_TRY_GUARD:
		return holds_guard(result, arguments);
	default:
		return false;
	}
}

void lock_function_end(const struct lock_hook *hook, uint64_t lock, uint64_t result,
		       const uint64_t *frame, const uint64_t *arguments)
{
	/* The caller's registers as they are once the hook has returned. */
	const struct unwind_context context = {
		.pc = frame[1],
		.sp = (uintptr_t)(frame + 2),
		.bp = frame[0],
	};
	bool inside = is_inside_another(frame);

	if (is_slow(hook->role))
		lock_wait_end();
	else if (hook->role != FUNCTION_UNLOCK && !inside)
		outermost = 0;
	if (!inside && has_acquired(hook, result, arguments))
		held_acquired(lock, hook->place, &context);
}

struct trampoline_calls lock_hooks_calls(void)
{
	return (struct trampoline_calls){
		.full = (uintptr_t)lock_hook_full,
		.plumbing = (uintptr_t)lock_hook_plumbing,
		.missing = (uintptr_t)lock_hook_missing,
		.function = (uintptr_t)lock_hook_function,
	};
}
