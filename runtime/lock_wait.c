/* SPDX-License-Identifier: MIT */
/*
 * Waits for locks.
 * Runs on: application threads, anywhere, also inside an allocator's lock functions.
 */
#include "lock_wait.h"

#include <stddef.h>

#include "runtime/clock.h"
#include "runtime/thread.h"

void lock_wait_begin(uint64_t lock, uint32_t place, bool timed)
{
	struct thread *thread = thread_self ? thread_self : thread_attach();
	struct lock_wait *wait;

	if (!thread)
		return;
	wait = &thread->lock_wait;
	/* One that was left by longjmp or a panic is simply replaced. */
	__atomic_store_n(&wait->sequence, (wait->sequence | 1) + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	wait->lock = lock;
	wait->place = place;
	wait->timed = timed;
	wait->since = clock_ticks();
	__atomic_store_n(&wait->sequence, wait->sequence + 1, __ATOMIC_RELEASE);
}

void lock_wait_end(void)
{
	struct thread *thread = thread_self;

	if (thread)
		__atomic_store_n(&thread->lock_wait.sequence, (thread->lock_wait.sequence | 1) + 1,
				 __ATOMIC_RELEASE);
}
