/* SPDX-License-Identifier: MIT */
/* Unit tests of viewer/report_text.c and viewer/text_out.h: what people read. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "viewer/memory.h"
#include "viewer/report.h"
#include "viewer/source_path.h"

#include "sample.h"

#define REGISTRY_PATH "/root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/"

/* Frames 100 (SQLite below a closure), 200 (a named function) and 300 (the runtime). */
#define SYMBOLS                                                                                    \
	"{\"t\":\"symbol\",\"module\":1,\"position\":100,\"frames\":["                             \
	"{\"function\":\"full_fsync\",\"file\":\"" REGISTRY_PATH                                   \
	"libsqlite3-sys-0.28.0/sqlite3/sqlite3.c\",\"line\":41660,\"inlined\":true},"              \
	"{\"function\":\"rusqlite::statement::execute\",\"file\":\"" REGISTRY_PATH                 \
	"rusqlite-0.31.0/src/statement.rs\",\"line\":114,\"inlined\":true},"                       \
	"{\"function\":\"{{closure}}\",\"file\":\"/srv/web/src/main.rs\",\"line\":19,"             \
	"\"inlined\":true},{\"function\":\"F::call::{{closure}}\",\"file\":\"" REGISTRY_PATH       \
	"axum-0.7.9/src/handler/mod.rs\",\"line\":202}]}\n"                                        \
	"{\"t\":\"symbol\",\"module\":1,\"position\":200,\"frames\":["                             \
	"{\"function\":\"app::load\",\"file\":\"/srv/app/src/a.rs\",\"line\":20}]}\n"              \
	"{\"t\":\"symbol\",\"module\":1,\"position\":300,\"frames\":["                             \
	"{\"function\":\"tokio::runtime::task::raw::poll\"}]}\n"                                   \
	"{\"t\":\"stack\",\"id\":1,\"frames\":[[1,100],[1,300]]}\n"                                \
	"{\"t\":\"stack\",\"id\":2,\"frames\":[[1,200],[1,300]]}\n"                                \
	"{\"t\":\"stack\",\"id\":3,\"frames\":[[1,300]]}\n"

#define CALL(op, class, stack)                                                                     \
	"{\"t\":\"call\",\"id\":1,\"op\":\"" op                                                    \
	"\",\"class\":\"" class "\",\"in\":\"task\",\"stack\":" stack                              \
				",\"count\":1,\"total_ns\":3000000,"                               \
				"\"max_ns\":3000000}\n"

static char *text_of(const struct report *report)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	report_text(report, out, false);
	fclose(out);
	return text;
}

static char *place_of(const struct report *report)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	cr_assert_eq(report->findings.count, 1, "%zu findings", report->findings.count);
	report_text_place(&report->findings.items[0], out);
	fclose(out);
	return text;
}

static void expect(const char *lines, const char *words)
{
	char *text = text_of(sample_report(lines));

	cr_expect_not_null(strstr(text, words), "no '%s' in:\n%s", words, text);
	free(text);
}

static void expect_no(const char *lines, const char *words)
{
	char *text = text_of(sample_report(lines));

	cr_expect_null(strstr(text, words), "'%s' in:\n%s", words, text);
	free(text);
}

Test(report_text, shows_the_programs_own_frames_and_folds_the_libraries)
{
	const char *lines = SYMBOLS CALL("fsync", "file", "1");

	expect(lines, ", in libsqlite3-sys (full_fsync)\n");
	expect(lines, "      (2 frames in libsqlite3-sys, rusqlite)\n      closure ");
	expect(lines, "/srv/web/src/main.rs:19\n      (2 frames in axum, tokio)\n");
	expect_no(SYMBOLS CALL("fsync", "file", "2"), ", in ");
}

Test(report_text, shows_libraries_where_there_is_nothing_else)
{
	const char *lines =
		"{\"t\":\"symbol\",\"module\":1,\"position\":100,\"frames\":["
		"{\"function\":\"full_fsync\",\"file\":\"" REGISTRY_PATH
		"libsqlite3-sys-0.28.0/sqlite3/sqlite3.c\",\"line\":41660}]}\n"
		"{\"t\":\"stack\",\"id\":1,\"frames\":[[1,100]]}\n" CALL("fsync", "file", "1");

	expect(lines, "1. full_fsync at libsqlite3-sys-0.28.0/sqlite3/sqlite3.c:41660\n");
	expect(lines, "  libsqlite3-sys-0.28.0/sqlite3/sqlite3.c:41660\n");
}

Test(report_text, writes_paths_of_libraries_short)
{
	cr_expect_str_eq(source_path_short(REGISTRY_PATH "a-b-0.1.0/src/lib.rs"),
			 "a-b-0.1.0/src/lib.rs");
	cr_expect_str_eq(source_path_short("/rustc/01ab/library/std/src/fs.rs"), "std/src/fs.rs");
	cr_expect_str_eq(source_path_short("/opt/lib/rustlib/src/rust/library/core/src/a.rs"),
			 "core/src/a.rs");
	cr_expect_str_eq(source_path_short("/srv/library/src/main.rs"), "/srv/library/src/main.rs");
	cr_expect_str_eq(source_path_short("/registry/src/"), "/registry/src/");
}

Test(report_text, says_where_a_closure_without_a_name_is)
{
	const char *lines = SYMBOLS CALL("fsync", "file", "1");
	char *place = place_of(sample_report(lines));

	expect(lines, "1. closure in /srv/web/src/main.rs:19\n");
	expect_no(lines, "{{closure}} at");
	cr_expect_not_null(strstr(place, " at /srv/web/src/main.rs:19"), "%s", place);
	free(place);
}

Test(report_text, tells_code_without_symbols_from_code_of_the_runtime)
{
	expect(SYMBOLS CALL("fsync", "file", "3"), "1. a future inlined into Tokio's poll");
	expect("{\"t\":\"stack\",\"id\":3,\"frames\":[[1,400]]}\n" CALL("fsync", "file", "3"),
	       "1. code without symbols\n");
	expect(CALL("fsync", "file", "null"), "1. a task of unknown type\n");
}

static void expect_place(const char *lines, const char *expected)
{
	char *place = place_of(sample_report(lines));

	cr_expect_str_eq(place, expected);
	free(place);
}

#define LOCK_FRAME(function)                                                                       \
	"{\"t\":\"symbol\",\"module\":1,\"position\":400,\"frames\":[{\"function\":\"" function    \
	"\"}]}\n{\"t\":\"stack\",\"id\":4,\"frames\":[[1,400],[1,200],[1,300]]}\n"

#define LONG_POLL(count)                                                                           \
	"{\"t\":\"vtable\",\"id\":1,\"module\":1,\"poll\":1000,\"class\":\"task\"}\n"              \
	"{\"t\":\"type\",\"vtable\":1,\"name\":\"app::serve::{{closure}}\"}\n"                     \
	"{\"t\":\"long_poll\",\"id\":1,\"in\":\"task\",\"vtable\":1,\"stack\":null,"               \
	"\"count\":" count ",\"total_ns\":90000000,\"max_ns\":50000000}\n"

Test(report_text, says_what_happened)
{
	expect(SYMBOLS CALL("fsync", "file", "2"), "blocked in fsync() for 3.00 ms\n");
	expect(LONG_POLL("1"), "   a poll ran for 50.0 ms (");
	expect(LONG_POLL("2"), "   2 polls ran too long, for up to 50.0 ms, 90.0 ms in all (");
	expect(SYMBOLS LOCK_FRAME("std::sync::mpsc::Receiver<T>::recv") CALL("futex", "lock", "4"),
	       "waited to receive on a std::sync::mpsc channel for 3.00 ms");
	expect(SYMBOLS LOCK_FRAME("std::sync::mpsc::SyncSender<T>::send")
		       CALL("futex", "lock", "4"),
	       "waited to send on a std::sync::mpsc channel for 3.00 ms");
}

Test(report_text, says_in_half_a_line_where)
{
	expect_place(SYMBOLS CALL("fsync", "file", "2"),
		     "fsync() at app::load (/srv/app/src/a.rs:20)");
	expect_place(LONG_POLL("1"), "a poll of app::serve::{{closure}}");
	expect_place(SYMBOLS LOCK_FRAME("std::sync::mpsc::Receiver<T>::recv")
			     CALL("futex", "lock", "4"),
		     "std::sync::mpsc at app::load (/srv/app/src/a.rs:20)");
}

#define POLLS(count, aside)                                                                        \
	"{\"t\":\"polls\",\"count\":" count ",\"total_ns\":5,\"max_ns\":5,\"set_aside\":" aside    \
	"}\n"

Test(report_text, counts_polls_in_words_that_fit)
{
	expect(POLLS("0", "0"), "; no task was polled;");
	expect(POLLS("1", "0"), "; 1 poll, the longest 5 ns;");
	expect(POLLS("2", "0"), "; 2 polls, the longest 5 ns; calls of 1.00 ms and longer\n");
	expect_no(POLLS("2", "0"), "set aside");
	expect(POLLS("2", "1"), "1 long poll or lock wait set aside: waiting for a processor");
	expect(POLLS("2", "19"), "19 long polls or lock waits set aside: waiting for a");
}

static char directory[] = "/tmp/overstay-report-XXXXXX";

static void trace_write(int pid, const char *exe, bool attached)
{
	char *path = memory_format("%s/overstay-%d.jsonl", directory, pid);
	FILE *file = fopen(path, "w");

	cr_assert_not_null(file);
	fprintf(file,
		"{\"t\":\"header\",\"format\":\"overstay-trace\",\"version\":1,\"pid\":%d,"
		"\"exe\":\"%s\"}\n{\"t\":\"coverage\",\"attached\":%s,\"engine\":\"on\","
		"\"blind_spots\":[\"no known runtime\"]}\n",
		pid, exe, attached ? "true" : "false");
	fclose(file);
	free(path);
}

static char *text_of_directory(void)
{
	char *command = memory_format("rm -rf %s", directory), *text;
	struct recording recording;
	struct report report;

	load_recording(directory, &recording);
	report_build(&recording, &report);
	text = text_of(&report);
	report_fini(&report);
	load_fini(&recording);
	cr_expect_eq(system(command), 0);
	free(command);
	return text;
}

Test(report_text, sums_up_processes_without_a_runtime)
{
	char *text;

	cr_assert_not_null(mkdtemp(directory));
	trace_write(1, "/bin/sh", false);
	trace_write(2, "/srv/app", true);
	trace_write(3, "/bin/git", false);
	trace_write(4, "/usr/bin/git", false);
	text = text_of_directory();
	cr_expect_not_null(
		strstr(text, "\n\n3 other processes without an async runtime: git x2, sh\n"), "%s",
		text);
	cr_expect_null(strstr(text, "(pid 1)"), "%s", text);
	cr_expect_not_null(strstr(text, "app (pid 2), no end recorded"), "%s", text);
	free(text);
}

Test(report_text, explains_a_process_without_a_runtime_when_there_is_no_other)
{
	char *text;

	cr_assert_not_null(mkdtemp(directory));
	trace_write(1, "/bin/sh", false);
	text = text_of_directory();
	cr_expect_not_null(strstr(text, "sh (pid 1)\n   nothing was judged: no async runtime"),
			   "%s", text);
	cr_expect_null(strstr(text, "other process"), "%s", text);
	free(text);
}
