/* SPDX-License-Identifier: MIT */
/*
 * Who can go on? A pure function over a small graph.
 *
 * A node is a waiting thread or a suspended task; an edge leads to a node that has to go on first.
 * A node of kind GRAPH_ANY is stuck when any of those is stuck (a thread that waits for a lock that
 * several hold), one of kind GRAPH_ALL only when all are (a task that any worker could go on with).
 * Without an edge a node is not stuck. The answer is the greatest fixpoint: what is left when
 * everything that can go on has been taken away, over and over.
 */
#ifndef OVERSTAY_WAIT_GRAPH_H
#define OVERSTAY_WAIT_GRAPH_H

#include <stdbool.h>
#include <stdint.h>

#define GRAPH_NODES 768
#define GRAPH_EDGES 8192
#define GRAPH_FREE  UINT16_MAX /* as an edge's end: something that is not stuck */

enum graph_kind { GRAPH_ANY, GRAPH_ALL };

struct graph_node {
	uint8_t kind; /* enum graph_kind */
	bool stuck;   /* the answer */
	uint16_t first_edge, edge_count;
};

struct graph {
	unsigned node_count, edge_count;
	struct graph_node nodes[GRAPH_NODES];
	uint16_t edges[GRAPH_EDGES];
};

/* Returns the node, or GRAPH_FREE when there is no more room. */
uint16_t graph_add(struct graph *graph, enum graph_kind kind);

/*
 * The edges of one node are added one after the other, before those of the next. Where there is no
 * room the node counts as not stuck.
 */
void graph_connect(struct graph *graph, uint16_t from, uint16_t to);

/* Sets `stuck` of every node. */
void graph_solve(struct graph *graph);

/* Whether an edge's end is stuck. */
bool graph_is_stuck(const struct graph *graph, uint16_t node);

#endif
