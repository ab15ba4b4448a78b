/* SPDX-License-Identifier: MIT */
/* Careful replacement of a directory of traces. */
#include "outdir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory.h"

enum content {
	CONTENT_NOTHING, /* no such directory */
	CONTENT_EMPTY,
	CONTENT_TRACES,
	CONTENT_FOREIGN,
};

__attribute__((format(printf, 3, 4))) static int fail(char *reason, int error, const char *format,
						      ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(reason, OUTDIR_REASON_SIZE, format, args);
	va_end(args);
	return error;
}

static bool entry_is_trace(int directory, const struct dirent *entry)
{
	struct stat status;

	return fnmatch("overstay-*.jsonl", entry->d_name, 0) == 0 &&
	       fstatat(directory, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(status.st_mode);
}

/* On CONTENT_FOREIGN, `foreign` takes the name of one thing that is not ours. */
static enum content directory_content(const char *path, char *foreign, size_t size)
{
	enum content content = CONTENT_EMPTY;
	struct dirent *entry;
	struct stat status;
	DIR *directory;

	*foreign = '\0';
	if (lstat(path, &status) < 0)
		return CONTENT_NOTHING; /* whatever else is wrong, making it will tell */
	directory = S_ISDIR(status.st_mode) ? opendir(path) : NULL;
	if (!directory)
		return CONTENT_FOREIGN;
	while (content != CONTENT_FOREIGN && (entry = readdir(directory))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		content = CONTENT_TRACES;
		if (!entry_is_trace(dirfd(directory), entry)) {
			content = CONTENT_FOREIGN;
			snprintf(foreign, size, "%s", entry->d_name);
		}
	}
	closedir(directory);
	return content;
}

/* Only after directory_content found traces, or nothing, in it. */
static int traces_delete(const char *path)
{
	DIR *directory = opendir(path);
	struct dirent *entry;
	int r = 0;

	if (!directory)
		return -errno;
	while ((entry = readdir(directory)))
		if (entry_is_trace(dirfd(directory), entry) &&
		    unlinkat(dirfd(directory), entry->d_name, 0) < 0)
			r = -errno;
	closedir(directory);
	if (r == 0 && rmdir(path) < 0)
		r = -errno;
	return r;
}

static int foreign_fail(char *reason, const char *path, const char *foreign)
{
	if (*foreign)
		return fail(reason, -EEXIST,
			    "%s: holds %s, which is no trace, so it is left alone; choose another "
			    "directory with -o",
			    path, foreign);
	return fail(reason, -EEXIST,
		    "%s: is there and not a directory of traces, so it is left alone; choose "
		    "another with -o",
		    path);
}

static int displace(const char *path, char *reason)
{
	char foreign[256], *old = memory_format("%s.old", path);
	int r = 0;

	switch (directory_content(old, foreign, sizeof(foreign))) {
	case CONTENT_FOREIGN:
		r = foreign_fail(reason, old, foreign);
		break;
	case CONTENT_EMPTY:
	case CONTENT_TRACES:
		r = traces_delete(old);
		if (r < 0)
			fail(reason, r, "%s: cannot be deleted: %s", old, strerror(-r));
		break;
	case CONTENT_NOTHING:
		break;
	}
	if (r == 0 && rename(path, old) < 0)
		r = fail(reason, -errno, "%s: cannot be renamed to %s: %s", path, old,
			 strerror(errno));
	free(old);
	return r;
}

/* Like mkdir -p. */
static int directory_make(const char *path)
{
	char *copy = memory_format("%s", path), *slash = copy;
	int r = 0;

	while (r == 0 && (slash = strchr(slash + 1, '/'))) {
		*slash = '\0';
		if (mkdir(copy, 0777) < 0 && errno != EEXIST)
			r = -errno;
		*slash = '/';
	}
	if (r == 0 && mkdir(path, 0777) < 0)
		r = -errno;
	free(copy);
	return r;
}

/* A directory can be made where a file has no room left; only writing one shows it. */
static int directory_try(const char *path)
{
	char *probe = memory_format("%s/overstay-probe.jsonl", path);
	int fd = open(probe, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), r = 0;
	char block[4096] = "";

	if (fd < 0) {
		r = -errno;
		free(probe);
		return r;
	}
	errno = 0;
	if (write(fd, block, sizeof(block)) != (ssize_t)sizeof(block))
		r = errno ? -errno : -ENOSPC;
	close(fd);
	unlink(probe);
	free(probe);
	return r;
}

/*
 * Locks the directory against other recordings, in place of what *lock holds. Where locks are not
 * to be had, everything goes on without.
 */
static int directory_lock(const char *path, int *lock, char *reason)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat held, named;

	if (*lock >= 0)
		close(*lock);
	*lock = fd;
	if (fd < 0)
		return 0;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		return fail(reason, -EBUSY,
			    "%s: another overstay run is recording into it; choose another "
			    "directory with -o",
			    path);
	/* Another run may have displaced it between making and locking. */
	if (fstat(fd, &held) == 0 && stat(path, &named) == 0 && held.st_ino != named.st_ino)
		return fail(reason, -EBUSY, "%s: another overstay run has just taken it", path);
	return 0;
}

int outdir_prepare(const char *path, char **ret_absolute, int *ret_lock,
		   char reason[OUTDIR_REASON_SIZE])
{
	char foreign[256], *clean = memory_format("%s", path), *absolute = NULL;
	size_t length = strlen(clean);
	int r = 0, lock = -1;

	while (length > 1 && clean[length - 1] == '/')
		clean[--length] = '\0';
	switch (directory_content(clean, foreign, sizeof(foreign))) {
	case CONTENT_FOREIGN:
		r = foreign_fail(reason, clean, foreign);
		goto out;
	case CONTENT_TRACES:
		r = directory_lock(clean, &lock, reason);
		if (r == 0)
			r = displace(clean, reason);
		if (r < 0)
			goto out;
		/* fall through */
	case CONTENT_NOTHING:
		r = directory_make(clean);
		break;
	case CONTENT_EMPTY:
		break;
	}
	if (r == 0) {
		r = directory_lock(clean, &lock, reason);
		if (r < 0)
			goto out;
		r = directory_try(clean);
	}
	if (r == 0)
		absolute = realpath(clean, NULL);
	if (r == 0 && !absolute)
		r = -errno;
	if (r < 0)
		fail(reason, r, "%s: cannot be written: %s", clean, strerror(-r));
	else
		*ret_absolute = absolute;
out:
	if (r < 0 && lock >= 0)
		close(lock);
	*ret_lock = r < 0 ? -1 : lock;
	free(clean);
	return r;
}
