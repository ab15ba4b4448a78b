/* SPDX-License-Identifier: MIT */
/*
 * Interrupts blocking functions by a signal: with EINTR, with a restart, and by jumping out of the
 * handler, after which the same function must still work.
 */
#include "preload/libc.h"
#include "show.h"

#include <linux/futex.h>
#include <setjmp.h>
#include <string.h>
#include <sys/syscall.h>

static int ends[2];
static char data[64];
static struct pollfd fds = {.events = POLLIN};
static struct epoll_event event;
static int epoll;
static sem_t sem;
static uint32_t word;
static const struct timespec long_time = {100, 0}, far_future = {4000000000, 0};
static volatile sig_atomic_t handled;
static sigjmp_buf out;

static void count(int number)
{
	/* The handler itself calls wrapped functions inside the interrupted one. */
	int saved = errno;
	int fd = open("/dev/null", O_RDONLY);

	close(fd);
	errno = saved;
	handled++;
}

static void jump(int number)
{
	siglongjmp(out, 1);
}

static void *send_signals(void *main_thread)
{
	for (;;) {
		usleep(20000);
		pthread_kill(*(pthread_t *)main_thread, SIGUSR1);
	}
	return NULL;
}

static void *send_byte(void *unused)
{
	usleep(100000);
	return (void *)write(ends[1], "x", 1);
}

static void install(void (*handler)(int), int flags)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = flags};

	sigaction(SIGUSR1, &action, NULL);
}

static void interrupted(void)
{
	struct timespec left = {0};
	sigset_t none;

	sigemptyset(&none);
	install(count, 0);
	SHOW(read(ends[0], data, 1));
	SHOW(nanosleep(&long_time, &left));
	SHOW(left.tv_sec > 90);
	SHOW(clock_nanosleep(CLOCK_MONOTONIC, 0, &long_time, NULL));
	SHOW(usleep(50000000));
	SHOW(sleep(100) > 90);
	SHOW(pause());
	SHOW(sigsuspend(&none));
	SHOW(poll(&fds, 1, -1));
	SHOW(select(0, NULL, NULL, NULL, NULL));
	SHOW(epoll_wait(epoll, &event, 1, -1));
	SHOW(sem_wait(&sem));
	SHOW(sem_timedwait(&sem, &far_future));
	SHOW(syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &long_time));
	SHOW(syscall(SYS_nanosleep, &long_time, NULL));
	SHOW(handled >= 14);
}

static void restarted(void)
{
	pthread_t thread;

	install(count, SA_RESTART);
	pthread_create(&thread, NULL, send_byte, NULL);
	SHOW(read(ends[0], data, 1));
	pthread_join(thread, NULL);
}

#define JUMP_OUT(call)                                                                             \
	do {                                                                                       \
		if (!sigsetjmp(out, 1)) {                                                          \
			(void)!(call);                                                             \
			puts(#call ": returned");                                                  \
		} else {                                                                           \
			puts(#call ": jumped out");                                                \
		}                                                                                  \
	} while (0)

static void jumped_out(void)
{
	install(jump, 0);
	JUMP_OUT(read(ends[0], data, 1));
	JUMP_OUT(nanosleep(&long_time, NULL));
	JUMP_OUT(poll(&fds, 1, -1));
	JUMP_OUT(epoll_wait(epoll, &event, 1, -1));
	JUMP_OUT(sem_wait(&sem));
	JUMP_OUT(syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL));
	install(SIG_IGN, 0);
	SHOW(write(ends[1], "x", 1));
	SHOW(read(ends[0], data, 1));
}

int main(void)
{
	pthread_t self = pthread_self(), sender;

	if (pipe(ends))
		return 2;
	fds.fd = ends[0];
	epoll = epoll_create1(0);
	sem_init(&sem, 0, 0);
	install(count, 0);
	pthread_create(&sender, NULL, send_signals, &self);
	interrupted();
	restarted();
	jumped_out();
	pthread_cancel(sender);
	return pthread_join(sender, NULL);
}
