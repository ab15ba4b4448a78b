/* SPDX-License-Identifier: MIT */
/* Types of locks. */
#include "lock_type.h"

#include <string.h>

#include "context.h"
#include "function_name.h"
#include "owner.h"

#define SAME(name)                                                                                 \
	{                                                                                          \
		name, name, name, name                                                             \
	}
#define BY_MODE(name)                                                                              \
	{                                                                                          \
		name, name " (write)", name " (read)", name " (upgradable)"                        \
	}

/* The types that a trace names, and how they are called by the way they are locked. */
static const struct known_type {
	const char *word;
	const char *names[LOCKING_UPGRADABLE + 1];
} known_types[] = {
	{"std::sync::Mutex", SAME("std::sync::Mutex")},
	{"std::sync::RwLock", BY_MODE("std::sync::RwLock")},
	{"parking_lot::Mutex", SAME("parking_lot::Mutex")},
	{"parking_lot::RwLock", BY_MODE("parking_lot::RwLock")},
	{"dashmap", BY_MODE("dashmap")},
	{"pthread_mutex", SAME("pthread_mutex")},
	{"pthread_rwlock", BY_MODE("pthread_rwlock")},
};

struct pattern {
	const char *pattern, *type;
};

/*
 * The innermost frame that matches decides: a Condvar that takes its mutex again shows
 * lock_contended inside of Condvar::wait, and waits for the mutex. Paths since Rust 1.40 or so;
 * before 1.62 std wrapped pthread locks.
 */
static const struct pattern inner[] = {
	{"std::sys::sync::mutex", "std::sync::Mutex"},
	{"std::sys::*::locks::futex_mutex", "std::sync::Mutex"},
	{"std::sys::*::*::locks::futex_mutex", "std::sync::Mutex"},
	{"std::sys::unix::locks::futex", "std::sync::Mutex"},
	{"std::sys::*::locks::pthread_mutex", "std::sync::Mutex"},
	{"std::sys::unix::mutex", "std::sync::Mutex"},
	{"std::sync::*::mutex", "std::sync::Mutex"},
	{"std::sync::mutex", "std::sync::Mutex"},
	{"std::sys::sync::rwlock", "std::sync::RwLock"},
	{"std::sys::*::locks::futex_rwlock", "std::sync::RwLock"},
	{"std::sys::*::*::locks::futex_rwlock", "std::sync::RwLock"},
	{"std::sys::*::locks::pthread_rwlock", "std::sync::RwLock"},
	{"std::sys::unix::rwlock", "std::sync::RwLock"},
	{"std::sync::*::rwlock", "std::sync::RwLock"},
	{"std::sync::rwlock", "std::sync::RwLock"},
	{"std::sys::sync::condvar", "std::sync::Condvar"},
	{"std::sys::*::locks::futex_condvar", "std::sync::Condvar"},
	{"std::sys::*::*::locks::futex_condvar", "std::sync::Condvar"},
	{"std::sys::*::locks::pthread_condvar", "std::sync::Condvar"},
	{"std::sys::unix::condvar", "std::sync::Condvar"},
	{"std::sync::*::condvar", "std::sync::Condvar"},
	{"std::sync::condvar", "std::sync::Condvar"},
	{"std::sys::sync::thread_parking", "thread::park"},
	{"std::sys_common::thread_park*", "thread::park"},
	{"std::sys::*::thread_park*", "thread::park"},
	{"std::sys::*::*::thread_park*", "thread::park"},
	{"std::thread::park*", "thread::park"},
	{"std::thread::functions::park*", "thread::park"},
	{"std::thread::Thread::park*", "thread::park"},
	{"parking_lot::raw_mutex", "parking_lot::Mutex"},
	{"parking_lot::remutex", "parking_lot::ReentrantMutex"},
	{"parking_lot::raw_rwlock", "parking_lot::RwLock"},
	{"parking_lot::condvar", "parking_lot::Condvar"},
	{"parking_lot::once", "parking_lot::Once"},
	{"dashmap::lock", "dashmap"},
};

/* Made of other locks; they show further out, with nothing but std in between. The last one counts.
 */
static const struct pattern outer[] = {
	{"std::sync::mpsc", "std::sync::mpsc"},
	{"std::sync::mpmc", "std::sync::mpsc"},
	{"std::sync::*::barrier", "std::sync::Barrier"},
	{"std::sync::barrier", "std::sync::Barrier"},
	{"std::sys::sync::once", "std::sync::Once"},
	{"std::sys_common::once", "std::sync::Once"},
	{"std::sync::*::once", "std::sync::Once"},
	{"std::sync::once", "std::sync::Once"},
	{"std::sync::lazy_lock", "std::sync::LazyLock"},
	{"std::sync::once_lock", "std::sync::OnceLock"},
};

static const struct pattern operations[] = {
	{"pthread_mutex_", "pthread_mutex"}, {"pthread_rwlock_", "pthread_rwlock"},
	{"pthread_cond_", "pthread_cond"},   {"pthread_spin_", "pthread_spinlock"},
	{"pthread_barrier_", "barrier"},     {"sem_", "semaphore"},
};

/*
 * Where Tokio and mio take locks of their own. None of these is a function into which the compiler
 * could have put a user's future or closure.
 */
static const char *const runtimes_own[] = {
	"mio",
	"tokio::loom",
	"tokio::runtime::blocking::pool::Spawner",
	"tokio::runtime::blocking::pool::spawn_*",
	"tokio::runtime::blocking::sharded",
	"tokio::runtime::driver",
	"tokio::runtime::io",
	"tokio::runtime::park::*::unpark",
	"tokio::runtime::process",
	"tokio::runtime::scheduler::inject",
	"tokio::runtime::scheduler::multi_thread::handle",
	"tokio::runtime::scheduler::multi_thread::idle",
	"tokio::runtime::scheduler::multi_thread::park::*::unpark*",
	"tokio::runtime::signal",
	"tokio::runtime::task::list",
	"tokio::runtime::time",
	"tokio::sync::batch_semaphore",
	"tokio::sync::notify",
	"tokio::time::sleep",
	"tokio::util",
};

static const struct known_type *known_type_find(const char *text)
{
	size_t i;

	for (i = 0; text && i < sizeof(known_types) / sizeof(known_types[0]); i++)
		if (strcmp(known_types[i].word, text) == 0)
			return &known_types[i];
	return NULL;
}

const char *lock_type_word(const char *text)
{
	const struct known_type *known = known_type_find(text);

	return known ? known->word : NULL;
}

const char *lock_name(const char *type, enum locking mode)
{
	const struct known_type *known = known_type_find(type);

	return known ? known->names[mode] : NULL;
}

static const char *pattern_find(const char *path, const struct pattern *patterns, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (function_path_matches(path, patterns[i].pattern))
			return patterns[i].type;
	return NULL;
}

static bool path_is_std(const char *path)
{
	return function_path_matches(path, "std") || function_path_matches(path, "core") ||
	       function_path_matches(path, "alloc");
}

static bool path_is_lock_crate(const char *path)
{
	return function_path_matches(path, "parking_lot") ||
	       function_path_matches(path, "parking_lot_core") ||
	       function_path_matches(path, "lock_api");
}

/* Looks no further than the first frame of anyone else's: what that one holds is another story. */
static const char *type_by_frames(const struct stack *stack)
{
	const char *type = NULL;
	size_t i;

	for (i = 0; i < stack->frame_count; i++) {
		const char *function = stack->frames[i].function;
		char path[FUNCTION_PATH_SIZE];
		const char *found;

		if (!function)
			continue;
		function_path(function, path);
		if (!type)
			type = pattern_find(path, inner, sizeof(inner) / sizeof(inner[0]));
		found = pattern_find(path, outer, sizeof(outer) / sizeof(outer[0]));
		if (found)
			type = found;
		else if (!path_is_std(path) && (type || !path_is_lock_crate(path)))
			break;
	}
	return type;
}

static const char *type_by_futex(const struct call *call)
{
	if (strcmp(call->futex_op, "wait_bitset") == 0 && call->futex_expected == 2)
		return "std::sync::Mutex";
	if (strcmp(call->futex_op, "wait_bitset") == 0 && call->futex_expected == 0xffffffff)
		return "thread::park";
	if (strcmp(call->futex_op, "wait") == 0 && call->futex_expected == 1)
		return "parking_lot";
	return "futex";
}

const char *lock_type(const struct call *call)
{
	const char *type = lock_name(call->lock.type, call->lock.mode);
	size_t i;

	if (!type && call->origin.stack)
		type = type_by_frames(call->origin.stack);
	for (i = 0; !type && i < sizeof(operations) / sizeof(operations[0]); i++)
		if (strncmp(call->op, operations[i].pattern, strlen(operations[i].pattern)) == 0)
			type = operations[i].type;
	if (!type && call->futex_op)
		type = type_by_futex(call);
	return type;
}

bool lock_is_the_runtimes(const struct stack *stack)
{
	size_t i, j;

	for (i = 0; stack && i < stack->frame_count; i++) {
		const char *function = stack->frames[i].function;
		char path[FUNCTION_PATH_SIZE];

		if (!function)
			continue;
		function_path(function, path);
		if (path_is_std(path) || path_is_lock_crate(path) ||
		    function_path_matches(path, "syscall"))
			continue;
		for (j = 0; j < sizeof(runtimes_own) / sizeof(runtimes_own[0]); j++)
			if (function_path_matches(path, runtimes_own[j]))
				return true;
		return false;
	}
	return false;
}

/* Runtimes park on a condition or in their driver. */
bool lock_is_users_wait(const struct stack *stack)
{
	const char *type;
	size_t i;

	for (i = 0; stack && i < stack->frame_count; i++) {
		if (context_role(stack->frames[i].function) != ROLE_NONE)
			break;
		if (owner_is_application(&stack->frames[i]))
			return true;
	}
	if (!stack ||
	    (i < stack->frame_count && context_role(stack->frames[i].function) == ROLE_PARK))
		return false;
	type = type_by_frames(stack);
	return type && !strstr(type, "Condvar");
}
