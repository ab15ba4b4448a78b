/* SPDX-License-Identifier: MIT */
/*
 * Tokio's task vtables by shape.
 * Runs on: the constructor, the collector, the viewer.
 */
#include "tokio_vtables.h"

#include <string.h>

/* Words of the vtable since 1.23, counted from slot 0. */
enum {
	SLOT_POLL = 0,
	SLOT_SCHEDULE = 1,
	SLOT_DEALLOC = 2,
	POINTERS = 7,
	WORD_TRAILER = 7,
	WORD_SCHEDULER = 8,
	WORD_ID = 9,
	WORD_LOCATION = 10,
};

/* Since 1.21: state, queue_next, vtable (task/core.rs, `struct Header`, repr(C)). */
#define HEADER_VTABLE 0x10

struct scan {
	const struct elf_image *image;
	void (*found)(void *context, const struct tokio_vtable *);
	void *context;
	struct tokio_shapes shapes;
	bool evidence;
};

/*
 * The numbers of a vtable: offsets in a task cell whose header is at least 0x20 bytes. The
 * scheduler handle is a pointer, or BlockingSchedule: empty before 1.40, two words since, four with
 * test-util.
 */
static bool numbers_match(uint64_t trailer, uint64_t scheduler, uint64_t id)
{
	if ((trailer | scheduler | id) & 7)
		return false;
	if (scheduler < 0x20 || scheduler > 0x1000 || trailer >= 1u << 24)
		return false;
	if (id < scheduler || id - scheduler == 0x18)
		return false;
	return id - scheduler <= 0x20 && id < trailer;
}

/* The destination of a function that is one direct jump; else the function itself. */
static uint64_t follow_jump(const struct elf_image *image, uint64_t function)
{
	const uint8_t *code = elf_image_bytes(image, function, 5);
	int32_t offset;

	if (!code || code[0] != 0xe9)
		return function;
	memcpy(&offset, code + 1, sizeof(offset));
	return function + 5 + (uint64_t)(int64_t)offset;
}

/*
 * x86-64 code of the `schedule` slot loads the vtable from the header (48 8b 47 10) and then the
 * scheduler's offset from it (a displacement of 0x40). No other table of this shape does.
 */
static bool is_schedule_code(const struct elf_image *image, uint64_t function)
{
	const uint8_t *code = NULL;
	size_t size = 96;

	function = follow_jump(image, function);
	while (size >= 16 && !(code = elf_image_bytes(image, function, size)))
		size /= 2;
	if (!code)
		return false;
	for (size_t i = 0; i + 5 <= size; i++) {
		static const uint8_t load_vtable[] = {0x48, 0x8b, 0x47, HEADER_VTABLE};

		if (memcmp(code + i, load_vtable, sizeof(load_vtable)) == 0)
			return memchr(code + i, 0x40, size - i) != NULL;
	}
	return false;
}

static bool pointers_match(const struct elf_image *image, const uint64_t *words)
{
	for (unsigned i = 0; i < POINTERS; i++)
		if (!elf_image_is_code(image, words[i]))
			return false;
	return true;
}

static void check_candidate(struct scan *scan, const uint64_t *words, size_t left, uint64_t address,
			    bool report)
{
	bool unstable = left > WORD_LOCATION && words[WORD_LOCATION] == words[WORD_ID] + 8;
	/*
	 * Core is repr(C) since 1.23: scheduler, id, spawn location if unstable, stage. The stage's
	 * tag takes a word before a future that is aligned to one.
	 */
	uint64_t future = words[WORD_ID] + (unstable ? 24 : 16);
	struct tokio_vtable vtable = {
		.address = address,
		.poll = words[SLOT_POLL],
		.dealloc = words[SLOT_DEALLOC],
		.vtable_offset = HEADER_VTABLE,
		.id_offset = (uint32_t)words[WORD_ID],
		.scheduler_offset = (uint32_t)words[WORD_SCHEDULER],
		.future_offset = future + 8 <= words[WORD_TRAILER] ? (uint32_t)future : 0,
		.class = words[WORD_ID] - words[WORD_SCHEDULER] == 8 ? TOKIO_TASK : TOKIO_BLOCKING,
	};

	if (!report) {
		scan->shapes.candidates++;
		if (!scan->evidence && is_schedule_code(scan->image, words[SLOT_SCHEDULE]))
			scan->evidence = true;
		return;
	}
	scan->shapes.unstable |= unstable;
	scan->shapes.count++;
	scan->found(scan->context, &vtable);
}

/*
 * The aligned words of a segment that may hold vtables, and the run-time address of the first. The
 * segment itself may begin anywhere: thread-local bytes come first in the writable one.
 */
static size_t words_of(const struct elf_image *image, const struct elf_segment *segment,
		       const uint64_t **ret_words, uint64_t *ret_address)
{
	uint64_t skip = -segment->address & 7;

	if (!segment->readable || segment->executable || (!segment->writable && !image->fixed) ||
	    segment->size < skip)
		return 0;
	*ret_words = (const uint64_t *)(const void *)(segment->data + skip);
	*ret_address = segment->address + skip;
	return (segment->size - skip) / 8;
}

/* One pass over every data segment; `report` false only counts and looks for evidence. */
static void scan_segments(struct scan *scan, bool report)
{
	for (unsigned s = 0; s < scan->image->segment_count; s++) {
		const uint64_t *words = NULL;
		uint64_t address = 0;
		size_t count = words_of(scan->image, &scan->image->segments[s], &words, &address);

		for (size_t i = 0; i + WORD_ID < count; i++) {
			const uint64_t *w = words + i;

			if (numbers_match(w[WORD_TRAILER], w[WORD_SCHEDULER], w[WORD_ID]) &&
			    pointers_match(scan->image, w))
				check_candidate(scan, w, count - i, address + i * 8, report);
		}
	}
}

struct tokio_shapes tokio_find_vtables(const struct elf_image *image,
				       void (*found)(void *context, const struct tokio_vtable *),
				       void *context)
{
	struct scan scan = {.image = image, .found = found, .context = context};

	scan_segments(&scan, false);
	if (scan.shapes.candidates && !scan.evidence)
		scan.evidence =
			elf_image_has_string(image, "[internal exception] blocking task ran "
						    "twice");
	if (scan.evidence)
		scan_segments(&scan, true);
	return scan.shapes;
}

static bool is_listed(const uint64_t *sorted, size_t count, uint64_t value)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (sorted[middle] < value)
			low = middle + 1;
		else
			high = middle;
	}
	return low < count && sorted[low] == value;
}

/* Calls `visit` for every data word that is one of the polls and starts seven code pointers. */
static void for_each_table(const struct elf_image *image, const uint64_t *polls, size_t count,
			   void (*visit)(void *context, const uint64_t *words, size_t left,
					 uint64_t address),
			   void *context)
{
	for (unsigned s = 0; count && s < image->segment_count; s++) {
		const uint64_t *words = NULL;
		uint64_t address = 0;
		size_t word_count = words_of(image, &image->segments[s], &words, &address);

		for (size_t i = 0; i + POINTERS <= word_count; i++)
			if (is_listed(polls, count, words[i]) && pointers_match(image, words + i))
				visit(context, words + i, word_count - i, address + i * 8);
	}
}

struct old_tables {
	struct scan scan;
	uint32_t vtable_offset;
	size_t numbered;
};

static void report_old(void *context, const uint64_t *words, size_t left, uint64_t address)
{
	struct old_tables *old = context;
	struct tokio_vtable vtable = {
		.address = address,
		.poll = words[SLOT_POLL],
		.dealloc = words[1], /* there is no schedule slot before 1.23 */
		.vtable_offset = old->vtable_offset,
		.class = TOKIO_UNKNOWN,
	};

	(void)left;
	old->scan.shapes.candidates++;
	old->scan.shapes.count++;
	old->scan.found(old->scan.context, &vtable);
}

struct tokio_shapes
tokio_find_vtables_by_poll(const struct elf_image *image, const uint64_t *polls, size_t count,
			   uint32_t vtable_offset,
			   void (*found)(void *context, const struct tokio_vtable *), void *context)
{
	struct old_tables old = {.scan = {.found = found, .context = context},
				 .vtable_offset = vtable_offset};

	for_each_table(image, polls, count, report_old, &old);
	return old.scan.shapes;
}

static void count_numbered(void *context, const uint64_t *words, size_t left, uint64_t address)
{
	struct old_tables *old = context;

	(void)address;
	old->scan.shapes.candidates++;
	if (left > 8 && words[8] > 0x20 && words[8] < 1u << 24 && !(words[8] & 7))
		old->numbered++;
}

uint32_t tokio_header_of_old_layout(const struct elf_image *image, const uint64_t *polls,
				    size_t count)
{
	struct old_tables old = {0};

	for_each_table(image, polls, count, count_numbered, &old);
	return old.numbered && old.numbered == old.scan.shapes.candidates ? HEADER_VTABLE : 0x20;
}
