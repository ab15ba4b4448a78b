/* SPDX-License-Identifier: MIT */
/* Unit tests of runtime/coverage.h: what is added up, and what is told again. */
#include "runtime/coverage.h"

#include <criterion/criterion.h>
#include <string.h>

static void forget_dirt(void)
{
	coverage.dirty = false;
}

TestSuite(coverage, .init = forget_dirt);

Test(coverage, adds_up_the_same_runtime_in_the_same_image)
{
	coverage_add_runtime("tokio", "1.23+", 0, 3);
	coverage_add_runtime("tokio", "1.23+", 0, 4);
	cr_assert_eq(coverage.task_vtables, 7);
	cr_assert_eq(coverage.runtime_count, 1);
	cr_assert_eq(coverage.runtimes[0].task_vtables, 7);
	cr_assert_str_eq(coverage.runtimes[0].name, "tokio");
	cr_assert_str_eq(coverage.runtimes[0].layout, "1.23+");
	cr_assert(coverage.dirty);
}

Test(coverage, keeps_images_and_runtimes_apart)
{
	char name[] = "tokio"; /* compared by its text */

	coverage_add_runtime("tokio", "1.23+", 0, 1);
	coverage_add_runtime("tokio", "1.23+", 7, 2);
	coverage_add_runtime("other", "x", 7, 4);
	coverage_add_runtime(name, "1.23+", 7, 8);
	cr_assert_eq(coverage.runtime_count, 3);
	cr_assert_eq(coverage.runtimes[0].task_vtables, 1);
	cr_assert_eq(coverage.runtimes[1].task_vtables, 10);
	cr_assert_eq(coverage.runtimes[1].image, 7);
	cr_assert_eq(coverage.runtimes[2].task_vtables, 4);
	cr_assert_eq(coverage.task_vtables, 15);
}

Test(coverage, counts_vtables_of_runtimes_beyond_its_list)
{
	for (uint32_t i = 0; i < COVERAGE_RUNTIMES + 8; i++)
		coverage_add_runtime("tokio", "1.23+", i, 1);
	cr_assert_eq(coverage.runtime_count, COVERAGE_RUNTIMES);
	cr_assert_eq(coverage.task_vtables, COVERAGE_RUNTIMES + 8);
	coverage_add_runtime("tokio", "1.23+", 0, 5);
	cr_assert_eq(coverage.runtimes[0].task_vtables, 6);
}

Test(coverage, is_no_longer_without_runtime_once_one_is_found)
{
	coverage_set_blind(BLIND_NO_RUNTIME, true);
	coverage_add_runtime("tokio", "1.23+", 0, 1);
	cr_assert_not(coverage.blind[BLIND_NO_RUNTIME]);
	cr_assert(coverage.blind[BLIND_INLINE_SYSCALLS]);
	cr_assert_not(coverage.blind[BLIND_NO_STACKS]);
	cr_assert_not(coverage.blind[BLIND_BAD_SETTING]);
}

Test(coverage, is_to_be_told_again_only_when_a_blind_spot_changed)
{
	coverage_set_blind(BLIND_NO_STACKS, false);
	cr_assert_not(coverage.dirty);
	coverage_set_blind(BLIND_NO_STACKS, true);
	cr_assert(coverage.dirty);
	coverage.dirty = false;
	coverage_set_blind(BLIND_NO_STACKS, true);
	cr_assert_not(coverage.dirty);
	coverage_set_blind(BLIND_NO_STACKS, false);
	cr_assert(coverage.dirty);
}

Test(coverage, has_a_sentence_for_every_blind_spot)
{
	for (unsigned i = 0; i < BLIND_SPOT_COUNT; i++) {
		cr_assert_not_null(coverage_sentence(i));
		cr_assert_gt(strlen(coverage_sentence(i)), 20);
		for (unsigned j = 0; j < i; j++)
			cr_assert_str_neq(coverage_sentence(i), coverage_sentence(j));
	}
}
