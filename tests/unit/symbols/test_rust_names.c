/* SPDX-License-Identifier: MIT */
/*
 * Names of Rust functions and types come out in one spelling, whatever the compiler mangled.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "viewer/symbols/rust_names.h"
#include "viewer/symbols/symbols.h"

/* A v0 name that generic code of Tokio has for the task of `app::nap` on the current thread. */
#define V0_POLL                                                                                    \
	"_RINvNtNtNtCskwIbm7fsk56_5tokio7runtime4task3raw4pollNCNvCs8b6LF0fPzfp_3app3nap0"         \
	"INtNtCslNYArtu3iFV_5alloc4sync3ArcNtNtNtB6_9scheduler14current_thread6HandleEEB10_"

static void expect(char *actual, const char *expected)
{
	if (expected)
		cr_expect_str_eq(actual, expected);
	else
		cr_expect_null(actual);
	free(actual);
}

Test(rust_names, drops_the_hash_suffix)
{
	expect(symbol_demangle("_ZN5tokio7runtime4task3raw4poll17h09c30539aeab0091E"),
	       "tokio::runtime::task::raw::poll");
}

Test(rust_names, drops_the_suffix_that_lto_appends)
{
	expect(symbol_demangle("_ZN3app4main17h09c30539aeab0091E.llvm.16318239406914829130"),
	       "app::main");
	expect(symbol_demangle("_RNvCs8b6LF0fPzfp_3app4main.llvm.5847928983132876836"),
	       "app::main");
}

Test(rust_names, drops_the_version_of_a_dynamic_symbol)
{
	expect(symbol_demangle("clock_nanosleep@@GLIBC_2.17"), "clock_nanosleep");
}

Test(rust_names, spells_closures_of_both_manglings_alike)
{
	expect(symbol_demangle("_ZN3app5serve28_$u7b$$u7b$closure$u7d$$u7d$17h0123456789abcdefE"),
	       "app::serve::{{closure}}");
	expect(symbol_demangle("_RNCNvCs8b6LF0fPzfp_3app5serve0"), "app::serve::{{closure}}");
	expect(symbol_demangle("_RNCNvCs8b6LF0fPzfp_3app5serves_0"), "app::serve::{{closure}}");
}

Test(rust_names, drops_crate_disambiguators)
{
	expect(symbol_demangle("_RNvNtCsjrHSEGnQ3l9_3std6thread5sleep"), "std::thread::sleep");
}

Test(rust_names, spells_methods_of_both_manglings_alike)
{
	expect(symbol_demangle("_RNvMNtCslNYArtu3iFV_5alloc6stringNtB2_6String11try_reserve"),
	       "alloc::string::String::try_reserve");
	expect(symbol_demangle("_ZN5alloc6string6String11try_reserve17h0123456789abcdefE"),
	       "alloc::string::String::try_reserve");
}

Test(rust_names, drops_generic_arguments_of_functions_but_keeps_them_on_request)
{
	char *full = rust_demangle_full(V0_POLL);

	expect(symbol_demangle(V0_POLL), "tokio::runtime::task::raw::poll");
	cr_expect_str_eq(full,
			 "tokio::runtime::task::raw::poll<app::nap::{{closure}},"
			 "alloc::sync::Arc<tokio::runtime::scheduler::current_thread::Handle>>");
	expect(rust_first_argument(full), "app::nap::{{closure}}");
	free(full);
}

Test(rust_names, keeps_the_type_in_drop_glue)
{
	expect(rust_function_text("core::ptr::drop_in_place::<app::serve::{closure#0}>"),
	       "core::ptr::drop_in_place<app::serve::{{closure}}>");
	expect(rust_function_text("core::ptr::drop_glue::<app::Server>"),
	       "core::ptr::drop_glue<app::Server>");
}

Test(rust_names, keeps_the_trait_of_an_implementation)
{
	expect(rust_function_text("<app::Fut<u8> as core::future::future::Future>::poll"),
	       "<app::Fut<u8> as core::future::future::Future>::poll");
	expect(rust_function_text("<alloc::vec::Vec<(u8, u16)>>::push"),
	       "alloc::vec::Vec<(u8,u16)>::push");
	expect(rust_function_text("<[u8]>::sort"), "<[u8]>::sort");
}

Test(rust_names, reads_async_bodies_and_shims_in_dwarf_and_v0_text)
{
	expect(rust_type_text("app::serve::{async_fn_env#0}"), "app::serve::{{closure}}");
	expect(rust_type_text("app::main::{async_block#0}::{closure_env#1}"),
	       "app::main::{{closure}}::{{closure}}");
	expect(rust_function_text("<F as FnOnce<()>>::call_once::{shim:vtable#0}"),
	       "<F as FnOnce<()>>::call_once{{vtable.shim}}");
	expect(rust_type_text("app::{impl#4}::run"), "app::{impl#4}::run");
}

Test(rust_names, gives_a_closure_of_a_generic_function_its_arguments_in_one_place)
{
	expect(rust_type_text("app::f::{async_fn_env#0}<u8, u16>"), "app::f<u8,u16>::{{closure}}");
	expect(rust_type_text("app::f::<u8>::{closure#0}"), "app::f<u8>::{{closure}}");
	expect(rust_function_text("app::f::<u8>::{closure#0}"), "app::f::{{closure}}");
}

Test(rust_names, leaves_out_the_default_allocator)
{
	expect(rust_type_text("alloc::boxed::Box<app::F, alloc::alloc::Global>"),
	       "alloc::boxed::Box<app::F>");
}

Test(rust_names, understands_function_types)
{
	expect(rust_first_argument("app::f<fn(u8) -> alloc::vec::Vec<u8>,u16>"),
	       "fn(u8) -> alloc::vec::Vec<u8>");
	expect(rust_first_argument("app::f"), NULL);
	expect(rust_first_argument("app::f<u8>::g"), NULL);
}

Test(rust_names, survives_brackets_that_do_not_match)
{
	char *deep = malloc(100001);

	expect(rust_function_text("<<<"), "<<<");
	expect(rust_function_text("a<b>>::c}{d"), "a>::c}{d");
	expect(rust_function_text("{closure#"), "{closure#");
	memset(deep, '<', 50000);
	memset(deep + 50000, '>', 50000);
	deep[100000] = '\0';
	free(rust_function_text(deep));
	free(deep);
}

Test(rust_names, takes_wrappers_off_a_future)
{
	expect(rust_unwrap_future("core::pin::Pin<alloc::boxed::Box<app::f::{{closure}}>>"),
	       "app::f::{{closure}}");
	expect(rust_unwrap_future("tracing::instrument::Instrumented<app::f::{{closure}}>"),
	       "app::f::{{closure}}");
	expect(rust_unwrap_future("tokio::runtime::blocking::task::BlockingTask<app::job>"),
	       "app::job");
	expect(rust_unwrap_future("(dyn core::future::future::Future+core::marker::Send)"),
	       "dyn core::future::future::Future+core::marker::Send");
	expect(rust_unwrap_future("app::Pin<u8>"), "app::Pin<u8>");
}

Test(rust_names, derives_a_module_path_from_files_of_known_layout_only)
{
	expect(rust_path_of_file("/rustc/5980/library/std/src/thread/mod.rs"), "std::thread");
	expect(rust_path_of_file(
		       "/home/u/.cargo/registry/src/i-1/tokio-1.49.0/src/runtime/task/raw.rs"),
	       "tokio::runtime::task::raw");
	expect(rust_path_of_file("/rust/deps/rustc-demangle-0.1.27/src/lib.rs"), "rustc_demangle");
	expect(rust_path_of_file("/home/u/app/src/main.rs"), NULL);
	expect(rust_path_of_file("/home/u/my-app/src/main.rs"), NULL);
}

Test(rust_names, demangles_cpp_and_copies_other_names)
{
	expect(symbol_demangle("_ZNSt6thread4joinEv"), "std::thread::join");
	expect(symbol_demangle("main"), "main");
	expect(symbol_demangle("_Rnot_mangled"), "_Rnot_mangled");
}
