/* SPDX-License-Identifier: MIT */
/*
 * Finds lock instructions in an image.
 * Runs on: the constructor or the holder of the object lock, the viewer.
 */
#include "lock_sites.h"

#include <string.h>

#include "runtime/patch/address_sort.h"
#include "runtime/patch/atomic_scan.h"
#include "runtime/patch/replaceable.h"
#include "runtime/patch/slow_path.h"
#include "runtime/sys.h"

static const char *const reasons[SKIP_COUNT] = {
	[SKIP_NOT] = NULL,
	[SKIP_BRANCH] = "a branch lands inside the bytes to be replaced",
	[SKIP_OPERAND] = "an instruction that cannot be moved",
	[SKIP_FLAGS] = "the processor's flags are in use",
	[SKIP_BOUNDS] = "the function's extent is not known",
	[SKIP_OVERLAP] = "another place is too close",
	[SKIP_REFUSED] = "memory could not be had or made writable",
};

#define LEARNED_MAX  64
#define DEFERRED_MAX 4096

/*
 * In a stripped file a slow path is known by its shape only, and whose it is by an instruction
 * whose constants are all there. Instructions that lack one are looked at again when all is known.
 */
struct learning {
	struct lock_function learned[LEARNED_MAX];
	unsigned learned_count;
	uint64_t deferred[DEFERRED_MAX];
	unsigned deferred_count;
};

_Static_assert(offsetof(struct lock_site, address) == 0 &&
		       sizeof(struct lock_site) <= ADDRESS_SORT_MAX_ITEM,
	       "sorted by address");

struct finding_sites {
	struct lock_search search;
	struct lock_sites *sites;
	struct learning *learning;
	bool again; /* looking at what was deferred */
};

const char *lock_skip_reason(enum lock_skip skip)
{
	return reasons[skip];
}

static struct lock_site *add(struct lock_sites *sites, const struct lock_site *site)
{
	if (sites->count == LOCK_SITES_MAX)
		return NULL;
	sites->list[sites->count] = *site;
	return &sites->list[sites->count++];
}

static bool mentions_before(const struct decoder *decoder, uint64_t address, uint32_t number)
{
	const uint8_t *bytes = elf_image_bytes(decoder->image, address - 48, 48);

	return bytes && memmem(bytes, 48, &number, sizeof(number));
}

/* The poison flag follows std's futex word; lock and try_lock look at it once they have the lock.
 */
static bool reads_poison(const struct decoder *decoder, const struct atomic *atomic)
{
	const ZydisDecodedOperandMem *word = &atomic->memory->mem;
	uint64_t fixed = instruction_rip_address(&atomic->instruction, atomic->memory);
	struct instruction next;
	uint64_t at = atomic->instruction.next;

	for (unsigned i = 0; i < 20 && decoder_at(decoder, at, &next); i++, at = next.next)
		for (unsigned j = 0; j < next.info.operand_count; j++) {
			const ZydisDecodedOperand *operand = &next.operands[j];

			if (operand->type != ZYDIS_OPERAND_TYPE_MEMORY || operand->size != 8)
				continue;
			if (fixed ? instruction_rip_address(&next, operand) == fixed + 4
				  : operand->mem.base == word->base &&
					    operand->mem.index == word->index &&
					    operand->mem.disp.value == word->disp.value + 4)
				return true;
		}
	return false;
}

/* An instruction without a slow path: only forms that say enough by themselves. */
static bool is_try(const struct lock_search *search, const struct atomic *atomic,
		   struct lock_site *site)
{
	const struct lock_form *form = NULL;

	while ((form = lock_form_next(atomic, form, true)) && form->action != FORM_TRY)
		;
	if (!form)
		return false;
	site->type = form->type;
	site->mode = form->mode;
	if (form->type == LOCK_STD_MUTEX)
		return reads_poison(search->decoder, atomic);
	if (form->type == LOCK_STD_RWLOCK)
		return form->distinct ||
		       mentions_before(search->decoder, site->address, 0x3ffffffd) ||
		       mentions_before(search->decoder, site->address, 0x3ffffffe);
	site->tentative = true;
	return true;
}

/*
 * A register that was loaded long ago may not matter: the accumulator alone says what is done where
 * it is not zero (all that locks expect then is to be held), or the slow path is for this lock.
 */
static bool says_enough(const struct atomic *atomic, const struct slow_path *slow)
{
	return atomic->expected.kind == VALUE_CONSTANT &&
	       (slow->unknown || (!slow->acquires && atomic->expected.number != 0));
}

/* The form that agrees with the slow path that was found; NULL when none does. */
static const struct lock_form *agreed_form(const struct atomic *atomic,
					   const struct slow_path *slow)
{
	const struct lock_form *form = NULL;
	bool known = !slow->name && !slow->wakes && !says_enough(atomic, slow);
	uint8_t action = slow->acquires ? FORM_ACQUIRE : FORM_RELEASE;

	while ((form = lock_form_next(atomic, form, known))) {
		if (slow->unknown ? form->action == FORM_TRY : form->action != action)
			continue;
		if (!slow->name ||
		    (form->type == slow->name->type &&
		     (form->mode == slow->name->mode || slow->name->role == FUNCTION_SLOW_RELEASE)))
			return form;
	}
	return NULL;
}

static const struct lock_function *learned_at(const struct learning *learning, uint64_t function)
{
	for (unsigned i = 0; i < learning->learned_count; i++)
		if (learning->learned[i].address == function)
			return &learning->learned[i];
	return NULL;
}

static void learn(struct learning *learning, const struct lock_site *site,
		  const struct slow_path *slow)
{
	if (!slow->function || slow->name || learning->learned_count == LEARNED_MAX ||
	    learned_at(learning, slow->function))
		return;
	learning->learned[learning->learned_count++] = (struct lock_function){
		.address = slow->function,
		.role = site->release ? FUNCTION_SLOW_RELEASE : FUNCTION_SLOW_ACQUIRE,
		.type = site->type,
		.mode = site->mode,
	};
}

/* The form of an instruction with a slow path; NULL when there is none, or none yet. */
static const struct lock_form *proven_form(struct finding_sites *finding,
					   const struct atomic *atomic, struct slow_path *slow)
{
	struct learning *learning = finding->learning;
	const struct lock_form *form;

	if (finding->again && !slow->name)
		slow->name = learned_at(learning, slow->function);
	form = agreed_form(atomic, slow);
	if (!form && !finding->again && !slow->name && slow->function &&
	    learning->deferred_count < DEFERRED_MAX)
		learning->deferred[learning->deferred_count++] = atomic->instruction.address;
	return form;
}

static bool classify(struct finding_sites *finding, struct atomic *atomic, uint64_t function_start,
		     struct lock_site *site, struct slow_path *slow)
{
	const struct lock_search *search = &finding->search;
	bool decides = atomic->operation == ZYDIS_MNEMONIC_CMPXCHG;
	const struct lock_form *form;
	bool has_slow_path;

	if (!lock_form_next(atomic, NULL, false))
		return false;
	has_slow_path = slow_path_find(search, atomic, decides, slow);
	if (!has_slow_path && !decides)
		return false;
	atomic_read_values(search->decoder, atomic, function_start);
	/* An address in an instruction may have the bytes of another one. */
	if (!atomic->in_step && !decoder_comes_to(search->decoder, function_start, site->address))
		return false;
	form = has_slow_path ? proven_form(finding, atomic, slow) : NULL;
	/* What a caller goes on with after a try that failed may look like a slow path. */
	if (!form && (!has_slow_path || (finding->again && !slow->name))) {
		*slow = (struct slow_path){0};
		return is_try(search, atomic, site);
	}
	if (!form)
		return false;
	site->type = form->type;
	site->mode = form->mode;
	site->release = form->action == FORM_RELEASE;
	site->slow = slow->function;
	site->tentative = slow->unknown && !site->release;
	learn(finding->learning, site, slow);
	return true;
}

static struct lock_site *function_site(const struct lock_sites *sites, uint64_t address)
{
	for (size_t i = 0; i < sites->count; i++)
		if (sites->list[i].function && sites->list[i].address == address)
			return &sites->list[i];
	return NULL;
}

/* The slow path of an instruction that acquires is a place by itself. */
static void add_slow_function(struct finding_sites *finding, const struct lock_site *site,
			      const struct slow_path *slow)
{
	struct lock_site *known = function_site(finding->sites, slow->function);
	struct lock_site function = {
		.address = slow->function,
		.type = site->type,
		.mode = site->mode,
		.function = true,
		.role = slow->name ? slow->name->role : FUNCTION_SLOW_ACQUIRE,
		.timeout = slow->timeout,
		.only_lock = slow->only_lock,
	};

	if (!slow->function || !slow->acquires)
		return;
	if (known && slow->timeout)
		known->timeout = slow->timeout;
	if (!known)
		add(finding->sites, &function);
}

static void check_replaceable(const struct decoder *decoder, struct lock_site *site)
{
	struct function_bounds bounds;

	if (!function_bounds_at(decoder->image, site->address, &bounds)) {
		site->skip = SKIP_BOUNDS;
		return;
	}
	site->skip = (uint8_t)replaceable_length(decoder, site->address, &bounds, &site->length);
	if (!site->skip && site->release && !site->function &&
	    !replaceable_flags_unused(decoder, site->address))
		site->skip = SKIP_FLAGS;
	if (site->skip != SKIP_BRANCH || site->function ||
	    (site->release && !replaceable_flags_unused(decoder, site->address)))
		return;
	site->atomic = replaceable_before(decoder, site->address, &bounds, &site->length);
	if (site->atomic) {
		site->address -= site->atomic;
		site->skip = SKIP_NOT;
	}
}

static void examine(void *context, uint64_t address)
{
	struct finding_sites *finding = context;
	const struct lock_search *search = &finding->search;
	struct lock_site site = {.address = address};
	struct function_bounds bounds;
	struct slow_path slow;
	struct atomic atomic;

	if (!function_bounds_at(search->image, address, &bounds) ||
	    !atomic_read(search->decoder, address, &atomic) ||
	    !classify(finding, &atomic, bounds.start, &site, &slow))
		return;
	if (!replaceable_operand(atomic.memory))
		site.skip = SKIP_OPERAND;
	site.plumbing = lock_functions_is_plumbing(search->functions, address);
	if (add(finding->sites, &site))
		add_slow_function(finding, &site, &slow);
}

static bool holds_site(const struct lock_sites *sites, size_t count,
		       const struct lock_function *function)
{
	for (size_t i = 0; i < count; i++)
		if (!sites->list[i].function &&
		    sites->list[i].release == (function->role == FUNCTION_UNLOCK) &&
		    sites->list[i].address - function->address < function->size)
			return true;
	return false;
}

/* Whole lock functions count where their atomic instruction is not inlined: unoptimised builds. */
static void add_named_functions(struct finding_sites *finding)
{
	const struct lock_functions *functions = finding->search.functions;
	size_t inlined = finding->sites->count;

	for (size_t i = 0; i < functions->count; i++) {
		const struct lock_function *function = &functions->list[i];
		struct lock_site site = {
			.address = function->address,
			.type = function->type,
			.mode = function->mode,
			.function = true,
			.role = function->role,
			.release = function->role == FUNCTION_UNLOCK,
		};

		if (function->role == FUNCTION_PLUMBING || function->role == FUNCTION_SLOW_RELEASE)
			continue;
		if (function->role != FUNCTION_SLOW_ACQUIRE &&
		    function->role != FUNCTION_SLOW_TRY &&
		    holds_site(finding->sites, inlined, function))
			continue;
		if (function_site(finding->sites, function->address))
			continue;
		add(finding->sites, &site);
	}
}

/* Tries of a kind of lock of which nothing certain is there are something else. */
static void drop_unlikely(struct lock_sites *sites)
{
	bool certain[LOCK_TYPES] = {false};
	size_t kept = 0;

	for (size_t i = 0; i < sites->count; i++)
		if (!sites->list[i].tentative)
			certain[sites->list[i].type] = true;
	for (size_t i = 0; i < sites->count; i++)
		if (!sites->list[i].tentative || certain[sites->list[i].type])
			sites->list[kept++] = sites->list[i];
	sites->count = kept;
}

static void skip_overlapping(struct lock_sites *sites)
{
	uint64_t end = 0;

	for (size_t i = 0; i < sites->count; i++) {
		struct lock_site *site = &sites->list[i];

		if (site->skip)
			continue;
		if (site->address < end)
			site->skip = SKIP_OVERLAP;
		else
			end = site->address + site->length;
	}
}

static void find(struct lock_sites *sites, const struct decoder *decoder,
		 const struct lock_functions *functions, struct slow_shapes *shapes,
		 struct learning *learning)
{
	struct finding_sites finding = {
		.search = {decoder, decoder->image, functions, shapes},
		.sites = sites,
		.learning = learning,
	};

	slow_shapes_init(shapes, decoder->image);
	atomic_scan(decoder->image, examine, &finding);
	finding.again = true;
	for (unsigned i = 0; i < learning->deferred_count; i++)
		examine(&finding, learning->deferred[i]);
	drop_unlikely(sites);
	add_named_functions(&finding);
	for (size_t i = 0; i < sites->count; i++)
		if (!sites->list[i].skip)
			check_replaceable(decoder, &sites->list[i]);
	address_sort(sites->list, sites->count, sizeof(*sites->list));
	skip_overlapping(sites);
}

bool lock_sites_find(struct lock_sites *sites, const struct decoder *decoder,
		     const struct elf_image *image, const char *path)
{
	struct decoder own = {0};
	struct lock_functions functions;
	struct slow_shapes *shapes = sys_map(sizeof(*shapes));
	struct learning *learning = sys_map(sizeof(*learning));

	*sites = (struct lock_sites){.list = sys_map(sizeof(*sites->list) * LOCK_SITES_MAX)};
	if (!sites->list || !shapes || !learning || !lock_functions_read(&functions, image, path))
		return false;
	sites->unwind_tables_missing = !image->unwind_index;
	if (sites->unwind_tables_missing)
		;
	else if (!decoder && !decoder_open(&own, image))
		sites->decoder_missing = true;
	else
		find(sites, decoder ? decoder : &own, &functions, shapes, learning);
	decoder_close(&own);
	lock_functions_free(&functions);
	sys_call2(SYS_munmap, shapes, sizeof(*shapes));
	sys_call2(SYS_munmap, learning, sizeof(*learning));
	return true;
}

void lock_sites_free(struct lock_sites *sites)
{
	if (sites->list)
		sys_call2(SYS_munmap, sites->list, sizeof(*sites->list) * LOCK_SITES_MAX);
	sites->list = NULL;
}
