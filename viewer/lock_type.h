/* SPDX-License-Identifier: MIT */
/* Kinds of locks: their names, and which one a call waited for. */
#ifndef OVERSTAY_LOCK_TYPE_H
#define OVERSTAY_LOCK_TYPE_H

#include "model.h"

/* The trace's word for a type of lock, as a constant; NULL for NULL and for words not known. */
const char *lock_type_word(const char *text);

/*
 * The name for readers: "std::sync::Mutex", "std::sync::RwLock (read)", "dashmap (write)", ...;
 * without the way it was locked when that is not known. NULL for a type of NULL.
 */
const char *lock_name(const char *type, enum locking mode);

/*
 * What a call waited for: by the trace's word, else by frames, operation or futex, which know
 * conditions, channels and the like as well. NULL when nothing tells.
 */
const char *lock_type(const struct call *call);

/*
 * True when the lock is one that the runtime keeps for itself (a queue, a timer wheel, a driver):
 * who waits for it waits for the runtime, for moments unless the machine is busy, and can do
 * nothing about it. False without names.
 */
bool lock_is_the_runtimes(const struct stack *stack);

/*
 * True when the stack clearly is that of a wait in somebody's code, and not of a runtime that has
 * nothing to do. False without names, and for NULL.
 */
bool lock_is_users_wait(const struct stack *stack);

#endif
