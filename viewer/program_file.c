/* SPDX-License-Identifier: MIT */
/* Looks into executables, into each once. */
#include "program_file.h"

#include <stdlib.h>
#include <string.h>

#include "direct_calls.h"
#include "elf_file.h"
#include "memory.h"
#include "source_path.h"

/* Strings belong to the first trace that named the file. */
struct program_file {
	const char *path, *build_id;
	bool calls_known, calls_counted;
	size_t direct_calls;
	bool detail_known;
	enum symbol_detail detail;
};

static struct program_file *file_of(struct program_files *files, const struct trace *trace)
{
	size_t i;

	if (!trace->exe || !trace->build_id)
		return NULL;
	for (i = 0; i < files->count; i++)
		if (strcmp(files->items[i].path, trace->exe) == 0 &&
		    strcmp(files->items[i].build_id, trace->build_id) == 0)
			return &files->items[i];
	files->items = memory_grow(files->items, &files->capacity, files->count + 1,
				   sizeof(*files->items));
	files->items[files->count] =
		(struct program_file){.path = trace->exe, .build_id = trace->build_id};
	return &files->items[files->count++];
}

static void calls_count(struct program_file *program)
{
	char reason[ELF_FILE_REASON_SIZE];
	struct elf_file file;

	program->calls_known = true;
	if (elf_file_open(&file, program->path, reason) < 0)
		return;
	if (strcmp(file.build_id, program->build_id) == 0) {
		program->direct_calls = direct_calls_count(&file.image, file.machine);
		program->calls_counted = true;
	}
	elf_file_close(&file);
}

bool program_direct_calls(struct program_files *files, const struct trace *trace, size_t *ret_count)
{
	struct program_file *program = file_of(files, trace);

	if (!program)
		return false;
	if (!program->calls_known)
		calls_count(program);
	*ret_count = program->direct_calls;
	return program->calls_counted;
}

/* That spares a look into the file: a frame whose line is known, other than the prebuilt std's. */
static bool trace_has_lines(const struct trace *trace)
{
	size_t i, j;

	for (i = 0; i < trace->symbols.count; i++) {
		const struct symbol *symbol = trace->symbols.items[i];
		const struct module *module = model_module(trace, symbol->module);

		if (!module || !module->path || strcmp(module->path, trace->exe) != 0)
			continue;
		for (j = 0; j < symbol->count; j++)
			if (symbol->frames[j].file && !source_path_is_std(symbol->frames[j].file))
				return true;
	}
	return false;
}

bool program_lacks_lines(struct program_files *files, const struct trace *trace)
{
	struct program_file *program = file_of(files, trace);
	struct symbol_module *module;

	if (!program || trace_has_lines(trace))
		return false;
	if (!program->detail_known) {
		module = symbol_module_open(program->path, program->build_id, NULL);
		program->detail = symbol_module_detail(module);
		program->detail_known = true;
		symbol_module_close(module);
	}
	return program->detail == SYMBOL_DETAIL_NAMES;
}

void program_files_fini(struct program_files *files)
{
	free(files->items);
	*files = (struct program_files){0};
}
