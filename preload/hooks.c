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
#define HOOK_LOCK(name, params, args, ...)   HOOK_FAILING(int, name, params, args, ENOSYS)
#define HOOK_TRY(name, params, args, ...)    HOOK_FAILING(int, name, params, args, ENOSYS)
#define HOOK_UNLOCK(name, params, args, ...) HOOK_FAILING(int, name, params, args, ENOSYS)
#define HOOK_COND(name, params, args, ...)   HOOK_FAILING(int, name, params, args, ENOSYS)
#define HOOK_SLEEP(ret, name, class, params, args, ...)                                            \
	HOOK_FAILING(ret, name, params, args, FAILED(ret))
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
#define HOOK_LOCK(name, ...)        .name = boot_##name,
#define HOOK_TRY(name, ...)         .name = boot_##name,
#define HOOK_UNLOCK(name, ...)      .name = boot_##name,
#define HOOK_COND(name, ...)        .name = boot_##name,
#define HOOK_SLEEP(ret, name, ...)  .name = boot_##name,
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
#define HOOK_LOCK(name, ...)        #name "\0"
#define HOOK_TRY(name, ...)         #name "\0"
#define HOOK_UNLOCK(name, ...)      #name "\0"
#define HOOK_COND(name, ...)        #name "\0"
#define HOOK_SLEEP(ret, name, ...)  #name "\0"
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
#define HOOK_LOCK(name, ...)                [OP_##name] = {#name, CLASS_LOCK},
#define HOOK_COND(name, ...)                [OP_##name] = {#name, CLASS_LOCK},
#define HOOK_SLEEP(ret, name, class_, ...)  [OP_##name] = {#name, class_},
#define HOOK_VOID(name, class_, ...)        [OP_##name] = {#name, class_},
#define HOOK_CUSTOM(ret, name, class_, ...) [OP_##name] = {#name, class_},
#define HOOK_OP(name, class_)               [OP_##name] = {#name, class_},
#include "preload/hooks.def"
};

/*
 * The timed part is a function of its own so that the untimed path is a test and a jump, without a
 * stack frame. `sleeps`: whether the call, with these arguments, waits for something to happen.
 */
#define HOOK_SLEEP(ret, name, class, params, args, subject, sleeps)                                \
	static __attribute__((noinline)) ret timed_##name params                                   \
	{                                                                                          \
		struct engine_call bracket;                                                        \
		ret returned;                                                                      \
                                                                                                   \
		if (sleeps)                                                                        \
			engine_sleeps();                                                           \
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
#define HOOK(ret, name, class, params, args, subject)                                              \
	HOOK_SLEEP(ret, name, class, params, args, subject, false)
#define HOOK_ERROR(...) HOOK(__VA_ARGS__)

/* A robust mutex whose owner died has been acquired all the same. */
#define ACQUIRED(error) ((error) == 0 || (error) == EOWNERDEAD)

#define EXPORT_FOLLOWED(name, params, args)                                                        \
	EXPORTED int name params                                                                   \
	{                                                                                          \
		return engine_follows_locks() ? followed_##name args : real.name args;             \
	}

/* The lock is first asked for without waiting: only then it is known whether it had to be waited
 * for. */
#define HOOK_LOCK(name, params, args, try, kind, timed)                                            \
	static __attribute__((noinline)) int followed_##name params                                \
	{                                                                                          \
		bool watched = engine_watches();                                                   \
		struct engine_call bracket;                                                        \
		int error;                                                                         \
                                                                                                   \
		if (watched)                                                                       \
			engine_call_begin(&bracket, OP_##name);                                    \
		error = real.try(lock);                                                            \
		if (!ACQUIRED(error)) {                                                            \
			engine_lock_wait_begin(lock, kind, timed);                                 \
			error = real.name args;                                                    \
			engine_lock_wait_end();                                                    \
		}                                                                                  \
		if (watched)                                                                       \
			engine_call_end(&bracket, subject_lock(lock));                             \
		if (ACQUIRED(error))                                                               \
			engine_lock_acquired(lock, kind, __builtin_return_address(0));             \
		return error;                                                                      \
	}                                                                                          \
                                                                                                   \
	EXPORT_FOLLOWED(name, params, args)
#define HOOK_TRY(name, params, args, kind)                                                         \
	static __attribute__((noinline)) int followed_##name params                                \
	{                                                                                          \
		int error = real.name args;                                                        \
                                                                                                   \
		if (ACQUIRED(error))                                                               \
			engine_lock_acquired(lock, kind, __builtin_return_address(0));             \
		return error;                                                                      \
	}                                                                                          \
                                                                                                   \
	EXPORT_FOLLOWED(name, params, args)
#define HOOK_UNLOCK(name, params, args)                                                            \
	EXPORTED int name params                                                                   \
	{                                                                                          \
		if (engine_follows_locks())                                                        \
			engine_lock_released(lock);                                                \
		return real.name args;                                                             \
	}
/* Waiting for a condition releases the mutex and acquires it again. */
#define HOOK_COND(name, params, args, subject)                                                     \
	static __attribute__((noinline)) int followed_##name params                                \
	{                                                                                          \
		bool noted = engine_lock_released(lock), watched = engine_watches();               \
		struct engine_call bracket;                                                        \
		int error;                                                                         \
                                                                                                   \
		if (watched) {                                                                     \
			engine_sleeps();                                                           \
			engine_call_begin(&bracket, OP_##name);                                    \
		}                                                                                  \
		error = real.name args;                                                            \
		if (watched)                                                                       \
			engine_call_end(&bracket, subject);                                        \
		if (noted)                                                                         \
			engine_lock_acquired(lock, ENGINE_MUTEX, __builtin_return_address(0));     \
		return error;                                                                      \
	}                                                                                          \
                                                                                                   \
	EXPORT_FOLLOWED(name, params, args)
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
