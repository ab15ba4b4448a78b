/* SPDX-License-Identifier: MIT */
/*
 * The dictionary of wrapped functions.
 * Runs on: any thread.
 */
#include "ops.h"

static const struct engine_op *table;
static unsigned table_count;

void ops_set(const struct engine_op *ops, unsigned count)
{
	table = ops;
	table_count = count < ENGINE_MAX_OPS ? count : ENGINE_MAX_OPS;
}

unsigned ops_count(void)
{
	return table_count;
}

const char *ops_name(unsigned op)
{
	return table[op].name;
}

enum call_class ops_class(unsigned op)
{
	return table[op].class;
}

const char *ops_class_name(enum call_class class)
{
	static const char *const names[CLASS_COUNT] = {
		[CLASS_SLEEP] = "sleep", [CLASS_LOCK] = "lock",       [CLASS_WAIT] = "wait",
		[CLASS_IO] = "other",    [CLASS_FILE] = "file",       [CLASS_NET] = "net",
		[CLASS_DNS] = "dns",     [CLASS_PROCESS] = "process", [CLASS_PIPE] = "pipe",
		[CLASS_TTY] = "tty",     [CLASS_THREAD] = "thread",   [CLASS_OTHER] = "other",
	};

	return class < CLASS_COUNT ? names[class] : "other";
}
