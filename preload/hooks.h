/* SPDX-License-Identifier: MIT */
/*
 * What the table expands to: numbers of the timed operations, and pointers to the real functions.
 * Runs on: any application thread.
 */
#ifndef OVERSTAY_HOOKS_H
#define OVERSTAY_HOOKS_H

#include "preload/libc.h"
#include "runtime/engine.h"

enum {
#define HOOK(ret, name, ...)        OP_##name,
#define HOOK_ERROR(ret, name, ...)  OP_##name,
#define HOOK_LOCK(name, ...)        OP_##name,
#define HOOK_COND(name, ...)        OP_##name,
#define HOOK_SLEEP(ret, name, ...)  OP_##name,
#define HOOK_VOID(name, ...)        OP_##name,
#define HOOK_CUSTOM(ret, name, ...) OP_##name,
#define HOOK_OP(name, class)        OP_##name,
#include "preload/hooks.def"
	OP_COUNT
};

/*
 * The real functions: at first stubs that look up just the one that is called, after the
 * constructor what the loader would have bound without us. One pointer per name, in the order of
 * the table.
 */
struct real_functions {
#define HOOK(ret, name, class, params, ...)        ret(*name) params;
#define HOOK_ERROR(ret, name, class, params, ...)  ret(*name) params;
#define HOOK_LOCK(name, params, ...)               int(*name) params;
#define HOOK_TRY(name, params, ...)                int(*name) params;
#define HOOK_UNLOCK(name, params, ...)             int(*name) params;
#define HOOK_COND(name, params, ...)               int(*name) params;
#define HOOK_SLEEP(ret, name, class, params, ...)  ret(*name) params;
#define HOOK_VOID(name, class, params, ...)        void(*name) params;
#define HOOK_CUSTOM(ret, name, class, params, ...) ret(*name) params;
#define HOOK_PASS(ret, name, params, args)         ret(*name) params;
#define HOOK_END(name, params, args)               void(*name) params;
#include "preload/hooks.def"
};

extern struct real_functions real __attribute__((visibility("hidden")));

/* Makes a definition one of the library's exported names. */
#define EXPORTED __attribute__((visibility("default")))

/* The dictionary for the engine, OP_COUNT entries. */
extern const struct engine_op hooks_ops[] __attribute__((visibility("hidden")));

/* Constructor: replaces every stub whose function the running C library has. */
void hooks_resolve_all(void);

#endif
