/* SPDX-License-Identifier: MIT */
/*
 * Loads and unloads an object that calls wrapped functions, in each mode, and starts what a runtime
 * starts first. The program's own dlerror state must survive the library's look-ups.
 * usage: dlopen PLUGIN
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void *run(void *work)
{
	int (*function)(void);

	memcpy(&function, work, sizeof(function));
	return (void *)(long)function();
}

int main(int argc, char **argv)
{
	static const int modes[] = {RTLD_NOW, RTLD_LAZY | RTLD_LOCAL, RTLD_NOW | RTLD_GLOBAL,
				    RTLD_NOW | RTLD_DEEPBIND};

	dlopen("/missing.so", RTLD_NOW);
	usleep(1);
	printf("error kept: %d\n", dlerror() != NULL);
	for (unsigned i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		void *handle = dlopen(argv[1], modes[i]);
		void *work = handle ? dlsym(handle, "plugin_work") : NULL;
		void *result = NULL;
		pthread_t thread;

		if (!work)
			return 1;
		pthread_create(&thread, NULL, run, &work);
		pthread_join(thread, &result);
		close(epoll_create1(0));
		close(eventfd(0, 0));
		printf("plugin: worked, %ld\n", (long)result);
		dlclose(handle);
	}
	return 0;
}
