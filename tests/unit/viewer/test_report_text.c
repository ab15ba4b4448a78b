/* SPDX-License-Identifier: MIT */
/* Unit tests of viewer/report_text.c and viewer/text_out.h: what people read. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
	"{\"t\":\"call\",\"id\":" stack ",\"op\":\"" op                                            \
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
