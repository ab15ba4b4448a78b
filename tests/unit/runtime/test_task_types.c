/* SPDX-License-Identifier: MIT */
/* Unit tests of runtime/task_types.h: additions, updates, and lookups while the table grows. */
#include "runtime/task_types.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>

#define MANY 20000u

static uint64_t vtable_of(uint32_t number)
{
	return 0x7f0000001000u + (uint64_t)number * 0x50;
}

static struct task_type *add(uint64_t vtable, uint32_t image)
{
	struct task_type type = {.vtable = vtable,
				 .id_offset = 0x28,
				 .class = POLL_BLOCKING,
				 .index = 77777,
				 .image = image,
				 .dealloc = vtable + 1};

	return task_types_add(&type);
}

static struct task_type *find(uint64_t vtable)
{
	return task_types_find((const void *)(uintptr_t)vtable);
}

Test(task_types, finds_what_was_added)
{
	struct task_type *type = add(vtable_of(1), 3);

	cr_assert_not_null(type);
	cr_assert_eq(find(vtable_of(1)), type);
	cr_assert_eq(type->vtable, vtable_of(1));
	cr_assert_eq(type->image, 3);
	cr_assert_eq(type->id_offset, 0x28);
	cr_assert_eq(type->class, POLL_BLOCKING);
	cr_assert_eq(type->dealloc, vtable_of(1) + 1);
	cr_assert_eq(task_types_count(), 1);
}

Test(task_types, does_not_find_a_neighbouring_address)
{
	add(vtable_of(1), 0);
	cr_assert_null(find(vtable_of(1) + 8));
	cr_assert_null(find(vtable_of(1) - 8));
	cr_assert_null(find(vtable_of(1) + 1), "hashes to the same slot");
	cr_assert_null(find(0));
}

Test(task_types, numbers_types_in_the_order_of_addition)
{
	for (uint32_t i = 0; i < 10; i++)
		cr_assert_eq(add(vtable_of(100 - i), 0)->index, i);
}

Test(task_types, keeps_the_index_when_an_address_is_taken_again)
{
	struct task_type *first = add(vtable_of(1), 0), *again;

	add(vtable_of(2), 0);
	again = add(vtable_of(1), 5);
	cr_assert_eq(again, first);
	cr_assert_eq(again->index, 0);
	cr_assert_eq(again->image, 5);
	cr_assert_eq(task_types_count(), 2);
}

Test(task_types, grows_to_many_types_and_keeps_their_addresses)
{
	static struct task_type *types[MANY];

	for (uint32_t i = 0; i < MANY; i++) {
		types[i] = add(vtable_of(i), i);
		cr_assert_not_null(types[i]);
	}
	cr_assert_eq(task_types_count(), MANY);
	for (uint32_t i = 0; i < MANY; i++) {
		cr_assert_eq(find(vtable_of(i)), types[i]);
		cr_assert_eq(types[i]->index, i);
		cr_assert_eq(types[i]->image, i);
		cr_assert_null(find(vtable_of(i) + 8));
	}
	cr_assert_geq(task_type_table->mask + 1, 2 * MANY, "at most half full");
}

static uint32_t published; /* types that a lookup must find */
static uint64_t lookups, wrong;

static void *look_up(void *unused)
{
	uint32_t known = 0;

	for (uint32_t i = 0; known < MANY; i++) {
		struct task_type *type;
		uint32_t number;

		known = __atomic_load_n(&published, __ATOMIC_ACQUIRE);
		if (!known) {
			sched_yield();
			continue;
		}
		number = i % 2 ? known - 1 : i * 2654435761u % known;
		type = find(vtable_of(number));
		wrong += !type || type->index != number || type->vtable != vtable_of(number);
		wrong += find(vtable_of(number) + 16) != NULL;
		lookups++;
	}
	return NULL;
}

Test(task_types, can_be_looked_up_while_another_thread_adds, .timeout = 120)
{
	pthread_t reader;

	add(vtable_of(0), 0);
	__atomic_store_n(&published, 1, __ATOMIC_RELEASE);
	cr_assert_eq(pthread_create(&reader, NULL, look_up, NULL), 0);
	while (!__atomic_load_n(&lookups, __ATOMIC_RELAXED))
		sched_yield();
	for (uint32_t i = 1; i < MANY; i++) {
		cr_assert_not_null(add(vtable_of(i), i));
		__atomic_store_n(&published, i + 1, __ATOMIC_RELEASE);
		if (i % 256 == 0)
			sched_yield();
	}
	pthread_join(reader, NULL);
	cr_assert_eq(wrong, 0, "%llu wrong of %llu lookups", (unsigned long long)wrong,
		     (unsigned long long)lookups);
}
