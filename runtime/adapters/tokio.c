/* SPDX-License-Identifier: MIT */
/*
 * Tokio: hooks the poll slot of every task vtable.
 * Runs on: the holder of the object lock.
 */
#include <string.h>

#include "runtime/adapter.h"
#include "runtime/adapters/tokio_context.h"
#include "runtime/adapters/tokio_symbols.h"
#include "runtime/adapters/tokio_vtables.h"
#include "runtime/coverage.h"
#include "runtime/entered.h"
#include "runtime/patch/slots.h"
#include "runtime/poll.h"
#include "runtime/task_types.h"

struct hooking {
	struct slot_writer writer;
	unsigned index;
	uint32_t hooked;
};

static void (*hook_for(const struct tokio_vtable *vtable))(void *)
{
	switch (vtable->class) {
	case TOKIO_TASK:
		return poll_hook_task;
	case TOKIO_BLOCKING:
		return poll_hook_blocking;
	default:
		return vtable->vtable_offset == 0x20 ? poll_hook_undecided_20
						     : poll_hook_undecided_10;
	}
}

static void hook_vtable(void *context, const struct tokio_vtable *vtable)
{
	static const enum poll_class classes[] = {
		[TOKIO_TASK] = POLL_TASK,
		[TOKIO_BLOCKING] = POLL_BLOCKING,
		[TOKIO_UNKNOWN] = POLL_UNKNOWN,
	};
	struct hooking *hooking = context;
	struct task_type type = {
		.vtable = vtable->address,
		.poll = (void (*)(void *))(uintptr_t)vtable->poll,
		.id_offset = vtable->id_offset,
		.future_offset = vtable->future_offset,
		.vtable_offset = vtable->vtable_offset,
		.scheduler_offset = vtable->scheduler_offset,
		.class = classes[vtable->class],
		.image = hooking->index,
		.dealloc = vtable->dealloc,
	};

	/* The type must be known before the first poll can come through the hook. */
	if (!task_types_add(&type) ||
	    slot_writer_set(&hooking->writer, vtable->address, (uintptr_t)hook_for(vtable)) < 0)
		coverage_set_blind(BLIND_SLOTS_REFUSED, true);
	else
		hooking->hooked++;
}

/* Only objects that are there from the start have a block at a fixed distance on all threads. */
static void note_entered(const struct image *image)
{
	int64_t offset = tokio_find_entered_byte(&image->elf);

	if (offset >= 0 && image->tls && image->initial)
		entered_set(image->tls + offset, TOKIO_ENTERED_MAX, TOKIO_NOT_ENTERED);
	else
		entered_withdraw();
	if (!entered_note()) {
		coverage_set_blind(BLIND_ROOT_BY_SYMBOLS, true);
		coverage_set_blind(BLIND_ROOT_LOCKS, true);
	}
}

static void examine(unsigned index, struct image *image)
{
	struct hooking hooking = {.index = index};
	struct tokio_shapes shapes;
	const char *layout;

	slot_writer_init(&hooking.writer, &image->elf, image->initial);
	shapes = tokio_find_vtables(&image->elf, hook_vtable, &hooking);
	layout = shapes.unstable ? "1.46+ tokio_unstable" : "1.23+";
	if (!hooking.hooked && !image->hooked)
		layout = tokio_hook_by_symbols(image, hook_vtable, &hooking);
	slot_writer_finish(&hooking.writer);
	if (!hooking.hooked)
		return;
	image->hooked += hooking.hooked;
	coverage_add_runtime("tokio", layout, index, hooking.hooked);
	note_entered(image);
}

const struct adapter tokio_adapter = {.name = "tokio", .examine = examine};
