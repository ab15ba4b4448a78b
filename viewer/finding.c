/* SPDX-License-Identifier: MIT */
/* The list of findings: identity, merging, order. */
#include "finding.h"

#include <stdlib.h>
#include <string.h>

#include "findings/findings.h"
#include "function_name.h"
#include "owner.h"

/* Places in one function that a merged finding lists beside the first. */
#define ELSEWHERE_MAX 8

/* Frames without a name that go into an id: enough to tell places apart, few enough to stay equal.
 */
#define BLIND_FRAMES_MAX 4

const struct detector *const detectors[] = {
	&detector_blocking_call, &detector_lock_wait, &detector_long_poll, &detector_stall, NULL,
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

	if (left->usage.total_ns != right->usage.total_ns)
		return left->usage.total_ns < right->usage.total_ns ? 1 : -1;
	return left->id < right->id ? -1 : left->id > right->id;
}

void finding_sort(struct finding_list *list)
{
	if (list->count)
		qsort(list->items, list->count, sizeof(*list->items), finding_compare);
}

static uint64_t hash_text(uint64_t hash, const char *text)
{
	do {
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3;
	} while (*text++);
	return hash;
}

/* Names first; only a stack without any is told apart by its positions, which a rebuild moves. */
static uint64_t hash_blind_frames(uint64_t hash, const struct finding *finding)
{
	size_t i, used = 0;

	for (i = 0; i < finding->boundary && used < BLIND_FRAMES_MAX; i++) {
		const struct frame *frame = &finding->stack->frames[i];
		char label[OWNER_LABEL_SIZE];

		if (owner_of(frame, label) != OWNER_UNKNOWN)
			continue;
		hash = hash_text(hash, label);
		hash = (hash ^ frame->offset) * 0x100000001b3;
		used++;
	}
	return hash;
}

/*
 * Libraries' frames count only where nothing else does: which way a call takes through them changes
 * with their versions. `lines`: a closure that has no other name is told apart by its line.
 */
static uint64_t hash_frames(uint64_t hash, const struct finding *finding, bool lines,
			    size_t *ret_names)
{
	char path[FUNCTION_PATH_SIZE];
	size_t i;

	*ret_names = 0;
	for (i = 0; finding->stack && i < finding->boundary; i++) {
		const struct frame *frame = &finding->stack->frames[i];

		if (!owner_is_application(frame) || (finding->own && owner_is_dependency(frame)))
			continue;
		function_stable_path(frame->function, path);
		hash = hash_text(hash, path);
		if (strcmp(path, "{{closure}}") == 0) {
			const char *slash = frame->file ? strrchr(frame->file, '/') : NULL;

			hash = hash_text(hash, slash ? slash : "");
			if (lines)
				hash = (hash ^ (uint64_t)frame->line) * 0x100000001b3;
		}
		++*ret_names;
	}
	return hash;
}

static uint64_t finding_hash(const struct finding *finding, bool lines)
{
	uint64_t hash = 0xcbf29ce484222325;
	char path[FUNCTION_PATH_SIZE];
	size_t names;

	hash = hash_text(hash, finding->kind);
	hash = hash_text(hash, finding->operation ? finding->operation : "");
	hash = hash_frames(hash, finding, lines, &names);
	if (!names && finding->has_where) {
		function_stable_path(finding->where.function, path);
		hash = hash_text(hash, path);
	} else if (!names && finding->stack) {
		hash = hash_blind_frames(hash, finding);
	}
	return hash;
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
	merged.elsewhere = NULL;
	merged.elsewhere_count = 0;
	for (i = 0; i < into->elsewhere_count; i++)
		elsewhere_add(list, &merged, into->elsewhere[i]);
	elsewhere_add(list, &merged, &into->where);
	elsewhere_add(list, &merged, &other->where);
	*into = merged;
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
	finding_locate(&finding, origin);
	finding.id = finding_hash(&finding, false);
	finding.place = finding_hash(&finding, true);
	for (i = 0; i < list->count; i++) {
		if (list->items[i].place == finding.place) {
			finding_merge(list, &list->items[i], &finding);
			return;
		}
	}
	list->items = memory_grow(list->items, &list->capacity, list->count + 1, sizeof(finding));
	list->items[list->count++] = finding;
}
