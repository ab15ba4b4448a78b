/* SPDX-License-Identifier: MIT */
/* Roles of the runtime's functions, and verdicts on stacks made of them. */
#include "context.h"

#include "function_name.h"

/*
 * The first match counts. Paths of all Tokio versions since 1.0 side by side; `*` stands for a type
 * that debug information only numbers (`{impl#4}`), or for the rest of a segment.
 */
static const struct marker {
	const char *pattern;
	enum role role;
} markers[] = {
	{"tokio::task::blocking::block_in_place", ROLE_BLOCK_IN_PLACE},
	{"tokio::runtime::scheduler::multi_thread::worker::block_in_place", ROLE_BLOCK_IN_PLACE},
	{"tokio::runtime::scheduler::multi_thread_alt::worker::block_in_place",
	 ROLE_BLOCK_IN_PLACE},
	{"tokio::runtime::scheduler::block_in_place", ROLE_BLOCK_IN_PLACE},
	{"tokio::runtime::thread_pool::worker::block_in_place", ROLE_BLOCK_IN_PLACE},
	{"tokio::runtime::context::runtime_mt::exit_runtime", ROLE_BLOCK_IN_PLACE},
	{"tokio::runtime::context::exit_runtime", ROLE_BLOCK_IN_PLACE},
	{"tokio::runtime::enter::exit", ROLE_BLOCK_IN_PLACE},

	{"tokio::runtime::blocking::pool::*::run*", ROLE_BLOCKING_POOL},
	{"tokio::runtime::blocking::task::*::poll", ROLE_BLOCKING_POOL},

	{"tokio::runtime::park::*::block_on", ROLE_BLOCK_ON},
	{"tokio::park::thread::*::block_on", ROLE_BLOCK_ON},
	{"tokio::runtime::runtime::Runtime::block_on*", ROLE_BLOCK_ON},
	{"tokio::runtime::Runtime::block_on*", ROLE_BLOCK_ON},
	{"tokio::runtime::local_runtime::runtime::LocalRuntime::block_on*", ROLE_BLOCK_ON},
	{"tokio::runtime::handle::Handle::block_on*", ROLE_BLOCK_ON},
	{"tokio::runtime::context::blocking::BlockingRegionGuard::block_on*", ROLE_BLOCK_ON},
	{"tokio::runtime::context::BlockingRegionGuard::block_on*", ROLE_BLOCK_ON},
	{"tokio::runtime::enter::Enter::block_on*", ROLE_BLOCK_ON},
	{"tokio::runtime::enter::enter", ROLE_BLOCK_ON},
	{"tokio::runtime::context::runtime::enter_runtime", ROLE_BLOCK_ON},
	{"tokio::runtime::context::enter_runtime", ROLE_BLOCK_ON},
	{"tokio::runtime::scheduler::current_thread::*::block_on", ROLE_BLOCK_ON},
	{"tokio::runtime::scheduler::multi_thread::*::block_on", ROLE_BLOCK_ON},
	{"tokio::runtime::basic_scheduler::*::block_on", ROLE_BLOCK_ON},
	{"tokio::runtime::thread_pool::*::block_on", ROLE_BLOCK_ON},
	{"tokio::task::local::LocalSet::run_until", ROLE_BLOCK_ON},
	{"tokio::task::local::LocalSet::block_on", ROLE_BLOCK_ON},
	{"tokio::task::local::RunUntil::poll", ROLE_BLOCK_ON},

	{"tokio::runtime::park::*::park*", ROLE_PARK},
	{"tokio::park::*::park*", ROLE_PARK},
	{"tokio::park::*::*::park*", ROLE_PARK},
	{"tokio::runtime::scheduler::multi_thread::park::*::park*", ROLE_PARK},
	{"tokio::runtime::thread_pool::park::*::park*", ROLE_PARK},
	{"tokio::runtime::scheduler::multi_thread::worker::*::park*", ROLE_PARK},
	{"tokio::runtime::scheduler::multi_thread_alt::worker::*::park*", ROLE_PARK},
	{"tokio::runtime::thread_pool::worker::*::park*", ROLE_PARK},
	{"tokio::runtime::scheduler::current_thread::*::park*", ROLE_PARK},
	{"tokio::runtime::basic_scheduler::*::park*", ROLE_PARK},
	{"tokio::runtime::driver::*::park*", ROLE_PARK},
	{"tokio::runtime::io::driver::*::turn", ROLE_PARK},
	{"tokio::runtime::io::driver::*::park*", ROLE_PARK},
	{"tokio::runtime::io::Driver::turn", ROLE_PARK},
	{"tokio::runtime::io::Driver::park*", ROLE_PARK},
	{"tokio::io::driver::*::turn", ROLE_PARK},
	{"tokio::io::driver::*::park*", ROLE_PARK},
	{"tokio::runtime::time::*::park*", ROLE_PARK},
	{"tokio::time::driver::*::park*", ROLE_PARK},
	{"tokio::runtime::signal::*::park*", ROLE_PARK},
	{"tokio::runtime::process::*::park*", ROLE_PARK},
	{"tokio::signal::unix::driver::*::park*", ROLE_PARK},
	{"tokio::process::imp::driver::*::park*", ROLE_PARK},

	{"tokio::runtime::task::raw::poll", ROLE_TASK},
	{"tokio::runtime::task::raw::RawTask::poll", ROLE_TASK},
	{"tokio::runtime::task::harness::Harness::poll*", ROLE_TASK},
	{"tokio::runtime::task::harness::poll_future", ROLE_TASK},
	{"tokio::runtime::task::core::Core::poll", ROLE_TASK},
	{"tokio::runtime::task::core::CoreStage::poll", ROLE_TASK},
	{"tokio::runtime::task::core::{impl*::poll", ROLE_TASK},

	{"tokio::runtime::scheduler::multi_thread::worker::*::run_task", ROLE_TASK_LOOP},
	{"tokio::runtime::scheduler::multi_thread_alt::worker::*::run_task", ROLE_TASK_LOOP},
	{"tokio::runtime::thread_pool::worker::*::run_task", ROLE_TASK_LOOP},
	{"tokio::runtime::scheduler::current_thread::*::run_task", ROLE_TASK_LOOP},
	{"tokio::runtime::basic_scheduler::*::run_task", ROLE_TASK_LOOP},
	{"tokio::task::local::LocalSet::tick", ROLE_TASK_LOOP},

	{"tokio::runtime::scheduler::multi_thread::worker::run", ROLE_WORKER},
	{"tokio::runtime::scheduler::multi_thread::worker::*::run", ROLE_WORKER},
	{"tokio::runtime::scheduler::multi_thread_alt::worker::run", ROLE_WORKER},
	{"tokio::runtime::thread_pool::worker::run", ROLE_WORKER},
	{"tokio::runtime::thread_pool::worker::*::run", ROLE_WORKER},
};

enum role context_role(const char *function)
{
	char path[FUNCTION_PATH_SIZE];
	size_t i;

	if (!function)
		return ROLE_NONE;
	function_path(function, path);
	for (i = 0; i < sizeof(markers) / sizeof(markers[0]); i++)
		if (function_path_matches(path, markers[i].pattern))
			return markers[i].role;
	return ROLE_NONE;
}

/* The first role from `start` on, outwards; its index is in *ret_index. */
static enum role role_next(const struct stack *stack, size_t start, size_t *ret_index)
{
	size_t i;

	for (i = start; i < stack->frame_count; i++) {
		enum role role = context_role(stack->frames[i].function);

		if (role != ROLE_NONE) {
			*ret_index = i;
			return role;
		}
	}
	*ret_index = stack->frame_count;
	return ROLE_NONE;
}

static bool role_present(const struct stack *stack, size_t start, enum role role)
{
	enum role found;

	while ((found = role_next(stack, start, &start)) != ROLE_NONE) {
		if (found == role)
			return true;
		start++;
	}
	return false;
}

static bool stack_is_blind(const struct stack *stack)
{
	size_t i;

	for (i = 0; i < stack->frame_count; i++) {
		const struct frame *frame = &stack->frames[i];

		if (!frame->function && !(frame->module && model_module_is_system(frame->module)))
			return true;
	}
	return stack->frame_count == 0;
}

static enum verdict judge_task(const struct stack *stack)
{
	size_t index;

	switch (stack ? role_next(stack, 0, &index) : ROLE_NONE) {
	case ROLE_BLOCK_IN_PLACE:
	case ROLE_BLOCKING_POOL:
	case ROLE_PARK:
		return VERDICT_EXEMPT;
	case ROLE_BLOCK_ON:
		return VERDICT_BLOCK_ON;
	default:
		return VERDICT_TASK;
	}
}

/*
 * A root future inside spawn_blocking; a worker's launch job enters the runtime, too, and is not.
 * Only names can tell the two.
 */
static enum verdict judge_blocking(const struct stack *stack, bool driving)
{
	size_t index = 0;
	enum role role = stack ? role_next(stack, 0, &index) : ROLE_NONE;

	if (role == ROLE_PARK || (role != ROLE_BLOCK_ON && !driving))
		return VERDICT_EXEMPT;
	if (role != ROLE_BLOCK_ON && (!stack || stack_is_blind(stack)))
		return VERDICT_UNJUDGED;
	return role_present(stack, 0, ROLE_WORKER) ? VERDICT_EXEMPT : VERDICT_BLOCK_ON;
}

static enum verdict judge_thread(const struct stack *stack, bool driving)
{
	size_t index = 0;
	enum role role;

	if (!stack)
		return driving ? VERDICT_BLOCK_ON : VERDICT_UNJUDGED;
	role = role_next(stack, 0, &index);
	while (role == ROLE_TASK)
		role = role_next(stack, index + 1, &index);
	if (role == ROLE_TASK_LOOP)
		return VERDICT_TASK;
	if (role == ROLE_PARK || role_present(stack, index, ROLE_WORKER))
		return VERDICT_EXEMPT;
	if (role == ROLE_BLOCK_ON || driving)
		return VERDICT_BLOCK_ON;
	if (role == ROLE_NONE && stack_is_blind(stack))
		return VERDICT_UNJUDGED;
	return VERDICT_EXEMPT;
}

enum verdict context_judge(const struct origin *origin, bool waits)
{
	bool driving = origin->entered == ENTERED_YES && !waits;

	if (origin->handover || origin->entered == ENTERED_NO)
		return VERDICT_EXEMPT;
	switch (origin->scope) {
	case SCOPE_TASK:
		return judge_task(origin->stack);
	case SCOPE_BLOCKING:
		return judge_blocking(origin->stack, driving);
	default:
		return judge_thread(origin->stack, driving);
	}
}

size_t context_boundary(const struct stack *stack)
{
	size_t index = 0;

	for (;; index++) {
		switch (role_next(stack, index, &index)) {
		case ROLE_TASK:
		case ROLE_TASK_LOOP:
		case ROLE_BLOCK_ON:
		case ROLE_NONE:
			return index;
		default:
			break;
		}
	}
}

const char *context_name(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_TASK:
		return "task";
	case VERDICT_BLOCK_ON:
		return "block_on";
	default:
		return NULL;
	}
}
