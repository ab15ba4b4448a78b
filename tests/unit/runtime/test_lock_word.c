/* SPDX-License-Identifier: MIT */
/* Unit tests of runtime/lock_word.h: what a lock's memory says. */
#include "runtime/lock_word.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

static bool is_locked(uint64_t word, enum lock_type type)
{
	uint64_t place = word;

	return lock_word_is_locked((uintptr_t)&place, type);
}

Test(lock_word, of_std)
{
	cr_assert_not(is_locked(0, LOCK_STD_MUTEX));
	cr_assert(is_locked(1, LOCK_STD_MUTEX));
	cr_assert(is_locked(2, LOCK_STD_MUTEX));
	cr_assert_not(is_locked(1ull << 32, LOCK_STD_MUTEX), "the word behind it is data");
	cr_assert_not(is_locked(0, LOCK_STD_RWLOCK));
	cr_assert(is_locked(1, LOCK_STD_RWLOCK));
	cr_assert(is_locked(0x3fffffff, LOCK_STD_RWLOCK));
	cr_assert_not(is_locked(0xc0000000, LOCK_STD_RWLOCK), "only waited for");
}

Test(lock_word, of_parking_lot_and_dashmap)
{
	cr_assert(is_locked(1, LOCK_PARKING_LOT_MUTEX));
	cr_assert(is_locked(3, LOCK_PARKING_LOT_MUTEX));
	cr_assert_not(is_locked(2, LOCK_PARKING_LOT_MUTEX));
	cr_assert_not(is_locked(0x100, LOCK_PARKING_LOT_MUTEX));
	cr_assert_not(is_locked(3, LOCK_PARKING_LOT_RWLOCK));
	cr_assert(is_locked(8, LOCK_PARKING_LOT_RWLOCK));
	cr_assert(is_locked(16, LOCK_PARKING_LOT_RWLOCK));
	cr_assert(is_locked(20, LOCK_PARKING_LOT_RWLOCK));
	cr_assert_not(is_locked(3, LOCK_DASHMAP));
	cr_assert(is_locked(4, LOCK_DASHMAP));
	cr_assert(is_locked(~3ull, LOCK_DASHMAP));
}

Test(lock_word, of_the_c_library)
{
	pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;

	cr_assert_not(lock_word_is_locked((uintptr_t)&mutex, LOCK_PTHREAD_MUTEX));
	pthread_mutex_lock(&mutex);
	cr_assert(lock_word_is_locked((uintptr_t)&mutex, LOCK_PTHREAD_MUTEX));
	pthread_mutex_unlock(&mutex);
	cr_assert_not(lock_word_is_locked((uintptr_t)&mutex, LOCK_PTHREAD_MUTEX));
	cr_assert_not(lock_word_is_locked((uintptr_t)&rwlock, LOCK_PTHREAD_RWLOCK));
	for (int round = 0; round < 2; round++) {
		pthread_rwlock_wrlock(&rwlock);
		cr_assert(lock_word_is_locked((uintptr_t)&rwlock, LOCK_PTHREAD_RWLOCK));
		cr_assert(lock_word_agrees((uintptr_t)&rwlock, LOCK_PTHREAD_RWLOCK, 0, 1));
		pthread_rwlock_unlock(&rwlock);
		cr_assert_not(lock_word_is_locked((uintptr_t)&rwlock, LOCK_PTHREAD_RWLOCK));
		pthread_rwlock_rdlock(&rwlock);
		pthread_rwlock_rdlock(&rwlock);
		cr_assert(lock_word_agrees((uintptr_t)&rwlock, LOCK_PTHREAD_RWLOCK, 2, 0));
		cr_assert_not(lock_word_agrees((uintptr_t)&rwlock, LOCK_PTHREAD_RWLOCK, 1, 0));
		pthread_rwlock_unlock(&rwlock);
		cr_assert(lock_word_is_locked((uintptr_t)&rwlock, LOCK_PTHREAD_RWLOCK));
		pthread_rwlock_unlock(&rwlock);
		cr_assert_not(lock_word_is_locked((uintptr_t)&rwlock, LOCK_PTHREAD_RWLOCK));
	}
}

static bool agrees(uint64_t word, enum lock_type type, unsigned shared, unsigned exclusive)
{
	uint64_t place = word;

	return lock_word_agrees((uintptr_t)&place, type, shared, exclusive);
}

Test(lock_word, counts_its_readers)
{
	cr_assert(agrees(2, LOCK_STD_RWLOCK, 2, 0));
	cr_assert(agrees(0x80000002, LOCK_STD_RWLOCK, 2, 0));
	cr_assert_not(agrees(2, LOCK_STD_RWLOCK, 1, 0),
		      "a reader is not noted, or a note is stale");
	cr_assert_not(agrees(2, LOCK_STD_RWLOCK, 3, 0));
	cr_assert(agrees(0x3fffffff, LOCK_STD_RWLOCK, 0, 1));
	cr_assert_not(agrees(0x3fffffff, LOCK_STD_RWLOCK, 1, 0));
	cr_assert(agrees(32, LOCK_PARKING_LOT_RWLOCK, 2, 0));
	cr_assert(agrees(36, LOCK_PARKING_LOT_RWLOCK, 1, 1),
		  "the upgradable one counts as a reader");
	cr_assert(agrees(8, LOCK_PARKING_LOT_RWLOCK, 0, 1));
	cr_assert(agrees(12, LOCK_DASHMAP, 3, 0));
	cr_assert(agrees(~3ull, LOCK_DASHMAP, 0, 1));
	cr_assert(agrees(1, LOCK_STD_MUTEX, 0, 1));
	cr_assert_not(agrees(0, LOCK_STD_MUTEX, 0, 1));
}

/* Memory that is in use for something else. */
Test(lock_word, that_no_lock_can_have_is_none)
{
	static const unsigned char fills[] = {0x40, 0xa5, 0xaa, 0xcc, 0xdd, 0xfc};
	unsigned char memory[16];

	for (size_t i = 0; i < sizeof(fills); i++) {
		memset(memory, fills[i], sizeof(memory));
		for (unsigned type = 0; type < LOCK_TYPES; type++)
			cr_assert_not(lock_word_is_locked((uintptr_t)memory, type), "%s: %02x",
				      lock_type_name(type), fills[i]);
	}
	cr_assert_not(is_locked(0x55d0c0de, LOCK_STD_MUTEX), "half an address");
	cr_assert_not(is_locked(0x7f55d0c0de08, LOCK_PARKING_LOT_RWLOCK), "an address");
	cr_assert_not(is_locked(0x7f55d0c0de08, LOCK_DASHMAP));
}

Test(lock_word, that_is_gone_is_not_locked)
{
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	page[0] = 1;
	cr_assert(lock_word_is_locked((uintptr_t)page, LOCK_STD_MUTEX));
	munmap(page, 4096);
	for (unsigned type = 0; type < LOCK_TYPES; type++)
		cr_assert_not(lock_word_is_locked((uintptr_t)page, type));
	cr_assert_not(lock_word_refused());
}
