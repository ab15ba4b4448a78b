/* SPDX-License-Identifier: MIT */
/*
 * Finds Tokio's task vtables in an ELF image by their shape. Pure; used in the target at start and
 * by `overstay inspect`.
 *
 * Source: tokio/src/runtime/task/raw.rs, `struct Vtable`. From 1.23.0 on (checked to 1.54.1):
 * poll, schedule, dealloc, try_read_output, drop_join_handle_slow, drop_abort_handle, shutdown,
 * trailer_offset, scheduler_offset, id_offset, and with `--cfg tokio_unstable` from 1.46 on
 * spawn_location_offset. It is not repr(C); the order has nevertheless been kept, and the shape
 * check below fails closed if it is not.
 */
#ifndef OVERSTAY_TOKIO_VTABLES_H
#define OVERSTAY_TOKIO_VTABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/patch/elf_image.h"

enum tokio_task_class {
	TOKIO_TASK,     /* polled by a scheduler */
	TOKIO_BLOCKING, /* S = BlockingSchedule: a blocking-pool job, or a worker's own loop */
	TOKIO_UNKNOWN,  /* to be decided when it is first polled */
};

struct tokio_vtable {
	uint64_t address; /* run-time address of slot 0 */
	uint64_t poll;
	uint64_t dealloc;          /* 0 when the layout has no known place for it */
	uint32_t vtable_offset;    /* of the vtable pointer in the task header */
	uint32_t id_offset;        /* of the task id in the header; 0 when unknown */
	uint32_t future_offset;    /* of a word-aligned future in the header; 0 when unknown */
	uint32_t scheduler_offset; /* of the scheduler handle in the header; 0 when unknown */
	enum tokio_task_class class;
};

struct tokio_shapes {
	size_t count;      /* vtables reported to `found` */
	size_t candidates; /* places that have the shape, accepted or not */
	bool unstable;     /* the layout with spawn_location_offset was seen */
};

/*
 * Reports every vtable of the layout used since Tokio 1.23. An image whose candidates have neither
 * the code of Tokio's `schedule` slot nor Tokio's strings gets none of them accepted.
 */
struct tokio_shapes tokio_find_vtables(const struct elf_image *image,
				       void (*found)(void *context, const struct tokio_vtable *),
				       void *context);

/*
 * Reports every array of code pointers whose first word is one of the `count` addresses in `polls`
 * (sorted ascending): the layouts of Tokio 1.17 to 1.22, which have no numbers to recognise them by
 * and are found through the symbols of their poll functions.
 */
struct tokio_shapes tokio_find_vtables_by_poll(
	const struct elf_image *image, const uint64_t *polls, size_t count, uint32_t vtable_offset,
	void (*found)(void *context, const struct tokio_vtable *), void *context);

/*
 * Where the header of such a Tokio keeps its vtable pointer: 0x10 when every table has a trailer
 * offset after its eighth pointer (1.21 and 1.22), else 0x20.
 */
uint32_t tokio_header_of_old_layout(const struct elf_image *image, const uint64_t *polls,
				    size_t count);

#endif
