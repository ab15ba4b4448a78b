/* SPDX-License-Identifier: MIT */
/*
 * Waiting for a processor, per thread.
 * Runs on: the collector.
 */
#include "run_delay.h"

#include <stdbool.h>
#include <string.h>

#include "runtime/clock.h"
#include "runtime/sys.h"
#include "runtime/text.h"
#include "runtime/thread.h"

static void open_statistics(struct run_delay *delay, int tid)
{
	char path[64];
	struct text text;

	text_init(&text, path, sizeof(path));
	text_add(&text, "/proc/self/task/");
	text_add_u64(&text, (uint64_t)tid);
	text_add(&text, "/schedstat");
	text_end(&text);
	delay->fd = sys_open(path, O_RDONLY, 0) + 1;
	if (delay->fd <= 0)
		delay->fd = -1;
}

/* "running waiting slices" */
static bool read_delay(struct thread *thread, uint64_t *ret_ns)
{
	struct run_delay *delay = &thread->run_delay;
	char buffer[96];
	uint64_t value = 0;
	const char *p = buffer;
	long length;

	if (delay->fd == 0)
		open_statistics(delay, thread->tid);
	if (delay->fd < 0)
		return false;
	length = sys_call4(SYS_pread64, delay->fd - 1, buffer, sizeof(buffer) - 1, 0);
	if (length <= 0)
		return false;
	buffer[length] = '\0';
	while (*p && *p != ' ')
		p++;
	for (p += *p == ' '; *p >= '0' && *p <= '9'; p++)
		value = value * 10 + (uint64_t)(*p - '0');
	*ret_ns = value;
	return true;
}

void run_delay_sample(struct thread *thread)
{
	struct run_delay *delay = &thread->run_delay;
	uint64_t activity = thread->poll_stats.count + thread->loop_start + thread->calls;
	uint64_t now_ns;

	if ((delay->samples[0].at && activity == delay->activity) || !read_delay(thread, &now_ns))
		return;
	delay->activity = activity;
	memmove(&delay->samples[1], &delay->samples[0],
		sizeof(delay->samples) - sizeof(delay->samples[0]));
	delay->samples[0].at = clock_ticks();
	delay->samples[0].delay_ns = now_ns;
}

uint64_t run_delay_since(struct thread *thread, uint64_t start)
{
	const struct run_delay *delay = &thread->run_delay;
	uint64_t now_ns, before_ns = 0;

	if (!read_delay(thread, &now_ns))
		return 0;
	for (unsigned i = 0; i < RUN_DELAY_SAMPLES && delay->samples[i].at; i++) {
		before_ns = delay->samples[i].delay_ns;
		if (delay->samples[i].at <= start)
			break;
	}
	return now_ns - before_ns;
}

void run_delay_forget(struct thread *thread)
{
	if (thread->run_delay.fd > 0)
		sys_close(thread->run_delay.fd - 1);
	thread->run_delay = (struct run_delay){0};
}
