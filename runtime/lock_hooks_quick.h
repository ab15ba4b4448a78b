/* SPDX-License-Identifier: MIT */
/*
 * The part of lock_hooks.c that changes no vector register; called from its assembly.
 */
#ifndef OVERSTAY_LOCK_HOOKS_QUICK_H
#define OVERSTAY_LOCK_HOOKS_QUICK_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/unwind.h"

/* Above the saved RBP: the return address, the place, RDX, RCX, RAX, the red zone. */
struct entry_frame {
	uint64_t bp, back, place, rdx, rcx, rax, red_zone[16];
};

/* The registers of the code that the trampoline belongs to. */
struct unwind_context lock_hooks_context(const struct entry_frame *frame);

/* False: the whole function has to be called. */
bool lock_hook_plumbing_quick(uint64_t lock, const struct entry_frame *frame);
bool lock_hook_missing_quick(uint64_t lock);

#endif
