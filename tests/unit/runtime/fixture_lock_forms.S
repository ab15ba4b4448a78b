/* SPDX-License-Identifier: MIT */
/*
 * Each form of runtime/patch/lock_form.c in a function of its own, and next to it functions that
 * come close to being one.
 */
#include "lock_code.inc"

#define STD_LOCK     _ZN3std3sys4sync5mutex5futex5Mutex14lock_contended17h0123456789abcdefE
#define STD_WAKE     _ZN3std3sys4sync5mutex5futex5Mutex4wake17h0123456789abcdefE
#define STD_READ     _ZN3std3sys4sync6rwlock5futex6RwLock14read_contended17h0123456789abcdefE
#define STD_WRITE    _ZN3std3sys4sync6rwlock5futex6RwLock15write_contended17h0123456789abcdefE
#define STD_WAKE_ANY _ZN3std3sys4sync6rwlock5futex6RwLock22wake_writer_or_readers17h0123456789abcdefE
#define PL_LOCK      _ZN11parking_lot9raw_mutex8RawMutex9lock_slow17h0123456789abcdefE
#define PL_UNLOCK    _ZN11parking_lot9raw_mutex8RawMutex11unlock_slow17h0123456789abcdefE
#define PL_RW(name)  _ZN11parking_lot10raw_rwlock9RawRwLock##name##17h0123456789abcdefE
#define DASH(name)   _ZN7dashmap4lock9RawRwLock##name##17h0123456789abcdefE

slow_path STD_LOCK, 1
slow_path STD_WAKE, 0
slow_path STD_READ, 1
slow_path STD_WRITE, 1
slow_path STD_WAKE_ANY, 0
slow_path PL_LOCK, 1
slow_path PL_UNLOCK, 0
slow_path PL_RW(19lock_exclusive_slow), 1
slow_path PL_RW(16lock_shared_slow), 1
slow_path PL_RW(20lock_upgradable_slow), 1
slow_path PL_RW(21unlock_exclusive_slow), 0
slow_path PL_RW(18unlock_shared_slow), 0
slow_path PL_RW(22unlock_upgradable_slow), 0
slow_path DASH(19lock_exclusive_slow), 1
slow_path DASH(16lock_shared_slow), 1
slow_path DASH(21unlock_exclusive_slow), 0
slow_path DASH(18unlock_shared_slow), 0

/* The lock is in RBX. `decide` goes on at 1 where the slow path is needed. */
.macro variant name, load, atomic, decide, behind
	exported \name
	push %rbx
	mov %rdi, %rbx
	\load
	place \name
	\atomic
	\decide
	pop %rbx
	ret
1:
	\behind
	pop %rbx
	ret
	end \name
.endm

.macro form name, load, wrong, atomic, decide, slow
	variant \name, "\load", "\atomic", "\decide", "mov %rbx, %rdi; call \slow"
	variant \name\()_constant, "\wrong", "\atomic", "\decide", "mov %rbx, %rdi; call \slow"
	variant \name\()_address, "\load", "\atomic", "\decide", "lea 8(%rbx), %rdi; call \slow"
	variant \name\()_number, "\load", "\atomic", "\decide", "mov $64, %edi; call \slow"
	variant \name\()_alone, "\load", "\atomic", "\decide", "nop"
	variant \name\()_stranger, "\load", "\atomic", "\decide", "mov %rbx, %rdi; call stranger"
	variant \name\()_atomics, "\load", "\atomic", "\decide", \
		"lock incl 64(%rbx); mov %rbx, %rdi; call \slow"
.endm

function stranger
	ret
	end stranger

#define ONE    "mov $1, %ecx; xor %eax, %eax"
.macro sum number
	mov (%rbx), %rax
	lea \number(%rax), %rcx
.endm

form std_mutex_lock, ONE, "mov $3, %ecx; xor %eax, %eax", \
	"lock cmpxchg %ecx, (%rbx)", "jne 1f", STD_LOCK
form std_mutex_unlock, "xor %eax, %eax", "mov $1, %eax", \
	"xchg %eax, (%rbx)", "cmp $2, %eax; je 1f", STD_WAKE
form std_rwlock_write, "mov $0x3fffffff, %ecx; xor %eax, %eax", \
	"mov $0x1fffffff, %ecx; xor %eax, %eax", \
	"lock cmpxchg %ecx, (%rbx)", "jne 1f", STD_WRITE
form std_rwlock_read, "sum 1", "sum 2", "lock cmpxchg %ecx, (%rbx)", "jne 1f", STD_READ
form std_rwlock_read_unlock, "mov $-1, %eax", "mov $-2, %eax", "lock xadd %eax, (%rbx)", \
	"lea -1(%rax), %esi; cmp $0x80000000, %esi; je 1f", STD_WAKE_ANY
form std_rwlock_write_unlock, "mov $0xc0000001, %eax", "mov $0xc0000002, %eax", \
	"lock xadd %eax, (%rbx)", "add $0xc0000001, %eax; cmp $0x40000000, %eax; jae 1f", \
	STD_WAKE_ANY
form pl_mutex_lock, ONE, "mov $5, %ecx; xor %eax, %eax", \
	"lock cmpxchg %cl, (%rbx)", "jne 1f", PL_LOCK
form pl_mutex_unlock, "mov $1, %al; xor %ecx, %ecx", "mov $3, %al; xor %ecx, %ecx", \
	"lock cmpxchg %cl, (%rbx)", "jne 1f", PL_UNLOCK
form pl_rwlock_write, "mov $8, %ecx; xor %eax, %eax", "mov $24, %ecx; xor %eax, %eax", \
	"lock cmpxchg %rcx, (%rbx)", "jne 1f", PL_RW(19lock_exclusive_slow)
form pl_rwlock_write_unlock, "mov $8, %eax; xor %ecx, %ecx", "mov $24, %eax; xor %ecx, %ecx", \
	"lock cmpxchg %rcx, (%rbx)", "jne 1f", PL_RW(21unlock_exclusive_slow)
form pl_rwlock_read, "sum 0x10", "sum 0x20", \
	"lock cmpxchg %rcx, (%rbx)", "jne 1f", PL_RW(16lock_shared_slow)
form pl_rwlock_read_unlock, "mov $-16, %rax", "mov $-32, %rax", \
	"lock xadd %rax, (%rbx)", "and $-14, %rax; cmp $18, %rax; je 1f", PL_RW(18unlock_shared_slow)
form pl_rwlock_upgradable, "sum 0x14", "sum 0x24", \
	"lock cmpxchg %rcx, (%rbx)", "jne 1f", PL_RW(20lock_upgradable_slow)
form pl_rwlock_upgradable_unlock, "sum -0x14", "sum -0x24", \
	"lock cmpxchg %rcx, (%rbx)", "jne 1f", PL_RW(22unlock_upgradable_slow)
form dashmap_write, "mov $-4, %rcx; xor %eax, %eax", "mov $-3, %rcx; xor %eax, %eax", \
	"lock cmpxchg %rcx, (%rbx)", "jne 1f", DASH(19lock_exclusive_slow)
form dashmap_write_unlock, "mov $-4, %rax; xor %ecx, %ecx", "mov $-3, %rax; xor %ecx, %ecx", \
	"lock cmpxchg %rcx, (%rbx)", "jne 1f", DASH(21unlock_exclusive_slow)
form dashmap_read, "sum 4", "sum 6", \
	"lock cmpxchg %rcx, (%rbx)", "jne 1f", DASH(16lock_shared_slow)
form dashmap_read_unlock, "mov $-4, %rax", "mov $-8, %rax", \
	"lock xadd %rax, (%rbx)", "cmp $6, %rax; je 1f", DASH(18unlock_shared_slow)

/*
 * As the compiler lays it out behind another release: the end of the branch and the constant read
 * as instructions of their own (addb $0, %al; add %bh, 8(%rax)), and as many of them.
 */
.macro misread slow
	variant misread_constant, "xor %eax, %eax; .byte 0x87, 0x05, 0x81, 0x08, 0x0b, 0x00; \
		cmp $2, %eax; .byte 0x0f, 0x84, 0x28, 0x04, 0x00, 0x00; mov $8, %eax; xor %ecx, %ecx", \
		"lock cmpxchg %rcx, (%rbx)", "jne 1f", "mov %rbx, %rdi; xor %esi, %esi; call \slow"
.endm

misread PL_RW(21unlock_exclusive_slow)

/* The scan leaves the end of a segment out. */
	.skip 256, 0xcc
