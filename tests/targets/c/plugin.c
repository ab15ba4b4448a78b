/* SPDX-License-Identifier: MIT */
/* Loaded by dlopen.c: calls wrapped functions from its constructor, destructor and a function. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int plugin_work(void);

static int use_file(void)
{
	char text[4] = "";
	int fd = open("/proc/self/stat", O_RDONLY);
	int got = (int)read(fd, text, 3);

	return close(fd) ? -1 : got;
}

__attribute__((constructor)) static void load(void)
{
	printf("plugin: loaded, %d\n", use_file());
}

__attribute__((destructor)) static void unload(void)
{
	printf("plugin: unloaded, %d\n", use_file());
}

int plugin_work(void)
{
	return use_file();
}
