/* SPDX-License-Identifier: MIT */
/* Counts the lock instructions and functions of a binary that the library would patch. */
#include <elf.h>

#include "inspect.h"
#include "runtime/coverage.h"

#if defined(__x86_64__)
#include "runtime/patch/lock_sites.h"

void inspect_find_locks(struct inspection *inspection)
{
	const struct elf_image *image = &inspection->file.image;
	struct lock_sites sites;

	if (!inspection->layout || inspection->file.machine != EM_X86_64 ||
	    !lock_sites_find(&sites, NULL, image, inspection->path))
		return;
	for (size_t i = 0; i < sites.count; i++)
		coverage_count_lock(&inspection->locks[sites.list[i].type],
				    lock_skip_reason(sites.list[i].skip));
	if (sites.decoder_missing)
		inspection->locks_blind = coverage_sentence(BLIND_LOCKS_NO_DECODER);
	if (sites.unwind_tables_missing)
		inspection->locks_blind = coverage_sentence(BLIND_LOCKS_NO_UNWIND_TABLES);
	lock_sites_free(&sites);
}

#else

void inspect_find_locks(struct inspection *inspection)
{
	if (inspection->layout)
		inspection->locks_blind = coverage_sentence(BLIND_LOCKS_MACHINE);
}

#endif
