/* SPDX-License-Identifier: MIT */
/*
 * Unit tests of runtime/lock_hooks.h: lock functions whose entry was replaced, called with all of
 * their arguments. fixture_lock_runs.S has them.
 */
#include "runtime/lock_hooks.h"

#include <criterion/criterion.h>
#include <pthread.h>

#include "runtime/held.h"
#include "runtime/lock_wait.h"
#include "runtime/locks.h"
#include "runtime/patch/lock_functions.h"
#include "runtime/patch/slow_path.h"
#include "runtime/thread.h"
#include "tests/unit/runtime/patched.h"

static struct machine before, after;
static struct lock_hook hook;

TestSuite(lock_hooks, .init = patched_open);

static unsigned count(void)
{
	return thread_self ? held_count(&thread_self->held) : 0;
}

/* Runs the function as it was and with its entry replaced; `role` is its kind. */
static void hook_function(const char *name, enum lock_function_role role, enum lock_type type)
{
	hook.role = role;
	hook.type = type;
	patched_run(name, 0x1234, &before);
	patched_replace_function(name, &hook);
	patched_run(name, 0x1234, &after);
}

/* What a function has to preserve, and what this one returned. */
static void expect_same_call(void)
{
	static const unsigned kept[] = {RAX, RDX, RBX, RSP, RBP, R12, R13, R14, R15};

	for (unsigned i = 0; i < sizeof(kept) / sizeof(*kept); i++)
		cr_expect_eq(before.registers[kept[i]], after.registers[kept[i]], "register %u",
			     kept[i]);
}

static void expect_note(uint64_t lock)
{
	const struct held_note *note = &thread_self->held.notes[0];
	const struct stack_copy *copy;

	cr_assert_eq(count(), 1);
	cr_assert_eq(note->lock, lock);
	cr_assert_eq(note->place, hook.place);
	cr_assert_neq(note->copy, 0);
	copy = &thread_self->held_copies[note->copy - 1];
	cr_assert_lt(copy->context.pc - (uintptr_t)&machine_run, 1024, "the function's caller");
	cr_assert_eq(copy->context.sp, after.registers[RSP]);
	cr_assert_eq(copy->context.bp, after.registers[RBP]);
}

Test(lock_hooks, notes_what_a_function_locks)
{
	hook_function("take", FUNCTION_LOCK, LOCK_STD_MUTEX);
	expect_same_call();
	expect_note(before.registers[RDI]);
}

Test(lock_hooks, notes_what_a_try_locks)
{
	hook_function("take", FUNCTION_TRY, LOCK_STD_MUTEX);
	expect_same_call();
	cr_assert_eq(count(), 1);
}

Test(lock_hooks, notes_nothing_when_a_try_fails)
{
	hook_function("take_not", FUNCTION_TRY, LOCK_STD_MUTEX);
	expect_same_call();
	cr_assert_eq(count(), 0);
}

Test(lock_hooks, asks_parking_lots_slow_paths_whether_they_acquired)
{
	hook_function("take_not", FUNCTION_SLOW_ACQUIRE, LOCK_PARKING_LOT_MUTEX);
	expect_same_call();
	cr_assert_eq(count(), 0);
	cr_assert_gt(thread_self->lock_wait.sequence, 0, "it waited");
	cr_assert_eq(thread_self->lock_wait.sequence & 1, 0, "and no longer");
}

Test(lock_hooks, does_not_ask_other_slow_paths)
{
	hook_function("take_not", FUNCTION_SLOW_ACQUIRE, LOCK_STD_RWLOCK);
	expect_same_call();
	cr_assert_eq(count(), 1);
}

Test(lock_hooks, knows_the_lock_of_a_function_that_is_not_passed_it)
{
	static uint32_t word;

	hook.only_lock = (uintptr_t)&word;
	hook_function("take", FUNCTION_SLOW_ACQUIRE, LOCK_STD_MUTEX);
	expect_same_call();
	expect_note((uintptr_t)&word);
	cr_assert_eq(thread_self->lock_wait.lock, (uintptr_t)&word);
}

Test(lock_hooks, takes_notes_out_when_a_function_unlocks)
{
	patched_run("take", 0, &before);
	cr_assert_not_null(thread_attach());
	cr_assert(held_acquired_quick(before.registers[RDI], 0, NULL));
	hook_function("take", FUNCTION_UNLOCK, LOCK_STD_MUTEX);
	expect_same_call();
	cr_assert_eq(count(), 0);
}

/* The first argument is memory for the guard, the third its first word: 0 when it acquired. */
static void guard(enum lock_function_role role, uint64_t first_word)
{
	uint64_t memory[2];
	static uint32_t word;
	struct machine machine;

	hook.role = (uint8_t)role;
	patched_replace_function("take_guard", &hook);
	machine_fill(&machine);
	machine.registers[RDI] = (uintptr_t)memory;
	machine.registers[RSI] = (uintptr_t)&word;
	machine.registers[RDX] = first_word;
	machine_run(&machine, lock_code_address(&patched.code, "take_guard", ""));
	cr_assert_eq(machine.registers[RAX], (uintptr_t)memory);
	cr_assert_eq(memory[0], first_word);
	cr_assert_eq(memory[1], (uintptr_t)&word);
	if (count())
		cr_assert_eq(thread_self->held.notes[0].lock, (uintptr_t)&word);
}

Test(lock_hooks, knows_the_lock_of_a_function_that_returns_a_guard)
{
	guard(FUNCTION_LOCK_GUARD, 1);
	cr_assert_eq(count(), 1, "poisoned, but locked");
}

Test(lock_hooks, looks_at_the_guard_of_a_try)
{
	guard(FUNCTION_TRY_GUARD, 0);
	cr_assert_eq(count(), 1);
}

Test(lock_hooks, notes_nothing_without_a_guard)
{
	guard(FUNCTION_TRY_GUARD, 1);
	cr_assert_eq(count(), 0);
}

static struct lock_wait waits;

/* Looks at its thread while it "waits"; its third argument is a timeout or none. */
static bool wait_for(const void *lock, uint64_t second, uint32_t third)
{
	cr_assert(thread_self);
	waits = thread_self->lock_wait;
	return true;
}

/* Calls from the replaced function: it returns where the original would have begun. */
static bool wait_with(uint32_t nanoseconds, uint8_t timeout)
{
	static uint32_t word;
	struct machine machine;

	hook = (struct lock_hook){
		.role = FUNCTION_SLOW_ACQUIRE, .type = LOCK_PARKING_LOT_MUTEX, .timeout = timeout};
	patched_replace_function("take", &hook);
	hook.original = (uintptr_t)&wait_for;
	machine_fill(&machine);
	machine.registers[RDI] = (uintptr_t)&word;
	machine.registers[RDX] = nanoseconds;
	machine_run(&machine, lock_code_address(&patched.code, "take", ""));
	cr_assert_eq(machine.registers[RAX] & 0xff, 1);
	cr_assert_eq(waits.lock, (uintptr_t)&word);
	cr_assert_eq(waits.place, hook.place);
	cr_assert_eq(waits.sequence & 1, 1, "open while the function runs");
	cr_assert_eq(thread_self->lock_wait.sequence & 1, 0);
	return waits.timed;
}

Test(lock_hooks, opens_a_wait_around_a_slow_path)
{
	cr_assert(thread_attach());
	cr_assert_not(wait_with(5, 0), "the argument is something else");
}

Test(lock_hooks, knows_a_wait_that_ends_by_itself)
{
	cr_assert(thread_attach());
	cr_assert(wait_with(5, 3));
}

Test(lock_hooks, knows_a_wait_without_an_end)
{
	cr_assert(thread_attach());
	cr_assert_not(wait_with(SLOW_PATH_NO_TIMEOUT, 3));
}

static struct lock_hook inner_hook;

static bool lock_inside(const void *lock)
{
	static struct machine machine;

	patched_run("take_not", 0, &machine);
	return true;
}

Test(lock_hooks, notes_the_outermost_function_only)
{
	struct machine machine;

	inner_hook.role = FUNCTION_LOCK;
	patched_replace_function("take_not", &inner_hook);
	hook.role = FUNCTION_LOCK;
	patched_replace_function("take", &hook);
	hook.original = (uintptr_t)&lock_inside;
	patched_run("take", 0, &machine);
	cr_assert_eq(count(), 1);
	cr_assert_eq(thread_self->held.notes[0].place, hook.place);
	patched_run("take_not", 0, &machine);
	cr_assert_eq(count(), 2, "and it is over then");
}

static void *acquire(void *result)
{
	patched_run("acquire_base", 0, result);
	return thread_self;
}

Test(lock_hooks, keeps_a_list_per_thread)
{
	struct lock_site site = patched_site("acquire_base", false);
	uint32_t place = patched_replace(&site);
	struct thread *other;
	pthread_t id;
	void *state;

	patched_run("acquire_base", 0, &before);
	cr_assert_eq(pthread_create(&id, NULL, acquire, &after), 0);
	cr_assert_eq(pthread_join(id, &state), 0);
	other = state;
	cr_assert_eq(count(), 1);
	cr_assert_eq(thread_self->held.notes[0].lock, before.registers[R9]);
	cr_assert_eq(thread_self->held.notes[0].place, place);
	cr_assert_neq(other, thread_self);
	cr_assert_eq(held_count(&other->held), 1);
	cr_assert_eq(other->held.notes[0].lock, after.registers[R9]);
}
