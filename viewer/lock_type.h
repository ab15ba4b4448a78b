/* SPDX-License-Identifier: MIT */
/* Which kind of lock a call waited for, by its frames, its operation or its futex. */
#ifndef OVERSTAY_LOCK_TYPE_H
#define OVERSTAY_LOCK_TYPE_H

#include "model.h"

/* "std::sync::Mutex", "parking_lot::RwLock", "pthread_mutex", ...; NULL when nothing tells. */
const char *lock_type(const struct call *call);

#endif
