/* SPDX-License-Identifier: MIT */
/*
 * Registry of thread states.
 * Runs on: application threads (attach), the collector (retire), a fork child.
 */
#include "thread.h"

#include <string.h>
#include <sys/prctl.h>

#include "runtime/entered.h"
#include "runtime/recording.h"
#include "runtime/sys.h"

extern void *__libc_stack_end; /* the dynamic loader's, GLIBC_2.1 */

__thread unsigned char engine_watch;
__thread struct thread *thread_self;

static struct thread *registry;
static uint32_t attached;

uint32_t thread_attached_count(void)
{
	return __atomic_load_n(&attached, __ATOMIC_RELAXED);
}

struct thread *thread_first(void)
{
	return __atomic_load_n(&registry, __ATOMIC_ACQUIRE);
}

/* A thread that ended without the collector having noticed yet may have had this thread's tid. */
static void orphan_namesakes(int tid)
{
	for (struct thread *t = thread_first(); t; t = t->next)
		if (t->tid == tid)
			__atomic_store_n(&t->tid, 0, __ATOMIC_RELAXED);
}

static struct thread *claim_retired(void)
{
	for (struct thread *t = thread_first(); t; t = t->next) {
		bool expected = true;

		if (__atomic_load_n(&t->retired, __ATOMIC_RELAXED) &&
		    __atomic_compare_exchange_n(&t->retired, &expected, false, false,
						__ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return t;
	}
	return NULL;
}

static void enlist(struct thread *thread)
{
	struct thread *head = thread_first();

	do {
		thread->next = head;
	} while (!__atomic_compare_exchange_n(&registry, &head, thread, false, __ATOMIC_RELEASE,
					      __ATOMIC_RELAXED));
}

struct thread *thread_attach(void)
{
	struct thread *thread;
	int tid;

	/* A vfork child has its parent's memory, and a thread id that is not for this registry. */
	if (!__atomic_load_n(&recording.on, __ATOMIC_RELAXED) || recording.pid != sys_getpid())
		return NULL;
	tid = sys_gettid();
	orphan_namesakes(tid);
	thread = claim_retired();
	if (thread) {
		__atomic_store_n(&thread->tid, tid, __ATOMIC_RELAXED);
	} else {
		thread = sys_map(sizeof(*thread));
		if (!thread)
			return NULL;
		thread->tid = tid;
		enlist(thread);
	}
	sys_call2(SYS_prctl, PR_GET_NAME, thread->name);
	__atomic_add_fetch(&attached, 1, __ATOMIC_RELAXED);
	thread->entered_note = entered_note();
	/* glibc puts a thread's control block at the end of its stack, except for the first thread.
	 */
	thread->stack_top = tid == sys_getpid() ? (uintptr_t)__libc_stack_end
						: (uintptr_t)__builtin_thread_pointer();
	thread->stack_known_from = thread->stack_top;
	thread_self = thread;
	held_self = &thread->held;
	return thread;
}

bool thread_was_handed_over(const struct thread *owner, uint64_t worker, uint64_t from, uint64_t to)
{
	for (struct thread *t = thread_first(); worker && t; t = t->next) {
		uint64_t start = __atomic_load_n(&t->loop_start, __ATOMIC_ACQUIRE);

		if (t != owner && start > from && start < to &&
		    __atomic_load_n(&t->loop_worker, __ATOMIC_RELAXED) == worker)
			return true;
	}
	return false;
}

void durations_add(struct durations *to, const struct durations *from)
{
	to->count += from->count;
	to->total_ns += from->total_ns;
	if (from->max_ns > to->max_ns)
		to->max_ns = from->max_ns;
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
		to->histogram[i] += from->histogram[i];
}

void thread_retire(struct thread *thread, struct durations *ret_polls, struct op_counter *ret_ops)
{
	durations_add(ret_polls, &thread->poll_stats);
	for (unsigned i = 0; i < ENGINE_MAX_OPS; i++) {
		ret_ops[i].count += thread->ops[i].count;
		ret_ops[i].total += thread->ops[i].total;
	}
	memset(&thread->poll_stats, 0, sizeof(thread->poll_stats));
	memset(thread->ops, 0, sizeof(thread->ops));
	thread->loop_worker = 0;
	thread->loop_start = 0;
	thread->depth = 0;
	thread->last_end = 0;
	thread->polled = false;
	thread->in_call = false;
	thread->call_start = 0;
	held_cut(&thread->held, 0);
	thread->held_lost = 0;
	thread->held_full = 0;
	memset(thread->orphans, 0, sizeof(thread->orphans));
	thread->lock_wait = (struct lock_wait){0};
	thread->stall = (struct stall){0};
	thread->deadlock = (struct deadlock_mark){0};
	/* They say where on the stack to look, and that stack is gone. */
	memset(&thread->stacks, 0, sizeof(thread->stacks));
	thread->id = 0;
	/* Until the next owner has put its own: neither ended nor anybody's. */
	__atomic_store_n(&thread->tid, -1, __ATOMIC_RELAXED);
	__atomic_store_n(&thread->retired, true, __ATOMIC_RELEASE);
}

void thread_after_fork(void)
{
	registry = NULL;
	thread_self = NULL;
	held_after_fork();
}
