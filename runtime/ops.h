/* SPDX-License-Identifier: MIT */
/*
 * The dictionary of wrapped functions, as preload handed it down. Constant after the constructor.
 */
#ifndef OVERSTAY_OPS_H
#define OVERSTAY_OPS_H

#include "runtime/engine.h"

void ops_set(const struct engine_op *ops, unsigned count);
unsigned ops_count(void);
const char *ops_name(unsigned op);
enum call_class ops_class(unsigned op);

/* The word of TRACE-FORMAT for a class. */
const char *ops_class_name(enum call_class class);

#endif
