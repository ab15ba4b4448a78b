/* SPDX-License-Identifier: MIT */
/* Unit tests of runtime/aggregate.h: what is folded, what is kept apart, and what finds no room. */
#include "runtime/aggregate.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <string.h>

#include "runtime/entered.h"
#include "runtime/images.h"

/* Ticks are nanoseconds before clock_start. */
static _Alignas(struct event) unsigned char room[EVENT_MAX_BYTES];
static struct event *const event = (struct event *)room;
static struct task_type types[2];

static void plain_call(void)
{
	memset(room, 0, sizeof(room));
	event->kind = EVENT_CALL;
	event->context = CONTEXT_TASK;
	event->entered = ENTERED_UNKNOWN;
	event->op = 3;
	event->type = &types[0];
	event->start = 1000;
	event->duration = 100;
	event->futex_op = -1;
	event->frame_count = 2;
	event->frames[0] = 0x1111;
	event->frames[1] = 0x2222;
}

TestSuite(aggregate, .init = plain_call);

static void add(void)
{
	cr_assert_eq(aggregate_add(event, 1, false), 0);
}

static struct record *only_record(void)
{
	cr_assert_eq(aggregate_record_count(), 1);
	return aggregate_record(0);
}

Test(aggregate, has_nothing_at_first)
{
	cr_assert_eq(aggregate_record_count(), 0);
	cr_assert_eq(aggregate_losses()->records, 0);
	cr_assert_eq(aggregate_losses()->stacks, 0);
}

Test(aggregate, folds_equal_events)
{
	const struct record *record;

	add();
	event->start = 5000;
	event->duration = 300;
	add();
	event->start = 400;
	event->duration = 200;
	add();
	record = only_record();
	cr_assert_eq(record->durations.count, 3);
	cr_assert_eq(record->durations.total_ns, 600);
	cr_assert_eq(record->durations.max_ns, 300);
	cr_assert_eq(record->durations.histogram[7], 1);
	cr_assert_eq(record->durations.histogram[8], 1);
	cr_assert_eq(record->durations.histogram[9], 1);
	cr_assert_eq(record->first, 400);
	cr_assert_eq(record->last, 5000);
	cr_assert(record->dirty);
	cr_assert_eq(record->stack, 1);
	cr_assert_eq(record->type, &types[0]);
	cr_assert_eq(record->op, 3);
}

/* Adds the event as it is and as it was; they must be two records. */
static void expect_apart(const char *what, bool handover)
{
	unsigned char changed[EVENT_MAX_BYTES];

	memcpy(changed, room, sizeof(room));
	aggregate_reset();
	cr_assert_eq(aggregate_add(event, 1, handover), 0);
	plain_call();
	add();
	cr_expect_eq(aggregate_record_count(), 2, "%s", what);
	memcpy(room, changed, sizeof(room));
	cr_assert_eq(aggregate_add(event, 1, handover), 0);
	cr_expect_eq(aggregate_record_count(), 2, "%s, again", what);
	plain_call();
}

Test(aggregate, keeps_distinct_events_apart)
{
	event->kind = EVENT_LONG_POLL;
	expect_apart("kind", false);
	event->context = CONTEXT_THREAD;
	expect_apart("context", false);
	event->entered = ENTERED_YES;
	expect_apart("entered", false);
	event->op = 4;
	expect_apart("operation", false);
	event->type = &types[1];
	expect_apart("type", false);
	event->type = NULL;
	expect_apart("no type", false);
	event->frames[1]++;
	expect_apart("caller", false);
	event->frame_count = 1;
	expect_apart("part of the stack", false);
	event->frame_count = 0;
	expect_apart("no stack", false);
	expect_apart("handover", true);
}

Test(aggregate, folds_events_that_differ_otherwise)
{
	add();
	event->task = 9;
	event->lock = room;
	event->futex_op = 0;
	event->worker = 7;
	event->poll_start = 3;
	strcpy(event->target.name, "elsewhere");
	cr_assert_eq(aggregate_add(event, 2, false), 0);
	only_record();
}

static void occurrence(uint64_t task, uint64_t duration, const char *name)
{
	event->task = task;
	event->duration = duration;
	event->lock = &room[task];
	event->futex_op = (int32_t)task;
	event->futex_expected = (uint32_t)task + 1;
	event->target.class = CLASS_FILE;
	event->target.kind = "file";
	strcpy(event->target.name, name);
	cr_assert_eq(aggregate_add(event, (uint32_t)task + 2, false), 0);
}

Test(aggregate, remembers_what_the_longest_occurrence_was_about)
{
	const struct record *record;

	occurrence(1, 100, "short");
	occurrence(2, 900, "long");
	occurrence(3, 800, "almost");
	record = only_record();
	cr_assert_eq(record->task, 2);
	cr_assert_eq(record->thread, 4);
	cr_assert_eq(record->lock, &room[2]);
	cr_assert_eq(record->futex_op, 2);
	cr_assert_eq(record->futex_expected, 3);
	cr_assert_eq(record->class, CLASS_FILE);
	cr_assert_str_eq(record->target.name, "long");
	occurrence(5, 900, "as long");
	cr_assert_str_eq(record->target.name, "as long", "the latest of equals");
}

Test(aggregate, counts_a_long_poll_with_what_nothing_else_explains)
{
	event->kind = EVENT_LONG_POLL;
	event->duration = 500;
	event->explained = 120;
	add();
	add();
	cr_assert_eq(only_record()->durations.total_ns, 760);
	cr_assert_eq(only_record()->durations.max_ns, 380);
	cr_assert_eq(only_record()->explained_ns, 240);
}

Test(aggregate, shares_stacks_between_records)
{
	add();
	event->op = 4;
	add();
	event->frames[0] = 0x3333;
	add();
	event->frame_count = 0;
	add();
	cr_assert_eq(aggregate_record_count(), 4);
	cr_assert_eq(aggregate_record(0)->stack, 1);
	cr_assert_eq(aggregate_record(1)->stack, 1);
	cr_assert_eq(aggregate_record(2)->stack, 2);
	cr_assert_eq(aggregate_record(3)->stack, 0);
	cr_assert_eq(aggregate_stack(0)->count, 2);
	cr_assert_eq(aggregate_stack(0)->frames[1], 0x2222);
	cr_assert_eq(aggregate_stack(1)->frames[0], 0x3333);
}

/* Adds `count` events that differ in their operation; returns how many were refused. */
static uint64_t add_many(enum event_context context, unsigned count)
{
	uint64_t before = aggregate_losses()->records;

	event->context = context;
	for (unsigned i = 0; i < count; i++) {
		event->op = (uint16_t)i;
		add();
	}
	return aggregate_losses()->records - before;
}

Test(aggregate, has_a_quota_for_each_context)
{
	cr_assert_eq(add_many(CONTEXT_THREAD, 1600), 1600 - 1536);
	cr_assert_eq(add_many(CONTEXT_BLOCKING, 600), 600 - 512);
	cr_assert_eq(add_many(CONTEXT_TASK, 4200), 4200 - 4096, "not crowded out");
	cr_assert_eq(aggregate_record_count(), 1536 + 512 + 4096);
	cr_assert_eq(aggregate_losses()->stacks, 0);
}

Test(aggregate, goes_on_folding_when_a_quota_is_used_up)
{
	add_many(CONTEXT_BLOCKING, 600);
	cr_assert_eq(add_many(CONTEXT_BLOCKING, 512), 0);
	cr_assert_eq(aggregate_record(0)->durations.count, 2);
	cr_assert_eq(aggregate_record(511)->durations.count, 2);
}

Test(aggregate, keeps_events_without_their_stack_when_there_is_no_room_for_it)
{
	uint64_t lost;

	event->frame_count = UNWIND_MAX_FRAMES;
	for (unsigned i = 0; i < 3000; i++) {
		event->frames[0] = 0x100000 + i;
		add();
	}
	lost = aggregate_losses()->stacks;
	cr_assert_eq(lost, 3000 - 256 * 1024 / UNWIND_MAX_FRAMES);
	cr_assert_eq(aggregate_losses()->records, 0);
	cr_assert_eq(aggregate_record_count(), 3000 - lost + 1, "one record without stack");
	cr_assert_eq(aggregate_record(3000 - lost)->stack, 0);
	cr_assert_eq(aggregate_record(3000 - lost)->durations.count, lost);
	event->frames[0] = 0x100000;
	add();
	cr_assert_eq(aggregate_record(0)->durations.count, 2, "known stacks are still found");
}

Test(aggregate, bounds_the_number_of_stacks)
{
	event->frame_count = 1;
	for (unsigned i = 0; i < 9000; i++) {
		event->frames[0] = 0x100000 + i;
		add();
	}
	cr_assert_eq(aggregate_losses()->stacks, 9000 - 8192);
	cr_assert_eq(aggregate_record_count(), 4096);
	cr_assert_eq(aggregate_stack(8191)->frames[0], 0x100000 + 8191);
}

Test(aggregate, forgets_everything_when_reset)
{
	add_many(CONTEXT_BLOCKING, 600);
	aggregate_reset();
	cr_assert_eq(aggregate_record_count(), 0);
	cr_assert_eq(aggregate_losses()->records, 0);
	add();
	cr_assert_eq(only_record()->durations.count, 1);
	cr_assert_eq(only_record()->stack, 1);
}

static void ignore_image(unsigned index, struct image *image)
{
}

Test(aggregate, leaves_out_the_librarys_own_frames)
{
	uint64_t own = (uintptr_t)&aggregate_add, other = (uintptr_t)dlsym(RTLD_DEFAULT, "getpid");

	images_update(ignore_image);
	event->frame_count = 4;
	event->frames[0] = own;
	event->frames[1] = own + 1;
	event->frames[2] = other;
	event->frames[3] = own;
	add();
	cr_assert_eq(aggregate_stack(0)->count, 2);
	cr_assert_eq(aggregate_stack(0)->frames[0], other);
	cr_assert_eq(aggregate_stack(0)->frames[1], own, "only from the top");
	event->frame_count = 2;
	add();
	cr_assert_eq(aggregate_record(1)->stack, 0, "nothing but own frames");
}
