/* SPDX-License-Identifier: MIT */
/* A wait for a lock inside the poll of a task or of a root future. */
#include "findings.h"

#include <string.h>

#include "viewer/lock_type.h"

static void lock_wait_detect(const struct trace *trace, struct finding_list *list)
{
	size_t i;

	for (i = 0; i < trace->calls.count; i++) {
		const struct call *call = trace->calls.items[i];
		enum verdict verdict;

		if (strcmp(call->class, "lock") != 0 || lock_is_the_runtimes(call->origin.stack))
			continue;
		verdict = context_judge(&call->origin, true);
		if (verdict == VERDICT_UNJUDGED)
			list->unjudged++;
		if (!context_name(verdict))
			continue;
		finding_add(list, trace, &call->origin,
			    &(struct finding){.kind = detector_lock_wait.kind,
					      .operation = call->op,
					      .class = call->class,
					      .context = verdict,
					      .usage = call->usage,
					      .lock_type = lock_type(call),
					      .lock_address = call->lock_address});
	}
}

const struct detector detector_lock_wait = {
	.kind = "lock-wait",
	.summary = "a thread waited for a lock while it polled a future",
	.limit_ns = 1000 * 1000,
	.detect = lock_wait_detect,
};
