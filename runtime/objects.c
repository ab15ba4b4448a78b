/* SPDX-License-Identifier: MIT */
/*
 * From loaded objects to hooked runtimes.
 * Runs on: the constructor, threads about to create a runtime, the collector.
 */
#include "objects.h"

#include <pthread.h>
#include <signal.h>

#include "runtime/adapter.h"
#include "runtime/clock.h"
#include "runtime/coverage.h"
#include "runtime/held.h"
#include "runtime/images.h"
#include "runtime/lock_patch.h"
#include "runtime/recording.h"
#include "runtime/sys.h"
#include "runtime/thread.h"
#include "runtime/trace.h"
#include "runtime/unwind.h"

struct recording recording;

static struct engine_host host;
static const struct config *config;
static uint32_t lock;
static bool ready; /* the constructor has been through */

/*
 * The dynamic loader's list lock after a fork: another thread may have held it, and then nobody
 * ever releases it in the child. A thread of its own finds out, and at worst waits alone.
 */
static uint32_t loader;
enum loader { LOADER_FREE, LOADER_UNKNOWN, LOADER_ASKED };
static bool forks_alone; /* the process had one thread when it forked */

static bool try_lock(void)
{
	return __atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE) == 0;
}

static void unlock(void)
{
	__atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
}

/* The unwinder and the clock are for processes with a runtime; others are left as they are. */
static void start_recording(void)
{
	clock_start();
	coverage.stacks = unwind_start();
	coverage_set_blind(BLIND_NO_STACKS, !coverage.stacks);
	recording.threshold = clock_ticks_of(config->threshold_ns);
	recording.threshold_ns = config->threshold_ns;
	recording.stall_ns = config->stall_ns;
	recording.long_poll = clock_ticks_of(config->long_poll_ns);
	recording.poll_look = recording.long_poll;
	__atomic_store_n(&recording.on, true, __ATOMIC_RELEASE);
	__atomic_store_n(&held_follows, true, __ATOMIC_RELEASE);
}

static void examine(unsigned index, struct image *image)
{
	if (image->self)
		return;
	for (const struct adapter *const *adapter = adapters; *adapter; adapter++)
		(*adapter)->examine(index, image);
	if (index + 1 == IMAGES_MAX)
		coverage_set_blind(BLIND_OBJECTS_LEFT_OUT, true);
}

/*
 * dlopen lists an object before it relocates it, and another thread may look in between. So what
 * was loaded later is examined again after a while; slots that are hooked already are not found
 * again.
 */
static const uint64_t look_again_ns[] = {100000000, 2000000000};
#define LOOKS (1 + sizeof(look_again_ns) / sizeof(*look_again_ns))

static unsigned unsettled; /* objects to be examined again */

static void look_at(unsigned index, struct image *image)
{
	unsigned looks = image->initial ? 1 : LOOKS;
	uint64_t now = clock_kernel_ns(CLOCK_MONOTONIC);

	if (image->looks < looks && (!image->looks || now >= image->next_look_ns)) {
		examine(index, image);
		if (++image->looks < looks)
			image->next_look_ns = now + look_again_ns[image->looks - 1];
	}
	unsettled += image->looks < looks;
}

/*
 * Outside of the walk over objects: the decoder is loaded for this, which takes the loader's locks.
 * Where other threads could close an object meanwhile, nothing is looked at.
 */
static void follow_locks(void)
{
	for (unsigned i = 0; i < images_count(); i++) {
		struct image *image = images_get(i);

		if (!image->hooked || !image->loaded || image->locks_followed)
			continue;
		image->locks_followed = true;
		lock_patch_image(image);
	}
}

static void examine_new(void)
{
	unsettled = 0;
	images_update(look_at);
	follow_locks();
	if (coverage.task_vtables && !recording.on && !coverage.off)
		start_recording();
}

void objects_start(const struct engine_host *engine_host, const struct config *engine_config)
{
	host = *engine_host;
	config = engine_config;
	coverage_set_blind(BLIND_NO_RUNTIME, true);
	coverage_set_blind(BLIND_BAD_SETTING, config->problem != NULL);
	lock = 1;
	examine_new();
	objects_start_trace();
	__atomic_store_n(&ready, true, __ATOMIC_RELEASE);
	unlock();
	if (recording.on)
		engine_watch |= thread_root_watch();
}

void objects_start_trace(void)
{
	if (trace_start(config) < 0) {
		coverage.off = "the trace cannot be written";
		__atomic_store_n(&recording.on, false, __ATOMIC_RELAXED);
	}
}

void objects_check(void)
{
	if (!__atomic_load_n(&ready, __ATOMIC_ACQUIRE) ||
	    __atomic_load_n(&loader, __ATOMIC_ACQUIRE) != LOADER_FREE || !try_lock())
		return;
	if (unsettled || images_changed())
		examine_new();
	unlock();
}

void objects_before_fork(void)
{
	forks_alone = sys_has_one_thread();
}

void objects_after_fork(void)
{
	unlock();
	coverage.stacks = unwind_after_fork();
	loader = forks_alone ? LOADER_FREE : LOADER_UNKNOWN;
	unwind_suspend(!forks_alone);
	coverage_set_blind(BLIND_NO_STACKS, recording.on && !coverage.stacks);
}

static void *ask_loader(void *unused)
{
	held_exclude_thread();
	images_changed();
	unwind_suspend(false);
	__atomic_store_n(&loader, LOADER_FREE, __ATOMIC_RELEASE);
	return NULL;
}

void objects_ask_loader(void)
{
	uint32_t expected = LOADER_UNKNOWN;
	uint64_t mask = ~C_LIBRARY_SIGNALS, before;
	pthread_attr_t attributes;
	pthread_t thread;

	if (!__atomic_compare_exchange_n(&loader, &expected, LOADER_ASKED, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_RELAXED) ||
	    pthread_attr_init(&attributes) != 0)
		return;
	pthread_attr_setstacksize(&attributes, 64u * 1024);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	sys_call4(SYS_rt_sigprocmask, SIG_SETMASK, &mask, &before, sizeof(mask));
	host.pthread_create(&thread, &attributes, ask_loader, NULL);
	sys_call4(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, sizeof(before));
	pthread_attr_destroy(&attributes);
}

const struct engine_host *objects_host(void)
{
	return &host;
}
