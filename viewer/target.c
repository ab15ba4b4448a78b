/* SPDX-License-Identifier: MIT */
/* Search in PATH, scripts, ELF headers, privileges; and the search for the library. */
#include "target.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "memory.h"

/* The kernel follows a script's interpreter that is a script itself, but not forever. */
#define SCRIPT_DEPTH_MAX 5

__attribute__((format(printf, 3, 4))) static int fail(char *reason, int error, const char *format,
						      ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(reason, TARGET_REASON_SIZE, format, args);
	va_end(args);
	return error;
}

static bool file_is_runnable(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

static int path_search(const char *command, char path[PATH_MAX], char *reason)
{
	const char *list = getenv("PATH");
	bool denied = false;

	list = list ? list : "/bin:/usr/bin";
	for (;;) {
		size_t length = strcspn(list, ":");

		if (snprintf(path, PATH_MAX, "%.*s%s%s", (int)length, list, length ? "/" : "",
			     command) < PATH_MAX) {
			if (file_is_runnable(path))
				return 0;
			denied = denied || access(path, F_OK) == 0;
		}
		if (!list[length])
			break;
		list += length + 1;
	}
	if (denied)
		return fail(reason, -EACCES, "%s: found in PATH, but it is not executable",
			    command);
	return fail(reason, -ENOENT, "%s: command not found", command);
}

static int command_find(const char *command, char path[PATH_MAX], char *reason)
{
	struct stat status;

	if (!strchr(command, '/'))
		return path_search(command, path, reason);
	if (snprintf(path, PATH_MAX, "%s", command) >= PATH_MAX)
		return fail(reason, -ENAMETOOLONG, "%.64s...: path too long", command);
	if (stat(path, &status) < 0)
		return fail(reason, -errno, "%s: %s", path, strerror(errno));
	if (S_ISDIR(status.st_mode))
		return fail(reason, -EACCES, "%s: is a directory, not a command", path);
	if (!file_is_runnable(path))
		return fail(reason, -EACCES, "%s: not executable (chmod +x?)", path);
	return 0;
}

static int privileges_check(int fd, const char *path, char *reason)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return fail(reason, -errno, "%s: %s", path, strerror(errno));
	if (status.st_mode & S_ISUID || (status.st_mode & S_ISGID && status.st_mode & S_IXGRP))
		return fail(reason, -EPERM,
			    "%s: is set%cid, so the loader ignores preloaded libraries; run a copy "
			    "of it without that bit",
			    path, status.st_mode & S_ISUID ? 'u' : 'g');
	if (getuid() != 0 && fgetxattr(fd, "security.capability", NULL, 0) > 0)
		return fail(reason, -EPERM,
			    "%s: has file capabilities, so the loader ignores preloaded libraries; "
			    "run a copy of it without them",
			    path);
	return 0;
}

static ssize_t head_read(int fd, void *buffer, size_t size, off_t offset)
{
	ssize_t got = pread(fd, buffer, size, offset);

	return got < 0 ? -errno : got;
}

/* Works for both classes: what differs is read by the header's own. */
static bool interpreter_named(int fd, const Elf64_Ehdr *header)
{
	bool wide = header->e_ident[EI_CLASS] == ELFCLASS64;
	const Elf32_Ehdr *narrow = (const Elf32_Ehdr *)header;
	size_t i, count = wide ? header->e_phnum : narrow->e_phnum;
	size_t size = wide ? header->e_phentsize : narrow->e_phentsize;
	off_t offset = wide ? (off_t)header->e_phoff : (off_t)narrow->e_phoff;

	for (i = 0; i < count; i++) {
		uint32_t type; /* the first word in both classes */

		if (head_read(fd, &type, sizeof(type), offset + (off_t)(i * size)) !=
		    (ssize_t)sizeof(type))
			return false;
		if (type == PT_INTERP)
			return true;
	}
	return false;
}

static bool head_is_elf(const void *head, ssize_t got)
{
	return got >= (ssize_t)sizeof(Elf32_Ehdr) && memcmp(head, ELFMAG, SELFMAG) == 0;
}

static int elf_check(int fd, const Elf64_Ehdr *header, const char *path, const char *library,
		     char *reason)
{
	Elf64_Ehdr wanted;
	int library_fd = open(library, O_RDONLY | O_CLOEXEC);
	ssize_t got = library_fd < 0 ? -errno : head_read(library_fd, &wanted, sizeof(wanted), 0);

	if (library_fd >= 0)
		close(library_fd);
	if (!head_is_elf(&wanted, got))
		return fail(reason, -ENOEXEC, "%s: not a shared library", library);
	/* e_machine sits at the same place in both classes. */
	if (header->e_ident[EI_CLASS] != wanted.e_ident[EI_CLASS] ||
	    header->e_machine != wanted.e_machine)
		return fail(reason, -EXDEV,
			    "%s: made for another architecture than liboverstay.so; build it for "
			    "this one",
			    path);
	if (!interpreter_named(fd, header))
		return fail(reason, -ENOEXEC,
			    "%s: statically linked, so nothing can be preloaded; build it for a "
			    "target with dynamic linking, such as x86_64-unknown-linux-gnu",
			    path);
	return 0;
}

/* Replaces `path` by the interpreter of the script whose first bytes are in `head`. */
static int script_interpreter(const char *head, char path[PATH_MAX], char *reason)
{
	const char *name = head + 2;
	size_t length;

	name += strspn(name, " \t");
	length = strcspn(name, " \t\r\n");
	if (!length || length >= PATH_MAX)
		return fail(reason, -ENOEXEC, "%s: names no interpreter after #!", path);
	memcpy(path, name, length);
	path[length] = '\0';
	if (!file_is_runnable(path))
		return fail(reason, -ENOENT, "%s: interpreter not found or not executable", path);
	return 0;
}

static int file_check(char path[PATH_MAX], const char *library, int depth, char *reason)
{
	union {
		char text[512];
		Elf64_Ehdr elf;
	} head = {{0}};
	int r, fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got;

	/* Executable but not readable: the kernel can run it, and nobody else can look into it. */
	if (fd < 0)
		return errno == EACCES ? 0 : fail(reason, -errno, "%s: %s", path, strerror(errno));
	got = head_read(fd, &head, sizeof(head) - 1, 0);
	if (got < 0)
		r = fail(reason, (int)got, "%s: %s", path, strerror((int)-got));
	else if (head_is_elf(&head, got) && (r = privileges_check(fd, path, reason)) == 0)
		r = elf_check(fd, &head.elf, path, library, reason);
	else if (head_is_elf(&head, got))
		r = -EPERM;
	else if (depth == SCRIPT_DEPTH_MAX)
		r = fail(reason, -ELOOP, "%s: too many interpreters of interpreters", path);
	else if (got >= 2 && memcmp(head.text, "#!", 2) == 0)
		r = script_interpreter(head.text, path, reason);
	else if (memchr(head.text, '\0', (size_t)got))
		r = fail(reason, -ENOEXEC, "%s: neither a program nor a script", path);
	else /* execvp gives what the kernel refuses to the shell */
		r = script_interpreter("#!/bin/sh", path, reason);
	close(fd);
	if (r == 0 && !head_is_elf(&head, got))
		return file_check(path, library, depth + 1, reason);
	return r;
}

int target_check(const char *command, const char *library, char reason[TARGET_REASON_SIZE])
{
	char path[PATH_MAX];
	int r;

	if (!*command)
		return fail(reason, -ENOENT, "the command is empty");
	r = command_find(command, path, reason);
	if (r < 0)
		return r;
	return file_check(path, library, 0, reason);
}

static char *library_beside(const char *relative)
{
	char program[PATH_MAX], *slash, *path, *real;
	ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);

	if (length < 0)
		return NULL;
	program[length] = '\0';
	slash = strrchr(program, '/');
	if (!slash)
		return NULL;
	*slash = '\0';
	path = memory_format("%s/%s", program, relative);
	real = realpath(path, NULL);
	free(path);
	return real;
}

int target_find_library(char **ret_path, char reason[TARGET_REASON_SIZE])
{
	static const char *const places[] = {
		"preload/liboverstay.so",
		OVERSTAY_LIBRARY_RELATIVE "/liboverstay.so",
		"../lib/overstay/liboverstay.so",
	};
	const char *wanted = getenv("OVERSTAY_LIBRARY");
	char *path = NULL;
	size_t i;
	int r;

	if (wanted && *wanted) {
		path = realpath(wanted, NULL);
		if (!path)
			return fail(reason, -ENOENT, "OVERSTAY_LIBRARY=%s: %s", wanted,
				    strerror(errno));
	}
	for (i = 0; !path && i < sizeof(places) / sizeof(places[0]); i++)
		path = library_beside(places[i]);
	if (!path)
		return fail(reason, -ENOENT,
			    "liboverstay.so not found beside this program; say where it is with "
			    "OVERSTAY_LIBRARY");
	if (strpbrk(path, " :")) {
		r = fail(reason, -EINVAL,
			 "%s: the loader cannot preload from a path with a space or a colon; copy "
			 "the library and set OVERSTAY_LIBRARY",
			 path);
		free(path);
		return r;
	}
	*ret_path = path;
	return 0;
}
