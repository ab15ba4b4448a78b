/* SPDX-License-Identifier: MIT */
/* Says in sentences what of an inspected binary will not be seen. */
#include <stdarg.h>

#include "inspect.h"
#include "memory.h"
#include "runtime/coverage.h"

__attribute__((format(printf, 2, 3))) static void add(struct inspection *inspection,
						      const char *format, ...)
{
	char text[512];
	va_list args;

	if (inspection->blind_spot_count == INSPECT_BLIND)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	inspection->blind_spots[inspection->blind_spot_count++] = memory_format("%s", text);
}

static void add_runtimes(struct inspection *inspection)
{
	size_t i;

	if (!inspection->layout)
		add(inspection, "%s", coverage_sentence(BLIND_NO_RUNTIME));
	if (!inspection->layout && inspection->tokio_version)
		add(inspection, "Tokio %s is in this binary, but none of its tasks were recognised",
		    inspection->tokio_version);
	for (i = 0; i < inspection->crate_count; i++) {
		const struct inspected_crate *crate = &inspection->crates[i];

		if (!crate->on_tokio)
			add(inspection,
			    "%s%s%s is recognised but not supported: polls of its tasks are not "
			    "seen",
			    crate->name, crate->version ? " " : "",
			    crate->version ? crate->version : "");
	}
}

static void add_calls(struct inspection *inspection)
{
	/* In a static program these are libc's. */
	if (inspection->direct_calls && inspection->file.kind != ELF_FILE_STATIC)
		add(inspection,
		    "%zu place%s direct system calls (rustix or similar); calls made there are not "
		    "seen",
		    inspection->direct_calls,
		    inspection->direct_calls == 1 ? " looks like it makes" : "s look like");
	if (inspection->layout && !inspection->futex_imported)
		add(inspection,
		    "this binary does not import `syscall`: waits for locks that its own "
		    "code makes are not seen");
	if (inspection->layout &&
	    (!inspection->entered_known || inspection->file.kind == ELF_FILE_LIBRARY))
		add(inspection, "%s", coverage_sentence(BLIND_ROOT_BY_SYMBOLS));
}

static void add_locks(struct inspection *inspection)
{
	uint32_t skipped = 0;

	if (inspection->locks_blind)
		add(inspection, "%s", inspection->locks_blind);
	for (unsigned type = 0; type < LOCK_TYPES; type++)
		skipped += inspection->locks[type].sites - inspection->locks[type].patched;
	if (skipped)
		add(inspection,
		    "%u place%s where locks are taken or released %s left alone: what is held "
		    "there "
		    "is not seen",
		    skipped, skipped == 1 ? "" : "s", skipped == 1 ? "is" : "are");
}

static void add_symbols(struct inspection *inspection)
{
	if (inspection->symbols == SYMBOL_DETAIL_NONE)
		add(inspection, "there are no symbols: functions and task types of this binary "
				"cannot be named, findings say where by address");
	else if (inspection->symbols == SYMBOL_DETAIL_NAMES)
		add(inspection, "there are no line tables: findings name functions, without source "
				"lines and inlined calls");
}

void inspect_find_blind_spots(struct inspection *inspection)
{
	if (inspection->preload == PRELOAD_NO)
		add(inspection, "nothing of this binary can be seen: %s", inspection->reason);
	add_runtimes(inspection);
	add_calls(inspection);
	add_locks(inspection);
	add_symbols(inspection);
}
