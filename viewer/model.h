/* SPDX-License-Identifier: MIT */
/*
 * One trace in memory. Filled by load, completed by symbolise, then only read. Everything in it,
 * strings included, belongs to the trace's pool; a pointer is NULL where the trace says null.
 */
#ifndef OVERSTAY_MODEL_H
#define OVERSTAY_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "symbols/symbols.h"
#include "table.h"

struct bucket {
	uint64_t upper_ns, count;
};

struct histogram {
	struct bucket *buckets; /* ascending */
	size_t count, room;
};

/* How often and how long. */
struct usage {
	uint64_t count, total_ns, max_ns, first_ns, last_ns;
	struct histogram histogram;
};

struct module {
	uint64_t id;
	const char *path, *build_id;
	bool judged; /* `state` is known */
	enum module_state state;
};

/* One source-level frame. */
struct frame {
	const char *function, *file; /* NULL when not known */
	int line;                    /* 0 when not known */
	bool inlined;
	const struct module *module; /* NULL when no module covers the position */
	uint64_t offset;             /* code position in the module */
};

/* What symbolisation found at one code position, innermost inlined frame first. */
struct symbol {
	uint64_t module, position;
	struct frame *frames;
	size_t count;
};

struct position {
	bool in_module;
	uint64_t module, address;
};

struct stack {
	uint64_t id;
	struct position *positions; /* return addresses, innermost first */
	size_t position_count;
	struct frame *frames; /* expanded by model_link */
	size_t frame_count;
};

struct thread {
	uint64_t id;
	int64_t tid;
	const char *name;
};

/* A task type: the trace's `vtable` and `type` lines. */
struct task_type {
	uint64_t id, module, poll, dealloc; /* `dealloc` 0 when not known */
	bool named;                         /* a `type` line was there, even if it knew no name */
	const char *name, *file;
	int line;
};

/* Innermost poll that was open on the thread. */
enum scope { SCOPE_TASK, SCOPE_BLOCKING, SCOPE_THREAD };

/* Whether the runtime itself had noted the thread as driving futures. */
enum entered {
	ENTERED_UNKNOWN,
	ENTERED_NO,
	ENTERED_YES,
};

/* The where and the who that `call`, `long_poll` and `held` lines have in common. */
struct origin {
	enum scope scope;
	enum entered entered;
	bool handover; /* the worker's core was somewhere else, so nothing was held up */
	const struct stack *stack; /* NULL when there is none; without frames when it is missing */
	const struct task_type *type; /* NULL when there is none */
	const struct thread *thread;  /* NULL when there is none */
	bool has_task;
	uint64_t task;
};

enum locking {
	LOCKING_UNKNOWN,
	LOCKING_EXCLUSIVE,
	LOCKING_SHARED,
	LOCKING_UPGRADABLE,
};

/* Who has to do with a lock: a task, a thread, or a task on a thread. */
struct party {
	bool has_task;
	uint64_t task;
	const struct task_type *type; /* NULL when there is none */
	const struct thread *thread;  /* NULL when there is none */
};

struct holder {
	bool known; /* false: nobody is named, and the rest says nothing */
	struct party party;
	const struct stack *stack; /* where it acquired the lock; NULL when not known */
	bool suspended;            /* a future that has returned Pending and is not being polled */
	bool queued; /* has not got the lock: a writer that waits, whom readers do not overtake */
	bool has_held;
	uint64_t held_ns; /* for how long, at the least */
};

/* What was acquired or waited for; `type` is one of lock_type_word's. */
struct lock {
	const char *address, *type; /* NULL when not known */
	enum locking mode;          /* wanted, or held */
	struct holder holder;
};

struct call {
	uint64_t id;
	const char *op, *class;
	struct origin origin;
	struct usage usage;
	const char *target_kind, *target_name;
	struct lock lock;
	const char *futex_op;
	int64_t futex_expected;
};

#define WAITERS_MAX 8

/* Locks acquired at one place that were still held when the poll that acquired them returned. */
struct held {
	uint64_t id;
	struct origin origin; /* the stack is that of acquiring */
	struct usage usage;   /* from the end of that poll until the release */
	struct lock lock;     /* of the longest; without a holder, which is `origin` */
	uint64_t open;        /* how many of them are held still */
	uint64_t waits;       /* how often somebody began to wait for one meanwhile */
	struct party waiters[WAITERS_MAX];
	size_t waiter_count;
	const struct stack *parked; /* the wait from which it was concluded that a root future had
				     * yielded; NULL when there is none */
};

/* More links of one cycle than this are counted only. */
#define LINKS_MAX 64

/* One party of a deadlock waits for what another one holds. */
struct link {
	struct party waiter;
	bool waits;                /* false: it is in no lock, and cannot go on all the same */
	struct lock lock;          /* with its holder: the next link's waiter */
	const struct stack *stack; /* where it waits; NULL when not known */
};

struct deadlock {
	uint64_t id;
	bool over;    /* it resolved itself; nothing else is known then */
	bool reentry; /* somebody waits for what it holds itself */
	struct usage usage;
	struct link *links;
	size_t link_count, link_room;
	size_t links_left_out;
};

struct long_poll {
	uint64_t id;
	struct origin origin;
	struct usage usage;
};

/* All calls of one kind that were made inside polls of tasks, long or short. */
struct operation {
	const char *name, *class;
	uint64_t count, total_ns;
};

/* A worker that was in one poll for the stall limit, and may still be. */
struct stall {
	uint64_t id;
	bool over;              /* it came back; nothing else is known then */
	const char *op, *class; /* of the call that it sits in, or NULL */
	struct origin origin;
	struct usage usage;
	struct lock lock; /* that it waits for */
};

/* What became of the places where locks of one type are taken without a call. */
struct lock_coverage {
	const char *type;
	uint64_t sites, patched;
	struct lock_skip {
		const char *reason;
		uint64_t count;
	} * skipped;
	size_t skip_count;
};

struct runtime {
	uint64_t id, module, task_vtables;
	const char *name, *version, *layout;
};

struct ending {
	bool known; /* false: no `end` line, the process was killed or still runs */
	const char *reason;
	bool has_status, has_signal, has_duration, has_dropped;
	int64_t status, signal;
	uint64_t duration_ns, dropped_events, dropped_records, dropped_stacks;
};

struct trace {
	struct pool *pool;
	const char *path;
	uint64_t good_bytes; /* length without a torn last line */

	int64_t pid;
	const char *exe, *build_id;
	uint64_t threshold_ns, long_poll_ns, stall_ns;

	bool attached, stacks; /* coverage */
	uint64_t task_vtables, lock_sites, lock_sites_skipped;
	struct lock_coverage *locks; /* by type */
	size_t lock_count;
	const char *engine;
	const char **blind_spots;
	size_t blind_spot_count;

	bool has_polls;
	struct usage polls;
	struct operation *operations; /* the longest total first */
	size_t operation_count;
	uint64_t set_aside; /* long polls and lock waits that waited for a processor only */
	struct ending ending;

	struct table runtimes;    /* struct runtime, by id */
	struct table modules;     /* struct module, by id */
	struct table threads;     /* struct thread, by id */
	struct table types;       /* struct task_type, by id */
	struct table stack_table; /* struct stack, by id */
	struct table calls;       /* struct call, by id */
	struct table long_polls;  /* struct long_poll, by id */
	struct table stalls;      /* struct stall, by id */
	struct table helds;       /* struct held, by id */
	struct table deadlocks;   /* struct deadlock, by id */
	struct table symbols;     /* struct symbol, by module id and position */
};

struct trace *model_new(const char *path);
void model_free(struct trace *trace); /* accepts NULL */

/* The module with that id, NULL when there is none. */
struct module *model_module(const struct trace *trace, uint64_t id);

/* True for a module of the C library, the loader or the kernel: never anyone's application. */
bool model_module_is_system(const struct module *module);

/* True for the recording library, whose hooks lie between a runtime's frames. */
bool model_module_is_ours(const struct module *module);

/*
 * Expands every stack's positions, but for the library's own, to source-level frames, from the
 * symbols in the trace. A position without symbols becomes one frame without a function.
 */
void model_link(struct trace *trace);

/* True for the same task, or, of two that are none, the same thread. */
bool party_same(const struct party *a, const struct party *b);

/* True when the engine had to switch itself off. */
bool model_engine_is_off(const struct trace *trace);

/* True when the process replaced itself by another program before it polled any task: a launcher.
 */
bool model_was_replaced(const struct trace *trace);

/*
 * True when a runtime was hooked from start to end, so that silence in the trace means something.
 * A launcher is no proof of that, even one with a runtime inside.
 */
bool model_was_watched(const struct trace *trace);

/* Adds the buckets of `from` to `into`; room comes from the pool. */
void histogram_merge(struct histogram *into, const struct histogram *from, struct pool *pool);

#endif
