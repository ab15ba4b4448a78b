/* SPDX-License-Identifier: MIT */
/* Calls every wrapped lock, thread and sleep function and shows what it returned. */
#include "preload/libc.h"
#include "show.h"

#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>

static const struct timespec past = {1, 0}, shortly = {0, 1000000};
static struct timespec left;

static void sleeps(void)
{
	sigset_t set;
	siginfo_t info;
	int number;

	SHOW(nanosleep(&shortly, &left));
	SHOW(nanosleep(&(struct timespec){0, -1}, NULL));
	SHOW(clock_nanosleep(CLOCK_MONOTONIC, 0, &shortly, NULL));
	SHOW(clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){0, -1}, NULL));
	SHOW(usleep(1000));
	SHOW(sleep(0));
	SHOW(thrd_sleep(&shortly, NULL));
	SHOW(thrd_sleep(&(struct timespec){0, -1}, NULL));
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGUSR1);
	SHOW(sigwait(&set, &number));
	SHOW(number == SIGUSR1);
	raise(SIGUSR1);
	SHOW(sigwaitinfo(&set, &info) == SIGUSR1);
	SHOW(sigtimedwait(&set, &info, &shortly));
}

static void mutexes(void)
{
	pthread_mutex_t lock = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
	mtx_t mtx;

	SHOW(pthread_mutex_lock(&lock));
	SHOW(pthread_mutex_lock(&lock));
	SHOW(pthread_mutex_trylock(&lock));
	SHOW(pthread_mutex_unlock(&lock));
	SHOW(pthread_mutex_timedlock(&lock, &past));
	SHOW(pthread_mutex_timedlock(&lock, &past));
	pthread_mutex_unlock(&lock);
	SHOW(pthread_mutex_clocklock(&lock, CLOCK_MONOTONIC, &past));
	mtx_init(&mtx, mtx_timed);
	SHOW(mtx_lock(&mtx));
	SHOW(mtx_timedlock(&mtx, &past));
	mtx_unlock(&mtx);
}

static void rwlocks(void)
{
	pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;

	SHOW(pthread_rwlock_rdlock(&lock));
	SHOW(pthread_rwlock_timedrdlock(&lock, &past));
	SHOW(pthread_rwlock_clockrdlock(&lock, CLOCK_MONOTONIC, &past));
	SHOW(pthread_rwlock_timedwrlock(&lock, &past));
	SHOW(pthread_rwlock_clockwrlock(&lock, CLOCK_MONOTONIC, &past));
	for (int i = 0; i < 3; i++)
		pthread_rwlock_unlock(&lock);
	SHOW(pthread_rwlock_wrlock(&lock));
	SHOW(pthread_rwlock_wrlock(&lock));
}

static pthread_mutex_t shared = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed;
static int state;

static void *advance(void *unused)
{
	for (int i = 0; i < 2; i++) {
		pthread_mutex_lock(&shared);
		while (state != 2 * i)
			pthread_cond_wait(&changed, &shared);
		state++;
		pthread_cond_broadcast(&changed);
		pthread_mutex_unlock(&shared);
	}
	return (void *)5;
}

/* A condition on the monotonic clock: its layout is the newer version's. */
static void conditions(void)
{
	struct timespec until;
	pthread_condattr_t attr;
	pthread_t thread;
	void *result;
	cnd_t cnd;
	mtx_t mtx;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	SHOW(pthread_cond_init(&changed, &attr));
	SHOW(pthread_create(&thread, NULL, advance, NULL));
	SHOW(pthread_mutex_lock(&shared));
	while (state != 1)
		pthread_cond_wait(&changed, &shared);
	state = 2;
	pthread_cond_broadcast(&changed);
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += 20;
	while (state != 3)
		SHOW(pthread_cond_timedwait(&changed, &shared, &until));
	SHOW(pthread_cond_timedwait(&changed, &shared, &past));
	SHOW(pthread_cond_clockwait(&changed, &shared, CLOCK_REALTIME, &past));
	pthread_mutex_unlock(&shared);
	SHOW(pthread_join(thread, &result));
	SHOW((long)result);
	cnd_init(&cnd);
	mtx_init(&mtx, mtx_plain);
	mtx_lock(&mtx);
	SHOW(cnd_timedwait(&cnd, &mtx, &past));
	mtx_unlock(&mtx);
}

static mtx_t handshake;
static cnd_t answered;
static int answer;

static int reply(void *unused)
{
	mtx_lock(&handshake);
	answer = 42;
	cnd_signal(&answered);
	mtx_unlock(&handshake);
	return answer;
}

static void *nothing(void *unused)
{
	return NULL;
}

static void *hold(void *barrier)
{
	pthread_barrier_wait(barrier);
	return NULL;
}

static void threads(void)
{
	pthread_barrier_t barrier;
	pthread_t thread;
	thrd_t other;
	int result;

	mtx_init(&handshake, mtx_plain);
	cnd_init(&answered);
	mtx_lock(&handshake);
	SHOW(thrd_create(&other, reply, NULL));
	while (!answer)
		SHOW(cnd_wait(&answered, &handshake));
	mtx_unlock(&handshake);
	SHOW(thrd_join(other, &result));
	SHOW(result);
	pthread_barrier_init(&barrier, NULL, 2);
	pthread_create(&thread, NULL, hold, &barrier);
	SHOW(pthread_timedjoin_np(thread, NULL, &past));
	SHOW(pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &past));
	SHOW(pthread_barrier_wait(&barrier) <= 0);
	SHOW(pthread_join(thread, NULL));
	pthread_create(&thread, NULL, nothing, NULL);
	SHOW(pthread_timedjoin_np(thread, NULL, &(struct timespec){4000000000, 0}));
	SHOW(pthread_join(pthread_self(), NULL));
}

static void semaphores(void)
{
	sem_t sem;
	uint32_t word = 1;

	sem_init(&sem, 0, 1);
	SHOW(sem_wait(&sem));
	SHOW(sem_timedwait(&sem, &past));
	SHOW(sem_clockwait(&sem, CLOCK_MONOTONIC, &past));
	SHOW(syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 2, NULL));
	SHOW(syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 1, &shortly));
	SHOW(syscall(SYS_futex, &word, FUTEX_WAIT_BITSET_PRIVATE, 1, &past, NULL, 1));
	SHOW(syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1));
}

static void raw_calls(void)
{
	char text[16];
	struct stat info;

	SHOW(syscall(SYS_getppid) == getppid());
	SHOW(syscall(SYS_openat, AT_FDCWD, "/missing", O_RDONLY, 0));
	SHOW(syscall(SYS_newfstatat, AT_FDCWD, "/", &info, 0));
	SHOW(syscall(SYS_nanosleep, &shortly, NULL));
	SHOW(syscall(SYS_read, 99, text, 1));
	SHOW(syscall(SYS_fcntl, 99, F_GETFD));
	SHOW(syscall(SYS_io_uring_enter, 99, 0, 0, 0, NULL, 0) == -1);
	SHOW(syscall(SYS_futex_waitv, NULL, 0, 0, NULL, 0));
	SHOW(syscall(100000));
	SHOW(syscall(-1));
	/* Six arguments, the last of them an offset: it must arrive. */
	SHOW(syscall(SYS_mmap, NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 1));
}

int main(void)
{
	sleeps();
	mutexes();
	rwlocks();
	conditions();
	threads();
	semaphores();
	raw_calls();
	return 0;
}
