/* SPDX-License-Identifier: MIT */
/*
 * Wrappers of what ends the program or replaces it: the trace is completed first.
 * Runs on: any application thread, also in a fork or vfork child, where engine_finish knows what to
 * leave alone.
 */
#include "preload/hooks.h"

#include <stdarg.h>

EXPORTED int execve(const char *path, char *const argv[], char *const envp[])
{
	engine_finish(FINISH_EXEC, 0);
	return real.execve(path, argv, envp);
}

EXPORTED int execv(const char *path, char *const argv[])
{
	engine_finish(FINISH_EXEC, 0);
	return real.execv(path, argv);
}

EXPORTED int execvp(const char *file, char *const argv[])
{
	engine_finish(FINISH_EXEC, 0);
	return real.execvp(file, argv);
}

EXPORTED int execvpe(const char *file, char *const argv[], char *const envp[])
{
	engine_finish(FINISH_EXEC, 0);
	return real.execvpe(file, argv, envp);
}

EXPORTED int execveat(int dir, const char *path, char *const argv[], char *const envp[], int flags)
{
	engine_finish(FINISH_EXEC, 0);
	return real.execveat(dir, path, argv, envp, flags);
}

EXPORTED int fexecve(int fd, char *const argv[], char *const envp[])
{
	engine_finish(FINISH_EXEC, 0);
	return real.fexecve(fd, argv, envp);
}

/*
 * The list forms become the vector forms, with the vector on the stack: the child of a vfork may
 * not allocate. This is the number of arguments, up to and with the NULL that ends them.
 */
static size_t count_arguments(const char *first, va_list list)
{
	size_t count = 1;

	for (const char *at = first; at; at = va_arg(list, const char *))
		count++;
	return count;
}

static void copy_arguments(char **argv, size_t count, const char *first, va_list *list)
{
	argv[0] = (char *)first;
	for (size_t i = 1; i < count; i++)
		argv[i] = va_arg(*list, char *);
}

#define LIST_TO_VECTOR(argv, list, first)                                                          \
	va_start(list, first);                                                                     \
	size_t count = count_arguments(first, list);                                               \
	va_end(list);                                                                              \
	char *argv[count];                                                                         \
	va_start(list, first);                                                                     \
	copy_arguments(argv, count, first, &list)

EXPORTED int execl(const char *path, const char *first, ...)
{
	va_list list;

	LIST_TO_VECTOR(argv, list, first);
	va_end(list);
	engine_finish(FINISH_EXEC, 0);
	return real.execv(path, argv);
}

EXPORTED int execlp(const char *file, const char *first, ...)
{
	va_list list;

	LIST_TO_VECTOR(argv, list, first);
	va_end(list);
	engine_finish(FINISH_EXEC, 0);
	return real.execvp(file, argv);
}

EXPORTED int execle(const char *path, const char *first, ...)
{
	va_list list;
	char *const *envp;

	LIST_TO_VECTOR(argv, list, first);
	envp = va_arg(list, char *const *);
	va_end(list);
	engine_finish(FINISH_EXEC, 0);
	return real.execve(path, argv, envp);
}

/* The real ones do not come back, which their pointers can't tell the compiler. */
#define END(name)                                                                                  \
	EXPORTED void name(int status)                                                             \
	{                                                                                          \
		engine_finish(FINISH_EXIT, status);                                                \
		real.name(status);                                                                 \
		__builtin_trap();                                                                  \
	}

END(_exit)
END(_Exit)
END(quick_exit)

/* A handler of SIGABRT may still jump out, so the engine goes on afterwards. */
EXPORTED void abort(void)
{
	engine_finish(FINISH_ABORT, 0);
	real.abort();
	__builtin_unreachable();
}
