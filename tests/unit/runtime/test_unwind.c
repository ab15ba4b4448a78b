/* SPDX-License-Identifier: MIT */
/* Unit tests of runtime/unwind.h: stacks of functions of this test, captured and remembered. */
#include "runtime/unwind.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline))
#define CALLER() ((uint64_t)(uintptr_t)__builtin_return_address(0))

static struct stack_memory memory;

/* Return addresses that the functions of the chain saw themselves, innermost first. */
static uint64_t seen[3];

static NOINLINE const struct remembered_stack *innermost(void)
{
	const struct remembered_stack *stack;

	seen[0] = CALLER();
	stack = unwind_capture(&memory);
	__asm__ volatile("" ::: "memory");
	return stack;
}

static NOINLINE const struct remembered_stack *middle(void)
{
	const struct remembered_stack *stack;

	seen[1] = CALLER();
	stack = innermost();
	__asm__ volatile("" ::: "memory");
	return stack;
}

static NOINLINE const struct remembered_stack *outer(void)
{
	const struct remembered_stack *stack;

	seen[2] = CALLER();
	stack = middle();
	__asm__ volatile("" ::: "memory");
	return stack;
}

/* A call of its own in the same frame; what follows it keeps the compiler from merging them. */
#define CASE(n)                                                                                    \
	case n:                                                                                    \
		stack = outer();                                                                   \
		__asm__ volatile("/* %0 */" ::"i"(n));                                             \
		break

static NOINLINE const struct remembered_stack *from(unsigned which)
{
	const struct remembered_stack *stack = NULL;

	switch (which) {
		CASE(0);
		CASE(1);
		CASE(2);
		CASE(3);
		CASE(4);
		CASE(5);
	}
	__asm__ volatile("" ::: "memory");
	return stack;
}

static void expect_chain(const struct remembered_stack *stack)
{
	cr_assert_gt(stack->count, 4);
	for (unsigned i = 0; i < 3; i++)
		cr_assert_eq(stack->frames[i + 1], seen[i], "frame %u", i + 1);
}

static void start(void)
{
	if (!unwind_start())
		cr_skip_test("no libunwind here");
}

Test(unwind, gives_empty_stacks_before_it_is_started)
{
	for (unsigned i = 0; i < 10; i++) {
		const struct remembered_stack *stack = outer();

		cr_assert_not_null(stack);
		cr_assert_eq(stack->count, 0);
	}
	start();
	expect_chain(outer());
}

Test(unwind, can_be_started_twice)
{
	start();
	cr_assert(unwind_start());
	expect_chain(outer());
}

Test(unwind, captures_from_its_caller_outwards)
{
	const struct remembered_stack *stack;

	start();
	stack = outer();
	expect_chain(stack);
	/* The call that is running lies within the function that made it. */
	cr_assert_lt(stack->frames[0] - (uintptr_t)&innermost, 256);
	for (unsigned i = 1; i < stack->count; i++)
		cr_assert_gt(stack->places[i], stack->places[i - 1], "the stack grows down");
}

Test(unwind, remembers_the_stack_of_the_same_place)
{
	const struct remembered_stack *first = NULL;

	start();
	for (unsigned i = 0; i < 100; i++) {
		const struct remembered_stack *stack = from(0);

		if (!first)
			first = stack;
		cr_assert_eq(stack, first);
		expect_chain(stack);
	}
	cr_assert_eq(memory.next, 1, "it was unwound once");
}

Test(unwind, does_not_mix_up_callers)
{
	const struct remembered_stack *stacks[4] = {0};

	start();
	for (unsigned i = 0; i < 12; i++) {
		const struct remembered_stack *stack = from(i % 4);

		expect_chain(stack);
		if (i < 4)
			stacks[i] = stack;
		cr_assert_eq(stacks[i % 4], stack, "all four are remembered");
		for (unsigned j = 0; j < i % 4; j++)
			cr_assert_neq(stacks[j], stack);
	}
	cr_assert_eq(memory.next, 4);
}

Test(unwind, forgets_the_oldest_stack)
{
	start();
	for (unsigned round = 0; round < 3; round++)
		for (unsigned i = 0; i < 6; i++)
			expect_chain(from(i));
	cr_assert_eq(memory.next, 18, "six do not fit into four");
}

static NOINLINE const struct remembered_stack *recurse(unsigned depth)
{
	const struct remembered_stack *stack = depth ? recurse(depth - 1) : outer();

	__asm__ volatile("" ::: "memory");
	return stack;
}

Test(unwind, cuts_deep_stacks)
{
	const struct remembered_stack *stack;

	start();
	stack = recurse(3 * UNWIND_MAX_FRAMES);
	cr_assert_eq(stack->count, UNWIND_MAX_FRAMES);
	expect_chain(stack);
	stack = recurse(10);
	cr_assert_lt(stack->count, UNWIND_MAX_FRAMES);
	expect_chain(stack);
}

static void *capture_on_thread(void *own)
{
	const struct remembered_stack *stack = unwind_capture(own);

	return (void *)(uintptr_t)stack->count;
}

Test(unwind, works_on_threads_with_memories_of_their_own)
{
	static struct stack_memory memories[8];
	pthread_t threads[8];

	start();
	for (unsigned i = 0; i < 8; i++)
		pthread_create(&threads[i], NULL, capture_on_thread, &memories[i]);
	for (unsigned i = 0; i < 8; i++) {
		void *count;

		pthread_join(threads[i], &count);
		cr_expect_gt((uintptr_t)count, 0);
		cr_expect_eq(memories[i].next, 1);
	}
}

static unsigned open_descriptors(void)
{
	DIR *entries = opendir("/proc/self/fd");
	unsigned count = 0;

	while (readdir(entries))
		count++;
	closedir(entries);
	return count;
}

Test(unwind, leaves_no_descriptor_open)
{
	unsigned before = open_descriptors();

	start();
	cr_assert_eq(open_descriptors(), before);
	recurse(20);
	outer();
	cr_assert_eq(open_descriptors(), before);
}

Test(unwind, leaves_no_descriptor_open_where_numbers_are_free_in_between)
{
	unsigned before;
	int hole = dup(0), above = dup(0);

	close(hole);
	before = open_descriptors();
	start();
	outer();
	cr_assert_eq(open_descriptors(), before);
	cr_assert_eq(dup(0), hole, "the hole is still free");
	close(above);
}

static const struct remembered_stack *in_handler;

static void handle(int number)
{
	in_handler = outer();
}

static NOINLINE void raise_here(void)
{
	kill(getpid(), SIGUSR1);
	__asm__ volatile("" ::: "memory");
}

static NOINLINE uint64_t raise_from(void)
{
	uint64_t caller = CALLER();

	raise_here();
	__asm__ volatile("" ::: "memory");
	return caller;
}

Test(unwind, goes_on_below_a_signal_handler)
{
	bool found = false;
	uint64_t caller;

	start();
	signal(SIGUSR1, handle);
	caller = raise_from();
	cr_assert_not_null(in_handler);
	expect_chain(in_handler);
	for (unsigned i = 0; i < in_handler->count; i++)
		found |= in_handler->frames[i] == caller;
	cr_assert(found);
}

Test(unwind, goes_on_in_a_fork_child)
{
	int status;
	pid_t child;

	start();
	outer();
	child = fork();
	if (!child) {
		bool good = unwind_after_fork() && outer()->count > 4 && recurse(3)->count > 7;

		_exit(good ? 0 : 1);
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static struct unwind_context copied_context;
static unsigned char copied_bytes[1024];

/* Leaves the stack as it is for its caller, and a copy of its top. */
static NOINLINE void copy_stack(void)
{
	const uint64_t *frame = __builtin_frame_address(0);

	seen[0] = CALLER();
	copied_context = (struct unwind_context){
		.pc = frame[1], .sp = (uintptr_t)(frame + 2), .bp = frame[0]};
	memcpy(copied_bytes, frame + 2, sizeof(copied_bytes));
}

static NOINLINE void copy_in_middle(void)
{
	seen[1] = CALLER();
	copy_stack();
	__asm__ volatile("" ::: "memory");
}

static NOINLINE void overwrite_stack(void)
{
	volatile unsigned char bytes[2048];

	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = 0x5a;
}

Test(unwind, unwinds_a_copy_after_the_stack_has_changed)
{
	uint64_t frames[UNWIND_MAX_FRAMES];
	unsigned count;

#if !defined(__x86_64__)
	cr_skip_test("only the calling thread's stack is unwound on this machine");
#endif
	if (!unwind_start())
		cr_skip_test("there is no libunwind");
	copy_in_middle();
	overwrite_stack();
	count = unwind_copied(&copied_context, copied_bytes, sizeof(copied_bytes), frames,
			      UNWIND_MAX_FRAMES);
	cr_assert_geq(count, 2);
	cr_assert_eq(frames[0], seen[0]);
	cr_assert_eq(frames[1], seen[1]);
	count = unwind_copied(&copied_context, copied_bytes, 0, frames, UNWIND_MAX_FRAMES);
	cr_assert_eq(count, 1, "where nothing was copied there is only where it was");
	cr_assert_eq(frames[0], seen[0]);
	copied_context.pc = 0;
	cr_assert_eq(unwind_copied(&copied_context, copied_bytes, 8, frames, 4), 0);
}
