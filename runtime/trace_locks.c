/* SPDX-License-Identifier: MIT */
/*
 * Holders of locks in the trace.
 * Runs on: whoever drains.
 */
#include "trace_locks.h"

#include <stddef.h>

#include "runtime/aggregate.h"
#include "runtime/clock.h"
#include "runtime/locks.h"
#include "runtime/thread.h"
#include "runtime/trace_objects.h"
#include "runtime/trace_records.h"
#include "runtime/trace_writer.h"

uint32_t trace_acquired_stack(uint32_t place, const struct stack_copy *copy)
{
	uint64_t frames[UNWIND_MAX_FRAMES];
	unsigned count = 0;

	if (copy && copy->context.pc)
		count = unwind_copied(&copy->context, copy->bytes,
				      copy->size < STACK_COPY ? copy->size : STACK_COPY, frames,
				      UNWIND_MAX_FRAMES);
	if (!count && lock_place_get(place)->address) {
		frames[0] = lock_place_get(place)->address + 1;
		count = 1;
	}
	return aggregate_stack_index(frames, count);
}

uint32_t trace_id_of(struct thread *thread)
{
	if (!thread || __atomic_load_n(&thread->retired, __ATOMIC_ACQUIRE) ||
	    __atomic_load_n(&thread->tid, __ATOMIC_RELAXED) < 0)
		return 0;
	return trace_thread_id(thread);
}

void trace_tell_holder(const struct holder *holder, uint64_t now, struct told_holder *ret)
{
	*ret = (struct told_holder){
		.known = true,
		.suspended = holder->suspended,
		.mode = holder->mode,
		.task = holder->task,
		.type = holder->type,
		.thread = holder->thread ? trace_id_of(holder->thread) : holder->thread_id,
		.stack = trace_acquired_stack(holder->place, holder->copy),
		.held_ns = holder->since && now > holder->since ? clock_ns(now - holder->since) : 0,
	};
}

bool trace_prepare_holder(const struct told_holder *holder)
{
	return !holder->known || ((!holder->stack || trace_write_stack(holder->stack - 1)) &&
				  (!holder->type || trace_write_type(holder->type)));
}

void trace_add_or_null(struct text *line, const char *key, uint64_t value)
{
	trace_add_key(line, key);
	if (value)
		text_add_u64(line, value);
	else
		text_add(line, "null");
}

void trace_add_type(struct text *line, const struct task_type *type)
{
	trace_add_key(line, "vtable");
	if (type)
		text_add_u64(line, type->index);
	else
		text_add(line, "null");
}

void trace_add_address(struct text *line, uint64_t address)
{
	trace_add_key(line, "address");
	text_add(line, "\"0x");
	text_add_hex(line, address);
	text_add_char(line, '"');
}

void trace_add_holder(struct text *line, const struct told_holder *holder)
{
	trace_add_key(line, "holder");
	if (!holder->known) {
		text_add(line, "null");
		return;
	}
	text_add(line, "{\"task\":");
	if (holder->task)
		text_add_u64(line, holder->task);
	else
		text_add(line, "null");
	trace_add_type(line, holder->type);
	trace_add_or_null(line, "thread", holder->thread);
	trace_add_or_null(line, "stack", holder->stack);
	trace_add_bool(line, "suspended", holder->suspended);
	trace_add_bool(line, "queued", holder->queued);
	trace_add_string(line, "mode", lock_mode_name(holder->mode));
	trace_add_or_null(line, "held_ns", holder->held_ns);
	text_add_char(line, '}');
}
