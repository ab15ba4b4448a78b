/* SPDX-License-Identifier: MIT */
/*
 * Knowledge of one async runtime: how to recognise it in a loaded object and hook its polls.
 * A new runtime is one file in adapters/ and one row in adapter.c.
 */
#ifndef OVERSTAY_ADAPTER_H
#define OVERSTAY_ADAPTER_H

#include "runtime/images.h"

struct adapter {
	const char *name; /* as in the trace's `runtime` line */
	/*
	 * Looks for the runtime in one newly loaded object, hooks it and adds it to the coverage.
	 * Runs on the holder of the object lock, in the target, possibly while other threads run.
	 */
	void (*examine)(unsigned index, struct image *image);
};

extern const struct adapter *const adapters[]; /* ends with NULL */

extern const struct adapter tokio_adapter;

#endif
