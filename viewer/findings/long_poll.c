/* SPDX-License-Identifier: MIT */
/* A poll that was long for another reason than recorded calls: work on the processor, mostly. */
#include "findings.h"

/*
 * What is left of the polls once recorded calls are taken away. The trace has sums only, so the
 * longest remainder is given by what is certain: it is no less than the mean remainder, and no less
 * than the longest poll minus all recorded calls. Exact for one poll and for polls without calls.
 */
static struct usage usage_unexplained(const struct long_poll *poll)
{
	struct usage usage = poll->usage;
	uint64_t explained =
		poll->explained_ns < usage.total_ns ? poll->explained_ns : usage.total_ns;
	uint64_t mean, rest;

	usage.total_ns -= explained;
	mean = usage.count ? usage.total_ns / usage.count : 0;
	rest = usage.max_ns > explained ? usage.max_ns - explained : 0;
	usage.max_ns = mean > rest ? mean : rest;
	return usage;
}

static void long_poll_detect(const struct trace *trace, struct finding_list *list)
{
	size_t i;

	for (i = 0; i < trace->long_polls.count; i++) {
		const struct long_poll *poll = trace->long_polls.items[i];
		const struct task_type *type = poll->origin.type;
		struct origin origin = poll->origin;
		struct finding draft = {.kind = detector_long_poll.kind, .operation = "poll"};

		draft.context = VERDICT_EXEMPT;
		if (origin.scope == SCOPE_TASK)
			draft.context = VERDICT_TASK;
		else if (origin.scope == SCOPE_THREAD)
			draft.context = context_judge_root_poll(origin.stack);
		draft.usage = usage_unexplained(poll);
		if (draft.context == VERDICT_UNJUDGED)
			list->unjudged++;
		if (!context_name(draft.context) || draft.usage.max_ns < trace->long_poll_ns)
			continue;
		if (draft.context == VERDICT_TASK) {
			draft.has_where = type && type->name;
			if (draft.has_where)
				draft.where = (struct frame){.function = type->name,
							     .file = type->file,
							     .line = type->line};
			/* Whatever stack came along is where the poll ended, not where it was long.
			 */
			origin.stack = NULL;
		}
		finding_add(list, trace, &origin, &draft);
	}
}

const struct detector detector_long_poll = {
	.kind = "long-poll",
	.summary = "a poll was long for other reasons than recorded calls",
	.limit_ns = 10 * 1000 * 1000,
	.detect = long_poll_detect,
};
