/* SPDX-License-Identifier: MIT */
/* Locks, who holds them, and who waits for them. */
#include "load_locks.h"

#include <errno.h>
#include <string.h>

#include "load_fields.h"
#include "load_records.h"
#include "lock_type.h"

/* More than any library has types of locks, or reasons to leave one alone. */
#define COVERAGE_MAX 32

static enum locking mode_get(const json_t *json)
{
	static const char *const words[] = {
		[LOCKING_EXCLUSIVE] = "exclusive",
		[LOCKING_SHARED] = "shared",
		[LOCKING_UPGRADABLE] = "upgradable",
	};
	const char *text = json_string_value(json_object_get(json, "mode"));
	size_t i;

	for (i = LOCKING_EXCLUSIVE; text && i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i], text) == 0)
			return (enum locking)i;
	return LOCKING_UNKNOWN;
}

static const char *type_get(const json_t *json)
{
	return lock_type_word(json_string_value(json_object_get(json, "type")));
}

static void party_load(struct trace *trace, const json_t *json, struct party *ret_party)
{
	*ret_party = (struct party){0};
	ret_party->has_task = field_id(json, "task", &ret_party->task);
	ret_party->type =
		record_reference(trace, &trace->types, json, "vtable", sizeof(*ret_party->type));
	ret_party->thread = record_reference(trace, &trace->threads, json, "thread",
					     sizeof(*ret_party->thread));
}

static void holder_load(struct trace *trace, const json_t *json, struct holder *ret_holder)
{
	int64_t value;

	*ret_holder = (struct holder){.known = json_is_object(json)};
	if (!ret_holder->known)
		return;
	party_load(trace, json, &ret_holder->party);
	ret_holder->stack = record_reference(trace, &trace->stack_table, json, "stack",
					     sizeof(*ret_holder->stack));
	ret_holder->suspended = json_is_true(json_object_get(json, "suspended"));
	ret_holder->queued = json_is_true(json_object_get(json, "queued"));
	ret_holder->has_held = field_integer(json, "held_ns", &value) && value >= 0;
	ret_holder->held_ns = field_number(json, "held_ns");
}

static void lock_identify(struct trace *trace, const json_t *json, struct lock *ret_lock)
{
	*ret_lock = (struct lock){
		.address = field_text(trace, json, "address"),
		.type = type_get(json),
		.mode = mode_get(json),
	};
}

void lock_load(struct trace *trace, const json_t *json, struct lock *ret_lock)
{
	lock_identify(trace, json, ret_lock);
	holder_load(trace, json_object_get(json, "holder"), &ret_lock->holder);
}

static bool waiter_listed(const struct held *held, const struct party *party)
{
	size_t i;

	for (i = 0; i < held->waiter_count; i++)
		if (party_same(&held->waiters[i], party))
			return true;
	return false;
}

static void waiters_load(struct trace *trace, const json_t *line, struct held *held)
{
	const json_t *array = json_object_get(line, "waiters");
	size_t i, count = json_array_size(array);

	held->waiter_count = 0;
	for (i = 0; i < count && held->waiter_count < WAITERS_MAX; i++) {
		const json_t *item = json_array_get(array, i);
		struct party party;

		party_load(trace, item, &party);
		if ((party.has_task || party.thread) && !waiter_listed(held, &party))
			held->waiters[held->waiter_count++] = party;
	}
}

int record_held(struct trace *trace, const json_t *line)
{
	struct held *held;
	uint64_t id;

	if (!field_id(line, "id", &id))
		return -EPROTO;
	held = table_put(&trace->helds, trace->pool, id, 0, sizeof(*held));
	held->id = id;
	record_origin(trace, line, &held->origin);
	record_usage(trace, line, &held->usage);
	lock_identify(trace, line, &held->lock);
	held->open = field_number(line, "open");
	held->waits = field_number(line, "waits");
	waiters_load(trace, line, held);
	held->parked = record_reference(trace, &trace->stack_table, line, "parked_stack",
					sizeof(*held->parked));
	return 0;
}

static void link_load(struct trace *trace, const json_t *json, struct link *ret_link)
{
	party_load(trace, json, &ret_link->waiter);
	ret_link->waits = json_is_true(json_object_get(json, "waits"));
	lock_identify(trace, json_object_get(json, "lock"), &ret_link->lock);
	holder_load(trace, json_object_get(json, "holder"), &ret_link->lock.holder);
	ret_link->stack = record_reference(trace, &trace->stack_table, json, "stack",
					   sizeof(*ret_link->stack));
}

static void links_load(struct trace *trace, const json_t *line, struct deadlock *deadlock)
{
	const json_t *array = json_object_get(line, "links");
	size_t i, count = json_array_size(array);

	deadlock->links_left_out = count > LINKS_MAX ? count - LINKS_MAX : 0;
	count -= deadlock->links_left_out;
	if (count > deadlock->link_room) {
		deadlock->links = pool_alloc(trace->pool, count * sizeof(*deadlock->links));
		deadlock->link_room = count;
	}
	deadlock->link_count = 0;
	for (i = 0; i < count; i++) {
		const json_t *item = json_array_get(array, i);

		if (json_is_object(item))
			link_load(trace, item, &deadlock->links[deadlock->link_count++]);
	}
}

int record_deadlock(struct trace *trace, const json_t *line)
{
	struct deadlock *deadlock;
	uint64_t id;

	if (!field_id(line, "id", &id))
		return -EPROTO;
	deadlock = table_put(&trace->deadlocks, trace->pool, id, 0, sizeof(*deadlock));
	deadlock->id = id;
	deadlock->over = json_is_true(json_object_get(line, "over"));
	if (deadlock->over)
		return 0;
	deadlock->reentry = json_is_true(json_object_get(line, "reentry"));
	deadlock->usage = record_once(line);
	links_load(trace, line, deadlock);
	return 0;
}

static void skips_load(struct trace *trace, const json_t *item, struct lock_coverage *coverage)
{
	const json_t *array = json_object_get(item, "skipped");
	size_t i, count = json_array_size(array);

	if (count > COVERAGE_MAX)
		count = COVERAGE_MAX;
	coverage->skipped = pool_alloc(trace->pool, count * sizeof(*coverage->skipped));
	for (i = 0; i < count; i++) {
		const json_t *skip = json_array_get(array, i);
		struct lock_skip *into = &coverage->skipped[coverage->skip_count];

		into->reason = field_text(trace, skip, "reason");
		into->count = field_number(skip, "count");
		if (into->reason && into->count)
			coverage->skip_count++;
	}
}

void lock_coverage_load(struct trace *trace, const json_t *line)
{
	const json_t *array = json_object_get(line, "locks");
	size_t i, count = json_array_size(array);

	if (count > COVERAGE_MAX)
		count = COVERAGE_MAX;
	trace->locks = pool_alloc(trace->pool, count * sizeof(*trace->locks));
	trace->lock_count = 0;
	for (i = 0; i < count; i++) {
		const json_t *item = json_array_get(array, i);
		struct lock_coverage coverage = {
			.type = type_get(item),
			.sites = field_number(item, "sites"),
			.patched = field_number(item, "patched"),
		};

		if (!coverage.type)
			continue;
		skips_load(trace, item, &coverage);
		trace->locks[trace->lock_count++] = coverage;
	}
}
