/* SPDX-License-Identifier: MIT */
/*
 * Locks of suspended polls.
 * Runs on: any thread.
 */
#include "suspended.h"

uint32_t suspended_count;

void suspended_released(uint64_t lock)
{
	(void)lock;
}
