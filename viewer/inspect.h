/* SPDX-License-Identifier: MIT */
/* What would be seen in a program, and what not, found out from its file alone. */
#ifndef OVERSTAY_INSPECT_H
#define OVERSTAY_INSPECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "runtime/adapters/tokio_vtables.h"
#include "runtime/coverage.h"
#include "viewer/elf_file.h"
#include "viewer/symbols/symbols.h"

enum preload_answer {
	PRELOAD_YES,
	PRELOAD_NO,
	PRELOAD_DEPENDS, /* a shared library: on the program that loads it */
};

struct inspected_task {
	uint64_t vtable, poll, dealloc; /* addresses in the image; `dealloc` may be 0 */
	enum tokio_task_class class;
	char *name, *file; /* NULL when not known */
	int line;
};

/* Another async runtime than Tokio itself; one row of a fixed list. */
struct inspected_crate {
	const char *name;
	char *version; /* NULL when not known */
	bool on_tokio; /* its tasks are Tokio's, and seen as such */
};

#define INSPECT_CRATES 8
#define INSPECT_BLIND  20

struct inspection {
	const char *path;
	struct elf_file file;
	enum preload_answer preload;
	char *reason; /* why not, or what it depends on; NULL for PRELOAD_YES */
	enum symbol_detail symbols;
	const char *layout;           /* of Tokio's vtables; NULL: no Tokio was recognised */
	char *tokio_version;          /* NULL when not known */
	struct inspected_task *tasks; /* tasks first, blocking ones last; each by name */
	size_t task_count;
	size_t class_counts[TOKIO_UNKNOWN + 1];
	bool entered_known; /* the byte in which Tokio notes that a thread is inside block_on */
	bool futex_imported;
	size_t direct_calls;
	struct coverage_locks locks[LOCK_TYPES];
	const char *locks_blind; /* why none were looked for, or NULL */
	struct inspected_crate crates[INSPECT_CRATES];
	size_t crate_count;
	char *blind_spots[INSPECT_BLIND]; /* sentences */
	size_t blind_spot_count;
};

/*
 * Inspects the file at `path`, which must live as long as the result. Returns 0, or a negative
 * errno and says in `reason` why the file is of no use. Free with inspect_fini.
 */
int inspect_file(const char *path, struct inspection *inspection,
		 char reason[ELF_FILE_REASON_SIZE]);
void inspect_fini(struct inspection *inspection);

/* "x86_64" or "aarch64". */
const char *inspect_machine(uint16_t machine);

/* Fills in `crates`. */
void inspect_find_crates(struct inspection *inspection, struct symbol_module *module);

/* Fills in `locks`, where a runtime was recognised. */
void inspect_find_locks(struct inspection *inspection);

/* Fills in `blind_spots`, from everything else. */
void inspect_find_blind_spots(struct inspection *inspection);

/* Writes one JSON document; returns 0 or -EIO. */
int inspect_json(const struct inspection *inspection, FILE *out);

/* Writes text for people; `all`: also the task types after the first 20. */
void inspect_text(const struct inspection *inspection, FILE *out, bool all);

#endif
