/* SPDX-License-Identifier: MIT */
/*
 * Start, fork and end of the engine.
 * Runs on: the constructor, a fork child, an exiting thread.
 */
#include "engine.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>

#include "runtime/collector.h"
#include "runtime/config.h"
#include "runtime/objects.h"
#include "runtime/ops.h"
#include "runtime/recording.h"
#include "runtime/sys.h"
#include "runtime/thread.h"
#include "runtime/trace_writer.h"

static struct config config;

static uint32_t ended;

/* Runs in the child, on its only thread, before fork returns there. A vfork child never comes here.
 */
static void after_fork(void)
{
	if (!recording.pid)
		return;
	recording.pid = sys_getpid();
	ended = 0;
	thread_after_fork();
	objects_after_fork();
	collector_after_fork();
}

void engine_start(const struct engine_host *host)
{
	ops_set(host->ops, host->op_count);
	if (config_read(&config) < 0)
		return;
	recording.pid = sys_getpid();
	objects_start(host, &config);
	pthread_atfork(objects_before_fork, NULL, after_fork);
}

void engine_check_objects(void)
{
	int saved_errno = errno;

	objects_check();
	if (recording.on)
		engine_watch |= thread_root_watch();
	errno = saved_errno;
}

void engine_before_thread(void)
{
	int saved_errno = errno;

	engine_check_objects();
	/* A fork child may be about to exec; it starts with its first poll. */
	if (recording.on && trace_writer_exists())
		collector_start();
	errno = saved_errno;
}

void engine_finish(enum finish_reason reason, int status)
{
	int saved_errno = errno;

	/* A vfork child shares this memory but is another process: the engine is not its own. */
	if (!recording.pid || recording.pid != sys_getpid() || !recording.on)
		return;
	if (reason == FINISH_EXIT && __atomic_exchange_n(&ended, 1, __ATOMIC_ACQ_REL))
		return;
	if (thread_self)
		thread_busy_begin(thread_self);
	collector_finish(reason, status);
	if (reason == FINISH_EXIT)
		__atomic_store_n(&recording.on, false, __ATOMIC_RELAXED);
	if (thread_self)
		thread_busy_end(thread_self);
	errno = saved_errno;
}
