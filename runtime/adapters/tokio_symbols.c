/* SPDX-License-Identifier: MIT */
/*
 * Classes of the tasks of Tokio before 1.23.
 * Runs on: the holder of the object lock; poll classification on the runtime's threads.
 */
#include "tokio_symbols.h"

#include "runtime/adapters/tokio_early.h"
#include "runtime/poll.h"
#include "runtime/sys.h"

#define MAX_ROLES 1024

struct role {
	uint64_t start, end; /* run-time addresses */
	enum poll_class class;
};

static struct role *roles;
static unsigned role_count; /* published with release */

static enum poll_class classify(const uint64_t *frames, unsigned count)
{
	unsigned n = __atomic_load_n(&role_count, __ATOMIC_ACQUIRE);

	for (unsigned f = 0; f < count; f++)
		for (unsigned i = 0; i < n; i++)
			if (frames[f] - 1 - roles[i].start < roles[i].end - roles[i].start)
				return roles[i].class;
	return POLL_UNKNOWN;
}

static void add_role(void *context, uint64_t start, uint64_t end, enum tokio_task_class class)
{
	(void)context;
	if (!roles && !(roles = sys_map(sizeof(*roles) * MAX_ROLES)))
		return;
	if (role_count == MAX_ROLES)
		return;
	roles[role_count] =
		(struct role){start, end, class == TOKIO_BLOCKING ? POLL_BLOCKING : POLL_TASK};
	__atomic_store_n(&role_count, role_count + 1, __ATOMIC_RELEASE);
	poll_classify = classify;
}

const char *tokio_hook_by_symbols(struct image *image,
				  void (*found)(void *context, const struct tokio_vtable *),
				  void *context)
{
	const struct tokio_early_visitor visitor = {
		.role = add_role,
		.found = found,
		.context = context,
	};

	return tokio_find_early_vtables(&image->elf, image->path, &visitor);
}
