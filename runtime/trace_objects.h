/* SPDX-License-Identifier: MIT */
/*
 * Lines of the trace that other lines refer to: modules, task types, threads. Each is written once,
 * before the first line that names it.
 * Runs on: whoever drains.
 */
#ifndef OVERSTAY_TRACE_OBJECTS_H
#define OVERSTAY_TRACE_OBJECTS_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/task_types.h"
#include "runtime/thread.h"

/* False when there is no room; to be tried again. */
bool trace_write_module(unsigned index);
bool trace_write_type(const struct task_type *type);

/* The trace id of a thread; 0 while there is no room for its line. */
uint32_t trace_thread_id(struct thread *thread);

/* In a fork child: nothing is written yet. */
void trace_objects_after_fork(void);

#endif
