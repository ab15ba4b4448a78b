/* SPDX-License-Identifier: MIT */
/*
 * Appends JSON lines to the trace file.
 * Runs on: one thread at a time, see trace_writer.h.
 */
#include "trace_writer.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include "runtime/sys.h"

#define BUFFER_BYTES (256u * 1024)
#define LINE_ROOM    (64u * 1024) /* no line is longer than this */

static char path[4352];
static int file = -1;
static char *buffer;
static size_t complete; /* bytes of whole lines in the buffer */
static struct text current;

static int create_numbered(const char *directory, int pid, unsigned number)
{
	struct text name;

	text_init(&name, path, sizeof(path));
	text_add(&name, directory);
	text_add(&name, "/overstay-");
	text_add_u64(&name, (uint64_t)pid);
	if (number) {
		text_add_char(&name, '-');
		text_add_u64(&name, number);
	}
	text_add(&name, ".jsonl");
	text_end(&name);
	if (name.overflow)
		return -ENAMETOOLONG;
	return sys_open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND, 0644);
}

int trace_writer_create(const char *directory, int pid)
{
	int result = -EEXIST;

	sys_call3(SYS_mkdirat, AT_FDCWD, directory, 0755);
	for (unsigned number = 0; number < 1000 && result == -EEXIST; number++)
		result = create_numbered(directory, pid, number);
	if (result < 0) {
		path[0] = '\0';
		return result;
	}
	file = result;
	return 0;
}

bool trace_writer_exists(void)
{
	return path[0] != '\0';
}

int trace_writer_open(void)
{
	if (file < 0 && path[0])
		file = sys_open(path, O_WRONLY | O_APPEND, 0);
	return file < 0 ? -ENOENT : 0;
}

void trace_writer_close(void)
{
	if (file >= 0)
		sys_close(file);
	file = -1;
}

struct text *trace_writer_line(const char *t)
{
	if (!buffer && !(buffer = sys_map(BUFFER_BYTES)))
		return NULL;
	if (complete + LINE_ROOM > BUFFER_BYTES && trace_writer_flush() < 0)
		return NULL;
	text_init(&current, buffer + complete, LINE_ROOM);
	text_add(&current, "{\"t\":");
	text_add_json(&current, t);
	return &current;
}

void trace_writer_end_line(void)
{
	text_add(&current, "}\n");
	if (!current.overflow)
		complete += text_end(&current);
}

/* Beyond the limit the kernel would not only refuse but send SIGXFSZ, which kills. */
static bool fits_limit(uint64_t end)
{
	struct rlimit64 limit;

	return sys_call4(SYS_prlimit64, 0, RLIMIT_FSIZE, NULL, &limit) < 0 || end <= limit.rlim_cur;
}

int trace_writer_flush(void)
{
	size_t done = 0;
	long result = file < 0 ? -EBADF : 0;
	long start = result < 0 ? result : sys_call3(SYS_lseek, file, 0, 2 /* end */);

	if (start >= 0 && !fits_limit((uint64_t)start + complete))
		return -EFBIG;
	while (start >= 0 && done < complete) {
		result = sys_call3(SYS_write, file, buffer + done, complete - done);
		if (result == -EINTR)
			continue;
		if (result <= 0)
			break;
		done += (size_t)result;
	}
	if (start >= 0 && done == complete) {
		complete = 0;
		return 0;
	}
	if (done)
		sys_call2(SYS_ftruncate, file, start);
	return result < 0 ? (int)result : -EIO;
}

void trace_writer_after_fork(void)
{
	path[0] = '\0';
	file = -1;
	complete = 0;
}

void trace_add_key(struct text *line, const char *key)
{
	text_add(line, ",\"");
	text_add(line, key);
	text_add(line, "\":");
}

void trace_add_string(struct text *line, const char *key, const char *value)
{
	trace_add_key(line, key);
	text_add_json(line, value);
}

void trace_add_u64(struct text *line, const char *key, uint64_t value)
{
	trace_add_key(line, key);
	text_add_u64(line, value);
}

void trace_add_bool(struct text *line, const char *key, bool value)
{
	trace_add_key(line, key);
	text_add(line, value ? "true" : "false");
}
