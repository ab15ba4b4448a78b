/* SPDX-License-Identifier: MIT */
/* From trace files to the model. Together with load_lines.c the only place that reads JSON. */
#ifndef OVERSTAY_LOAD_H
#define OVERSTAY_LOAD_H

#include <stddef.h>

#include "model.h"

#define LOAD_REASON_SIZE 256

/* A file that could not be used, and why, ready for a message. */
struct load_failure {
	char *path;
	char reason[LOAD_REASON_SIZE];
};

/* The traces found at one path. */
struct recording {
	struct trace **traces;
	size_t trace_count;
	struct load_failure *failures;
	size_t failure_count;
	/* Private from here. */
	size_t trace_capacity, failure_capacity;
};

/*
 * Reads one trace file. Returns 0 or -errno: that of the file, or -ENODATA (empty, or no complete
 * header), -EPROTO (not a trace, or damaged), -EPROTONOSUPPORT (newer version). On failure `reason`
 * says it in words. The caller frees the trace with model_free.
 */
int load_trace(const char *path, struct trace **ret_trace, char reason[LOAD_REASON_SIZE]);

/*
 * Reads a trace file, or every `overstay-*.jsonl` of a directory in the order of their names.
 * Always leaves a valid recording, to be freed with load_fini; what could not be read, or that
 * there was nothing to read, is in its failures.
 */
void load_recording(const char *path, struct recording *ret_recording);
void load_fini(struct recording *recording);

#endif
