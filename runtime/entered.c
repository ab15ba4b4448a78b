/* SPDX-License-Identifier: MIT */
/*
 * The runtime's thread-local note of being entered.
 * Runs on: the constructor (set), application threads.
 */
#include "entered.h"

#include <stddef.h>

#include "runtime/engine.h"
#include "runtime/sys.h"

int64_t engine_entered_offset;
uint8_t engine_entered_max;

static uint8_t value_outside;
static bool withdrawn;

void entered_withdraw(void)
{
	__atomic_store_n(&withdrawn, true, __ATOMIC_RELAXED);
	__atomic_store_n(&engine_entered_offset, 0, __ATOMIC_RELAXED);
}

void entered_set(const uint8_t *address, uint8_t entered_max, uint8_t not_entered)
{
	if (engine_entered_offset || withdrawn) {
		entered_withdraw();
		return;
	}
	engine_entered_max = entered_max;
	value_outside = not_entered;
	engine_entered_offset = address - (const uint8_t *)__builtin_thread_pointer();
}

const uint8_t *entered_note(void)
{
	int64_t offset = __atomic_load_n(&engine_entered_offset, __ATOMIC_RELAXED);

	return offset ? (const uint8_t *)__builtin_thread_pointer() + offset : NULL;
}

static enum entered meaning(uint8_t value)
{
	if (value <= engine_entered_max)
		return ENTERED_YES;
	return value == value_outside ? ENTERED_NO : ENTERED_UNKNOWN;
}

bool entered_means_inside(uint8_t value)
{
	return engine_entered_offset && meaning(value) == ENTERED_YES;
}

enum entered entered_now(void)
{
	const uint8_t *note = entered_note();

	return note ? meaning(*note) : ENTERED_UNKNOWN;
}

enum entered entered_elsewhere(const uint8_t *note)
{
	uint8_t value;

	if (!note)
		return ENTERED_UNKNOWN;
	return sys_read_memory(&value, note, sizeof(value)) == sizeof(value) ? meaning(value)
									     : ENTERED_NO;
}

void entered_check(bool expected)
{
	enum entered now = entered_now();

	if (engine_entered_offset && now != (expected ? ENTERED_YES : ENTERED_NO))
		entered_withdraw();
}

enum entered entered_trusted(enum entered earlier)
{
	return __atomic_load_n(&withdrawn, __ATOMIC_RELAXED) ? ENTERED_UNKNOWN : earlier;
}
