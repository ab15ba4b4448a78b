/* SPDX-License-Identifier: MIT */
/*
 * The only door between preload/ (everything with a libc name) and the engine inside the target.
 *
 * Every function here may run on any application thread, at any time after the dynamic loader has
 * relocated this library, also before engine_start and in a fork or vfork child. None of them
 * changes errno, allocates, takes a lock that a target thread can hold, waits (except
 * engine_finish, bounded), or prints.
 */
#ifndef OVERSTAY_ENGINE_H
#define OVERSTAY_ENGINE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* What a wrapped call waits for. Every policy keys on the class, never on a function's name. */
enum call_class {
	CLASS_SLEEP,
	CLASS_LOCK, /* mutex, rwlock, condition, semaphore, barrier, futex */
	CLASS_WAIT, /* readiness: poll, select, epoll */
	CLASS_IO,   /* decided by the descriptor's kind when the call was slow: file, net, pipe, tty
		     */
	CLASS_FILE,
	CLASS_NET,
	CLASS_DNS,
	CLASS_PROCESS,
	CLASS_PIPE,
	CLASS_TTY,
	CLASS_THREAD, /* joining a thread */
	CLASS_OTHER,
	CLASS_COUNT
};

/* One wrapped function, for the dictionary of operations. */
struct engine_op {
	const char *name;
	enum call_class class;
};

/* What a call was about; read only when the call was slow. Build it with the subject_* inlines. */
enum subject_kind {
	SUBJECT_NONE,
	SUBJECT_FD,      /* number = descriptor */
	SUBJECT_PATH,    /* pointer = NUL-terminated path in the target's memory */
	SUBJECT_ADDRESS, /* pointer = struct sockaddr, number = its length, extra = socket + 1 or 0
			  */
	SUBJECT_HOST,    /* pointer = NUL-terminated host name, may be NULL */
	SUBJECT_PROCESS, /* number = pid as passed to wait */
	SUBJECT_LOCK,    /* pointer = lock object */
	SUBJECT_FUTEX,   /* pointer = futex word, number = operation, extra = expected value */
};

struct subject {
	enum subject_kind kind;
	uint32_t extra;
	long number;
	const void *pointer;
};

static inline struct subject subject_none(void)
{
	return (struct subject){.kind = SUBJECT_NONE};
}

static inline struct subject subject_fd(int fd)
{
	return (struct subject){.kind = SUBJECT_FD, .number = fd};
}

static inline struct subject subject_path(const char *path)
{
	return (struct subject){.kind = SUBJECT_PATH, .pointer = path};
}

/* `fd` is the socket that the address is for, -1 when there is none. */
static inline struct subject subject_address(int fd, const void *address, unsigned length)
{
	return (struct subject){.kind = SUBJECT_ADDRESS,
				.pointer = address,
				.number = length,
				.extra = (uint32_t)fd + 1};
}

static inline struct subject subject_host(const char *name)
{
	return (struct subject){.kind = SUBJECT_HOST, .pointer = name};
}

static inline struct subject subject_process(long pid)
{
	return (struct subject){.kind = SUBJECT_PROCESS, .number = pid};
}

static inline struct subject subject_lock(const volatile void *lock)
{
	return (struct subject){.kind = SUBJECT_LOCK, .pointer = (const void *)lock};
}

static inline struct subject subject_futex(const void *word, int operation, uint32_t expected)
{
	return (struct subject){
		.kind = SUBJECT_FUTEX, .pointer = word, .number = operation, .extra = expected};
}

/*
 * Non-zero while calls of this thread are of interest: it is inside a poll, or may be inside a
 * runtime's block_on. Wrappers ask engine_watches; where it is false they call the real function
 * and do nothing else.
 */
extern __thread unsigned char engine_watch __attribute__((tls_model("initial-exec")));

/*
 * Where a runtime keeps its own thread-local note of being inside block_on, as an offset from the
 * thread pointer; 0 when it is not known. Values up to engine_entered_max mean inside.
 */
extern int64_t engine_entered_offset;
extern uint8_t engine_entered_max;

/* Whether this thread's calls are of interest; about a nanosecond. */
static inline bool engine_watches(void)
{
	int64_t offset = engine_entered_offset;

	return engine_watch || (offset && ((const uint8_t *)__builtin_thread_pointer())[offset] <=
						  engine_entered_max);
}

/* Lives in the wrapper's frame between begin and end; opaque to the wrapper. */
struct engine_call {
	uint64_t start; /* clock ticks; 0 = this call is not recorded (nested, or engine busy) */
	uint32_t op;
	bool has_proof; /* the next two are set; see runtime/proof.h */
	uint64_t sleeps;
	uint64_t processor_us;
};

/*
 * Brackets one wrapped call. `op` indexes the table given to engine_start. end() must see the errno
 * that the real function left, and leaves it so. A call that never returns (cancellation, longjmp)
 * is noticed at the thread's next call.
 */
void engine_call_begin(struct engine_call *call, unsigned op);
void engine_call_end(struct engine_call *call, struct subject subject);

/*
 * Locks of the C library. Their wrappers tell what is acquired and released, on any thread, while
 * engine_follows_locks; also inside an allocator's functions.
 */
enum engine_lock { ENGINE_MUTEX, ENGINE_READ_LOCK, ENGINE_WRITE_LOCK };

extern bool held_follows;

static inline bool engine_follows_locks(void)
{
	return __builtin_expect(__atomic_load_n(&held_follows, __ATOMIC_RELAXED), 0);
}

/* `caller`: the return address in the code that called the lock's function. */
void engine_lock_acquired(const volatile void *lock, enum engine_lock kind, const void *caller);

/* Before the release itself. Returns whether it was known to be held by this thread. */
bool engine_lock_released(const volatile void *lock);

/* Around a call that waits because somebody else has the lock. */
void engine_lock_wait_begin(const volatile void *lock, enum engine_lock kind, bool timed);
void engine_lock_wait_end(void);

/*
 * Before engine_call_begin, where engine_watches: the thread is about to wait for something to
 * happen, or on a futex word, which may be a lock's: if engine_sleeps_on returns true,
 * engine_lock_wait_end has to follow.
 */
void engine_sleeps(void);
bool engine_sleeps_on(const void *word, int operation, uint32_t expected, bool timed);

/* What the engine needs from the real libc; preload hands it down, the engine never looks it up. */
struct engine_host {
	const struct engine_op *ops;
	unsigned op_count; /* at most ENGINE_MAX_OPS */
	int (*pthread_create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
};

#define ENGINE_MAX_OPS 256

/* Constructor, once: reads the environment, recognises runtimes, hooks them, writes the header. */
void engine_start(const struct engine_host *host);

/*
 * The program is about to do something that a runtime in a newly loaded object does first (create a
 * thread, an epoll instance, an eventfd): look for objects that were loaded since the last look.
 */
void engine_check_objects(void);

/*
 * The program is about to create a thread: as engine_check_objects, and starts the collector when a
 * runtime is hooked. The process is no longer a single-threaded one then anyway.
 */
void engine_before_thread(void);

enum finish_reason {
	FINISH_EXIT,
	FINISH_EXEC,  /* the process replaces itself; if that fails the engine goes on */
	FINISH_ABORT, /* SIGABRT is about to be raised; if it is survived the engine goes on */
};

/*
 * The process is ending: drains everything and writes the end line, waiting a bounded time for the
 * collector. Does nothing in a vfork child or when called twice for FINISH_EXIT.
 */
void engine_finish(enum finish_reason reason, int status);

#endif
