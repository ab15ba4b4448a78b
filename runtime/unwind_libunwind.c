/* SPDX-License-Identifier: MIT */
/*
 * Stack capture through libunwind's unw_backtrace, which walks DWARF tables with a per-thread cache.
 * Runs on: the constructor or collector (start), application threads (capture).
 */
#include "unwind.h"

#include <dlfcn.h>
#include <stddef.h>

static int (*backtrace_function)(void **buffer, int size);

bool unwind_start(void)
{
	void *library, *frames[8];
	int (*function)(void **buffer, int size);

	if (backtrace_function)
		return true;
	library = dlopen("libunwind.so.8", RTLD_NOW | RTLD_LOCAL);
	function = library ? (int (*)(void **, int))dlsym(library, "unw_backtrace") : NULL;
	if (!function)
		return false;
	function(frames, sizeof(frames) / sizeof(*frames));
	__atomic_store_n(&backtrace_function, function, __ATOMIC_RELEASE);
	return true;
}

unsigned unwind_capture(uint64_t *frames, unsigned max)
{
	int (*function)(void **, int) = __atomic_load_n(&backtrace_function, __ATOMIC_ACQUIRE);
	int count;

	_Static_assert(sizeof(void *) == sizeof(uint64_t), "addresses are stored as integers");
	count = function ? function((void **)frames, (int)max) : 0;
	return count > 0 ? (unsigned)count : 0;
}
