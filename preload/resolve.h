/* SPDX-License-Identifier: MIT */
/*
 * Finds the function that a name would have been bound to if this library were not there.
 * Runs on: constructor; any application thread that calls a wrapper before it.
 */
#ifndef OVERSTAY_RESOLVE_H
#define OVERSTAY_RESOLVE_H

/* NULL when the running C library does not have that name. Leaves errno and dlerror alone. */
void *resolve_function(const char *name);

#endif
