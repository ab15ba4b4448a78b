/* SPDX-License-Identifier: MIT */
/*
 * Locks of suspended polls.
 * Runs on: any thread; closing and freeing on the collector.
 */
#include "suspended.h"

#include <stddef.h>
#include <string.h>

#include "runtime/clock.h"
#include "runtime/collector.h"
#include "runtime/recording.h"
#include "runtime/sys.h"
#include "runtime/thread.h"

/* Keys that are no address. */
enum { KEY_FREE, KEY_BUSY, KEY_RELEASED, KEYS };

/* From this entry on there are more than the collector takes out in time. */
#define CROWDED (SUSPENDED_MAX / 4)

uint32_t suspended_count;

static uint64_t keys[SUSPENDED_MAX];
static struct suspended *entries; /* lazily touched */
static uint32_t high;
static uint64_t lost;

static struct suspended *have_entries(void)
{
	struct suspended *found = __atomic_load_n(&entries, __ATOMIC_ACQUIRE);
	struct suspended *fresh;

	if (found)
		return found;
	fresh = sys_map(sizeof(*entries) * SUSPENDED_MAX);
	if (fresh && !__atomic_compare_exchange_n(&entries, &found, fresh, false, __ATOMIC_ACQ_REL,
						  __ATOMIC_ACQUIRE)) {
		sys_call2(SYS_munmap, fresh, sizeof(*entries) * SUSPENDED_MAX);
		fresh = found;
	}
	return fresh;
}

static void raise_high(uint32_t to)
{
	uint32_t now = __atomic_load_n(&high, __ATOMIC_RELAXED);

	while (now < to && !__atomic_compare_exchange_n(&high, &now, to, false, __ATOMIC_RELEASE,
							__ATOMIC_RELAXED))
		;
}

struct suspended *suspended_claim(void)
{
	struct suspended *table = have_entries();

	for (uint32_t i = 0; table && i < SUSPENDED_MAX; i++) {
		uint64_t expected = KEY_FREE;

		if (__atomic_load_n(&keys[i], __ATOMIC_RELAXED) == KEY_FREE &&
		    __atomic_compare_exchange_n(&keys[i], &expected, KEY_BUSY, false,
						__ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
			raise_high(i + 1);
			if (i >= CROWDED)
				collector_kick();
			__atomic_add_fetch(&table[i].generation, 1, __ATOMIC_RELAXED);
			memset((char *)&table[i] + offsetof(struct suspended, place), 0,
			       offsetof(struct suspended, parked_frames) -
				       offsetof(struct suspended, place));
			table[i].copy.context.pc = 0;
			table[i].copy.size = 0;
			return &table[i];
		}
	}
	__atomic_add_fetch(&lost, 1, __ATOMIC_RELAXED);
	collector_kick();
	return NULL;
}

void suspended_publish(struct suspended *entry, uint64_t lock)
{
	entry->lock = lock;
	__atomic_add_fetch(&suspended_count, 1, __ATOMIC_RELAXED);
	/* From now on every end of a poll is looked at; the collector puts it back. */
	__atomic_store_n(&recording.poll_look, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&keys[entry - entries], lock, __ATOMIC_SEQ_CST);
}

static bool is_polled_here(const struct suspended *entry)
{
	return thread_self && thread_polls(thread_self, entry->header, entry->task);
}

/* Several readers hold one lock: the releasing task's own, or else the newest. */
static int entry_to_release(uint64_t lock)
{
	uint32_t end = __atomic_load_n(&high, __ATOMIC_ACQUIRE);
	int best = -1;

	for (uint32_t i = 0; i < end; i++) {
		if (__atomic_load_n(&keys[i], __ATOMIC_ACQUIRE) != lock)
			continue;
		if (is_polled_here(&entries[i]))
			return (int)i;
		if (best < 0 || entries[i].since >= entries[best].since)
			best = (int)i;
	}
	return best;
}

/* Acquired at the same place, for a task of the same type. */
static bool is_alike(const struct suspended *one, const struct suspended *other)
{
	return one->place == other->place && one->type == other->type && one->root == other->root &&
	       one->quiet == other->quiet && one->released && other->released &&
	       one->copy.context.pc == other->copy.context.pc &&
	       one->copy.context.sp == other->copy.context.sp;
}

/*
 * More locks are held across polls and released again than the collector has time for: what is
 * alike is counted together. The entry is the caller's.
 */
static bool merge(struct suspended *entry)
{
	uint32_t end = __atomic_load_n(&high, __ATOMIC_ACQUIRE);

	for (uint32_t i = 0; i < end; i++) {
		uint64_t expected = KEY_RELEASED;
		bool alike;

		if (__atomic_load_n(&keys[i], __ATOMIC_ACQUIRE) != KEY_RELEASED ||
		    !is_alike(&entries[i], entry) ||
		    !__atomic_compare_exchange_n(&keys[i], &expected, KEY_BUSY, false,
						 __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			continue;
		alike = is_alike(&entries[i], entry);
		if (alike) {
			durations_count(&entries[i].more, clock_ns(entry->released - entry->since));
			entries[i].polls += entry->polls;
			entries[i].waits += entry->waits;
		}
		__atomic_store_n(&keys[i], KEY_RELEASED, __ATOMIC_RELEASE);
		if (alike)
			return true;
	}
	return false;
}

/* Takes an open entry out of the others' sight; false when somebody else was faster. */
static bool take(unsigned index, uint64_t lock, uint64_t released)
{
	bool in_its_poll = is_polled_here(&entries[index]);

	if (!__atomic_compare_exchange_n(&keys[index], &lock, KEY_BUSY, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_RELAXED))
		return false;
	entries[index].released = released;
	entries[index].polls += in_its_poll; /* which has not ended yet */
	__atomic_store_n(&keys[index],
			 released && index >= CROWDED && merge(&entries[index]) ? KEY_FREE
										: KEY_RELEASED,
			 __ATOMIC_RELEASE);
	__atomic_sub_fetch(&suspended_count, 1, __ATOMIC_RELAXED);
	return true;
}

bool suspended_released(uint64_t lock)
{
	int found;

	while ((found = entry_to_release(lock)) >= 0)
		if (take((unsigned)found, lock, clock_ticks()))
			return true;
	return false;
}

void suspended_count_poll(uint64_t task, const char *header)
{
	uint32_t end = __atomic_load_n(&high, __ATOMIC_ACQUIRE);

	for (uint32_t i = 0; i < end; i++)
		if (__atomic_load_n(&keys[i], __ATOMIC_ACQUIRE) >= KEYS &&
		    entries[i].header == header && entries[i].task == task)
			__atomic_add_fetch(&entries[i].polls, 1, __ATOMIC_RELAXED);
}

static void add_waiter(struct suspended *entry, struct thread *thread, uint64_t task)
{
	for (unsigned i = 0; i < SUSPENDED_WAITERS; i++) {
		struct suspended_waiter *waiter = &entry->waiters[i];
		struct thread *there = NULL;

		/* The thread is written first; a reader may miss the task for a moment. */
		if (__atomic_compare_exchange_n(&waiter->thread, &there, thread, false,
						__ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
			__atomic_store_n(&waiter->task, task, __ATOMIC_RELAXED);
			return;
		}
		if (there == thread && waiter->task == task)
			return;
	}
}

void suspended_count_wait(uint64_t lock, struct thread *thread, uint64_t task)
{
	uint32_t end = __atomic_load_n(&high, __ATOMIC_ACQUIRE);

	for (uint32_t i = 0; i < end; i++) {
		if (__atomic_load_n(&keys[i], __ATOMIC_ACQUIRE) != lock)
			continue;
		__atomic_add_fetch(&entries[i].waits, 1, __ATOMIC_RELAXED);
		add_waiter(&entries[i], thread, task);
	}
}

unsigned suspended_high(void)
{
	return __atomic_load_n(&high, __ATOMIC_ACQUIRE);
}

enum suspended_state suspended_look(unsigned index, uint64_t *ret_lock)
{
	uint64_t key = __atomic_load_n(&keys[index], __ATOMIC_ACQUIRE);

	*ret_lock = key >= KEYS ? key : 0;
	return key >= KEYS           ? SUSPENDED_OPEN
	       : key == KEY_RELEASED ? SUSPENDED_RELEASED
	       : key == KEY_BUSY     ? SUSPENDED_BUSY
				     : SUSPENDED_FREE;
}

struct suspended *suspended_get(unsigned index)
{
	return &entries[index];
}

bool suspended_close(unsigned index, uint64_t lock)
{
	return take(index, lock, 0);
}

bool suspended_take(unsigned index)
{
	uint64_t expected = KEY_RELEASED;

	return __atomic_compare_exchange_n(&keys[index], &expected, KEY_BUSY, false,
					   __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

void suspended_free(unsigned index)
{
	__atomic_store_n(&keys[index], KEY_FREE, __ATOMIC_RELEASE);
}

void suspended_forget_thread(struct thread *thread, uint32_t id)
{
	for (uint32_t i = 0; i < high; i++) {
		struct suspended *entry = &entries[i];

		if (__atomic_load_n(&keys[i], __ATOMIC_ACQUIRE) < KEY_RELEASED)
			continue;
		if (entry->thread == thread) {
			entry->thread_id = id;
			entry->thread = NULL;
		}
		for (unsigned w = 0; w < SUSPENDED_WAITERS; w++) {
			if (entry->waiters[w].thread != thread)
				continue;
			/* Never NULL again: the place stays taken. */
			entry->waiters[w].thread_id = id;
		}
	}
}

uint64_t suspended_lost(void)
{
	return __atomic_load_n(&lost, __ATOMIC_RELAXED);
}

void suspended_after_fork(void)
{
	memset(keys, 0, sizeof(keys));
	suspended_count = 0;
	high = 0;
	lost = 0;
}
