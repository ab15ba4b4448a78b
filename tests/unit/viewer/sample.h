/* SPDX-License-Identifier: MIT */
/* Stacks and traces for the viewer's unit tests, made from text. */
#ifndef OVERSTAY_SAMPLE_H
#define OVERSTAY_SAMPLE_H

#include "viewer/load.h"
#include "viewer/report.h"

/* A stack of the named functions, innermost first; NULL for a frame without a symbol. */
#define sample_stack(...)                                                                          \
	sample_stack_of((const char *const[]){__VA_ARGS__},                                        \
			sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))
const struct stack *sample_stack_of(const char *const *functions, size_t count);

/* A header line, the coverage of an attached process and one module; to start a trace with. */
extern const char sample_start[];

/* Writes the texts, one after the other, to a file that is deleted when the test ends. */
const char *sample_file(const char *first, const char *second);

/* Loads sample_start followed by `lines`; the test fails when that does not load. */
struct trace *sample_trace(const char *lines);

/* Judges sample_start followed by `lines`. The report lives until the process ends. */
const struct report *sample_report(const char *lines);

#endif
