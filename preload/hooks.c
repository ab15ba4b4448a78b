/* SPDX-License-Identifier: MIT */
/*
 * Expands the table into stubs, real pointers, the dictionary and the wrappers.
 * Runs on: any application thread; hooks_resolve_all in the constructor.
 *
 * Built with unwind tables: a cancelled thread, or a C++ exception of a callback, unwinds through
 * these frames. They hold nothing that would need a clean-up.
 */
#include "preload/hooks.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>

#include "preload/resolve.h"

_Static_assert(OP_COUNT <= ENGINE_MAX_OPS, "the engine's table of operations is too small");

/*
 * Stubs. A constructor of another library, or an allocator that dlsym called, may come here before
 * our constructor. What the running C library lacks keeps its stub for good, asks again at each
 * call (the C library's threads may have been loaded since) and fails the way that function fails.
 * Several threads may store the same pointer at the same time.
 */
#define FIND(name)                                                                                 \
	__extension__({                                                                            \
		__typeof__(real.name) next = (__typeof__(real.name))resolve_function(#name);       \
                                                                                                   \
		if (next)                                                                          \
			__atomic_store_n(&real.name, next, __ATOMIC_RELAXED);                      \
		next;                                                                              \
	})

/* clang-format off */
#define FAILED(ret) ((ret)_Generic((ret)0, int: -1L, long: -1L, default: 0L))
/* clang-format on */

#define HOOK_FAILING(ret, name, params, args, failure)                                             \
	static ret boot_##name params                                                              \
	{                                                                                          \
		__typeof__(real.name) found = FIND(name);                                          \
		if (found)                                                                         \
			return found args;                                                         \
		errno = ENOSYS;                                                                    \
		return failure;                                                                    \
	}
#define HOOK(ret, name, class, params, args, subject)                                              \
	HOOK_FAILING(ret, name, params, args, FAILED(ret))
#define HOOK_PASS(ret, name, params, args) HOOK_FAILING(ret, name, params, args, FAILED(ret))
#define HOOK_ERROR(ret, name, class, params, args, subject)                                        \
	HOOK_FAILING(ret, name, params, args, ENOSYS)
#define HOOK_VOID(name, class, params, args, subject)                                              \
	static void boot_##name params                                                             \
	{                                                                                          \
		__typeof__(real.name) found = FIND(name);                                          \
		if (found)                                                                         \
			found args;                                                                \
	}
/* Reads words that the caller may not have passed; the real function looks at those it wants. */
#define HOOK_CUSTOM(ret, name, class, params, last, args)                                          \
	static ret boot_##name params                                                              \
	{                                                                                          \
		long more[6];                                                                      \
		va_list list;                                                                      \
                                                                                                   \
		va_start(list, last);                                                              \
		for (unsigned i = 0; i < 6; i++)                                                   \
			more[i] = va_arg(list, long);                                              \
		va_end(list);                                                                      \
		__typeof__(real.name) found = FIND(name);                                          \
		if (found)                                                                         \
			return found args;                                                         \
		errno = ENOSYS;                                                                    \
		return -1;                                                                         \
	}
#define HOOK_END(name, params, args)                                                               \
	static void boot_##name params                                                             \
	{                                                                                          \
		__typeof__(real.name) found = FIND(name);                                          \
		if (found)                                                                         \
			found args;                                                                \
	}
#include "preload/hooks.def"

struct real_functions real = {
#define HOOK(ret, name, ...)        .name = boot_##name,
#define HOOK_ERROR(ret, name, ...)  .name = boot_##name,
#define HOOK_VOID(name, ...)        .name = boot_##name,
#define HOOK_CUSTOM(ret, name, ...) .name = boot_##name,
#define HOOK_PASS(ret, name, ...)   .name = boot_##name,
#define HOOK_END(name, ...)         .name = boot_##name,
#include "preload/hooks.def"
};

/* One string behind the other, in the order of struct real_functions: no pointers to relocate. */
static const char real_names[] =
#define HOOK(ret, name, ...)        #name "\0"
#define HOOK_ERROR(ret, name, ...)  #name "\0"
#define HOOK_VOID(name, ...)        #name "\0"
#define HOOK_CUSTOM(ret, name, ...) #name "\0"
#define HOOK_PASS(ret, name, ...)   #name "\0"
#define HOOK_END(name, ...)         #name "\0"
#include "preload/hooks.def"
	;

void hooks_resolve_all(void)
{
	char *slot = (char *)&real;

	for (const char *name = real_names; *name; name += strlen(name) + 1) {
		void *found = resolve_function(name);

		if (found)
			memcpy(slot, &found, sizeof(found));
		slot += sizeof(found);
	}
}

const struct engine_op hooks_ops[] = {
#define HOOK(ret, name, class_, ...)        [OP_##name] = {#name, class_},
#define HOOK_ERROR(ret, name, class_, ...)  [OP_##name] = {#name, class_},
#define HOOK_VOID(name, class_, ...)        [OP_##name] = {#name, class_},
#define HOOK_CUSTOM(ret, name, class_, ...) [OP_##name] = {#name, class_},
#define HOOK_OP(name, class_)               [OP_##name] = {#name, class_},
#include "preload/hooks.def"
};

/*
 * The timed part is a function of its own so that the untimed path is a test and a jump, without a
 * stack frame.
 */
#define HOOK(ret, name, class, params, args, subject)                                              \
	static __attribute__((noinline)) ret timed_##name params                                   \
	{                                                                                          \
		struct engine_call bracket;                                                        \
		ret returned;                                                                      \
                                                                                                   \
		engine_call_begin(&bracket, OP_##name);                                            \
		returned = real.name args;                                                         \
		engine_call_end(&bracket, subject);                                                \
		return returned;                                                                   \
	}                                                                                          \
                                                                                                   \
	EXPORTED ret name params                                                                   \
	{                                                                                          \
		return __builtin_expect(!engine_watches(), 1) ? real.name args                     \
							      : timed_##name args;                 \
	}
#define HOOK_ERROR(...) HOOK(__VA_ARGS__)
#define HOOK_VOID(name, class, params, args, subject)                                              \
	EXPORTED void name params                                                                  \
	{                                                                                          \
		struct engine_call bracket;                                                        \
                                                                                                   \
		if (__builtin_expect(!engine_watches(), 1)) {                                      \
			real.name args;                                                            \
			return;                                                                    \
		}                                                                                  \
		engine_call_begin(&bracket, OP_##name);                                            \
		real.name args;                                                                    \
		engine_call_end(&bracket, subject);                                                \
	}
#include "preload/hooks.def"
