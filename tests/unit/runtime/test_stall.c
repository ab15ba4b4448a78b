/* SPDX-License-Identifier: MIT */
/* Unit tests of runtime/stall.h: when a worker is taken for stalled, and its stack from outside. */
#include "runtime/stall.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runtime/aggregate.h"
#include "runtime/clock.h"
#include "runtime/engine.h"
#include "runtime/images.h"
#include "runtime/ops.h"
#include "runtime/recording.h"
#include "runtime/sys.h"
#include "runtime/thread.h"
#include "runtime/trace_objects.h"
#include "runtime/trace_writer.h"
#include "runtime/unwind.h"

#define MS 1000000u

static char directory[] = "/tmp/overstay-stall-XXXXXX";
static struct thread *thread;
static struct task_type type = {.class = POLL_TASK};

static void image_added(unsigned index, struct image *image)
{
}

static void start(void)
{
	static const struct engine_op table[] = {{"read", CLASS_IO}};

	cr_assert_not_null(mkdtemp(directory));
	cr_assert_eq(trace_writer_create(directory, 1), 0);
	ops_set(table, 1);
	clock_start();
	images_update(image_added);
	recording.pid = getpid();
	recording.on = true;
	recording.threshold = UINT64_MAX;
	thread = thread_attach();
	cr_assert_not_null(thread);
}

static void stop(void)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/overstay-1.jsonl", directory);
	unlink(path);
	rmdir(directory);
}

TestSuite(stall, .init = start, .fini = stop);

/* Puts the thread into a poll that began so long ago. */
static void in_poll(enum poll_class class, unsigned ms)
{
	thread->polls[0] = (struct poll_frame){.type = &type,
					       .task = 5,
					       .start = clock_ticks() - clock_ticks_of(ms * MS),
					       .class = class};
	thread->depth = 1;
}

/* How many lines of kind stall there are with this text in them. */
static unsigned lines_with(const char *text)
{
	char path[64], line[8192];
	unsigned count = 0;
	FILE *file;

	cr_assert_eq(trace_writer_flush(), 0);
	snprintf(path, sizeof(path), "%s/overstay-1.jsonl", directory);
	file = fopen(path, "r");
	cr_assert_not_null(file);
	while (fgets(line, sizeof(line), file))
		count += strstr(line, "\"t\":\"stall\"") && strstr(line, text);
	fclose(file);
	return count;
}

Test(stall, is_told_once_and_then_that_it_is_over)
{
	in_poll(POLL_TASK, 300);
	stall_check(thread, 200 * MS, false);
	stall_check(thread, 200 * MS, false);
	cr_expect_eq(lines_with("\"over\":false"), 1);
	thread->depth = 0;
	stall_check(thread, 200 * MS, false);
	stall_check(thread, 200 * MS, false);
	cr_expect_eq(lines_with("\"over\":true"), 1);
}

Test(stall, is_told_again_at_the_end)
{
	in_poll(POLL_TASK, 300);
	stall_check(thread, 200 * MS, false);
	stall_check(thread, 200 * MS, true);
	cr_expect_eq(lines_with("\"id\":1,\"over\":false"), 2);
}

Test(stall, is_not_a_poll_below_the_limit_nor_a_job_of_the_pool)
{
	in_poll(POLL_TASK, 100);
	stall_check(thread, 200 * MS, false);
	in_poll(POLL_BLOCKING, 300);
	stall_check(thread, 200 * MS, false);
	thread->depth = 0;
	stall_check(thread, 200 * MS, false);
	cr_expect_eq(lines_with("stall"), 0);
}

Test(stall, is_not_a_worker_that_was_given_away)
{
	struct thread *other = sys_map(sizeof(*other));

	in_poll(POLL_BLOCKING, 400);
	thread->loop_worker = 0x1000;
	thread->polls[1] = thread->polls[0];
	thread->polls[1].class = POLL_TASK;
	thread->depth = 2;
	other->loop_worker = 0x1000;
	other->loop_start = clock_ticks() - clock_ticks_of(100 * MS);
	other->next = NULL;
	thread->next = other;
	stall_check(thread, 200 * MS, false);
	cr_expect_eq(lines_with("stall"), 0);
	other->loop_worker = 0x2000;
	stall_check(thread, 200 * MS, false);
	cr_expect_eq(lines_with("stall"), 1);
}

static int ends[2];

static __attribute__((noinline)) void sit_in_read(void)
{
	struct engine_call call;
	char byte;

	engine_call_begin(&call, 0);
	cr_assert_eq(read(ends[0], &byte, 1), 1);
	engine_call_end(&call, subject_fd(ends[0]));
}

static void *blocked_thread(void *unused)
{
	struct thread *self = thread_attach();

	self->polls[0] =
		(struct poll_frame){.type = &type, .start = clock_ticks(), .class = POLL_TASK};
	__atomic_store_n(&thread, self, __ATOMIC_RELEASE);
	__atomic_store_n(&self->depth, 1, __ATOMIC_RELEASE);
	sit_in_read();
	return unused;
}

Test(stall, has_the_stack_of_a_thread_that_is_blocked_in_a_call)
{
	uint64_t frames[UNWIND_MAX_FRAMES];
	pthread_t other;
	unsigned count, hits = 0;

	cr_assert(unwind_start());
	cr_assert_eq(pipe(ends), 0);
	thread = NULL;
	cr_assert_eq(pthread_create(&other, NULL, blocked_thread, NULL), 0);
	while (!__atomic_load_n(&thread, __ATOMIC_ACQUIRE) ||
	       !__atomic_load_n(&thread->call_start, __ATOMIC_ACQUIRE))
		usleep(1000);
	count = unwind_from(&thread->call_context, frames, UNWIND_MAX_FRAMES);
	for (unsigned i = 0; i < count; i++)
		hits += frames[i] - (uintptr_t)sit_in_read < 512 ||
			frames[i] - (uintptr_t)blocked_thread < 512;
#if defined(__x86_64__)
	cr_expect_eq(hits, 2);
#else
	cr_expect_eq(hits, 0, "only the calling thread's stack is unwound on this machine");
#endif
	stall_check(thread, 0, false);
	cr_expect_eq(lines_with("\"op\":\"read\""), 1);
	cr_assert_eq(write(ends[1], "x", 1), 1);
	pthread_join(other, NULL);
	cr_expect_eq(thread->call_start, 0);
}
