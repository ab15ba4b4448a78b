/* SPDX-License-Identifier: MIT */
/* Unit tests of viewer/load_locks.h: what is not as it should be is unknown, and lists end. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>

#include "viewer/load.h"

#include "sample.h"

#define HELD(rest)                                                                                 \
	"{\"t\":\"held\",\"id\":1,\"in\":\"task\",\"type\":\"std::sync::Mutex\",\"mode\":"         \
	"\"exclusive\",\"address\":\"0x10\",\"stack\":1,\"count\":2,\"open\":1,\"total_ns\":"      \
	"50" rest "}\n"

Test(load_locks, takes_the_last_word_on_a_held_lock)
{
	struct trace *trace = sample_trace(HELD(",\"waiters\":[{\"task\":8,\"thread\":1}]") HELD(
		",\"waits\":4,\"waiters\":[{\"task\":8,\"thread\":1},{\"thread\":2}]"));
	const struct held *held = trace->helds.items[0];

	cr_expect_eq(trace->helds.count, 1);
	cr_expect_eq(held->open, 1);
	cr_expect_eq(held->waits, 4);
	cr_assert_eq(held->waiter_count, 2);
	cr_expect_eq(held->waiters[0].task, 8);
	cr_expect_not(held->waiters[1].has_task);
	model_free(trace);
}

Test(load_locks, takes_what_it_does_not_know_for_unknown)
{
	struct trace *trace = sample_trace(
		"{\"t\":\"held\",\"id\":1,\"in\":7,\"type\":\"spin::Mutex\",\"mode\":\"sideways\","
		"\"stack\":\"x\",\"thread\":-1,\"count\":\"many\",\"open\":-3,\"waiters\":{}}\n"
		"{\"t\":\"held\",\"id\":2,\"stack\":99,\"waiters\":[null,7,[],{\"task\":\"x\"}]}\n"
		"{\"t\":\"call\",\"id\":1,\"op\":\"futex\",\"class\":\"lock\",\"lock\":[]}\n"
		"{\"t\":\"call\",\"id\":2,\"op\":\"futex\",\"class\":\"lock\",\"lock\":{"
		"\"address\":5,\"type\":[],\"mode\":null,\"holder\":\"me\"}}\n"
		"{\"t\":\"deadlock\",\"id\":1,\"links\":7}\n"
		"{\"t\":\"deadlock\",\"id\":2,\"over\":0,\"links\":[1,null,{},{\"holder\":{}}]}\n"
		"{\"t\":\"stall\",\"id\":1,\"lock\":\"x\"}\n"
		"{\"t\":\"coverage\",\"attached\":true,\"locks\":[7,{},{\"type\":\"dashmap\","
		"\"skipped\":[1,{\"reason\":7,\"count\":1}]}]}\n");
	const struct held *held = trace->helds.items[0];
	const struct call *call = trace->calls.items[1];
	const struct deadlock *deadlock = trace->deadlocks.items[1];

	model_link(trace);
	cr_expect_null(held->lock.type);
	cr_expect_eq(held->lock.mode, LOCKING_UNKNOWN);
	cr_expect_null(held->origin.stack);
	cr_expect_null(held->origin.thread);
	cr_expect_eq(held->open, 0);
	cr_expect_eq(((struct held *)trace->helds.items[1])->waiter_count, 0);
	cr_expect_eq(((struct held *)trace->helds.items[1])->origin.stack->frame_count, 0);
	cr_expect_null(call->lock.address);
	cr_expect_not(call->lock.holder.known);
	cr_expect_eq(((struct deadlock *)trace->deadlocks.items[0])->link_count, 0);
	cr_assert_eq(deadlock->link_count, 2);
	cr_expect_not(deadlock->links[0].lock.holder.known);
	cr_expect(deadlock->links[1].lock.holder.known);
	cr_assert_eq(trace->lock_count, 1);
	cr_expect_eq(trace->locks[0].skip_count, 0);
	model_free(trace);
}

Test(load_locks, keeps_lists_within_bounds)
{
	static char lines[64 * 1024];
	char *end = lines;
	const struct deadlock *deadlock;
	struct trace *trace;
	int i;

	end += sprintf(end, "{\"t\":\"held\",\"id\":1,\"waiters\":[{\"task\":0}");
	for (i = 1; i < 1000; i++)
		end += sprintf(end, ",{\"task\":%d}", i);
	end += sprintf(end, "]}\n{\"t\":\"deadlock\",\"id\":1,\"links\":[{\"task\":0}");
	for (i = 1; i < 1000; i++)
		end += sprintf(end, ",{\"task\":%d}", i);
	sprintf(end, "]}\n");
	trace = sample_trace(lines);
	deadlock = trace->deadlocks.items[0];
	cr_expect_eq(((struct held *)trace->helds.items[0])->waiter_count, WAITERS_MAX);
	cr_expect_eq(deadlock->link_count, LINKS_MAX);
	cr_expect_eq(deadlock->links_left_out, 1000 - LINKS_MAX);
	model_free(trace);
}

Test(load_locks, refuses_what_has_no_id)
{
	static const char *const kinds[] = {"held", "deadlock"};
	char reason[LOAD_REASON_SIZE], line[64];
	struct trace *trace;
	size_t i;

	for (i = 0; i < 2; i++) {
		snprintf(line, sizeof(line), "{\"t\":\"%s\",\"over\":true}\n", kinds[i]);
		cr_expect_eq(load_trace(sample_file(sample_start, line), &trace, reason), -EPROTO);
	}
}

Test(load_locks, takes_the_coverage_by_type)
{
	struct trace *trace = sample_trace(
		"{\"t\":\"coverage\",\"attached\":true,\"locks\":[{\"type\":\"dashmap\","
		"\"sites\":5,\"patched\":3,\"skipped\":[{\"reason\":\"no "
		"room\",\"count\":2}]}]}\n");

	cr_assert_eq(trace->lock_count, 1);
	cr_expect_eq(trace->locks[0].sites, 5);
	cr_expect_eq(trace->locks[0].patched, 3);
	cr_assert_eq(trace->locks[0].skip_count, 1);
	cr_expect_str_eq(trace->locks[0].skipped[0].reason, "no room");
	model_free(trace);
}
