/* SPDX-License-Identifier: MIT */
/*
 * Lock words.
 * Runs on: any thread.
 *
 * Sources: std/src/sys/sync/{mutex,rwlock}/futex.rs; parking_lot raw_mutex.rs and raw_rwlock.rs;
 * dashmap lock.rs; glibc struct_mutex.h, struct_rwlock.h and pthread_rwlock_common.c.
 */
#include "lock_word.h"

#include <errno.h>
#include <string.h>

#include "runtime/sys.h"

#define WORDS_MAX     8
#define READERS_MAX   (1 << 20) /* more than there are guards in any program */
#define THREAD_ID_MAX (1 << 22) /* PID_MAX_LIMIT of the kernel's threads.h */

static const uint8_t sizes[LOCK_TYPES] = {
	[LOCK_STD_MUTEX] = 4,         [LOCK_STD_RWLOCK] = 4,
	[LOCK_PARKING_LOT_MUTEX] = 1, [LOCK_PARKING_LOT_RWLOCK] = 8,
	[LOCK_DASHMAP] = 8,           [LOCK_PTHREAD_MUTEX] = 12, /* __lock, __count, __owner */
	[LOCK_PTHREAD_RWLOCK] = 4,                               /* __readers */
};

static bool refused;

bool lock_word_refused(void)
{
	return __atomic_load_n(&refused, __ATOMIC_RELAXED);
}

static void note_refusal(long result)
{
	if (result == -EPERM || result == -ENOSYS)
		__atomic_store_n(&refused, true, __ATOMIC_RELAXED);
}

static uint64_t word_of(const unsigned char *bytes, enum lock_type type)
{
	uint64_t word = 0;

	memcpy(&word, bytes, sizes[type] < sizeof(word) ? sizes[type] : sizeof(word));
	return word;
}

/* How many readers the word counts; parking_lot's upgradable one is counted among them. */
static uint64_t readers_of(uint64_t word, enum lock_type type)
{
	switch (type) {
	case LOCK_STD_RWLOCK:
		return (word & 0x3fffffff) == 0x3fffffff ? 0 : word & 0x3fffffff;
	case LOCK_PARKING_LOT_RWLOCK:
		return word >> 4;
	case LOCK_DASHMAP:
		return (word & ~3ull) == ~3ull ? 0 : word >> 2;
	case LOCK_PTHREAD_RWLOCK:
		return word >> 3;
	default:
		return 0;
	}
}

static bool has_writer(uint64_t word, enum lock_type type)
{
	switch (type) {
	case LOCK_STD_RWLOCK:
		return (word & 0x3fffffff) == 0x3fffffff;
	case LOCK_PARKING_LOT_RWLOCK: /* upgradable 4, writer 8, readers from 16 on */
		return (word & 12) != 0;
	case LOCK_DASHMAP: /* parked readers 1, parked writers 2 */
		return (word & ~3ull) == ~3ull;
	case LOCK_PTHREAD_RWLOCK: /* write phase 1, which outlasts the writer; write-locked 2 */
		return (word & 2) != 0;
	default:
		return false;
	}
}

/*
 * A note may outlive its lock: a guard that is forgotten, a release that is missed. What lies in
 * its memory then is something else, and few values of it are the word of a lock that is held.
 */
bool lock_word_says_locked(const unsigned char *bytes, enum lock_type type)
{
	uint64_t word = word_of(bytes, type), readers;
	uint32_t owner;

	switch (type) {
	case LOCK_STD_MUTEX: /* waited for: 2 */
		return word == 1 || word == 2;
	case LOCK_PARKING_LOT_MUTEX: /* waited for: 2 more */
		return word == 1 || word == 3;
	case LOCK_PTHREAD_MUTEX:
		memcpy(&owner, bytes + 8, sizeof(owner));
		return owner <= THREAD_ID_MAX && ((uint32_t)word != 0 || owner != 0);
	default:
		readers = readers_of(word, type);
		return readers <= READERS_MAX && (readers != 0 || has_writer(word, type));
	}
}

bool lock_word_is_locked(uint64_t lock, enum lock_type type)
{
	unsigned char bytes[16] = {0};
	long result = sys_read_memory(bytes, (const void *)(uintptr_t)lock, sizes[type]);

	note_refusal(result);
	return result == sizes[type] && lock_word_says_locked(bytes, type);
}

bool lock_word_agrees(uint64_t lock, enum lock_type type, unsigned shared, unsigned exclusive)
{
	unsigned char bytes[16] = {0};
	long result = sys_read_memory(bytes, (const void *)(uintptr_t)lock, sizes[type]);
	uint64_t readers;

	note_refusal(result);
	if (result != sizes[type] || !lock_word_says_locked(bytes, type))
		return false;
	readers = readers_of(word_of(bytes, type), type);
	if (type == LOCK_PARKING_LOT_RWLOCK && readers == shared + exclusive)
		return true;
	return readers == shared;
}

bool lock_word_read(uint64_t *ret, const uint64_t *addresses, unsigned count)
{
	struct iovec local = {ret, count * sizeof(*ret)};
	struct iovec remote[WORDS_MAX];
	long result;

	for (unsigned i = 0; i < count; i++)
		remote[i] = (struct iovec){(void *)(uintptr_t)addresses[i], sizeof(*ret)};
	result = sys_call(SYS_process_vm_readv, sys_getpid(), (long)&local, 1, (long)remote, count,
			  0);
	note_refusal(result);
	return result == (long)(count * sizeof(*ret));
}
