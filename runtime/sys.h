/* SPDX-License-Identifier: MIT */
/*
 * The engine's own way into the kernel: raw system calls, so that nothing it does passes through a
 * wrapped libc name, sets errno or is a cancellation point.
 * Runs on: any thread, also inside signal handlers and vfork children.
 */
#ifndef OVERSTAY_SYS_H
#define OVERSTAY_SYS_H

#include <fcntl.h>
#include <linux/futex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

/* Returns the kernel's value: a negative errno on failure. */
static inline long sys_call(long number, long a, long b, long c, long d, long e, long f)
{
#if defined(__x86_64__)
	long result;
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory", "cc");
	return x0;
#else
#error "overstay supports x86_64 and aarch64"
#endif
}

#define sys_call0(n)             sys_call((n), 0, 0, 0, 0, 0, 0)
#define sys_call1(n, a)          sys_call((n), (long)(a), 0, 0, 0, 0, 0)
#define sys_call2(n, a, b)       sys_call((n), (long)(a), (long)(b), 0, 0, 0, 0)
#define sys_call3(n, a, b, c)    sys_call((n), (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define sys_call4(n, a, b, c, d) sys_call((n), (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)

/* 32 and 33, as a kernel mask: every thread must answer the second, or setuid waits for ever. */
#define C_LIBRARY_SIGNALS (3ull << 31)

static inline int sys_getpid(void)
{
	return (int)sys_call0(SYS_getpid);
}

static inline int sys_gettid(void)
{
	return (int)sys_call0(SYS_gettid);
}

static inline int sys_open(const char *path, int flags, int mode)
{
	return (int)sys_call4(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, mode);
}

static inline void sys_close(int fd)
{
	sys_call1(SYS_close, fd);
}

static inline long sys_read(int fd, void *buffer, size_t size)
{
	return sys_call3(SYS_read, fd, buffer, size);
}

/* NUL-terminates; returns the length, or a negative errno. A longer link is cut. */
static inline long sys_readlink(const char *path, char *buffer, size_t size)
{
	long length = sys_call4(SYS_readlinkat, AT_FDCWD, path, buffer, size - 1);

	buffer[length > 0 ? length : 0] = '\0';
	return length;
}

/* Fresh zeroed memory that is not the target's malloc's; NULL on failure. */
static inline void *sys_map(size_t size)
{
	long result = sys_call(SYS_mmap, 0, (long)size, 3 /* read, write */,
			       0x22 /* private, anonymous */, -1, 0);

	return result < 0 && result > -4096 ? NULL : (void *)result;
}

/* Copies from this process's memory without being able to fault; returns bytes copied or -errno. */
static inline long sys_read_memory(void *to, const void *from, size_t size)
{
	struct iovec local = {to, size};
	struct iovec remote = {(void *)from, size};

	return sys_call(SYS_process_vm_readv, sys_getpid(), (long)&local, 1, (long)&remote, 1, 0);
}

/* Waits until *word differs from `expected`, a wake, or the timeout (relative; NULL: none). */
static inline long sys_futex_wait(uint32_t *word, uint32_t expected, const struct timespec *timeout)
{
	return sys_call4(SYS_futex, word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, expected, timeout);
}

static inline void sys_futex_wake(uint32_t *word)
{
	sys_call3(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, INT32_MAX);
}

/* Every thread has a directory there. */
static inline bool sys_has_one_thread(void)
{
	struct stat info;

	return sys_call4(SYS_newfstatat, AT_FDCWD, "/proc/self/task", &info, 0) == 0 &&
	       info.st_nlink == 3;
}

#endif
