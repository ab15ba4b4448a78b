/* SPDX-License-Identifier: MIT */
/* A wait for a lock inside the poll of a task or of a root future. */
#include "findings.h"

#include <string.h>

#include "viewer/lock_type.h"

static void wait_add(const struct trace *trace, struct finding_list *list, const struct call *call,
		     enum verdict verdict)
{
	struct finding draft = {
		.kind = detector_lock_wait.kind,
		.operation = call->op,
		.class = call->class,
		.context = verdict,
		.usage = call->usage,
		.lock = finding_lock_of(&call->lock),
	};

	draft.lock.type = lock_type(call);
	finding_add(list, trace, &call->origin, &draft);
}

static void lock_wait_detect(const struct trace *trace, struct finding_list *list)
{
	size_t i;

	for (i = 0; i < trace->calls.count; i++) {
		const struct call *call = trace->calls.items[i];
		enum verdict verdict;

		if (strcmp(call->class, "lock") != 0 || lock_is_the_runtimes(call->origin.stack) ||
		    deadlock_explains(trace, &call->origin, &call->lock))
			continue;
		verdict = context_judge(&call->origin, true);
		if (verdict == VERDICT_UNJUDGED)
			list->unjudged++;
		if (context_name(verdict))
			wait_add(trace, list, call, verdict);
	}
}

const struct detector detector_lock_wait = {
	.kind = "lock-wait",
	.summary = "a thread waited for a lock while it polled a future",
	.limit_ns = 1000 * 1000,
	.detect = lock_wait_detect,
};
