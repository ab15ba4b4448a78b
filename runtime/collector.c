/* SPDX-License-Identifier: MIT */
/*
 * The collector thread and the draining it does.
 * Runs on: its own thread; collector_start and collector_finish on application threads.
 */
#include "collector.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

#include "runtime/aggregate.h"
#include "runtime/clock.h"
#include "runtime/coverage.h"
#include "runtime/deadlock.h"
#include "runtime/held_records.h"
#include "runtime/images.h"
#include "runtime/lock_word.h"
#include "runtime/locks.h"
#include "runtime/objects.h"
#include "runtime/recording.h"
#include "runtime/suspended.h"
#include "runtime/sys.h"
#include "runtime/trace.h"
#include "runtime/trace_objects.h"
#include "runtime/trace_writer.h"

#define TICK_NS              50000000
#define MANY_NEW_THREADS     64
#define TICKS_PER_CHECK      20 /* once a second: clock, ended threads */
#define FINISH_TIMEOUT_S     2
#define STACK_BYTES          (256u * 1024)
#define CLOSE_RANGE_UNSHARED 2 /* CLOSE_RANGE_UNSHARE of linux/close_range.h, Linux 5.9 */

enum state { STATE_NONE, STATE_STARTING, STATE_RUNNING, STATE_FAILED };

/* What collector_finish asks of the thread; `sequence` goes up for a request and its answer. */
struct request {
	uint32_t asked;
	uint32_t answered;
	enum finish_reason reason;
	int status;
};

static uint32_t state;
static uint32_t kicked; /* 1: there is something to look at; the collector waits on it */
static struct request request;
static struct durations ended_polls; /* of threads that are gone */
static struct op_counter ended_ops[ENGINE_MAX_OPS];
static uint64_t dropped_in_ended;
static uint64_t set_aside;
static bool file_open; /* trace file opened, or opening was given up */

static bool explained_by(uint64_t waited_ns, uint64_t ns, uint64_t limit)
{
	return waited_ns && (ns < waited_ns || ns - waited_ns < clock_ns(limit));
}

/* A lock's holder is some other thread of the process; it may have been kept from releasing it. */
static uint64_t longest_delay_of_others(const struct thread *owner, uint64_t start)
{
	uint64_t longest = 0;

	for (struct thread *t = thread_first(); t; t = t->next) {
		uint64_t delay = t == owner || t->retired ? 0 : run_delay_since(t, start);

		if (delay > longest)
			longest = delay;
	}
	return longest;
}

/*
 * On a busy machine a poll is long because its thread waits for a processor, and a lock is waited
 * for because its holder does. What cannot be told from that is set aside. Without a collector's
 * thread there is nothing to go by, and the event stands.
 */
static bool waited_for_processor(struct thread *thread, const struct event *event)
{
	uint64_t own = clock_ns(event->duration - event->explained);

	if (!file_open || event->context == CONTEXT_BLOCKING)
		return false;
	if (event->kind == EVENT_LONG_POLL)
		return explained_by(run_delay_since(thread, event->start), own,
				    recording.long_poll);
	return event->target.class == CLASS_LOCK &&
	       explained_by(longest_delay_of_others(thread, event->start), own,
			    recording.threshold);
}

static void drain_thread(struct thread *thread)
{
	const struct event *event;
	size_t size;

	while ((event = ring_peek(&thread->ring, &size))) {
		bool handover = event->context == CONTEXT_TASK &&
				thread_was_handed_over(thread, event->worker, event->poll_start,
						       event->start + event->duration);
		int error = 0;

		if (waited_for_processor(thread, event))
			set_aside++;
		else
			error = aggregate_add(event, trace_thread_id(thread), handover);
		ring_release(&thread->ring);
		if (error < 0)
			coverage.off = "out of memory";
	}
}

static bool has_ended(const struct thread *thread, int pid)
{
	int tid = __atomic_load_n(&thread->tid, __ATOMIC_RELAXED);

	return tid == 0 || sys_call3(SYS_tgkill, pid, tid, 0) == -ESRCH;
}

static void retire_ended_threads(void)
{
	int pid = sys_getpid();

	for (struct thread *t = thread_first(); t; t = t->next) {
		if (t->retired || !has_ended(t, pid))
			continue;
		drain_thread(t);
		dropped_in_ended += t->ring.dropped + t->held_lost;
		t->ring.dropped = 0;
		run_delay_forget(t);
		suspended_forget_thread(t, t->id);
		thread_retire(t, &ended_polls, ended_ops);
	}
}

/* Reads every ring and writes what there is to say. */
static void collect(bool all)
{
	struct durations polls = ended_polls;
	struct op_counter ops[ENGINE_MAX_OPS];

	memcpy(ops, ended_ops, sizeof(ops));
	for (struct thread *t = thread_first(); t; t = t->next) {
		if (__atomic_load_n(&t->retired, __ATOMIC_ACQUIRE))
			continue;
		drain_thread(t);
		stall_check(t, recording.stall_ns, all);
		if (file_open)
			run_delay_sample(t);
		durations_add(&polls, &t->poll_stats);
		for (unsigned i = 0; i < ENGINE_MAX_OPS; i++) {
			ops[i].count += t->ops[i].count;
			ops[i].total += t->ops[i].total;
		}
	}
	coverage_set_leaky_places(lock_places_distrusted());
	coverage_set_blind(BLIND_MEMORY_READS, lock_word_refused());
	deadlock_check(all);
	held_records_collect();
	trace_update(&polls, set_aside, ops, all);
	trace_writer_flush();
}

static void finish(enum finish_reason reason, int status)
{
	uint64_t dropped = dropped_in_ended + suspended_lost();

	for (struct thread *t = thread_first(); t; t = t->next)
		dropped += __atomic_load_n(&t->ring.dropped, __ATOMIC_RELAXED) +
			   __atomic_load_n(&t->held_lost, __ATOMIC_RELAXED);
	collect(true);
	trace_end(reason, status, dropped);
	trace_writer_flush();
}

static int descriptor_of(const char *name)
{
	int fd = 0;

	if (*name < '0' || *name > '9')
		return -1;
	for (; *name; name++)
		fd = fd * 10 + (*name - '0');
	return fd;
}

/* Before Linux 5.9, or where a sandbox refuses what is so new: the same in two steps. */
static bool leave_descriptor_table(void)
{
	char entries[1024];
	long got;
	int list;

	if (sys_call1(SYS_unshare, CLONE_FILES) < 0 ||
	    (list = sys_open("/proc/thread-self/fd", O_RDONLY | O_DIRECTORY, 0)) < 0)
		return false;
	while ((got = sys_call3(SYS_getdents64, list, entries, sizeof(entries))) > 0) {
		bool closed = false;

		for (long at = 0; at < got;) {
			const struct dirent64 *entry =
				(const struct dirent64 *)(const void *)(entries + at);
			int fd = descriptor_of(entry->d_name);

			at += entry->d_reclen;
			if (fd >= 0 && fd != list && sys_call1(SYS_close, fd) == 0)
				closed = true;
		}
		if (closed)
			sys_call3(SYS_lseek, list, 0, 0 /* start */);
	}
	sys_close(list);
	return true;
}

/*
 * The trace is opened in a descriptor table that only this thread has: the target may close or
 * count all its descriptors, and exec them away, without either side noticing the other.
 */
static bool open_privately(void)
{
	if (sys_call3(SYS_close_range, 0, UINT_MAX, CLOSE_RANGE_UNSHARED) < 0 &&
	    !leave_descriptor_table())
		return false;
	return trace_writer_open() == 0;
}

static void answer_request(void)
{
	uint32_t asked = __atomic_load_n(&request.asked, __ATOMIC_ACQUIRE);

	if (asked == request.answered)
		return;
	finish(request.reason, request.status);
	__atomic_store_n(&request.answered, asked, __ATOMIC_RELEASE);
	sys_futex_wake(&request.answered);
}

static void *collector_main(void *unused)
{
	const struct timespec tick = {0, TICK_NS};
	unsigned ticks = 0, attached_seen = 0;

	prctl(PR_SET_NAME, "overstay");
	held_exclude_thread();
	file_open = open_privately();
	__atomic_store_n(&state, file_open ? STATE_RUNNING : STATE_FAILED, __ATOMIC_RELEASE);
	if (file_open) {
		coverage_set_opened(true);
		collect(false);
	}
	while (file_open) {
		sys_futex_wait(&kicked, 0, &tick);
		/* Before the look: a kick from here on is answered by another round. */
		__atomic_store_n(&kicked, 0, __ATOMIC_SEQ_CST);
		if (++ticks % TICKS_PER_CHECK == 0)
			clock_refine();
		/* States of ended threads are for reuse before new ones are mapped. */
		if (ticks % TICKS_PER_CHECK == 0 ||
		    thread_attached_count() - attached_seen >= MANY_NEW_THREADS) {
			attached_seen = thread_attached_count();
			retire_ended_threads();
		}
		objects_check();
		collect(false);
		answer_request();
	}
	return NULL;
}

static int create_thread(void)
{
	uint64_t mask = ~C_LIBRARY_SIGNALS, before;
	pthread_attr_t attributes;
	pthread_t thread;
	int error;

	if (pthread_attr_init(&attributes) != 0)
		return -1;
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	/* The new thread inherits the mask: none of the target's signals is ever delivered to it.
	 */
	sys_call4(SYS_rt_sigprocmask, SIG_SETMASK, &mask, &before, sizeof(mask));
	error = objects_host()->pthread_create(&thread, &attributes, collector_main, NULL);
	sys_call4(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, sizeof(before));
	pthread_attr_destroy(&attributes);
	return error ? -1 : 0;
}

void collector_start(void)
{
	uint32_t expected = STATE_NONE;

	if (!__atomic_compare_exchange_n(&state, &expected, STATE_STARTING, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_RELAXED))
		return;
	if (!trace_writer_exists()) {
		clock_restart();
		objects_start_trace();
	}
	if (create_thread() < 0)
		__atomic_store_n(&state, STATE_FAILED, __ATOMIC_RELEASE);
}

static void kick(void)
{
	if (!__atomic_exchange_n(&kicked, 1, __ATOMIC_SEQ_CST))
		sys_futex_wake(&kicked);
}

void collector_kick(void)
{
	if (__atomic_load_n(&state, __ATOMIC_RELAXED) == STATE_RUNNING)
		kick();
}

static void ask_collector(enum finish_reason reason, int status)
{
	const struct timespec slice = {0, TICK_NS};
	uint32_t answered = request.answered;
	unsigned slices = FINISH_TIMEOUT_S * (1000000000 / TICK_NS);

	request.reason = reason;
	request.status = status;
	__atomic_store_n(&request.asked, answered + 1, __ATOMIC_RELEASE);
	kick();
	while (slices && __atomic_load_n(&request.answered, __ATOMIC_ACQUIRE) == answered &&
	       __atomic_load_n(&state, __ATOMIC_ACQUIRE) != STATE_FAILED)
		if (sys_futex_wait(&request.answered, answered, &slice) == -ETIMEDOUT)
			slices--;
}

void collector_finish(enum finish_reason reason, int status)
{
	uint32_t now = __atomic_load_n(&state, __ATOMIC_ACQUIRE);

	if (now == STATE_STARTING || now == STATE_RUNNING) {
		ask_collector(reason, status);
		if (__atomic_load_n(&state, __ATOMIC_ACQUIRE) != STATE_FAILED)
			return;
	}
	/* There is no collector: what the rings still hold is written from here. */
	if (trace_writer_open() == 0) {
		coverage_set_opened(true);
		finish(reason, status);
		trace_writer_close();
	}
}

void collector_after_fork(void)
{
	state = STATE_NONE;
	coverage_set_opened(false);
	request = (struct request){0};
	memset(&ended_polls, 0, sizeof(ended_polls));
	memset(ended_ops, 0, sizeof(ended_ops));
	dropped_in_ended = 0;
	set_aside = 0;
	file_open = false;
	aggregate_reset();
	held_records_reset();
	stall_after_fork();
	deadlock_after_fork();
	trace_after_fork();
}
