/* SPDX-License-Identifier: MIT */
/*
 * The collector: the one thread of the engine. It drains the rings, aggregates, and writes the
 * trace. It has a file descriptor table of its own, so that the target neither sees nor closes the
 * trace file, and blocks all signals.
 */
#ifndef OVERSTAY_COLLECTOR_H
#define OVERSTAY_COLLECTOR_H

#include <stdbool.h>

#include "runtime/engine.h"

/*
 * Starts the thread, once per process; any application thread, at its first poll. Not inside
 * malloc: pthread_create takes a small block from it for the thread's TLS vector.
 */
void collector_start(void);

/*
 * Drains and writes everything, and then the end line. Waits up to two seconds for the collector;
 * where there is none the caller does the work itself.
 */
void collector_finish(enum finish_reason reason, int status);

/* There is something worth writing at once; any application thread, cheap when said again. */
void collector_kick(void);

/* In a fork child: there is no collector, and nothing was recorded yet. */
void collector_after_fork(void);

#endif
