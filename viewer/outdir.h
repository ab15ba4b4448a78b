/* SPDX-License-Identifier: MIT */
/* The directory that a recording goes into, and the earlier one that it displaces. */
#ifndef OVERSTAY_OUTDIR_H
#define OVERSTAY_OUTDIR_H

#define OUTDIR_REASON_SIZE 512

/*
 * Makes an empty directory at `path` and locks it until *ret_lock is closed. One that is there with
 * traces becomes `path`.old, in place of an older `path`.old. Nothing but traces (overstay-*.jsonl)
 * is ever moved or deleted. Returns 0 and the absolute path (malloc'd), and a descriptor or -1 in
 * *ret_lock; -EEXIST when something foreign is in the way, -EBUSY when another process has it
 * locked; another -errno when the directory cannot be made or written. `reason` then says why.
 */
int outdir_prepare(const char *path, char **ret_absolute, int *ret_lock,
		   char reason[OUTDIR_REASON_SIZE]);

#endif
