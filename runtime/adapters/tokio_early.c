/* SPDX-License-Identifier: MIT */
/*
 * Tokio before 1.23, by symbols.
 * Runs on: the holder of the object lock, the viewer.
 */
#include "tokio_early.h"

#include <string.h>

#include "runtime/patch/symbol_table.h"
#include "runtime/sys.h"

#define MAX_POLLS 8192

struct search {
	const struct tokio_early_visitor *visitor;
	uint64_t bias;
	uint64_t *polls;
	size_t count;
};

/* Mangled paths, legacy and v0; a generic instance's name goes on after the path. */
static const struct {
	const char *legacy, *v0;
	bool is_poll;
	enum tokio_task_class class;
} patterns[] = {
	{"5tokio7runtime4task3raw4poll17h", "5tokio7runtime4task3raw4poll", true, TOKIO_TASK},
	{"7runtime8blocking4pool5Inner3run17h", "7runtime8blocking4poolNtB", false, TOKIO_BLOCKING},
	{"6worker7Context8run_task17h", "6workerNtB", false, TOKIO_TASK},
	{"15basic_scheduler", "15basic_scheduler", false, TOKIO_TASK},
	{"14current_thread", "14current_thread", false, TOKIO_TASK},
	{"4task5local8LocalSet4tick17h", "4task5localNtB", false, TOKIO_TASK},
};

static void visit_symbol(void *context, const char *name, uint64_t address, uint64_t size)
{
	struct search *search = context;
	const struct tokio_early_visitor *visitor = search->visitor;
	uint64_t start = search->bias + address;

	if (strncmp(name, "_ZN", 3) != 0 && strncmp(name, "_R", 2) != 0)
		return;
	for (unsigned i = 0; i < sizeof(patterns) / sizeof(*patterns); i++) {
		if (!strstr(name, name[1] == 'R' ? patterns[i].v0 : patterns[i].legacy))
			continue;
		if (patterns[i].is_poll && search->count < MAX_POLLS)
			search->polls[search->count++] = start;
		else if (!patterns[i].is_poll && visitor->role)
			visitor->role(visitor->context, start, start + size, patterns[i].class);
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

const char *tokio_find_early_vtables(const struct elf_image *image, const char *path,
				     const struct tokio_early_visitor *visitor)
{
	struct search search = {.visitor = visitor, .bias = image->bias};
	struct tokio_shapes shapes = {0};
	struct symbol_table table;
	uint32_t vtable_offset = 0;

	if (!elf_image_needs(image, "libgcc_s.so.1") || symbol_table_open(&table, path) < 0)
		return NULL;
	search.polls = symbol_table_mentions(&table, "tokio7runtime4task3raw4poll")
			       ? sys_map(sizeof(*search.polls) * MAX_POLLS)
			       : NULL;
	if (search.polls) {
		symbol_table_functions(&table, visit_symbol, &search);
		sort(search.polls, search.count);
		vtable_offset = tokio_header_of_old_layout(image, search.polls, search.count);
		shapes =
			tokio_find_vtables_by_poll(image, search.polls, search.count, vtable_offset,
						   visitor->found, visitor->context);
		sys_call2(SYS_munmap, search.polls, sizeof(*search.polls) * MAX_POLLS);
	}
	symbol_table_close(&table);
	if (!shapes.count)
		return NULL;
	return vtable_offset == 0x10 ? "1.21-1.22" : "1.17-1.20";
}
