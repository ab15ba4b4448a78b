/* SPDX-License-Identifier: MIT */
/*
 * The library's beginning and end in a process.
 * Runs on: constructor, exit handler.
 */
#include <stdlib.h>

#include "preload/hooks.h"

/*
 * The C library calls exit handlers in reverse order of registration. This one is registered before
 * the program's start-up code registers the loader's, so it runs after every atexit handler and
 * every destructor, and unlike a destructor it is told the status. The first 32 need no allocation.
 */
static void on_program_exit(int status, void *unused)
{
	engine_finish(FINISH_EXIT, status);
}

/*
 * The priority orders only what is linked into this library: before anything else of it. Against
 * other libraries the loader decides: the C library first, then, as a rule, what was loaded last.
 */
__attribute__((constructor(101))) static void start(void)
{
	struct engine_host host = {.ops = hooks_ops, .op_count = OP_COUNT};

	hooks_resolve_all();
	host.pthread_create = real.pthread_create;
	on_exit(on_program_exit, NULL);
	engine_start(&host);
}
