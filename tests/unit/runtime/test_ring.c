/* SPDX-License-Identifier: MIT */
/* Unit tests of runtime/ring.h: order, wrapping, loss when full, two threads at once. */
#include "runtime/ring.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>

#define SLOT_HEADER 16 /* bytes a record takes besides its own, rounded up to 16 */

static struct ring ring;

static void put(uint64_t value, size_t size)
{
	uint64_t *record = ring_reserve(&ring, size);

	cr_assert_not_null(record);
	cr_assert_eq((uintptr_t)record % 16, 0);
	memset(record, 0x77, size);
	*record = value;
	ring_commit(&ring, record, size);
}

static void take(uint64_t value, size_t size)
{
	size_t got = 0;
	const uint64_t *record = ring_peek(&ring, &got);

	cr_assert_not_null(record);
	cr_assert_eq(got, size);
	cr_assert_eq(*record, value);
	ring_release(&ring);
}

static unsigned fill(size_t size)
{
	unsigned count = 0;
	uint64_t *record;

	for (; (record = ring_reserve(&ring, size)); count++) {
		*record = count;
		ring_commit(&ring, record, size);
	}
	return count;
}

Test(ring, is_empty_at_first)
{
	size_t size = 1234;

	cr_assert_null(ring_peek(&ring, &size));
	cr_assert_eq(size, 1234);
	cr_assert_eq(ring.dropped, 0);
}

Test(ring, gives_records_back_in_order)
{
	size_t size;

	put(1, 8);
	put(2, 24);
	put(3, 100);
	take(1, 8);
	take(2, 24);
	put(4, 8);
	take(3, 100);
	take(4, 8);
	cr_assert_null(ring_peek(&ring, &size));
}

Test(ring, shows_the_same_record_until_it_is_released)
{
	size_t size;
	const void *first;

	put(1, 8);
	put(2, 8);
	first = ring_peek(&ring, &size);
	cr_assert_eq(ring_peek(&ring, &size), first);
	ring_release(&ring);
	cr_assert_neq(ring_peek(&ring, &size), first);
}

Test(ring, hides_a_record_until_it_is_committed)
{
	size_t size;
	void *room = ring_reserve(&ring, 64);

	cr_assert_null(ring_peek(&ring, &size));
	cr_assert_eq(ring_reserve(&ring, 64), room, "a second reserve gives the same room");
	ring_commit(&ring, room, 64);
	cr_assert_eq(ring_peek(&ring, &size), room);
}

Test(ring, takes_a_record_that_turned_out_smaller)
{
	uint64_t *record = ring_reserve(&ring, 1000);

	*record = 1;
	ring_commit(&ring, record, 40);
	cr_assert_eq(ring.head, SLOT_HEADER + 48);
	put(2, 8);
	take(1, 40);
	take(2, 8);
}

Test(ring, takes_a_record_without_bytes)
{
	size_t size = 1;
	void *record = ring_reserve(&ring, 0);

	cr_assert_not_null(record);
	ring_commit(&ring, record, 0);
	cr_assert_not_null(ring_peek(&ring, &size));
	cr_assert_eq(size, 0);
}

Test(ring, drops_and_counts_when_full)
{
	unsigned count = fill(48);

	cr_assert_eq(count, RING_BYTES / (48 + SLOT_HEADER), "filled to the last byte");
	cr_assert_eq(ring.dropped, 1);
	cr_assert_null(ring_reserve(&ring, 8));
	cr_assert_eq(ring.dropped, 2);
	for (unsigned i = 0; i < count; i++)
		take(i, 48);
	cr_assert_eq(ring.head, ring.tail);
}

Test(ring, goes_on_after_it_was_full)
{
	unsigned count = fill(48);

	take(0, 48);
	put(1000, 48);
	cr_assert_null(ring_reserve(&ring, 48));
	for (unsigned i = 1; i < count; i++)
		take(i, 48);
	take(1000, 48);
}

Test(ring, refuses_a_record_larger_than_a_quarter)
{
	cr_assert_null(ring_reserve(&ring, RING_BYTES / 4 + 1));
	cr_assert_null(ring_reserve(&ring, RING_BYTES));
	cr_assert_null(ring_reserve(&ring, SIZE_MAX));
	cr_assert_null(ring_reserve(&ring, (1ull << 32) + 8));
	cr_assert_eq(ring.dropped, 4);
	put(1, RING_BYTES / 4);
	take(1, RING_BYTES / 4);
}

Test(ring, wraps_with_a_filler_in_front_of_a_record_that_would_not_fit)
{
	const size_t big = 8000;
	size_t size;

	for (uint64_t i = 0; i < 4; i++)
		put(i, big);
	take(0, big);
	take(1, big);
	cr_assert_lt(RING_BYTES - ring.head, big, "the next one does not fit before the end");
	put(4, big);
	cr_assert_eq(ring.head, RING_BYTES + big + SLOT_HEADER, "it lies at the beginning");
	for (uint64_t i = 2; i < 5; i++)
		take(i, big);
	cr_assert_null(ring_peek(&ring, &size));
}

Test(ring, counts_the_filler_as_used)
{
	const size_t big = 8000, bigger = RING_BYTES / 4;

	for (uint64_t i = 0; i < 4; i++)
		put(i, big);
	cr_assert_null(ring_reserve(&ring, big));
	take(0, big);
	cr_assert_null(ring_reserve(&ring, bigger), "free bytes at both ends do not add up");
	put(4, big);
	cr_assert_null(ring_reserve(&ring, 8), "nothing is left before the oldest record");
	for (uint64_t i = 1; i < 5; i++)
		take(i, big);
}

Test(ring, is_empty_when_only_a_filler_was_published)
{
	size_t size;

	put(1, 8000);
	put(2, 8000);
	put(3, 8000);
	put(4, 8000);
	take(1, 8000);
	take(2, 8000);
	cr_assert_not_null(ring_reserve(&ring, 8000));
	take(3, 8000);
	take(4, 8000);
	cr_assert_null(ring_peek(&ring, &size), "reserved, never committed");
}

Test(ring, keeps_every_size_through_many_wraps)
{
	uint64_t written = 0, read = 0;

	while (read < 100000) {
		while (written - read < 7)
			put(written, 8 + written * 37 % 3000), written++;
		take(read, 8 + read * 37 % 3000);
		read++;
	}
	cr_assert_eq(ring.dropped, 0);
}

#define STRESS_RECORDS 3000000u

static size_t stress_size(uint64_t sequence)
{
	return 16 + sequence * 2654435761u % 200;
}

static void *produce(void *unused)
{
	for (uint64_t i = 0; i < STRESS_RECORDS; i++) {
		size_t size = stress_size(i);
		unsigned char *record;

		while (!(record = ring_reserve(&ring, 256)))
			sched_yield();
		memcpy(record, &i, sizeof(i));
		memset(record + sizeof(i), (int)(i & 0xff), size - sizeof(i));
		ring_commit(&ring, record, size);
	}
	return NULL;
}

Test(ring, loses_and_garbles_nothing_between_two_threads, .timeout = 120)
{
	pthread_t producer;
	uint64_t next = 0;

	cr_assert_eq(pthread_create(&producer, NULL, produce, NULL), 0);
	while (next < STRESS_RECORDS) {
		size_t size;
		const unsigned char *record = ring_peek(&ring, &size);
		uint64_t sequence;

		if (!record) {
			sched_yield();
			continue;
		}
		memcpy(&sequence, record, sizeof(sequence));
		if (sequence != next || size != stress_size(next) || record[8] != (next & 0xff) ||
		    record[size - 1] != (next & 0xff))
			break;
		ring_release(&ring);
		next++;
	}
	cr_assert_eq(next, STRESS_RECORDS, "record %llu is not what was written",
		     (unsigned long long)next);
	pthread_join(producer, NULL);
	cr_assert_eq(ring.head, ring.tail);
}
