/* SPDX-License-Identifier: MIT */
/* Unit tests of runtime/trace_records.h: which lines are written for records, and how often. */
#include "runtime/trace_objects.h"
#include "runtime/trace_records.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <jansson.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/aggregate.h"
#include "runtime/entered.h"
#include "runtime/images.h"
#include "runtime/trace_writer.h"
#include "tests/unit/runtime/fake_clock.h"
#include "tests/unit/runtime/fake_task.h"

#define SECOND 1000000000u
#define LEAST  200000000u /* between two lines of one record */

static char directory[] = "/tmp/trace-records-XXXXXX";
static _Alignas(struct event) unsigned char room[EVENT_MAX_BYTES];
static struct event *const event = (struct event *)room;
static json_t *lines;

static void ignore_image(unsigned index, struct image *image)
{
}

static void start(void)
{
	fake_recording_start();
	images_update(ignore_image);
	cr_assert_not_null(mkdtemp(directory));
	cr_assert_eq(trace_writer_create(directory, 1), 0);
	event->kind = EVENT_CALL;
	event->context = CONTEXT_TASK;
	event->op = OP_LOCK;
	event->start = 2000;
	event->duration = 3 * MS;
	event->futex_op = -1;
	event->entered = ENTERED_UNKNOWN;
	event->target.class = CLASS_LOCK;
}

static void stop(void)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/overstay-1.jsonl", directory);
	unlink(path);
	rmdir(directory);
}

TestSuite(trace_records, .init = start, .fini = stop);

/* Writes what is due; `lines` is then everything in the file. Returns how many lines came. */
static size_t write_lines(bool all)
{
	size_t before = lines ? json_array_size(lines) : 0;
	char path[128], line[65536];
	FILE *file;

	trace_write_records(all);
	cr_assert_eq(trace_writer_flush(), 0);
	snprintf(path, sizeof(path), "%s/overstay-1.jsonl", directory);
	file = fopen(path, "r");
	json_decref(lines);
	lines = json_array();
	while (fgets(line, sizeof(line), file)) {
		json_error_t error;
		json_t *object = json_loads(line, 0, &error);

		cr_assert_not_null(object, "%s: %s", error.text, line);
		json_array_append_new(lines, object);
	}
	fclose(file);
	return json_array_size(lines) - before;
}

static void add(void)
{
	cr_assert_eq(aggregate_add(event, 4, false), 0);
}

/* The latest line of this kind, or NULL. */
static json_t *last_of(const char *kind)
{
	for (size_t i = json_array_size(lines); i-- > 0;)
		if (strcmp(json_string_value(json_object_get(json_array_get(lines, i), "t")),
			   kind) == 0)
			return json_array_get(lines, i);
	return NULL;
}

static json_int_t integer(const json_t *object, const char *key)
{
	cr_assert(json_is_integer(json_object_get(object, key)), "%s", key);
	return json_integer_value(json_object_get(object, key));
}

static const char *string(const json_t *object, const char *key)
{
	cr_assert(json_is_string(json_object_get(object, key)), "%s", key);
	return json_string_value(json_object_get(object, key));
}

Test(trace_records, writes_a_call_with_its_numbers)
{
	json_t *call, *histogram;

	event->task = 12;
	add();
	event->duration = 5 * MS;
	event->start = 1 * SECOND;
	add();
	cr_assert_eq(write_lines(false), 1);
	call = last_of("call");
	cr_assert_eq(integer(call, "id"), 1);
	cr_assert_str_eq(string(call, "op"), "pthread_mutex_lock");
	cr_assert_str_eq(string(call, "class"), "lock");
	cr_assert_str_eq(string(call, "in"), "task");
	cr_assert_eq(integer(call, "task"), 12);
	cr_assert_eq(integer(call, "thread"), 4);
	cr_assert_eq(integer(call, "count"), 2);
	cr_assert_eq(integer(call, "total_ns"), 8 * MS);
	cr_assert_eq(integer(call, "max_ns"), 5 * MS);
	cr_assert_eq(integer(call, "first_ns"), 1500, "the clock began at 500");
	cr_assert_eq(integer(call, "last_ns"), SECOND - 500);
	cr_assert(json_is_null(json_object_get(call, "stack")));
	cr_assert(json_is_null(json_object_get(call, "vtable")));
	cr_assert(json_is_null(json_object_get(call, "target")));
	cr_assert(json_is_null(json_object_get(call, "lock")));
	cr_assert(json_is_null(json_object_get(call, "entered")));
	cr_assert(json_is_false(json_object_get(call, "handover")));
	histogram = json_object_get(call, "histogram");
	cr_assert_eq(json_array_size(histogram), 2);
	cr_assert_eq(json_integer_value(json_array_get(json_array_get(histogram, 0), 0)), 1 << 22);
	cr_assert_eq(json_integer_value(json_array_get(json_array_get(histogram, 0), 1)), 1);
}

Test(trace_records, writes_what_a_record_refers_to_before_it)
{
	uint64_t address = (uintptr_t)dlsym(RTLD_DEFAULT, "getpid");
	int image = images_find(address);
	struct task_type type = {.vtable = images_get(0)->elf.bias + 0x5000,
				 .poll = (void (*)(void *))(images_get(0)->elf.bias + 0x700),
				 .index = 6};
	json_t *frames;

	event->type = &type;
	event->frame_count = 2;
	event->frames[0] = address;
	event->frames[1] = 0x10;
	add();
	cr_assert_eq(write_lines(false), 5, "two modules, stack, type, call");
	cr_assert_eq(last_of("call"), json_array_get(lines, 4));
	cr_assert_eq(integer(last_of("call"), "stack"), integer(last_of("stack"), "id"));
	cr_assert_eq(integer(last_of("call"), "vtable"), 6);
	cr_assert_eq(integer(last_of("vtable"), "id"), 6);
	cr_assert_eq(integer(last_of("vtable"), "address"), 0x5000);
	cr_assert_eq(integer(last_of("vtable"), "poll"), 0x700);
	cr_assert(json_is_null(json_object_get(last_of("vtable"), "dealloc")));
	frames = json_object_get(last_of("stack"), "frames");
	cr_assert_eq(json_array_size(frames), 2);
	cr_assert_eq(json_integer_value(json_array_get(json_array_get(frames, 0), 0)), image);
	cr_assert_eq((uint64_t)json_integer_value(json_array_get(json_array_get(frames, 0), 1)),
		     address - images_get((unsigned)image)->elf.bias);
	cr_assert(json_is_null(json_array_get(json_array_get(frames, 1), 0)), "nobody's address");
	cr_assert_eq(json_integer_value(json_array_get(json_array_get(frames, 1), 1)), 0x10);

	event->op = OP_SLEEP;
	add();
	cr_assert_eq(write_lines(false), 1, "stack and type are known by now");
}

Test(trace_records, writes_a_long_poll_without_what_only_calls_have)
{
	event->kind = EVENT_LONG_POLL;
	event->entered = ENTERED_YES;
	event->explained = 1 * MS;
	add();
	cr_assert_eq(write_lines(false), 1);
	cr_assert_eq(integer(last_of("long_poll"), "explained_ns"), 1 * MS);
	cr_assert_eq(integer(last_of("long_poll"), "total_ns"), 2 * MS);
	cr_assert(json_is_true(json_object_get(last_of("long_poll"), "entered")));
	cr_assert_null(json_object_get(last_of("long_poll"), "op"));
	cr_assert_null(json_object_get(last_of("long_poll"), "target"));
	cr_assert_null(last_of("call"));
}

Test(trace_records, describes_target_and_lock)
{
	json_t *call;

	event->target.kind = "file";
	strcpy(event->target.name, "/etc/\"odd\"\n\xff");
	event->lock = (const void *)0x7f00;
	event->futex_op = FUTEX_WAIT_BITSET_PRIVATE;
	event->futex_expected = 2;
	event->context = CONTEXT_BLOCKING;
	event->entered = ENTERED_NO;
	add();
	write_lines(false);
	call = last_of("call");
	cr_assert_str_eq(string(json_object_get(call, "target"), "kind"), "file");
	cr_assert_str_eq(string(json_object_get(call, "target"), "name"),
			 "/etc/\"odd\"\n\xef\xbf\xbd");
	cr_assert_str_eq(string(json_object_get(call, "lock"), "address"), "0x7f00");
	cr_assert_str_eq(string(json_object_get(json_object_get(call, "lock"), "futex"), "op"),
			 "wait_bitset");
	cr_assert_eq(integer(json_object_get(json_object_get(call, "lock"), "futex"), "expected"),
		     2);
	cr_assert_str_eq(string(call, "in"), "blocking");
	cr_assert(json_is_false(json_object_get(call, "entered")));
}

Test(trace_records, writes_nothing_again_that_has_not_changed)
{
	add();
	cr_assert_eq(write_lines(false), 1);
	fake_clock_advance(100ull * SECOND);
	cr_assert_eq(write_lines(false), 0);
	cr_assert_eq(write_lines(true), 0);
}

Test(trace_records, repeats_a_changed_record_only_when_it_is_due)
{
	add();
	cr_assert_eq(write_lines(false), 1);
	add();
	fake_clock_advance(LEAST - 1);
	cr_assert_eq(write_lines(false), 0);
	fake_clock_advance(1);
	cr_assert_eq(write_lines(false), 1);
	cr_assert_eq(integer(last_of("call"), "count"), 2);
	cr_assert_eq(integer(last_of("call"), "id"), 1, "the same record");
	add();
	cr_assert_eq(write_lines(true), 1, "everything at the end");
	cr_assert_eq(integer(last_of("call"), "count"), 3);
}

Test(trace_records, tells_modules_and_types_again_in_a_fork_child)
{
	struct task_type type = {.vtable = images_get(0)->elf.bias + 0x5000,
				 .poll = (void (*)(void *))(images_get(0)->elf.bias + 0x700),
				 .index = 6};

	event->type = &type;
	add();
	cr_assert_eq(write_lines(false), 3);
	trace_objects_after_fork();
	aggregate_reset();
	add();
	cr_assert_eq(write_lines(false), 3);
}

Test(trace_schedule, lets_the_first_line_out_at_once)
{
	struct trace_schedule schedule = {0};

	fake_clock_start();
	cr_assert(trace_schedule_due(&schedule, false));
	trace_schedule_done(&schedule);
	cr_assert_not(trace_schedule_due(&schedule, false));
	cr_assert(trace_schedule_due(&schedule, true));
}

Test(trace_schedule, waits_a_moment_and_later_an_eighth_of_the_time_gone_by)
{
	struct trace_schedule schedule = {0};

	fake_clock_start();
	trace_schedule_done(&schedule);
	fake_clock_advance(LEAST - 1);
	cr_assert_not(trace_schedule_due(&schedule, false));
	fake_clock_advance(1);
	cr_assert(trace_schedule_due(&schedule, false));
	fake_clock_advance(64ull * SECOND - LEAST);
	trace_schedule_done(&schedule); /* at 64 s */
	fake_clock_advance(8ull * SECOND);
	cr_assert_not(trace_schedule_due(&schedule, false), "an eighth is 9 s by now");
	fake_clock_advance(1200 * MS);
	cr_assert(trace_schedule_due(&schedule, false));
}

Test(trace_schedule, grows_with_the_logarithm_of_the_time)
{
	struct trace_schedule schedule = {0};
	unsigned in_first_hour = 0, in_next_hour = 0;

	fake_clock_start();
	for (unsigned tick = 0; tick < 2 * 36000; tick++) {
		if (trace_schedule_due(&schedule, false)) {
			trace_schedule_done(&schedule);
			if (tick < 36000)
				in_first_hour++;
			else
				in_next_hour++;
		}
		fake_clock_advance(100 * MS);
	}
	cr_assert(in_first_hour > 40 && in_first_hour < 70, "%u", in_first_hour);
	cr_assert(in_next_hour >= 3 && in_next_hour < 8, "%u", in_next_hour);
}

Test(trace_schedule, writes_histograms_as_pairs_of_bound_and_count)
{
	uint64_t histogram[HISTOGRAM_BUCKETS] = {0};
	char buffer[256];
	struct text text;

	text_init(&text, buffer, sizeof(buffer));
	trace_add_histogram(&text, histogram);
	histogram[0] = 1;
	histogram[10] = 2;
	histogram[HISTOGRAM_BUCKETS - 1] = 3;
	trace_add_histogram(&text, histogram);
	text_end(&text);
	cr_assert_str_eq(buffer,
			 ",\"histogram\":[],\"histogram\":[[1,1],[1024,2],[8796093022208,3]]");
}
