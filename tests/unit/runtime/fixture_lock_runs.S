/* SPDX-License-Identifier: MIT */
/*
 * Functions that run, and whose lock instructions are replaced in between. They make the lock's
 * word R8D first, and return its address in R9 and the word in R11D, with the flags as they were
 * behind the instruction. All else is up to the caller: RDI, RBP, R12 and R13 point into memory.
 */
#include "lock_code.inc"

	.bss
	.p2align 3
word:	.skip 16
	.section .rodata
number:	.long 0x12345678
	.text

.macro enter name, operand, frame
	exported \name
	lea -\frame(%rsp), %rsp
	mov %r8d, \operand
	xor %r10d, %r10d
.endm

.macro leave_with name, operand, frame
	mov \operand, %r11d
	lea \operand, %r9
	lea \frame(%rsp), %rsp
	ret
	end \name
.endm

.macro acquires name, operand, frame=0
	enter \name, "\operand", \frame
	xor %eax, %eax
	mov $1, %ecx
	place \name
	lock cmpxchg %ecx, \operand
	jne 1f
	mov $0x50cce55, %r10d
1:
	leave_with \name, "\operand", \frame
.endm

/* Compares the value, in other widths; the branch is far away. */
.macro acquires_wide name, source, condition
	enter \name, "(%rdi)", 0
	mov $0, %eax
	mov $8, %ecx
	place \name
	lock cmpxchg %\source, (%rdi)
	{disp32} \condition 1f
	mov $0x50cce55, %r10d
1:
	leave_with \name, "(%rdi)", 0
.endm

.macro releases name, operand, frame=0
	enter \name, "\operand", \frame
	xor %eax, %eax
	place \name
	xchg %eax, \operand
	cmp $2, %eax
	leave_with \name, "\operand", \frame
.endm

acquires acquire_base, "(%rdi)"
acquires acquire_offset, "8(%rdi)"
acquires acquire_far_offset, "0x12345(%rdi)"
acquires acquire_below, "-16(%rbp)"
acquires acquire_extended, "(%r12)"
acquires acquire_frame_like, "(%r13)"
acquires acquire_indexed, "(%rdi,%rsi,4)"
acquires acquire_extended_index, "24(%r13,%r14,8)"
acquires acquire_mixed_index, "(%rdi,%r14)"
acquires acquire_stack, "(%rsp)", 8
acquires acquire_stack_offset, "48(%rsp)", 72
acquires acquire_stack_index, "16(%rsp,%rsi,4)", 264
acquires acquire_fixed, "word(%rip)"
acquires_wide acquire_byte, cl, jne
acquires_wide acquire_quad, rcx, jnz

releases release_base, "(%rdi)"
releases release_extended, "8(%r12)"
releases release_indexed, "(%rdi,%rsi,4)"
releases release_stack, "48(%rsp)", 72
releases release_stack_index, "16(%rsp,%rsi,4)", 264
releases release_fixed, "word(%rip)"

exported release_add
	mov %r8d, (%rdi)
	mov $-1, %eax
	place release_add
	lock xadd %eax, (%rdi)
	mov (%rdi), %r11d
	mov %rdi, %r9
	ret
	end release_add

exported release_byte
	mov %r8d, (%rdi)
	mov $1, %eax
	xor %ecx, %ecx
	place release_byte
	lock cmpxchg %cl, (%rdi)
	jne 1f
	mov $0x50cce55, %r10d
1:	mov (%rdi), %r11d
	mov %rdi, %r9
	ret
	end release_byte

/* The side of success branches, and another branch lands on it. */
exported acquire_behind
	mov %r8d, (%rdi)
	test %esi, %esi
	js 2f
	mov $1, %ecx
	xor %eax, %eax
	place acquire_behind
	lock cmpxchg %ecx, (%rdi)
2:	je 1f
	mov $0xfa11, %r10d
1:	mov (%rdi), %r11d
	mov %rdi, %r9
	ret
	end acquire_behind

/* The same behind an instruction that has room for the jump by itself. */
exported acquire_behind_long
	mov %r8d, (%rdi)
	test %esi, %esi
	js 2f
	xor %eax, %eax
	mov $1, %ecx
	place acquire_behind_long
	lock cmpxchg %ecx, (%rdi)
2:	je 1f
	mov $0xfa11, %r10d
1:	mov (%rdi), %r11d
	mov %rdi, %r9
	ret
	end acquire_behind_long

/* What is moved with it is relative to the instruction pointer. */
exported acquire_relative
	mov %r8d, (%rdi)
	mov $1, %ecx
	xor %eax, %eax
	place acquire_relative
	lock cmpxchg %ecx, (%rdi)
	mov number(%rip), %r10d
	mov (%rdi), %r11d
	mov %rdi, %r9
	ret
	end acquire_relative

/* The last that is moved leaves the function. */
exported acquire_returns
	mov %r8d, (%rdi)
	mov %r8d, %r11d
	mov %rdi, %r9
	mov $1, %ecx
	xor %eax, %eax
	place acquire_returns
	lock cmpxchg %ecx, (%rdi)
	ret
	end acquire_returns

/* Keeps 16 words below the stack pointer meanwhile. */
.macro keeps name, before, atomic, behind
	exported \name
	mov %r8d, (%rdi)
	.set slot, 1
	.rept 16
	lea slot(%rsi), %r10
	mov %r10, -8*slot(%rsp)
	.set slot, slot + 1
	.endr
	\before
	place \name
	\atomic
	\behind
	mov $0, %r10d
	.set slot, 1
	.rept 16
	mov -8*slot(%rsp), %r11
	lea (%r11,%r10,2), %r10
	.set slot, slot + 1
	.endr
	mov (%rdi), %r11d
	mov %rdi, %r9
	ret
	end \name
.endm

keeps acquire_red_zone, "xor %eax, %eax; mov $1, %ecx", "lock cmpxchg %ecx, (%rdi)", "nop"
keeps release_red_zone, "xor %eax, %eax", "xchg %eax, (%rdi)", "cmp $2, %eax"

/* Cannot be generated. */
exported acquire_thread
	mov $1, %ecx
	xor %eax, %eax
	place acquire_thread
	lock cmpxchg %ecx, 8(,%rsi,4)
	jne 1f
1:	ret
	end acquire_thread

/*
 * A function that takes a lock: returns the sum of its arguments, each its own times, and RDX.
 * `answer` is the lowest byte of the result.
 */
.macro function_returning name, answer
	exported \name
	push %rbx
	push %r12
	lea (%rdi,%rsi,2), %rax
	lea (%rax,%rdx,4), %rax
	lea (%rax,%rcx,8), %rax
	lea (%r8,%r9,2), %r12
	lea (%rax,%r12,4), %rax
	mov \answer, %al
	lea 5(%rsi), %rdx
	mov $0x77, %ebx
	pop %r12
	pop %rbx
	ret
	end \name
.endm

function_returning take, "$1"
function_returning take_not, "$0"

/* Writes the guard that its first argument points to, whose first word is the third argument. */
exported take_guard
	mov %rdi, %rax
	mov %rdx, (%rdi)
	mov %rsi, 8(%rdi)
	ret
	end take_guard
