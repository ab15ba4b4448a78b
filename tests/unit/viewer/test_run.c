/* SPDX-License-Identifier: MIT */
/* Unit tests of viewer/outdir.h and viewer/target.h: what `run` checks before anything runs. */
#include "viewer/outdir.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "viewer/memory.h"
#include "viewer/target.h"

static char scratch[] = "/tmp/overstay-run-XXXXXX";

static void scratch_make(void)
{
	cr_assert_not_null(mkdtemp(scratch));
	cr_assert_eq(chdir(scratch), 0);
}

static void scratch_remove(void)
{
	char *command = memory_format("rm -rf %s", scratch);

	cr_assert_eq(chdir("/"), 0);
	cr_expect_eq(system(command), 0);
	free(command);
}

TestSuite(outdir, .init = scratch_make, .fini = scratch_remove);
TestSuite(target, .init = scratch_make, .fini = scratch_remove);

static void file_write(const char *path, const char *text, mode_t mode)
{
	FILE *file = fopen(path, "w");

	cr_assert_not_null(file);
	fputs(text, file);
	fclose(file);
	cr_assert_eq(chmod(path, mode), 0);
}

static int prepare(const char *path)
{
	char reason[OUTDIR_REASON_SIZE] = "", *absolute = NULL;
	int lock, r = outdir_prepare(path, &absolute, &lock, reason);

	cr_expect_eq(r == 0, absolute && absolute[0] == '/');
	cr_expect_eq(r != 0, reason[0] != '\0');
	if (lock >= 0)
		close(lock);
	free(absolute);
	return r;
}

Test(outdir, is_not_taken_from_a_recording_that_is_under_way)
{
	char reason[OUTDIR_REASON_SIZE] = "", *absolute = NULL;
	int lock;

	cr_assert_eq(outdir_prepare("data", &absolute, &lock, reason), 0);
	cr_expect_eq(prepare("data"), -EBUSY);
	file_write("data/overstay-1.jsonl", "", 0600);
	cr_expect_eq(prepare("data"), -EBUSY);
	cr_expect_eq(access("data/overstay-1.jsonl", F_OK), 0);
	close(lock);
	cr_expect_eq(prepare("data"), 0);
	cr_expect_eq(access("data.old/overstay-1.jsonl", F_OK), 0);
	free(absolute);
}

Test(outdir, is_made_with_its_parents)
{
	cr_expect_eq(prepare("a/b/data/"), 0);
	cr_expect_eq(access("a/b/data", W_OK), 0);
	cr_expect_eq(access("a/b/data/overstay-probe.jsonl", F_OK), -1);
}

Test(outdir, takes_an_empty_directory_as_it_is)
{
	cr_assert_eq(mkdir("data", 0700), 0);
	cr_expect_eq(prepare("data"), 0);
	cr_expect_eq(access("data.old", F_OK), -1);
}

Test(outdir, keeps_the_recording_before)
{
	cr_assert_eq(mkdir("data", 0700), 0);
	cr_assert_eq(mkdir("data.old", 0700), 0);
	file_write("data/overstay-1.jsonl", "new", 0600);
	file_write("data.old/overstay-2.jsonl", "old", 0600);
	cr_expect_eq(prepare("data"), 0);
	cr_expect_eq(access("data/overstay-1.jsonl", F_OK), -1);
	cr_expect_eq(access("data.old/overstay-1.jsonl", F_OK), 0);
	cr_expect_eq(access("data.old/overstay-2.jsonl", F_OK), -1);
}

Test(outdir, leaves_foreign_files_alone)
{
	cr_assert_eq(mkdir("data", 0700), 0);
	file_write("data/overstay-1.jsonl", "trace", 0600);
	file_write("data/letter", "dear reader", 0600);
	cr_expect_eq(prepare("data"), -EEXIST);
	cr_expect_eq(access("data/letter", F_OK), 0);
	file_write("plain", "precious", 0600);
	cr_expect_eq(prepare("plain"), -EEXIST);
	cr_expect_eq(access("plain", F_OK), 0);
}

Test(outdir, leaves_a_foreign_old_directory_alone)
{
	cr_assert_eq(mkdir("data", 0700), 0);
	cr_assert_eq(mkdir("data.old", 0700), 0);
	file_write("data/overstay-1.jsonl", "trace", 0600);
	file_write("data.old/letter", "dear reader", 0600);
	cr_expect_eq(prepare("data"), -EEXIST);
	cr_expect_eq(access("data/overstay-1.jsonl", F_OK), 0);
	cr_expect_eq(access("data.old/letter", F_OK), 0);
}

Test(outdir, does_not_follow_links)
{
	cr_assert_eq(mkdir("elsewhere", 0700), 0);
	file_write("elsewhere/overstay-1.jsonl", "trace", 0600);
	cr_assert_eq(symlink("elsewhere", "data"), 0);
	cr_expect_eq(prepare("data"), -EEXIST);
	cr_expect_eq(access("elsewhere/overstay-1.jsonl", F_OK), 0);
}

/* The C library's own machine stands for the recording library's. */
static int check(const char *command, const char *word)
{
	char reason[TARGET_REASON_SIZE] = "";
	int r = target_check(command, "/proc/self/exe", reason);

	cr_expect_not_null(strstr(reason, word), "no '%s' in '%s'", word, reason);
	return r;
}

Test(target, accepts_programs_and_scripts)
{
	cr_expect_eq(check("sh", ""), 0);
	cr_expect_eq(check("/bin/sh", ""), 0);
	file_write("script", "#! /bin/sh -e\nexit 0\n", 0755);
	cr_expect_eq(check("./script", ""), 0);
	file_write("bare", "exit 0\n", 0755);
	cr_expect_eq(check("./bare", ""), 0);
}

Test(target, refuses_what_is_not_there)
{
	cr_expect_eq(check("no-such-command-here", "not found"), -ENOENT);
	cr_expect_eq(check("./nothing", "./nothing"), -ENOENT);
	cr_expect_eq(check("", "empty"), -ENOENT);
	cr_expect_eq(check("/tmp", "directory"), -EACCES);
	file_write("plain", "exit 0\n", 0644);
	cr_expect_eq(check("./plain", "not executable"), -EACCES);
	file_write("script", "#!/no/such/interpreter\n", 0755);
	cr_expect_eq(check("./script", "/no/such/interpreter"), -ENOENT);
}

Test(target, refuses_a_script_that_interprets_itself)
{
	char *text = memory_format("#!%s/script\n", scratch);

	file_write("script", text, 0755);
	cr_expect_eq(check("./script", "interpreters"), -ELOOP);
	free(text);
}

Test(target, refuses_what_is_neither_a_program_nor_a_script)
{
	FILE *file;

	file_write("junk", "", 0755);
	file = fopen("junk", "w");
	cr_assert_not_null(file);
	fwrite("\0\1junk", 1, 6, file);
	fclose(file);
	cr_expect_eq(check("./junk", "neither"), -ENOEXEC);
}

/* A copy of a real program with some bytes changed. */
static void program_write(const char *path, size_t offset, char value, mode_t mode)
{
	char *command = memory_format("cp /bin/true %s", path);
	FILE *file;

	cr_assert_eq(system(command), 0);
	free(command);
	file = fopen(path, "r+");
	cr_assert_not_null(file);
	if (offset) {
		fseek(file, (long)offset, SEEK_SET);
		fputc(value, file);
	}
	fclose(file);
	cr_assert_eq(chmod(path, mode), 0);
}

Test(target, refuses_another_machine)
{
	program_write("machine", 18, 99, 0755);
	cr_expect_eq(check("./machine", "architecture"), -EXDEV);
	program_write("class", 4, 1, 0755);
	cr_expect_eq(check("./class", "architecture"), -EXDEV);
}

Test(target, refuses_a_static_program)
{
	/* Without program headers there is no interpreter among them. */
	program_write("static", 56, 0, 0755);
	cr_expect_eq(check("./static", "statically"), -ENOEXEC);
}

Test(target, refuses_raised_privileges)
{
	program_write("setuid", 0, 0, 04755);
	cr_expect_eq(check("./setuid", "setuid"), -EPERM);
	program_write("setgid", 0, 0, 02755);
	cr_expect_eq(check("./setgid", "setgid"), -EPERM);
}
