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

static bool is_noted(uint64_t lock, enum lock_type type)
{
	struct holder found;

	return holders_find(lock, &found, 1) && lock_place_get(found.place)->type == type;
}

/*
 * The slow path of a std lock that was not recognised, perhaps because it was inlined. A mutex is
 * its futex word, and is waited for while that is 2 (std/src/sys/sync/mutex/futex.rs). A rwlock's
 * readers wait on its word, its writers on the one behind it (rwlock/futex.rs). Returns the place
 * of such a wait, 0 when it is none.
 */
static uint32_t std_lock_of(uint64_t word, uint32_t expected, uint64_t *ret_lock)
{
	*ret_lock = word;
	if (expected == 2 && is_noted(word, LOCK_STD_MUTEX))
		return lock_place_wrapped(LOCK_STD_MUTEX, LOCK_EXCLUSIVE);
	if (is_noted(word, LOCK_STD_RWLOCK))
		return lock_place_wrapped(LOCK_STD_RWLOCK, LOCK_SHARED);
	*ret_lock = word - sizeof(uint32_t);
	return is_noted(word - sizeof(uint32_t), LOCK_STD_RWLOCK)
		       ? lock_place_wrapped(LOCK_STD_RWLOCK, LOCK_EXCLUSIVE)
		       : 0;
}

bool engine_sleeps_on(const void *word, int operation, uint32_t expected, bool timed)
{
	struct thread *thread = thread_self;
	uint32_t place = 0;
	uint64_t lock;

	if (!thread || thread->in_call)
		return false;
	if (thread->lock_wait.sequence & 1) {
		look_for_holder(thread, thread->calls + 1, thread->lock_wait.lock,
				lock_place_get(thread->lock_wait.place));
		return false;
	}
	if ((operation & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET)
		place = std_lock_of((uintptr_t)word, expected, &lock);
	if (!place) {
		engine_sleeps();
		return false;
	}
	lock_wait_begin(lock, place, timed);
	look_for_holder(thread, thread->calls + 1, lock, lock_place_get(place));
	return true;
}
