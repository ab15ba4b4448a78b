/* SPDX-License-Identifier: MIT */
/* A synchronous lock that was still held when the poll that had acquired it returned. */
#include "findings.h"

#include <string.h>

#include "viewer/lock_type.h"

/*
 * Where a task acquired the lock excuses nothing, not even block_in_place: its poll has returned
 * with it. Of a root future, that it had returned at all was concluded from what the thread did
 * next.
 */
static enum verdict held_judge(const struct held *held)
{
	if (lock_is_the_runtimes(held->origin.stack) || lock_is_users_wait(held->parked))
		return VERDICT_EXEMPT;
	return held->origin.scope == SCOPE_TASK ? VERDICT_TASK
						: context_judge(&held->origin, false);
}

/* The finding's own task, as what other findings say of a holder. */
static struct holder *holder_of(const struct held *held, struct pool *pool)
{
	const struct origin *origin = &held->origin;
	struct holder *holder = pool_alloc(pool, sizeof(*holder));

	*holder = (struct holder){
		.known = true,
		.party = {.has_task = origin->has_task,
			  .task = origin->task,
			  .type = origin->type,
			  .thread = origin->thread},
		.stack = origin->stack,
		.suspended = true,
		.has_held = true,
		.held_ns = held->usage.max_ns,
	};
	return holder;
}

static void held_add(const struct trace *trace, struct finding_list *list, const struct held *held,
		     enum verdict verdict)
{
	const char *type = lock_name(held->lock.type, held->lock.mode);

	finding_add(list, trace, &held->origin,
		    &(struct finding){.kind = detector_lock_across_await.kind,
				      .operation = type,
				      .class = "lock",
				      .context = verdict,
				      .usage = held->usage,
				      .lock = {.type = type,
					       .address = held->lock.address,
					       .acquired = held->origin.stack,
					       .holder = holder_of(held, list->pool),
					       .has_held = true,
					       .held_ns = held->usage.max_ns,
					       .has_waiters = true,
					       .waits = held->waits,
					       .waiters = held->waiters,
					       .waiter_count = held->waiter_count,
					       .open = held->open}});
}

static void lock_across_await_detect(const struct trace *trace, struct finding_list *list)
{
	size_t i;

	for (i = 0; i < trace->helds.count; i++) {
		const struct held *held = trace->helds.items[i];
		enum verdict verdict = held_judge(held);

		if (!held->usage.count && !held->open)
			continue;
		if (verdict == VERDICT_UNJUDGED)
			list->unjudged++;
		if (context_name(verdict))
			held_add(trace, list, held, verdict);
	}
}

const struct detector detector_lock_across_await = {
	.kind = "lock-across-await",
	.summary = "a synchronous lock was held across an .await",
	.limit_ns = 0,
	.detect = lock_across_await_detect,
};
