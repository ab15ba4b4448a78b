/* SPDX-License-Identifier: MIT */
/*
 * Hand-written code (fixture_lock_runs.S) whose lock instructions and functions are replaced as
 * lock_patch.c does it, and run before and afterwards.
 */
#ifndef OVERSTAY_PATCHED_H
#define OVERSTAY_PATCHED_H

#include "runtime/patch/trampoline.h"
#include "tests/unit/runtime/lock_code.h"
#include "tests/unit/runtime/machine.h"

#define PATCHED_AREA 65536

struct patched {
	struct lock_code code;
	struct decoder decoder;
	struct trampolines trampolines;
	uint8_t *area;
};

extern struct patched patched;

/* Loads the code and makes room; held locks are followed from now on. */
void patched_open(void);

/* A lock instruction of that name, as lock_sites.c would describe it. */
struct lock_site patched_site(const char *name, bool release);

/* Replaces it and returns its place, for acquisitions. */
uint32_t patched_replace(const struct lock_site *site);

/* The same for the entry of a function; `hook` has its role and, maybe, its only lock. */
void patched_replace_function(const char *name, struct lock_hook *hook);

/* Runs the function of that name with the lock's word as given (R8). */
void patched_run(const char *name, uint32_t word, struct machine *machine);

/* Fails the test when anything is in another state than before. */
void patched_expect_same(const char *name, const struct machine *before,
			 const struct machine *after);

#endif
