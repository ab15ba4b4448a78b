/* SPDX-License-Identifier: MIT */
/*
 * Holders of locks as other lines of the trace name them.
 * Runs on: whoever drains.
 */
#ifndef OVERSTAY_TRACE_LOCKS_H
#define OVERSTAY_TRACE_LOCKS_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/holder.h"
#include "runtime/text.h"

/* A holder in ids of the trace; `known` false: there is none to name. */
struct told_holder {
	bool known;
	bool suspended;
	bool queued; /* has not got it: a writer that waits, whom readers do not overtake */
	uint8_t mode;
	uint64_t task; /* 0: null; so are the next three */
	const struct task_type *type;
	uint32_t thread;
	uint32_t stack; /* index + 1 */
	uint64_t held_ns;
};

/* The stack where a lock was acquired: index + 1, or 0. `copy` may be NULL. */
uint32_t trace_acquired_stack(uint32_t place, const struct stack_copy *copy);

/* The trace id of a thread that may have ended; 0 when it is not known any more. */
uint32_t trace_id_of(struct thread *thread);

/* As of `now`, in ticks. */
void trace_tell_holder(const struct holder *holder, uint64_t now, struct told_holder *ret);

/* Writes the lines that the holder's object refers to; false when there is no room. */
bool trace_prepare_holder(const struct told_holder *holder);

/* ,"holder":{...} or null */
void trace_add_holder(struct text *line, const struct told_holder *holder);

/* ,"key":number, or null for 0 */
void trace_add_or_null(struct text *line, const char *key, uint64_t value);

/* ,"vtable":index or null */
void trace_add_type(struct text *line, const struct task_type *type);

/* ,"address":"0x.." */
void trace_add_address(struct text *line, uint64_t address);

#endif
