/* SPDX-License-Identifier: MIT */
/* Hash index over an array of items, open addressing. */
#include "table.h"

#include <stdlib.h>

static uint64_t key_hash(uint64_t high, uint64_t low)
{
	uint64_t hash = (high ^ (low * 0x9e3779b97f4a7c15)) * 0xff51afd7ed558ccd;

	return hash ^ (hash >> 32);
}

/* Slots hold the item's index plus one; 0 is free. */
static uint32_t *slot_find(const struct table *table, uint64_t high, uint64_t low)
{
	size_t mask = table->slot_count - 1;
	size_t i = key_hash(high, low) & mask;

	while (table->slots[i]) {
		const struct table_key *key = &table->keys[table->slots[i] - 1];

		if (key->high == high && key->low == low)
			break;
		i = (i + 1) & mask;
	}
	return &table->slots[i];
}

static void slots_enlarge(struct table *table)
{
	size_t i;

	table->slot_count = table->slot_count ? table->slot_count * 2 : 64;
	free(table->slots);
	table->slots = memory_alloc(table->slot_count * sizeof(*table->slots));
	for (i = 0; i < table->count; i++)
		*slot_find(table, table->keys[i].high, table->keys[i].low) = i + 1;
}

void *table_get(const struct table *table, uint64_t high, uint64_t low)
{
	uint32_t slot;

	if (!table->slot_count)
		return NULL;
	slot = *slot_find(table, high, low);
	return slot ? table->items[slot - 1] : NULL;
}

void *table_put(struct table *table, struct pool *pool, uint64_t high, uint64_t low, size_t size)
{
	void *item = table_get(table, high, low);

	if (item)
		return item;
	table->items = memory_grow(table->items, &table->item_capacity, table->count + 1,
				   sizeof(*table->items));
	table->keys = memory_grow(table->keys, &table->key_capacity, table->count + 1,
				  sizeof(*table->keys));
	if ((table->count + 1) * 2 > table->slot_count)
		slots_enlarge(table);
	item = pool_alloc(pool, size);
	*slot_find(table, high, low) = table->count + 1;
	table->items[table->count] = item;
	table->keys[table->count] = (struct table_key){high, low};
	table->count++;
	return item;
}

void table_fini(struct table *table)
{
	free(table->items);
	free(table->keys);
	free(table->slots);
	*table = (struct table){0};
}
