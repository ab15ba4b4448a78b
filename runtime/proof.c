/* SPDX-License-Identifier: MIT */
/*
 * Evidence that a slow call really blocked.
 * Runs on: application threads.
 */
#include "proof.h"

#include <sys/resource.h>

#include "runtime/sys.h"

static bool seldom_sleeps(enum call_class class)
{
	switch (class) {
	case CLASS_FILE:
	case CLASS_IO:
	case CLASS_PIPE:
	case CLASS_TTY:
	case CLASS_OTHER:
		return true;
	default:
		return false;
	}
}

/* Processor time in microseconds: the kernel scales the two parts to its exact sum. */
static uint64_t processor_us(const struct rusage *usage)
{
	return (uint64_t)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000000u +
	       (uint64_t)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec);
}

static bool read_usage(struct rusage *ret)
{
	return sys_call2(SYS_getrusage, RUSAGE_THREAD, ret) == 0;
}

void proof_begin(struct engine_call *call, enum call_class class)
{
	struct rusage usage;

	if (!seldom_sleeps(class) || !read_usage(&usage))
		return;
	call->has_proof = true;
	call->sleeps = (uint64_t)usage.ru_nvcsw;
	call->processor_us = processor_us(&usage);
}

static bool is_non_blocking(enum call_class class, const struct subject *subject)
{
	long fd = subject->kind == SUBJECT_FD        ? subject->number
		  : subject->kind == SUBJECT_ADDRESS ? (long)subject->extra - 1
						     : -1;
	long flags;

	if (fd < 0 || (class != CLASS_IO && class != CLASS_NET))
		return false;
	flags = sys_call3(SYS_fcntl, fd, F_GETFL, 0);
	return flags >= 0 && (flags & O_NONBLOCK);
}

bool proof_refutes(const struct engine_call *call, enum call_class class,
		   const struct subject *subject, uint64_t threshold_ns)
{
	struct rusage usage;

	if (is_non_blocking(class, subject))
		return true;
	if (!call->has_proof || !read_usage(&usage))
		return false;
	return (uint64_t)usage.ru_nvcsw == call->sleeps &&
	       (processor_us(&usage) - call->processor_us) * 1000 < threshold_ns;
}
