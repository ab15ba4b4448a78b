/* SPDX-License-Identifier: MIT */
/* Lines that say what held a worker up: calls, long polls, stalls. */
#include "load_records.h"

#include <errno.h>
#include <string.h>

#include "load_fields.h"
#include "load_locks.h"

static void histogram_get(struct trace *trace, const json_t *line, struct histogram *ret)
{
	const json_t *array = json_object_get(line, "histogram");
	size_t i, count = json_array_size(array);

	/* The line may be the hundredth of its id: its room is used again. */
	if (count > ret->room) {
		ret->buckets = pool_alloc(trace->pool, count * sizeof(*ret->buckets));
		ret->room = count;
	}
	ret->count = 0;
	for (i = 0; i < count; i++) {
		const json_t *pair = json_array_get(array, i);

		ret->buckets[ret->count].upper_ns = json_integer_value(json_array_get(pair, 0));
		ret->buckets[ret->count].count = json_integer_value(json_array_get(pair, 1));
		if (ret->buckets[ret->count].count)
			ret->count++;
	}
}

void record_usage(struct trace *trace, const json_t *line, struct usage *ret)
{
	ret->count = field_number(line, "count");
	ret->total_ns = field_number(line, "total_ns");
	ret->max_ns = field_number(line, "max_ns");
	ret->first_ns = field_number(line, "first_ns");
	ret->last_ns = field_number(line, "last_ns");
	histogram_get(trace, line, &ret->histogram);
}

void *record_reference(struct trace *trace, struct table *table, const json_t *line,
		       const char *key, size_t size)
{
	uint64_t id;

	return field_id(line, key, &id) ? table_put(table, trace->pool, id, 0, size) : NULL;
}

void record_origin(struct trace *trace, const json_t *line, struct origin *origin)
{
	const char *in = json_string_value(json_object_get(line, "in"));
	const json_t *entered = json_object_get(line, "entered");

	origin->handover = json_is_true(json_object_get(line, "handover"));
	origin->entered = ENTERED_UNKNOWN;
	if (json_is_boolean(entered))
		origin->entered = json_is_true(entered) ? ENTERED_YES : ENTERED_NO;
	origin->scope = SCOPE_THREAD;
	if (in && strcmp(in, "task") == 0)
		origin->scope = SCOPE_TASK;
	else if (in && strcmp(in, "blocking") == 0)
		origin->scope = SCOPE_BLOCKING;
	origin->has_task = field_id(line, "task", &origin->task);
	origin->stack =
		record_reference(trace, &trace->stack_table, line, "stack", sizeof(*origin->stack));
	origin->type =
		record_reference(trace, &trace->types, line, "vtable", sizeof(*origin->type));
	origin->thread =
		record_reference(trace, &trace->threads, line, "thread", sizeof(*origin->thread));
}

int record_call(struct trace *trace, const json_t *line)
{
	const json_t *target = json_object_get(line, "target");
	const json_t *lock = json_object_get(line, "lock");
	const json_t *futex = json_object_get(lock, "futex");
	struct call *call;
	uint64_t id;

	if (!field_id(line, "id", &id))
		return -EPROTO;
	call = table_put(&trace->calls, trace->pool, id, 0, sizeof(*call));
	call->id = id;
	call->op = field_text(trace, line, "op");
	call->class = field_text(trace, line, "class");
	if (!call->op || !call->class)
		return -EPROTO;
	call->target_kind = field_text(trace, target, "kind");
	call->target_name = field_text(trace, target, "name");
	lock_load(trace, lock, &call->lock);
	call->futex_op = field_text(trace, futex, "op");
	call->futex_expected = json_integer_value(json_object_get(futex, "expected"));
	record_origin(trace, line, &call->origin);
	record_usage(trace, line, &call->usage);
	return 0;
}

int record_long_poll(struct trace *trace, const json_t *line)
{
	struct long_poll *poll;
	uint64_t id;

	if (!field_id(line, "id", &id))
		return -EPROTO;
	poll = table_put(&trace->long_polls, trace->pool, id, 0, sizeof(*poll));
	poll->id = id;
	record_origin(trace, line, &poll->origin);
	record_usage(trace, line, &poll->usage);
	return 0;
}

struct usage record_once(const json_t *line)
{
	uint64_t duration = field_number(line, "duration_ns");
	uint64_t since = field_number(line, "since_ns");

	return (struct usage){
		.count = 1,
		.total_ns = duration,
		.max_ns = duration,
		.first_ns = since,
		.last_ns = since,
	};
}

int record_stall(struct trace *trace, const json_t *line)
{
	struct stall *stall;
	uint64_t id;

	if (!field_id(line, "id", &id))
		return -EPROTO;
	stall = table_put(&trace->stalls, trace->pool, id, 0, sizeof(*stall));
	stall->id = id;
	stall->over = json_is_true(json_object_get(line, "over"));
	if (stall->over)
		return 0;
	stall->op = field_text(trace, line, "op");
	stall->class = field_text(trace, line, "class");
	record_origin(trace, line, &stall->origin);
	lock_load(trace, json_object_get(line, "lock"), &stall->lock);
	stall->usage = record_once(line);
	return 0;
}
