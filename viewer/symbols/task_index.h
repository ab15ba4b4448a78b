/* SPDX-License-Identifier: MIT */
/*
 * What naming the tasks of a module needs from all its symbols, collected once.
 */
#ifndef OVERSTAY_SYMBOLS_TASK_INDEX_H
#define OVERSTAY_SYMBOLS_TASK_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct symbol_module;

/* A closure or async body. */
struct closure_symbol {
	char *name; /* demangled */
	uint64_t address;
};

/* That the instance `dealloc` of raw::dealloc calls the drop glue `glue`. */
struct glue_user {
	uint64_t glue;
	uint64_t dealloc;
	uint64_t drops; /* the functions with which it drops an Arc, such as the scheduler's */
};

struct task_index {
	struct closure_symbol *closures; /* by name */
	size_t closure_count;
	uint64_t *deallocs; /* every instance of Tokio's raw::dealloc, by address */
	size_t dealloc_count;
	struct glue_user *users; /* by glue */
	size_t user_count;
	bool marks_resumption; /* async bodies can be told by the panic they call */
};

struct task_index *task_index_of(struct symbol_module *module);
void task_index_free(struct task_index *index); /* accepts NULL */

/* Closures called `name`: number, and the first in *ret_first. */
size_t task_index_closures(struct task_index *index, const char *name,
			   const struct closure_symbol **ret_first);

/* Those that call `glue`: number, and the first in *ret_first. */
size_t task_index_users(struct task_index *index, uint64_t glue,
			const struct glue_user **ret_first);

/* Whether a mangled name is the panic of an async body that is polled after its end. */
bool task_is_resumption_panic(const char *mangled);

#endif
