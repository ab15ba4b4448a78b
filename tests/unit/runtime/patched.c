/* SPDX-License-Identifier: MIT */
/* Replaces code and runs it. */
#include "patched.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/mman.h>

#include "runtime/held.h"
#include "runtime/lock_hooks.h"
#include "runtime/locks.h"
#include "runtime/patch/code_area.h"
#include "runtime/patch/replaceable.h"
#include "runtime/recording.h"
#include "runtime/sys.h"

struct patched patched;

static uint8_t memory[0x20000] __attribute__((aligned(64)));

void patched_open(void)
{
	struct trampoline_calls *calls;

	recording.on = true;
	recording.pid = sys_getpid();
	held_follows = true;
	lock_code_open(&patched.code, LOCK_RUNS);
	cr_assert(decoder_open(&patched.decoder, &patched.code.image));
	patched.area = code_area_map(&patched.code.image, PATCHED_AREA);
	cr_assert_not_null(patched.area);
	calls = (struct trampoline_calls *)(void *)patched.area;
	*calls = lock_hooks_calls();
	patched.trampolines = (struct trampolines){
		.decoder = &patched.decoder,
		.calls = calls,
		.held_offset = (int32_t)((const char *)&held_self -
					 (const char *)__builtin_thread_pointer()),
		.emitter = {patched.area + sizeof(*calls), patched.area + PATCHED_AREA, false},
	};
}

static void check_site(struct lock_site *site)
{
	struct function_bounds bounds;
	enum lock_skip skip;

	cr_assert(function_bounds_at(&patched.code.image, site->address, &bounds));
	skip = replaceable_length(&patched.decoder, site->address, &bounds, &site->length);
	if (skip == SKIP_BRANCH) {
		site->atomic =
			replaceable_before(&patched.decoder, site->address, &bounds, &site->length);
		cr_assert_neq(site->atomic, 0);
		site->address -= site->atomic;
		skip = SKIP_NOT;
	}
	cr_assert_eq(skip, SKIP_NOT);
}

struct lock_site patched_site(const char *name, bool release)
{
	struct lock_site site = {
		.address = lock_code_address(&patched.code, name, "_atomic"),
		.type = LOCK_STD_MUTEX,
		.release = release,
	};

	check_site(&site);
	return site;
}

static void write_jump(const struct lock_site *site, uint64_t target)
{
	uint8_t *at = (uint8_t *)(uintptr_t)site->address;
	int32_t distance = (int32_t)(target - (site->address + JUMP_BYTES));
	struct code_window window;

	cr_assert_eq(code_area_seal(patched.area, PATCHED_AREA), 0);
	code_window_begin(&window, &patched.code.image);
	cr_assert_eq(code_window_open(&window, site->address, site->length), 0);
	at[0] = 0xe9;
	memcpy(at + 1, &distance, sizeof(distance));
	memset(at + JUMP_BYTES, 0xcc, site->length - (size_t)JUMP_BYTES);
	code_window_end(&window);
}

/* Code is added to an area that is in use already. */
static void unseal(void)
{
	cr_assert_eq(mprotect(patched.area, PATCHED_AREA, PROT_READ | PROT_WRITE), 0);
}

uint32_t patched_replace(const struct lock_site *site)
{
	const struct lock_place place = {.address = site->address + site->atomic,
					 .type = site->type};
	uint32_t index = lock_places_add(&place);
	uint64_t target;

	unseal();
	target = trampoline_instruction(&patched.trampolines, site, index);
	cr_assert_neq(target, 0);
	cr_assert_leq((uintptr_t)patched.trampolines.emitter.at - target, TRAMPOLINE_BYTES);
	write_jump(site, target);
	return index;
}

void patched_replace_function(const char *name, struct lock_hook *hook)
{
	struct lock_site site = {
		.address = lock_code_address(&patched.code, name, ""),
		.function = true,
		.role = hook->role,
	};
	const struct lock_place place = {.address = site.address, .type = hook->type};
	uint64_t target;

	check_site(&site);
	unseal();
	hook->place = lock_places_add(&place);
	target = trampoline_function(&patched.trampolines, &site, hook);
	cr_assert_neq(target, 0);
	cr_assert_leq((uintptr_t)patched.trampolines.emitter.at - target, TRAMPOLINE_BYTES);
	write_jump(&site, target);
}

void patched_run(const char *name, uint32_t word, struct machine *machine)
{
	uint64_t middle = (uintptr_t)memory + 64;

	machine_fill(machine);
	machine->registers[RDI] = middle;
	machine->registers[RBP] = middle + 64;
	machine->registers[R12] = middle + 128;
	machine->registers[R13] = middle + 192;
	machine->registers[R14] = 24;
	machine->registers[RSI] = 5;
	machine->registers[R8] = word;
	machine_run(machine, lock_code_address(&patched.code, name, ""));
}

void patched_expect_same(const char *name, const struct machine *before,
			 const struct machine *after)
{
	for (unsigned i = 0; i < REGISTERS; i++)
		cr_expect_eq(before->registers[i], after->registers[i], "%s: register %u", name, i);
	cr_expect_eq(before->flags & MACHINE_FLAGS, after->flags & MACHINE_FLAGS, "%s: flags",
		     name);
	cr_expect_eq(memcmp(before->wide, after->wide, sizeof(before->wide)), 0, "%s: vectors",
		     name);
	cr_expect_eq(memcmp(before->masks, after->masks, sizeof(before->masks)), 0, "%s: masks",
		     name);
}
