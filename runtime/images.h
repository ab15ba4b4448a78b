/* SPDX-License-Identifier: MIT */
/*
 * The loaded objects of this process, each with its image, path and build id. Entries are only ever
 * added; an object that was unloaded stays known, so that old stacks keep their meaning.
 *
 * Runs on: whoever holds the object lock of engine.c (constructor, collector, a thread about to
 * create a runtime); images_find and images_get on the collector.
 */
#ifndef OVERSTAY_IMAGES_H
#define OVERSTAY_IMAGES_H

#include "runtime/patch/elf_image.h"

#define IMAGES_MAX 1024

struct image {
	struct elf_image elf;
	char path[512];
	char build_id[65];  /* lower-case hex, empty when the object has none */
	const uint8_t *tls; /* the thread-local block of the thread that found it, or NULL */
	bool self;          /* this library */
	bool initial;       /* was there at the first images_update */
	bool loaded;
	uint8_t looks;         /* how often it was examined */
	uint64_t next_look_ns; /* CLOCK_MONOTONIC; objects.c */
	unsigned walk;         /* the last images_update that met it */
	uint32_t hooked;       /* slots replaced so far */
	bool locks_followed;   /* lock_patch_image has seen it */
};

/*
 * Visits every loaded object, new or known; those that are gone are no longer `loaded`. Takes the
 * dynamic loader's list lock for the walk (dl_iterate_phdr), never while an object's constructor
 * runs. An object's memory may be read only during its visit: afterwards another thread may close
 * it.
 */
void images_update(void (*visited)(unsigned index, struct image *image));

/* True when the loader's list has changed since the last images_update. */
bool images_changed(void);

struct image *images_get(unsigned index);
unsigned images_count(void);

/* Index of the object that covers `address` now (or did last), or -1. */
int images_find(uint64_t address);

#endif
