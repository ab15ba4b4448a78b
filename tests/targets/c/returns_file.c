/* SPDX-License-Identifier: MIT */
/* Calls every wrapped function of the file system and shows what it returned. */
#include "preload/libc.h"
#include "show.h"

#include <ftw.h>
#include <stdlib.h>
#include <string.h>

static char work[] = "/tmp/returns-XXXXXX";

static void opening(void)
{
	int fd;

	SHOW_GOOD(fd = open("a", O_RDWR | O_CREAT, 0640));
	SHOW(close(fd));
	SHOW(close(fd));
	SHOW_GOOD(fd = open64("b", O_RDWR | O_CREAT | O_EXCL, 0604));
	SHOW(open64("b", O_RDWR | O_CREAT | O_EXCL, 0604));
	close(fd);
	SHOW_GOOD(fd = openat(AT_FDCWD, "c", O_WRONLY | O_CREAT, 0600));
	close(fd);
	SHOW_GOOD(fd = openat64(AT_FDCWD, "d", O_WRONLY | O_CREAT, 0611));
	close(fd);
	SHOW_GOOD(fd = open(".", O_RDWR | O_TMPFILE, 0613));
	close(fd);
	SHOW(open("missing", O_RDONLY));
	SHOW(openat(99, "missing", O_RDONLY));
	SHOW(__open_2("missing", O_RDONLY));
	SHOW(__open64_2("missing", O_RDONLY));
	SHOW(__openat_2(AT_FDCWD, "missing", O_RDONLY));
	SHOW(__openat64_2(AT_FDCWD, "missing", O_RDONLY));
	SHOW_GOOD(fd = creat("e", 0600));
	close(fd);
	SHOW_GOOD(fd = creat64("f", 0600));
	close(fd);
}

static void sizes(void)
{
	int fd = open("a", O_RDWR);
	void *map;

	SHOW(ftruncate(fd, 10));
	SHOW(ftruncate64(fd, 8192));
	SHOW(truncate("a", 4096));
	SHOW(truncate64("missing", 10));
	SHOW(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 100));
	SHOW(fallocate64(99, 0, 0, 100));
	SHOW(posix_fallocate(fd, 0, 4096));
	SHOW(posix_fallocate(99, 0, 4096));
	SHOW(posix_fallocate64(fd, 0, 4096));
	SHOW(fsync(fd));
	SHOW(fdatasync(fd));
	SHOW(fsync(99));
	SHOW(sync_file_range(fd, 0, 10, SYNC_FILE_RANGE_WRITE));
	SHOW(syncfs(99));
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	SHOW(msync(map, 4096, MS_SYNC));
	SHOW(msync((char *)map + 1, 4096, MS_SYNC));
	munmap(map, 4096);
	close(fd);
}

static void status(void)
{
	int fd = open("a", O_RDONLY);
	struct stat info;
	struct stat64 info64;
	struct statx infox;

	SHOW((stat("a", &info), info.st_size));
	SHOW((lstat("a", &info), info.st_mode));
	SHOW((fstat(fd, &info), info.st_nlink));
	SHOW((fstatat(AT_FDCWD, "b", &info, 0), info.st_mode));
	SHOW((stat64("c", &info64), info64.st_mode));
	SHOW((lstat64("d", &info64), info64.st_mode));
	SHOW((fstat64(fd, &info64), info64.st_size));
	SHOW((fstatat64(AT_FDCWD, "a", &info64, 0), info64.st_size));
	SHOW((statx(AT_FDCWD, "a", 0, STATX_SIZE, &infox), infox.stx_size));
	SHOW(stat("missing", &info));
	SHOW(fstat(99, &info));
#ifdef __x86_64__
	SHOW((__xstat(1, "a", &info), info.st_size));
	SHOW((__lxstat(1, "a", &info), info.st_size));
	SHOW((__fxstat(1, fd, &info), info.st_size));
	SHOW((__fxstatat(1, AT_FDCWD, "a", &info, 0), info.st_size));
	SHOW((__xstat64(1, "a", &info64), info64.st_size));
	SHOW((__lxstat64(1, "a", &info64), info64.st_size));
	SHOW((__fxstat64(1, fd, &info64), info64.st_size));
	SHOW(__fxstatat64(1, AT_FDCWD, "missing", &info64, 0));
#endif
	SHOW(access("a", R_OK));
	SHOW(access("missing", R_OK));
	SHOW(faccessat(AT_FDCWD, "a", F_OK, 0));
	SHOW(chmod("a", 0600));
	SHOW(fchmod(fd, 0604));
	SHOW(fchmodat(AT_FDCWD, "missing", 0600, 0));
	close(fd);
}

static void names(void)
{
	char data[4096];

	SHOW(rename("b", "b2"));
	SHOW(renameat(AT_FDCWD, "b2", AT_FDCWD, "b3"));
	SHOW(renameat2(AT_FDCWD, "b3", AT_FDCWD, "a", RENAME_NOREPLACE));
	SHOW(link("a", "a-link"));
	SHOW(linkat(AT_FDCWD, "a", AT_FDCWD, "a-link", 0));
	SHOW(symlink("target", "s"));
	SHOW(symlinkat("target", AT_FDCWD, "s"));
	SHOW(readlink("s", data, sizeof(data)));
	SHOW(readlinkat(AT_FDCWD, "s", data, sizeof(data)));
	SHOW(__readlink_chk("s", data, sizeof(data), sizeof(data)));
	SHOW(__readlinkat_chk(AT_FDCWD, "missing", data, sizeof(data), sizeof(data)));
	SHOW(realpath("missing", data) == NULL);
	SHOW(strcmp(realpath(".", data), work));
	SHOW(strcmp(__realpath_chk("/tmp/..", data, sizeof(data)), "/"));
	SHOW(unlink("s"));
	SHOW(unlink("s"));
	SHOW(unlinkat(AT_FDCWD, "a-link", 0));
	SHOW(mkdir("dir", 0700));
	SHOW(mkdir("dir", 0700));
	SHOW(mkdirat(AT_FDCWD, "dir2", 0700));
	SHOW(rmdir("dir2"));
	SHOW(remove("dir"));
	SHOW(remove("dir"));
}

static int no_dots(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int no_dots64(const struct dirent64 *entry)
{
	return entry->d_name[0] != '.';
}

static void directories(void)
{
	DIR *dir;
	struct dirent **list;
	struct dirent64 **list64;
	int count = 0;

	SHOW(opendir("missing") == NULL);
	SHOW((dir = opendir(".")) != NULL);
	while (readdir(dir))
		count++;
	SHOW(count);
	SHOW(readdir(dir) == NULL);
	rewinddir(dir);
	SHOW(readdir64(dir) != NULL);
	closedir(dir);
	SHOW(scandir(".", &list, no_dots, alphasort));
	printf("first: %s\n", list[0]->d_name);
	SHOW(scandir64(".", &list64, no_dots64, alphasort64));
	SHOW(scandir("missing", &list, no_dots, alphasort));
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *at)
{
	return remove(path);
}

int main(void)
{
	umask(0);
	if (!mkdtemp(work) || chdir(work))
		return 1;
	opening();
	sizes();
	status();
	names();
	directories();
	sync();
	return nftw(work, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}
