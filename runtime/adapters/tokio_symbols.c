/* SPDX-License-Identifier: MIT */
/*
 * Tokio before 1.23, by symbols.
 * Runs on: the holder of the object lock; poll classification on the runtime's threads.
 */
#include "tokio_symbols.h"

#include <string.h>

#include "runtime/patch/symbol_table.h"
#include "runtime/poll.h"
#include "runtime/sys.h"

#define MAX_POLLS 8192
#define MAX_ROLES 1024

/* A function whose presence on a stack tells which kind of poll runs below it. */
struct role {
	uint64_t start, end; /* run-time addresses */
	enum poll_class class;
};

static struct role *roles;
static unsigned role_count; /* published with release */

struct search {
	uint64_t bias;
	uint64_t *polls;
	size_t count;
};

/* Mangled paths, legacy and v0; a generic instance's name goes on after the path. */
static const struct {
	const char *legacy, *v0;
	bool is_poll;
	enum poll_class class;
} patterns[] = {
	{"5tokio7runtime4task3raw4poll17h", "5tokio7runtime4task3raw4poll", true, POLL_TASK},
	{"7runtime8blocking4pool5Inner3run17h", "7runtime8blocking4poolNtB", false, POLL_BLOCKING},
	{"6worker7Context8run_task17h", "6workerNtB", false, POLL_TASK},
	{"15basic_scheduler", "15basic_scheduler", false, POLL_TASK},
	{"14current_thread", "14current_thread", false, POLL_TASK},
	{"4task5local8LocalSet4tick17h", "4task5localNtB", false, POLL_TASK},
};

static void add_role(uint64_t start, uint64_t size, enum poll_class class)
{
	if (!roles && !(roles = sys_map(sizeof(*roles) * MAX_ROLES)))
		return;
	if (role_count == MAX_ROLES)
		return;
	roles[role_count] = (struct role){start, start + size, class};
	__atomic_store_n(&role_count, role_count + 1, __ATOMIC_RELEASE);
}

static void visit_symbol(void *context, const char *name, uint64_t address, uint64_t size)
{
	struct search *search = context;

	if (strncmp(name, "_ZN", 3) != 0 && strncmp(name, "_R", 2) != 0)
		return;
	for (unsigned i = 0; i < sizeof(patterns) / sizeof(*patterns); i++) {
		if (!strstr(name, name[1] == 'R' ? patterns[i].v0 : patterns[i].legacy))
			continue;
		if (!patterns[i].is_poll)
			add_role(search->bias + address, size, patterns[i].class);
		else if (search->count < MAX_POLLS)
			search->polls[search->count++] = search->bias + address;
		return;
	}
}

static void sort(uint64_t *values, size_t count)
{
	for (size_t gap = count / 2; gap; gap /= 2)
		for (size_t i = gap; i < count; i++) {
			uint64_t value = values[i];
			size_t j = i;

			for (; j >= gap && values[j - gap] > value; j -= gap)
				values[j] = values[j - gap];
			values[j] = value;
		}
}

static enum poll_class classify(const uint64_t *frames, unsigned count)
{
	unsigned n = __atomic_load_n(&role_count, __ATOMIC_ACQUIRE);

	for (unsigned f = 0; f < count; f++)
		for (unsigned i = 0; i < n; i++)
			if (frames[f] - 1 - roles[i].start < roles[i].end - roles[i].start)
				return roles[i].class;
	return POLL_UNKNOWN;
}

const char *tokio_hook_by_symbols(struct image *image,
				  void (*found)(void *context, const struct tokio_vtable *),
				  void *context)
{
	struct search search = {.bias = image->elf.bias};
	struct tokio_shapes shapes = {0};
	struct symbol_table table;
	uint32_t vtable_offset;

	if (!elf_image_needs(&image->elf, "libgcc_s.so.1") ||
	    symbol_table_open(&table, image->path) < 0)
		return NULL;
	search.polls = symbol_table_mentions(&table, "tokio7runtime4task3raw4poll")
			       ? sys_map(sizeof(*search.polls) * MAX_POLLS)
			       : NULL;
	if (search.polls) {
		symbol_table_functions(&table, visit_symbol, &search);
		sort(search.polls, search.count);
		vtable_offset = tokio_header_of_old_layout(&image->elf, search.polls, search.count);
		shapes = tokio_find_vtables_by_poll(&image->elf, search.polls, search.count,
						    vtable_offset, found, context);
		poll_classify = classify;
		sys_call2(SYS_munmap, search.polls, sizeof(*search.polls) * MAX_POLLS);
	}
	symbol_table_close(&table);
	if (!shapes.count)
		return NULL;
	return vtable_offset == 0x10 ? "1.21-1.22" : "1.17-1.20";
}
