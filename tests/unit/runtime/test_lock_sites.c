/* SPDX-License-Identifier: MIT */
/*
 * Unit tests of runtime/patch/lock_sites.h: ways from an instruction to its slow path, and what
 * surrounds it (fixture_lock_sites.S). The forms themselves are in test_lock_form.c.
 */
#include "runtime/patch/lock_sites.h"

#include <criterion/criterion.h>
#include <string.h>

#include "tests/unit/runtime/lock_code.h"

#define NO_FILE "/nonexistent"

static struct lock_code code;
static struct lock_sites sites;

static void open_code(void)
{
	lock_code_open(&code, LOCK_SITES);
}

TestSuite(lock_sites, .init = open_code);

/* `symbols`: the file to read them from. */
static void find_in(const char *symbols)
{
	cr_assert(lock_sites_find(&sites, NULL, &code.image, symbols));
}

static const struct lock_site *at(uint64_t address, bool function)
{
	for (size_t i = 0; i < sites.count; i++)
		if (sites.list[i].function == function &&
		    sites.list[i].address + sites.list[i].atomic == address)
			return &sites.list[i];
	return NULL;
}

static const struct lock_site *site(const char *name)
{
	return at(lock_code_address(&code, name, "_atomic"), false);
}

static const struct lock_site *found(const char *name)
{
	const struct lock_site *ret = site(name);

	cr_assert_not_null(ret, "%s", name);
	return ret;
}

/* The entry of the slow path that the instruction leads to. */
static const struct lock_site *slow_of(const char *name)
{
	const struct lock_site *ret = at(found(name)->slow, true);

	cr_assert_not_null(ret, "%s", name);
	return ret;
}

struct expected {
	const char *name;
	bool named, shaped; /* is found with symbols, without */
};

static void expect(const struct expected *expected, size_t count)
{
	find_in(LOCK_SITES);
	for (size_t i = 0; i < count; i++)
		cr_expect_eq(site(expected[i].name) != NULL, expected[i].named, "%s, with symbols",
			     expected[i].name);
	lock_sites_free(&sites);
	find_in(NO_FILE);
	for (size_t i = 0; i < count; i++)
		cr_expect_eq(site(expected[i].name) != NULL, expected[i].shaped,
			     "%s, without symbols", expected[i].name);
}

#define EXPECT(...)                                                                                \
	expect((const struct expected[]){__VA_ARGS__},                                             \
	       sizeof((const struct expected[]){__VA_ARGS__}) / sizeof(struct expected))

Test(lock_sites, follows_every_way_to_a_slow_path)
{
	EXPECT({"call_direct", true, true}, {"call_pointer", true, true},
	       {"call_linkage", true, true}, {"jump_away", true, true}, {"jump_around", true, true},
	       {"branch_around", true, true}, {"branch_to_wake", true, true},
	       {"lost_address", true, true}, {"other_kind_first", true, true});
}

Test(lock_sites, does_not_follow_too_far)
{
	EXPECT({"call_distant", false, true}, {"call_too_distant", false, false},
	       {"too_many_branches", false, false}, {"call_between", false, false},
	       {"on_success", false, false});
}

Test(lock_sites, wants_a_slow_path_of_the_same_purpose)
{
	EXPECT({"calls_a_lock", false, false}, {"calls_a_wake", false, false});
}

Test(lock_sites, compares_addresses)
{
	EXPECT({"with_offset", true, true}, {"with_other_offset", false, false},
	       {"with_index", true, true}, {"at_fixed", true, true},
	       {"at_other_fixed", false, false}, {"at_only", true, true},
	       {"in_thread", false, false});
}

Test(lock_sites, knows_an_inlined_wake_up)
{
	EXPECT({"wake_inlined", true, true}, {"wait_inlined", false, false},
	       {"yield_inlined", false, false}, {"wake_other", false, false});
	EXPECT({"wake_register", true, true});
	cr_assert(found("wake_register")->release);
	cr_assert(found("wake_inlined")->release);
	cr_assert_eq(found("wake_inlined")->slow, 0);
}

Test(lock_sites, needs_constants_where_nothing_else_tells)
{
	EXPECT({"constants_far", true, true}, {"constants_passed", true, false},
	       {"constants_behind_call", true, false}, {"constants_copied", true, false},
	       {"constants_learned", true, true}, {"constants_half", true, true});
}

Test(lock_sites, finds_tries)
{
	EXPECT({"try_mutex", true, true}, {"try_mutex_fixed", true, true},
	       {"try_mutex_word", false, false}, {"try_mutex_elsewhere", false, false},
	       {"try_write_bits", true, true}, {"try_write_sum", true, true},
	       {"try_read", true, true}, {"try_read_other", false, false}, {"try_bit", true, true},
	       {"try_eight", true, true});
	cr_assert_eq(found("try_mutex")->slow, 0);
	cr_assert_eq(found("try_mutex")->type, LOCK_STD_MUTEX);
	cr_assert_not(found("try_mutex")->tentative, "it looks whether the lock is poisoned");
	cr_assert_eq(found("try_write_bits")->mode, LOCK_EXCLUSIVE);
	cr_assert_not(found("try_write_bits")->tentative);
	cr_assert_eq(found("try_read")->mode, LOCK_SHARED);
	cr_assert(found("try_bit")->tentative);
	cr_assert_eq(found("try_bit")->type, LOCK_PARKING_LOT_MUTEX);
	cr_assert(found("try_eight")->tentative);
	cr_assert_eq(found("try_eight")->type, LOCK_PARKING_LOT_RWLOCK);
}

/* As if nothing else were in the image. */
static void only_around(const char *name)
{
	uint64_t start = lock_code_address(&code, name, "") - 64;

	for (unsigned i = 0; i < code.image.segment_count; i++) {
		struct elf_segment *segment = &code.image.segments[i];

		if (!segment->executable)
			continue;
		cr_assert_lt(start - segment->address, segment->size - 320);
		segment->data += start - segment->address;
		segment->address = start;
		segment->size = 320;
	}
}

Test(lock_sites, takes_tries_for_locks_only_where_such_locks_are)
{
	only_around("try_bit");
	find_in(NO_FILE);
	cr_assert_null(site("try_bit"));
	cr_assert_null(site("try_eight"));
	lock_sites_free(&sites);
	open_code();
	only_around("try_write_bits");
	find_in(NO_FILE);
	cr_assert_not_null(site("try_write_bits"), "this is nothing else");
}

Test(lock_sites, does_not_know_what_a_pointer_leads_to)
{
	EXPECT({"call_register", true, true}, {"call_register_other", false, false});
	cr_assert(found("call_register")->tentative);
	cr_assert_eq(found("call_register")->slow, 0);
}

Test(lock_sites, makes_slow_paths_that_acquire_places)
{
	const struct lock_site *slow;

	find_in(LOCK_SITES);
	slow = slow_of("call_direct");
	cr_assert_eq(slow->role, FUNCTION_SLOW_ACQUIRE);
	cr_assert_eq(slow->type, LOCK_STD_MUTEX);
	cr_assert_eq(slow->only_lock, 0);
	cr_assert_eq(slow->skip, SKIP_NOT);
	cr_assert_eq(slow->length, 6);
	cr_assert_null(at(found("branch_to_wake")->slow, true), "it gives locks back");
	cr_assert_eq(found("at_fixed")->slow, found("call_direct")->slow);
	lock_sites_free(&sites);
	find_in(NO_FILE);
	slow = slow_of("call_direct");
	cr_assert_eq(slow->role, FUNCTION_SLOW_ACQUIRE);
	cr_assert_eq(slow->type, LOCK_STD_MUTEX);
	cr_assert_null(at(found("branch_to_wake")->slow, true));
}

Test(lock_sites, knows_the_lock_of_a_slow_path_that_is_not_passed_it)
{
	find_in(LOCK_SITES);
	cr_assert_eq(slow_of("at_only")->only_lock, lock_code_address(&code, "fixed_word", ""));
	cr_assert_eq(slow_of("at_fixed")->only_lock, 0);
}

Test(lock_sites, knows_which_argument_is_a_timeout)
{
	find_in(LOCK_SITES);
	cr_assert_eq(slow_of("timeout_third")->timeout, 3);
	cr_assert_eq(slow_of("timeout_fourth")->timeout, 4);
	cr_assert_eq(slow_of("timeout_none")->timeout, 0);
}

#define METHOD(name)                                                                               \
	"_ZN77_$LT$parking_lot..raw_mutex..RawMutex$u20$as$u20$lock_api..mutex..RawMutex$GT$" name \
	"17h0123456789abcdefE"

Test(lock_sites, adds_lock_functions_that_have_no_instruction_of_their_own)
{
	const struct lock_site *function;

	find_in(LOCK_SITES);
	function = at(lock_code_address(&code, METHOD("4lock"), ""), true);
	cr_assert_not_null(function);
	cr_assert_eq(function->role, FUNCTION_LOCK);
	cr_assert_eq(function->type, LOCK_PARKING_LOT_MUTEX);
	cr_assert_eq(function->skip, SKIP_OPERAND, "it begins with a call");
	function = at(lock_code_address(&code, METHOD("6unlock"), ""), true);
	cr_assert_not_null(function);
	cr_assert(function->release);
	cr_assert_null(at(lock_code_address(&code, METHOD("8try_lock"), ""), true));
	cr_assert(found("in_method")->plumbing);
	cr_assert_not(found("call_direct")->plumbing);
	lock_sites_free(&sites);
	find_in(NO_FILE);
	cr_assert_null(at(lock_code_address(&code, METHOD("4lock"), ""), true));
}

Test(lock_sites, replaces_from_the_instruction_before_when_a_branch_lands_behind)
{
	const struct lock_site *behind;

	find_in(LOCK_SITES);
	behind = found("branch_behind");
	cr_assert_eq(behind->skip, SKIP_NOT);
	cr_assert_eq(behind->atomic, 2, "xor of a register");
	cr_assert_eq(behind->length, 6);
	behind = found("branch_behind_far");
	cr_assert_eq(behind->skip, SKIP_NOT);
	cr_assert_eq(behind->atomic, 2);
	behind = found("branch_behind_long");
	cr_assert_eq(behind->skip, SKIP_NOT);
	cr_assert_eq(behind->atomic, 5);
	cr_assert_eq(behind->length, 9, "the jump would fit before the instruction");
	cr_assert_eq(found("branch_around_too")->skip, SKIP_BRANCH);
	cr_assert_eq(found("branch_around_too")->atomic, 0);
}

Test(lock_sites, leaves_alone_what_cannot_be_replaced)
{
	find_in(LOCK_SITES);
	cr_assert_eq(found("flags_used")->skip, SKIP_FLAGS);
	cr_assert_eq(found("without_base")->skip, SKIP_OPERAND);
	cr_assert_eq(found("call_direct")->skip, SKIP_NOT);
	for (enum lock_skip skip = SKIP_NOT; skip < SKIP_COUNT; skip++)
		cr_expect_eq(lock_skip_reason(skip) == NULL, skip == SKIP_NOT);
}

Test(lock_sites, says_why_nothing_was_looked_for)
{
	code.image.unwind_index = 0;
	find_in(LOCK_SITES);
	cr_assert(sites.unwind_tables_missing);
	cr_assert_eq(sites.count, 0);
}

Test(lock_sites, takes_the_callers_decoder)
{
	struct decoder decoder;
	size_t count;

	find_in(LOCK_SITES);
	count = sites.count;
	lock_sites_free(&sites);
	cr_assert(decoder_open(&decoder, &code.image));
	cr_assert(lock_sites_find(&sites, &decoder, &code.image, LOCK_SITES));
	cr_assert_not_null(decoder.library);
	cr_assert_eq(sites.count, count);
	cr_assert_not_null(site("call_direct"));
	decoder_close(&decoder);
}
