/* SPDX-License-Identifier: MIT */
/*
 * What happens at the beginning and end of a poll: the functions that stand in the hooked vtable
 * slots, and the stack of open polls of each thread.
 */
#ifndef OVERSTAY_POLL_H
#define OVERSTAY_POLL_H

#include <stdint.h>

#include "runtime/task_types.h"

/*
 * Replacements for a task vtable's poll slot. Called by the runtime on its own threads; a panic may
 * unwind through them. The first two are for Tokio since 1.23, whose class is known from the
 * vtable; the others find it out at the type's first poll. The number is where the task header
 * keeps its vtable pointer: 0x10 since 1.21, 0x20 from 1.9 to 1.20.
 */
void poll_hook_task(void *header);
void poll_hook_blocking(void *header);
void poll_hook_undecided_10(void *header);
void poll_hook_undecided_20(void *header);

/* Set by an adapter: decides the class of a type from the return addresses of its first poll. */
extern enum poll_class (*poll_classify)(const uint64_t *frames, unsigned count);

#endif
