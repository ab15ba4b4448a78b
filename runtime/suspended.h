/* SPDX-License-Identifier: MIT */
/*
 * Locks that were still held when the poll that acquired them returned.
 */
#ifndef OVERSTAY_SUSPENDED_H
#define OVERSTAY_SUSPENDED_H

#include <stdbool.h>
#include <stdint.h>

extern uint32_t suspended_count;

/* Whether there is any; a load. */
static inline bool suspended_any(void)
{
	return __atomic_load_n(&suspended_count, __ATOMIC_RELAXED) != 0;
}

/* The calling thread releases a lock that its own list does not have. Any thread. */
void suspended_released(uint64_t lock);

#endif
