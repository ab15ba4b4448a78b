/* SPDX-License-Identifier: MIT */
/* One line per detector; and what one says to another; private to finding.c and them. */
#ifndef OVERSTAY_FINDINGS_H
#define OVERSTAY_FINDINGS_H

#include "viewer/finding.h"

extern const struct detector detector_blocking_call;
extern const struct detector detector_deadlock;
extern const struct detector detector_lock_across_await;
extern const struct detector detector_lock_wait;
extern const struct detector detector_long_poll;
extern const struct detector detector_stall;

/*
 * True when who is at `origin`, waiting for `lock`, is in a deadlock that has not resolved itself;
 * with a lock of NULL, whatever it waits for. Then that is the finding, and this is none.
 */
bool deadlock_explains(const struct trace *trace, const struct origin *origin,
		       const struct lock *lock);

#endif
