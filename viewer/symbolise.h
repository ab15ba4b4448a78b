/* SPDX-License-Identifier: MIT */
/* Completes a trace with names from the files that its modules were loaded from. */
#ifndef OVERSTAY_SYMBOLISE_H
#define OVERSTAY_SYMBOLISE_H

#include "model.h"

/*
 * Looks up every code position and task type of which the trace says nothing yet, then links the
 * stacks to the result. A module that the trace already judged (a `symbolised` line) is left as it
 * is: the trace was taken, and symbolised, where its files were.
 */
void symbolise(struct trace *trace);

#endif
