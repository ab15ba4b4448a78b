/* SPDX-License-Identifier: MIT */
/*
 * The wrapper of `syscall`. It is how Rust's standard library and parking_lot wait on a futex, and
 * how many crates reach calls that an older C library lacks.
 * Runs on: any application thread.
 */
#include "preload/hooks.h"

#include <linux/futex.h>
#include <stdarg.h>
#include <sys/syscall.h>

/* Where the subject is among the arguments. */
enum raw_subject {
	RAW_NONE,
	RAW_FD0,
	RAW_PATH0,
	RAW_PATH1,
	RAW_PATH3,
	RAW_ADDRESS,
	RAW_PROCESS,
	RAW_FUTEX,
	RAW_FUTEX_WAITV,
	RAW_CONTROL, /* a descriptor, and only some commands wait */
};

struct raw_row {
	uint8_t timed;
	uint8_t op;
	uint8_t subject;
};

_Static_assert(OP_COUNT <= UINT8_MAX + 1, "raw_row.op is too narrow");

#define ROW(name, subject) [SYS_##name] = {1, OP_##name, subject}

/* Numbers that are not here are given on untimed. */
static const struct raw_row raw_rows[] = {
	ROW(nanosleep, RAW_NONE),
	ROW(clock_nanosleep, RAW_NONE),
	[SYS_rt_sigtimedwait] = {1, OP_sigtimedwait, RAW_NONE},
	[SYS_rt_sigsuspend] = {1, OP_sigsuspend, RAW_NONE},

	ROW(futex, RAW_FUTEX),
#ifdef SYS_futex_waitv
	ROW(futex_waitv, RAW_FUTEX_WAITV),
#endif
	ROW(semop, RAW_NONE),
	ROW(semtimedop, RAW_NONE),

	ROW(ppoll, RAW_NONE),
	[SYS_pselect6] = {1, OP_pselect, RAW_NONE},
	ROW(epoll_pwait, RAW_FD0),
#ifdef SYS_epoll_pwait2
	ROW(epoll_pwait2, RAW_FD0),
#endif
	ROW(io_uring_enter, RAW_FD0),

	ROW(read, RAW_FD0),
	ROW(write, RAW_FD0),
	ROW(readv, RAW_FD0),
	ROW(writev, RAW_FD0),
	[SYS_pread64] = {1, OP_pread64, RAW_FD0},
	[SYS_pwrite64] = {1, OP_pwrite64, RAW_FD0},
	ROW(preadv, RAW_FD0),
	ROW(pwritev, RAW_FD0),
	ROW(preadv2, RAW_FD0),
	ROW(pwritev2, RAW_FD0),
	ROW(close, RAW_NONE),
	ROW(sendfile, RAW_FD0),
	ROW(copy_file_range, RAW_FD0),
	ROW(splice, RAW_FD0),
	ROW(tee, RAW_FD0),
	ROW(vmsplice, RAW_FD0),
	ROW(flock, RAW_FD0),
	ROW(fcntl, RAW_CONTROL),
	ROW(getrandom, RAW_NONE),
	[SYS_mq_timedsend] = {1, OP_mq_timedsend, RAW_FD0},
	[SYS_mq_timedreceive] = {1, OP_mq_timedreceive, RAW_FD0},
	ROW(msgsnd, RAW_NONE),
	ROW(msgrcv, RAW_NONE),

	ROW(openat, RAW_PATH1),
#ifdef SYS_openat2
	[SYS_openat2] = {1, OP_openat, RAW_PATH1},
#endif
	ROW(fsync, RAW_FD0),
	ROW(fdatasync, RAW_FD0),
	ROW(syncfs, RAW_FD0),
	ROW(sync, RAW_NONE),
	ROW(sync_file_range, RAW_FD0),
	ROW(msync, RAW_NONE),
	ROW(truncate, RAW_PATH0),
	ROW(ftruncate, RAW_FD0),
	ROW(fallocate, RAW_FD0),
	ROW(fstat, RAW_FD0),
	[SYS_newfstatat] = {1, OP_fstatat, RAW_PATH1},
	ROW(statx, RAW_PATH1),
	ROW(faccessat, RAW_PATH1),
#ifdef SYS_faccessat2
	[SYS_faccessat2] = {1, OP_faccessat, RAW_PATH1},
#endif
	ROW(fchmod, RAW_FD0),
	ROW(fchmodat, RAW_PATH1),
	ROW(renameat, RAW_PATH3),
	ROW(renameat2, RAW_PATH3),
	ROW(unlinkat, RAW_PATH1),
	ROW(mkdirat, RAW_PATH1),
	ROW(linkat, RAW_PATH3),
	[SYS_symlinkat] = {1, OP_symlinkat, RAW_PATH0},
	ROW(readlinkat, RAW_PATH1),

	ROW(connect, RAW_ADDRESS),
	ROW(accept, RAW_FD0),
	ROW(accept4, RAW_FD0),
	ROW(recvfrom, RAW_FD0),
	ROW(recvmsg, RAW_FD0),
	ROW(recvmmsg, RAW_FD0),
	ROW(sendto, RAW_FD0),
	ROW(sendmsg, RAW_FD0),
	ROW(sendmmsg, RAW_FD0),

	ROW(wait4, RAW_PROCESS),
	ROW(waitid, RAW_NONE),

/* The older calls that newer architectures were not given. */
#ifdef SYS_open
	ROW(pause, RAW_NONE),
	ROW(poll, RAW_NONE),
	ROW(select, RAW_NONE),
	ROW(epoll_wait, RAW_FD0),
	ROW(open, RAW_PATH0),
	ROW(creat, RAW_PATH0),
	ROW(stat, RAW_PATH0),
	ROW(lstat, RAW_PATH0),
	ROW(access, RAW_PATH0),
	ROW(chmod, RAW_PATH0),
	ROW(rename, RAW_PATH0),
	ROW(unlink, RAW_PATH0),
	ROW(rmdir, RAW_PATH0),
	ROW(mkdir, RAW_PATH0),
	ROW(link, RAW_PATH0),
	ROW(symlink, RAW_PATH0),
	ROW(readlink, RAW_PATH0),
#endif
};

static bool futex_waits(int operation)
{
	switch (operation & FUTEX_CMD_MASK) {
	case FUTEX_WAIT:
	case FUTEX_WAIT_BITSET:
	case FUTEX_WAIT_REQUEUE_PI:
	case FUTEX_LOCK_PI:
#ifdef FUTEX_LOCK_PI2
	case FUTEX_LOCK_PI2:
#endif
		return true;
	}
	return false;
}

static const struct raw_row *timed_row(long number, const long *more)
{
	const struct raw_row *row = &raw_rows[number];

	if ((unsigned long)number >= sizeof(raw_rows) / sizeof(*raw_rows) || !row->timed)
		return NULL;
	if (row->subject == RAW_FUTEX && !futex_waits((int)more[1]))
		return NULL;
	if (row->subject == RAW_CONTROL && more[1] != F_SETLKW && more[1] != F_OFD_SETLKW)
		return NULL;
	return row;
}

static struct subject raw_subject(const struct raw_row *row, const long *more)
{
	switch (row->subject) {
	case RAW_FD0:
	case RAW_CONTROL:
		return subject_fd((int)more[0]);
	case RAW_PATH0:
		return subject_path((const char *)more[0]);
	case RAW_PATH1:
		return subject_path((const char *)more[1]);
	case RAW_PATH3:
		return subject_path((const char *)more[3]);
	case RAW_ADDRESS:
		return subject_address((int)more[0], (const void *)more[1], (unsigned)more[2]);
	case RAW_PROCESS:
		return subject_process((int)more[0]);
	case RAW_FUTEX:
		return subject_futex((const void *)more[0], (int)more[1], (uint32_t)more[2]);
	case RAW_FUTEX_WAITV: /* an array of words; which one is found out by nobody */
		return subject_futex((const void *)more[0], -1, (uint32_t)more[1]);
	}
	return subject_none();
}

/* The calls with which runtimes wait for work, other than futex; a time of 0 does not wait. */
static bool raw_parks(long number, const long *more)
{
#ifdef SYS_epoll_wait
	if (number == SYS_epoll_wait)
		return (int)more[3] != 0;
#endif
	return number == SYS_epoll_pwait && (int)more[3] != 0;
}

static __attribute__((noinline)) long timed_syscall(long number, long a, long b, long c, long d,
						    long e, long f)
{
	const long more[] = {a, b, c, d, e, f};
	const struct raw_row *row = timed_row(number, more);
	struct engine_call call;
	bool waits = false;
	long result;

	if (!row)
		return real.syscall(number, a, b, c, d, e, f);
	if (row->subject == RAW_FUTEX)
		waits = engine_sleeps_on((const void *)more[0], (int)more[1], (uint32_t)more[2],
					 more[3] != 0);
	else if (raw_parks(number, more))
		engine_sleeps();
	engine_call_begin(&call, row->op);
	result = real.syscall(number, a, b, c, d, e, f);
	if (waits)
		engine_lock_wait_end();
	engine_call_end(&call, raw_subject(row, more));
	return result;
}

/*
 * How many arguments were passed is known to the kernel only, so all six are fetched and given on.
 * general-regs-only keeps the compiler from saving the vector registers of a variadic function.
 */
__attribute__((target("general-regs-only"))) EXPORTED long syscall(long number, ...)
{
	va_list list;

	va_start(list, number);
	long a = va_arg(list, long);
	long b = va_arg(list, long);
	long c = va_arg(list, long);
	long d = va_arg(list, long);
	long e = va_arg(list, long);
	long f = va_arg(list, long);

	va_end(list);
	if (__builtin_expect(!engine_watches(), 1))
		return real.syscall(number, a, b, c, d, e, f);
	return timed_syscall(number, a, b, c, d, e, f);
}
