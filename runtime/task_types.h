/* SPDX-License-Identifier: MIT */
/*
 * The task types whose poll slot is hooked: from a vtable's address to the original poll function
 * and to what the engine needs to read from the task's header.
 *
 * Lookups run on every poll of every thread and take no lock. Additions are made by the holder of
 * engine.c's object lock. A type is never removed.
 */
#ifndef OVERSTAY_TASK_TYPES_H
#define OVERSTAY_TASK_TYPES_H

#include <stddef.h>
#include <stdint.h>

enum poll_class {
	POLL_TASK,     /* a future polled by a scheduler */
	POLL_BLOCKING, /* a blocking-pool job, or a worker's own loop */
	POLL_UNKNOWN,  /* decided at the first poll */
};

struct task_type {
	uint64_t vtable;           /* run-time address */
	void (*poll)(void *);      /* the original slot 0 */
	uint32_t id_offset;        /* of the task id in the header; 0: has none */
	uint32_t future_offset;    /* of the future in the header; 0: unknown */
	uint32_t vtable_offset;    /* of the vtable pointer in the header; 0: unknown */
	uint32_t scheduler_offset; /* of the scheduler handle in the header; 0: unknown */
	uint32_t class;            /* enum poll_class; atomic, changes from POLL_UNKNOWN once */
	uint32_t index;            /* in order of addition, from 0 */
	uint32_t image;            /* index in images */
	uint64_t dealloc;          /* run-time address, 0 when unknown */
};

struct task_type_table {
	uint32_t bits; /* log2(slots) */
	uint32_t mask;
	struct task_type *slots[];
};

extern struct task_type_table *task_type_table;

/*
 * Where to look first. Vtables lie side by side, 0x50 or 0x58 bytes each: in units of 16 bytes they
 * are five or six apart, which spreads them over a table of a power of two.
 */
static inline uint64_t task_type_hash(uint64_t vtable)
{
	return vtable >> 4;
}

/* The type of a vtable, or NULL. */
static inline struct task_type *task_types_find(const void *vtable)
{
	struct task_type_table *table = __atomic_load_n(&task_type_table, __ATOMIC_ACQUIRE);
	uint64_t i = task_type_hash((uintptr_t)vtable);
	struct task_type *type;

	while ((type = table->slots[i & table->mask]) && type->vtable != (uintptr_t)vtable)
		i++;
	return type;
}

/*
 * Adds a type, or updates the one known at that address (an object was unloaded and another took
 * its place). Returns NULL when memory is short. Visible to task_types_find when it returns.
 */
struct task_type *task_types_add(const struct task_type *type);

size_t task_types_count(void);

#endif
