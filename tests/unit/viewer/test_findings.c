/* SPDX-License-Identifier: MIT */
/* Unit tests of the detectors, each with a near miss, and of identity, merging and limits. */
#include "viewer/finding.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "viewer/limits.h"

#include "sample.h"

#define STACKS                                                                                     \
	"{\"t\":\"vtable\",\"id\":1,\"module\":1,\"poll\":1000,\"class\":\"task\"}\n"              \
	"{\"t\":\"type\",\"vtable\":1,\"name\":\"app::serve::{{closure}}\",\"file\":\"src/a.rs\"," \
	"\"line\":40}\n"                                                                           \
	"{\"t\":\"thread\",\"id\":1,\"tid\":43,\"name\":\"worker\"}\n"                             \
	"{\"t\":\"stack\",\"id\":1,\"frames\":[[1,100],[1,300]]}\n"                                \
	"{\"t\":\"stack\",\"id\":2,\"frames\":[[1,200],[1,300]]}\n"                                \
	"{\"t\":\"stack\",\"id\":3,\"frames\":[[1,500],[1,300]]}\n"                                \
	"{\"t\":\"symbol\",\"module\":1,\"position\":100,\"frames\":[{\"function\":"               \
	"\"std::sys::sync::mutex::futex::Mutex::lock_contended\",\"inlined\":true},"               \
	"{\"function\":\"app::load\",\"file\":\"src/a.rs\",\"line\":12}]}\n"                       \
	"{\"t\":\"symbol\",\"module\":1,\"position\":200,\"frames\":["                             \
	"{\"function\":\"app::load\",\"file\":\"src/a.rs\",\"line\":20}]}\n"                       \
	"{\"t\":\"symbol\",\"module\":1,\"position\":300,\"frames\":["                             \
	"{\"function\":\"tokio::runtime::task::raw::poll\"}]}\n"

#define CALL(id, op, class, in, stack, extra)                                                      \
	"{\"t\":\"call\",\"id\":" id ",\"op\":\"" op                                               \
	"\",\"class\":\"" class "\",\"in\":\"" in "\",\"stack\":" stack                            \
				",\"vtable\":1,\"thread\":1,\"task\":5,\"count\":1,"               \
				"\"total_ns\":3000000,\"max_ns\":3000000,\"first_ns\":7,\"last_"   \
				"ns\":9,"                                                          \
				"\"histogram\":[[4194304,1]]" extra "}\n"

static const struct finding *only(const struct report *report)
{
	cr_assert_eq(report->findings.count, 1, "%zu findings", report->findings.count);
	return &report->findings.items[0];
}

Test(blocking_call, is_found_in_a_task)
{
	const struct finding *finding =
		only(sample_report(STACKS CALL("1", "read", "file", "task", "1", "")));

	cr_expect_str_eq(finding->kind, "blocking-call");
	cr_expect_str_eq(finding->operation, "read");
	cr_expect_eq(finding->context, VERDICT_TASK);
	cr_expect_str_eq(finding->where.function, "app::load");
	cr_expect_eq(finding->where.line, 12);
	cr_expect_str_eq(finding->type->name, "app::serve::{{closure}}");
	cr_expect_eq(finding->task, 5);
	cr_expect_eq(finding->pid, 42);
}

Test(blocking_call, is_not_found_on_the_blocking_pool_nor_after_a_handover)
{
	const struct report *report =
		sample_report(STACKS CALL("1", "read", "file", "blocking", "1", "")
				      CALL("2", "read", "file", "task", "1", ",\"handover\":true"));

	cr_expect_eq(report->findings.count, 0);
}

Test(lock_wait, is_found_in_a_task_with_the_type_of_the_lock)
{
	const struct finding *finding = only(sample_report(
		STACKS CALL("1", "futex", "lock", "task", "1",
			    ",\"lock\":{\"address\":\"0x10\",\"futex\":{\"op\":\"wait_bitset\","
			    "\"expected\":2}}")));

	cr_expect_str_eq(finding->kind, "lock-wait");
	cr_expect_str_eq(finding->lock.type, "std::sync::Mutex");
	cr_expect_str_eq(finding->lock.address, "0x10");
}

Test(lock_wait, is_not_found_on_a_thread_without_a_runtime)
{
	const struct report *report =
		sample_report(STACKS CALL("1", "futex", "lock", "thread", "2",
					  "") "{\"t\":\"stack\",\"id\":2,\"frames\":[[1,200]]}\n");

	cr_expect_eq(report->findings.count, 0);
	cr_expect_eq(report->findings.unjudged, 0);
}

#define LONG_POLL(in, stack, count, total, max, explained)                                         \
	"{\"t\":\"long_poll\",\"id\":1,\"in\":\"" in "\",\"vtable\":1,\"stack\":" stack            \
	",\"thread\":1,\"task\":5,\"count\":" count ",\"total_ns\":" total ",\"max_ns\":" max      \
	",\"explained_ns\":" explained "}\n"

Test(long_poll, is_found_and_named_by_its_task)
{
	const struct finding *finding = only(
		sample_report(STACKS LONG_POLL("task", "null", "2", "90000000", "50000000", "0")));

	cr_expect_str_eq(finding->kind, "long-poll");
	cr_expect_eq(finding->usage.max_ns, 50000000);
	cr_expect_str_eq(finding->where.function, "app::serve::{{closure}}");
	cr_expect_str_eq(finding->where.file, "src/a.rs");
	cr_expect_eq(finding->where.line, 40);
	cr_expect_null(finding->stack);
}

Test(long_poll, is_not_found_when_the_worker_had_been_handed_over)
{
	const struct report *report = sample_report(STACKS LONG_POLL(
		"task", "null", "1", "90000000", "90000000", "0,\"handover\":true"));

	cr_expect_eq(report->findings.count, 0);
}

Test(long_poll, is_not_found_for_jobs_of_the_blocking_pool)
{
	const struct report *report = sample_report(
		STACKS LONG_POLL("blocking", "null", "1", "90000000", "90000000", "0"));

	cr_expect_eq(report->findings.count, 0);
}

#define STALL(rest)                                                                                \
	"{\"t\":\"stall\",\"id\":1,\"over\":false,\"in\":\"task\",\"vtable\":1,\"thread\":1,"      \
	"\"task\":5,\"since_ns\":7,\"duration_ns\":2000000000," rest "}\n"

Test(stall, is_found_where_the_call_was_made)
{
	const struct finding *finding =
		only(sample_report(STACKS STALL("\"op\":\"read\",\"class\":\"file\",\"stack\":1")));

	cr_expect_str_eq(finding->kind, "stall");
	cr_expect_str_eq(finding->operation, "read");
	cr_expect_str_eq(finding->where.function, "app::load");
	cr_expect_eq(finding->usage.max_ns, 2000000000);
}

Test(stall, is_found_by_its_task_outside_of_calls)
{
	const struct finding *finding =
		only(sample_report(STACKS STALL("\"op\":null,\"class\":null,\"stack\":null")));

	cr_expect_str_eq(finding->operation, "poll");
	cr_expect_str_eq(finding->where.function, "app::serve::{{closure}}");
}

Test(stall, is_not_found_when_it_is_over)
{
	const struct report *report = sample_report(
		STACKS STALL("\"op\":null,\"class\":null,\"stack\":null") "{\"t\":\"stall\",\"id\":"
									  "1,\"over\":true}\n");

	cr_expect_eq(report->findings.count, 0);
}

Test(finding, without_frames_of_the_application_is_named_by_its_task)
{
	const struct finding *finding =
		only(sample_report(STACKS CALL("1", "read", "file", "task", "null", "")));

	cr_expect_str_eq(finding->where.function, "app::serve::{{closure}}");
	cr_expect_null(finding->where.file);
}

Test(finding, merges_records_of_one_function_and_lists_their_lines)
{
	const struct finding *finding = only(sample_report(STACKS CALL(
		"1", "read", "file", "task", "1", "") CALL("2", "read", "file", "task", "2", "")));

	cr_expect_eq(finding->usage.count, 2);
	cr_expect_eq(finding->usage.total_ns, 6000000);
	cr_expect_eq(finding->usage.histogram.buckets[0].count, 2);
	cr_assert_eq(finding->elsewhere_count, 1);
	cr_expect_neq(finding->where.line, finding->elsewhere[0]->line);
}

Test(finding, keeps_operations_apart)
{
	const struct report *report = sample_report(STACKS CALL(
		"1", "read", "file", "task", "1", "") CALL("2", "write", "file", "task", "1", ""));

	cr_expect_eq(report->findings.count, 2);
}

Test(finding, keeps_places_without_names_apart)
{
	const struct report *report = sample_report(
		"{\"t\":\"stack\",\"id\":1,\"frames\":[[1,100]]}\n"
		"{\"t\":\"stack\",\"id\":2,\"frames\":[[1,200]]}\n"
		"{\"t\":\"call\",\"id\":1,\"op\":\"read\",\"class\":\"file\",\"in\":\"task\","
		"\"stack\":1,\"count\":1}\n"
		"{\"t\":\"call\",\"id\":2,\"op\":\"read\",\"class\":\"file\",\"in\":\"task\","
		"\"stack\":2,\"count\":1}\n"
		"{\"t\":\"call\",\"id\":3,\"op\":\"read\",\"class\":\"file\",\"in\":\"thread\","
		"\"stack\":2,\"count\":1}\n");

	cr_expect_eq(report->findings.count, 2);
	cr_expect_eq(report->findings.unjudged, 1);
	cr_expect_eq(report->processes[0].blind_spot_count, 1);
}

static uint64_t id_with(const char *function, const char *position)
{
	static char lines[2048];

	snprintf(lines, sizeof(lines),
		 "{\"t\":\"stack\",\"id\":1,\"frames\":[[1,%s]]}\n"
		 "{\"t\":\"symbol\",\"module\":1,\"position\":%s,\"frames\":[{\"function\":\"%s\","
		 "\"file\":\"src/a.rs\",\"line\":%s}]}\n"
		 "{\"t\":\"call\",\"id\":1,\"op\":\"read\",\"class\":\"file\",\"in\":\"task\","
		 "\"stack\":1,\"count\":1}\n",
		 position, position, function, position);
	return only(sample_report(lines))->id;
}

/* The id of a finding is in users' baselines: this one must stay what it is. */
Test(finding, has_an_id_that_never_changes)
{
	cr_expect_eq(id_with("app::load::{{closure}}", "100"), 0x5087decc408f2237ull, "%016llx",
		     (unsigned long long)id_with("app::load::{{closure}}", "100"));
}

Test(finding, has_the_same_id_at_another_position_and_line)
{
	cr_expect_eq(id_with("app::load::{closure#0}", "700"), 0x5087decc408f2237ull);
}

Test(finding, has_another_id_in_another_function)
{
	cr_expect_neq(id_with("app::store::{{closure}}", "100"), 0x5087decc408f2237ull);
}

Test(finding, has_the_same_id_on_another_line_also_in_a_closure_without_a_name)
{
	cr_expect_eq(id_with("{{closure}}", "100"), id_with("{{closure}}", "700"));
	cr_expect_neq(id_with("{{closure}}", "100"), id_with("app::{{closure}}", "100"));
}

Test(finding, of_unnamed_closures_on_different_lines_stay_apart)
{
	const struct report *report = sample_report(
		"{\"t\":\"stack\",\"id\":1,\"frames\":[[1,100]]}\n"
		"{\"t\":\"stack\",\"id\":2,\"frames\":[[1,200]]}\n"
		"{\"t\":\"symbol\",\"module\":1,\"position\":100,\"frames\":[{\"function\":"
		"\"{{closure}}\",\"file\":\"src/a.rs\",\"line\":10}]}\n"
		"{\"t\":\"symbol\",\"module\":1,\"position\":200,\"frames\":[{\"function\":"
		"\"{{closure}}\",\"file\":\"src/a.rs\",\"line\":20}]}\n"
		"{\"t\":\"call\",\"id\":1,\"op\":\"read\",\"class\":\"file\",\"in\":\"task\","
		"\"stack\":1,\"count\":1}\n"
		"{\"t\":\"call\",\"id\":2,\"op\":\"read\",\"class\":\"file\",\"in\":\"task\","
		"\"stack\":2,\"count\":1}\n");

	cr_expect_eq(report->findings.count, 2);
}

Test(limits, fail_by_kind)
{
	struct limits limits;

	limits_default(&limits);
	cr_expect_eq(limits_get(&limits, "blocking-call"), 1000000);
	cr_expect_eq(limits_get(&limits, "lock-wait"), 1000000);
	cr_expect_eq(limits_get(&limits, "long-poll"), 10000000);
	cr_expect(limits_exceeded(
		&limits, &(struct finding){.kind = "blocking-call", .usage.max_ns = 1000000}));
	cr_expect_not(limits_exceeded(
		&limits, &(struct finding){.kind = "long-poll", .usage.max_ns = 9999999}));
}
