/* SPDX-License-Identifier: MIT */
/* Unit tests of viewer/load.h: tolerant where the format allows, strict elsewhere. */
#include "viewer/load.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "sample.h"

static void expect_refused(const char *text, int error, const char *word)
{
	char reason[LOAD_REASON_SIZE] = "";
	struct trace *trace = NULL;

	cr_expect_eq(load_trace(sample_file(text, ""), &trace, reason), error);
	cr_expect_null(trace);
	cr_expect_not_null(strstr(reason, word), "no '%s' in '%s'", word, reason);
	cr_expect_null(strchr(reason, '\n'));
}

Test(load, takes_the_last_line_of_an_id)
{
	struct trace *trace = sample_trace(
		"{\"t\":\"thread\",\"id\":1,\"tid\":7,\"name\":\"early\"}\n"
		"{\"t\":\"call\",\"id\":1,\"op\":\"read\",\"class\":\"file\",\"in\":\"task\","
		"\"thread\":1,\"count\":1,\"total_ns\":5,\"max_ns\":5}\n"
		"{\"t\":\"thread\",\"id\":1,\"tid\":7,\"name\":\"late\"}\n"
		"{\"t\":\"call\",\"id\":1,\"op\":\"read\",\"class\":\"file\",\"in\":\"task\","
		"\"thread\":1,\"count\":2,\"total_ns\":9,\"max_ns\":5}\n");
	const struct call *call = trace->calls.items[0];

	cr_expect_eq(trace->calls.count, 1);
	cr_expect_eq(call->usage.count, 2);
	cr_expect_str_eq(call->origin.thread->name, "late");
}

Test(load, ignores_a_torn_last_line)
{
	struct trace *trace =
		sample_trace("{\"t\":\"polls\",\"count\":3}\n{\"t\":\"call\",\"id\":");

	cr_expect_eq(trace->polls.count, 3);
	cr_expect_eq(trace->calls.count, 0);
	cr_expect_eq(trace->good_bytes,
		     strlen(sample_start) + strlen("{\"t\":\"polls\",\"count\":3}\n"));
}

Test(load, skips_kinds_and_keys_it_does_not_know)
{
	struct trace *trace = sample_trace("{\"t\":\"weather\",\"sun\":true}\n"
					   "{\"t\":\"polls\",\"count\":3,\"mood\":[]}\n");

	cr_expect_eq(trace->polls.count, 3);
}

Test(load, takes_a_file_without_an_end_for_a_good_trace)
{
	cr_expect_not(sample_trace("")->ending.known);
}

Test(load, leaves_a_reference_to_nothing_empty)
{
	struct trace *trace =
		sample_trace("{\"t\":\"call\",\"id\":1,\"op\":\"read\",\"class\":\"file\","
			     "\"in\":\"task\",\"stack\":9,\"vtable\":9,\"thread\":9}\n");
	const struct call *call = trace->calls.items[0];

	model_link(trace);
	cr_expect_eq(call->origin.stack->frame_count, 0);
	cr_expect_null(call->origin.type->name);
	cr_expect_null(call->origin.thread->name);
}

Test(load, expands_inlined_frames_and_drops_its_own)
{
	struct trace *trace = sample_trace(
		"{\"t\":\"module\",\"id\":2,\"path\":\"/lib/liboverstay.so\"}\n"
		"{\"t\":\"stack\",\"id\":1,\"frames\":[[1,100],[2,50],[1,200],[null,9]]}\n"
		"{\"t\":\"symbol\",\"module\":1,\"position\":100,\"frames\":["
		"{\"function\":\"app::in\",\"file\":\"a.rs\",\"line\":1,\"inlined\":true},"
		"{\"function\":\"app::out\",\"file\":\"a.rs\",\"line\":2,\"inlined\":false}]}\n");
	const struct stack *stack;

	model_link(trace);
	stack = trace->stack_table.items[0];
	cr_assert_eq(stack->frame_count, 4);
	cr_expect_str_eq(stack->frames[0].function, "app::in");
	cr_expect(stack->frames[0].inlined);
	cr_expect_str_eq(stack->frames[1].function, "app::out");
	cr_expect_null(stack->frames[2].function);
	cr_expect_eq(stack->frames[2].offset, 200);
	cr_expect_null(stack->frames[3].module);
}

Test(load, refuses_an_empty_file)
{
	expect_refused("", -ENODATA, "empty");
}

Test(load, refuses_a_file_without_a_whole_line)
{
	expect_refused("{\"t\":\"header\"", -ENODATA, "no complete line");
}

Test(load, refuses_foreign_text)
{
	expect_refused("Nov 20 09:00:00 a log\n", -EPROTO, "not an overstay trace");
}

Test(load, refuses_foreign_json)
{
	expect_refused("{\"traceEvents\":[]}\n", -EPROTO, "not an overstay trace");
}

Test(load, refuses_a_newer_version)
{
	expect_refused("{\"t\":\"header\",\"format\":\"overstay-trace\",\"version\":2}\n",
		       -EPROTONOSUPPORT, "newer");
}

Test(load, refuses_a_damaged_line_in_the_middle)
{
	expect_refused("{\"t\":\"header\",\"format\":\"overstay-trace\",\"version\":1}\n"
		       "{\"t\":\"call\",\n"
		       "{\"t\":\"polls\",\"count\":3}\n",
		       -EPROTO, "line 2");
}

Test(load, refuses_a_call_without_an_id)
{
	expect_refused("{\"t\":\"header\",\"format\":\"overstay-trace\",\"version\":1}\n"
		       "{\"t\":\"call\",\"op\":\"read\",\"class\":\"file\"}\n",
		       -EPROTO, "line 2");
}

Test(load, names_what_is_missing)
{
	struct recording recording;

	load_recording("/nowhere/at/all", &recording);
	cr_assert_eq(recording.failure_count, 1);
	cr_expect_str_eq(recording.failures[0].path, "/nowhere/at/all");
	load_fini(&recording);
}

Test(load, takes_what_was_set_aside_from_the_last_polls_line)
{
	struct trace *trace = sample_trace("{\"t\":\"polls\",\"count\":1,\"set_aside\":2}\n"
					   "{\"t\":\"polls\",\"count\":4,\"set_aside\":3}\n");

	cr_expect_eq(trace->set_aside, 3);
	model_free(trace);
	trace = sample_trace("{\"t\":\"polls\",\"count\":1}\n");
	cr_expect_eq(trace->set_aside, 0);
	model_free(trace);
}
