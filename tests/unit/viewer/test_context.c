/* SPDX-License-Identifier: MIT */
/*
 * Unit tests of viewer/context.h, on the stacks that Tokio programs show in debug, release and fat
 * LTO builds.
 */
#include "viewer/context.h"

#include <criterion/criterion.h>

#include "sample.h"

static enum verdict judge(enum scope scope, const struct stack *stack)
{
	return context_judge(&(struct origin){.scope = scope, .stack = stack}, false);
}

/* Outer frames of a worker in a release build. */
#define WORKER                                                                                     \
	"tokio::runtime::scheduler::multi_thread::worker::Context::run",                           \
		"tokio::runtime::context::scoped::Scoped<T>::set",                                 \
		"tokio::runtime::context::runtime::enter_runtime",                                 \
		"tokio::runtime::scheduler::multi_thread::worker::run",                            \
		"tokio::runtime::task::core::Core<T,S>::poll",                                     \
		"tokio::runtime::task::harness::Harness<T,S>::poll",                               \
		"tokio::runtime::blocking::pool::Inner::run",                                      \
		"std::sys::backtrace::__rust_begin_short_backtrace"

#define RUN_TASK                                                                                   \
	"tokio::runtime::task::core::Core<T,S>::poll",                                             \
		"tokio::runtime::task::harness::Harness<T,S>::poll",                               \
		"tokio::runtime::scheduler::multi_thread::worker::Context::run_task", WORKER

#define BLOCK_ON                                                                                   \
	"tokio::runtime::park::CachedParkThread::block_on",                                        \
		"tokio::runtime::context::runtime::enter_runtime",                                 \
		"tokio::runtime::runtime::Runtime::block_on", "app::main"

Test(context, reports_a_task_in_every_build)
{
	cr_expect_eq(judge(SCOPE_TASK, sample_stack("std::thread::functions::sleep",
						    "app::step::{{closure}}", RUN_TASK)),
		     VERDICT_TASK);
	cr_expect_eq(judge(SCOPE_TASK,
			   sample_stack("app::step::{{closure}}", "tokio::runtime::task::raw::poll",
					"tokio::runtime::scheduler::multi_thread::worker::"
					"Context::run_task",
					"tokio::runtime::scheduler::multi_thread::worker::run",
					"tokio::runtime::task::raw::poll")),
		     VERDICT_TASK);
	cr_expect_eq(judge(SCOPE_TASK, sample_stack(NULL, NULL, NULL)), VERDICT_TASK);
	cr_expect_eq(judge(SCOPE_TASK, NULL), VERDICT_TASK);
}

Test(context, exempts_block_in_place_in_every_build)
{
	cr_expect_eq(
		judge(SCOPE_TASK, sample_stack("std::thread::functions::sleep",
					       "tokio::runtime::scheduler::multi_thread::worker::"
					       "block_in_place",
					       "app::step::{{closure}}", RUN_TASK)),
		VERDICT_EXEMPT);
	cr_expect_eq(
		judge(SCOPE_TASK, sample_stack("app::main::{async_block#0}::{closure#0}",
					       "tokio::runtime::context::runtime_mt::exit_runtime<"
					       "app::main::{async_block#0}::{closure_env#0}, ()>",
					       "tokio::task::blocking::block_in_place<F, R>",
					       "app::main::{async_block#0}", RUN_TASK)),
		VERDICT_EXEMPT);
	cr_expect_eq(
		judge(SCOPE_THREAD, sample_stack("std::thread::functions::sleep",
						 "tokio::runtime::scheduler::multi_thread::worker::"
						 "block_in_place",
						 BLOCK_ON)),
		VERDICT_EXEMPT);
}

Test(context, exempts_a_worker_that_has_handed_over_whatever_the_frames_say)
{
	const struct stack *stack =
		sample_stack("app::step::{{closure}}", "tokio::runtime::task::raw::poll");

	cr_expect_eq(
		context_judge(
			&(struct origin){.scope = SCOPE_TASK, .handover = true, .stack = stack},
			false),
		VERDICT_EXEMPT);
}

Test(context, reports_what_follows_block_in_place_in_the_same_task)
{
	cr_expect_eq(judge(SCOPE_TASK, sample_stack("std::thread::functions::sleep",
						    "app::after_block_in_place", RUN_TASK)),
		     VERDICT_TASK);
}

Test(context, exempts_the_blocking_pool)
{
	cr_expect_eq(judge(SCOPE_BLOCKING,
			   sample_stack("std::thread::functions::sleep",
					"tokio::runtime::task::core::Core<T,S>::poll",
					"tokio::runtime::task::harness::Harness<T,S>::poll",
					"tokio::runtime::blocking::pool::Inner::run")),
		     VERDICT_EXEMPT);
	cr_expect_eq(judge(SCOPE_BLOCKING, sample_stack("tokio::runtime::task::raw::poll",
							"std::sys::backtrace::"
							"__rust_begin_short_backtrace")),
		     VERDICT_EXEMPT);
	cr_expect_eq(judge(SCOPE_BLOCKING, sample_stack(NULL, NULL)), VERDICT_EXEMPT);
}

Test(context, exempts_an_idle_worker)
{
	cr_expect_eq(judge(SCOPE_BLOCKING,
			   sample_stack("mio::poll::Poll::poll",
					"tokio::runtime::io::driver::Driver::turn",
					"tokio::runtime::scheduler::multi_thread::worker::"
					"Context::park_internal",
					WORKER)),
		     VERDICT_EXEMPT);
	cr_expect_eq(judge(SCOPE_BLOCKING, sample_stack("std::sys::sync::mutex::futex::Mutex::"
							"lock_contended",
							WORKER)),
		     VERDICT_EXEMPT);
}

Test(context, reports_the_root_future)
{
	cr_expect_eq(judge(SCOPE_THREAD, sample_stack("std::thread::functions::sleep", BLOCK_ON)),
		     VERDICT_BLOCK_ON);
	cr_expect_eq(judge(SCOPE_THREAD,
			   sample_stack("std::thread::functions::sleep",
					"tokio::runtime::scheduler::current_thread::Context::enter",
					"tokio::runtime::context::scoped::Scoped<T>::set",
					"tokio::runtime::scheduler::current_thread::CoreGuard::"
					"block_on",
					"app::main")),
		     VERDICT_BLOCK_ON);
	cr_expect_eq(judge(SCOPE_THREAD,
			   sample_stack("app::main::{async_block#0}",
					"tokio::runtime::park::{impl#4}::block_on::{closure#0}<F>",
					"tokio::task::coop::with_budget<T, F>")),
		     VERDICT_BLOCK_ON);
}

Test(context, reports_a_root_future_on_the_blocking_pool)
{
	cr_expect_eq(judge(SCOPE_BLOCKING,
			   sample_stack("std::thread::functions::sleep",
					"tokio::runtime::park::CachedParkThread::block_on",
					"tokio::runtime::context::runtime::enter_runtime",
					"tokio::runtime::handle::Handle::block_on",
					"app::job::{{closure}}",
					"tokio::runtime::task::core::Core<T,S>::poll",
					"tokio::runtime::blocking::pool::Inner::run")),
		     VERDICT_BLOCK_ON);
}

Test(context, exempts_an_idle_root_future)
{
	cr_expect_eq(
		judge(SCOPE_THREAD, sample_stack("std::sys::sync::condvar::futex::Condvar::wait",
						 "tokio::runtime::park::Inner::park", BLOCK_ON)),
		VERDICT_EXEMPT);
	cr_expect_eq(judge(SCOPE_THREAD,
			   sample_stack("mio::poll::Poll::poll",
					"tokio::runtime::scheduler::current_thread::Context::park",
					"tokio::runtime::scheduler::current_thread::CoreGuard::"
					"block_on",
					"app::main")),
		     VERDICT_EXEMPT);
}

Test(context, does_not_take_a_wake_up_for_a_park)
{
	cr_expect_eq(judge(SCOPE_TASK,
			   sample_stack("std::sys::sync::mutex::futex::Mutex::lock_contended",
					"tokio::runtime::park::Inner::unpark",
					"app::step::{{closure}}", RUN_TASK)),
		     VERDICT_TASK);
}

Test(context, leaves_ordinary_threads_alone)
{
	cr_expect_eq(
		judge(SCOPE_THREAD, sample_stack("std::thread::functions::sleep", "app::main")),
		VERDICT_EXEMPT);
	cr_expect_eq(judge(SCOPE_THREAD,
			   sample_stack("std::thread::functions::park",
					"futures_executor::local_pool::block_on", "app::main")),
		     VERDICT_EXEMPT);
}

Test(context, says_when_it_cannot_tell)
{
	cr_expect_eq(judge(SCOPE_THREAD, sample_stack(NULL, NULL)), VERDICT_UNJUDGED);
	cr_expect_eq(judge(SCOPE_THREAD, NULL), VERDICT_UNJUDGED);
}

Test(context, knows_the_paths_of_early_versions)
{
	cr_expect_eq(context_role("tokio::park::thread::CachedParkThread::block_on"),
		     ROLE_BLOCK_ON);
	cr_expect_eq(context_role("tokio::runtime::thread_pool::worker::Context::run_task"),
		     ROLE_TASK_LOOP);
	cr_expect_eq(context_role("tokio::runtime::basic_scheduler::CoreGuard::block_on"),
		     ROLE_BLOCK_ON);
	cr_expect_eq(context_role("tokio::runtime::enter::exit"), ROLE_BLOCK_IN_PLACE);
	cr_expect_eq(context_role("<tokio::park::thread::ParkThread as tokio::park::Park>::park"),
		     ROLE_PARK);
	cr_expect_eq(context_role("tokio::sync::mutex::Mutex<T>::lock"), ROLE_NONE);
	cr_expect_eq(context_role(NULL), ROLE_NONE);
}

static enum verdict judge_entered(enum scope scope, enum entered entered, bool waits,
				  const struct stack *stack)
{
	return context_judge(&(struct origin){.scope = scope, .entered = entered, .stack = stack},
			     waits);
}

Test(context, believes_the_runtime_that_a_root_future_is_driven_without_any_frame)
{
	cr_expect_eq(judge_entered(SCOPE_THREAD, ENTERED_YES, false, sample_stack(NULL, NULL)),
		     VERDICT_BLOCK_ON);
	cr_expect_eq(judge_entered(SCOPE_THREAD, ENTERED_YES, false,
				   sample_stack("app::main::{{closure}}", "app::main")),
		     VERDICT_BLOCK_ON);
	cr_expect_eq(judge_entered(SCOPE_THREAD, ENTERED_YES, false, NULL), VERDICT_BLOCK_ON);
	cr_expect_eq(judge_entered(SCOPE_BLOCKING, ENTERED_YES, false,
				   sample_stack("app::job::{{closure}}",
						"tokio::runtime::task::raw::poll")),
		     VERDICT_BLOCK_ON);
}

Test(context, cannot_tell_a_worker_from_a_root_future_on_the_pool_without_names)
{
	cr_expect_eq(judge_entered(SCOPE_BLOCKING, ENTERED_YES, false, sample_stack(NULL, NULL)),
		     VERDICT_UNJUDGED);
}

Test(context, cannot_tell_a_wait_from_a_park_by_the_runtimes_word_alone)
{
	cr_expect_eq(judge_entered(SCOPE_THREAD, ENTERED_YES, true, sample_stack(NULL, NULL)),
		     VERDICT_UNJUDGED);
	cr_expect_eq(judge_entered(SCOPE_BLOCKING, ENTERED_YES, true, sample_stack(NULL, NULL)),
		     VERDICT_EXEMPT);
	cr_expect_eq(judge_entered(SCOPE_THREAD, ENTERED_YES, true,
				   sample_stack("std::sys::sync::mutex::futex::Mutex::"
						"lock_contended",
						BLOCK_ON)),
		     VERDICT_BLOCK_ON);
}

Test(context, believes_the_runtime_that_no_future_is_driven)
{
	cr_expect_eq(judge_entered(SCOPE_TASK, ENTERED_NO, false,
				   sample_stack("app::step::{{closure}}", RUN_TASK)),
		     VERDICT_EXEMPT);
	cr_expect_eq(judge_entered(SCOPE_THREAD, ENTERED_NO, false, sample_stack(NULL, NULL)),
		     VERDICT_EXEMPT);
}

Test(context, exempts_a_worker_between_its_tasks)
{
	cr_expect_eq(judge_entered(SCOPE_BLOCKING, ENTERED_YES, false,
				   sample_stack("app::Job::drop", WORKER)),
		     VERDICT_EXEMPT);
}
