/* SPDX-License-Identifier: MIT */
/*
 * Follows the locks of an image with a runtime in it: finds its lock instructions and functions and
 * puts trampolines in their place.
 */
#ifndef OVERSTAY_LOCK_PATCH_H
#define OVERSTAY_LOCK_PATCH_H

#include "runtime/images.h"

/*
 * Runs on the holder of the object lock. Does nothing but say so in the coverage when the
 * process has other threads already. Once per object.
 */
void lock_patch_image(struct image *image);

#endif
