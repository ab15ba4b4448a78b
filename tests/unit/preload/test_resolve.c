/* SPDX-License-Identifier: MIT */
/* Unit tests of preload/resolve.h, in a program where nothing is wrapped. */
#include "preload/resolve.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <errno.h>

static const char *const names[] = {
#define HOOK(ret, name, ...)        #name,
#define HOOK_ERROR(ret, name, ...)  #name,
#define HOOK_LOCK(name, ...)        #name,
#define HOOK_TRY(name, ...)         #name,
#define HOOK_UNLOCK(name, ...)      #name,
#define HOOK_COND(name, ...)        #name,
#define HOOK_SLEEP(ret, name, ...)  #name,
#define HOOK_VOID(name, ...)        #name,
#define HOOK_CUSTOM(ret, name, ...) #name,
#define HOOK_PASS(ret, name, ...)   #name,
#define HOOK_END(name, ...)         #name,
#include "preload/hooks.def"
};

#define NAME_COUNT (sizeof(names) / sizeof(*names))

/* Stands between resolve.c and the loader, to see what is asked and to play a dlsym that recurses.
 */
static int asked;
static const char *ask_again;
static void *found_inside;

void *__wrap_dlsym(void *handle, const char *name);
void *__real_dlsym(void *handle, const char *name);

void *__wrap_dlsym(void *handle, const char *name)
{
	asked++;
	if (ask_again) {
		const char *again = ask_again;

		ask_again = NULL;
		found_inside = resolve_function(again);
	}
	return __real_dlsym(RTLD_DEFAULT, name);
}

Test(resolve, finds_what_the_loader_finds)
{
	for (unsigned i = 0; i < NAME_COUNT; i++) {
		void *expected = dlsym(RTLD_DEFAULT, names[i]);

		cr_expect_eq(resolve_function(names[i]), expected, "%s", names[i]);
	}
}

Test(resolve, finds_the_same_without_the_loader)
{
	for (unsigned i = 0; i < NAME_COUNT; i++) {
		void *expected = resolve_function(names[i]);

		ask_again = names[i];
		asked = 0;
		resolve_function("read");
		cr_expect_eq(asked, 1, "%s: the loader was asked again", names[i]);
		cr_expect_eq(found_inside, expected, "%s", names[i]);
	}
}

Test(resolve, takes_the_newer_generation_of_conditions)
{
#ifdef __x86_64__
	const char *version = "GLIBC_2.3.2";
#else
	const char *version = "GLIBC_2.17";
#endif
	cr_expect_eq(resolve_function("pthread_cond_wait"),
		     dlvsym(RTLD_DEFAULT, "pthread_cond_wait", version));
	cr_expect_eq(resolve_function("pthread_cond_timedwait"),
		     dlvsym(RTLD_DEFAULT, "pthread_cond_timedwait", version));
}

Test(resolve, of_a_missing_name_leaves_no_trace)
{
	dlerror();
	errno = EXDEV;
	cr_expect_null(resolve_function("no_such_function"));
	cr_expect_eq(asked, 0, "a failing look-up would replace the caller's dlerror");
	cr_expect_eq(errno, EXDEV);
	cr_expect_null(dlerror());
}

Test(resolve, keeps_errno)
{
	errno = EXDEV;
	cr_expect_not_null(resolve_function("read"));
	cr_expect_eq(errno, EXDEV);
}
