/* SPDX-License-Identifier: MIT */
/* Stacks and traces for the viewer's unit tests, made from text. */
#include "sample.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char sample_start[] =
	"{\"t\":\"header\",\"format\":\"overstay-trace\",\"version\":1,\"pid\":42,"
	"\"exe\":\"/app/app\",\"threshold_ns\":1000000,\"long_poll_ns\":10000000}\n"
	"{\"t\":\"coverage\",\"attached\":true,\"stacks\":true,\"engine\":\"on\","
	"\"task_vtables\":3,\"blind_spots\":[]}\n"
	"{\"t\":\"module\",\"id\":1,\"path\":\"/app/app\"}\n"
	"{\"t\":\"symbolised\",\"modules\":[{\"module\":1,\"state\":\"ok\"}]}\n";

#define FILE_TEMPLATE "/tmp/overstay-sample-XXXXXX"

static char file_path[sizeof(FILE_TEMPLATE)];

static void file_delete(void)
{
	unlink(file_path);
}

const char *sample_file(const char *first, const char *second)
{
	FILE *file;

	if (*file_path)
		file_delete();
	else
		atexit(file_delete);
	strcpy(file_path, FILE_TEMPLATE);
	file = fdopen(mkstemp(file_path), "w");
	cr_assert_not_null(file);
	fputs(first, file);
	fputs(second, file);
	cr_assert_eq(fclose(file), 0);
	return file_path;
}

const struct stack *sample_stack_of(const char *const *functions, size_t count)
{
	static const struct module module = {.path = "/app/app"};
	struct stack *stack = memory_alloc(sizeof(*stack));
	size_t i;

	stack->frames = memory_alloc(count * sizeof(*stack->frames));
	stack->frame_count = count;
	for (i = 0; i < count; i++)
		stack->frames[i] = (struct frame){.function = functions[i], .module = &module};
	return stack;
}

struct trace *sample_trace(const char *lines)
{
	char reason[LOAD_REASON_SIZE] = "";
	struct trace *trace = NULL;
	int r = load_trace(sample_file(sample_start, lines), &trace, reason);

	cr_assert_eq(r, 0, "%s", reason);
	return trace;
}

const struct report *sample_report(const char *lines)
{
	struct recording *recording = memory_alloc(sizeof(*recording));
	struct report *report = memory_alloc(sizeof(*report));

	load_recording(sample_file(sample_start, lines), recording);
	cr_assert_eq(recording->failure_count, 0);
	report_build(recording, report);
	return report;
}
