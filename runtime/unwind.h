/* SPDX-License-Identifier: MIT */
/*
 * Stack capture. One backend: libunwind, opened at run time so that its copy of the C++ unwinder
 * never enters the target's global symbol scope.
 */
#ifndef OVERSTAY_UNWIND_H
#define OVERSTAY_UNWIND_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Opens and warms up the unwinder (its first use allocates and reads unwind tables). Constructor or
 * collector; may use the target's malloc through the dynamic loader. Returns false when it is not
 * there; stacks are then empty.
 */
bool unwind_start(void);

/*
 * Return addresses of the calling thread, innermost first, at most `max`. Any application thread;
 * no malloc. Calls it makes to wrapped libc names must be made to pass through by the caller.
 */
unsigned unwind_capture(uint64_t *frames, unsigned max);

#endif
