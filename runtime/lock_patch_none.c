/* SPDX-License-Identifier: MIT */
/*
 * Machines whose code is not patched.
 * Runs on: the holder of the object lock.
 */
#include "lock_patch.h"

#include "runtime/coverage.h"

void lock_patch_image(struct image *image)
{
	(void)image;
	coverage_set_blind(BLIND_LOCKS_MACHINE, true);
}
