/* SPDX-License-Identifier: MIT */
/*
 * Single-producer, single-consumer ring.
 * Runs on: the owning application thread (reserve, commit), the collector (peek, release).
 */
#include "ring.h"

#include <stdbool.h>

struct slot {
	uint32_t bytes; /* whole slot, a multiple of 16 */
	uint32_t size;  /* record's size; FILLER: skip this slot */
	uint64_t pad;   /* keeps records 16-byte aligned */
};

#define FILLER UINT32_MAX

static struct slot *slot_at(struct ring *ring, uint64_t position)
{
	return (struct slot *)(ring->bytes + position % RING_BYTES);
}

static uint32_t slot_bytes(size_t size)
{
	return (uint32_t)((sizeof(struct slot) + size + 15) & ~(size_t)15);
}

void *ring_reserve(struct ring *ring, size_t size)
{
	uint64_t head = ring->head;
	uint64_t tail = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
	uint32_t need = slot_bytes(size);
	uint32_t to_end = RING_BYTES - (uint32_t)(head % RING_BYTES);
	uint64_t fill = need > to_end ? to_end : 0;

	if (size > RING_BYTES / 4 || head + fill + need - tail > RING_BYTES) {
		__atomic_store_n(&ring->dropped, ring->dropped + 1, __ATOMIC_RELAXED);
		return NULL;
	}
	if (fill) {
		struct slot *filler = slot_at(ring, head);

		filler->bytes = to_end;
		filler->size = FILLER;
		__atomic_store_n(&ring->head, head + fill, __ATOMIC_RELEASE);
	}
	return slot_at(ring, head + fill) + 1;
}

void ring_commit(struct ring *ring, void *record, size_t size)
{
	struct slot *slot = (struct slot *)record - 1;

	slot->bytes = slot_bytes(size);
	slot->size = (uint32_t)size;
	__atomic_store_n(&ring->head, ring->head + slot->bytes, __ATOMIC_RELEASE);
}

const void *ring_peek(struct ring *ring, size_t *ret_size)
{
	uint64_t head = __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE);

	while (ring->tail != head) {
		struct slot *slot = slot_at(ring, ring->tail);

		if (slot->size != FILLER) {
			*ret_size = slot->size;
			return slot + 1;
		}
		__atomic_store_n(&ring->tail, ring->tail + slot->bytes, __ATOMIC_RELEASE);
	}
	return NULL;
}

void ring_release(struct ring *ring)
{
	struct slot *slot = slot_at(ring, ring->tail);

	__atomic_store_n(&ring->tail, ring->tail + slot->bytes, __ATOMIC_RELEASE);
}
