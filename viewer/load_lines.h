/* SPDX-License-Identifier: MIT */
/* The lines of a trace, one by one; private to load. */
#ifndef OVERSTAY_LOAD_LINES_H
#define OVERSTAY_LOAD_LINES_H

#include <jansson.h>

#include "model.h"

/*
 * Takes the header line. Returns 0, -EPROTO when it is not one, -EPROTONOSUPPORT when the version
 * is newer than this program.
 */
int load_header(struct trace *trace, const json_t *line);

/*
 * Takes any other line; a kind that is not known is skipped. Returns 0, or -EPROTO when a line of a
 * known kind lacks what it cannot do without.
 */
int load_line(struct trace *trace, const json_t *line);

#endif
