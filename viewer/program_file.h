/* SPDX-License-Identifier: MIT */
/* What the executable of a recorded process, while its file is there, adds to a report. */
#ifndef OVERSTAY_PROGRAM_FILE_H
#define OVERSTAY_PROGRAM_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "model.h"

/* Executables looked at so far: many processes run the same one. Starts zeroed. */
struct program_files {
	struct program_file *items;
	size_t count, capacity;
};

/*
 * Counts the places in the trace's executable that make system calls past libc, see
 * direct_calls_count. False when its file is not there, or not known to be the one that ran.
 */
bool program_direct_calls(struct program_files *files, const struct trace *trace,
			  size_t *ret_count);

/*
 * True when the trace's executable names its functions, but has no line tables. False as well when
 * its file is not there any more.
 */
bool program_lacks_lines(struct program_files *files, const struct trace *trace);

void program_files_fini(struct program_files *files);

#endif
