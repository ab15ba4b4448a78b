/* SPDX-License-Identifier: MIT */
/* Hashes of findings. */
#include "finding_id.h"

#include <stdlib.h>
#include <string.h>

#include "function_name.h"
#include "owner.h"

/* Frames without a name that go into an id: enough to tell places apart, few enough to stay equal.
 */
#define BLIND_FRAMES_MAX 4

/* One stack as far as it is the program's business. */
struct place {
	const struct stack *stack; /* NULL when there is none */
	size_t boundary;
	bool own;
	const struct frame *where; /* NULL when not known */
};

static uint64_t hash_text(uint64_t hash, const char *text)
{
	do {
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3;
	} while (*text++);
	return hash;
}

/* Names first; only a stack without any is told apart by its positions, which a rebuild moves. */
static uint64_t hash_blind_frames(uint64_t hash, const struct place *place)
{
	size_t i, used = 0;

	for (i = 0; i < place->boundary && used < BLIND_FRAMES_MAX; i++) {
		const struct frame *frame = &place->stack->frames[i];
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
 * with their versions.
 */
static uint64_t hash_frames(uint64_t hash, const struct place *place, bool lines, size_t *ret_names)
{
	char path[FUNCTION_PATH_SIZE];
	size_t i;

	*ret_names = 0;
	for (i = 0; place->stack && i < place->boundary; i++) {
		const struct frame *frame = &place->stack->frames[i];

		if (!owner_is_application(frame) || (place->own && owner_is_dependency(frame)))
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

static uint64_t hash_place(uint64_t hash, const struct place *place, bool lines)
{
	char path[FUNCTION_PATH_SIZE];
	size_t names;

	hash = hash_frames(hash, place, lines, &names);
	if (!names && place->where) {
		function_stable_path(place->where->function, path);
		hash = hash_text(hash, path);
	} else if (!names && place->stack) {
		hash = hash_blind_frames(hash, place);
	}
	return hash;
}

static int hash_compare(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;

	return *left < *right ? -1 : *left > *right;
}

/*
 * Which link comes first, and how many tasks go round in the same code, is chance: the places where
 * somebody waits count, each once.
 */
static uint64_t hash_links(uint64_t hash, const struct finding *finding, bool lines)
{
	const struct deadlock *deadlock = finding->deadlock;
	uint64_t places[LINKS_MAX];
	size_t i, count = 0;

	for (i = 0; i < deadlock->link_count; i++) {
		const struct stack *stack = deadlock->links[i].stack;
		struct place place = {.stack = stack};

		if (!stack || !stack->frame_count)
			continue;
		place.boundary = context_boundary(stack);
		place.where = owner_where(stack, place.boundary, true, finding->exe);
		place.own = place.where && owner_is_own(place.where, finding->exe);
		places[count++] = hash_place(0xcbf29ce484222325, &place, lines);
	}
	if (count)
		qsort(places, count, sizeof(*places), hash_compare);
	for (i = 0; i < count; i++)
		if (!i || places[i] != places[i - 1])
			hash = (hash ^ places[i]) * 0x100000001b3;
	return hash;
}

uint64_t finding_id(const struct finding *finding, bool lines)
{
	const struct place place = {
		.stack = finding->stack,
		.boundary = finding->boundary,
		.own = finding->own,
		.where = finding->has_where ? &finding->where : NULL,
	};
	uint64_t hash = 0xcbf29ce484222325;

	hash = hash_text(hash, finding->kind);
	hash = hash_text(hash, finding->operation ? finding->operation : "");
	return finding->deadlock ? hash_links(hash, finding, lines)
				 : hash_place(hash, &place, lines);
}
