/* SPDX-License-Identifier: MIT */
/* Tasks without a runtime. */
#include "fake_task.h"

#include <string.h>
#include <unistd.h>

#include "runtime/collector.h"
#include "runtime/ops.h"
#include "runtime/poll.h"
#include "runtime/recording.h"

unsigned fake_collector_starts;

void __wrap_collector_start(void);

void __wrap_collector_start(void)
{
	__atomic_add_fetch(&fake_collector_starts, 1, __ATOMIC_RELAXED);
}

void fake_recording_start(void)
{
	static const struct engine_op ops[] = {
		[OP_SLEEP] = {"nanosleep", CLASS_SLEEP},
		[OP_READ] = {"read", CLASS_IO},
		[OP_LOCK] = {"pthread_mutex_lock", CLASS_LOCK},
	};

	ops_set(ops, sizeof(ops) / sizeof(*ops));
	fake_clock_start();
	recording.threshold = THRESHOLD;
	recording.long_poll = LONG_POLL;
	recording.poll_look = LONG_POLL;
	recording.pid = getpid();
	recording.on = true;
}

static void original_poll(void *header)
{
	struct fake_task *task = header;

	task->polls++;
	task->body(task);
}

void fake_task_init(struct fake_task *task, enum poll_class class,
		    void (*body)(struct fake_task *task))
{
	struct task_type type = {.vtable = (uintptr_t)task->table,
				 .poll = original_poll,
				 .id_offset = offsetof(struct fake_task, id),
				 .future_offset = offsetof(struct fake_task, future),
				 .class = class};

	memset(task, 0, sizeof(*task));
	task->vtable = task->table;
	task->body = body;
	task->type = task_types_add(&type);
}

void fake_poll(struct fake_task *task)
{
	if (task->old_vtable)
		poll_hook_undecided_20(task);
	else if (task->type->class == POLL_TASK)
		poll_hook_task(task);
	else if (task->type->class == POLL_BLOCKING)
		poll_hook_blocking(task);
	else
		poll_hook_undecided_10(task);
}

void fake_work(struct fake_task *task)
{
	fake_clock_advance(task->ns);
}

void fake_call(unsigned op, uint64_t ns)
{
	struct engine_call call;

	engine_call_begin(&call, op);
	fake_clock_advance(ns);
	engine_call_end(&call, subject_none());
}

const struct event *fake_next_event(void)
{
	static __thread bool held;
	const struct event *event;
	size_t size;

	if (held)
		ring_release(&thread_self->ring);
	event = thread_self ? ring_peek(&thread_self->ring, &size) : NULL;
	held = event != NULL;
	return event;
}
