/* SPDX-License-Identifier: MIT */
/* Unit tests of runtime/wait_graph.h: who can go on. */
#include "runtime/wait_graph.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <string.h>

static struct graph graph;

static void begin(void)
{
	memset(&graph, 0, sizeof(graph));
}

TestSuite(wait_graph, .init = begin);

static uint16_t thread(void)
{
	return graph_add(&graph, GRAPH_ANY);
}

static uint16_t task(void)
{
	return graph_add(&graph, GRAPH_ALL);
}

static void waits(uint16_t from, unsigned count, ...)
{
	va_list list;

	va_start(list, count);
	for (unsigned i = 0; i < count; i++)
		graph_connect(&graph, from, (uint16_t)va_arg(list, int));
	va_end(list);
}

static bool stuck(uint16_t node)
{
	return graph_is_stuck(&graph, node);
}

Test(wait_graph, of_nobody_is_solved)
{
	graph_solve(&graph);
	cr_assert_not(stuck(GRAPH_FREE));
}

Test(wait_graph, lets_go_on_who_waits_for_nobody_known)
{
	uint16_t a = thread();

	graph_solve(&graph);
	cr_assert_not(stuck(a));
}

Test(wait_graph, lets_go_on_who_waits_for_somebody_who_runs)
{
	uint16_t a = thread(), b = thread();

	waits(a, 1, b);
	waits(b, 1, GRAPH_FREE);
	graph_solve(&graph);
	cr_assert_not(stuck(a) || stuck(b));
}

Test(wait_graph, holds_who_waits_for_itself)
{
	uint16_t a = thread();

	waits(a, 1, a);
	graph_solve(&graph);
	cr_assert(stuck(a));
}

Test(wait_graph, holds_two_in_opposite_order)
{
	uint16_t a = thread(), b = thread(), behind = thread(), apart = thread();

	waits(a, 1, b);
	waits(b, 1, a);
	waits(behind, 1, a);
	waits(apart, 1, GRAPH_FREE);
	graph_solve(&graph);
	cr_assert(stuck(a) && stuck(b));
	cr_assert(stuck(behind), "whoever waits for them is stuck as well");
	cr_assert_not(stuck(apart));
}

Test(wait_graph, holds_three_in_a_circle)
{
	uint16_t a = thread(), b = thread(), c = thread();

	waits(a, 1, b);
	waits(b, 1, c);
	waits(c, 1, a);
	graph_solve(&graph);
	cr_assert(stuck(a) && stuck(b) && stuck(c));
}

Test(wait_graph, lets_three_go_on_when_the_last_can)
{
	uint16_t a = thread(), b = thread(), c = thread();

	waits(a, 1, b);
	waits(b, 1, c);
	waits(c, 1, GRAPH_FREE);
	graph_solve(&graph);
	cr_assert_not(stuck(a) || stuck(b) || stuck(c));
}

Test(wait_graph, lets_a_suspended_task_go_on_while_a_worker_is_free)
{
	uint16_t worker = thread(), holder = task();

	waits(worker, 1, holder);
	waits(holder, 2, worker, GRAPH_FREE);
	graph_solve(&graph);
	cr_assert_not(stuck(worker) || stuck(holder));
}

Test(wait_graph, holds_a_suspended_task_when_all_workers_wait_for_it)
{
	uint16_t one = thread(), two = thread(), holder = task();

	waits(one, 1, holder);
	waits(two, 1, holder);
	waits(holder, 2, one, two);
	graph_solve(&graph);
	cr_assert(stuck(one) && stuck(two) && stuck(holder));
}

Test(wait_graph, lets_a_suspended_task_go_on_when_one_worker_only_waits_for_a_running_thread)
{
	uint16_t one = thread(), two = thread(), holder = task();

	waits(one, 1, holder);
	waits(two, 1, GRAPH_FREE);
	waits(holder, 2, one, two);
	graph_solve(&graph);
	cr_assert_not(stuck(one) || stuck(two) || stuck(holder));
}

Test(wait_graph, lets_a_task_without_known_workers_go_on)
{
	uint16_t worker = thread(), holder = task();

	waits(worker, 1, holder);
	graph_solve(&graph);
	cr_assert_not(stuck(worker) || stuck(holder));
}

Test(wait_graph, holds_a_writer_by_any_of_its_readers)
{
	uint16_t writer = thread(), reader = thread();

	waits(writer, 2, GRAPH_FREE, reader);
	waits(reader, 1, writer);
	graph_solve(&graph);
	cr_assert(stuck(writer) && stuck(reader));
}

Test(wait_graph, lets_a_writer_go_on_when_all_its_readers_do)
{
	uint16_t writer = thread(), reader = thread();

	waits(writer, 2, GRAPH_FREE, reader);
	waits(reader, 1, GRAPH_FREE);
	graph_solve(&graph);
	cr_assert_not(stuck(writer) || stuck(reader));
}

Test(wait_graph, counts_nodes_without_room_as_free)
{
	uint16_t node = 0;

	for (unsigned i = 0; i < GRAPH_NODES; i++)
		node = thread();
	cr_assert_eq(thread(), GRAPH_FREE);
	graph_connect(&graph, GRAPH_FREE, 0);
	waits(node, 1, GRAPH_FREE);
	graph_solve(&graph);
	cr_assert_not(stuck(node));
}

Test(wait_graph, counts_edges_without_room_as_free)
{
	uint16_t many = thread(), worker = thread(), holder = task();

	for (unsigned i = 0; i < GRAPH_EDGES - 2; i++)
		graph_connect(&graph, many, many);
	waits(worker, 1, holder);
	waits(holder, 2, worker, GRAPH_FREE);
	graph_solve(&graph);
	cr_assert_not(stuck(holder), "the worker that found no room might have been free");
	cr_assert_not(stuck(worker));
}
