/* SPDX-License-Identifier: MIT */
/* Tasks and threads that wait for one another's locks, or one for its own. */
#include "findings.h"

/* A worker polls one task at a time, so the thread decides where it is known. */
static bool party_is(const struct party *party, const struct origin *origin)
{
	if (party->thread && origin->thread)
		return party->thread == origin->thread;
	return party->has_task && origin->has_task && party->task == origin->task;
}

/* Texts of a trace are equal only when they are the same. */
static bool link_explains(const struct link *link, const struct origin *origin,
			  const struct lock *lock)
{
	if (!link->waits || !party_is(&link->waiter, origin))
		return false;
	return !lock || (lock->address && lock->address == link->lock.address) ||
	       (origin->stack && origin->stack == link->stack);
}

bool deadlock_explains(const struct trace *trace, const struct origin *origin,
		       const struct lock *lock)
{
	size_t i, j;

	for (i = 0; i < trace->deadlocks.count; i++) {
		const struct deadlock *deadlock = trace->deadlocks.items[i];

		for (j = 0; !deadlock->over && j < deadlock->link_count; j++)
			if (link_explains(&deadlock->links[j], origin, lock))
				return true;
	}
	return false;
}

/* The first link; of a trace that lacks its stack, the first that has one. */
static const struct link *link_first(const struct deadlock *deadlock)
{
	size_t i;

	for (i = 0; i < deadlock->link_count; i++)
		if (deadlock->links[i].stack && deadlock->links[i].stack->frame_count)
			return &deadlock->links[i];
	return deadlock->link_count ? &deadlock->links[0] : NULL;
}

static struct origin origin_of(const struct link *link)
{
	const struct party *waiter = &link->waiter;

	return (struct origin){
		.scope = waiter->has_task || waiter->type ? SCOPE_TASK : SCOPE_THREAD,
		.stack = link->stack,
		.type = waiter->type,
		.thread = waiter->thread,
		.has_task = waiter->has_task,
		.task = waiter->task,
	};
}

/* A holder that is suspended and no task is a root future, and waits for itself or for another. */
static enum verdict link_judge(const struct deadlock *deadlock, const struct origin *origin)
{
	enum verdict verdict = context_judge(origin, true);
	size_t i;

	if (origin->scope == SCOPE_TASK)
		return VERDICT_TASK;
	for (i = 0; !context_name(verdict) && i < deadlock->link_count; i++) {
		const struct holder *holder = &deadlock->links[i].lock.holder;

		if (holder->suspended && !holder->party.has_task && !holder->party.type)
			verdict = VERDICT_BLOCK_ON;
	}
	return verdict;
}

static void deadlock_detect(const struct trace *trace, struct finding_list *list)
{
	size_t i;

	for (i = 0; i < trace->deadlocks.count; i++) {
		const struct deadlock *deadlock = trace->deadlocks.items[i];
		const struct link *link = link_first(deadlock);
		struct origin origin = {0};
		struct finding draft = {
			.kind = detector_deadlock.kind,
			.operation = deadlock->reentry ? "re-entry" : "cycle",
			.class = "lock",
			.context = VERDICT_EXEMPT,
			.usage = deadlock->usage,
			.deadlock = deadlock,
		};

		if (deadlock->over)
			continue;
		if (link) {
			origin = origin_of(link);
			draft.lock = finding_lock_of(&link->lock);
			draft.context = link_judge(deadlock, &origin);
		}
		finding_add(list, trace, &origin, &draft);
	}
}

const struct detector detector_deadlock = {
	.kind = "deadlock",
	.summary = "tasks or threads wait for one another's locks",
	.limit_ns = 0,
	.detect = deadlock_detect,
};
