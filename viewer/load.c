/* SPDX-License-Identifier: MIT */
/* Reading of trace files, one and many: lines, errors in words. */
#include "load.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "load_lines.h"

/* The longest line that can make sense; more is not a trace and must not fill the memory. */
#define LINE_LIMIT ((size_t)64 << 20)

struct reader {
	FILE *file;
	char *buffer;
	size_t capacity, used, start; /* unread bytes: start .. used */
	uint64_t line_number, good_bytes;
};

__attribute__((format(printf, 2, 3))) static void reason_set(char *reason, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(reason, LOAD_REASON_SIZE, format, args);
	va_end(args);
}

/* Returns 1 with the next complete line, 0 at the end (a torn line is none), or -errno. */
static int reader_line(struct reader *reader, const char **ret_line, size_t *ret_length)
{
	size_t searched = 0;

	for (;;) {
		char *line = reader->buffer + reader->start;
		size_t length = reader->used - reader->start, got;
		char *newline =
			length > searched ? memchr(line + searched, '\n', length - searched) : NULL;

		if (newline) {
			*ret_line = line;
			*ret_length = newline - line;
			reader->start += *ret_length + 1;
			reader->line_number++;
			reader->good_bytes += *ret_length + 1;
			return 1;
		}
		if (length > LINE_LIMIT)
			return -EMSGSIZE;
		searched = length;
		if (reader->start)
			memmove(reader->buffer, line, length);
		reader->start = 0;
		reader->used = length;
		reader->buffer = memory_grow(reader->buffer, &reader->capacity, length + 65536, 1);
		got = fread(reader->buffer + length, 1, reader->capacity - length, reader->file);
		if (!got)
			return ferror(reader->file) ? -EIO : 0;
		reader->used += got;
	}
}

static int line_take(struct trace *trace, struct reader *reader, const char *text, size_t length,
		     char *reason)
{
	bool first = reader->line_number == 1;
	json_error_t error;
	json_t *line;
	int r;

	line = json_loadb(text, length, 0, &error);
	if (!line && first) {
		reason_set(reason, "not an overstay trace (the first line is not JSON)");
		return -EPROTO;
	}
	if (!line) {
		reason_set(reason, "damaged: line %llu is not JSON (%s)",
			   (unsigned long long)reader->line_number, error.text);
		return -EPROTO;
	}
	r = first ? load_header(trace, line) : load_line(trace, line);
	if (r == -EPROTONOSUPPORT)
		reason_set(reason,
			   "written by a newer overstay (format version %lld); "
			   "read it with that one",
			   (long long)json_integer_value(json_object_get(line, "version")));
	else if (r < 0 && first)
		reason_set(reason, "not an overstay trace (JSON, but without its header)");
	else if (r < 0)
		reason_set(reason, "damaged: line %llu lacks a key that its kind needs",
			   (unsigned long long)reader->line_number);
	json_decref(line);
	return r;
}

static int lines_take(struct trace *trace, struct reader *reader, char *reason)
{
	const char *line;
	size_t length;
	int r;

	while ((r = reader_line(reader, &line, &length)) > 0) {
		r = line_take(trace, reader, line, length, reason);
		if (r < 0)
			return r;
	}
	if (r == -EMSGSIZE)
		reason_set(reason, "not an overstay trace (a line of more than 64 MiB)");
	else if (r < 0)
		reason_set(reason, "cannot be read: %s", strerror(-r));
	else if (!reader->line_number)
		reason_set(reason, reader->used ? "not an overstay trace (no complete line)"
						: "empty: nothing was recorded in it");
	if (r == 0 && !reader->line_number)
		r = -ENODATA;
	return r;
}

int load_trace(const char *path, struct trace **ret_trace, char reason[LOAD_REASON_SIZE])
{
	struct reader reader = {.file = fopen(path, "re")};
	struct trace *trace;
	struct stat status;
	int r;

	if (!reader.file) {
		r = -errno;
		reason_set(reason, "cannot be opened: %s", strerror(-r));
		return r;
	}
	if (fstat(fileno(reader.file), &status) == 0 && S_ISDIR(status.st_mode)) {
		fclose(reader.file);
		reason_set(reason, "is a directory");
		return -EISDIR;
	}
	trace = model_new(path);
	r = lines_take(trace, &reader, reason);
	trace->good_bytes = reader.good_bytes;
	free(reader.buffer);
	fclose(reader.file);
	if (r < 0) {
		model_free(trace);
		return r;
	}
	*ret_trace = trace;
	return 0;
}

static void recording_fail(struct recording *recording, const char *path, const char *reason)
{
	struct load_failure *failure;

	recording->failures = memory_grow(recording->failures, &recording->failure_capacity,
					  recording->failure_count + 1, sizeof(*failure));
	failure = &recording->failures[recording->failure_count++];
	failure->path = memory_format("%s", path);
	reason_set(failure->reason, "%s", reason);
}

static void recording_add(struct recording *recording, const char *path)
{
	char reason[LOAD_REASON_SIZE];
	struct trace *trace;

	if (load_trace(path, &trace, reason) < 0) {
		recording_fail(recording, path, reason);
		return;
	}
	recording->traces = memory_grow(recording->traces, &recording->trace_capacity,
					recording->trace_count + 1, sizeof(*recording->traces));
	recording->traces[recording->trace_count++] = trace;
}

static int entry_is_trace(const struct dirent *entry)
{
	return fnmatch("overstay-*.jsonl", entry->d_name, 0) == 0;
}

static void recording_add_directory(struct recording *recording, const char *path)
{
	struct dirent **entries;
	int i, count = scandir(path, &entries, entry_is_trace, alphasort);

	if (count < 0) {
		recording_fail(recording, path, strerror(errno));
		return;
	}
	for (i = 0; i < count; i++) {
		char *file = memory_format("%s/%s", path, entries[i]->d_name);

		recording_add(recording, file);
		free(file);
		free(entries[i]);
	}
	free(entries);
	if (!count)
		recording_fail(recording, path, "no trace (overstay-*.jsonl) in this directory");
}

void load_recording(const char *path, struct recording *ret_recording)
{
	struct stat status;

	*ret_recording = (struct recording){0};
	if (stat(path, &status) < 0)
		recording_fail(ret_recording, path, strerror(errno));
	else if (S_ISDIR(status.st_mode))
		recording_add_directory(ret_recording, path);
	else
		recording_add(ret_recording, path);
}

void load_fini(struct recording *recording)
{
	size_t i;

	for (i = 0; i < recording->trace_count; i++)
		model_free(recording->traces[i]);
	for (i = 0; i < recording->failure_count; i++)
		free(recording->failures[i].path);
	free(recording->traces);
	free(recording->failures);
	*recording = (struct recording){0};
}
