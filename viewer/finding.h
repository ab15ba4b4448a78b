/* SPDX-License-Identifier: MIT */
/* Findings, and the detectors that make them from a trace. */
#ifndef OVERSTAY_FINDING_H
#define OVERSTAY_FINDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "context.h"
#include "model.h"

/* The lock that a finding is about, of the longest occurrence. */
struct finding_lock {
	const char *type, *address;   /* see lock_name; NULL when not known */
	const struct stack *acquired; /* by the holder; NULL when not known */
	const struct holder *holder;  /* NULL when not known */
	bool has_held;
	uint64_t held_ns; /* at the least */
	/* Of all occurrences together. */
	bool has_waiters;
	uint64_t waits;              /* how often it was waited for */
	const struct party *waiters; /* the first WAITERS_MAX different ones */
	size_t waiter_count;
	uint64_t open; /* how many of those that were held are so still */
};

/* Something that held up an async runtime. Strings belong to the traces or to the list's pool. */
struct finding {
	uint64_t id;                   /* the same after a rebuild of the program */
	uint64_t place;                /* what is merged: as id, but unnamed closures by line */
	const char *kind;              /* the detector's */
	const char *operation, *class; /* NULL where the kind has none */
	enum verdict context;          /* one without a name only for a deadlock of other threads */
	struct usage usage;

	bool has_where;
	struct frame where;      /* see owner_where; only a name for a task without a stack */
	bool own;                /* `where` is in the program's own code */
	const struct frame *via; /* innermost frame of a library called from there, or NULL */
	const struct frame **elsewhere; /* `where` of merged records, other lines */
	size_t elsewhere_count;
	const struct stack *stack; /* of the longest occurrence, NULL when there is none */
	size_t boundary;           /* the stack's frames from here on belong to the poller */

	const struct task_type *type; /* NULL when not known */
	bool has_task;
	uint64_t task;
	const struct thread *thread; /* NULL when not known */
	const char *target_kind, *target_name;
	struct finding_lock lock;
	const struct deadlock *deadlock; /* NULL but for that kind */
	int64_t pid;
	const char *exe; /* NULL when not known */
};

struct finding_list {
	struct finding *items;
	size_t count;
	uint64_t unjudged; /* recorded places whose stacks could not be told apart from idle threads
			    */
	/* Private from here. */
	size_t capacity;
	struct pool *pool;
};

/* One kind of finding: how it is found, and when a gate fails on it. */
struct detector {
	const char *kind;
	const char *summary;
	uint64_t limit_ns; /* default limit of the gate for the longest occurrence */
	void (*detect)(const struct trace *trace, struct finding_list *list);
};

/* All detectors, ended by NULL. */
extern const struct detector *const detectors[];

void finding_list_init(struct finding_list *ret_list);
void finding_list_fini(struct finding_list *list);

/* For detectors: what a finding says of a lock that was waited for. */
struct finding_lock finding_lock_of(const struct lock *lock);

/* Runs all detectors over a linked trace and adds what they find to the list. */
void finding_detect(const struct trace *trace, struct finding_list *list);

/* Orders the list: deadlocks, then by total time, longest first. */
void finding_sort(struct finding_list *list);

/*
 * For detectors: adds a finding about one recorded place; `where`, stack, id, task and thread are
 * worked out here. A finding with the same id is already there when only the rest differs (line,
 * thread, process, task): then the two become one. `draft` carries kind, operation, class, context,
 * usage, target and lock.
 */
void finding_add(struct finding_list *list, const struct trace *trace, const struct origin *origin,
		 const struct finding *draft);

#endif
