/* SPDX-License-Identifier: MIT */
/*
 * Locks that a thread holds, in the order of acquisition.
 *
 * The list is written by its thread only: by code generated for inlined lock instructions
 * (patch/trampoline.c knows the layout), and by the functions below. Other threads may read it at
 * any time; what they read is a moment old and may be half written, so conclusions need a second
 * look. The memory is never unmapped.
 *
 * A signal handler may take and release locks between any two instructions of these: whoever adds a
 * note raises `top` first and fills the note in afterwards, its lock last. Until then the lock is
 * 0.
 *
 * A release that is not seen leaves a stale note behind. So a note alone proves nothing: whoever
 * concludes from it looks at the lock's word (held_is_locked) and for a newer note of another
 * thread on the same lock first.
 */
#ifndef OVERSTAY_HELD_H
#define OVERSTAY_HELD_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/unwind.h"

#define HELD_MAX           30
#define STACK_COPY         2048 /* bytes; of optimised code a part of it, which reaches its callers */
#define STACK_COPY_INLINED 640

/* The top of a stack as it was, for unwinding later. */
struct stack_copy {
	struct unwind_context context; /* pc 0: there is none */
	uint64_t size;                 /* bytes from context.sp on */
	unsigned char bytes[STACK_COPY];
};

struct held_note {
	uint64_t lock;   /* its address; 0 beyond the end of the list */
	uint32_t place;  /* index of a lock_place */
	uint8_t entered; /* the runtime's note of that moment (entered.h), ENTERED_BYTE_NONE: none
			  */
	uint8_t copy;    /* index + 1 of the stack copy that belongs to this note; 0: none */
	uint16_t unused;
};

#define ENTERED_BYTE_NONE 0xff

struct held {
	uint64_t top;  /* bytes of `notes` in use: a multiple of sizeof(struct held_note) */
	uint64_t none; /* 0: what lies below the first note is the note of no lock */
	struct held_note notes[HELD_MAX];
};

/*
 * The calling thread's list. Until the thread is known to the engine this is a list that is full
 * and holds nothing, so that the first acquisition comes to held_acquired.
 */
extern __thread struct held *held_self __attribute__((tls_model("initial-exec")));

/* Whether acquisitions are followed in this process; set once sites are patched or a runtime is
 * hooked. */
extern bool held_follows;

static inline unsigned held_count(const struct held *held)
{
	return (unsigned)(held->top / sizeof(struct held_note));
}

/*
 * The last releases by a thread of locks that neither it nor a suspended task was known to hold.
 * What another thread acquired may have been handed over to it only just now.
 */
#define HELD_ORPHANS 4

struct held_orphan {
	uint64_t lock, ticks;
};

/* Takes all notes from `count` on out. Its thread only. */
static inline void held_cut(struct held *held, unsigned count)
{
	for (unsigned i = count; i < held_count(held); i++)
		held->notes[i].lock = 0;
	__atomic_store_n(&held->top, count * sizeof(struct held_note), __ATOMIC_RELEASE);
}

/* Takes one note out, keeping the order of the others. Its thread only. */
static inline void held_drop(struct held *held, unsigned index)
{
	unsigned count = held_count(held);

	if (index >= count)
		return;
	for (; index + 1 < count; index++)
		held->notes[index] = held->notes[index + 1];
	held->notes[index].lock = 0;
	__atomic_store_n(&held->top, index * sizeof(struct held_note), __ATOMIC_RELEASE);
}

/*
 * The calling thread has acquired a lock. With a context (the registers of the acquiring code) the
 * stack is copied for later. Any thread; a list that is full drops the note and counts it.
 */
void held_acquired(uint64_t lock, uint32_t place, const struct unwind_context *context);

/* The same, knowing only the return address in the code that called the lock's function. */
void held_acquired_from(uint64_t lock, uint32_t place, uint64_t pc);

/*
 * The calling thread is about to release a lock, acquired by it or by whoever handed it over. Any
 * thread. Returns whether the thread had a note of it.
 */
bool held_released(uint64_t lock);

/*
 * The parts of the two above that need no more than the thread's own list; they change no vector
 * register. False: nothing was done, the whole function has to be called.
 */
bool held_acquired_quick(uint64_t lock, uint32_t place, const struct unwind_context *context);
bool held_released_quick(uint64_t lock);

/* The calling thread is the engine's own: what it acquires is not followed. */
void held_exclude_thread(void);

/* In a fork child, on its only thread. */
void held_after_fork(void);

#endif
