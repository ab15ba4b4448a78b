/* SPDX-License-Identifier: MIT */
/* Whether a command will load a preloaded library, found out before it runs. */
#ifndef OVERSTAY_TARGET_H
#define OVERSTAY_TARGET_H

#include <stddef.h>

#define TARGET_REASON_SIZE 512

/*
 * Finds `command` as execvp would and checks that the dynamic loader will preload `library` into
 * it: an executable ELF file of the library's machine with an interpreter, no raised privileges;
 * for a script the same of its interpreter. Returns 0; -ENOENT or -EACCES when there is nothing to
 * run, -EXDEV for another machine, -ENOEXEC for a static or damaged file, -EPERM for raised
 * privileges, or the -errno of reading it; then `reason` says what is wrong and what to do.
 */
int target_check(const char *command, const char *library, char reason[TARGET_REASON_SIZE]);

/*
 * Finds liboverstay.so: OVERSTAY_LIBRARY, else beside this program in a build tree, else where it
 * is installed. Returns 0 and its absolute path (malloc'd), or -ENOENT, or -EINVAL when the path
 * has a character at which the loader splits LD_PRELOAD; then `reason` says so.
 */
int target_find_library(char **ret_path, char reason[TARGET_REASON_SIZE]);

#endif
