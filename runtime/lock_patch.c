/* SPDX-License-Identifier: MIT */
/*
 * Patching locks.
 * Runs on: the constructor or the holder of the object lock.
 */
#include "lock_patch.h"

#include <string.h>

#include "runtime/coverage.h"
#include "runtime/engine.h"
#include "runtime/held.h"
#include "runtime/lock_hooks.h"
#include "runtime/locks.h"
#include "runtime/patch/code_area.h"
#include "runtime/patch/lock_sites.h"
#include "runtime/sys.h"

/* One entry per site: where its trampoline is; 0: it has none. */
struct patching {
	struct image *image;
	struct lock_sites sites;
	struct lock_hook *hooks;
	uint64_t *targets;
	uint8_t *area;
	size_t area_size;
};

static int32_t offset_of_held(void)
{
	return (int32_t)((const char *)&held_self - (const char *)__builtin_thread_pointer());
}

static void count_sites(const struct lock_sites *sites)
{
	for (size_t i = 0; i < sites->count; i++)
		coverage_add_lock_site(sites->list[i].type, lock_skip_reason(sites->list[i].skip));
}

static void refuse_all(struct lock_sites *sites, enum lock_skip why)
{
	for (size_t i = 0; i < sites->count; i++)
		if (!sites->list[i].skip)
			sites->list[i].skip = (uint8_t)why;
}

static uint32_t place_of(const struct lock_site *site)
{
	const struct lock_place place = {
		.address = site->address + site->atomic,
		.type = site->type,
		.mode = site->mode,
		.tentative = site->tentative,
		.inlined = !site->function,
	};

	return lock_places_add(&place);
}

static void generate_one(struct patching *patching, struct trampolines *trampolines, size_t index)
{
	struct lock_site *site = &patching->sites.list[index];
	uint32_t place = site->release ? 0 : place_of(site);

	if (place == UINT32_MAX) {
		site->skip = SKIP_REFUSED;
		return;
	}
	if (site->function) {
		patching->hooks[index] = (struct lock_hook){
			.only_lock = site->only_lock,
			.place = place,
			.role = site->role,
			.type = site->type,
			.timeout = site->timeout,
		};
		patching->targets[index] =
			trampoline_function(trampolines, site, &patching->hooks[index]);
	} else {
		patching->targets[index] = trampoline_instruction(trampolines, site, place);
	}
	if (!patching->targets[index])
		site->skip = SKIP_OPERAND;
}

static void generate(struct patching *patching, const struct decoder *decoder)
{
	struct trampoline_calls *calls = (struct trampoline_calls *)(void *)patching->area;
	struct trampolines trampolines = {
		.decoder = decoder,
		.calls = calls,
		.held_offset = offset_of_held(),
		.entered_offset = (int32_t)engine_entered_offset,
		.emitter = {patching->area + sizeof(*calls), patching->area + patching->area_size,
			    false},
	};

	*calls = lock_hooks_calls();
	for (size_t i = 0; i < patching->sites.count; i++)
		if (!patching->sites.list[i].skip)
			generate_one(patching, &trampolines, i);
}

static void write_jump(const struct lock_site *site, uint64_t target)
{
	uint8_t *at = (uint8_t *)(uintptr_t)site->address;
	int32_t distance = (int32_t)(target - (site->address + 5));

	at[0] = 0xe9;
	memcpy(at + 1, &distance, sizeof(distance));
	memset(at + 5, 0xcc, site->length - 5u);
}

static void apply(struct patching *patching)
{
	struct lock_sites *sites = &patching->sites;
	struct code_window window;

	if (code_area_seal(patching->area, patching->area_size) < 0) {
		code_area_unmap(patching->area, patching->area_size);
		refuse_all(sites, SKIP_REFUSED);
		return;
	}
	code_window_begin(&window, &patching->image->elf);
	for (size_t i = 0; i < sites->count; i++) {
		struct lock_site *site = &sites->list[i];

		if (site->skip)
			continue;
		if (code_window_open(&window, site->address, site->length) == 0)
			write_jump(site, patching->targets[i]);
		else
			site->skip = SKIP_REFUSED;
	}
	code_window_end(&window);
}

static void patch(struct patching *patching, const struct decoder *decoder)
{
	struct lock_sites *sites = &patching->sites;
	size_t hooks_size = sizeof(*patching->hooks) * sites->count;
	size_t targets_size = sizeof(*patching->targets) * sites->count;

	patching->area_size = sizeof(struct trampoline_calls) + TRAMPOLINE_BYTES * sites->count;
	patching->hooks = sys_map(hooks_size);
	patching->targets = sys_map(targets_size);
	patching->area = code_area_may_patch(patching->image->path)
				 ? code_area_map(&patching->image->elf, patching->area_size)
				 : NULL;
	if (patching->hooks && patching->targets && patching->area) {
		generate(patching, decoder);
		apply(patching);
	} else {
		refuse_all(sites, SKIP_REFUSED);
	}
	if (patching->targets)
		sys_call2(SYS_munmap, patching->targets, targets_size);
}

void lock_patch_image(struct image *image)
{
	struct patching patching = {.image = image};
	struct decoder decoder;

	if (!sys_has_one_thread()) {
		coverage_set_blind(BLIND_LOCKS_LATE, true);
		return;
	}
	if (!image->elf.unwind_index) {
		coverage_set_blind(BLIND_LOCKS_NO_UNWIND_TABLES, true);
		return;
	}
	if (!decoder_open(&decoder, &image->elf)) {
		coverage_set_blind(BLIND_LOCKS_NO_DECODER, true);
		return;
	}
	if (lock_sites_find(&patching.sites, &decoder, &image->elf, image->path)) {
		if (patching.sites.count)
			patch(&patching, &decoder);
		count_sites(&patching.sites);
	}
	lock_sites_free(&patching.sites);
	decoder_close(&decoder);
}
