/* SPDX-License-Identifier: MIT */
/*
 * Deadlocks.
 * Runs on: whoever drains.
 *
 * A snapshot is not taken in one moment, so a cycle in it proves nothing. But a thread that is in
 * the same wait in two snapshots was in it in between, and while it waits its notes do not change.
 * So what is stuck in both, in the same waits, was stuck all together.
 */
#include "deadlock.h"

#include <stddef.h>
#include <string.h>

#include "runtime/aggregate.h"
#include "runtime/clock.h"
#include "runtime/locks.h"
#include "runtime/thread.h"
#include "runtime/trace_locks.h"
#include "runtime/trace_objects.h"
#include "runtime/trace_records.h"
#include "runtime/trace_writer.h"
#include "runtime/wait_snapshot.h"

#define DEADLOCKS_MAX 64
#define LINKS_MAX     32

struct deadlock {
	struct thread *thread; /* the first link's waiter */
	uint32_t sequence;     /* of its wait */
	bool over;
	struct trace_schedule schedule;
};

/* One step around a cycle: a waiter, and which of its holders keeps it. */
struct link {
	unsigned waiter, holder;
	bool by_writer; /* a reader behind a writer that waits itself */
};

struct cycle {
	unsigned count;
	struct link links[LINKS_MAX];
};

static struct deadlock deadlocks[DEADLOCKS_MAX]; /* by id - 1 */
static uint32_t deadlock_count;

static bool is_certain(const struct waiter *waiter)
{
	return waiter->thread->deadlock.stuck == waiter->wait.sequence;
}

/* The holder that keeps a stuck waiter: itself if possible. */
static unsigned stuck_holder(const struct wait_snapshot *snapshot, unsigned index)
{
	const struct waiter *waiter = &snapshot->waiters[index];
	unsigned best = waiter->holder_count;

	for (unsigned i = waiter->holder_count; i > 0; i--)
		if (graph_is_stuck(&snapshot->graph, waiter->nodes[i - 1]) &&
		    (best == waiter->holder_count || waiter->nodes[i - 1] == index ||
		     waiter->nodes[best] != index))
			best = i - 1;
	return best;
}

static int position_in(const struct cycle *path, unsigned waiter)
{
	for (unsigned i = 0; i < path->count; i++)
		if (path->links[i].waiter == waiter)
			return (int)i;
	return -1;
}

/* Of the stuck ones that a node waits for, one that the path has not been at, or the earliest. */
static unsigned next_waiter(const struct wait_snapshot *snapshot, uint16_t node,
			    const struct cycle *path)
{
	const struct graph_node *at = &snapshot->graph.nodes[node];
	int earliest = LINKS_MAX;

	if (node < snapshot->waiter_count)
		return node;
	for (unsigned i = 0; i < at->edge_count; i++) {
		unsigned waiter = snapshot->graph.edges[at->first_edge + i];
		int position = position_in(path, waiter);

		if (position < 0)
			return waiter;
		if (position < earliest)
			earliest = position;
	}
	return path->links[earliest].waiter;
}

/* Follows holders from a stuck waiter until they come around; the way to there is left out. */
static bool find_cycle(const struct wait_snapshot *snapshot, unsigned from, struct cycle *ret)
{
	unsigned waiter = from;
	int start;

	ret->count = 0;
	while ((start = position_in(ret, waiter)) < 0) {
		struct link *link = &ret->links[ret->count];
		const struct graph_node *node = &snapshot->graph.nodes[waiter];

		if (ret->count == LINKS_MAX || !is_certain(&snapshot->waiters[waiter]))
			return false;
		ret->count++;
		link->waiter = waiter;
		link->holder = stuck_holder(snapshot, waiter);
		link->by_writer = link->holder == snapshot->waiters[waiter].holder_count;
		if (link->by_writer) {
			unsigned i = 0;

			while (!graph_is_stuck(&snapshot->graph,
					       snapshot->graph.edges[node->first_edge + i]))
				i++;
			waiter = snapshot->graph.edges[node->first_edge + i];
		} else {
			waiter = next_waiter(snapshot,
					     snapshot->waiters[waiter].nodes[link->holder], ret);
		}
	}
	ret->count -= (unsigned)start;
	memmove(ret->links, ret->links + start, ret->count * sizeof(*ret->links));
	return true;
}

static uint32_t waiting_stack(const struct waiter *waiter)
{
	uint64_t frames[UNWIND_MAX_FRAMES];
	unsigned count = unwind_from(&waiter->wait.context, frames, UNWIND_MAX_FRAMES);

	if (__atomic_load_n(&waiter->thread->lock_wait.sequence, __ATOMIC_ACQUIRE) !=
	    waiter->wait.sequence)
		return 0;
	return aggregate_stack_index(frames, count);
}

/* The poll that a waiting thread is in, if it is a task's. */
static const struct poll_frame *polled_task(struct thread *thread)
{
	const struct poll_frame *frame = thread_poll(thread);

	return frame && frame->class == POLL_TASK ? frame : NULL;
}

struct told_link {
	const struct waiter *waiter;
	const struct poll_frame *frame;
	uint32_t thread, stack;
	struct told_holder holder;
};

/* What the line will refer to is written before it. */
static bool tell_link(const struct wait_snapshot *snapshot, const struct cycle *cycle,
		      unsigned index, struct told_link *ret)
{
	const struct link *link = &cycle->links[index];
	const struct waiter *waiter = &snapshot->waiters[link->waiter];
	struct holder writer = {.mode = LOCK_EXCLUSIVE, .place = waiter->wait.place};

	ret->waiter = waiter;
	ret->frame = polled_task(waiter->thread);
	ret->thread = trace_id_of(waiter->thread);
	ret->stack = waiting_stack(waiter);
	if (link->by_writer) {
		const struct link *next = &cycle->links[(index + 1) % cycle->count];
		const struct poll_frame *frame;

		writer.thread = snapshot->waiters[next->waiter].thread;
		frame = polled_task(writer.thread);
		writer.task = frame ? frame->task : 0;
		writer.type = frame ? frame->type : NULL;
		trace_tell_holder(&writer, clock_ticks(), &ret->holder);
		ret->holder.queued = true;
		ret->holder.stack = 0; /* it has not acquired it */
	} else {
		struct holder holder = waiter->holders[link->holder];

		/* What it holds has not changed since it began to wait itself. */
		if (!holder.since && holder.thread)
			holder.since = holder.thread->lock_wait.since;
		trace_tell_holder(&holder, clock_ticks(), &ret->holder);
	}
	return ret->thread && (!ret->stack || trace_write_stack(ret->stack - 1)) &&
	       (!ret->frame || trace_write_type(ret->frame->type)) &&
	       trace_prepare_holder(&ret->holder);
}

static void add_link(struct text *line, const struct told_link *link)
{
	const struct lock_place *place = lock_place_get(link->waiter->wait.place);

	text_add(line, "{\"task\":");
	if (link->frame && link->frame->task)
		text_add_u64(line, link->frame->task);
	else
		text_add(line, "null");
	trace_add_type(line, link->frame ? link->frame->type : NULL);
	trace_add_u64(line, "thread", link->thread);
	trace_add_bool(line, "waits", true);
	trace_add_key(line, "lock");
	text_add(line, "{\"type\":");
	text_add_json(line, lock_type_name(place->type));
	trace_add_string(line, "mode", lock_mode_name(place->mode));
	trace_add_address(line, link->waiter->wait.lock);
	text_add_char(line, '}');
	trace_add_or_null(line, "stack", link->stack);
	trace_add_holder(line, &link->holder);
	text_add_char(line, '}');
}

static bool is_reentry(const struct wait_snapshot *snapshot, const struct cycle *cycle)
{
	const struct link *link = &cycle->links[0];
	const struct waiter *waiter = &snapshot->waiters[link->waiter];

	return cycle->count == 1 && !link->by_writer && !waiter->holders[link->holder].suspended;
}

/* Since the last of them began to wait. */
static uint64_t since_of(const struct wait_snapshot *snapshot, const struct cycle *cycle)
{
	uint64_t since = 0;

	for (unsigned i = 0; i < cycle->count; i++)
		if (snapshot->waiters[cycle->links[i].waiter].wait.since > since)
			since = snapshot->waiters[cycle->links[i].waiter].wait.since;
	return since;
}

static bool write_deadlock(const struct wait_snapshot *snapshot, const struct cycle *cycle,
			   uint32_t id)
{
	static struct told_link links[LINKS_MAX];
	uint64_t since = since_of(snapshot, cycle);
	struct text *line;

	for (unsigned i = 0; i < cycle->count; i++)
		if (!tell_link(snapshot, cycle, i, &links[i]))
			return false;
	if (!(line = trace_writer_line("deadlock")))
		return false;
	trace_add_u64(line, "id", id);
	trace_add_bool(line, "over", false);
	trace_add_bool(line, "reentry", is_reentry(snapshot, cycle));
	trace_add_u64(line, "since_ns", clock_since_start(since));
	trace_add_u64(line, "duration_ns", clock_ns(clock_ticks() - since));
	trace_add_key(line, "links");
	for (unsigned i = 0; i < cycle->count; i++) {
		text_add_char(line, i ? ',' : '[');
		add_link(line, &links[i]);
	}
	text_add_char(line, ']');
	trace_writer_end_line();
	return true;
}

static bool is_told(const struct waiter *waiter)
{
	return waiter->thread->deadlock.told == waiter->wait.sequence;
}

static void mark_told(const struct wait_snapshot *snapshot, const struct cycle *cycle, uint32_t id)
{
	for (unsigned i = 0; i < cycle->count; i++) {
		const struct waiter *waiter = &snapshot->waiters[cycle->links[i].waiter];

		waiter->thread->deadlock.told = waiter->wait.sequence;
		waiter->thread->deadlock.id = id;
	}
}

/* A stuck waiter: part of a deadlock that was told, or behind one, or of a new one. */
static void tell(const struct wait_snapshot *snapshot, unsigned index, bool all)
{
	const struct waiter *waiter;
	struct deadlock *deadlock;
	struct cycle cycle;
	uint32_t id;

	if (!find_cycle(snapshot, index, &cycle))
		return;
	waiter = &snapshot->waiters[cycle.links[0].waiter];
	id = is_told(waiter) ? waiter->thread->deadlock.id : deadlock_count + 1;
	if (id > DEADLOCKS_MAX)
		return;
	deadlock = &deadlocks[id - 1];
	/* Every other member leads here too; the first one writes. */
	if (is_told(waiter) && (deadlock->thread != snapshot->waiters[index].thread ||
				!trace_schedule_due(&deadlock->schedule, all)))
		return;
	if (!write_deadlock(snapshot, &cycle, id))
		return;
	if (id > deadlock_count) {
		deadlock_count = id;
		*deadlock = (struct deadlock){.thread = waiter->thread,
					      .sequence = waiter->wait.sequence};
	}
	trace_schedule_done(&deadlock->schedule);
	mark_told(snapshot, &cycle, id);
}

static void close_those_over(void)
{
	for (uint32_t i = 0; i < deadlock_count; i++) {
		struct deadlock *deadlock = &deadlocks[i];
		struct text *line;

		if (deadlock->over ||
		    (!deadlock->thread->retired &&
		     __atomic_load_n(&deadlock->thread->lock_wait.sequence, __ATOMIC_ACQUIRE) ==
			     deadlock->sequence) ||
		    !(line = trace_writer_line("deadlock")))
			continue;
		trace_add_u64(line, "id", i + 1);
		trace_add_bool(line, "over", true);
		trace_writer_end_line();
		deadlock->over = true;
	}
}

/* Most waits are short: nobody is looked at before some thread was seen in the same wait twice. */
static bool is_worth_a_look(void)
{
	bool worth = false;

	for (struct thread *t = thread_first(); t; t = t->next) {
		uint32_t sequence = __atomic_load_n(&t->lock_wait.sequence, __ATOMIC_ACQUIRE);

		worth |= (sequence & 1) && t->deadlock.waiting == sequence;
		t->deadlock.waiting = sequence;
	}
	return worth;
}

void deadlock_check(bool all)
{
	const struct wait_snapshot *snapshot;

	close_those_over();
	if (!is_worth_a_look() || !(snapshot = wait_snapshot_take()))
		return;
	for (unsigned i = 0; i < snapshot->waiter_count; i++)
		if (graph_is_stuck(&snapshot->graph, (uint16_t)i))
			tell(snapshot, i, all);
	for (unsigned i = 0; i < snapshot->waiter_count; i++) {
		const struct waiter *waiter = &snapshot->waiters[i];

		waiter->thread->deadlock.stuck =
			graph_is_stuck(&snapshot->graph, (uint16_t)i) ? waiter->wait.sequence : 0;
	}
}

void deadlock_after_fork(void)
{
	memset(deadlocks, 0, sizeof(deadlocks));
	deadlock_count = 0;
}
