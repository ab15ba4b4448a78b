/* SPDX-License-Identifier: MIT */
/*
 * All threads that wait for locks at one moment, who holds those, and who of them is stuck.
 * Runs on: whoever drains.
 */
#ifndef OVERSTAY_WAIT_SNAPSHOT_H
#define OVERSTAY_WAIT_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/holder.h"
#include "runtime/lock_wait.h"
#include "runtime/wait_graph.h"

#define SNAPSHOT_WAITERS 256
#define SNAPSHOT_HOLDERS 8   /* of one lock */
#define SNAPSHOT_TASKS   512 /* suspended ones */

struct waiter {
	struct thread *thread;
	struct lock_wait wait;
	unsigned holder_count; /* those that keep it from getting the lock */
	struct holder holders[SNAPSHOT_HOLDERS];
	uint16_t nodes[SNAPSHOT_HOLDERS]; /* of each holder */
};

/* Nodes of the graph: first the waiters, by their index, then suspended tasks. */
struct wait_snapshot {
	unsigned waiter_count;
	struct waiter waiters[SNAPSHOT_WAITERS];
	unsigned task_count;
	struct holder tasks[SNAPSHOT_TASKS];
	struct graph graph;
};

/* The snapshot, which is good until the next one; NULL when memory is short. */
struct wait_snapshot *wait_snapshot_take(void);

#endif
