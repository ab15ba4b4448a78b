/* SPDX-License-Identifier: MIT */
/*
 * The C++ half of throw.c. Only this library needs libstdc++ and libgcc_s, so that they come late in
 * the order in which symbols are looked up.
 */
#include <cstdio>
#include <dirent.h>
#include <pthread.h>
#include <stdexcept>
#include <string>
#include <unistd.h>

static int throwing(const struct dirent *)
{
	throw std::runtime_error("from scandir");
}

struct guard {
	const char *name;
	~guard()
	{
		std::printf("unwound %s\n", name);
	}
};

static void through_wrapper(int depth)
{
	guard here = {depth ? "outer" : "inner"};
	struct dirent **list;

	if (depth)
		through_wrapper(depth - 1);
	else
		scandir("/", &list, throwing, nullptr);
}

static void *cancelled(void *)
{
	guard here = {"cancelled thread"};

	for (;;)
		pause();
	return nullptr;
}

extern "C" int thrower_run(void)
{
	pthread_t thread;
	int caught = 0;

	for (int i = 0; i < 3; i++) {
		try {
			throw std::out_of_range("plain");
		} catch (const std::logic_error &error) {
			caught += std::string(error.what()) == "plain";
		}
	}
	try {
		through_wrapper(1);
	} catch (const std::runtime_error &error) {
		caught += std::string(error.what()) == "from scandir";
	}
	pthread_create(&thread, nullptr, cancelled, nullptr);
	usleep(20000);
	pthread_cancel(thread);
	pthread_join(thread, nullptr);
	std::printf("caught %d\n", caught);
	return caught == 4;
}
