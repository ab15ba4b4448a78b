/* SPDX-License-Identifier: MIT */
/*
 * The trace file: whole JSON lines, appended. A write that fails (full disk) is taken back and
 * tried again later; until then no new lines are accepted and the caller keeps what it wanted to
 * say. Runs on: the constructor (header), the collector, or an exiting thread without collector;
 * one at a time.
 */
#ifndef OVERSTAY_TRACE_WRITER_H
#define OVERSTAY_TRACE_WRITER_H

#include <stdbool.h>

#include "runtime/text.h"

/*
 * Creates this process's file in `directory` (made if need be) and keeps its name for
 * trace_writer_open. Returns 0 or a negative errno.
 */
int trace_writer_create(const char *directory, int pid);

/* True when a file was created for this process. */
bool trace_writer_exists(void);

/* Opens the file created before for appending; closes it. The descriptor is close-on-exec. */
int trace_writer_open(void);
void trace_writer_close(void);

/*
 * Starts a line of kind `t`; the caller adds `,"key":value` text and ends it with
 * trace_writer_end_line. NULL while there is no room.
 */
struct text *trace_writer_line(const char *t);
void trace_writer_end_line(void);

/* Writes what was added. Returns 0, or a negative errno when some of it has to wait. */
int trace_writer_flush(void);

/* In a fork child: forgets the parent's file and everything not yet written. */
void trace_writer_after_fork(void);

/* ,"key":value */
void trace_add_string(struct text *line, const char *key, const char *value); /* NULL: null */
void trace_add_u64(struct text *line, const char *key, uint64_t value);
void trace_add_bool(struct text *line, const char *key, bool value);
void trace_add_key(struct text *line, const char *key); /* the value follows */

#endif
