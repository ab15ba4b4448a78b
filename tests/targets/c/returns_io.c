/* SPDX-License-Identifier: MIT */
/* Calls every wrapped function on descriptors and queues and shows what it returned. */
#include "preload/libc.h"
#include "show.h"

#include <pty.h>
#include <string.h>
#include <sys/syscall.h>

static char data[64];
static struct iovec part = {data, 8};
static const struct timespec past = {1, 0};

static void streams(void)
{
	int ends[2];

	SHOW(pipe(ends));
	SHOW(write(ends[1], "0123456789abcdef0123456789abcdef", 32));
	SHOW(read(ends[0], data, 4));
	SHOW(readv(ends[0], &part, 1));
	SHOW(__read_chk(ends[0], data, 4, sizeof(data)));
	SHOW(writev(ends[1], &part, 1));
	SHOW(preadv2(ends[0], &part, 1, -1, 0));
	SHOW(preadv64v2(ends[0], &part, 1, -1, 0));
	SHOW(pwritev2(ends[1], &part, 1, -1, 0));
	SHOW(pwritev64v2(ends[1], &part, 1, -1, 0));
	SHOW(vmsplice(ends[1], &part, 1, 0));
	SHOW(read(99, data, 4));
	SHOW(write(99, data, 4));
	SHOW(close(ends[0]));
	signal(SIGPIPE, SIG_IGN);
	SHOW(write(ends[1], data, 4));
	SHOW(close(ends[1]));
}

#define FAR 0x123456789aLL

static void offsets(int fd)
{
	SHOW(pwrite(fd, "abc", 3, FAR));
	SHOW(pread(fd, data, 10, FAR));
	SHOW(pread64(fd, data, 10, FAR + 1));
	SHOW(__pread_chk(fd, data, 10, FAR, sizeof(data)));
	SHOW(__pread64_chk(fd, data, 10, FAR + 2, sizeof(data)));
	SHOW(pwrite64(fd, "abc", 3, FAR + 3));
	SHOW(preadv(fd, &part, 1, FAR + 1));
	SHOW(preadv64(fd, &part, 1, FAR + 2));
	SHOW(pwritev(fd, &part, 1, FAR + 6));
	SHOW(pwritev64(fd, &part, 1, FAR + 14));
	SHOW(lseek(fd, 0, SEEK_END));
	SHOW(pread(fd, data, 10, -1));
}

static void copies(int fd, int other)
{
	off_t at = FAR;
	off64_t at64 = FAR, to = 0;
	int ends[2], more[2];

	SHOW(sendfile(other, fd, &at, 2));
	SHOW(at);
	SHOW(sendfile64(other, fd, &at64, 2));
	SHOW(copy_file_range(fd, &at64, other, &to, 2, 0) >= -1);
	SHOW(pipe(ends) | pipe(more));
	at64 = FAR;
	SHOW(splice(fd, &at64, ends[1], NULL, 3, 0));
	SHOW(at64);
	SHOW(tee(ends[0], more[1], 3, 0));
	close(ends[0]);
	close(ends[1]);
	close(more[0]);
	close(more[1]);
}

static void control(int fd)
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int terminal, other, waiting = 0;
	struct termios settings;

	SHOW(fcntl(fd, F_GETFD));
	SHOW(fcntl(fd, F_SETFD, FD_CLOEXEC));
	SHOW(fcntl(fd, F_GETFD));
	SHOW(fcntl(fd, F_SETFL, O_APPEND));
	SHOW(fcntl(fd, F_GETFL) & O_APPEND);
	SHOW_GOOD(close(fcntl(fd, F_DUPFD_CLOEXEC, 50)) + 1);
	SHOW(fcntl64(fd, F_SETLK, &whole));
	SHOW(fcntl(fd, F_SETLKW, &whole));
	SHOW(fcntl64(fd, F_SETLKW, &whole));
	whole.l_type = F_RDLCK;
	SHOW(fcntl(fd, F_GETLK, &whole));
	SHOW(whole.l_type);
	SHOW(fcntl(99, F_GETFD));
	SHOW(flock(fd, LOCK_EX));
	SHOW(lockf(fd, F_LOCK, 10));
	SHOW(lockf64(fd, F_ULOCK, 10));
	if (openpty(&terminal, &other, NULL, NULL, NULL))
		return;
	SHOW(ioctl(other, FIONREAD, &waiting));
	SHOW(ioctl(other, TCSBRK, 1));
	SHOW(ioctl(fd, TIOCGWINSZ, data));
	SHOW(tcgetattr(other, &settings));
	SHOW(tcsetattr(other, TCSANOW, &settings));
	SHOW(tcdrain(other));
	SHOW(tcdrain(fd));
}

static void queues(void)
{
	struct mq_attr attr = {.mq_maxmsg = 2, .mq_msgsize = 16};
	mqd_t queue = mq_open("/returns-test", O_RDWR | O_CREAT, 0600, &attr);
	struct {
		long type;
		char text[8];
	} message = {1, "hello"};
	struct sembuf step = {0, 1, 0};
	int id;

	mq_unlink("/returns-test");
	SHOW(mq_send(queue, "hello", 5, 1));
	SHOW(mq_timedsend(queue, "hello", 5, 1, &past));
	SHOW(mq_timedsend(queue, "hello", 5, 1, &past));
	SHOW(mq_receive(queue, data, 16, NULL));
	SHOW(mq_timedreceive(queue, data, 16, NULL, &past));
	SHOW(mq_timedreceive(queue, data, 16, NULL, &past));
	id = msgget(IPC_PRIVATE, 0600);
	SHOW(msgsnd(id, &message, 6, 0));
	SHOW(msgrcv(id, &message, 6, 0, 0));
	SHOW(msgrcv(id, &message, 6, 0, IPC_NOWAIT));
	msgctl(id, IPC_RMID, NULL);
	id = semget(IPC_PRIVATE, 1, 0600);
	SHOW(semop(id, &step, 1));
	step.sem_op = -2;
	SHOW(semtimedop(id, &step, 1, &(struct timespec){0, 1000000}));
	semctl(id, 0, IPC_RMID);
}

static void random_bytes(void)
{
	SHOW(getrandom(data, 8, 0));
	SHOW(getrandom(data, 8, 0xffff));
}

int main(void)
{
	char path[] = "/tmp/returns-XXXXXX", path2[] = "/tmp/returns-XXXXXX";
	int fd = mkstemp(path), other = mkstemp(path2);

	unlink(path);
	unlink(path2);
	streams();
	offsets(fd);
	copies(fd, other);
	control(fd);
	queues();
	random_bytes();
	return 0;
}
