/* SPDX-License-Identifier: MIT */
/* Unit tests of viewer/program_file.h, and of what a report makes of it. */
#include "viewer/program_file.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "elf_sample.h"
#include "runtime/coverage.h"
#include "sample.h"
#include "viewer/elf_file.h"
#include "viewer/memory.h"

static struct elf_sample sample;
static struct program_files files;

static void init(void)
{
	static const uint8_t notes[] = {4, 0, 0,   0,   3,   0, 0,    0,    3,   0,
					0, 0, 'G', 'N', 'U', 0, 0xab, 0x0c, 0xff};

	elf_sample_init(&sample);
	memcpy(sample.bytes + 0x700, notes, sizeof(notes));
	elf_sample_phdr(&sample, PT_NOTE, 0x700, sizeof(notes));
}

static void fini(void)
{
	program_files_fini(&files);
	elf_sample_remove(&sample);
}

TestSuite(program_file, .init = init, .fini = fini);

static void call_write(size_t offset)
{
	static const uint8_t call[] = {0xb8, 0xca, 0, 0, 0, 0x0f, 0x05};

	memcpy(sample.bytes + SAMPLE_CODE + offset, call, sizeof(call));
}

Test(program_file, counts_direct_calls_of_the_file_that_ran)
{
	struct trace trace = {.build_id = "ab0cff"};
	size_t count = 7;

	call_write(0x10);
	trace.exe = elf_sample_write(&sample, SAMPLE_SIZE);
	cr_expect(program_direct_calls(&files, &trace, &count));
	cr_expect_eq(count, 1);
	trace.build_id = "ab0cfe";
	cr_expect_not(program_direct_calls(&files, &trace, &count), "another build");
	trace.build_id = NULL;
	cr_expect_not(program_direct_calls(&files, &trace, &count), "an unknown build");
	trace = (struct trace){.exe = "/nonexistent/file", .build_id = "ab0cff"};
	cr_expect_not(program_direct_calls(&files, &trace, &count));
}

/* The only blind spot of a process that ran the sample, or NULL. */
static const char *blind_spot(const char *build_id)
{
	struct recording *recording = memory_alloc(sizeof(*recording));
	struct report *report = memory_alloc(sizeof(*report));
	char *header = memory_format("{\"t\":\"header\",\"format\":\"overstay-trace\","
				     "\"version\":1,\"pid\":42,\"exe\":\"%s\","
				     "\"build_id\":\"%s\"}\n",
				     sample.path, build_id);
	char *seen = memory_format("{\"t\":\"coverage\",\"attached\":true,\"engine\":\"on\","
				   "\"blind_spots\":[\"%s\"]}\n",
				   coverage_sentence(BLIND_INLINE_SYSCALLS));

	load_recording(sample_file(header, seen), recording);
	cr_assert_eq(recording->failure_count, 0);
	report_build(recording, report);
	cr_assert_leq(report->processes[0].blind_spot_count, 1);
	return report->processes[0].blind_spot_count ? report->processes[0].blind_spots[0] : NULL;
}

Test(program_file, says_how_many_calls_go_past_libc)
{
	elf_sample_write(&sample, SAMPLE_SIZE);
	cr_expect_null(blind_spot("ab0cff"), "there are none");
	cr_expect_str_eq(blind_spot("ab0cfe"), coverage_sentence(BLIND_INLINE_SYSCALLS));
	elf_sample_remove(&sample);
	call_write(0x10);
	elf_sample_write(&sample, SAMPLE_SIZE);
	cr_expect(strstr(blind_spot("ab0cff"), "1 place in "));
	cr_expect(strstr(blind_spot("ab0cff"), " makes system calls past libc"));
	elf_sample_remove(&sample);
	call_write(0x20);
	elf_sample_write(&sample, SAMPLE_SIZE);
	cr_expect(strstr(blind_spot("ab0cff"), "2 places in "));
	cr_expect(strstr(blind_spot("ab0cff"), " make system calls past libc"));
}

static bool lacks_lines(const char *path)
{
	char reason[ELF_FILE_REASON_SIZE];
	struct trace trace = {.exe = path};
	struct elf_file file;
	bool lacks;

	cr_assert_eq(elf_file_open(&file, path, reason), 0, "%s", reason);
	trace.build_id = file.build_id;
	lacks = program_lacks_lines(&files, &trace);
	cr_expect_eq(program_lacks_lines(&files, &trace), lacks, "asked again");
	program_files_fini(&files);
	elf_file_close(&file);
	return lacks;
}

Test(program_file, knows_programs_without_lines)
{
	elf_sample_write(&sample, SAMPLE_SIZE);
	cr_expect(lacks_lines(PLAIN_PROGRAM));
	cr_expect_not(lacks_lines(LINES_PROGRAM));
	cr_expect_not(lacks_lines(sample.path), "no symbols either");
}
