/* SPDX-License-Identifier: MIT */
/*
 * Folding of events.
 * Runs on: whoever drains.
 */
#include "aggregate.h"

#include <errno.h>
#include <string.h>

#include "runtime/clock.h"
#include "runtime/entered.h"
#include "runtime/images.h"
#include "runtime/sys.h"

#define MAX_RECORDS 6144
#define MAX_STACKS  8192
#define MAX_FRAMES  (256u * 1024) /* of all stacks together */
#define HASH_SLOTS  16384u        /* power of two, twice the larger table */

/* Distinct records per context, so that idle threads cannot crowd out the tasks. */
static const unsigned context_quota[CONTEXT_COUNT] = {
	[CONTEXT_TASK] = 4096, [CONTEXT_BLOCKING] = 512, [CONTEXT_THREAD] = 1536};

struct tables {
	size_t record_count, stack_count, frame_count;
	unsigned context_count[CONTEXT_COUNT];
	struct aggregate_losses losses;
	uint16_t record_slots[HASH_SLOTS]; /* index + 1 */
	uint16_t stack_slots[HASH_SLOTS];
	struct record records[MAX_RECORDS];
	struct stack stacks[MAX_STACKS];
	uint64_t frames[MAX_FRAMES];
};

static struct tables *tables; /* lazily touched */

static uint64_t mix(uint64_t hash, uint64_t value)
{
	return (hash ^ value) * 0x9e3779b97f4a7c15u ^ (hash >> 29);
}

/* Frames of the library itself: the wrapper and the engine, above the application's call. */
static unsigned own_frames(const uint64_t *frames, unsigned count)
{
	unsigned skip = 0;

	while (skip < count) {
		int image = images_find(frames[skip]);

		if (image < 0 || !images_get((unsigned)image)->self)
			break;
		skip++;
	}
	return skip;
}

static uint32_t intern_stack(const uint64_t *frames, uint32_t count)
{
	uint64_t hash = count;
	uint32_t slot;
	struct stack *stack;

	if (!count)
		return 0;
	for (uint32_t i = 0; i < count; i++)
		hash = mix(hash, frames[i]);
	for (slot = hash & (HASH_SLOTS - 1); tables->stack_slots[slot];
	     slot = (slot + 1) & (HASH_SLOTS - 1)) {
		stack = &tables->stacks[tables->stack_slots[slot] - 1];
		if (stack->hash == hash && stack->count == count &&
		    memcmp(stack->frames, frames, count * sizeof(*frames)) == 0)
			return tables->stack_slots[slot];
	}
	if (tables->stack_count == MAX_STACKS || tables->frame_count + count > MAX_FRAMES) {
		tables->losses.stacks++;
		return 0;
	}
	stack = &tables->stacks[tables->stack_count++];
	*stack = (struct stack){
		.hash = hash, .frames = tables->frames + tables->frame_count, .count = count};
	memcpy(tables->frames + tables->frame_count, frames, count * sizeof(*frames));
	tables->frame_count += count;
	tables->stack_slots[slot] = (uint16_t)tables->stack_count;
	return (uint32_t)tables->stack_count;
}

static bool same_key(const struct record *record, const struct record *key)
{
	return record->hash == key->hash && record->kind == key->kind &&
	       record->context == key->context && record->op == key->op &&
	       record->handover == key->handover && record->entered == key->entered &&
	       record->type == key->type && record->stack == key->stack;
}

static struct record *find_record(const struct record *key)
{
	uint32_t slot;
	struct record *record;

	for (slot = key->hash & (HASH_SLOTS - 1); tables->record_slots[slot];
	     slot = (slot + 1) & (HASH_SLOTS - 1)) {
		record = &tables->records[tables->record_slots[slot] - 1];
		if (same_key(record, key))
			return record;
	}
	if (tables->record_count == MAX_RECORDS ||
	    tables->context_count[key->context] == context_quota[key->context])
		return NULL;
	tables->context_count[key->context]++;
	record = &tables->records[tables->record_count++];
	*record = *key;
	tables->record_slots[slot] = (uint16_t)tables->record_count;
	return record;
}

static void fold_holder(struct record *record, const struct event *event)
{
	struct holder holder = event->holder;
	const struct stack_copy *copy =
		(const struct stack_copy *)(const void *)(event->frames + event->frame_count);

	record->holder.known = event->kind == EVENT_CALL && event->has_holder;
	if (!record->holder.known)
		return;
	holder.copy = event->has_copy ? copy : NULL;
	trace_tell_holder(&holder, event->start + event->duration, &record->holder);
}

static void fold(struct record *record, const struct event *event, uint32_t thread)
{
	/* A long poll counts with what nothing else accounts for; a call explains nothing. */
	uint64_t ns = clock_ns(event->duration - event->explained);
	bool longest = ns >= record->durations.max_ns;

	durations_count(&record->durations, ns);
	record->explained_ns += clock_ns(event->explained);
	if (!record->first || event->start < record->first)
		record->first = event->start;
	if (event->start > record->last)
		record->last = event->start;
	record->dirty = true;
	if (!longest)
		return;
	record->task = event->task;
	record->thread = thread;
	record->lock = event->lock;
	record->futex_op = event->futex_op;
	record->futex_expected = event->futex_expected;
	record->class = event->target.class;
	record->target = event->target;
	record->lock_type = event->lock_type;
	record->lock_mode = event->lock_mode;
	fold_holder(record, event);
}

static bool have_tables(void)
{
	return tables || (tables = sys_map(sizeof(*tables)));
}

uint32_t aggregate_stack_index(const uint64_t *frames, unsigned count)
{
	unsigned skip = own_frames(frames, count);

	return have_tables() ? intern_stack(frames + skip, count - skip) : 0;
}

int aggregate_add(const struct event *event, uint32_t thread, bool handover)
{
	struct record key = {.kind = event->kind,
			     .context = event->context,
			     .op = event->op,
			     .handover = handover,
			     .entered = (uint8_t)entered_trusted(event->entered),
			     .type = event->type};
	struct record *record;

	if (!have_tables())
		return -ENOMEM;
	key.stack = aggregate_stack_index(event->frames, event->frame_count);
	key.hash = mix(mix(mix(key.kind | (uint64_t)key.context << 8 | (uint64_t)key.op << 16 |
				       (uint64_t)handover << 32 | (uint64_t)key.entered << 33,
			       (uintptr_t)key.type),
			   key.stack),
		       0x5bd1e995);
	record = find_record(&key);
	if (record)
		fold(record, event, thread);
	else
		tables->losses.records++;
	return 0;
}

size_t aggregate_record_count(void)
{
	return tables ? tables->record_count : 0;
}

struct record *aggregate_record(size_t index)
{
	return &tables->records[index];
}

struct stack *aggregate_stack(size_t index)
{
	return &tables->stacks[index];
}

const struct aggregate_losses *aggregate_losses(void)
{
	static const struct aggregate_losses none;

	return tables ? &tables->losses : &none;
}

void aggregate_reset(void)
{
	tables = NULL;
}
