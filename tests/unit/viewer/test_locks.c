/* SPDX-License-Identifier: MIT */
/* Unit tests of what the viewer makes of locks: findings, their ids, JSON. */
#include <criterion/criterion.h>

#include "viewer/limits.h"
#include "viewer/report.h"

#include "sample.h"

/*
 * Stacks: 1 acquires in app::hold, 2 waits in app::wait, 3 acquires in app::other, 4 waits in
 * app::other, 5 acquires in the runtime itself, 6 parks, 7 waits for a condition of the program's,
 * 8 acquires in block_in_place, 9 and 10 wait below block_on without a frame of the program's.
 */
#define SYMBOL(position, function)                                                                 \
	"{\"t\":\"symbol\",\"module\":1,\"position\":" position                                    \
	",\"frames\":[{\"function\":\"" function "\",\"file\":\"src/a.rs\",\"line\":" position     \
	"}]}\n"
#define PLACES                                                                                     \
	"{\"t\":\"thread\",\"id\":1,\"tid\":43,\"name\":\"worker\"}\n"                             \
	"{\"t\":\"thread\",\"id\":2,\"tid\":44,\"name\":\"worker\"}\n"                             \
	"{\"t\":\"vtable\",\"id\":1,\"module\":1,\"poll\":1000,\"class\":\"task\"}\n"              \
	"{\"t\":\"type\",\"vtable\":1,\"name\":\"app::hold::{{closure}}\"}\n"                      \
	"{\"t\":\"stack\",\"id\":1,\"frames\":[[1,100],[1,300]]}\n"                                \
	"{\"t\":\"stack\",\"id\":2,\"frames\":[[1,150],[1,110],[1,300]]}\n"                        \
	"{\"t\":\"stack\",\"id\":3,\"frames\":[[1,120],[1,300]]}\n"                                \
	"{\"t\":\"stack\",\"id\":4,\"frames\":[[1,150],[1,120],[1,300]]}\n"                        \
	"{\"t\":\"stack\",\"id\":5,\"frames\":[[1,130],[1,300]]}\n"                                \
	"{\"t\":\"stack\",\"id\":6,\"frames\":[[1,160],[1,170],[1,180]]}\n"                        \
	"{\"t\":\"stack\",\"id\":7,\"frames\":[[1,160],[1,110],[1,180]]}\n"                        \
	"{\"t\":\"stack\",\"id\":8,\"frames\":[[1,190],[1,100],[1,300]]}\n"                        \
	"{\"t\":\"stack\",\"id\":9,\"frames\":[[1,160],[1,180]]}\n"                                \
	"{\"t\":\"stack\",\"id\":10,\"frames\":[[1,150],[1,180]]}\n" SYMBOL(                       \
		"100", "app::hold") SYMBOL("110", "app::wait") SYMBOL("120", "app::other")         \
		SYMBOL("130", "tokio::runtime::time::Handle::reregister") SYMBOL(                  \
			"150", "std::sys::sync::mutex::futex::Mutex::lock_contended")              \
			SYMBOL("160", "std::sys::sync::condvar::futex::Condvar::wait")             \
				SYMBOL("170", "tokio::runtime::park::Inner::park") SYMBOL(         \
					"180", "tokio::runtime::park::CachedParkThread::block_on") \
					SYMBOL("190", "tokio::runtime::context::runtime_mt::exit_" \
						      "runtime")                                   \
						SYMBOL("300", "tokio::runtime::task::raw::poll")

#define HELD(id, in, stack, rest)                                                                  \
	"{\"t\":\"held\",\"id\":" id ",\"in\":\"" in "\",\"type\":\"std::sync::Mutex\",\"mode\":"  \
	"\"exclusive\",\"address\":\"0x10\",\"stack\":" stack ",\"vtable\":1,\"task\":5,"          \
	"\"thread\":1,\"entered\":true,\"count\":2,\"open\":1,\"total_ns\":50,\"max_ns\":30,"      \
	"\"first_ns\":7,\"last_ns\":9,\"histogram\":[[32,2]]" rest "}\n"

#define HOLDER(task, thread, stack, suspended)                                                     \
	"{\"task\":" task ",\"vtable\":1,\"thread\":" thread ",\"stack\":" stack                   \
	",\"suspended\":" suspended ",\"mode\":\"exclusive\",\"held_ns\":90}"

#define WAIT(id, task, thread, stack, address, holder)                                             \
	"{\"t\":\"call\",\"id\":" id ",\"op\":\"futex\",\"class\":\"lock\",\"in\":\"task\","       \
	"\"stack\":" stack ",\"vtable\":1,\"task\":" task ",\"thread\":" thread ",\"count\":1,"    \
	"\"total_ns\":3000000,\"max_ns\":3000000,\"lock\":{\"address\":\"" address                 \
	"\",\"type\":\"std::sync::RwLock\",\"mode\":\"shared\",\"holder\":" holder "}}\n"

#define LINK(task, thread, stack, address, holder)                                                 \
	"{\"task\":" task ",\"vtable\":1,\"thread\":" thread ",\"waits\":true,\"stack\":" stack    \
	",\"lock\":{\"address\":\"" address "\",\"type\":\"std::sync::Mutex\",\"mode\":"           \
	"\"exclusive\"},\"holder\":" holder "}"

#define DEADLOCK(id, reentry, links)                                                               \
	"{\"t\":\"deadlock\",\"id\":" id ",\"over\":false,\"reentry\":" reentry                    \
	",\"since_ns\":7,\"duration_ns\":2000000000,\"links\":[" links "]}\n"

#define FIRST_LINK  LINK("5", "1", "2", "0x10", HOLDER("6", "2", "3", "false"))
#define SECOND_LINK LINK("6", "2", "4", "0x20", HOLDER("5", "1", "1", "false"))

#define STALL(thread, task)                                                                        \
	"{\"t\":\"stall\",\"id\":1,\"over\":false,\"in\":\"task\",\"vtable\":1,\"thread\":" thread \
	",\"task\":" task ",\"since_ns\":7,\"duration_ns\":2000000000,\"op\":\"futex\","           \
	"\"class\":\"lock\",\"stack\":2,\"lock\":{\"address\":\"0x10\",\"type\":"                  \
	"\"std::sync::Mutex\",\"mode\":\"exclusive\",\"holder\":" HOLDER("6", "2", "3",            \
									 "false") "}}\n"

static const struct finding *only(const struct report *report)
{
	cr_assert_eq(report->findings.count, 1, "%zu findings", report->findings.count);
	return &report->findings.items[0];
}

static void expect_none(const struct report *report)
{
	cr_expect_eq(report->findings.count, 0, "%zu findings", report->findings.count);
}

Test(lock_across_await, is_found_where_the_lock_was_acquired)
{
	const struct finding *finding = only(sample_report(
		PLACES HELD("1", "task", "1", ",\"waits\":3,\"waiters\":[{\"task\":8}]")));
	struct limits limits;

	limits_default(&limits);
	cr_expect(limits_exceeded(&limits, finding));
	cr_expect_str_eq(finding->kind, "lock-across-await");
	cr_expect_str_eq(finding->operation, "std::sync::Mutex");
	cr_expect_eq(finding->context, VERDICT_TASK);
	cr_expect_str_eq(finding->where.function, "app::hold");
	cr_expect_eq(finding->usage.max_ns, 30);
	cr_expect_eq(finding->lock.held_ns, 30);
	cr_expect_eq(finding->lock.open, 1);
	cr_expect_eq(finding->lock.waits, 3);
	cr_expect_eq(finding->lock.waiter_count, 1);
	cr_expect_eq(finding->lock.holder->party.task, 5);
	cr_expect_eq(finding->id, 0x8fcd42989bae2286ull, "%016llx",
		     (unsigned long long)finding->id);
}

Test(lock_across_await, is_found_in_what_block_on_runs)
{
	cr_expect_eq(only(sample_report(PLACES HELD("1", "thread", "1", "")))->context,
		     VERDICT_BLOCK_ON);
	cr_expect_eq(only(sample_report(PLACES HELD("1", "thread", "1", ",\"parked_stack\":6")))
			     ->context,
		     VERDICT_BLOCK_ON);
	/* The runtime's park, inlined into block_on, looks the same as a condition inlined there.
	 */
	only(sample_report(PLACES HELD("1", "thread", "1", ",\"parked_stack\":9")));
	only(sample_report(PLACES HELD("1", "thread", "1", ",\"parked_stack\":99")));
}

Test(lock_across_await, is_not_found_where_the_future_itself_waited)
{
	expect_none(sample_report(PLACES HELD("1", "thread", "1", ",\"parked_stack\":7")));
	expect_none(sample_report(PLACES HELD("1", "thread", "1", ",\"parked_stack\":10")));
}

Test(lock_across_await, is_found_also_when_block_in_place_acquired_the_lock)
{
	only(sample_report(PLACES HELD("1", "task", "8", "")));
}

Test(lock_across_await, is_not_found_for_the_runtimes_own_locks_and_for_none)
{
	expect_none(sample_report(PLACES HELD("1", "task", "5", "")));
	expect_none(sample_report(PLACES HELD("1", "task", "1", ",\"count\":0,\"open\":0")));
}

Test(lock_across_await, is_one_finding_for_one_function)
{
	const struct finding *finding = only(sample_report(
		PLACES HELD("1", "task", "1",
			    ",\"waits\":2,\"waiters\":[{\"task\":8},{\"task\":9}]")
			HELD("2", "task", "8",
			     ",\"waits\":1,\"waiters\":[{\"task\":9},{\"thread\":2}]")));

	cr_expect_eq(finding->usage.count, 4);
	cr_expect_eq(finding->lock.open, 2);
	cr_expect_eq(finding->lock.waits, 3);
	cr_expect_eq(finding->lock.waiter_count, 3);
}

Test(lock_wait, believes_the_trace_and_names_the_holder)
{
	const struct finding *finding = only(sample_report(
		PLACES WAIT("1", "5", "1", "2", "0x10", HOLDER("6", "2", "3", "true"))));

	cr_expect_str_eq(finding->kind, "lock-wait");
	cr_expect_str_eq(finding->lock.type, "std::sync::RwLock (read)");
	cr_assert_not_null(finding->lock.holder);
	cr_expect(finding->lock.holder->suspended);
	cr_expect_eq(finding->lock.holder->party.task, 6);
	cr_expect_eq(finding->lock.held_ns, 90);
	cr_expect_str_eq(finding->lock.acquired->frames[0].function, "app::other");
}

Test(lock_wait, without_a_holder_says_nothing_of_one)
{
	const struct finding *finding =
		only(sample_report(PLACES WAIT("1", "5", "1", "2", "0x10", "null")));

	cr_expect_null(finding->lock.holder);
	cr_expect_null(finding->lock.acquired);
	cr_expect_not(finding->lock.has_held);
}

Test(deadlock, is_found_as_a_cycle_and_as_a_re_entry)
{
	const struct finding *finding =
		only(sample_report(PLACES DEADLOCK("1", "false", FIRST_LINK "," SECOND_LINK)));
	struct limits limits;

	limits_default(&limits);
	cr_expect(limits_exceeded(&limits, finding));
	cr_expect_str_eq(finding->kind, "deadlock");
	cr_expect_str_eq(finding->operation, "cycle");
	cr_expect_eq(finding->context, VERDICT_TASK);
	cr_expect_str_eq(finding->where.function, "app::wait");
	cr_expect_str_eq(finding->lock.address, "0x10");
	cr_expect_eq(finding->lock.holder->party.task, 6);
	finding = only(sample_report(PLACES DEADLOCK(
		"1", "true", LINK("5", "1", "2", "0x10", HOLDER("5", "1", "1", "false")))));
	cr_expect_str_eq(finding->operation, "re-entry");
}

Test(deadlock, is_not_found_when_it_resolved_itself)
{
	expect_none(sample_report(PLACES DEADLOCK(
		"1", "false",
		FIRST_LINK "," SECOND_LINK) "{\"t\":\"deadlock\",\"id\":1,\"over\":true}\n"));
}

Test(deadlock, is_found_even_when_nothing_else_is_known_of_it)
{
	const struct finding *finding = only(sample_report(DEADLOCK("1", "false", "")));
	json_t *json = report_json_finding(finding);

	cr_expect(json_is_null(json_object_get(json, "context")));
	cr_expect(json_is_array(json_object_get(json, "cycle")));
	json_decref(json);
}

Test(deadlock, of_a_root_future_is_one_of_block_on)
{
	const struct finding *finding = only(sample_report(
		PLACES
		"{\"t\":\"deadlock\",\"id\":1,\"over\":false,\"reentry\":false,\"links\":[{"
		"\"task\":null,\"vtable\":null,\"thread\":1,\"waits\":true,\"stack\":null,"
		"\"lock\":null,\"holder\":{\"task\":null,\"thread\":1,\"suspended\":true}}]}\n"));

	cr_expect_eq(finding->context, VERDICT_BLOCK_ON);
}

Test(deadlock, is_the_only_finding_about_those_who_are_in_it)
{
	const struct finding *finding =
		only(sample_report(PLACES DEADLOCK("1", "false", FIRST_LINK "," SECOND_LINK)
					   STALL("1", "5") WAIT("1", "6", "2", "4", "0x20", "null")
						   WAIT("2", "5", "1", "2", "0x99", "null")));

	cr_expect_str_eq(finding->kind, "deadlock");
}

Test(deadlock, leaves_others_their_findings)
{
	const struct report *report =
		sample_report(PLACES DEADLOCK("1", "false", FIRST_LINK "," SECOND_LINK)
				      STALL("3", "7") WAIT("1", "6", "2", "1", "0x99", "null")
					      WAIT("2", "7", "3", "2", "0x10", "null"));

	cr_expect_eq(report->findings.count, 4, "%zu", report->findings.count);
}

Test(deadlock, that_resolved_itself_explains_nothing)
{
	const struct finding *finding =
		only(sample_report(PLACES DEADLOCK("1", "false", FIRST_LINK "," SECOND_LINK) STALL(
			"1", "5") "{\"t\":\"deadlock\",\"id\":1,\"over\":true}\n"));

	cr_expect_str_eq(finding->kind, "stall");
	cr_expect_str_eq(finding->lock.type, "std::sync::Mutex");
	cr_expect_eq(finding->lock.holder->party.task, 6);
	cr_expect_eq(finding->lock.waiters[0].task, 5);
}

static uint64_t id_of(const char *lines)
{
	return only(sample_report(lines))->id;
}

Test(deadlock, has_the_same_id_whichever_link_comes_first)
{
	uint64_t id = id_of(PLACES DEADLOCK("1", "false", FIRST_LINK "," SECOND_LINK));

	cr_expect_eq(id, 0x10deada87e6fda25ull, "%016llx", (unsigned long long)id);
	cr_expect_eq(id, id_of(PLACES DEADLOCK("1", "false", SECOND_LINK "," FIRST_LINK)));
	cr_expect_eq(id, id_of(PLACES DEADLOCK("1", "false",
					       FIRST_LINK "," SECOND_LINK "," FIRST_LINK)));
	cr_expect_neq(id, id_of(PLACES DEADLOCK("1", "false", FIRST_LINK)));
	cr_expect_neq(id, id_of(PLACES DEADLOCK("1", "true", FIRST_LINK "," SECOND_LINK)));
}

static json_t *json_of(const char *lines)
{
	return report_json_finding(only(sample_report(lines)));
}

Test(json, says_who_holds_and_who_waits)
{
	json_t *json = json_of(PLACES HELD("1", "task", "1",
					   ",\"waits\":3,\"waiters\":[{\"task\":8,\"thread\":2}]"));
	json_t *lock = json_object_get(json, "lock");
	const char *type;
	int waits, task, tid, held, holder, suspended;

	cr_assert_eq(json_unpack(lock, "{s:s, s:{s:i, s:[i], s:[{s:i}]}, s:i, s:{s:i, s:b}}",
				 "type", &type, "waiters", "count", &waits, "tasks", &task,
				 "threads", "tid", &tid, "held_ns", &held, "holder", "task",
				 &holder, "suspended", &suspended),
		     0);
	cr_expect_str_eq(type, "std::sync::Mutex");
	cr_expect_eq(waits, 3);
	cr_expect_eq(task, 8);
	cr_expect_eq(tid, 44);
	cr_expect_eq(held, 30);
	cr_expect_eq(holder, 5);
	cr_expect(json_is_null(json_object_get(json, "cycle")));
	json_decref(json);
}

Test(json, goes_round_a_cycle)
{
	json_t *json = json_of(PLACES DEADLOCK("1", "false", FIRST_LINK "," SECOND_LINK));
	json_t *cycle = json_object_get(json, "cycle");
	size_t i;

	cr_assert_eq(json_array_size(cycle), 2);
	for (i = 0; i < 2; i++) {
		json_t *link = json_array_get(cycle, i), *next = json_array_get(cycle, 1 - i);
		json_t *holder = json_object_get(link, "holder");
		json_t *waiter = json_object_get(next, "waiter");

		cr_expect(json_equal(json_object_get(holder, "task"),
				     json_object_get(waiter, "task")));
		cr_expect(json_equal(json_object_get(holder, "thread"),
				     json_object_get(waiter, "thread")));
		cr_expect_eq(json_array_size(json_object_get(link, "acquired_at")), 2);
		cr_expect_eq(json_array_size(json_object_get(link, "waiting_at")), 3);
	}
	json_decref(json);
}

Test(json, leaves_unknown_what_the_trace_does_not_say)
{
	json_t *json =
		json_of(PLACES "{\"t\":\"call\",\"id\":1,\"op\":\"futex\",\"class\":\"lock\","
			       "\"in\":\"task\",\"stack\":null,\"count\":1,\"lock\":{"
			       "\"address\":\"0x10\",\"holder\":{\"stack\":99}}}\n");
	json_t *lock = json_object_get(json, "lock");
	json_t *holder = json_object_get(lock, "holder");

	cr_expect(json_is_null(json_object_get(lock, "type")));
	cr_expect(json_is_null(json_object_get(lock, "acquired_at")));
	cr_expect(json_is_null(json_object_get(lock, "held_ns")));
	cr_expect(json_is_null(json_object_get(holder, "task")));
	cr_expect(json_is_null(json_object_get(holder, "thread")));
	cr_expect(json_is_null(json_object_get(holder, "acquired_at")));
	json_decref(json);
}
