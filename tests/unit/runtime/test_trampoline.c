/* SPDX-License-Identifier: MIT */
/*
 * Unit tests of runtime/patch/trampoline.h: lock instructions do the same as before they were
 * replaced, in every register, and leave notes. fixture_lock_runs.S has the code.
 */
#include "runtime/patch/trampoline.h"

#include <criterion/criterion.h>
#include <string.h>

#include "runtime/held.h"
#include "runtime/locks.h"
#include "runtime/patch/lock_sites.h"
#include "runtime/thread.h"
#include "tests/unit/runtime/patched.h"

#define COUNT(list) (sizeof(list) / sizeof(*(list)))
#define RUNS_MAX    24

static const char *const acquires[] = {
	"acquire_base",    "acquire_offset",         "acquire_far_offset",
	"acquire_below",   "acquire_extended",       "acquire_frame_like",
	"acquire_indexed", "acquire_extended_index", "acquire_mixed_index",
	"acquire_stack",   "acquire_stack_offset",   "acquire_stack_index",
	"acquire_fixed",   "acquire_byte",           "acquire_quad",
	"acquire_behind",  "acquire_behind_long",    "acquire_relative",
	"acquire_returns", "acquire_red_zone",
};

static const char *const releases[] = {
	"release_base",  "release_extended",    "release_indexed",
	"release_stack", "release_stack_index", "release_fixed",
	"release_add",   "release_byte",        "release_red_zone",
};

TestSuite(trampoline, .init = patched_open);

static struct held *list(void)
{
	return &thread_self->held;
}

/* Runs all functions from one place, so that stack addresses are the same every time. */
struct runs {
	const char *const *names;
	size_t count;
	uint32_t word;
	void (*prepare)(uint64_t lock); /* before each run of replaced code */
	void (*check)(const char *name, uint64_t lock, uint32_t place);
};

static struct machine before[RUNS_MAX], after[RUNS_MAX];

static void replace_all(const struct runs *runs, bool release, bool plumbing, uint32_t *places)
{
	for (size_t i = 0; i < runs->count; i++) {
		struct lock_site site = patched_site(runs->names[i], release);

		site.plumbing = plumbing;
		places[i] = patched_replace(&site);
	}
}

static void run_all(const struct runs *runs, bool release, bool plumbing)
{
	uint32_t places[RUNS_MAX];

	cr_assert_leq(runs->count, RUNS_MAX);
	for (unsigned pass = 0; pass < 2; pass++) {
		struct machine *machines = pass ? after : before;

		if (pass)
			replace_all(runs, release, plumbing, places);
		for (size_t i = 0; i < runs->count; i++) {
			uint64_t lock = before[i].registers[R9];

			if (pass && runs->prepare)
				runs->prepare(lock);
			patched_run(runs->names[i], runs->word, &machines[i]);
			if (pass)
				runs->check(runs->names[i], lock, places[i]);
		}
	}
	for (size_t i = 0; i < runs->count; i++)
		patched_expect_same(runs->names[i], &before[i], &after[i]);
}

static void expect_note(const char *name, unsigned index, uint64_t lock, uint32_t place)
{
	const struct held_note *note = &list()->notes[index];

	cr_expect_eq(list()->top, (index + 1) * sizeof(*note), "%s", name);
	cr_expect_eq(note->lock, lock, "%s", name);
	cr_expect_eq(note->place, place, "%s", name);
	cr_expect_eq(note->entered, ENTERED_BYTE_NONE, "%s", name);
	cr_expect_eq(note->copy, 0, "%s", name);
}

static void known_and_empty(uint64_t lock)
{
	cr_assert_not_null(thread_attach());
	held_cut(list(), 0);
}

static void has_note(const char *name, uint64_t lock, uint32_t place)
{
	expect_note(name, 0, lock, place);
}

static void has_none(const char *name, uint64_t lock, uint32_t place)
{
	cr_expect_eq(list()->top, 0, "%s", name);
}

Test(trampoline, notes_what_was_acquired)
{
	const struct runs runs = {acquires, COUNT(acquires), 0, known_and_empty, has_note};

	run_all(&runs, false, false);
}

Test(trampoline, notes_nothing_when_the_lock_was_taken)
{
	const struct runs runs = {acquires, COUNT(acquires), 1, known_and_empty, has_none};

	run_all(&runs, false, false);
}

static void unknown(uint64_t lock)
{
	thread_after_fork();
	cr_assert_null(thread_self);
}

Test(trampoline, makes_the_thread_known)
{
	const struct runs runs = {acquires, COUNT(acquires), 0, unknown, has_note};

	run_all(&runs, false, false);
}

static void is_unknown(const char *name, uint64_t lock, uint32_t place)
{
	cr_expect_null(thread_self, "%s", name);
}

Test(trampoline, does_not_need_to_know_the_thread)
{
	const struct runs failing = {acquires, COUNT(acquires), 1, unknown, is_unknown};

	run_all(&failing, false, false);
}

Test(trampoline, does_not_ask_when_nothing_is_followed)
{
	const struct runs runs = {acquires, COUNT(acquires), 0, unknown, is_unknown};

	held_follows = false;
	run_all(&runs, false, false);
}

static uint32_t words[HELD_MAX + 2] = {[0 ... HELD_MAX + 1] = 1};
static uint32_t own_place;

static void note_others(unsigned count)
{
	const struct lock_place place = {.address = 0x1000, .type = LOCK_STD_MUTEX};

	if (!own_place)
		own_place = lock_places_add(&place);
	known_and_empty(0);
	for (unsigned i = 0; i < count; i++)
		cr_assert(held_acquired_quick((uintptr_t)&words[i], own_place, NULL));
}

static void full(uint64_t lock)
{
	note_others(HELD_MAX);
	thread_self->held_lost = 0;
}

static void has_lost(const char *name, uint64_t lock, uint32_t place)
{
	cr_expect_eq(held_count(list()), HELD_MAX, "%s", name);
	cr_expect_eq(list()->notes[HELD_MAX - 1].lock, (uintptr_t)&words[HELD_MAX - 1]);
	cr_expect_eq(thread_self->held_lost, 1, "%s", name);
}

Test(trampoline, counts_what_has_no_room)
{
	const struct runs runs = {acquires, COUNT(acquires), 0, full, has_lost};

	run_all(&runs, false, false);
}

static void nearly_full(uint64_t lock)
{
	note_others(HELD_MAX - 1);
}

static void is_last(const char *name, uint64_t lock, uint32_t place)
{
	expect_note(name, HELD_MAX - 1, lock, place);
}

Test(trampoline, uses_all_the_room_there_is)
{
	const struct runs runs = {acquires, COUNT(acquires), 0, nearly_full, is_last};

	run_all(&runs, false, false);
}

static __thread uint8_t entered = 0x42;

static void has_entered(const char *name, uint64_t lock, uint32_t place)
{
	cr_expect_eq(list()->notes[0].lock, lock, "%s", name);
	cr_expect_eq(list()->notes[0].entered, 0x42, "%s", name);
	cr_expect_eq(list()->notes[0].copy, 0, "%s", name);
	cr_expect_eq(list()->notes[0].unused, 0, "%s", name);
}

Test(trampoline, notes_whether_a_runtime_was_entered)
{
	const struct runs runs = {acquires, COUNT(acquires), 0, known_and_empty, has_entered};

	patched.trampolines.entered_offset =
		(int32_t)((const char *)&entered - (const char *)__builtin_thread_pointer());
	run_all(&runs, false, false);
}

static void has_stack(const char *name, uint64_t lock, uint32_t place)
{
	const struct held_note *note = &list()->notes[0];
	const struct stack_copy *copy;
	uint64_t caller;

	cr_expect_eq(note->lock, lock, "%s", name);
	cr_assert_eq(note->copy, 1, "%s", name);
	copy = &thread_self->held_copies[0];
	cr_expect_eq(copy->context.pc, lock_code_address(&patched.code, name, "_atomic") + 1);
	cr_expect_gt(copy->size, 0);
	if (strstr(name, "_stack"))
		return;
	/* As in the function: there lies the address that it returns to. */
	memcpy(&caller, copy->bytes, sizeof(caller));
	cr_expect_eq(copy->context.sp, before[0].registers[RSP] - 8, "%s", name);
	cr_expect_eq(copy->context.bp, before[0].registers[RBP], "%s", name);
	cr_expect_lt(caller - (uintptr_t)&machine_run, 1024, "%s", name);
}

Test(trampoline, copies_the_stack_in_a_lock_crates_code)
{
	const struct runs runs = {acquires, COUNT(acquires), 0, known_and_empty, has_stack};

	run_all(&runs, false, true);
}

Test(trampoline, copies_the_stack_of_a_thread_that_was_unknown)
{
	const struct runs runs = {acquires, COUNT(acquires), 0, unknown, has_stack};

	run_all(&runs, false, true);
}

static void newest(uint64_t lock)
{
	note_others(3);
	cr_assert(held_acquired_quick(lock, own_place, NULL));
}

static void in_between(uint64_t lock)
{
	note_others(1);
	cr_assert(held_acquired_quick(lock, own_place, NULL));
	cr_assert(held_acquired_quick((uintptr_t)&words[1], own_place, NULL));
	cr_assert(held_acquired_quick((uintptr_t)&words[2], own_place, NULL));
}

static void others(uint64_t lock)
{
	note_others(3);
}

static void has_others(const char *name, uint64_t lock, uint32_t place)
{
	cr_expect_eq(held_count(list()), 3, "%s", name);
	for (unsigned i = 0; i < 3; i++)
		cr_expect_eq(list()->notes[i].lock, (uintptr_t)&words[i], "%s", name);
}

Test(trampoline, takes_the_newest_note_out)
{
	const struct runs runs = {releases, COUNT(releases), 1, newest, has_others};

	run_all(&runs, true, false);
}

Test(trampoline, takes_the_note_of_a_contended_lock_out)
{
	const struct runs runs = {releases, COUNT(releases), 2, newest, has_others};

	run_all(&runs, true, false);
}

Test(trampoline, takes_an_older_note_out)
{
	const struct runs runs = {releases, COUNT(releases), 1, in_between, has_others};

	run_all(&runs, true, false);
}

Test(trampoline, survives_a_release_of_what_was_not_noted)
{
	const struct runs runs = {releases, COUNT(releases), 1, others, has_others};

	run_all(&runs, true, false);
	cr_assert_eq(thread_self->orphans[(runs.count - 1) % HELD_ORPHANS].lock,
		     before[runs.count - 1].registers[R9]);
}

Test(trampoline, survives_a_release_with_an_empty_list)
{
	const struct runs runs = {releases, COUNT(releases), 1, known_and_empty, has_none};

	run_all(&runs, true, false);
}

Test(trampoline, survives_a_release_of_an_unknown_thread)
{
	const struct runs runs = {releases, COUNT(releases), 1, unknown, is_unknown};

	run_all(&runs, true, false);
}

Test(trampoline, leaves_no_half_code_behind)
{
	struct lock_site site = patched_site("acquire_thread", false);
	struct emitter *emitter = &patched.trampolines.emitter;
	uint8_t *start = emitter->at;

	cr_assert_eq(trampoline_instruction(&patched.trampolines, &site, 1), 0,
		     "an operand without a base");
	cr_assert_eq(emitter->at, start);
	cr_assert_not(emitter->failed);
	site = patched_site("acquire_base", false);
	emitter->end = start + 40;
	cr_assert_eq(trampoline_instruction(&patched.trampolines, &site, 1), 0, "no room");
	cr_assert_eq(emitter->at, start);
	emitter->end = start + TRAMPOLINE_BYTES;
	site.length--;
	cr_assert_eq(trampoline_instruction(&patched.trampolines, &site, 1), 0, "half of one");
	site.length++;
	cr_assert_eq(trampoline_instruction(&patched.trampolines, &site, 1), (uintptr_t)start);
}
