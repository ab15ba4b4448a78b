/* SPDX-License-Identifier: MIT */
/*
 * Examines loaded objects for async runtimes and hooks what it finds; owns the object lock.
 *
 * The lock is only ever tried, never waited for: a thread that finds it taken goes on, and the
 * collector looks again at its next tick.
 */
#ifndef OVERSTAY_OBJECTS_H
#define OVERSTAY_OBJECTS_H

#include "runtime/config.h"
#include "runtime/engine.h"

/* Constructor: examines everything loaded so far and writes the head of the trace. */
void objects_start(const struct engine_host *host, const struct config *config);

/* Any thread: examines what was loaded since. Cheap when nothing was. */
void objects_check(void);

/* Fork child, before its collector starts: a trace of its own. */
void objects_start_trace(void);

/* Around a fork, in the parent and in the child. */
void objects_before_fork(void);
void objects_after_fork(void);

/*
 * Fork child, once it polls: objects are looked for and stacks taken again as soon as it is certain
 * that the dynamic loader's lock can be had.
 */
void objects_ask_loader(void);

const struct engine_host *objects_host(void);

#endif
