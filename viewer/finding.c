/* SPDX-License-Identifier: MIT */
/* The list of findings: identity, merging, order. */
#include "finding.h"

#include <stdlib.h>
#include <string.h>

#include "finding_id.h"
#include "findings/findings.h"
#include "lock_type.h"
#include "owner.h"

/* Places in one function that a merged finding lists beside the first. */
#define ELSEWHERE_MAX 8

const struct detector *const detectors[] = {
	&detector_blocking_call,
	&detector_lock_wait,
	&detector_lock_across_await,
	&detector_long_poll,
	&detector_deadlock,
	&detector_stall,
	NULL,
};

void finding_list_init(struct finding_list *ret_list)
{
	*ret_list = (struct finding_list){.pool = pool_new()};
}

void finding_list_fini(struct finding_list *list)
{
	free(list->items);
	pool_free(list->pool);
	*list = (struct finding_list){0};
}

void finding_detect(const struct trace *trace, struct finding_list *list)
{
	size_t i;

	for (i = 0; detectors[i]; i++)
		detectors[i]->detect(trace, list);
}

static int finding_compare(const void *a, const void *b)
{
	const struct finding *left = a, *right = b;

	/* A deadlock, however young, is for ever. */
	if (!left->deadlock != !right->deadlock)
		return left->deadlock ? -1 : 1;
	if (left->usage.total_ns != right->usage.total_ns)
		return left->usage.total_ns < right->usage.total_ns ? 1 : -1;
	return left->id < right->id ? -1 : left->id > right->id;
}

void finding_sort(struct finding_list *list)
{
	if (list->count)
		qsort(list->items, list->count, sizeof(*list->items), finding_compare);
}

/* The innermost frame, when it is not `where` but one that the reader has not written. */
static const struct frame *library_frame(const struct stack *stack, const struct frame *where,
					 const char *exe)
{
	const struct frame *frame;

	for (frame = stack->frames; frame < where; frame++) {
		const struct module *module = frame->module;

		switch (owner_of(frame, NULL)) {
		case OWNER_APPLICATION:
			return frame;
		case OWNER_UNKNOWN:
			if (module && module->path && exe && strcmp(module->path, exe) != 0)
				return frame;
			break;
		default:
			break;
		}
	}
	return NULL;
}

static void finding_locate(struct finding *finding, const struct origin *origin)
{
	const struct frame *where = NULL;

	if (origin->stack && origin->stack->frame_count) {
		finding->stack = origin->stack;
		finding->boundary = context_boundary(origin->stack);
		where = owner_where(origin->stack, finding->boundary,
				    finding->context == VERDICT_BLOCK_ON, finding->exe);
	}
	if (where) {
		finding->where = *where;
		finding->has_where = true;
		finding->own = owner_is_own(where, finding->exe);
		finding->via = library_frame(origin->stack, where, finding->exe);
	} else if (!finding->has_where && origin->type && origin->type->name) {
		finding->where.function = origin->type->name;
		finding->has_where = true;
	}
}

static bool frame_same_place(const struct frame *a, const struct frame *b)
{
	return a->line == b->line && a->file && b->file && strcmp(a->file, b->file) == 0;
}

static void elsewhere_add(struct finding_list *list, struct finding *into,
			  const struct frame *frame)
{
	struct frame *copy;
	size_t i;

	if (!frame->line || into->elsewhere_count == ELSEWHERE_MAX ||
	    frame_same_place(&into->where, frame))
		return;
	for (i = 0; i < into->elsewhere_count; i++)
		if (frame_same_place(into->elsewhere[i], frame))
			return;
	if (!into->elsewhere)
		into->elsewhere = pool_alloc(list->pool, ELSEWHERE_MAX * sizeof(*into->elsewhere));
	copy = pool_alloc(list->pool, sizeof(*copy));
	*copy = *frame;
	into->elsewhere[into->elsewhere_count++] = copy;
}

struct finding_lock finding_lock_of(const struct lock *lock)
{
	const struct holder *holder = &lock->holder;

	return (struct finding_lock){
		.type = lock_name(lock->type, lock->mode),
		.address = lock->address,
		.acquired = holder->stack,
		.holder = holder->known ? holder : NULL,
		.has_held = holder->has_held,
		.held_ns = holder->held_ns,
	};
}

/* Tasks of two processes may have the same number. */
static void waiters_merge(struct finding_list *list, struct finding *merged,
			  const struct finding *a, const struct finding *b)
{
	struct party *waiters = pool_alloc(list->pool, WAITERS_MAX * sizeof(*waiters));
	size_t i, j, count = a->lock.waiter_count;

	if (count)
		memcpy(waiters, a->lock.waiters, count * sizeof(*waiters));
	for (i = 0; i < b->lock.waiter_count && count < WAITERS_MAX; i++) {
		for (j = 0; j < a->lock.waiter_count; j++)
			if (a->pid == b->pid && party_same(&waiters[j], &b->lock.waiters[i]))
				break;
		if (j == a->lock.waiter_count)
			waiters[count++] = b->lock.waiters[i];
	}
	merged->lock.waiters = waiters;
	merged->lock.waiter_count = count;
	merged->lock.waits = a->lock.waits + b->lock.waits;
	merged->lock.open = a->lock.open + b->lock.open;
}

/* `into` keeps the particulars of the longer of the two and the times of both. */
static void finding_merge(struct finding_list *list, struct finding *into, struct finding *other)
{
	struct finding merged = other->usage.max_ns > into->usage.max_ns ? *other : *into;
	struct usage *usage = &merged.usage;
	size_t i;

	usage->count = into->usage.count + other->usage.count;
	usage->total_ns = into->usage.total_ns + other->usage.total_ns;
	usage->first_ns = into->usage.first_ns < other->usage.first_ns ? into->usage.first_ns
								       : other->usage.first_ns;
	usage->last_ns = into->usage.last_ns > other->usage.last_ns ? into->usage.last_ns
								    : other->usage.last_ns;
	usage->histogram = into->usage.histogram;
	histogram_merge(&usage->histogram, &other->usage.histogram, list->pool);
	if (into->lock.has_waiters && other->lock.has_waiters)
		waiters_merge(list, &merged, into, other);
	merged.elsewhere = NULL;
	merged.elsewhere_count = 0;
	for (i = 0; i < into->elsewhere_count; i++)
		elsewhere_add(list, &merged, into->elsewhere[i]);
	elsewhere_add(list, &merged, &into->where);
	elsewhere_add(list, &merged, &other->where);
	*into = merged;
}

/* Whoever a finding is about waited, unless a detector knows better. */
static void waiter_set(struct finding_list *list, struct finding *finding,
		       const struct origin *origin)
{
	struct party *waiter;

	if (finding->lock.has_waiters || (!finding->lock.type && !finding->lock.address))
		return;
	waiter = pool_alloc(list->pool, sizeof(*waiter));
	*waiter = (struct party){.has_task = origin->has_task,
				 .task = origin->task,
				 .type = origin->type,
				 .thread = origin->thread};
	finding->lock.has_waiters = true;
	finding->lock.waits = finding->usage.count;
	finding->lock.waiters = waiter;
	finding->lock.waiter_count = waiter->has_task || waiter->thread;
}

void finding_add(struct finding_list *list, const struct trace *trace, const struct origin *origin,
		 const struct finding *draft)
{
	struct finding finding = *draft;
	size_t i;

	finding.pid = trace->pid;
	finding.exe = trace->exe;
	finding.type = origin->type;
	finding.has_task = origin->has_task;
	finding.task = origin->task;
	finding.thread = origin->thread;
	waiter_set(list, &finding, origin);
	finding_locate(&finding, origin);
	finding.id = finding_id(&finding, false);
	finding.place = finding_id(&finding, true);
	for (i = 0; i < list->count; i++) {
		if (list->items[i].place == finding.place) {
			finding_merge(list, &list->items[i], &finding);
			return;
		}
	}
	list->items = memory_grow(list->items, &list->capacity, list->count + 1, sizeof(finding));
	list->items[list->count++] = finding;
}
