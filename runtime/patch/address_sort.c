/* SPDX-License-Identifier: MIT */
/*
 * Shell's sort: what comes here is nearly in order.
 * Runs on: the constructor or the holder of the object lock, the viewer.
 */
#include "address_sort.h"

#include <stdint.h>
#include <string.h>

static uint64_t address_of(const unsigned char *item)
{
	uint64_t address;

	memcpy(&address, item, sizeof(address));
	return address;
}

void address_sort(void *items, size_t count, size_t size)
{
	unsigned char *list = items, moved[ADDRESS_SORT_MAX_ITEM];

	for (size_t gap = count / 2; gap; gap /= 2)
		for (size_t i = gap; i < count; i++) {
			size_t at = i;

			memcpy(moved, list + i * size, size);
			for (;
			     at >= gap && address_of(list + (at - gap) * size) > address_of(moved);
			     at -= gap)
				memcpy(list + at * size, list + (at - gap) * size, size);
			memcpy(list + at * size, moved, size);
		}
}
