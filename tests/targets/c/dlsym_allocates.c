/* SPDX-License-Identifier: MIT */
/*
 * Preloaded behind the library: a dlsym that allocates before it answers, as some C libraries'
 * does, and says on exit how deep it was entered. The allocator's own calls must not lead here
 * again.
 */
#include <dlfcn.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/sys.h"

static __thread int depth;
static int deepest, asked;

static void *real_dlsym(void *handle, const char *name)
{
	static void *(*real)(void *, const char *);

	if (!real) {
#ifdef __x86_64__
		const char *versions[] = {"GLIBC_2.34", "GLIBC_2.2.5"};
#else
		const char *versions[] = {"GLIBC_2.34", "GLIBC_2.17"};
#endif
		for (int i = 0; i < 2 && !real; i++) {
			void *found = dlvsym(RTLD_NEXT, "dlsym", versions[i]);

			memcpy(&real, &found, sizeof(real));
		}
	}
	return real(handle, name);
}

void *dlsym(void *handle, const char *name)
{
	void *result;

	asked++;
	if (++depth > deepest)
		deepest = depth;
	free(calloc(1, 32));
	result = real_dlsym(handle, name);
	depth--;
	return result;
}

__attribute__((destructor)) static void report(void)
{
	char text[] = "dlsym: asked ., depth .\n";

	text[13] = asked ? 'y' : 'n';
	text[22] = (char)('0' + deepest % 10);
	sys_call3(SYS_write, 2, text, sizeof(text) - 1);
}
