/* SPDX-License-Identifier: MIT */
/*
 * The separate pieces of evidence for what future a task holds, and where its body stands.
 */
#ifndef OVERSTAY_SYMBOLS_TASK_EVIDENCE_H
#define OVERSTAY_SYMBOLS_TASK_EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct symbol_module;

#define RUNTIME_FUNCTIONS_MAX 96
#define TASK_CALLS_MAX        256
#define TYPE_CANDIDATES_MAX   16

/* Different texts, each once, at most TYPE_CANDIDATES_MAX. */
struct type_candidates {
	char *texts[TYPE_CANDIDATES_MAX];
	size_t count;
	uint64_t function; /* the function that gave them */
};

void type_candidates_add(struct type_candidates *candidates, char *text); /* takes `text` */
void type_candidates_fini(struct type_candidates *candidates);

/*
 * Type of the future, unwrapped, from the drop glue that `dealloc` calls. Compilers fold identical
 * drop glue of different types into one function that keeps one of the names; then the functions
 * that `poll` calls must tell which it is. Malloc'd, or NULL when it stays open.
 */
char *task_type_from_glue(struct symbol_module *module, uint64_t poll, uint64_t dealloc);

/*
 * `start` and the functions of the runtime itself that are called from it, directly or not, at most
 * RUNTIME_FUNCTIONS_MAX. Returns their number.
 */
size_t task_runtime_functions(struct symbol_module *module, uint64_t start, uint64_t *functions);

/*
 * What the runtime's part of `poll` calls, added to `called`: the names of closures, and of other
 * futures the type in "<app::Fut<F> as Future>::poll" with its bracket, "<app::Fut". False when
 * that can't be trusted: an async body was inlined there, and a call may be one that the body
 * makes.
 */
bool task_called_futures(struct symbol_module *module, uint64_t poll,
			 struct type_candidates *called);

/* The function that runs when a future is polled; strings are malloc'd, NULL when not known. */
struct task_body {
	char *name;
	char *file;
	int line;
};

/* Finds the body of the future whose type the DWARF calls `raw_type`. */
void task_body_of_type(struct symbol_module *module, uint64_t poll, const char *raw_type,
		       struct task_body *body);

/* Finds the position of the closure `name` among those that the runtime's part of `poll` calls. */
void task_body_of_name(struct symbol_module *module, uint64_t poll, const char *name,
		       struct task_body *body);

#endif
