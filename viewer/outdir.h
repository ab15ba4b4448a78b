/* SPDX-License-Identifier: MIT */
/* The directory that a recording goes into, and the earlier one that it displaces. */
#ifndef OVERSTAY_OUTDIR_H
#define OVERSTAY_OUTDIR_H

#define OUTDIR_REASON_SIZE 512

/*
 * Makes an empty directory at `path`. One that is there with traces becomes `path`.old, in place of
 * an older `path`.old. Nothing but traces (overstay-*.jsonl) is ever moved or deleted. Returns 0
 * and the absolute path (malloc'd); -EEXIST when something foreign is in the way; another -errno
 * when the directory cannot be made or written. `reason` then says why.
 */
int outdir_prepare(const char *path, char **ret_absolute, char reason[OUTDIR_REASON_SIZE]);

#endif
