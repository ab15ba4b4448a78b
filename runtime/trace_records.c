/* SPDX-License-Identifier: MIT */
/*
 * Lines for aggregated records.
 * Runs on: whoever drains.
 */
#include "trace_records.h"

#include <linux/futex.h>

#include "runtime/aggregate.h"
#include "runtime/clock.h"
#include "runtime/entered.h"
#include "runtime/images.h"
#include "runtime/locks.h"
#include "runtime/ops.h"
#include "runtime/sys.h"
#include "runtime/trace_objects.h"
#include "runtime/trace_writer.h"

#define REPEAT_LEAST_NS 200000000u

bool trace_schedule_due(const struct trace_schedule *schedule, bool all)
{
	uint64_t now = clock_ticks();
	uint64_t wait = (now - schedule->first) / 8;
	uint64_t least = clock_ticks_of(REPEAT_LEAST_NS);

	return all || !schedule->first || now - schedule->last >= (wait > least ? wait : least);
}

void trace_schedule_done(struct trace_schedule *schedule)
{
	schedule->last = clock_ticks();
	if (!schedule->first)
		schedule->first = schedule->last;
}

void trace_add_histogram(struct text *line, const uint64_t *histogram)
{
	bool first = true;

	trace_add_key(line, "histogram");
	text_add_char(line, '[');
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		if (!histogram[i])
			continue;
		text_add(line, first ? "[" : ",[");
		first = false;
		text_add_u64(line, 1ull << i);
		text_add_char(line, ',');
		text_add_u64(line, histogram[i]);
		text_add_char(line, ']');
	}
	text_add_char(line, ']');
}

/* Positions are relative to the object, so that they mean the same in the file. */
bool trace_write_stack(uint32_t index)
{
	struct stack *stack = aggregate_stack(index);
	struct text *line;

	if (stack->written)
		return true;
	for (uint32_t i = 0; i < stack->count; i++) {
		int image = images_find(stack->frames[i]);

		if (image >= 0 && !trace_write_module((unsigned)image))
			return false;
	}
	line = trace_writer_line("stack");
	if (!line)
		return false;
	trace_add_u64(line, "id", index + 1);
	trace_add_key(line, "frames");
	for (uint32_t i = 0; i < stack->count; i++) {
		int image = images_find(stack->frames[i]);

		text_add(line, i ? ",[" : "[[");
		if (image >= 0)
			text_add_u64(line, (uint64_t)image);
		else
			text_add(line, "null");
		text_add_char(line, ',');
		text_add_u64(line,
			     stack->frames[i] -
				     (image >= 0 ? images_get((unsigned)image)->elf.bias : 0));
		text_add_char(line, ']');
	}
	text_add_char(line, ']');
	trace_writer_end_line();
	stack->written = true;
	return true;
}

static void add_target(struct text *line, const struct described *target)
{
	trace_add_key(line, "target");
	if (!target->kind) {
		text_add(line, "null");
		return;
	}
	text_add(line, "{\"kind\":");
	text_add_json(line, target->kind);
	trace_add_string(line, "name", *target->name ? target->name : NULL);
	text_add_char(line, '}');
}

static const char *futex_op_name(int op)
{
	switch (op & FUTEX_CMD_MASK) {
	case FUTEX_WAIT:
		return "wait";
	case FUTEX_WAIT_BITSET:
		return "wait_bitset";
	case FUTEX_LOCK_PI:
	case FUTEX_LOCK_PI2:
		return "lock_pi";
	case FUTEX_WAIT_REQUEUE_PI:
		return "wait_requeue_pi";
	default:
		return "waitv";
	}
}

static void add_lock(struct text *line, const struct record *record)
{
	trace_add_key(line, "lock");
	if (!record->lock) {
		text_add(line, "null");
		return;
	}
	text_add(line, "{\"address\":\"0x");
	text_add_hex(line, (uintptr_t)record->lock);
	text_add(line, "\",\"futex\":");
	if (record->futex_op >= 0) {
		text_add(line, "{\"op\":");
		text_add_json(line, futex_op_name(record->futex_op));
		trace_add_u64(line, "expected", record->futex_expected);
		text_add_char(line, '}');
	} else {
		text_add(line, "null");
	}
	trace_add_string(line, "type",
			 record->lock_type < LOCK_TYPES ? lock_type_name(record->lock_type) : NULL);
	trace_add_string(line, "mode",
			 record->lock_type < LOCK_TYPES ? lock_mode_name(record->lock_mode) : NULL);
	trace_add_holder(line, &record->holder);
	text_add_char(line, '}');
}

static void add_entered(struct text *line, enum entered entered)
{
	trace_add_key(line, "entered");
	entered = entered_trusted(entered);
	text_add(line, entered == ENTERED_UNKNOWN ? "null"
		       : entered == ENTERED_YES   ? "true"
						  : "false");
}

static void add_numbers(struct text *line, const struct record *record)
{
	static const char *const contexts[] = {"task", "blocking", "thread"};

	trace_add_string(line, "in", contexts[record->context]);
	trace_add_key(line, "stack");
	if (record->stack)
		text_add_u64(line, record->stack);
	else
		text_add(line, "null");
	trace_add_key(line, "vtable");
	if (record->type)
		text_add_u64(line, record->type->index);
	else
		text_add(line, "null");
	trace_add_key(line, "task");
	if (record->task)
		text_add_u64(line, record->task);
	else
		text_add(line, "null");
	trace_add_u64(line, "thread", record->thread);
	trace_add_bool(line, "handover", record->handover);
	add_entered(line, record->entered);
	trace_add_u64(line, "count", record->durations.count);
	trace_add_u64(line, "total_ns", record->durations.total_ns);
	trace_add_u64(line, "max_ns", record->durations.max_ns);
	trace_add_u64(line, "first_ns", clock_since_start(record->first));
	trace_add_u64(line, "last_ns", clock_since_start(record->last));
	trace_add_histogram(line, record->durations.histogram);
}

static void write_record(struct record *record, size_t index)
{
	struct text *line;

	if ((record->stack && !trace_write_stack(record->stack - 1)) ||
	    (record->type && !trace_write_type(record->type)) ||
	    !trace_prepare_holder(&record->holder))
		return;
	line = trace_writer_line(record->kind == EVENT_CALL ? "call" : "long_poll");
	if (!line)
		return;
	trace_add_u64(line, "id", index + 1);
	add_numbers(line, record);
	if (record->kind == EVENT_CALL) {
		trace_add_string(line, "op", ops_name(record->op));
		trace_add_string(line, "class", ops_class_name(record->class));
		add_target(line, &record->target);
		add_lock(line, record);
	} else {
		trace_add_u64(line, "explained_ns", record->explained_ns);
	}
	trace_writer_end_line();
	trace_schedule_done(&record->schedule);
	record->dirty = false;
}

void trace_write_records(bool all)
{
	size_t count = aggregate_record_count();

	for (size_t i = 0; i < count; i++) {
		struct record *record = aggregate_record(i);

		if (record->dirty && trace_schedule_due(&record->schedule, all))
			write_record(record, i);
	}
}
