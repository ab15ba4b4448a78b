/* SPDX-License-Identifier: MIT */
/*
 * Preloaded together with the library: its constructor, which the loader runs first, calls wrapped
 * functions from two threads, and appends "#early" to the file named by WATCH_OUT.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int ready, good = 1;

static void expect(int condition)
{
	good = good && condition;
}

static void *announce(void *unused)
{
	pthread_mutex_lock(&lock);
	ready = 1;
	pthread_cond_signal(&cond);
	pthread_mutex_unlock(&lock);
	return NULL;
}

static void use_everything(void)
{
	struct timespec shortly = {0, 1000}, past = {1, 0};
	struct stat info;
	char text[4];
	int ends[2];

	errno = EXDEV;
	expect(!pipe(ends) && write(ends[1], "abc", 3) == 3 && read(ends[0], text, 3) == 3);
	expect(poll(NULL, 0, 0) == 0 && nanosleep(&shortly, NULL) == 0 && stat("/", &info) == 0);
	expect(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0 && fcntl(ends[0], F_GETFL) & O_NONBLOCK);
	expect(syscall(SYS_getpid) == getpid());
	expect(errno == EXDEV);
	expect(open("/missing", O_RDONLY) == -1 && errno == ENOENT);
	expect(pthread_mutex_lock(&lock) == 0);
	expect(pthread_cond_timedwait(&cond, &lock, &past) == ETIMEDOUT);
	close(ends[0]);
	close(ends[1]);
}

__attribute__((constructor)) static void early(void)
{
	const char *path = getenv("WATCH_OUT");
	pthread_t thread;
	int fd;

	use_everything();
	expect(pthread_create(&thread, NULL, announce, NULL) == 0);
	while (!ready)
		pthread_cond_wait(&cond, &lock);
	pthread_mutex_unlock(&lock);
	expect(pthread_join(thread, NULL) == 0);
	fd = path ? open(path, O_WRONLY | O_APPEND | O_CREAT, 0600) : 2;
	expect(write(fd, good ? "#early\n" : "#spoilt\n", good ? 7 : 8) > 0);
	if (fd != 2)
		close(fd);
}
