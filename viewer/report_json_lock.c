/* SPDX-License-Identifier: MIT */
/* Locks, their holders, those who wait, and cycles of them, as JSON. */
#include "report_json_parts.h"

#include "json_text.h"

/* A stack that was referred to and is not there is as unknown as none. */
static json_t *frames_or_null(const struct stack *stack)
{
	return stack && stack->frame_count ? stack_json(stack) : json_null();
}

static json_t *thread_json(const struct thread *thread)
{
	if (!thread || (!thread->name && !thread->tid))
		return json_null();
	return json_pack("{s:o, s:o}", "name", json_text_or_null(thread->name), "tid",
			 number_if(thread->tid != 0, thread->tid));
}

static json_t *party_json(const struct party *party)
{
	return json_pack("{s:o, s:o, s:o}", "task", number_if(party->has_task, party->task),
			 "task_name", json_text_or_null(party->type ? party->type->name : NULL),
			 "thread", thread_json(party->thread));
}

/* Without `acquired_at`, which has another place in a cycle. */
static json_t *holder_json(const struct holder *holder)
{
	json_t *json;

	if (!holder || !holder->known)
		return json_null();
	json = party_json(&holder->party);
	json_object_set_new(json, "suspended", json_boolean(holder->suspended));
	json_object_set_new(json, "queued", json_boolean(holder->queued));
	return json;
}

static json_t *waiters_json(const struct finding_lock *lock)
{
	json_t *tasks = json_array(), *threads = json_array();
	size_t i, j;

	for (i = 0; i < lock->waiter_count; i++) {
		const struct party *party = &lock->waiters[i];
		json_t *thread = thread_json(party->thread);

		if (party->has_task)
			json_array_append_new(tasks, json_integer((json_int_t)party->task));
		for (j = 0; j < i && lock->waiters[j].thread != party->thread; j++)
			;
		if (json_is_object(thread) && j == i)
			json_array_append(threads, thread);
		json_decref(thread);
	}
	return json_pack("{s:I, s:o, s:o}", "count", (json_int_t)lock->waits, "tasks", tasks,
			 "threads", threads);
}

json_t *lock_json(const struct finding_lock *lock)
{
	json_t *holder;

	if (!lock->type && !lock->address && !lock->holder)
		return json_null();
	holder = holder_json(lock->holder);
	if (json_is_object(holder))
		json_object_set_new(holder, "acquired_at", frames_or_null(lock->holder->stack));
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "type", json_text_or_null(lock->type),
			 "address", json_text_or_null(lock->address), "acquired_at",
			 frames_or_null(lock->acquired), "holder", holder, "held_ns",
			 number_if(lock->has_held, lock->held_ns), "waiters",
			 lock->has_waiters ? waiters_json(lock) : json_null());
}

static json_t *link_json(const struct link *link)
{
	struct finding_lock lock = finding_lock_of(&link->lock);
	json_t *json = json_object(), *lock_text = json_null();

	if (lock.type || lock.address)
		lock_text = json_pack("{s:o, s:o}", "type", json_text_or_null(lock.type), "address",
				      json_text_or_null(lock.address));
	json_object_set_new(json, "waiter", party_json(&link->waiter));
	json_object_set_new(json, "waits", json_boolean(link->waits));
	json_object_set_new(json, "lock", lock_text);
	json_object_set_new(json, "holder", holder_json(lock.holder));
	json_object_set_new(json, "acquired_at", frames_or_null(lock.acquired));
	json_object_set_new(json, "waiting_at", frames_or_null(link->stack));
	return json;
}

json_t *cycle_json(const struct deadlock *deadlock)
{
	json_t *links;
	size_t i;

	if (!deadlock)
		return json_null();
	links = json_array();
	for (i = 0; i < deadlock->link_count; i++)
		json_array_append_new(links, link_json(&deadlock->links[i]));
	return links;
}

json_t *lock_coverage_json(const struct trace *trace)
{
	json_t *array = json_array();
	size_t i, j;

	for (i = 0; i < trace->lock_count; i++) {
		const struct lock_coverage *lock = &trace->locks[i];
		json_t *skipped = json_array();

		for (j = 0; j < lock->skip_count; j++)
			json_array_append_new(skipped,
					      json_pack("{s:o, s:I}", "reason",
							json_text(lock->skipped[j].reason), "count",
							(json_int_t)lock->skipped[j].count));
		json_array_append_new(
			array, json_pack("{s:o, s:I, s:I, s:o}", "type", json_text(lock->type),
					 "sites", (json_int_t)lock->sites, "patched",
					 (json_int_t)lock->patched, "skipped", skipped));
	}
	return array;
}
