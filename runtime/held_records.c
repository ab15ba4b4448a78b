/* SPDX-License-Identifier: MIT */
/*
 * Records of locks held across a yield.
 * Runs on: whoever drains.
 */
#include "held_records.h"

#include <string.h>

#include "runtime/aggregate.h"
#include "runtime/clock.h"
#include "runtime/entered.h"
#include "runtime/lock_word.h"
#include "runtime/locks.h"
#include "runtime/recording.h"
#include "runtime/suspended.h"
#include "runtime/sys.h"
#include "runtime/thread.h"
#include "runtime/trace_locks.h"
#include "runtime/trace_objects.h"
#include "runtime/trace_writer.h"

#define RECORDS_MAX 512

/*
 * A stale note of a lock that somebody else has for a moment looks like one that is held. So an
 * open one is told only when it has been looked at for a while, or at the end.
 */
#define LOOK_APART_NS 20000000

struct told_waiter {
	uint64_t task;
	uint32_t thread;
};

struct held_record {
	uint32_t stack, parked; /* index + 1; 0: none */
	uint32_t place;
	bool root;
	uint8_t entered;
	const struct task_type *type;
	struct durations closed; /* released ones */
	uint64_t first, last;    /* ticks */
	uint64_t polls, waits;   /* of released ones */
	unsigned waiter_count;
	struct told_waiter waiters[SUSPENDED_WAITERS];
	/* Of the longest released one. */
	uint64_t lock, task;
	uint32_t thread;
	bool dirty;
	struct trace_schedule schedule;
};

/* What is to be written of a record: the released ones and those that are open now. */
struct sum {
	struct durations durations;
	uint64_t lock, task, polls, waits;
	uint32_t thread, open;
};

static struct held_record *records; /* lazily touched */
static unsigned record_count;
static uint64_t lost;

static bool same_kind(const struct held_record *record, const struct suspended *entry)
{
	return record->stack == entry->stack && record->root == entry->root &&
	       record->type == entry->type && record->place == entry->place;
}

static uint32_t find_record(const struct suspended *entry)
{
	struct held_record *record;

	if (!records && !(records = sys_map(sizeof(*records) * RECORDS_MAX)))
		return 0;
	for (unsigned i = 0; i < record_count; i++)
		if (same_kind(&records[i], entry))
			return i + 1;
	if (record_count == RECORDS_MAX) {
		lost++;
		return 0;
	}
	record = &records[record_count++];
	*record = (struct held_record){
		.stack = entry->stack,
		.parked = entry->parked,
		.place = entry->place,
		.root = entry->root,
		.entered = entry->entered,
		.type = entry->type,
		.first = entry->since,
	};
	return record_count;
}

/* What was left as addresses and pointers becomes ids of the trace; once per entry. */
static void resolve(struct suspended *entry)
{
	if (entry->resolved)
		return;
	entry->resolved = true;
	entry->stack = trace_acquired_stack(entry->place, &entry->copy);
	entry->parked = aggregate_stack_index(entry->parked_frames, entry->parked_count);
	if (entry->thread)
		entry->thread_id = trace_id_of(entry->thread);
	if (!entry->quiet)
		entry->record = find_record(entry);
}

static void take_waiters(struct held_record *record, const struct suspended *entry)
{
	for (unsigned i = 0; i < SUSPENDED_WAITERS && entry->waiters[i].thread; i++) {
		struct told_waiter waiter = {
			.task = entry->waiters[i].task,
			.thread = entry->waiters[i].thread_id
					  ? entry->waiters[i].thread_id
					  : trace_id_of(entry->waiters[i].thread)};
		unsigned at = 0;

		while (at < record->waiter_count && (record->waiters[at].task != waiter.task ||
						     record->waiters[at].thread != waiter.thread))
			at++;
		if (waiter.thread && at == record->waiter_count && at < SUSPENDED_WAITERS)
			record->waiters[record->waiter_count++] = waiter;
	}
}

static void fold(const struct suspended *entry, uint64_t lock, uint64_t until)
{
	struct held_record *record = &records[entry->record - 1];
	uint64_t ns = until > entry->since ? clock_ns(until - entry->since) : 0;

	if (ns >= record->closed.max_ns) {
		record->lock = lock;
		record->task = entry->task;
		record->thread = entry->thread_id;
	}
	durations_count(&record->closed, ns);
	if (entry->since < record->first)
		record->first = entry->since;
	if (entry->since > record->last)
		record->last = entry->since;
	record->polls += entry->polls;
	record->waits += entry->waits;
	durations_add(&record->closed, &entry->more);
	record->dirty = true;
	take_waiters(record, entry);
}

static void take_released(unsigned index)
{
	struct suspended *entry = suspended_get(index);
	bool tentative = lock_place_get(entry->place)->tentative;

	if (!suspended_take(index))
		return;
	resolve(entry);
	if (entry->released)
		lock_place_released(entry->place);
	/*
	 * Without a release that was seen, it counts if it was found still held some time after,
	 * and until then; an acquisition that may have been none does not.
	 */
	if (entry->record && (entry->released || (entry->looked_at && !tentative)))
		fold(entry, entry->lock, entry->released ? entry->released : entry->last_look);
	suspended_free(index);
}

/* Somebody has acquired the lock since, who could not have if it were still held. */
static bool is_held_anew(uint64_t lock, const struct suspended *entry)
{
	struct holder found[4];
	unsigned count;

	if (lock_place_get(entry->place)->mode != LOCK_EXCLUSIVE)
		return false;
	count = holders_find(lock, found, 4);
	for (unsigned i = 0; i < count; i++)
		if (!found[i].entry)
			return true;
	return false;
}

static void look_after(unsigned index, uint64_t lock)
{
	struct suspended *entry = suspended_get(index);

	resolve(entry);
	if (entry->record && entry->looked_at)
		records[entry->record - 1].dirty = true;
	if (lock_word_is_locked(lock, lock_place_get(entry->place)->type) &&
	    !is_held_anew(lock, entry)) {
		entry->last_look = clock_ticks();
		entry->looked_at |= clock_ns(entry->last_look - entry->since) > LOOK_APART_NS;
		return;
	}
	/* Seen released a moment ago, or not at all. */
	if (suspended_close(index, lock))
		lock_place_leaked(entry->place);
}

/* While nothing is suspended, only long polls are looked at. */
static void rest(void)
{
	if (suspended_any() || recording.poll_look == recording.long_poll)
		return;
	__atomic_store_n(&recording.poll_look, recording.long_poll, __ATOMIC_SEQ_CST);
	if (suspended_any())
		__atomic_store_n(&recording.poll_look, 0, __ATOMIC_RELAXED);
}

void held_records_collect(void)
{
	unsigned high = suspended_high();

	for (unsigned i = 0; i < high; i++) {
		uint64_t lock;
		enum suspended_state state = suspended_look(i, &lock);

		if (state == SUSPENDED_OPEN)
			look_after(i, lock);
		else if (state == SUSPENDED_RELEASED)
			take_released(i);
	}
	rest();
}

static void add_open(struct held_record *record, unsigned index, bool all, struct sum *sum)
{
	uint64_t lock, now = clock_ticks();
	struct suspended *entry = suspended_get(index);
	uint64_t ns;

	if (suspended_look(index, &lock) != SUSPENDED_OPEN || !(entry->looked_at || all) ||
	    !entry->resolved || entry->record != (uint32_t)(record - records) + 1 ||
	    lock_place_get(entry->place)->tentative)
		return;
	ns = now > entry->since ? clock_ns(now - entry->since) : 0;
	if (ns >= sum->durations.max_ns) {
		sum->lock = lock;
		sum->task = entry->task;
		sum->thread = entry->thread_id;
	}
	durations_count(&sum->durations, ns);
	sum->polls += entry->polls;
	sum->waits += entry->waits;
	sum->open++;
	if (entry->since > record->last)
		record->last = entry->since;
	take_waiters(record, entry);
}

static void sum_up(struct held_record *record, bool all, struct sum *ret)
{
	*ret = (struct sum){.durations = record->closed,
			    .lock = record->lock,
			    .task = record->task,
			    .polls = record->polls,
			    .waits = record->waits,
			    .thread = record->thread};
	for (unsigned i = 0; i < suspended_high(); i++)
		add_open(record, i, all, ret);
}

static void add_waiters(struct text *line, const struct held_record *record)
{
	trace_add_key(line, "waiters");
	text_add_char(line, '[');
	for (unsigned i = 0; i < record->waiter_count; i++) {
		text_add(line, i ? ",{\"task\":" : "{\"task\":");
		if (record->waiters[i].task)
			text_add_u64(line, record->waiters[i].task);
		else
			text_add(line, "null");
		trace_add_u64(line, "thread", record->waiters[i].thread);
		text_add_char(line, '}');
	}
	text_add_char(line, ']');
}

static void add_numbers(struct text *line, const struct held_record *record, const struct sum *sum)
{
	trace_add_u64(line, "count", sum->durations.count);
	trace_add_u64(line, "open", sum->open);
	trace_add_u64(line, "total_ns", sum->durations.total_ns);
	trace_add_u64(line, "max_ns", sum->durations.max_ns);
	trace_add_u64(line, "first_ns", clock_since_start(record->first));
	trace_add_u64(line, "last_ns", clock_since_start(record->last));
	trace_add_histogram(line, sum->durations.histogram);
	trace_add_u64(line, "polls", sum->polls);
	trace_add_u64(line, "waits", sum->waits);
	add_waiters(line, record);
}

static bool prepare(const struct held_record *record)
{
	return (!record->stack || trace_write_stack(record->stack - 1)) &&
	       (!record->parked || trace_write_stack(record->parked - 1)) &&
	       (!record->type || trace_write_type(record->type));
}

static void write_record(struct held_record *record, bool all)
{
	const struct lock_place *place = lock_place_get(record->place);
	struct text *line;
	struct sum sum;

	sum_up(record, all, &sum);
	if (!sum.durations.count || !sum.thread || !prepare(record) ||
	    !(line = trace_writer_line("held")))
		return;
	trace_add_u64(line, "id", (uint64_t)(record - records) + 1);
	trace_add_string(line, "in", record->root ? "thread" : "task");
	trace_add_string(line, "type", lock_type_name(place->type));
	trace_add_string(line, "mode", lock_mode_name(place->mode));
	trace_add_address(line, sum.lock);
	trace_add_or_null(line, "stack", record->stack);
	trace_add_or_null(line, "parked_stack", record->parked);
	trace_add_type(line, record->type);
	trace_add_or_null(line, "task", sum.task);
	trace_add_u64(line, "thread", sum.thread);
	add_numbers(line, record, &sum);
	trace_add_key(line, "entered");
	text_add(line, entered_means_inside(record->entered) ? "true" : "null");
	trace_writer_end_line();
	trace_schedule_done(&record->schedule);
	record->dirty = false;
}

void held_records_write(bool all)
{
	for (unsigned i = 0; i < record_count; i++) {
		struct held_record *record = &records[i];

		if ((record->dirty || all) && trace_schedule_due(&record->schedule, all) &&
		    lock_place_trusted(record->place))
			write_record(record, all);
	}
}

uint64_t held_records_lost(void)
{
	return lost;
}

void held_records_reset(void)
{
	records = NULL;
	record_count = 0;
	lost = 0;
}
