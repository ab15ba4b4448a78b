/* SPDX-License-Identifier: MIT */
/* Unit tests of runtime/trace_writer.h: names of files, whole lines, and disks that are full. */
#include "runtime/trace_writer.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "/tmp/trace-writer-XXXXXX";
static char path[128];

static void make_directory(void)
{
	cr_assert_not_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/overstay-77.jsonl", directory);
}

static void remove_directory(void)
{
	DIR *entries = opendir(directory);
	struct dirent *entry;

	while (entries && (entry = readdir(entries)))
		unlinkat(dirfd(entries), entry->d_name, 0);
	if (entries)
		closedir(entries);
	rmdir(directory);
}

TestSuite(trace_writer, .init = make_directory, .fini = remove_directory);

static bool exists(const char *name)
{
	char full[128];

	snprintf(full, sizeof(full), "%s/%s", directory, name);
	return access(full, F_OK) == 0;
}

static void create(void)
{
	cr_assert_eq(trace_writer_create(directory, 77), 0);
}

static bool add_line(unsigned number, size_t padding)
{
	static char text[70000];
	struct text *line = trace_writer_line("test");

	if (!line)
		return false;
	memset(text, 'x', padding);
	text[padding] = '\0';
	trace_add_u64(line, "n", number);
	trace_add_string(line, "text", text);
	trace_writer_end_line();
	return true;
}

static off_t file_size(void)
{
	struct stat status;

	cr_assert_eq(stat(path, &status), 0);
	return status.st_size;
}

/* The file holds exactly the lines 0 to count - 1, each whole and each once. */
static void expect_lines(unsigned count)
{
	static char line[80000];
	FILE *file = fopen(path, "r");
	unsigned number = 0;

	cr_assert_not_null(file);
	for (; fgets(line, sizeof(line), file); number++) {
		json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, NULL);

		cr_assert_eq(line[strlen(line) - 1], '\n');
		cr_assert_not_null(object);
		cr_assert_eq(json_integer_value(json_object_get(object, "n")), number);
		json_decref(object);
	}
	fclose(file);
	cr_assert_eq(number, count, "%u lines, not %u", number, count);
}

/* As on a disk with room for `size` bytes of this file. */
static void limit_files(rlim_t size)
{
	struct rlimit limit = {size, RLIM_INFINITY};

	signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

Test(trace_writer, names_the_file_after_the_process)
{
	cr_assert_not(trace_writer_exists());
	create();
	cr_assert(trace_writer_exists());
	cr_assert(exists("overstay-77.jsonl"));
	cr_assert_eq(file_size(), 0);
}

Test(trace_writer, numbers_files_of_the_same_process)
{
	create();
	create();
	create();
	cr_assert(exists("overstay-77.jsonl"));
	cr_assert(exists("overstay-77-1.jsonl"));
	cr_assert(exists("overstay-77-2.jsonl"));
	cr_assert_not(exists("overstay-77-3.jsonl"));
}

Test(trace_writer, never_writes_into_a_file_that_was_there)
{
	FILE *file = fopen(path, "w");

	fputs("mine", file);
	fclose(file);
	create();
	add_line(0, 0);
	cr_assert_eq(trace_writer_flush(), 0);
	cr_assert_eq(file_size(), 4);
}

Test(trace_writer, makes_the_directory)
{
	cr_assert_eq(rmdir(directory), 0);
	create();
	cr_assert(exists("overstay-77.jsonl"));
}

Test(trace_writer, says_why_it_cannot_create_a_file)
{
	static char name[5000];

	cr_assert_eq(trace_writer_create("/proc/none/such", 77), -ENOENT);
	cr_assert_not(trace_writer_exists());
	cr_assert_eq(trace_writer_create("/dev/null", 77), -ENOTDIR);
	memset(name, 'a', sizeof(name) - 1);
	cr_assert_eq(trace_writer_create(name, 77), -ENAMETOOLONG);
	cr_assert_not(trace_writer_exists());
	cr_assert_eq(trace_writer_open(), -ENOENT);
}

Test(trace_writer, writes_json_lines)
{
	char text[256];
	FILE *file;
	struct text *line;

	create();
	line = trace_writer_line("kind");
	trace_add_string(line, "name", "a \"b\"\n");
	trace_add_string(line, "none", NULL);
	trace_add_u64(line, "number", UINT64_MAX);
	trace_add_bool(line, "yes", true);
	trace_add_bool(line, "no", false);
	trace_add_key(line, "list");
	text_add(line, "[1]");
	trace_writer_end_line();
	cr_assert_eq(file_size(), 0, "nothing before it is flushed");
	cr_assert_eq(trace_writer_flush(), 0);
	file = fopen(path, "r");
	cr_assert_not_null(fgets(text, sizeof(text), file));
	fclose(file);
	cr_assert_str_eq(text, "{\"t\":\"kind\",\"name\":\"a \\\"b\\\"\\u000a\",\"none\":null,"
			       "\"number\":18446744073709551615,\"yes\":true,\"no\":false,"
			       "\"list\":[1]}\n");
}

Test(trace_writer, appends_after_it_was_closed_and_opened_again)
{
	create();
	add_line(0, 0);
	cr_assert_eq(trace_writer_flush(), 0);
	trace_writer_close();
	add_line(1, 0);
	cr_assert_eq(trace_writer_flush(), -EBADF);
	cr_assert_eq(trace_writer_open(), 0);
	cr_assert_eq(trace_writer_open(), 0, "already open");
	cr_assert_eq(trace_writer_flush(), 0);
	cr_assert_eq(trace_writer_flush(), 0, "nothing more to say");
	expect_lines(2);
}

Test(trace_writer, leaves_out_a_line_that_was_begun_but_not_ended)
{
	create();
	add_line(0, 0);
	trace_add_u64(trace_writer_line("unfinished"), "n", 99);
	cr_assert_eq(trace_writer_flush(), 0);
	expect_lines(1);
	trace_add_u64(trace_writer_line("unfinished"), "n", 99);
	add_line(1, 0);
	cr_assert_eq(trace_writer_flush(), 0);
	expect_lines(2);
}

Test(trace_writer, leaves_out_a_line_that_is_too_long)
{
	create();
	add_line(0, 0);
	add_line(99, 65536);
	add_line(1, 65000);
	cr_assert_eq(trace_writer_flush(), 0);
	expect_lines(2);
}

Test(trace_writer, writes_by_itself_when_its_buffer_is_full)
{
	create();
	for (unsigned i = 0; i < 2000; i++)
		cr_assert(add_line(i, 1000));
	cr_assert_gt(file_size(), 1000000);
	cr_assert_eq(trace_writer_flush(), 0);
	expect_lines(2000);
}

Test(trace_writer, takes_back_what_it_could_write_only_in_part)
{
	off_t whole;

	create();
	add_line(0, 100);
	cr_assert_eq(trace_writer_flush(), 0);
	whole = file_size();
	limit_files((rlim_t)whole + 500);
	for (unsigned i = 1; i < 10; i++)
		add_line(i, 100);
	cr_assert_eq(trace_writer_flush(), -EFBIG);
	cr_assert_eq(file_size(), whole);
	expect_lines(1);
	cr_assert_eq(trace_writer_flush(), -EFBIG, "still full");
	expect_lines(1);
	limit_files(RLIM_INFINITY);
	cr_assert_eq(trace_writer_flush(), 0);
	expect_lines(10);
}

Test(trace_writer, accepts_lines_while_it_has_room_and_loses_none_of_them)
{
	unsigned accepted = 0;

	create();
	limit_files(0);
	while (accepted < 1000 && add_line(accepted, 1000))
		accepted++;
	cr_assert(accepted > 150 && accepted < 300, "%u", accepted);
	cr_assert_not(add_line(99999, 0), "and goes on refusing");
	cr_assert_eq(file_size(), 0);
	limit_files(RLIM_INFINITY);
	cr_assert(add_line(accepted, 1000));
	cr_assert_eq(trace_writer_flush(), 0);
	expect_lines(accepted + 1);
}

Test(trace_writer, forgets_the_parents_file_in_a_fork_child)
{
	create();
	add_line(0, 0);
	cr_assert_eq(trace_writer_flush(), 0);
	add_line(99, 0);
	trace_writer_after_fork();
	cr_assert_not(trace_writer_exists());
	cr_assert_eq(trace_writer_open(), -ENOENT);
	cr_assert_eq(trace_writer_flush(), -EBADF);
	cr_assert_eq(trace_writer_create(directory, 78), 0);
	cr_assert_eq(trace_writer_flush(), 0);
	expect_lines(1);
	snprintf(path, sizeof(path), "%s/overstay-78.jsonl", directory);
	cr_assert_eq(file_size(), 0, "nothing of the parent's is in the child's");
	add_line(0, 0);
	cr_assert_eq(trace_writer_flush(), 0);
	expect_lines(1);
}

Test(trace_writer, closes_its_file_on_exec)
{
	char link[64], target[256];
	unsigned seen = 0;

	create();
	for (int fd = 3; fd < 256; fd++) {
		ssize_t length;

		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		length = readlink(link, target, sizeof(target) - 1);
		target[length > 0 ? length : 0] = '\0';
		if (strcmp(target, path) != 0)
			continue;
		seen++;
		cr_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	}
	cr_assert_eq(seen, 1);
}
