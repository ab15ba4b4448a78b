/* SPDX-License-Identifier: MIT */
/* A call that blocked inside the poll of a task or of a root future. */
#include "findings.h"

#include <string.h>

static void blocking_call_detect(const struct trace *trace, struct finding_list *list)
{
	size_t i;

	for (i = 0; i < trace->calls.count; i++) {
		const struct call *call = trace->calls.items[i];
		enum verdict verdict;

		if (strcmp(call->class, "lock") == 0)
			continue;
		verdict = context_judge(&call->origin, strcmp(call->class, "wait") == 0);
		if (verdict == VERDICT_UNJUDGED)
			list->unjudged++;
		if (!context_name(verdict))
			continue;
		finding_add(list, trace, &call->origin,
			    &(struct finding){.kind = detector_blocking_call.kind,
					      .operation = call->op,
					      .class = call->class,
					      .context = verdict,
					      .usage = call->usage,
					      .target_kind = call->target_kind,
					      .target_name = call->target_name});
	}
}

const struct detector detector_blocking_call = {
	.kind = "blocking-call",
	.summary = "a call blocked a thread while it polled a future",
	.limit_ns = 1000 * 1000,
	.detect = blocking_call_detect,
};
