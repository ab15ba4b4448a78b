/* SPDX-License-Identifier: MIT */
/*
 * Tells calls that blocked from calls during which the thread merely waited for a processor: on a
 * busy machine any system call can take milliseconds without blocking.
 * Runs on: application threads.
 */
#ifndef OVERSTAY_PROOF_H
#define OVERSTAY_PROOF_H

#include <stdbool.h>

#include "runtime/engine.h"

/*
 * Before a call of class `class` in a context that will be judged: remembers how often the thread
 * has gone to sleep and how long it has run (a system call, only for classes whose calls seldom
 * sleep: files and plain descriptors).
 */
void proof_begin(struct engine_call *call, enum call_class class);

/*
 * After a call that took longer than the threshold: true when it is known not to have blocked,
 * because its descriptor is non-blocking, or because the thread neither went to sleep nor worked in
 * the kernel for `threshold_ns`.
 */
bool proof_refutes(const struct engine_call *call, enum call_class class,
		   const struct subject *subject, uint64_t threshold_ns);

#endif
