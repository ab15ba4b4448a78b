/* SPDX-License-Identifier: MIT */
/*
 * Says in words what a slow call was about: the kind and name of a descriptor, path or address.
 * Runs on: application threads, after a call that was slow anyway. Raw system calls only.
 */
#ifndef OVERSTAY_SUBJECT_H
#define OVERSTAY_SUBJECT_H

#include "runtime/engine.h"

struct described {
	enum call_class class; /* never CLASS_IO */
	const char *kind;      /* static string of TRACE-FORMAT's `target`, or NULL */
	char name[160];        /* empty when not known; cut when longer */
};

/*
 * Describes `subject` of a call whose table row has class `class`. Costs a few system calls. Never
 * faults, whatever the pointers are.
 */
void subject_describe(const struct subject *subject, enum call_class class, struct described *ret);

#endif
