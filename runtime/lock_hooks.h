/* SPDX-License-Identifier: MIT */
/*
 * What generated code calls: the engine's side of patched lock instructions and functions.
 */
#ifndef OVERSTAY_LOCK_HOOKS_H
#define OVERSTAY_LOCK_HOOKS_H

#include "runtime/patch/trampoline.h"

/* The addresses for generated code. Constructor or holder of the object lock. */
struct trampoline_calls lock_hooks_calls(void);

#endif
