/* SPDX-License-Identifier: MIT */
/*
 * Deadlocks: threads that wait for locks whose holders cannot go on before they do.
 * Runs on: whoever drains.
 */
#ifndef OVERSTAY_DEADLOCK_H
#define OVERSTAY_DEADLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* One per thread; zero-initialised. What was seen of its latest wait, named by its sequence. */
struct deadlock_mark {
	uint32_t waiting; /* seen waiting */
	uint32_t stuck;   /* seen stuck: with the second time it is certain */
	uint32_t told;    /* in the trace, as part of deadlock `id` */
	uint32_t id;
};

/*
 * Looks for deadlocks and writes those that were there at the last look already; and those that
 * have come to an end after all. `all`: writes again what was written before.
 */
void deadlock_check(bool all);

/* In a fork child. */
void deadlock_after_fork(void);

#endif
