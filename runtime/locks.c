/* SPDX-License-Identifier: MIT */
/*
 * Kinds of lock and the table of places.
 * Runs on: places are added by the constructor or the holder of the object lock, read by any
 * thread.
 */
#include "locks.h"

#include <stddef.h>

#include "runtime/sys.h"

static const char *const type_names[LOCK_TYPES] = {
	[LOCK_STD_MUTEX] = "std::sync::Mutex",
	[LOCK_STD_RWLOCK] = "std::sync::RwLock",
	[LOCK_PARKING_LOT_MUTEX] = "parking_lot::Mutex",
	[LOCK_PARKING_LOT_RWLOCK] = "parking_lot::RwLock",
	[LOCK_DASHMAP] = "dashmap",
	[LOCK_PTHREAD_MUTEX] = "pthread_mutex",
	[LOCK_PTHREAD_RWLOCK] = "pthread_rwlock",
};

static const char *const mode_names[LOCK_MODES] = {
	[LOCK_EXCLUSIVE] = "exclusive",
	[LOCK_SHARED] = "shared",
	[LOCK_UPGRADABLE] = "upgradable",
};

static struct lock_place wrapped[] = {
	{.type = LOCK_PTHREAD_MUTEX, .mode = LOCK_EXCLUSIVE},
	{.type = LOCK_PTHREAD_RWLOCK, .mode = LOCK_EXCLUSIVE},
	{.type = LOCK_PTHREAD_RWLOCK, .mode = LOCK_SHARED},
	{.type = LOCK_STD_MUTEX, .mode = LOCK_EXCLUSIVE},
	{.type = LOCK_STD_RWLOCK, .mode = LOCK_EXCLUSIVE},
	{.type = LOCK_STD_RWLOCK, .mode = LOCK_SHARED},
};
#define WRAPPED ((uint32_t)(sizeof(wrapped) / sizeof(*wrapped)))

static struct lock_place *places; /* LOCK_PLACES_MAX entries of lazily touched memory */
static uint32_t place_count;
static uint32_t distrusted;

/* Between the end of a poll and the look at its locks another thread may have gone on with the
 * task and released them; that happens now and then, and is not the place's fault. */
#define RELEASES_PER_LEAK 64

const char *lock_type_name(enum lock_type type)
{
	return type_names[type];
}

const char *lock_mode_name(enum lock_mode mode)
{
	return mode_names[mode];
}

uint32_t lock_place_wrapped(enum lock_type type, enum lock_mode mode)
{
	uint32_t i = 0;

	while (i + 1 < WRAPPED && (wrapped[i].type != type || wrapped[i].mode != mode))
		i++;
	return i;
}

uint32_t lock_places_add(const struct lock_place *place)
{
	if (!places)
		places = sys_map(sizeof(*places) * LOCK_PLACES_MAX);
	if (!places || place_count == LOCK_PLACES_MAX)
		return UINT32_MAX;
	places[place_count] = *place;
	return WRAPPED + place_count++;
}

static struct lock_place *place_at(uint32_t index)
{
	return index < WRAPPED ? &wrapped[index] : &places[index - WRAPPED];
}

const struct lock_place *lock_place_get(uint32_t index)
{
	return place_at(index);
}

static bool trusts(const struct lock_place *place)
{
	uint32_t leaks = __atomic_load_n(&place->leaks, __ATOMIC_RELAXED);

	return leaks <= 1 ||
	       leaks <= __atomic_load_n(&place->releases, __ATOMIC_RELAXED) / RELEASES_PER_LEAK;
}

void lock_place_leaked(uint32_t index)
{
	struct lock_place *place = place_at(index);
	bool before = trusts(place);

	__atomic_add_fetch(&place->leaks, 1, __ATOMIC_RELAXED);
	if (before && !trusts(place))
		__atomic_add_fetch(&distrusted, 1, __ATOMIC_RELAXED);
}

void lock_place_released(uint32_t index)
{
	__atomic_add_fetch(&place_at(index)->releases, 1, __ATOMIC_RELAXED);
}

void lock_place_moved(uint32_t index)
{
	__atomic_store_n(&place_at(index)->moved, true, __ATOMIC_RELAXED);
}

bool lock_place_trusted(uint32_t index)
{
	return trusts(place_at(index));
}

uint32_t lock_places_distrusted(void)
{
	return __atomic_load_n(&distrusted, __ATOMIC_RELAXED);
}
