/* SPDX-License-Identifier: MIT */
/*
 * Ways from a lock instruction to its slow path, instructions that need none, and surroundings that
 * make a difference. The lock is in RBX or at `word`.
 */
#include "lock_code.inc"

#define STD_LOCK   _ZN3std3sys4sync5mutex5futex5Mutex14lock_contended17h0123456789abcdefE
#define STD_ONLY   _ZN3std3sys4sync5mutex5futex5Mutex14lock_contended17h1123456789abcdefE
#define STD_LONELY _ZN3std3sys4sync5mutex5futex5Mutex14lock_contended17h3123456789abcdefE
#define STD_SHARED _ZN3std3sys4sync5mutex5futex5Mutex14lock_contended17h2123456789abcdefE
#define STD_WAKE   _ZN3std3sys4sync5mutex5futex5Mutex4wake17h0123456789abcdefE
#define PL_LOCK    _ZN11parking_lot9raw_mutex8RawMutex9lock_slow17h0123456789abcdefE
#define PL_TIMED   _ZN11parking_lot9raw_mutex8RawMutex9lock_slow17h1123456789abcdefE
#define PL_WRITE   _ZN11parking_lot10raw_rwlock9RawRwLock19lock_exclusive_slow17h0123456789abcdefE
#define PL_UNLOCK  _ZN11parking_lot9raw_mutex8RawMutex11unlock_slow17h0123456789abcdefE
#define PL_METHOD(name) \
	_ZN77_$LT$parking_lot..raw_mutex..RawMutex$u20$as$u20$lock_api..mutex..RawMutex$GT$##name##17h0123456789abcdefE

	.bss
	.p2align 3
	.globl fixed_word
fixed_word:
word:	.skip 16
	.section .data.rel.ro, "aw"
	.p2align 3
pointer: .quad STD_LOCK
	.text

slow_path STD_LOCK, 1
slow_path STD_ONLY, 1
slow_path STD_LONELY, 1
slow_path STD_WAKE, 0
slow_path PL_LOCK, 1
slow_path PL_TIMED, 1
slow_path PL_WRITE, 1
slow_path PL_UNLOCK, 0
	.globl STD_SHARED
slow_path STD_SHARED, 1

/* Macros of the preprocessor do not reach into strings. */
	.set std_lock, STD_LOCK
	.set std_only, STD_ONLY
	.set std_lonely, STD_LONELY
	.set std_wake, STD_WAKE
	.set pl_lock, PL_LOCK
	.set pl_timed, PL_TIMED
	.set pl_write, PL_WRITE
	.set pl_unlock, PL_UNLOCK
.macro call_shared
	call STD_SHARED@PLT
.endm

/* Two calls away from the system call. */
slow_path inner, 0
function middle
	push %rax
	call inner
	pop %rax
	ret
	end middle
function distant
	pause
	call middle
	ret
	end distant
function too_distant
	pause
	call distant
	ret
	end too_distant

/* The decoder gets in step with the code before the instructions that matter. */
.macro begins name
	exported \name
	mov %rdi, %rbx
.endm

.macro one
	mov $1, %ecx
	xor %eax, %eax
.endm

/* Acquires a std mutex; what is done when that fails is given. */
.macro locks name, behind
	begins \name
	one
	place \name
	lock cmpxchg %ecx, (%rbx)
	jne 1f
	ret
1:	\behind
	ret
	end \name
.endm

/* Releases one; what is done when somebody waits is given. */
.macro unlocks name, behind
	begins \name
	xor %eax, %eax
	place \name
	xchg %eax, (%rbx)
	cmp $2, %eax
	je 1f
	ret
1:	\behind
	ret
	end \name
.endm

/* An instruction in the middle of nothing else. */
.macro lone name, before, atomic, behind
	begins \name
	\before
	place \name
	\atomic
	\behind
	ret
	end \name
.endm

locks call_direct, "mov %rbx, %rdi; call std_lock"
locks call_pointer, "mov %rbx, %rdi; call *pointer(%rip)"
locks call_linkage, "mov %rbx, %rdi; call_shared"
locks call_register, "mov %rbx, %rdi; call *%r14"
locks call_register_other, "lea 4(%rbx), %rdi; call *%r14"
locks call_distant, "mov %rbx, %rdi; call distant"
locks call_too_distant, "mov %rbx, %rdi; call too_distant"
locks jump_away, "mov %rbx, %rdi; jmp std_lock"
locks jump_around, "jmp 2f; int3; 2: mov %rbx, %rdi; call std_lock"
locks branch_around, "test %esi, %esi; je 2f; ret; 2: mov %rbx, %rdi; call std_lock"
locks lost_address, "mov (%rbx), %rdi; call std_lock"
locks too_many_branches, "je 2f; 2: je 3f; 3: je 4f; 4: je 5f; 5: mov %rbx, %rdi; call std_lock"
locks call_between, "call inner; mov %rbx, %rdi; call std_lock"

unlocks wake_inlined, "mov $202, %edi; mov %rbx, %rsi; mov $129, %edx; mov $1, %ecx; \
	call *syscall@GOTPCREL(%rip)"
unlocks wait_inlined, "mov $202, %edi; mov %rbx, %rsi; mov $128, %edx; mov $1, %ecx; \
	call *syscall@GOTPCREL(%rip)"
unlocks yield_inlined, "mov $24, %edi; mov %rbx, %rsi; mov $129, %edx; mov $1, %ecx; \
	call *syscall@GOTPCREL(%rip)"
unlocks wake_other, "mov $202, %edi; lea 8(%rbx), %rsi; mov $129, %edx; mov $1, %ecx; \
	call *syscall@GOTPCREL(%rip)"
unlocks wake_register, "mov $202, %edi; mov %rbx, %rsi; mov $129, %edx; mov $1, %ecx; call *%r14"
unlocks calls_a_lock, "mov %rbx, %rdi; call std_lock"
locks calls_a_wake, "mov %rbx, %rdi; call std_wake"

/* Another lock is released behind it, or not. */
lone other_kind_first, "xor %eax, %eax", "xchg %eax, (%rbx)", \
	"test %esi, %esi; jne 8f; cmp $2, %eax; je 9f; ret; 8: mov %rbx, %rdi; call pl_unlock; \
	9: mov %rbx, %rdi; call std_wake"

begins branch_to_wake
	xor %eax, %eax
	place branch_to_wake
	xchg %eax, (%rdi)
	cmp $2, %eax
	je std_wake
	ret
	end branch_to_wake

/* The slow path is called when the instruction succeeded. */
begins on_success
	one
	place on_success
	lock cmpxchg %ecx, (%rbx)
	je 1f
	ret
1:	mov %rbx, %rdi
	call std_lock
	ret
	end on_success

/* Other operands. */
.macro operand name, memory, behind
	begins \name
	one
	place \name
	lock cmpxchg %ecx, \memory
	jne 1f
	ret
1:	\behind
	ret
	end \name
.endm

operand with_offset, "40(%rbx)", "lea 40(%rbx), %rdi; call std_lock"
operand with_other_offset, "40(%rbx)", "lea 48(%rbx), %rdi; call std_lock"
operand with_index, "(%rbx,%rsi,4)", "lea (%rbx, %rsi, 4), %rdi; call std_lock"
operand without_base, "64(,%rsi,4)", "lea 64(,%rsi,4), %rdi; call std_lock"
operand at_fixed, "word(%rip)", "lea word(%rip), %rdi; call std_lock"
operand at_other_fixed, "word(%rip)", "lea 8+word(%rip), %rdi; call std_lock"
operand at_only, "word(%rip)", "call std_only"
operand in_thread, "%fs:(%rbx)", "mov %rbx, %rdi; call std_lock"

/* Tries. */
lone try_mutex, "one", "lock cmpxchg %ecx, (%rbx)", "jne 9f; cmpb $0, 4(%rbx); 9:"
lone try_mutex_fixed, "one", "lock cmpxchg %ecx, word(%rip)", "jne 9f; movzbl 4+word(%rip), %eax; 9:"
lone try_mutex_word, "one", "lock cmpxchg %ecx, (%rbx)", "jne 9f; cmpl $0, 4(%rbx); 9:"
lone try_mutex_elsewhere, "one", "lock cmpxchg %ecx, (%rbx)", "jne 9f; cmpb $0, 8(%rbx); 9:"
lone try_write_bits, "mov (%rbx), %eax; mov %eax, %ecx; or $0x3fffffff, %ecx", \
	"lock cmpxchg %ecx, (%rbx)", "nop"
lone try_write_sum, "mov (%rbx), %eax; lea 0x3fffffff(%rax), %ecx", \
	"lock cmpxchg %ecx, (%rbx)", "nop"
lone try_read, "mov (%rbx), %eax; cmp $0x3ffffffd, %eax; ja 9f; lea 1(%rax), %ecx", \
	"lock cmpxchg %ecx, (%rbx)", "9:"
lone try_read_other, "mov (%rbx), %eax; cmp $0x3ffffffc, %eax; ja 9f; lea 1(%rax), %ecx", \
	"lock cmpxchg %ecx, (%rbx)", "9:"
lone try_bit, "mov (%rbx), %al; mov %eax, %ecx; or $1, %cl", "lock cmpxchg %cl, (%rbx)", "nop"
lone try_eight, "mov $8, %ecx; xor %eax, %eax", "lock cmpxchg %rcx, (%rbx)", "nop"

/* Constants. Without symbols nothing tells whose slow path the lonely one is. */
lone constants_passed, "mov %esi, %ecx; xor %eax, %eax", \
	"lock cmpxchg %ecx, (%rbx)", "jne 9f; ret; 9: mov %rbx, %rdi; call std_lonely"
lone constants_far, "mov $1, %ecx; .nops 32; xor %eax, %eax", \
	"lock cmpxchg %ecx, (%rbx)", "jne 9f; ret; 9: mov %rbx, %rdi; call std_lock"
lone constants_behind_call, "mov $1, %ecx; call inner; xor %eax, %eax", \
	"lock cmpxchg %ecx, (%rbx)", "jne 9f; ret; 9: mov %rbx, %rdi; call std_lonely"
lone constants_copied, "mov $1, %edx; mov %edx, %ecx; xor %eax, %eax", \
	"lock cmpxchg %ecx, (%rbx)", "jne 9f; ret; 9: mov %rbx, %rdi; call std_lonely"
lone constants_learned, "mov %esi, %ecx; xor %eax, %eax", \
	"lock cmpxchg %ecx, (%rbx)", "jne 9f; ret; 9: mov %rbx, %rdi; call std_lock"
lone constants_half, "mov $1, %al", "lock cmpxchg %r12b, (%rbx)", \
	"jne 9f; ret; 9: mov %rbx, %rdi; call pl_unlock"

/* What hinders replacing. */
lone branch_behind, "test %esi, %esi; je 8f; one", "lock cmpxchg %ecx, (%rbx)", \
	"8: jne 9f; ret; 9: mov %rbx, %rdi; call std_lock"
lone branch_behind_far, "test %esi, %esi; {disp32} je 8f; one", "lock cmpxchg %ecx, (%rbx)", \
	"8: jne 9f; ret; 9: mov %rbx, %rdi; call std_lock"
lone branch_behind_long, "test %esi, %esi; je 8f; xor %eax, %eax; mov $1, %ecx", \
	"lock cmpxchg %ecx, (%rbx)", "8: jne 9f; ret; 9: mov %rbx, %rdi; call std_lock"
lone branch_around_too, "test %esi, %esi; je 8f; one; 7:", "lock cmpxchg %ecx, (%rbx)", \
	"8: jne 9f; ret; 9: cmp %eax, %esi; je 7b; mov %rbx, %rdi; call std_lock"
lone flags_used, "xor %eax, %eax; test %esi, %esi", "xchg %eax, (%rbx)", \
	"sete %dl; cmp $2, %eax; je 9f; ret; 9: mov %rbx, %rdi; call std_wake"

/* parking_lot: with a timeout as third argument, or as fourth. */
lone timeout_third, "one", "lock cmpxchg %cl, (%rbx)", \
	"jne 9f; ret; 9: mov %rbx, %rdi; mov $1000000000, %edx; call pl_lock"
lone timeout_fourth, "one", "lock cmpxchg %cl, (%rbx)", \
	"jne 9f; ret; 9: mov %rbx, %rdi; mov $1000000000, %ecx; call pl_timed"
lone timeout_none, "mov $8, %ecx; xor %eax, %eax", "lock cmpxchg %rcx, (%rbx)", \
	"jne 9f; ret; 9: mov %rbx, %rdi; call pl_write"

/* Methods: without an instruction of their own, and with one. */
exported PL_METHOD(4lock)
	call inner
	ret
	end PL_METHOD(4lock)

exported PL_METHOD(6unlock)
	call inner
	ret
	end PL_METHOD(6unlock)

exported PL_METHOD(8try_lock)
	mov (%rbx), %al
	mov %eax, %ecx
	or $1, %cl
	place in_method
	lock cmpxchg %cl, (%rbx)
	ret
	end PL_METHOD(8try_lock)

/* The scan leaves the end of a segment out. */
	.skip 256, 0xcc
