/* SPDX-License-Identifier: MIT */
/* Loads registers from a struct machine, calls, and stores them. */
	.section .note.GNU-stack, "", @progbits
	.text

.macro numbered instruction, register, size, count, store
	.set number, 0
	.rept \count
	.altmacro
	one_of \instruction, \register, %number, \size, \store
	.noaltmacro
	.set number, number + 1
	.endr
.endm

.macro one_of instruction, register, number, size, store
	.if \store
	\instruction %\register\number, \size * \number + START(%rdi)
	.else
	\instruction \size * \number + START(%rdi), %\register\number
	.endif
.endm

/* All vector registers there are, from or to the machine in RDI. */
.macro vectors store
	.set START, 192
	cmpq $1, 136(%rdi)
	je 1f
	ja 2f
	numbered movdqu, xmm, 64, 16, \store
	jmp 3f
1:	numbered vmovdqu, ymm, 64, 16, \store
	jmp 3f
2:	numbered vmovdqu64, zmm, 64, 32, \store
	.set START, 2240
	numbered kmovq, k, 8, 8, \store
3:
.endm

	.globl machine_run
	.type machine_run, @function
machine_run:
	.cfi_startproc
	push %rbx
	push %rbp
	push %r12
	push %r13
	push %r14
	push %r15
	sub $8, %rsp
	.cfi_def_cfa_offset 64
	push %rsi
	push %rdi
	.cfi_def_cfa_offset 80
	vectors 0
	pushq 128(%rdi)
	popfq
	mov (%rdi), %rax
	mov 8(%rdi), %rcx
	mov 16(%rdi), %rdx
	mov 24(%rdi), %rbx
	mov 40(%rdi), %rbp
	mov 48(%rdi), %rsi
	mov 64(%rdi), %r8
	mov 72(%rdi), %r9
	mov 80(%rdi), %r10
	mov 88(%rdi), %r11
	mov 96(%rdi), %r12
	mov 104(%rdi), %r13
	mov 112(%rdi), %r14
	mov 120(%rdi), %r15
	mov 56(%rdi), %rdi
	call *8(%rsp)
	pushfq
	push %rdi
	mov 16(%rsp), %rdi
	mov %rax, (%rdi)
	mov %rcx, 8(%rdi)
	mov %rdx, 16(%rdi)
	mov %rbx, 24(%rdi)
	mov %rbp, 40(%rdi)
	mov %rsi, 48(%rdi)
	mov %r8, 64(%rdi)
	mov %r9, 72(%rdi)
	mov %r10, 80(%rdi)
	mov %r11, 88(%rdi)
	mov %r12, 96(%rdi)
	mov %r13, 104(%rdi)
	mov %r14, 112(%rdi)
	mov %r15, 120(%rdi)
	popq 56(%rdi)
	popq 128(%rdi)
	mov %rsp, 32(%rdi)
	cld
	vectors 1
	pop %rdi
	pop %rsi
	add $8, %rsp
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbp
	pop %rbx
	ret
	.cfi_endproc
	.size machine_run, . - machine_run
