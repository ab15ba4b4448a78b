/* SPDX-License-Identifier: MIT */
/*
 * A single-producer, single-consumer ring of variable-sized records.
 *
 * The producer is the thread that owns the ring, the consumer is whoever drains (the collector, or
 * the exiting thread when there is none). Neither ever waits: a full ring refuses the record and
 * counts it. Records are contiguous; a record that would not fit before the end of the buffer is
 * preceded by a filler.
 */
#ifndef OVERSTAY_RING_H
#define OVERSTAY_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RING_BYTES (32u * 1024)

struct ring {
	uint64_t head;    /* bytes ever written; stored by the producer with release */
	uint64_t tail;    /* bytes ever consumed; stored by the consumer with release */
	uint64_t dropped; /* records refused; written by the producer only */
	unsigned char bytes[RING_BYTES] __attribute__((aligned(16)));
};

/*
 * Producer: room for `size` bytes, or NULL (counted as dropped). Nothing is visible to the consumer
 * before ring_commit. A second reserve without commit gives the same room again.
 */
void *ring_reserve(struct ring *ring, size_t size);

/* Producer: publishes the record reserved last; `size` may be smaller than what was reserved. */
void ring_commit(struct ring *ring, void *record, size_t size);

/* Producer: more than half of the room is taken, so that the consumer should not sleep on. */
static inline bool ring_is_filling(const struct ring *ring)
{
	return ring->head - __atomic_load_n(&ring->tail, __ATOMIC_RELAXED) > RING_BYTES / 2;
}

/* Consumer: the oldest record and its size, or NULL. It stays valid until ring_release. */
const void *ring_peek(struct ring *ring, size_t *ret_size);

/* Consumer: gives the record of the last ring_peek back. */
void ring_release(struct ring *ring);

#endif
