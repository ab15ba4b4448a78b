/* SPDX-License-Identifier: MIT */
/* Items found by a pair of numbers, kept in the order in which they were first put. */
#ifndef OVERSTAY_TABLE_H
#define OVERSTAY_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "memory.h"

struct table {
	void **items;
	size_t count;
	/* Private from here. */
	struct table_key {
		uint64_t high, low;
	} * keys;
	size_t item_capacity, key_capacity;
	uint32_t *slots;
	size_t slot_count;
};

/* The item with that key, or NULL. */
void *table_get(const struct table *table, uint64_t high, uint64_t low);

/* The item with that key, or a new zeroed one of `size` bytes from the pool. */
void *table_put(struct table *table, struct pool *pool, uint64_t high, uint64_t low, size_t size);

/* Frees the index, not the items: those belong to the pool. */
void table_fini(struct table *table);

#endif
