/* SPDX-License-Identifier: MIT */
/* A poll that was long for another reason than recorded calls: work on the processor, mostly. */
#include "findings.h"

static void long_poll_detect(const struct trace *trace, struct finding_list *list)
{
	size_t i;

	for (i = 0; i < trace->long_polls.count; i++) {
		const struct long_poll *poll = trace->long_polls.items[i];
		const struct task_type *type = poll->origin.type;
		struct finding draft = {
			.kind = detector_long_poll.kind,
			.operation = "poll",
			.context = context_judge(&poll->origin, false),
			.usage = poll->usage,
			.has_where = type && type->name,
		};

		if (draft.context != VERDICT_TASK)
			continue;
		if (draft.has_where)
			draft.where = (struct frame){
				.function = type->name, .file = type->file, .line = type->line};
		finding_add(list, trace, &poll->origin, &draft);
	}
}

const struct detector detector_long_poll = {
	.kind = "long-poll",
	.summary = "a poll was long for other reasons than recorded calls",
	.limit_ns = 10 * 1000 * 1000,
	.detect = long_poll_detect,
};
