/* SPDX-License-Identifier: MIT */
/*
 * Unit tests of runtime/patch/lock_form.h: each form in code that is one and in code that nearly is
 * (fixture_lock_forms.S), with and without symbols.
 */
#include "runtime/patch/lock_form.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "runtime/patch/lock_sites.h"
#include "tests/unit/runtime/lock_code.h"

struct form {
	const char *name;
	uint8_t type, mode;
	bool release;
	bool tries; /* without a slow path it may still be a try */
};

#define LOCKS(t, m)    LOCK_##t, LOCK_##m, false, false
#define TRIES(t, m)    LOCK_##t, LOCK_##m, false, true
#define RELEASES(t, m) LOCK_##t, LOCK_##m, true, false

static const struct form forms[] = {
	{"std_mutex_lock", LOCKS(STD_MUTEX, EXCLUSIVE)},
	{"std_mutex_unlock", RELEASES(STD_MUTEX, EXCLUSIVE)},
	{"std_rwlock_write", LOCKS(STD_RWLOCK, EXCLUSIVE)},
	{"std_rwlock_write_unlock", RELEASES(STD_RWLOCK, EXCLUSIVE)},
	{"std_rwlock_read", LOCKS(STD_RWLOCK, SHARED)},
	{"std_rwlock_read_unlock", RELEASES(STD_RWLOCK, SHARED)},
	{"pl_mutex_lock", LOCKS(PARKING_LOT_MUTEX, EXCLUSIVE)},
	{"pl_mutex_unlock", RELEASES(PARKING_LOT_MUTEX, EXCLUSIVE)},
	{"pl_rwlock_write", TRIES(PARKING_LOT_RWLOCK, EXCLUSIVE)},
	{"pl_rwlock_write_unlock", RELEASES(PARKING_LOT_RWLOCK, EXCLUSIVE)},
	{"pl_rwlock_read", LOCKS(PARKING_LOT_RWLOCK, SHARED)},
	{"pl_rwlock_read_unlock", RELEASES(PARKING_LOT_RWLOCK, SHARED)},
	{"pl_rwlock_upgradable", LOCKS(PARKING_LOT_RWLOCK, UPGRADABLE)},
	{"pl_rwlock_upgradable_unlock", RELEASES(PARKING_LOT_RWLOCK, UPGRADABLE)},
	{"dashmap_write", TRIES(DASHMAP, EXCLUSIVE)},
	{"dashmap_write_unlock", RELEASES(DASHMAP, EXCLUSIVE)},
	{"dashmap_read", LOCKS(DASHMAP, SHARED)},
	{"dashmap_read_unlock", RELEASES(DASHMAP, SHARED)},
};

#define FORMS (sizeof(forms) / sizeof(*forms))

static struct lock_code code;
static struct lock_sites sites;

static void find_in(const char *symbols)
{
	lock_code_open(&code, LOCK_FORMS);
	cr_assert(lock_sites_find(&sites, NULL, &code.image, symbols));
	cr_assert_not(sites.decoder_missing);
	cr_assert_not(sites.unwind_tables_missing);
}

static void find_with_symbols(void)
{
	find_in(LOCK_FORMS);
}

static void find_without_symbols(void)
{
	find_in("/nonexistent");
}

TestSuite(named_forms, .init = find_with_symbols);
TestSuite(shaped_forms, .init = find_without_symbols);

static const struct lock_site *variant(const struct form *form, const char *suffix)
{
	char name[64];
	uint64_t address;

	snprintf(name, sizeof(name), "%s%s", form->name, suffix);
	address = lock_code_address(&code, name, "_atomic");
	for (size_t i = 0; i < sites.count; i++)
		if (!sites.list[i].function &&
		    sites.list[i].address + sites.list[i].atomic == address)
			return &sites.list[i];
	return NULL;
}

static void expect_hits(void)
{
	for (unsigned i = 0; i < FORMS; i++) {
		const struct form *form = &forms[i];
		const struct lock_site *site = variant(form, "");

		cr_expect_not_null(site, "%s", form->name);
		if (!site)
			continue;
		cr_expect_eq(site->type, form->type, "%s", form->name);
		cr_expect_eq(site->mode, form->mode, "%s", form->name);
		cr_expect_eq(site->release, form->release, "%s", form->name);
		cr_expect_neq(site->slow, 0, "%s", form->name);
		cr_expect_not(site->tentative, "%s", form->name);
		cr_expect_not(site->plumbing, "%s", form->name);
		cr_expect_eq(site->skip, SKIP_NOT, "%s", form->name);
		cr_expect_geq(site->length, 5, "%s", form->name);
		cr_expect_eq(site->atomic, 0, "%s", form->name);
	}
}

static void expect_no_hits(const char *suffix)
{
	for (unsigned i = 0; i < FORMS; i++)
		cr_expect_null(variant(&forms[i], suffix), "%s%s", forms[i].name, suffix);
}

/* Where the slow path is not the lock's, forms that are one by themselves remain as tries. */
static void expect_tries_only(const char *suffix)
{
	for (unsigned i = 0; i < FORMS; i++) {
		const struct form *form = &forms[i];
		const struct lock_site *site = variant(form, suffix);

		cr_expect_eq(site != NULL, form->tries, "%s%s", form->name, suffix);
		if (!site)
			continue;
		cr_expect_eq(site->type, form->type, "%s", form->name);
		cr_expect_eq(site->mode, form->mode, "%s", form->name);
		cr_expect(site->tentative && !site->release && !site->slow, "%s", form->name);
	}
}

static void expect_release(const char *name)
{
	const struct form form = {name, RELEASES(PARKING_LOT_RWLOCK, EXCLUSIVE)};
	const struct lock_site *site = variant(&form, "");

	cr_assert_not_null(site);
	cr_expect_eq(site->type, form.type);
	cr_expect(site->release);
}

#define EACH_WAY(name, expectation)                                                                \
	Test(named_forms, name)                                                                    \
	{                                                                                          \
		expectation;                                                                       \
	}                                                                                          \
	Test(shaped_forms, name)                                                                   \
	{                                                                                          \
		expectation;                                                                       \
	}

EACH_WAY(are_found, expect_hits())
EACH_WAY(are_found_where_bytes_before_them_can_be_misread, expect_release("misread_constant"))
EACH_WAY(have_their_constants, expect_no_hits("_constant"))
EACH_WAY(have_a_slow_path, expect_tries_only("_alone"))
EACH_WAY(do_not_call_something_else, expect_tries_only("_stranger"))
EACH_WAY(pass_the_address_of_the_lock, expect_tries_only("_address"))
EACH_WAY(pass_an_address, expect_tries_only("_number"))
EACH_WAY(have_no_other_atomic_before_the_slow_path, expect_tries_only("_atomics"))

/* What is known of an instruction, without one. */
static struct atomic atomic_of(ZydisMnemonic operation, unsigned width)
{
	return (struct atomic){.operation = operation, .width = width};
}

static unsigned count_forms(const struct atomic *atomic, bool known)
{
	const struct lock_form *form = NULL;
	unsigned count = 0;

	while ((form = lock_form_next(atomic, form, known)))
		count++;
	return count;
}

Test(lock_form, contradicts_no_form_when_nothing_is_known)
{
	const struct atomic words = atomic_of(ZYDIS_MNEMONIC_CMPXCHG, 32);
	const struct atomic wide = atomic_of(ZYDIS_MNEMONIC_CMPXCHG, 64);
	const struct atomic odd = atomic_of(ZYDIS_MNEMONIC_CMPXCHG, 16);
	const struct atomic sub = atomic_of(ZYDIS_MNEMONIC_SUB, 32);

	cr_assert_gt(count_forms(&words, false), 0);
	cr_assert_gt(count_forms(&wide, false), 0);
	cr_assert_eq(count_forms(&words, true), 0);
	cr_assert_eq(count_forms(&wide, true), 0);
	cr_assert_eq(count_forms(&odd, false), 0);
	cr_assert_eq(count_forms(&sub, false), 0);
}

Test(lock_form, compares_constants_in_the_instructions_width)
{
	struct atomic atomic = atomic_of(ZYDIS_MNEMONIC_CMPXCHG, 8);

	atomic.source = (struct value){VALUE_CONSTANT, 0x101};
	atomic.expected = (struct value){VALUE_CONSTANT, 0x7f00};
	cr_assert_eq(count_forms(&atomic, true), 1);
	cr_assert_eq(lock_form_next(&atomic, NULL, true)->type, LOCK_PARKING_LOT_MUTEX);
	atomic = atomic_of(ZYDIS_MNEMONIC_XADD, 32);
	atomic.source = (struct value){VALUE_CONSTANT, 0xffffffff};
	cr_assert_eq(count_forms(&atomic, true), 1);
	atomic.width = 64;
	cr_assert_eq(count_forms(&atomic, true), 0, "four thousand millions, not minus one");
}

Test(lock_form, tells_sums_and_bits_from_constants)
{
	struct atomic atomic = atomic_of(ZYDIS_MNEMONIC_CMPXCHG, 32);

	atomic.source = (struct value){VALUE_SUM, 1};
	cr_assert_eq(lock_form_next(&atomic, NULL, true)->mode, LOCK_SHARED);
	atomic.source.kind = VALUE_OR;
	cr_assert_eq(count_forms(&atomic, true), 0);
	cr_assert_eq(count_forms(&atomic, false), 0, "what is known contradicts");
	atomic.source = (struct value){VALUE_OR, 0x3fffffff};
	cr_assert(lock_form_next(&atomic, NULL, true)->distinct);
}
