/* SPDX-License-Identifier: MIT */
/*
 * What a stack was part of: an async task, the root future of `block_on`, or something that may
 * block as long as it likes. The trace says which poll was open; the frames refine that.
 */
#ifndef OVERSTAY_CONTEXT_H
#define OVERSTAY_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "model.h"

/* What a function of the runtime says about the frames inside of it. */
enum role {
	ROLE_NONE,
	ROLE_BLOCK_IN_PLACE, /* the worker has handed its core over */
	ROLE_BLOCKING_POOL,  /* spawn_blocking and what is built on it */
	ROLE_PARK,           /* the runtime has nothing to do */
	ROLE_TASK,           /* polls a task; a job of the blocking pool comes through here, too */
	ROLE_TASK_LOOP,      /* polls tasks of the async kind only */
	ROLE_BLOCK_ON,       /* polls the root future */
	ROLE_WORKER,         /* a worker's own loop */
};

enum verdict {
	VERDICT_TASK,     /* inside the poll of a task */
	VERDICT_BLOCK_ON, /* inside the poll of a root future */
	VERDICT_EXEMPT,   /* may block: blocking pool, block_in_place, idle, no runtime's thread */
	VERDICT_UNJUDGED, /* the frames would tell, but have no symbols */
};

/* The role of a function by its demangled name; ROLE_NONE for NULL. */
enum role context_role(const char *function);

/*
 * Judges one recorded place. `waits`: the call was one that a runtime also makes when it has
 * nothing to do (a lock or readiness), so that outside of a task's poll only frames can tell.
 */
enum verdict context_judge(const struct origin *origin, bool waits);

/*
 * Index of the frame that polls the future, that is, of the first one that is none of its business
 * any more; the number of frames when there is no such frame.
 */
size_t context_boundary(const struct stack *stack);

/* The word for a verdict in reports: "task" or "block_on"; NULL for those that are not reported. */
const char *context_name(enum verdict verdict);

#endif
