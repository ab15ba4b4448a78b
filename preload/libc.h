/* SPDX-License-Identifier: MIT */
/*
 * Every header that declares a name of the table, so that the compiler checks each row against the
 * C library's own prototype; and prototypes of what it keeps to itself, or has only in new
 * versions. Runs on: nowhere, declarations only.
 */
#ifndef OVERSTAY_LIBC_H
#define OVERSTAY_LIBC_H

#include <dirent.h>
#include <fcntl.h>
#include <mqueue.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <termios.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

/* Called by fortified headers only. */
int __poll_chk(struct pollfd *fds, nfds_t count, int time, size_t room);
int __ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *time, const sigset_t *set,
		size_t room);
ssize_t __read_chk(int fd, void *data, size_t size, size_t room);
ssize_t __pread_chk(int fd, void *data, size_t size, off_t at, size_t room);
ssize_t __pread64_chk(int fd, void *data, size_t size, off64_t at, size_t room);
ssize_t __recv_chk(int fd, void *data, size_t size, size_t room, int flags);
ssize_t __recvfrom_chk(int fd, void *data, size_t size, size_t room, int flags,
		       __SOCKADDR_ARG address, socklen_t *length);
ssize_t __readlink_chk(const char *path, char *data, size_t size, size_t room);
ssize_t __readlinkat_chk(int dir, const char *path, char *data, size_t size, size_t room);
char *__realpath_chk(const char *path, char *resolved, size_t room);
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int dir, const char *path, int flags);
int __openat64_2(int dir, const char *path, int flags);

/* Declared by glibc's headers before 2.33 only. */
int __xstat(int version, const char *path, struct stat *info);
int __lxstat(int version, const char *path, struct stat *info);
int __fxstat(int version, int fd, struct stat *info);
int __fxstatat(int version, int dir, const char *path, struct stat *info, int flags);
int __xstat64(int version, const char *path, struct stat64 *info);
int __lxstat64(int version, const char *path, struct stat64 *info);
int __fxstat64(int version, int fd, struct stat64 *info);
int __fxstatat64(int version, int dir, const char *path, struct stat64 *info, int flags);

/* Newer than glibc 2.28. */
int pthread_mutex_clocklock(pthread_mutex_t *lock, clockid_t clock, const struct timespec *until);
int pthread_rwlock_clockrdlock(pthread_rwlock_t *lock, clockid_t clock,
			       const struct timespec *until);
int pthread_rwlock_clockwrlock(pthread_rwlock_t *lock, clockid_t clock,
			       const struct timespec *until);
int pthread_cond_clockwait(pthread_cond_t *cond, pthread_mutex_t *lock, clockid_t clock,
			   const struct timespec *until);
int pthread_clockjoin_np(pthread_t thread, void **result, clockid_t clock,
			 const struct timespec *until);
int sem_clockwait(sem_t *sem, clockid_t clock, const struct timespec *until);
int epoll_pwait2(int fd, struct epoll_event *events, int count, const struct timespec *time,
		 const sigset_t *set);
int execveat(int dir, const char *path, char *const argv[], char *const envp[], int flags);

#endif
