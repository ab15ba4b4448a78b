/* SPDX-License-Identifier: MIT */
/* Unit tests of viewer/inspect.h: what a file tells about how well it can be watched. */
#include "viewer/inspect.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "elf_sample.h"
#include "viewer/memory.h"

static struct elf_sample sample;
static struct inspection inspection;
static char reason[ELF_FILE_REASON_SIZE];

static void init(void)
{
	elf_sample_init(&sample);
	elf_sample_interpreter(&sample, "/lib64/ld-linux-x86-64.so.2");
#if defined(__aarch64__)
	sample.header.e_machine = EM_AARCH64;
#endif
}

static void fini(void)
{
	inspect_fini(&inspection);
	elf_sample_remove(&sample);
}

TestSuite(inspect, .init = init, .fini = fini);

static void inspects(void)
{
	int r = inspect_file(elf_sample_write(&sample, SAMPLE_SIZE), &inspection, reason);

	cr_assert_eq(r, 0, "%s", reason);
}

static bool says(const char *words)
{
	for (size_t i = 0; i < inspection.blind_spot_count; i++)
		if (strstr(inspection.blind_spots[i], words))
			return true;
	return false;
}

static void import_syscall(void)
{
	elf_sample_rela(&sample, SAMPLE_DATA + 0x700, R_X86_64_GLOB_DAT,
			elf_sample_symbol(&sample, "syscall", SHN_UNDEF, 0), 0);
}

Test(inspect, finds_task_types_and_tells_their_classes)
{
	sample.header.e_machine = EM_X86_64;
	elf_sample_vtable(&sample, SAMPLE_DATA + 0x100, 0x30);
	elf_sample_vtable(&sample, SAMPLE_DATA + 0x200, 0x28);
	elf_sample_vtable(&sample, SAMPLE_DATA + 0x300, 0x28);
	inspects();
	cr_expect_str_eq(inspection.layout, "1.23+");
	cr_assert_eq(inspection.task_count, 3);
	cr_expect_eq(inspection.class_counts[TOKIO_TASK], 2);
	cr_expect_eq(inspection.class_counts[TOKIO_BLOCKING], 1);
	cr_expect_eq(inspection.tasks[2].class, TOKIO_BLOCKING, "tasks come first");
	cr_expect_eq(inspection.tasks[0].vtable, inspection.file.image.bias + SAMPLE_DATA + 0x200);
	cr_expect_not(says("no known runtime"));
	cr_expect(says("does not import `syscall`"));
	cr_expect(says("there are no symbols"));
}

Test(inspect, sees_futex_waits_through_the_imported_syscall)
{
	sample.header.e_machine = EM_X86_64;
	elf_sample_vtable(&sample, SAMPLE_DATA + 0x100, 0x28);
	import_syscall();
	inspects();
	cr_expect(inspection.futex_imported);
	cr_expect_not(says("does not import `syscall`"));
}

Test(inspect, says_that_no_runtime_was_found)
{
	inspects();
	cr_expect_null(inspection.layout);
	cr_expect_eq(inspection.task_count, 0);
	cr_expect(says("no known runtime"));
	cr_expect_eq(inspection.preload, PRELOAD_YES);
	cr_expect_null(inspection.reason);
}

Test(inspect, counts_direct_calls)
{
	static const uint8_t call[] = {0xb8, 0xca, 0, 0, 0, 0x0f, 0x05};

	sample.header.e_machine = EM_X86_64;
	memcpy(sample.bytes + SAMPLE_CODE + 0x10, call, sizeof(call));
	inspects();
	cr_expect_eq(inspection.direct_calls, 1);
	cr_expect(says("1 place looks like"));
	fini();
	memcpy(sample.bytes + SAMPLE_CODE + 0x20, call, sizeof(call));
	inspects();
	cr_expect(says("2 places look like direct system calls"));
}

Test(inspect, names_what_cannot_be_preloaded)
{
	elf_sample_init(&sample);
	elf_sample_interpreter(&sample, "/lib/ld-musl-x86_64.so.1");
#if defined(__aarch64__)
	sample.header.e_machine = EM_AARCH64;
#endif
	inspects();
	cr_expect_eq(inspection.preload, PRELOAD_NO);
	cr_expect(strstr(inspection.reason, "musl"));
	cr_expect(says("nothing of this binary can be seen"));
	fini();
	elf_sample_init(&sample);
	inspects();
	cr_expect_eq(inspection.preload, PRELOAD_NO);
	fini();
	init();
	sample.header.e_machine = sample.header.e_machine == EM_X86_64 ? EM_AARCH64 : EM_X86_64;
	inspects();
	cr_expect_eq(inspection.preload, PRELOAD_NO);
	cr_expect(strstr(inspection.reason, "made for"));
}

Test(inspect, names_raised_privileges)
{
	elf_sample_write(&sample, SAMPLE_SIZE);
	cr_assert_eq(chmod(sample.path, 04755), 0);
	cr_assert_eq(inspect_file(sample.path, &inspection, reason), 0);
	cr_expect_eq(inspection.preload, PRELOAD_NO);
	cr_expect(strstr(inspection.reason, "set-user-ID"));
}

Test(inspect, leaves_a_shared_library_to_its_program)
{
	elf_sample_init(&sample);
	elf_sample_word(&sample, SAMPLE_DYNAMIC + 8, 0); /* no DF_1_PIE */
#if defined(__aarch64__)
	sample.header.e_machine = EM_AARCH64;
#endif
	inspects();
	cr_expect_eq(inspection.preload, PRELOAD_DEPENDS);
	cr_expect(strstr(inspection.reason, "shared library"));
	cr_expect_not(says("nothing of this binary"));
}

Test(inspect, refuses_with_a_reason)
{
	cr_expect_lt(inspect_file("/nonexistent/file", &inspection, reason), 0);
	cr_expect_str_eq(reason, "No such file or directory");
}

static char *text_of(bool all)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	cr_assert_not_null(out);
	inspect_text(&inspection, out, all);
	fclose(out);
	return text;
}

static void name_all(const char *name, bool numbered)
{
	for (size_t i = 0; i < inspection.task_count; i++)
		inspection.tasks[i].name =
			numbered ? memory_format("%s%02zu", name, i) : memory_format("%s", name);
}

static void inspect_many(unsigned count)
{
	sample.header.e_machine = EM_X86_64;
	for (unsigned i = 0; i < count; i++)
		elf_sample_vtable(&sample, SAMPLE_DATA + i * 0x50, 0x28);
	inspects();
	cr_assert_eq(inspection.task_count, count);
}

Test(inspect, lists_twenty_types_unless_asked_for_all)
{
	struct inspected_task *tasks = calloc(25, sizeof(*tasks));
	char *few, *all;

	inspect_many(2);
	free(inspection.tasks);
	inspection.tasks = tasks;
	inspection.task_count = 25;
	name_all("app::job", true);
	few = text_of(false);
	all = text_of(true);
	cr_expect(strstr(few, "app::job19"));
	cr_expect_null(strstr(few, "app::job20"));
	cr_expect(strstr(few, "and 5 more (--all shows them)"));
	cr_expect(strstr(all, "app::job24"));
	cr_expect_null(strstr(all, "--all"));
	free(few);
	free(all);
}

Test(inspect, tells_a_future_of_several_types_once)
{
	char *text;

	inspect_many(2);
	name_all("app::serve", false);
	text = text_of(false);
	cr_expect(strstr(text, "app::serve (2 types)\n"), "%s", text);
	free(text);
}

Test(inspect, replaces_control_characters_of_names)
{
	char *text;

	inspect_many(1);
	name_all("app::\033[31mred", false);
	text = text_of(false);
	cr_expect_null(strchr(text, '\033'));
	free(text);
}

Test(inspect, writes_json_with_null_for_what_is_not_known)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	json_t *document, *type;

	inspect_many(2);
	cr_assert_eq(inspect_json(&inspection, out), 0);
	fclose(out);
	document = json_loads(text, 0, NULL);
	cr_assert_not_null(document);
	cr_expect_str_eq(json_string_value(json_object_get(document, "schema")),
			 "overstay-inspect/1");
	cr_expect(json_is_null(json_object_get(document, "build_id")));
	cr_expect_eq(json_array_size(json_object_get(document, "runtimes")), 1);
	cr_expect_eq(json_array_size(json_object_get(document, "task_types")), 2);
	type = json_array_get(json_object_get(document, "task_types"), 0);
	cr_expect(json_is_null(json_object_get(type, "name")));
	cr_expect(json_is_null(json_object_get(type, "line")));
	json_decref(document);
	free(text);
}
