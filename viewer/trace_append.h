/* SPDX-License-Identifier: MIT */
/* Lines that the viewer adds to a trace once its process has ended. */
#ifndef OVERSTAY_TRACE_APPEND_H
#define OVERSTAY_TRACE_APPEND_H

#include "model.h"

/*
 * Both cut off a torn last line first, and must only be used when nobody writes to the file any
 * more. They return 0 or -errno; after a failure the file is a good trace still.
 */

/* Appends all names that symbolise found, so that the trace explains itself on any machine. */
int trace_append_symbols(struct trace *trace);

/*
 * Appends the `end` line of a process that could not write its own: killed by `signal`, or, when
 * that is 0, ended with the exit status `status`. Updates the model, too.
 */
int trace_append_end(struct trace *trace, int signal, int status);

#endif
