/* SPDX-License-Identifier: MIT */
/*
 * Ends threads in every way while they use wrapped functions: by return, by pthread_exit, with
 * thread-specific destructors that block, detached; and the process by its last thread.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static pthread_key_t key;
static int ends[2];
static int destroyed;

static void nap(void)
{
	nanosleep(&(struct timespec){0, 2000000}, NULL);
}

static void destroy(void *value)
{
	char byte = 'd';

	nap();
	if (write(ends[1], &byte, 1) == 1 && read(ends[0], &byte, 1) == 1)
		__atomic_add_fetch(&destroyed, 1, __ATOMIC_RELAXED);
}

static void *run(void *way)
{
	pthread_setspecific(key, way);
	nap();
	if (!strcmp(way, "exit"))
		pthread_exit((void *)2);
	return (void *)1;
}

static void *detached(void *unused)
{
	run("return");
	return NULL;
}

static void *last(void *main_thread)
{
	pthread_join(*(pthread_t *)main_thread, NULL);
	nap();
	puts("last thread");
	return NULL;
}

static void at_exit(void)
{
	nap();
	puts("exit handler");
}

int main(void)
{
	static pthread_t self;
	pthread_t thread;
	void *result;
	long sum = 0;

	if (pipe(ends) || atexit(at_exit))
		return 1;
	self = pthread_self();
	pthread_key_create(&key, destroy);
	for (int i = 0; i < 200; i++) {
		pthread_create(&thread, NULL, run, i % 2 ? "exit" : "return");
		if (i % 8 == 0) {
			pthread_t other;

			pthread_create(&other, NULL, detached, NULL);
			pthread_detach(other);
		}
		pthread_join(thread, &result);
		sum += (long)result;
	}
	sleep(1);
	printf("sum %ld, destroyed %d\n", sum, destroyed);
	pthread_create(&thread, NULL, last, &self);
	pthread_exit(NULL);
}
