/* SPDX-License-Identifier: MIT */
/*
 * Wrappers that are more than one call between two brackets: variadic functions of which only some
 * uses are timed, and those that announce a runtime in a newly loaded object.
 * Runs on: any application thread.
 */
#include "preload/hooks.h"

#include <stdarg.h>

/* The mode is there only if a file may be created; reading it is undefined otherwise. */
static bool open_has_mode(int flags)
{
	return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;
}

#define OPEN(name, params, path, ...)                                                              \
	EXPORTED int name params                                                                   \
	{                                                                                          \
		struct engine_call call;                                                           \
		mode_t mode = 0;                                                                   \
		int result;                                                                        \
                                                                                                   \
		if (open_has_mode(flags)) {                                                        \
			va_list list;                                                              \
                                                                                                   \
			va_start(list, flags);                                                     \
			mode = va_arg(list, mode_t);                                               \
			va_end(list);                                                              \
		}                                                                                  \
		if (__builtin_expect(!engine_watches(), 1))                                        \
			return real.name(__VA_ARGS__, flags, mode);                                \
		engine_call_begin(&call, OP_##name);                                               \
		result = real.name(__VA_ARGS__, flags, mode);                                      \
		engine_call_end(&call, subject_path(path));                                        \
		return result;                                                                     \
	}

OPEN(open, (const char *path, int flags, ...), path, path)
OPEN(open64, (const char *path, int flags, ...), path, path)
OPEN(openat, (int dir, const char *path, int flags, ...), path, dir, path)
OPEN(openat64, (int dir, const char *path, int flags, ...), path, dir, path)

/*
 * The argument of these is an int, a long or a pointer, or was not passed at all: as the C library
 * itself does, a word is fetched whatever it is, and given on.
 */
static bool fcntl_waits(int command)
{
	return command == F_SETLKW || command == F_OFD_SETLKW;
}

/* Those that wait until the output has been sent; every other request answers at once. */
static bool ioctl_waits(unsigned long request)
{
	return request == TCSBRK || request == TCSBRKP || request == TCSETSW || request == TCSETSF;
}

#define CONTROL(name, type, selector, waits)                                                       \
	EXPORTED int name(int fd, type selector, ...)                                              \
	{                                                                                          \
		struct engine_call call;                                                           \
		va_list list;                                                                      \
		void *argument;                                                                    \
		int result;                                                                        \
                                                                                                   \
		va_start(list, selector);                                                          \
		argument = va_arg(list, void *);                                                   \
		va_end(list);                                                                      \
		if (__builtin_expect(!engine_watches(), 1) || !waits(selector))                    \
			return real.name(fd, selector, argument);                                  \
		engine_call_begin(&call, OP_##name);                                               \
		result = real.name(fd, selector, argument);                                        \
		engine_call_end(&call, subject_fd(fd));                                            \
		return result;                                                                     \
	}

CONTROL(fcntl, int, command, fcntl_waits)
CONTROL(fcntl64, int, command, fcntl_waits)
CONTROL(ioctl, unsigned long, request, ioctl_waits)

EXPORTED int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *),
			    void *data)
{
	engine_before_thread();
	return real.pthread_create(thread, attr, start, data);
}

EXPORTED int epoll_create(int size)
{
	engine_check_objects();
	return real.epoll_create(size);
}

EXPORTED int epoll_create1(int flags)
{
	engine_check_objects();
	return real.epoll_create1(flags);
}

EXPORTED int eventfd(unsigned value, int flags)
{
	engine_check_objects();
	return real.eventfd(value, flags);
}
