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

/* The generated code has acquired a lock and could not note it, or wants the stack with it. */
void lock_acquired_inline(uint64_t lock, const struct entry_frame *frame);
void lock_acquired_in_plumbing(uint64_t lock, const struct entry_frame *frame);

/* It is about to release a lock that is not the one acquired last. */
void lock_released_inline(uint64_t lock, const struct entry_frame *frame);

#endif
