/* SPDX-License-Identifier: MIT */
/* Applies to a file what the library applies to a process, and asks the symbols for names. */
#include "inspect.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "direct_calls.h"
#include "memory.h"
#include "runtime/adapters/tokio_context.h"
#include "runtime/adapters/tokio_early.h"

#if defined(__aarch64__)
#define OWN_MACHINE EM_AARCH64
#else
#define OWN_MACHINE EM_X86_64
#endif

struct collecting {
	struct inspection *inspection;
	size_t capacity;
};

const char *inspect_machine(uint16_t machine)
{
	return machine == EM_AARCH64 ? "aarch64" : "x86_64";
}

static void add_task(void *context, const struct tokio_vtable *vtable)
{
	struct collecting *collecting = context;
	struct inspection *inspection = collecting->inspection;

	inspection->tasks = memory_grow(inspection->tasks, &collecting->capacity,
					inspection->task_count + 1, sizeof(*inspection->tasks));
	inspection->tasks[inspection->task_count++] = (struct inspected_task){
		.vtable = vtable->address,
		.poll = vtable->poll,
		.dealloc = vtable->dealloc,
		.class = vtable->class,
	};
	inspection->class_counts[vtable->class]++;
}

/* In the order in which the library's adapter tries them. */
static void find_tokio(struct inspection *inspection)
{
	const struct elf_image *image = &inspection->file.image;
	struct collecting collecting = {.inspection = inspection};
	const struct tokio_early_visitor visitor = {.found = add_task, .context = &collecting};
	struct tokio_shapes shapes = tokio_find_vtables(image, add_task, &collecting);

	if (shapes.count)
		inspection->layout = shapes.unstable ? "1.46+ tokio_unstable" : "1.23+";
	else
		inspection->layout = tokio_find_early_vtables(image, inspection->path, &visitor);
	inspection->entered_known = tokio_find_entered_byte(image) >= 0;
}

/* Tasks first, then those not known, blocking ones last; in each the named ones first, by name. */
static int compare_tasks(const void *a, const void *b)
{
	static const int ranks[] = {[TOKIO_TASK] = 0, [TOKIO_UNKNOWN] = 1, [TOKIO_BLOCKING] = 2};
	const struct inspected_task *x = a, *y = b;
	int order = ranks[x->class] - ranks[y->class];

	if (!order)
		order = !x->name - !y->name;
	if (!order && x->name)
		order = strcmp(x->name, y->name);
	return order ? order : (x->vtable > y->vtable) - (x->vtable < y->vtable);
}

static void name_tasks(struct inspection *inspection, struct symbol_module *module)
{
	uint64_t bias = inspection->file.image.bias;

	for (size_t i = 0; i < inspection->task_count; i++) {
		struct inspected_task *task = &inspection->tasks[i];

		symbol_module_task_type(module, task->poll - bias,
					task->dealloc ? task->dealloc - bias : 0, &task->name,
					&task->file, &task->line);
	}
	if (inspection->task_count)
		qsort(inspection->tasks, inspection->task_count, sizeof(*inspection->tasks),
		      compare_tasks);
}

/* The loader ignores LD_PRELOAD when a program gains rights by being started. */
static const char *privileges(const char *path)
{
	struct stat status;

	if (stat(path, &status) < 0)
		return NULL;
	if (status.st_mode & S_ISUID)
		return "set-user-ID: the loader ignores LD_PRELOAD; inspect a copy without that "
		       "bit";
	if (status.st_mode & S_ISGID && status.st_mode & S_IXGRP)
		return "set-group-ID: the loader ignores LD_PRELOAD; inspect a copy without that "
		       "bit";
	if (getuid() != 0 && getxattr(path, "security.capability", NULL, 0) > 0)
		return "has file capabilities: the loader ignores LD_PRELOAD; inspect a copy "
		       "without them";
	return NULL;
}

static void judge_preload(struct inspection *inspection)
{
	const struct elf_file *file = &inspection->file;
	const char *reason = NULL;

	inspection->preload = PRELOAD_NO;
	if (file->machine != OWN_MACHINE) {
		inspection->reason =
			memory_format("made for %s; this overstay watches %s programs",
				      inspect_machine(file->machine), inspect_machine(OWN_MACHINE));
		return;
	}
	if (file->kind == ELF_FILE_STATIC)
		reason = "statically linked: LD_PRELOAD has no effect";
	else if (file->interpreter && strstr(file->interpreter, "ld-musl"))
		reason = "linked with musl's loader: liboverstay.so needs glibc's";
	else if (file->kind == ELF_FILE_DYNAMIC)
		reason = privileges(inspection->path);
	if (!reason)
		inspection->preload = PRELOAD_YES;
	if (file->kind == ELF_FILE_LIBRARY) {
		inspection->preload = PRELOAD_DEPENDS;
		reason = "a shared library: it depends on the program that loads it";
	}
	inspection->reason = reason ? memory_format("%s", reason) : NULL;
}

int inspect_file(const char *path, struct inspection *inspection, char reason[ELF_FILE_REASON_SIZE])
{
	struct symbol_module *module;
	int r;

	*inspection = (struct inspection){.path = path};
	r = elf_file_open(&inspection->file, path, reason);
	if (r < 0)
		return r;
	module = symbol_module_open(path, NULL, NULL);
	judge_preload(inspection);
	inspection->symbols = symbol_module_detail(module);
	find_tokio(inspection);
	name_tasks(inspection, module);
	inspection->tokio_version = symbol_module_tokio_version(module);
	inspection->futex_imported = elf_file_imports(&inspection->file, "syscall");
	inspection->direct_calls =
		direct_calls_count(&inspection->file.image, inspection->file.machine);
	inspect_find_crates(inspection, module);
	inspect_find_locks(inspection);
	inspect_find_blind_spots(inspection);
	symbol_module_close(module);
	return 0;
}

void inspect_fini(struct inspection *inspection)
{
	size_t i;

	for (i = 0; i < inspection->task_count; i++) {
		free(inspection->tasks[i].name);
		free(inspection->tasks[i].file);
	}
	for (i = 0; i < inspection->crate_count; i++)
		free(inspection->crates[i].version);
	for (i = 0; i < inspection->blind_spot_count; i++)
		free(inspection->blind_spots[i]);
	free(inspection->tasks);
	free(inspection->tokio_version);
	free(inspection->reason);
	elf_file_close(&inspection->file);
	memset(inspection, 0, sizeof(*inspection));
}
