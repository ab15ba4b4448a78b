/* SPDX-License-Identifier: MIT */
/*
 * Stack capture. One backend: libunwind, opened at run time so that its copy of the C++ unwinder
 * never enters the target's global symbol scope.
 *
 * libunwind's own fast path (unw_backtrace) keeps 256 KiB per thread, which is too much for a
 * process with hundreds of blocking-pool threads; stepping through the tables takes about a
 * microsecond per frame. So each thread remembers its last few stacks together with the places the
 * return addresses were read from. When the next capture begins at the same call with the same
 * stack pointer and every one of those places still holds the same address, the stack is the same.
 */
#ifndef OVERSTAY_UNWIND_H
#define OVERSTAY_UNWIND_H

#include <stdbool.h>
#include <stdint.h>

#define UNWIND_MAX_FRAMES 96
#define UNWIND_REMEMBERED 4

struct remembered_stack {
	uint32_t count;
	uint64_t frames[UNWIND_MAX_FRAMES]; /* return addresses, innermost first */
	uint64_t places[UNWIND_MAX_FRAMES]; /* address that each was read from */
};

/* One per thread; zero-initialised. */
struct stack_memory {
	uint32_t next; /* the entry to be replaced next */
	struct remembered_stack stacks[UNWIND_REMEMBERED];
};

/*
 * Opens and warms up the unwinder (its first use allocates and reads unwind tables). Constructor or
 * collector; may use the target's malloc through the dynamic loader. Returns false when it is not
 * there; stacks are then empty.
 */
bool unwind_start(void);

/*
 * The calling thread's stack, from the caller of this function outwards. Any application thread; no
 * malloc. The result belongs to `memory` and is good until the next capture; it is empty when there
 * is no unwinder. Calls that the unwinder makes to wrapped names must be made to pass through by
 * the caller.
 */
const struct remembered_stack *unwind_capture(struct stack_memory *memory);

/* Where a thread can be unwound from by another one. */
struct unwind_context {
	uint64_t pc, sp, bp; /* pc 0: cannot */
};

/*
 * The stack of another thread that is blocked, from a place on it: return addresses, innermost
 * first, at most `max`; returns their number. Memory is read without faulting; when the thread goes
 * on meanwhile the result is garbage, which the caller has to find out. Collector only.
 */
unsigned unwind_from(const struct unwind_context *context, uint64_t *frames, unsigned max);

/*
 * The stack as it was when its `size` innermost bytes, from context->sp on, were copied: the
 * context's pc first, then return addresses as far as the copy goes. Collector only.
 */
unsigned unwind_copied(const struct unwind_context *context, const void *bytes, uint64_t size,
		       uint64_t *frames, unsigned max);

/*
 * In a fork child: another thread may have held the unwinder's lock, which then stays locked for
 * ever; if one was unwinding, there are no more stacks in this process. Returns whether there are.
 */
bool unwind_after_fork(void);

/* Until it is undone, stacks are empty. */
void unwind_suspend(bool suspend);

#endif
