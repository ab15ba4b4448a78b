/* SPDX-License-Identifier: MIT */
/* A worker that had not come back from a poll when the trace ended. */
#include "findings.h"

static void stall_detect(const struct trace *trace, struct finding_list *list)
{
	size_t i;

	for (i = 0; i < trace->stalls.count; i++) {
		const struct stall *stall = trace->stalls.items[i];
		struct finding draft;

		if (stall->over || deadlock_explains(trace, &stall->origin, NULL))
			continue;
		draft = (struct finding){
			.kind = detector_stall.kind,
			.operation = stall->op ? stall->op : "poll",
			.class = stall->class,
			.context = context_judge(&stall->origin, false),
			.usage = stall->usage,
			.lock = finding_lock_of(&stall->lock),
		};
		if (draft.context == VERDICT_TASK || draft.context == VERDICT_BLOCK_ON)
			finding_add(list, trace, &stall->origin, &draft);
	}
}

const struct detector detector_stall = {
	.kind = "stall",
	.summary = "a worker did not come back from a poll",
	.limit_ns = 1000 * 1000 * 1000,
	.detect = stall_detect,
};
