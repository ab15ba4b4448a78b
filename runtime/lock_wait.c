/* SPDX-License-Identifier: MIT */
/*
 * Waits for locks.
 * Runs on: application threads, anywhere, also inside an allocator's lock functions.
 */
#include "lock_wait.h"

#include <stddef.h>

#include "runtime/clock.h"
#include "runtime/suspended.h"
#include "runtime/thread.h"

__attribute__((noinline)) void lock_wait_begin(uint64_t lock, uint32_t place, bool timed)
{
	struct thread *thread = thread_self ? thread_self : thread_attach();
	struct lock_wait *wait;
#if defined(__x86_64__)
	const uint64_t *frame = __builtin_frame_address(0); /* saved rbp, return address */
#endif

	if (!thread)
		return;
	wait = &thread->lock_wait;
	/* One that was left by longjmp or a panic is simply replaced. */
	__atomic_store_n(&wait->sequence, (wait->sequence | 1) + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	wait->lock = lock;
	wait->place = place;
	wait->timed = timed;
	wait->held = held_count(&thread->held);
	wait->since = clock_ticks();
#if defined(__x86_64__)
	/* The registers as they are when this has returned to the hook, which stays on the stack.
	 */
	wait->context = (struct unwind_context){
		.pc = frame[1], .sp = (uintptr_t)(frame + 2), .bp = frame[0]};
#endif
	__atomic_store_n(&wait->sequence, wait->sequence + 1, __ATOMIC_RELEASE);
	if (suspended_any()) {
		const struct poll_frame *poll = thread_poll(thread);

		suspended_count_wait(lock, thread,
				     poll && poll->class == POLL_TASK ? poll->task : 0);
	}
}

/* The slow path acquires the lock with an instruction like others; its caller will tell of it. */
static void drop_notes_of_slow_path(struct thread *thread)
{
	const struct lock_wait *wait = &thread->lock_wait;

	for (unsigned i = held_count(&thread->held); i > wait->held; i--)
		if (thread->held.notes[i - 1].lock == wait->lock)
			held_drop(&thread->held, i - 1);
}

void lock_wait_end(void)
{
	struct thread *thread = thread_self;

	if (!thread)
		return;
	if (thread->lock_wait.sequence & 1)
		drop_notes_of_slow_path(thread);
	thread->lock_wait.ended = clock_ticks();
	__atomic_store_n(&thread->lock_wait.sequence, (thread->lock_wait.sequence | 1) + 1,
			 __ATOMIC_RELEASE);
}

bool lock_wait_is_alone(const struct thread *waiter, uint64_t lock, uint64_t since)
{
	for (struct thread *t = thread_first(); t; t = t->next)
		if (t != waiter && __atomic_load_n(&t->lock_wait.lock, __ATOMIC_RELAXED) == lock &&
		    ((__atomic_load_n(&t->lock_wait.sequence, __ATOMIC_ACQUIRE) & 1) ||
		     __atomic_load_n(&t->lock_wait.ended, __ATOMIC_RELAXED) >= since))
			return false;
	return true;
}

bool lock_wait_read(const struct thread *thread, struct lock_wait *ret)
{
	const struct lock_wait *wait = &thread->lock_wait;
	uint32_t sequence = __atomic_load_n(&wait->sequence, __ATOMIC_ACQUIRE);

	if (!(sequence & 1))
		return false;
	*ret = *wait;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	ret->sequence = sequence;
	return __atomic_load_n(&wait->sequence, __ATOMIC_RELAXED) == sequence;
}
