/* SPDX-License-Identifier: MIT */
/*
 * A program with an allocator of its own that, as jemalloc does, opens and reads files, takes a
 * mutex and uses `syscall` while it sets itself up, inside the first allocation of the process,
 * whoever makes it.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define HEADER 16

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char arena[8 << 20] __attribute__((aligned(16)));
static size_t used;
static __thread int depth;
static int deepest, files_read;

static void look_around(void)
{
	struct stat info;
	char text[16];
	int ends[2], fd = open("/proc/sys/vm/overcommit_memory", O_RDONLY | O_CLOEXEC);

	files_read += read(fd, text, sizeof(text)) > 0;
	close(fd);
	fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/maps", O_RDONLY, 0);
	files_read += pread(fd, text, sizeof(text), 0) > 0;
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	fstat(fd, &info);
	close(fd);
	if (!pipe(ends)) {
		files_read += write(ends[1], "x", 1) == 1 && read(ends[0], text, 1) == 1;
		close(ends[0]);
		close(ends[1]);
	}
}

/* Looks around on every allocation: the lock is recursive by hand, as a real one would have to be.
 */
static void *take(size_t size)
{
	char *memory;

	if (++depth > deepest)
		deepest = depth;
	if (depth == 1) {
		pthread_mutex_lock(&lock);
		look_around();
	}
	size = (size + HEADER + 15) & ~(size_t)15;
	memory = arena + used;
	used += size;
	if (used > sizeof(arena))
		_exit(99);
	memcpy(memory, &size, sizeof(size));
	if (depth == 1)
		pthread_mutex_unlock(&lock);
	depth--;
	return memory + HEADER;
}

void *malloc(size_t size)
{
	return take(size);
}

void *calloc(size_t count, size_t size)
{
	return take(count * size); /* never reused, so zero */
}

void *realloc(void *old, size_t size)
{
	void *fresh = take(size);
	size_t old_size;

	if (old) {
		memcpy(&old_size, (char *)old - HEADER, sizeof(old_size));
		memcpy(fresh, old, old_size - HEADER < size ? old_size - HEADER : size);
	}
	return fresh;
}

void free(void *memory)
{
}

int main(void)
{
	void *memory = malloc(100);

	printf("allocated: %d\n", memory != NULL);
	printf("files read: %d\n", files_read > 0 && files_read % 3 == 0);
	printf("missing symbol: %d\n", dlsym(RTLD_DEFAULT, "no_such_symbol") == NULL);
	printf("error text: %d\n", dlerror() != NULL);
	printf("errno: %d\n", close(-1) == -1 && errno == EBADF);
	return 0;
}
