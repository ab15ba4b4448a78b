/* SPDX-License-Identifier: MIT */
/*
 * Lines of the trace that describe the process, its objects and threads, and the end.
 * Runs on: the constructor, whoever drains.
 */
#include "trace.h"

#include <signal.h>
#include <string.h>

#include "runtime/aggregate.h"
#include "runtime/clock.h"
#include "runtime/coverage.h"
#include "runtime/held_records.h"
#include "runtime/images.h"
#include "runtime/locks.h"
#include "runtime/ops.h"
#include "runtime/sys.h"
#include "runtime/trace_objects.h"
#include "runtime/trace_records.h"
#include "runtime/trace_writer.h"

static uint32_t runtimes_written[COVERAGE_RUNTIMES]; /* vtables told */
static struct trace_schedule polls_schedule, ops_schedule;
static uint64_t polls_told, ops_told;

#if defined(__x86_64__)
#define ARCH "x86_64"
#else
#define ARCH "aarch64"
#endif

static long read_file(const char *path, char *buffer, size_t size)
{
	int fd = sys_open(path, O_RDONLY, 0);
	long length = fd < 0 ? fd : sys_read(fd, buffer, size - 1);

	if (fd >= 0)
		sys_close(fd);
	buffer[length > 0 ? length : 0] = '\0';
	return length;
}

static void add_command_line(struct text *line)
{
	char buffer[4096]; /* a longer command line is cut; the whole line must fit */
	long length = read_file("/proc/self/cmdline", buffer, sizeof(buffer));

	trace_add_key(line, "cmdline");
	text_add_char(line, '[');
	for (long i = 0; i < length; i += (long)strlen(buffer + i) + 1) {
		if (i)
			text_add_char(line, ',');
		text_add_json(line, buffer + i);
	}
	text_add_char(line, ']');
}

static void write_header(const struct config *config)
{
	struct text *line = trace_writer_line("header");
	struct image *main_image = images_get(0);
	char directory[4096];
	long length = sys_call2(SYS_getcwd, directory, sizeof(directory));

	if (!line)
		return;
	trace_add_string(line, "format", "overstay-trace");
	trace_add_u64(line, "version", 1);
	trace_add_string(line, "overstay", OVERSTAY_VERSION);
	trace_add_u64(line, "pid", (uint64_t)sys_getpid());
	trace_add_u64(line, "ppid", (uint64_t)sys_call0(SYS_getppid));
	trace_add_string(line, "exe", main_image->path);
	trace_add_string(line, "build_id", *main_image->build_id ? main_image->build_id : NULL);
	add_command_line(line);
	trace_add_string(line, "cwd", length > 0 ? directory : NULL);
	trace_add_u64(line, "started_unix_ns", clock_kernel_ns(CLOCK_REALTIME));
	trace_add_key(line, "clock");
	text_add(line, clock_state.counter ? "{\"source\":\"tsc\",\"hz\":"
					   : "{\"source\":\"monotonic\",\"hz\":");
	text_add_u64(line, clock_hz());
	text_add_char(line, '}');
	trace_add_u64(line, "threshold_ns", config->threshold_ns);
	trace_add_u64(line, "long_poll_ns", config->long_poll_ns);
	trace_add_u64(line, "stall_ns", config->stall_ns);
	trace_add_string(line, "arch", ARCH);
	trace_writer_end_line();
}

static void add_lock_type(struct text *line, enum lock_type type)
{
	const struct coverage_locks *locks = &coverage.locks[type];

	text_add(line, "{\"type\":");
	text_add_json(line, lock_type_name(type));
	trace_add_u64(line, "sites", locks->sites);
	trace_add_u64(line, "patched", locks->patched);
	trace_add_key(line, "skipped");
	text_add_char(line, '[');
	for (uint32_t i = 0; i < locks->reason_count; i++) {
		text_add(line, i ? ",{\"reason\":" : "{\"reason\":");
		text_add_json(line, locks->skipped[i].reason);
		trace_add_u64(line, "count", locks->skipped[i].count);
		text_add_char(line, '}');
	}
	text_add(line, "]}");
}

static void add_lock_sites(struct text *line)
{
	uint64_t sites = 0, patched = 0;
	bool first = true;

	for (unsigned type = 0; type < LOCK_TYPES; type++) {
		sites += coverage.locks[type].sites;
		patched += coverage.locks[type].patched;
	}
	trace_add_u64(line, "lock_sites", patched);
	trace_add_u64(line, "lock_sites_skipped", sites - patched);
	trace_add_key(line, "locks");
	text_add_char(line, '[');
	for (unsigned type = 0; type < LOCK_TYPES; type++) {
		if (!coverage.locks[type].sites)
			continue;
		if (!first)
			text_add_char(line, ',');
		first = false;
		add_lock_type(line, type);
	}
	text_add_char(line, ']');
}

static void add_blind_spots(struct text *line)
{
	bool first = true;

	trace_add_key(line, "blind_spots");
	text_add_char(line, '[');
	for (unsigned i = 0; i < BLIND_SPOT_COUNT; i++) {
		if (!coverage.blind[i])
			continue;
		if (!first)
			text_add_char(line, ',');
		first = false;
		text_add_json(line, coverage_sentence(i));
	}
	if (coverage.leaky_places) {
		text_add(line, first ? "\"" : ",\"");
		text_add(line, "releases of locks that are taken at ");
		text_add_u64(line, coverage.leaky_places);
		text_add(line, coverage.leaky_places == 1 ? " place" : " places");
		text_add(line, " in the code are not seen; these locks are left out\"");
	}
	text_add_char(line, ']');
}

static void write_coverage(void)
{
	struct text *line = trace_writer_line("coverage");

	if (!line)
		return;
	trace_add_bool(line, "attached", coverage.task_vtables > 0);
	trace_add_u64(line, "task_vtables", coverage.task_vtables);
	add_lock_sites(line);
	trace_add_bool(line, "stacks", coverage.stacks);
	add_blind_spots(line);
	trace_add_key(line, "engine");
	if (coverage.off) {
		text_add(line, "\"off: ");
		text_add(line, coverage.off);
		text_add_char(line, '"');
	} else if (coverage.task_vtables && !coverage.opened) {
		text_add_json(line, "off: the process did nothing yet, or the trace could not be "
				    "opened again for what it did");
	} else {
		text_add(line, "\"on\"");
	}
	trace_writer_end_line();
	coverage.dirty = false;
}

static void write_runtimes(void)
{
	for (uint32_t i = 0; i < coverage.runtime_count; i++) {
		const struct coverage_runtime *runtime = &coverage.runtimes[i];
		struct text *line;

		if (runtimes_written[i] == runtime->task_vtables ||
		    !trace_write_module(runtime->image) || !(line = trace_writer_line("runtime")))
			continue;
		trace_add_u64(line, "id", i);
		trace_add_string(line, "name", runtime->name);
		trace_add_u64(line, "module", runtime->image);
		trace_add_u64(line, "task_vtables", runtime->task_vtables);
		trace_add_string(line, "layout", runtime->layout);
		trace_add_string(line, "version", NULL);
		trace_writer_end_line();
		runtimes_written[i] = runtime->task_vtables;
	}
}

int trace_start(const struct config *config)
{
	int error = trace_writer_create(config->out, sys_getpid());

	if (error < 0)
		return error;
	write_header(config);
	write_coverage();
	write_runtimes();
	error = trace_writer_flush();
	trace_writer_close();
	return error;
}

static void write_polls(const struct durations *polls, uint64_t set_aside, bool all)
{
	struct text *line;

	if (polls->count == polls_told || !trace_schedule_due(&polls_schedule, all) ||
	    !(line = trace_writer_line("polls")))
		return;
	trace_add_u64(line, "count", polls->count);
	trace_add_u64(line, "total_ns", polls->total_ns);
	trace_add_u64(line, "max_ns", polls->max_ns);
	trace_add_histogram(line, polls->histogram);
	trace_add_u64(line, "set_aside", set_aside);
	trace_writer_end_line();
	trace_schedule_done(&polls_schedule);
	polls_told = polls->count;
}

static void write_ops(const struct op_counter *ops, bool all)
{
	uint64_t sum = 0;
	struct text *line;
	bool first = true;

	for (unsigned i = 0; i < ops_count(); i++)
		sum += ops[i].count;
	if (sum == ops_told || !trace_schedule_due(&ops_schedule, all) ||
	    !(line = trace_writer_line("operations")))
		return;
	trace_add_key(line, "list");
	text_add_char(line, '[');
	for (unsigned i = 0; i < ops_count(); i++) {
		if (!ops[i].count)
			continue;
		text_add(line, first ? "{\"op\":" : ",{\"op\":");
		first = false;
		text_add_json(line, ops_name(i));
		trace_add_string(line, "class", ops_class_name(ops_class(i)));
		trace_add_u64(line, "count", ops[i].count);
		trace_add_u64(line, "total_ns", clock_ns(ops[i].total));
		text_add_char(line, '}');
	}
	text_add_char(line, ']');
	trace_writer_end_line();
	trace_schedule_done(&ops_schedule);
	ops_told = sum;
}

void trace_update(const struct durations *polls, uint64_t set_aside, const struct op_counter *ops,
		  bool all)
{
	if (coverage.dirty)
		write_coverage();
	write_runtimes();
	trace_write_records(all);
	held_records_write(all);
	write_polls(polls, set_aside, all);
	write_ops(ops, all);
}

void trace_end(enum finish_reason reason, int status, uint64_t dropped_events)
{
	static const char *const reasons[] = {
		[FINISH_EXIT] = "exit", [FINISH_EXEC] = "exec", [FINISH_ABORT] = "signal"};
	struct text *line = trace_writer_line("end");
	const struct aggregate_losses *losses = aggregate_losses();

	if (!line)
		return;
	trace_add_string(line, "reason", reasons[reason]);
	trace_add_key(line, "status");
	if (reason == FINISH_EXIT && status >= 0)
		text_add_u64(line, (uint64_t)(status & 0xff));
	else
		text_add(line, "null");
	trace_add_key(line, "signal");
	if (reason == FINISH_ABORT)
		text_add_u64(line, SIGABRT);
	else
		text_add(line, "null");
	trace_add_u64(line, "duration_ns", clock_since_start(clock_ticks()));
	trace_add_u64(line, "dropped_events", dropped_events);
	trace_add_u64(line, "dropped_records", losses->records + held_records_lost());
	trace_add_u64(line, "dropped_stacks", losses->stacks);
	trace_writer_end_line();
}

void trace_after_fork(void)
{
	memset(runtimes_written, 0, sizeof(runtimes_written));
	polls_schedule = ops_schedule = (struct trace_schedule){0};
	polls_told = ops_told = 0;
	coverage.dirty = true;
	trace_objects_after_fork();
	trace_writer_after_fork();
}
