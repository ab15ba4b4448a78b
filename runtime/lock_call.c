/* SPDX-License-Identifier: MIT */
/*
 * Locks as the wrappers of the C library's functions see them.
 * Runs on: application threads, anywhere, also inside an allocator's functions.
 */
#include <linux/futex.h>
#include <stddef.h>
#include <string.h>

#include "runtime/collector.h"
#include "runtime/engine.h"
#include "runtime/held.h"
#include "runtime/held_poll.h"
#include "runtime/lock_wait.h"
#include "runtime/locks.h"
#include "runtime/thread.h"

/* In its slow path the engine itself, or the unwinder for it, may take locks. */
static bool is_busy(const struct thread *thread)
{
	return thread && thread->in_call && thread->call_frame == UINTPTR_MAX;
}

static uint32_t place_of(enum engine_lock kind)
{
	return lock_place_wrapped(kind == ENGINE_MUTEX ? LOCK_PTHREAD_MUTEX : LOCK_PTHREAD_RWLOCK,
				  kind == ENGINE_READ_LOCK ? LOCK_SHARED : LOCK_EXCLUSIVE);
}

void engine_lock_acquired(const volatile void *lock, enum engine_lock kind, const void *caller)
{
	if (!is_busy(thread_self))
		held_acquired_from((uintptr_t)lock, place_of(kind), (uintptr_t)caller);
}

bool engine_lock_released(const volatile void *lock)
{
	return !is_busy(thread_self) && held_released((uintptr_t)lock);
}

/* What is known of the lock that the thread's call `call` waits for, for the record of that call.
 */
static void look_for_holder(struct thread *thread, uint64_t call, uint64_t lock,
			    const struct lock_place *place)
{
	struct lock_sleep *sleep = &thread->lock_sleep;
	const struct stack_copy *copy;

	sleep->call = call;
	sleep->lock = lock;
	sleep->type = place->type;
	sleep->mode = place->mode;
	sleep->has_holder = holder_name(lock, thread, &sleep->holder);
	sleep->copy.context.pc = 0;
	if (!sleep->has_holder)
		return;
	copy = sleep->holder.copy;
	if (copy && copy->size <= STACK_COPY) {
		sleep->copy.context = copy->context;
		sleep->copy.size = copy->size;
		memcpy(sleep->copy.bytes, copy->bytes, sleep->copy.size);
	}
	/* Nobody will wake this thread: that should be in the trace before somebody kills it. */
	if (sleep->holder.thread == thread)
		collector_kick();
}

void engine_lock_wait_begin(const volatile void *lock, enum engine_lock kind, bool timed)
{
	if (is_busy(thread_self))
		return;
	lock_wait_begin((uintptr_t)lock, place_of(kind), timed);
	if (thread_self && thread_self->call_start)
		look_for_holder(thread_self, thread_self->calls, (uintptr_t)lock,
				lock_place_get(place_of(kind)));
}

void engine_lock_wait_end(void)
{
	if (!is_busy(thread_self))
		lock_wait_end();
}

void engine_sleeps(void)
{
	struct thread *thread = thread_self;

	if (thread && thread->held.top && !thread->in_call)
		held_before_park(thread);
}

void engine_sleeps_on(const void *word, int operation, uint32_t expected)
{
	static const struct lock_place mutex = {.type = LOCK_STD_MUTEX, .mode = LOCK_EXCLUSIVE};
	struct thread *thread = thread_self;
	struct holder found;

	if (!thread || thread->in_call)
		return;
	if (thread->lock_wait.sequence & 1)
		look_for_holder(thread, thread->calls + 1, thread->lock_wait.lock,
				lock_place_get(thread->lock_wait.place));
	else if ((operation & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET && expected == 2 &&
		 holders_find((uintptr_t)word, &found, 1) &&
		 lock_place_get(found.place)->type == LOCK_STD_MUTEX)
		look_for_holder(thread, thread->calls + 1, (uintptr_t)word, &mutex);
	else
		engine_sleeps();
}
