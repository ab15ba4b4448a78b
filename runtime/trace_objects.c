/* SPDX-License-Identifier: MIT */
/*
 * Modules, task types and threads in the trace.
 * Runs on: whoever drains.
 */
#include "trace_objects.h"

#include <string.h>

#include "runtime/images.h"
#include "runtime/trace_writer.h"

#define MAX_TYPES 16384

static bool module_written[IMAGES_MAX];
static bool type_written[MAX_TYPES];
static uint32_t thread_ids;

bool trace_write_module(unsigned index)
{
	struct image *image = images_get(index);
	struct text *line;

	if (module_written[index])
		return true;
	line = trace_writer_line("module");
	if (!line)
		return false;
	trace_add_u64(line, "id", index);
	trace_add_string(line, "path", image->path);
	trace_add_string(line, "build_id", *image->build_id ? image->build_id : NULL);
	trace_add_u64(line, "start", image->elf.start);
	trace_add_u64(line, "end", image->elf.end);
	trace_add_u64(line, "bias", image->elf.bias);
	trace_writer_end_line();
	module_written[index] = true;
	return true;
}

bool trace_write_type(const struct task_type *type)
{
	static const char *const classes[] = {"task", "blocking", "unknown"};
	uint64_t bias = images_get(type->image)->elf.bias;
	struct text *line;

	if (type->index >= MAX_TYPES || type_written[type->index])
		return true;
	if (!trace_write_module(type->image) || !(line = trace_writer_line("vtable")))
		return false;
	trace_add_u64(line, "id", type->index);
	trace_add_u64(line, "module", type->image);
	trace_add_u64(line, "address", type->vtable - bias);
	trace_add_u64(line, "poll", (uintptr_t)type->poll - bias);
	trace_add_key(line, "dealloc");
	if (type->dealloc)
		text_add_u64(line, type->dealloc - bias);
	else
		text_add(line, "null");
	trace_add_string(line, "class", classes[type->class <= POLL_UNKNOWN ? type->class : 2]);
	trace_writer_end_line();
	type_written[type->index] = true;
	return true;
}

uint32_t trace_thread_id(struct thread *thread)
{
	struct text *line;

	if (thread->id || !(line = trace_writer_line("thread")))
		return thread->id;
	thread->id = ++thread_ids;
	trace_add_u64(line, "id", thread->id);
	trace_add_u64(line, "tid", (uint64_t)thread->tid);
	trace_add_string(line, "name", thread->name);
	trace_writer_end_line();
	return thread->id;
}

void trace_objects_after_fork(void)
{
	memset(module_written, 0, sizeof(module_written));
	memset(type_written, 0, sizeof(type_written));
	thread_ids = 0;
}
