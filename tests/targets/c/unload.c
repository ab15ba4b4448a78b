/* SPDX-License-Identifier: MIT */
/*
 * Loads an object, starts a thread, unloads the object, and starts threads again when the library
 * would look at what was loaded a second time; then the same while other threads start threads.
 * usage: unload PLUGIN
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static volatile int stop;

static void *nothing(void *unused)
{
	return unused;
}

static void start_thread(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, nothing, NULL);
	pthread_join(thread, NULL);
}

static void *start_threads(void *unused)
{
	while (!stop)
		start_thread();
	return unused;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	for (int i = 0; i < 3; i++) {
		void *handle = dlopen(argv[1], RTLD_NOW);

		if (!handle)
			return 1;
		start_thread();
		dlclose(handle);
		usleep(150000);
		start_thread();
	}
	pthread_create(&thread, NULL, start_threads, NULL);
	for (int i = 0; i < 300; i++) {
		void *handle = dlopen(argv[1], RTLD_NOW);

		usleep(300);
		dlclose(handle);
	}
	stop = 1;
	pthread_join(thread, NULL);
	puts("unloaded");
	return 0;
}
