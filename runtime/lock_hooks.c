/* SPDX-License-Identifier: MIT */
/*
 * From generated code into the engine.
 * Runs on: application threads, at any lock operation.
 *
 * Inlined instructions are no function calls to the compiler that made them: every register is in
 * use, the vector registers too. The way in from there keeps all of them. It is taken for a
 * thread's first lock, for locks released in another order than acquired, and for acquisitions
 * whose stack is wanted; the rest is done by the generated code itself. Most of what is left needs
 * no vector registers (lock_hooks_quick.c), so that they are saved only when that was not enough.
 */
#include "lock_hooks.h"

#include <cpuid.h>
#include <stddef.h>

#include "runtime/held.h"
#include "runtime/lock_hooks_quick.h"
#include "runtime/lock_wait.h"
#include "runtime/locks.h"
#include "runtime/patch/slow_path.h"
#include "runtime/thread.h"

/*
 * State components that code of this library and of libc may change: x87, SSE, AVX, AVX-512 (Intel
 * SDM volume 1, 13.1). Their standard layout ends at 2688 bytes; 512 are FXSAVE's.
 */
#define XSAVE_COMPONENTS 0xe7
#define XSAVE_BYTES      2752

_Static_assert(offsetof(struct lock_hook, original) == 0, "the assembly below knows");

/* What XSAVE is to save; 0: the processor or the kernel has only FXSAVE. */
__attribute__((used)) uint32_t lock_hooks_components;

/* Lock functions that the calling thread is in: only the outermost notes the lock. */
static __thread uint8_t nested;

/* Called from the assembly. */
void lock_acquired_inline(uint64_t lock, const struct entry_frame *frame);
void lock_acquired_in_plumbing(uint64_t lock, const struct entry_frame *frame);
void lock_released_inline(uint64_t lock, const struct entry_frame *frame);
uint64_t lock_function_begin(const struct lock_hook *hook, const uint64_t *arguments);
void lock_function_end(const struct lock_hook *hook, uint64_t lock, uint64_t result,
		       const uint64_t *frame);

void lock_hook_full(void);
void lock_hook_plumbing(void);
void lock_hook_missing(void);
void lock_hook_function(void);

/*
 * Entered by a call from a trampoline, which has saved RAX, RCX and RDX. RCX is the lock; the place
 * lies above the return address where there is one. RBP keeps the stack pointer, so that the rest
 * of the stack may be aligned. `quick` is code that may jump to 6 when all is done.
 */
#define KEEP_ALL(name, quick, function)                                                            \
	__asm__(".text\n"                                                                          \
		".globl " #name "\n.hidden " #name "\n.type " #name ", @function\n" #name ":\n"    \
		"cmpb $0, held_follows(%rip)\n je 7f\n"                                            \
		"push %rbp\n mov %rsp, %rbp\n"                                                     \
		"push %rsi\n push %rdi\n push %r8\n push %r9\n push %r10\n push %r11\n push "      \
		"%rcx\n"                                                                           \
		"and $-64, %rsp\n cld\n" quick "sub $2752, %rsp\n"                                 \
		"mov lock_hooks_components(%rip), %eax\n xor %edx, %edx\n"                         \
		"test %eax, %eax\n jz 1f\n"                                                        \
		"movq $0, 512(%rsp)\n movq $0, 520(%rsp)\n movq $0, 528(%rsp)\n"                   \
		"movq $0, 536(%rsp)\n movq $0, 544(%rsp)\n movq $0, 552(%rsp)\n"                   \
		"movq $0, 560(%rsp)\n movq $0, 568(%rsp)\n"                                        \
		"xsave (%rsp)\n jmp 2f\n"                                                          \
		"1: fxsave (%rsp)\n"                                                               \
		"2: mov -56(%rbp), %rdi\n mov %rbp, %rsi\n call " #function "\n"                   \
		"mov lock_hooks_components(%rip), %eax\n xor %edx, %edx\n"                         \
		"test %eax, %eax\n jz 3f\n"                                                        \
		"xrstor (%rsp)\n jmp 6f\n"                                                         \
		"3: fxrstor (%rsp)\n"                                                              \
		"6: lea -56(%rbp), %rsp\n pop %rcx\n"                                              \
		"pop %r11\n pop %r10\n pop %r9\n pop %r8\n pop %rdi\n pop %rsi\n pop %rbp\n"       \
		"7: ret\n"                                                                         \
		".size " #name ", . - " #name "\n")

#define FIRST_TRY(function)                                                                        \
	"mov %rcx, %rdi\n mov %rbp, %rsi\n call " #function "\n test %al, %al\n jnz 6f\n"

KEEP_ALL(lock_hook_full, "", lock_acquired_inline);
KEEP_ALL(lock_hook_plumbing, FIRST_TRY(lock_hook_plumbing_quick), lock_acquired_in_plumbing);
KEEP_ALL(lock_hook_missing, FIRST_TRY(lock_hook_missing_quick), lock_released_inline);

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
	"sub $48, %rsp\n mov %r11, %rbx\n"
	"mov %rdi, (%rsp)\n mov %rsi, 8(%rsp)\n mov %rdx, 16(%rsp)\n"
	"mov %rcx, 24(%rsp)\n mov %r8, 32(%rsp)\n mov %r9, 40(%rsp)\n"
	"mov %rsp, %rsi\n mov %rbx, %rdi\n"
	"call lock_function_begin\n"
	"mov %rax, %r12\n"
	"mov (%rsp), %rdi\n mov 8(%rsp), %rsi\n mov 16(%rsp), %rdx\n"
	"mov 24(%rsp), %rcx\n mov 32(%rsp), %r8\n mov 40(%rsp), %r9\n"
	"call *(%rbx)\n"
	"mov %rax, (%rsp)\n mov %rdx, 8(%rsp)\n"
	"mov %rbx, %rdi\n mov %r12, %rsi\n mov %rax, %rdx\n mov %rbp, %rcx\n"
	"call lock_function_end\n"
	"mov (%rsp), %rax\n mov 8(%rsp), %rdx\n"
	"lea -16(%rbp), %rsp\n pop %r12\n pop %rbx\n pop %rbp\n"
	".cfi_def_cfa %rsp, 8\n ret\n"
	".cfi_endproc\n.size lock_hook_function, . - lock_hook_function\n");

void lock_acquired_inline(uint64_t lock, const struct entry_frame *frame)
{
	held_acquired(lock, (uint32_t)frame->place, NULL);
}

void lock_acquired_in_plumbing(uint64_t lock, const struct entry_frame *frame)
{
	const struct unwind_context context = lock_hooks_context(frame);

	held_acquired(lock, (uint32_t)frame->place, &context);
}

void lock_released_inline(uint64_t lock, const struct entry_frame *frame)
{
	(void)frame;
	held_released(lock);
}

static bool is_slow(uint8_t role)
{
	return role == FUNCTION_SLOW_ACQUIRE || role == FUNCTION_SLOW_TRY;
}

static bool is_timed(const struct lock_hook *hook, const uint64_t *arguments)
{
	return hook->timeout && (uint32_t)arguments[hook->timeout - 1] != SLOW_PATH_NO_TIMEOUT;
}

/* Returns the lock's address. */
uint64_t lock_function_begin(const struct lock_hook *hook, const uint64_t *arguments)
{
	bool guard = hook->role == FUNCTION_LOCK_GUARD || hook->role == FUNCTION_TRY_GUARD;
	uint64_t lock = hook->only_lock ? hook->only_lock : arguments[guard];

	if (hook->role == FUNCTION_UNLOCK)
		held_released(lock);
	else if (is_slow(hook->role))
		lock_wait_begin(lock, hook->place, is_timed(hook, arguments));
	else
		nested++;
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

static bool has_acquired(const struct lock_hook *hook, uint64_t result)
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
		return *(const uint64_t *)(uintptr_t)result == 0;
	default:
		return false;
	}
}

void lock_function_end(const struct lock_hook *hook, uint64_t lock, uint64_t result,
		       const uint64_t *frame)
{
	/* The caller's registers as they are once the hook has returned. */
	const struct unwind_context context = {
		.pc = frame[1],
		.sp = (uintptr_t)(frame + 2),
		.bp = frame[0],
	};

	if (is_slow(hook->role))
		lock_wait_end();
	else if (hook->role != FUNCTION_UNLOCK)
		nested--;
	if (!nested && has_acquired(hook, result))
		held_acquired(lock, hook->place, &context);
}

static uint32_t saved_components(void)
{
	uint32_t eax, ebx, ecx, edx;

	if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & bit_OSXSAVE))
		return 0;
	__asm__ volatile("xgetbv" : "=a"(eax), "=d"(edx) : "c"(0));
	return eax & XSAVE_COMPONENTS;
}

struct trampoline_calls lock_hooks_calls(void)
{
	_Static_assert(XSAVE_BYTES == 2752, "the assembly above knows");

	lock_hooks_components = saved_components();
	return (struct trampoline_calls){
		.full = (uintptr_t)lock_hook_full,
		.plumbing = (uintptr_t)lock_hook_plumbing,
		.missing = (uintptr_t)lock_hook_missing,
		.function = (uintptr_t)lock_hook_function,
	};
}
