/* SPDX-License-Identifier: MIT */
/*
 * Sorting by address, in place and without the C library, whose qsort may allocate.
 * Runs on: the constructor or the holder of the object lock, the viewer.
 */
#ifndef OVERSTAY_ADDRESS_SORT_H
#define OVERSTAY_ADDRESS_SORT_H

#include <stddef.h>

#define ADDRESS_SORT_MAX_ITEM 64

/* Items of `size` bytes that begin with their address, a uint64_t. */
void address_sort(void *items, size_t count, size_t size);

#endif
