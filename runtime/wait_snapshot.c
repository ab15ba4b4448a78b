/* SPDX-License-Identifier: MIT */
/*
 * Snapshots of waiting threads.
 * Runs on: whoever drains.
 *
 * What belongs to a suspended task's runtime is told by the scheduler handle in the task's header:
 * a worker's Arc<Worker> points to memory that begins with the counts and the fields of the Worker,
 * one of which is the same handle (multi_thread/worker.rs, Worker); on a thread without a worker
 * loop, the tasks that it polls have the handle. A runtime that none of these leads to counts as
 * able to go on.
 */
#include "wait_snapshot.h"

#include <stddef.h>

#include "runtime/clock.h"
#include "runtime/lock_word.h"
#include "runtime/locks.h"
#include "runtime/recording.h"
#include "runtime/suspended.h"
#include "runtime/sys.h"
#include "runtime/thread.h"

#define WORKER_WORDS 8

static struct wait_snapshot *snapshot; /* lazily touched */

static uint16_t waiter_node(const struct thread *thread)
{
	for (unsigned i = 0; i < snapshot->waiter_count; i++)
		if (snapshot->waiters[i].thread == thread)
			return (uint16_t)i;
	return GRAPH_FREE;
}

static void gather_waiters(void)
{
	for (struct thread *t = thread_first(); t; t = t->next) {
		struct waiter *waiter = &snapshot->waiters[snapshot->waiter_count];

		if (snapshot->waiter_count == SNAPSHOT_WAITERS)
			return;
		if (__atomic_load_n(&t->retired, __ATOMIC_ACQUIRE) ||
		    !lock_wait_read(t, &waiter->wait))
			continue;
		waiter->thread = t;
		waiter->holder_count = 0;
		snapshot->waiter_count++;
		graph_add(&snapshot->graph, GRAPH_ANY);
	}
}

static bool excludes(uint8_t one, uint8_t other)
{
	return one == LOCK_EXCLUSIVE || other == LOCK_EXCLUSIVE ||
	       (one == LOCK_UPGRADABLE && other == LOCK_UPGRADABLE);
}

/* Readers do not overtake a writer that waits for other readers. */
static bool is_fair_to_writers(enum lock_type type)
{
	return type == LOCK_STD_RWLOCK || type == LOCK_PARKING_LOT_RWLOCK;
}

/*
 * The holders of the lock that a thread waits for, if nothing speaks against them: the lock's word
 * must say that it is held, by as many as there are notes.
 */
static void find_holders(struct waiter *waiter)
{
	const struct lock_place *place = lock_place_get(waiter->wait.place);
	struct holder found[SNAPSHOT_HOLDERS];
	unsigned count = holders_find(waiter->wait.lock, found, SNAPSHOT_HOLDERS), shared = 0;

	for (unsigned i = 0; i < count; i++)
		shared += found[i].mode == LOCK_SHARED;
	if (waiter->wait.timed || !count || count == SNAPSHOT_HOLDERS ||
	    !holders_agree(found, count) ||
	    !lock_word_agrees(waiter->wait.lock, place->type, shared, count - shared))
		return;
	for (unsigned i = 0; i < count; i++)
		if (excludes(place->mode, found[i].mode))
			waiter->holders[waiter->holder_count++] = found[i];
}

/* A task's node, made at its first mention. */
static uint16_t task_node(const struct holder *holder)
{
	unsigned i = 0;

	while (i < snapshot->task_count && snapshot->tasks[i].entry != holder->entry)
		i++;
	if (i == SNAPSHOT_TASKS)
		return GRAPH_FREE;
	if (i == snapshot->task_count) {
		snapshot->tasks[snapshot->task_count++] = *holder;
		return graph_add(&snapshot->graph, holder->root ? GRAPH_ANY : GRAPH_ALL);
	}
	return (uint16_t)(snapshot->waiter_count + i);
}

/*
 * Guards of these can be moved to another thread, which then is the holder although this one has
 * the note (parking_lot's with its feature send_guard, DashMap's references always). That it is not
 * so cannot be seen; one that waits for as long as a stall is believed, if nobody was seen to move
 * one.
 */
static bool may_have_moved(const struct holder *holder, uint16_t node)
{
	const struct lock_place *place = lock_place_get(holder->place);
	uint64_t now = clock_ticks();

	if (place->type != LOCK_PARKING_LOT_MUTEX && place->type != LOCK_PARKING_LOT_RWLOCK &&
	    place->type != LOCK_DASHMAP)
		return false;
	return __atomic_load_n(&place->moved, __ATOMIC_RELAXED) ||
	       now < snapshot->waiters[node].wait.since ||
	       clock_ns(now - snapshot->waiters[node].wait.since) < recording.stall_ns;
}

static uint16_t holder_node(const struct holder *holder)
{
	uint16_t node;

	if (holder->finished)
		return GRAPH_FREE;
	if (holder->suspended)
		return task_node(holder);
	node = waiter_node(holder->thread);
	return node != GRAPH_FREE && may_have_moved(holder, node) ? GRAPH_FREE : node;
}

/* Threads that wait to read behind one that waits to write: it has to go on first. */
static void connect_to_writers(unsigned index)
{
	const struct waiter *waiter = &snapshot->waiters[index];
	const struct lock_place *place = lock_place_get(waiter->wait.place);

	if (place->mode != LOCK_SHARED || !is_fair_to_writers(place->type))
		return;
	for (unsigned i = 0; i < snapshot->waiter_count; i++)
		if (i != index && snapshot->waiters[i].wait.lock == waiter->wait.lock &&
		    lock_place_get(snapshot->waiters[i].wait.place)->mode == LOCK_EXCLUSIVE)
			graph_connect(&snapshot->graph, (uint16_t)index, (uint16_t)i);
}

static void connect_waiter(unsigned index)
{
	struct waiter *waiter = &snapshot->waiters[index];

	for (unsigned i = 0; i < waiter->holder_count; i++)
		graph_connect(&snapshot->graph, (uint16_t)index, waiter->nodes[i]);
	if (!waiter->holder_count && !waiter->wait.timed)
		connect_to_writers(index);
}

static bool has_worker_of(const struct thread *thread, uint64_t scheduler)
{
	uint64_t words[WORKER_WORDS] = {0};
	uint64_t worker = __atomic_load_n(&thread->loop_worker, __ATOMIC_RELAXED);

	if (!worker || !thread->depth || thread->polls[0].class != POLL_BLOCKING ||
	    sys_read_memory(words, (const void *)(uintptr_t)worker, sizeof(words)) <
		    (long)sizeof(*words))
		return false;
	for (unsigned i = 0; i < WORKER_WORDS; i++)
		if (words[i] == scheduler)
			return true;
	return false;
}

static bool polls_task_of(const struct thread *thread, uint64_t scheduler)
{
	uint32_t depth = __atomic_load_n(&thread->depth, __ATOMIC_ACQUIRE);

	for (uint32_t i = 0; i < depth && i < MAX_OPEN_POLLS; i++) {
		const struct poll_frame *frame = &thread->polls[i];
		uint64_t word, place;

		if (frame->class != POLL_TASK || !frame->type || !frame->type->scheduler_offset)
			continue;
		place = (uintptr_t)frame->header + frame->type->scheduler_offset;
		if (lock_word_read(&word, &place, 1) && word == scheduler)
			return true;
	}
	return false;
}

/* Whoever could go on with the task: all of them must be stuck for it to be. */
static void connect_task(unsigned index)
{
	const struct holder *task = &snapshot->tasks[index];
	uint16_t node = (uint16_t)(snapshot->waiter_count + index);

	if (task->root) {
		graph_connect(&snapshot->graph, node, waiter_node(task->thread));
		return;
	}
	if (!task->scheduler)
		return;
	for (struct thread *t = thread_first(); t; t = t->next)
		if (!__atomic_load_n(&t->retired, __ATOMIC_ACQUIRE) &&
		    (has_worker_of(t, task->scheduler) || polls_task_of(t, task->scheduler)))
			graph_connect(&snapshot->graph, node, waiter_node(t));
}

struct wait_snapshot *wait_snapshot_take(void)
{
	if (!snapshot && !(snapshot = sys_map(sizeof(*snapshot))))
		return NULL;
	snapshot->waiter_count = snapshot->task_count = 0;
	snapshot->graph.node_count = snapshot->graph.edge_count = 0;
	gather_waiters();
	for (unsigned i = 0; i < snapshot->waiter_count; i++)
		find_holders(&snapshot->waiters[i]);
	for (unsigned i = 0; i < snapshot->waiter_count; i++)
		for (unsigned h = 0; h < snapshot->waiters[i].holder_count; h++)
			snapshot->waiters[i].nodes[h] =
				holder_node(&snapshot->waiters[i].holders[h]);
	for (unsigned i = 0; i < snapshot->waiter_count; i++)
		connect_waiter(i);
	for (unsigned i = 0; i < snapshot->task_count; i++)
		connect_task(i);
	graph_solve(&snapshot->graph);
	return snapshot;
}
