/* SPDX-License-Identifier: MIT */
/* Unit tests of viewer/function_name.h and viewer/owner.h. */
#include "viewer/function_name.h"

#include <criterion/criterion.h>

#include "viewer/context.h"
#include "viewer/owner.h"

#include "sample.h"

static void expect_path(const char *function, const char *expected)
{
	char path[FUNCTION_PATH_SIZE];

	function_path(function, path);
	cr_expect_str_eq(path, expected);
}

Test(names, lose_generic_arguments)
{
	expect_path("app::run", "app::run");
	expect_path("tokio::runtime::task::core::Core<T,S>::poll",
		    "tokio::runtime::task::core::Core::poll");
	expect_path("app::get::<alloc::vec::Vec<u8>, fn() -> u8>::{closure#0}",
		    "app::get::{closure#0}");
	expect_path("core::ptr::drop_in_place<app::Job<(u8, [u8; 4])>>",
		    "core::ptr::drop_in_place");
}

Test(names, become_paths_of_their_type)
{
	expect_path("<app::Conn<T> as core::future::Future>::poll", "app::Conn::poll");
	expect_path("<std::sys::thread::unix::Thread>::new::thread_start",
		    "std::sys::thread::unix::Thread::new::thread_start");
	expect_path("<&mut app::Conn as app::Read>::read", "app::Conn::read");
	expect_path("<impl core::future::Future for app::Job>::poll", "app::Job::poll");
	expect_path("app::jobs::<impl app::Job>::start", "app::jobs::start");
	expect_path("<alloc::boxed::Box<dyn app::Run + Send> as app::Run>::run",
		    "alloc::boxed::Box::run");
}

Test(names, survive_what_is_no_rust_name)
{
	expect_path("operator<<", "operator");
	expect_path("", "");
	expect_path("<", "");
	expect_path("<app", "app");
	expect_path("main", "main");
}

static void expect_stable(const char *function, const char *expected)
{
	char path[FUNCTION_PATH_SIZE];

	function_stable_path(function, path);
	cr_expect_str_eq(path, expected);
}

Test(names, are_the_same_in_every_mangling)
{
	expect_stable("app::serve::{{closure}}::{{closure}}",
		      "app::serve::{{closure}}::{{closure}}");
	expect_stable("app::serve::{closure#0}::{closure#1}",
		      "app::serve::{{closure}}::{{closure}}");
	expect_stable("app::serve::{async_fn#0}::{closure_env#1}<u8>",
		      "app::serve::{{closure}}::{{closure}}");
	expect_stable("app::serve::{async_block_env#0}", "app::serve::{{closure}}");
	expect_stable("app::{impl#4}::poll", "app::{impl#4}::poll");
}

Test(names, match_patterns_by_segment)
{
	cr_expect(function_path_matches("a::b::c", "a::b"));
	cr_expect(function_path_matches("a::b", "a::b"));
	cr_expect(function_path_matches("a::bc::d", "a::b*::d"));
	cr_expect(function_path_matches("a::anything::d::{{closure}}", "a::*::d"));
	cr_expect_not(function_path_matches("a::bc", "a::b"));
	cr_expect_not(function_path_matches("a", "a::b"));
	cr_expect_not(function_path_matches("x::a::b", "a::b"));
	cr_expect_not(function_path_matches("a::d", "a::*::d"));
}

static enum owner owner(const char *function, const char *file, const char *module_path)
{
	struct module module = {.path = module_path};
	struct frame frame = {.function = function, .file = file, .module = &module};

	return owner_of(&frame, NULL);
}

Test(owner, knows_the_plumbing_by_its_crate)
{
	cr_expect_eq(owner("std::thread::functions::sleep", NULL, "/app"), OWNER_PLUMBING);
	cr_expect_eq(owner("tokio::fs::read::read", NULL, "/app"), OWNER_PLUMBING);
	cr_expect_eq(owner("<(&str,u16) as std::net::socket_addr::ToSocketAddrs>::to_socket_addrs",
			   NULL, "/app"),
		     OWNER_PLUMBING);
	cr_expect_eq(owner("<u32 as core::fmt::Display>::fmt", NULL, "/app"), OWNER_PLUMBING);
	cr_expect_neq(owner("<(&str,u16) as app::net::Resolve>::resolve", NULL, "/app"),
		      OWNER_PLUMBING);
	cr_expect_eq(owner("<futures_util::future::Map<A,F> as core::future::Future>::poll", NULL,
			   "/app"),
		     OWNER_PLUMBING);
	cr_expect_eq(owner("tracing::instrument::Instrumented<T>::poll", NULL, "/app"),
		     OWNER_PLUMBING);
	cr_expect_eq(owner("<core::pin::Pin<&mut app::Job> as core::future::Future>::poll", NULL,
			   "/app"),
		     OWNER_PLUMBING);
}

Test(owner, takes_the_libraries_of_locks_for_plumbing)
{
	cr_expect_eq(owner("<lock_api::mutex::Mutex<R,T>>::lock", NULL, "/app"), OWNER_PLUMBING);
	cr_expect_eq(owner("parking_lot::raw_mutex::RawMutex::lock_slow", NULL, "/app"),
		     OWNER_PLUMBING);
	cr_expect_eq(owner("parking_lot_core::parking_lot::park", NULL, "/app"), OWNER_PLUMBING);
	cr_expect_eq(owner("dashmap::DashMap<K,V,S>::get", NULL, "/app"), OWNER_PLUMBING);
	cr_expect_eq(
		owner("<dashmap::DashMap<K,V,S> as dashmap::t::Map<K,V,S>>::_insert", NULL, "/app"),
		OWNER_PLUMBING);
	cr_expect_eq(owner("<hashbrown::raw::RawTable<T>>::find", NULL, "/app"), OWNER_PLUMBING);
	cr_expect_eq(owner("std::sync::poison::rwlock::RwLock<T>::read", NULL, "/app"),
		     OWNER_PLUMBING);
}

Test(owner, knows_the_application_behind_types_of_others)
{
	cr_expect_eq(owner("app::load", NULL, "/app"), OWNER_APPLICATION);
	cr_expect_eq(owner("<app::Job as core::future::Future>::poll", NULL, "/app"),
		     OWNER_APPLICATION);
	cr_expect_eq(owner("<alloc::string::String as app::Parse>::parse", NULL, "/app"),
		     OWNER_APPLICATION);
	cr_expect_eq(owner("<T as app::Parse>::parse", NULL, "/app"), OWNER_APPLICATION);
	cr_expect_eq(owner("reqwest::get::{{closure}}", NULL, "/app"), OWNER_APPLICATION);
	cr_expect_eq(owner("tokio_postgres::connect", NULL, "/app"), OWNER_APPLICATION);
	cr_expect_eq(owner("tracing::field::display", NULL, "/app"), OWNER_APPLICATION);
}

Test(owner, knows_the_plumbing_by_its_files)
{
	cr_expect_eq(owner("{impl#4}::poll",
			   "/root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/"
			   "tokio-1.49.0/src/runtime/park.rs",
			   "/app"),
		     OWNER_PLUMBING);
	cr_expect_eq(
		owner("sleep", "/rustc/0123456789abcdef/library/std/src/thread/mod.rs", "/app"),
		OWNER_PLUMBING);
	cr_expect_eq(
		owner("poll", "/root/.cargo/registry/src/x/pin-project-1.1.0/src/lib.rs", "/app"),
		OWNER_PLUMBING);
	cr_expect_eq(owner("app::run", "/root/.cargo/registry/src/x/app-1.0.0/src/lib.rs", "/app"),
		     OWNER_APPLICATION);
}

Test(owner, knows_the_system_by_its_modules_and_entry_points)
{
	cr_expect_eq(owner("app::run", NULL, "/lib/x86_64-linux-gnu/libc.so.6"), OWNER_SYSTEM);
	cr_expect_eq(owner(NULL, NULL, "/lib64/ld-linux-x86-64.so.2"), OWNER_SYSTEM);
	cr_expect_eq(owner("main", NULL, "/app"), OWNER_SYSTEM);
	cr_expect_eq(owner("sqlite3_step", NULL, "/app"), OWNER_APPLICATION);
	cr_expect_eq(owner(NULL, NULL, "/app"), OWNER_UNKNOWN);
}

Test(owner, finds_the_first_frame_of_the_application_inside_of_the_poll)
{
	const struct stack *stack = sample_stack("std::thread::sleep", "app::inner", "app::outer",
						 "tokio::runtime::task::raw::poll", "app::main");

	cr_expect_eq(owner_where(stack, context_boundary(stack), false, NULL), &stack->frames[1]);
	stack = sample_stack("std::thread::sleep", "tokio::runtime::task::raw::poll", "app::main");
	cr_expect_null(owner_where(stack, context_boundary(stack), false, NULL));
	stack = sample_stack("std::thread::sleep",
			     "tokio::runtime::park::CachedParkThread::block_on", "app::main");
	cr_expect_eq(owner_where(stack, context_boundary(stack), true, NULL), &stack->frames[2]);
}

static struct frame frame_of(const char *function, const char *file)
{
	return (struct frame){.function = function, .file = file};
}

#define REGISTRY_PATH "/root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/"

Test(owner, knows_the_programs_own_code_by_its_files)
{
	struct frame frame = frame_of("load", "/srv/web/src/main.rs");

	cr_expect(owner_is_own(&frame, "/bin/other"));
	frame = frame_of("web::load", REGISTRY_PATH "web-0.7.9/src/lib.rs");
	cr_expect_not(owner_is_own(&frame, "/bin/web"));
	cr_expect(owner_is_dependency(&frame));
	frame = frame_of("web::load", "/root/.cargo/git/checkouts/web-55/ab12/src/lib.rs");
	cr_expect_not(owner_is_own(&frame, "/bin/web"));
	frame = frame_of("full_fsync", "/srv/web/sqlite3.c");
	cr_expect_not(owner_is_own(&frame, "/bin/web"));
	frame = frame_of("std::fs::read", "/rustc/0123/library/std/src/fs.rs");
	cr_expect_not(owner_is_own(&frame, "/bin/web"));
	cr_expect_not(owner_is_dependency(&frame));
}

Test(owner, knows_the_programs_own_code_by_the_executables_name)
{
	struct frame frame = frame_of("my_web::load::{{closure}}", NULL);

	cr_expect(owner_is_own(&frame, "/srv/my-web"));
	cr_expect(owner_is_own(&frame, "/srv/deps/my-web-0123456789abcdef"));
	cr_expect_not(owner_is_own(&frame, "/srv/web"));
	cr_expect_not(owner_is_own(&frame, NULL));
	frame = frame_of("sqlite3_step", NULL);
	cr_expect_not(owner_is_own(&frame, "/srv/my-web"));
}

Test(owner, prefers_the_programs_own_code)
{
	const struct stack *stack =
		sample_stack("std::fs::read", "unixSync", "rusqlite::step", "app::load",
			     "hyper::poll", "tokio::runtime::task::raw::poll", "app::main");
	size_t boundary = context_boundary(stack);

	cr_expect_eq(owner_where(stack, boundary, false, "/bin/app"), &stack->frames[3]);
	cr_expect_eq(owner_where(stack, boundary, false, "/bin/other"), &stack->frames[1]);
}
