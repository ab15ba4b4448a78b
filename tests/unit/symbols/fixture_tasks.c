/* SPDX-License-Identifier: MIT */
/*
 * A shared object with the names and the call structure of a Rust program's tasks.
 */
#include <stddef.h>

#define NAMED(symbol) __asm__(symbol) __attribute__((noinline, noclone, visibility("hidden")))
#define BODY          __asm__ volatile("" ::: "memory")
#define GLUE(n, type) "_ZN4core3ptr" n "drop_in_place$LT$" type "$GT$17h0123456789abcdefE"
#define CELL(future)                                                                               \
	"tokio..runtime..task..core..Cell$LT$" future "$C$alloc..sync..Arc$LT$tokio..runtime.."    \
	"scheduler..current_thread..Handle$GT$$GT$"
#define CLOSURE "..$u7b$$u7b$closure$u7d$$u7d$"

void alpha_body(void) NAMED("_ZN3app5alpha28_$u7b$$u7b$closure$u7d$$u7d$17h0123456789abcda1E");
void beta_body(void) NAMED("_ZN3app4beta28_$u7b$$u7b$closure$u7d$$u7d$17h0123456789abcda2E");
void gamma_body(void) NAMED("_ZN3app5gamma28_$u7b$$u7b$closure$u7d$$u7d$17h0123456789abcda3E");
void resumed(void) NAMED("_RNvNtNtCs1_4core9panicking11panic_const28panic_const_async_fn_resumed");

void plain_glue(void) NAMED(GLUE("176", CELL("app..plain" CLOSURE)));
void folded_glue(void) NAMED(GLUE("176", CELL("app..alpha" CLOSURE)));

void plain_poll(void) NAMED("_ZN5tokio7runtime4task3raw4poll17h0123456789abcdb1E");
void alpha_poll(void) NAMED("_ZN5tokio7runtime4task3raw4poll17h0123456789abcdb2E");
void beta_poll(void) NAMED("_ZN5tokio7runtime4task3raw4poll17h0123456789abcdb3E");
void inlined_poll(void) NAMED("_ZN5tokio7runtime4task3raw4poll17h0123456789abcdb4E");
void v0_poll(void) NAMED("_RINvNtNtNtCskwIbm7fsk56_5tokio7runtime4task3raw4poll"
			 "NCNvCs8b6LF0fPzfp_3app3nap0uECs8b6LF0fPzfp_3app");
void plain_dealloc(void) NAMED("_ZN5tokio7runtime4task3raw7dealloc17h0123456789abcdc1E");
void folded_dealloc(void) NAMED("_ZN5tokio7runtime4task3raw7dealloc17h0123456789abcdc2E");

/* The bodies differ, lest the compiler folds them. */
void alpha_body(void)
{
	BODY;
}

void beta_body(void)
{
	BODY;
	BODY;
}

void gamma_body(void)
{
	BODY;
	BODY;
	BODY;
}

void resumed(void)
{
	BODY;
}

void plain_glue(void)
{
	BODY;
}

void folded_glue(void)
{
	BODY;
}

void plain_poll(void)
{
	BODY;
}

void alpha_poll(void)
{
	alpha_body();
	BODY;
}

void beta_poll(void)
{
	beta_body();
	BODY;
}

/* An async body was inlined here: what it calls is not the task's own body. */
void inlined_poll(void)
{
	gamma_body();
	resumed();
	BODY;
}

void v0_poll(void)
{
	BODY;
}

void plain_dealloc(void)
{
	plain_glue();
	BODY;
}

void folded_dealloc(void)
{
	folded_glue();
	BODY;
}

/* As Tokio's: poll, schedule, dealloc, and what else there is. */
struct vtable {
	void (*poll)(void);
	void (*schedule)(void);
	void (*dealloc)(void);
	size_t offset;
};

__attribute__((visibility("default"))) const struct vtable fixture_vtables[] = {
	{plain_poll, NULL, plain_dealloc, 1},
	{alpha_poll, NULL, folded_dealloc, 2},
	{beta_poll, NULL, folded_dealloc, 3},
	{inlined_poll, NULL, folded_dealloc, 4},
	{v0_poll, NULL, NULL, 5},
};

__attribute__((visibility("default"))) const char fixture_location[] =
	"/registry/src/mini-tokio-9.9.9/src/lib.rs"
	"/registry/src/index.crates.io-1949cf8c6b5b557f/tokio-1.49.0/src/runtime/task/mod.rs";
