/* SPDX-License-Identifier: MIT */
/*
 * Fixpoint over the wait-for graph.
 * Runs on: whoever drains. Pure.
 */
#include "wait_graph.h"

uint16_t graph_add(struct graph *graph, enum graph_kind kind)
{
	if (graph->node_count == GRAPH_NODES)
		return GRAPH_FREE;
	graph->nodes[graph->node_count] = (struct graph_node){.kind = (uint8_t)kind};
	return (uint16_t)graph->node_count++;
}

void graph_connect(struct graph *graph, uint16_t from, uint16_t to)
{
	struct graph_node *node = &graph->nodes[from];

	if (from == GRAPH_FREE)
		return;
	if (!node->edge_count)
		node->first_edge = (uint16_t)graph->edge_count;
	if (graph->edge_count == GRAPH_EDGES) {
		/* A GRAPH_ALL node must not lose the one that could go on. */
		if (node->edge_count)
			graph->edges[node->first_edge] = GRAPH_FREE;
		if (node->kind == GRAPH_ANY)
			node->edge_count = 0;
		return;
	}
	graph->edges[graph->edge_count++] = to;
	node->edge_count++;
}

bool graph_is_stuck(const struct graph *graph, uint16_t node)
{
	return node != GRAPH_FREE && graph->nodes[node].stuck;
}

static bool stays(const struct graph *graph, const struct graph_node *node)
{
	unsigned stuck = 0;

	for (unsigned i = 0; i < node->edge_count; i++)
		stuck += graph_is_stuck(graph, graph->edges[node->first_edge + i]);
	return node->kind == GRAPH_ANY ? stuck > 0 : stuck && stuck == node->edge_count;
}

void graph_solve(struct graph *graph)
{
	bool changed = true;

	for (unsigned i = 0; i < graph->node_count; i++)
		graph->nodes[i].stuck = graph->nodes[i].edge_count > 0;
	while (changed) {
		changed = false;
		for (unsigned i = 0; i < graph->node_count; i++) {
			struct graph_node *node = &graph->nodes[i];

			if (node->stuck && !stays(graph, node)) {
				node->stuck = false;
				changed = true;
			}
		}
	}
}
