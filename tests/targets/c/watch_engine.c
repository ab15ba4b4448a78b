/* SPDX-License-Identifier: MIT */
/*
 * A stand-in for the engine that is interested in every call of every thread, so that the timed
 * half of the wrappers can be tested in programs that have no async runtime. It writes to the file
 * named by WATCH_OUT: "#start", and at the end a line per operation ("read 3") and how the program
 * ended.
 *
 * Runs on: any application thread.
 */
#include "runtime/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>

#include "runtime/sys.h"
#include "runtime/text.h"

__thread unsigned char engine_watch = 1;
int64_t engine_entered_offset;
uint8_t engine_entered_max;

bool held_follows = true;

static const struct engine_op *ops;
static unsigned op_count;
static unsigned counts[ENGINE_MAX_OPS];
static unsigned checks;
static const char *out_path;
static int owner;

void engine_call_begin(struct engine_call *call, unsigned op)
{
	call->op = op;
	__atomic_add_fetch(&counts[op], 1, __ATOMIC_RELAXED);
}

/* Disturbs errno as the engine does, and puts it back as the engine must. */
void engine_call_end(struct engine_call *call, struct subject subject)
{
	int saved = errno;

	errno = EDOM;
	errno = saved;
}

void engine_lock_acquired(const volatile void *lock, enum engine_lock kind, const void *caller)
{
}

bool engine_lock_released(const volatile void *lock)
{
	return true;
}

void engine_lock_wait_begin(const volatile void *lock, enum engine_lock kind, bool timed)
{
}

void engine_lock_wait_end(void)
{
}

void engine_sleeps(void)
{
}

bool engine_sleeps_on(const void *word, int operation, uint32_t expected, bool timed)
{
	return false;
}

static void write_out(const char *bytes, size_t length)
{
	int fd;

	if (!out_path || sys_getpid() != owner)
		return;
	fd = sys_open(out_path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	sys_call3(SYS_write, fd, bytes, length);
	sys_close(fd);
}

void engine_start(const struct engine_host *host)
{
	ops = host->ops;
	op_count = host->op_count;
	out_path = getenv("WATCH_OUT");
	owner = sys_getpid();
	write_out("#start\n", 7);
}

void engine_before_thread(void)
{
	engine_check_objects();
}

void engine_check_objects(void)
{
	__atomic_add_fetch(&checks, 1, __ATOMIC_RELAXED);
}

static void add_line(struct text *text, const char *name, uint64_t value)
{
	text_add(text, name);
	text_add_char(text, ' ');
	text_add_u64(text, value);
	text_add_char(text, '\n');
}

void engine_finish(enum finish_reason reason, int status)
{
	char buffer[8192];
	struct text text;

	text_init(&text, buffer, sizeof(buffer));
	for (unsigned i = 0; i < op_count; i++) {
		if (counts[i])
			add_line(&text, ops[i].name, counts[i]);
	}
	add_line(&text, "#checks", checks);
	add_line(&text, reason == FINISH_EXEC ? "#exec" : "#exit", (uint64_t)status);
	write_out(buffer, text_end(&text));
}
