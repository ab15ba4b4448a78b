/* SPDX-License-Identifier: MIT */
/*
 * Cancels a thread inside each blocking function: the thread must end as cancelled and its clean-up
 * handler must have run, which takes an unwinder that gets through the wrapper's frame.
 */
#include "preload/libc.h"

#include <string.h>
#include <sys/syscall.h>

static int ends[2], datagram[2], full[2];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static sem_t sem;
static pthread_t forever_thread;
static const struct timespec long_time = {100, 0}, far_future = {4000000000, 0};
static struct pollfd fds = {.events = POLLIN};
static struct epoll_event event;
static char data[1 << 16];
static struct iovec part = {data, sizeof(data)};
static struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
static int epoll;

#define CASES                                                                                      \
	CASE(read, read(ends[0], data, 1))                                                         \
	CASE(readv, readv(ends[0], &part, 1))                                                      \
	CASE(write, write(full[1], data, sizeof(data)))                                            \
	CASE(writev, writev(full[1], &part, 1))                                                    \
	CASE(recv, recv(datagram[0], data, 1, 0))                                                  \
	CASE(recvfrom, recvfrom(datagram[0], data, 1, 0, NULL, NULL))                              \
	CASE(recvmsg, recvmsg(datagram[0], &message, 0))                                           \
	CASE(nanosleep, nanosleep(&long_time, NULL))                                               \
	CASE(clock_nanosleep, clock_nanosleep(CLOCK_MONOTONIC, 0, &long_time, NULL))               \
	CASE(usleep, usleep(100000000))                                                            \
	CASE(sleep, sleep(100))                                                                    \
	CASE(pause, pause())                                                                       \
	CASE(poll, poll(&fds, 1, -1))                                                              \
	CASE(ppoll, ppoll(&fds, 1, NULL, NULL))                                                    \
	CASE(select, select(0, NULL, NULL, NULL, NULL))                                            \
	CASE(pselect, pselect(0, NULL, NULL, NULL, NULL, NULL))                                    \
	CASE(epoll_wait, epoll_wait(epoll, &event, 1, -1))                                         \
	CASE(epoll_pwait, epoll_pwait(epoll, &event, 1, -1, NULL))                                 \
	CASE(epoll_pwait2, epoll_pwait2(epoll, &event, 1, NULL, NULL))                             \
	CASE(sem_wait, sem_wait(&sem))                                                             \
	CASE(sem_timedwait, sem_timedwait(&sem, &far_future))                                      \
	CASE(sem_clockwait, sem_clockwait(&sem, CLOCK_REALTIME, &far_future))                      \
	CASE(pthread_cond_wait, wait_cond())                                                       \
	CASE(pthread_cond_timedwait, wait_cond_until())                                            \
	CASE(pthread_join, pthread_join(forever_thread, NULL))                                     \
	CASE(waitpid, waitpid(-1, NULL, 0))                                                        \
	CASE(wait4, wait4(-1, NULL, 0, NULL))                                                      \
	CASE(system, system("sleep 0.3"))                                                          \
	CASE(mq, mq_receive(mq_open("/cancel-test", O_RDONLY), data, sizeof(data), NULL))

static void unlock(void *mutex)
{
	pthread_mutex_unlock(mutex);
}

static int wait_cond(void)
{
	pthread_mutex_lock(&lock);
	pthread_cleanup_push(unlock, &lock);
	for (;;)
		pthread_cond_wait(&cond, &lock);
	pthread_cleanup_pop(1);
	return 0;
}

static int wait_cond_until(void)
{
	pthread_mutex_lock(&lock);
	pthread_cleanup_push(unlock, &lock);
	for (;;)
		pthread_cond_timedwait(&cond, &lock, &far_future);
	pthread_cleanup_pop(1);
	return 0;
}

static __thread char *my_name;

static void on_cancel(void *name)
{
	printf("%s: cleaned up, thread local %s\n", (const char *)name,
	       my_name == name ? "kept" : "lost");
}

#define CASE(name, call)                                                                           \
	static void *cancel_##name(void *unused)                                                   \
	{                                                                                          \
		my_name = #name;                                                                   \
		pthread_cleanup_push(on_cancel, my_name);                                          \
		(void)!(call);                                                                     \
		pthread_testcancel();                                                              \
		pthread_cleanup_pop(0);                                                            \
		return NULL;                                                                       \
	}
CASES
#undef CASE

static const struct {
	const char *name;
	void *(*run)(void *);
} cases[] = {
#define CASE(name, call) {#name, cancel_##name},
	CASES
#undef CASE
};

static void *forever(void *unused)
{
	for (;;)
		pause();
	return NULL;
}

static void prepare(void)
{
	struct mq_attr attr = {.mq_maxmsg = 1, .mq_msgsize = 16};

	if (pipe(ends) || pipe(full) || socketpair(AF_UNIX, SOCK_DGRAM, 0, datagram))
		_exit(2);
	fcntl(full[1], F_SETFL, O_NONBLOCK);
	while (write(full[1], data, 4096) > 0)
		;
	fcntl(full[1], F_SETFL, 0);
	epoll = epoll_create1(0);
	fds.fd = ends[0];
	sem_init(&sem, 0, 0);
	mq_open("/cancel-test", O_RDWR | O_CREAT, 0600, &attr);
	pthread_create(&forever_thread, NULL, forever, NULL);
}

int main(void)
{
	pid_t child;

	prepare();
	child = fork();
	if (!child) {
		sleep(60);
		_exit(0);
	}
	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		pthread_t thread;
		void *result = NULL;

		pthread_create(&thread, NULL, cases[i].run, NULL);
		usleep(20000);
		pthread_cancel(thread);
		pthread_join(thread, &result);
		printf("%s: %s\n", cases[i].name,
		       result == PTHREAD_CANCELED ? "cancelled" : "returned");
		fflush(stdout);
	}
	mq_unlink("/cancel-test");
	kill(child, SIGKILL);
	return waitpid(child, NULL, 0) != child;
}
