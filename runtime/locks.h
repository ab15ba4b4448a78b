/* SPDX-License-Identifier: MIT */
/*
 * The kinds of lock that are followed, and the places in code that acquire them. A place is an
 * inlined atomic instruction, an out-of-line lock function or its slow path, or a wrapped libc
 * function.
 */
#ifndef OVERSTAY_LOCKS_H
#define OVERSTAY_LOCKS_H

#include <stdbool.h>
#include <stdint.h>

enum lock_type {
	LOCK_STD_MUTEX,
	LOCK_STD_RWLOCK,
	LOCK_PARKING_LOT_MUTEX,
	LOCK_PARKING_LOT_RWLOCK,
	LOCK_DASHMAP,
	LOCK_PTHREAD_MUTEX,
	LOCK_PTHREAD_RWLOCK,
	LOCK_TYPES
};

enum lock_mode { LOCK_EXCLUSIVE, LOCK_SHARED, LOCK_UPGRADABLE, LOCK_MODES };

/* As in the trace. */
const char *lock_type_name(enum lock_type type);
const char *lock_mode_name(enum lock_mode mode);

/* One place that acquires locks. */
struct lock_place {
	uint64_t address; /* of the instruction or function, at run time; 0: a wrapped function */
	uint8_t type;     /* enum lock_type */
	uint8_t mode;     /* enum lock_mode */
	/*
	 * The instruction alone does not prove that this is a lock (an inlined try_lock): what was
	 * acquired here counts once it has been released by an instruction that does.
	 */
	bool tentative;
	bool inlined; /* an instruction of optimised code, whose stack frames are small */
	/*
	 * How often a lock taken here was found free, or taken by somebody else, although no
	 * release had been seen; and how often one that was held across polls was seen released.
	 */
	uint32_t leaks, releases;
	bool moved; /* a lock taken here was released by another thread than the one that took it */
};

/*
 * The first places have no address: those of wrapped functions, one per pthread type and mode, and
 * those of waits of std locks that are known by their futex word. The place of (type, mode) is
 * lock_place_wrapped(); it is 0 only for a pthread mutex. Others are added while text is patched,
 * in the constructor or before the first thread is created, and stay.
 */
#define LOCK_PLACES_MAX (1u << 16)

uint32_t lock_place_wrapped(enum lock_type type, enum lock_mode mode);

/* Adds a place; returns its index, or UINT32_MAX when there is no more room. */
uint32_t lock_places_add(const struct lock_place *place);

/* Any thread; `index` must have been given out. */
const struct lock_place *lock_place_get(uint32_t index);

/* A release of a lock taken there was missed; was seen. */
void lock_place_leaked(uint32_t index);
void lock_place_released(uint32_t index);

/* A lock taken there was released by another thread: its guards are moved. */
void lock_place_moved(uint32_t index);

/* False once releases have been missed too often for anything about its locks to be believed. */
bool lock_place_trusted(uint32_t index);

/* How many places are not trusted. */
uint32_t lock_places_distrusted(void);

#endif
