/* SPDX-License-Identifier: MIT */
/* Which kind of lock a call waited for, by its frames, its operation or its futex. */
#ifndef OVERSTAY_LOCK_TYPE_H
#define OVERSTAY_LOCK_TYPE_H

#include "model.h"

/* "std::sync::Mutex", "parking_lot::RwLock", "pthread_mutex", ...; NULL when nothing tells. */
const char *lock_type(const struct call *call);

/*
 * True when the lock is one that the runtime keeps for itself (a queue, a timer wheel, a driver):
 * who waits for it waits for the runtime, for moments unless the machine is busy, and can do
 * nothing about it. False without names.
 */
bool lock_is_the_runtimes(const struct stack *stack);

#endif
