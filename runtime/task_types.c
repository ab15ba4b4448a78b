/* SPDX-License-Identifier: MIT */
/*
 * Hash table of hooked task types.
 * Runs on: any thread (lookups), the holder of the object lock (additions).
 */
#include "task_types.h"

#include <string.h>

#include "runtime/sys.h"

#define INITIAL_BITS    10
#define TYPES_PER_CHUNK 512

struct task_type_table *task_type_table;

static struct task_type *chunk;
static size_t chunk_used = TYPES_PER_CHUNK;
static size_t count;

size_t task_types_count(void)
{
	return count;
}

static struct task_type_table *table_new(unsigned bits)
{
	struct task_type_table *table =
		sys_map(sizeof(*table) + (sizeof(struct task_type *) << bits));

	if (table) {
		table->bits = bits;
		table->mask = (1u << bits) - 1;
	}
	return table;
}

static void table_insert(struct task_type_table *table, struct task_type *type)
{
	uint64_t i = task_type_hash(type->vtable);

	while (table->slots[i & table->mask])
		i++;
	__atomic_store_n(&table->slots[i & table->mask], type, __ATOMIC_RELEASE);
}

/*
 * Keeps the table at most half full. The old table is left in place: a thread may be reading it,
 * and it happens a handful of times in a process.
 */
static int table_grow(void)
{
	struct task_type_table *old = task_type_table, *fresh;

	if (old && count * 2 < old->mask)
		return 0;
	fresh = table_new(old ? old->bits + 1 : INITIAL_BITS);
	if (!fresh)
		return -1;
	for (uint32_t i = 0; old && i <= old->mask; i++)
		if (old->slots[i])
			table_insert(fresh, old->slots[i]);
	__atomic_store_n(&task_type_table, fresh, __ATOMIC_RELEASE);
	return 0;
}

struct task_type *task_types_add(const struct task_type *type)
{
	struct task_type *entry;

	if (table_grow() < 0)
		return NULL;
	entry = task_types_find((const void *)(uintptr_t)type->vtable);
	if (entry) {
		uint32_t index = entry->index;

		*entry = *type;
		entry->index = index;
		return entry;
	}
	if (chunk_used == TYPES_PER_CHUNK) {
		chunk = sys_map(sizeof(*chunk) * TYPES_PER_CHUNK);
		if (!chunk)
			return NULL;
		chunk_used = 0;
	}
	entry = &chunk[chunk_used++];
	*entry = *type;
	entry->index = (uint32_t)count++;
	table_insert(task_type_table, entry);
	return entry;
}
