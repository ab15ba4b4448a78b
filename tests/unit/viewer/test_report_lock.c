/* SPDX-License-Identifier: MIT */
/* Unit tests of viewer/report_lock.h: what people read of locks, also when little is known. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sample.h"

#define SYMBOL(position, function, file)                                                           \
	"{\"t\":\"symbol\",\"module\":1,\"position\":" position                                    \
	",\"frames\":[{\"function\":\"" function "\"" file "}]}\n"
#define PLACES                                                                                     \
	"{\"t\":\"thread\",\"id\":1,\"tid\":43,\"name\":\"worker\"}\n"                             \
	"{\"t\":\"thread\",\"id\":2,\"tid\":44}\n"                                                 \
	"{\"t\":\"vtable\",\"id\":1,\"module\":1,\"poll\":1000,\"class\":\"task\"}\n"              \
	"{\"t\":\"type\",\"vtable\":1,\"name\":\"app::hold::{{closure}}\"}\n"                      \
	"{\"t\":\"stack\",\"id\":1,\"frames\":[[1,100],[1,300]]}\n"                                \
	"{\"t\":\"stack\",\"id\":2,\"frames\":[[1,110],[1,300]]}\n"                                \
	"{\"t\":\"stack\",\"id\":3,\"frames\":[[1,400]]}\n"                                        \
	"{\"t\":\"stack\",\"id\":4,\"frames\":[[1,300]]}\n" SYMBOL(                                \
		"100", "app::hold::{async_fn#0}", ",\"file\":\"src/a.rs\",\"line\":31")            \
		SYMBOL("110", "app::inner", "")                                                    \
			SYMBOL("300", "tokio::runtime::task::raw::poll", "")

#define HELD(type, mode, stack, rest)                                                              \
	"{\"t\":\"held\",\"id\":1,\"in\":\"task\",\"type\":\"" type "\",\"mode\":\"" mode          \
	"\",\"address\":\"0x10\",\"stack\":" stack ",\"vtable\":1,\"task\":5,\"thread\":1,"        \
	"\"count\":1,\"total_ns\":30000000,\"max_ns\":30000000" rest "}\n"

#define WAIT(type, holder)                                                                         \
	"{\"t\":\"call\",\"id\":1,\"op\":\"futex\",\"class\":\"lock\",\"in\":\"task\","            \
	"\"stack\":1,\"vtable\":1,\"task\":5,\"thread\":1,\"count\":1,\"total_ns\":3000000,"       \
	"\"max_ns\":3000000,\"lock\":{\"address\":\"0x10\",\"type\":\"" type                       \
	"\",\"mode\":\"shared\",\"holder\":{" holder "}}}\n"

#define DEADLOCK(reentry, links)                                                                   \
	"{\"t\":\"deadlock\",\"id\":1,\"over\":false,\"reentry\":" reentry                         \
	",\"since_ns\":7,\"duration_ns\":2000000000,\"links\":[" links "]}\n"

#define LINK(waiter, type, holder)                                                                 \
	"{" waiter ",\"waits\":true,\"stack\":1,\"lock\":{\"type\":\"" type                        \
	"\",\"mode\":\"shared\"},\"holder\":{" holder "}}"

static void judge(const char *lines, const char *words, bool wanted)
{
	const struct report *report = sample_report(lines);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	report_text(report, out, false);
	fclose(out);
	cr_expect_eq(strstr(text, words) != NULL, wanted, "%s'%s' in:\n%s", wanted ? "no " : "",
		     words, text);
	free(text);
}

static void expect(const char *lines, const char *words)
{
	judge(lines, words, true);
}

static void expect_no(const char *lines, const char *words)
{
	judge(lines, words, false);
}

Test(report_lock, says_what_was_held_and_for_how_long)
{
	expect(PLACES HELD("std::sync::Mutex", "exclusive", "1", ""),
	       "   held a std::sync::Mutex across an .await for 30.0 ms\n"
	       "   acquired at src/a.rs:31\n");
	expect(PLACES HELD("dashmap", "shared", "1", ""), "held a dashmap shard (read) across");
	expect(PLACES HELD("x", "shared", "1", ""), "held a lock across an .await");
	expect(PLACES HELD("std::sync::Mutex", "exclusive", "1", ",\"open\":1"),
	       "for 30.0 ms, and still did when the trace ended\n");
	expect(PLACES HELD("std::sync::Mutex", "exclusive", "1", ",\"open\":2,\"count\":3"),
	       "30.0 ms in all, 2 still held when the trace ended\n");
}

Test(report_lock, says_as_much_of_the_place_as_is_known)
{
	expect(PLACES HELD("std::sync::Mutex", "exclusive", "2", ""),
	       "1. app::inner\n   held a std::sync::Mutex across an .await for 30.0 ms\n   in "
	       "task");
	expect_no(PLACES HELD("std::sync::Mutex", "exclusive", "4", ""), "acquired");
	expect(PLACES HELD("std::sync::Mutex", "exclusive", "3", ""), "acquired at app+0x190\n");
	expect_no(PLACES HELD("std::sync::Mutex", "exclusive", "99", ""), "acquired");
	expect_no(PLACES HELD("std::sync::Mutex", "exclusive", "null", ""), "acquired");
}

#define WAITERS(waits, list)                                                                       \
	PLACES HELD("std::sync::Mutex", "exclusive", "1",                                          \
		    ",\"waits\":" waits ",\"waiters\":[" list "]")

Test(report_lock, counts_those_who_waited)
{
	expect_no(WAITERS("0", ""), "waited");
	expect(WAITERS("1", "{\"task\":1}"), "; 1 task waited for it meanwhile\n");
	expect(WAITERS("2", "{\"task\":1},{\"thread\":2}"),
	       "; 1 task and 1 thread waited for it meanwhile\n");
	expect(WAITERS("9", "{\"thread\":1},{\"thread\":2}"),
	       "; 2 threads waited for it meanwhile, 9 times in all\n");
	expect(WAITERS("9", ""), "; it was waited for meanwhile, 9 times in all\n");
	expect(WAITERS("90", "{\"task\":1},{\"task\":2},{\"task\":3},{\"task\":4},{\"task\":5},"
			     "{\"task\":6},{\"task\":7},{\"task\":8}"),
	       "; at least 8 tasks waited for it meanwhile, 90 times in all\n");
}

Test(report_lock, names_the_holder_as_far_as_it_is_known)
{
	expect(PLACES WAIT("std::sync::RwLock", "\"task\":9,\"vtable\":1,\"thread\":1,\"stack\":1,"
						"\"held_ns\":290000000"),
	       "   waited for a std::sync::RwLock (read) for 3.00 ms\n"
	       "   held by task 9 (app::hold::{{closure}}) on worker, acquired at src/a.rs:31, for "
	       "at least 290 ms\n   in task");
	expect(PLACES WAIT("std::sync::RwLock", "\"task\":9,\"vtable\":1,\"suspended\":true"),
	       "   held by task 9 (app::hold::{{closure}})\n   which was not running: it held the "
	       "lock across an .await\n");
	expect(PLACES WAIT("dashmap", "\"thread\":1,\"stack\":2"),
	       "   held by thread worker, acquired in app::inner\n");
	expect(PLACES WAIT("dashmap", "\"thread\":2"), "   held by thread 44\n");
	expect(PLACES WAIT("dashmap", "\"task\":9"), "   held by task 9\n");
	expect(PLACES WAIT("dashmap", ""), "   held by an unknown thread\n");
}

#define TASK(id, thread) "\"task\":" id ",\"vtable\":1,\"thread\":" thread

Test(report_lock, goes_round_a_deadlock)
{
	expect(PLACES DEADLOCK("false", LINK(TASK("5", "1"), "dashmap", TASK("6", "2")) "," LINK(
						TASK("6", "2"), "dashmap", TASK("5", "1"))),
	       "   deadlock: 2 tasks waited for one another for 2.00 s, still there when the trace "
	       "ended\n   task 5 (app::hold::{{closure}}) on worker\n      waited for a dashmap "
	       "shard (read) at src/a.rs:31\n      held by task 6 (app::hold::{{closure}})\n"
	       "   task 6 ");
	expect(PLACES DEADLOCK("true", LINK(TASK("5", "1"), "std::sync::RwLock",
					    TASK("5", "1") ",\"stack\":2")),
	       "      held by itself, acquired in app::inner\n");
	expect(PLACES DEADLOCK("false", LINK("\"thread\":1", "pthread_mutex",
					     TASK("6", "1") ",\"suspended\":true")),
	       "deadlock: 2 tasks and threads waited for one another");
	expect(PLACES DEADLOCK("false", LINK("\"thread\":1", "pthread_mutex",
					     TASK("6", "1") ",\"suspended\":true")),
	       "      held by task 6 (app::hold::{{closure}}) across an .await\n"
	       "      it is suspended there, and every thread that could go on with it waits\n");
	expect(PLACES DEADLOCK("false",
			       LINK("\"thread\":1", "pthread_mutex", "\"thread\":2") "," LINK(
				       "\"thread\":2", "pthread_mutex", "\"thread\":1")),
	       "2 threads waited for one another");
	expect(DEADLOCK("false", ""), "deadlock: waited for what could not be released meanwhile");
	expect(PLACES DEADLOCK("false", "{\"task\":5,\"waits\":false,\"holder\":{}}"),
	       "   task 5\n      was not running, and no thread was free to run it\n");
}

Test(report_lock, says_what_to_do)
{
	expect(PLACES HELD("std::sync::Mutex", "exclusive", "1", ""), "else tokio::sync::Mutex or");
	expect(PLACES HELD("parking_lot::RwLock", "shared", "1", ""),
	       "else tokio::sync::RwLock or");
	expect(PLACES HELD("dashmap", "shared", "1", ""), "help: clone the value out of the map");
	expect(PLACES HELD("pthread_mutex", "exclusive", "1", ""), "help: unlock before");
	expect(PLACES DEADLOCK("true", LINK(TASK("5", "1"), "dashmap", TASK("5", "1"))),
	       "two keys can be in one shard");
	expect(PLACES DEADLOCK("true", LINK(TASK("5", "1"), "std::sync::RwLock", TASK("5", "1"))),
	       "a second read waits when a writer");
	expect_no(PLACES WAIT("dashmap", ""), "help:");
}

static void expect_place(const char *lines, const char *words)
{
	const struct report *report = sample_report(lines);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	report_text_place(&report->findings.items[0], out);
	fclose(out);
	cr_expect_str_eq(text, words);
	free(text);
}

Test(report_lock, says_in_half_a_line_where)
{
	expect_place(PLACES HELD("std::sync::Mutex", "exclusive", "2", ""),
		     "std::sync::Mutex held across an .await at app::inner");
	expect_place(PLACES DEADLOCK("true", LINK(TASK("5", "1"), "dashmap", TASK("5", "1"))),
		     "a deadlock at app::hold::{async_fn#0} (src/a.rs:31)");
}

Test(report_lock, lists_what_was_found_of_each_type_and_why_not_all)
{
	const char *lines =
		"{\"t\":\"coverage\",\"attached\":true,\"engine\":\"on\",\"lock_sites\":8,"
		"\"lock_sites_skipped\":4,\"locks\":[{\"type\":\"dashmap\",\"sites\":5,\"patched\":"
		"3,\"skipped\":[{\"reason\":\"no room\",\"count\":1},{\"reason\":\"odd\","
		"\"count\":1}]},{\"type\":\"std::sync::Mutex\",\"sites\":5,\"patched\":5},{"
		"\"type\":"
		"\"pthread_mutex\",\"sites\":2,\"patched\":0,\"skipped\":[{\"reason\":\"odd\","
		"\"count\":2}]}]}\n";

	expect(lines, "   inlined locks: dashmap 3 of 5, std::sync::Mutex 5, pthread_mutex 0 of 2\n"
		      "                  1 left alone: no room\n"
		      "                  3 left alone: odd\n");
	expect_no("", "inlined locks");
}
