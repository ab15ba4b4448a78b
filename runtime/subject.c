/* SPDX-License-Identifier: MIT */
/*
 * Says in words what a slow call was about: the kind and name of a descriptor, path or address.
 * Runs on: application threads, after a call that was slow anyway. Raw system calls only.
 */
#include "runtime/subject.h"

#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <string.h>
#include <sys/stat.h>

#include "runtime/subject_address.h"
#include "runtime/sys.h"
#include "runtime/text.h"

#define PAGE_SIZE 4096 /* the smallest there is; larger pages only mean more, shorter copies */

static bool starts_with(const char *string, const char *prefix)
{
	return !strncmp(string, prefix, strlen(prefix));
}

static void set(struct described *ret, enum call_class class, const char *kind)
{
	ret->class = class;
	ret->kind = kind;
}

/*
 * Copies a string that may end anywhere, also right before an unmapped page, and may be no string
 * at all: page by page, so that what is readable before a fault is kept.
 */
static void copy_string(char *to, size_t size, const char *from)
{
	size_t done = 0;

	while (from && done < size - 1) {
		size_t step = PAGE_SIZE - ((uintptr_t)(from + done) % PAGE_SIZE);
		long got;

		if (step > size - 1 - done)
			step = size - 1 - done;
		got = sys_read_memory(to + done, from + done, step);
		if (got <= 0)
			break;
		if (memchr(to + done, '\0', (size_t)got))
			return;
		done += (size_t)got;
	}
	to[done] = '\0';
}

static bool is_terminal(int fd)
{
	struct termios settings;

	return sys_call3(SYS_ioctl, fd, TCGETS, &settings) == 0;
}

/* Descriptors without a file: the kernel tells what they are only by their link. */
static bool describe_anonymous(const char *link, struct described *ret)
{
	static const struct {
		const char *link;
		enum call_class class;
		const char *kind;
	} kinds[] = {
		{"anon_inode:[eventfd]", CLASS_WAIT, "eventfd"},
		{"anon_inode:[eventpoll]", CLASS_WAIT, "epoll"},
		{"anon_inode:[timerfd]", CLASS_WAIT, "timerfd"},
		{"anon_inode:[signalfd]", CLASS_WAIT, "anon"},
		{"anon_inode:inotify", CLASS_WAIT, "anon"},
		{"anon_inode:[fanotify]", CLASS_WAIT, "anon"},
		{"anon_inode:[pidfd]", CLASS_WAIT, "process"},
		{"pidfd:", CLASS_WAIT, "process"},
		{"anon_inode:", CLASS_OTHER, "anon"},
	};

	for (unsigned i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (starts_with(link, kinds[i].link)) {
			set(ret, kinds[i].class, kinds[i].kind);
			return true;
		}
	}
	return false;
}

static void describe_fd(int fd, struct described *ret)
{
	struct text path;
	struct stat info;
	char buffer[48];

	/* thread-self, because a thread may have a descriptor table of its own. */
	text_init(&path, buffer, sizeof(buffer));
	text_add(&path, "/proc/thread-self/fd/");
	text_add_i64(&path, fd);
	text_end(&path);
	sys_readlink(buffer, ret->name, sizeof(ret->name));

	if (sys_call2(SYS_fstat, fd, &info) < 0) {
		set(ret, CLASS_OTHER, NULL);
		ret->name[0] = '\0';
		return;
	}
	if (describe_anonymous(ret->name, ret))
		return;
	switch (info.st_mode & S_IFMT) {
	case S_IFREG:
		set(ret, CLASS_FILE, "file");
		break;
	case S_IFDIR:
		set(ret, CLASS_FILE, "dir");
		break;
	case S_IFIFO:
		set(ret, CLASS_PIPE, "pipe");
		break;
	case S_IFSOCK:
		set(ret, CLASS_NET, "socket");
		subject_socket_name(fd, ret->name, sizeof(ret->name));
		break;
	case S_IFBLK:
		set(ret, CLASS_FILE, "device");
		break;
	case S_IFCHR:
		if (is_terminal(fd))
			set(ret, CLASS_TTY, "tty");
		else
			set(ret, CLASS_OTHER, "device");
		break;
	default:
		set(ret, CLASS_OTHER, "anon");
	}
}

static void describe_process(long pid, struct described *ret)
{
	struct text name;

	ret->kind = "process";
	if (pid <= 0)
		return;
	text_init(&name, ret->name, sizeof(ret->name));
	text_add_i64(&name, pid);
	text_end(&name);
}

void subject_describe(const struct subject *subject, enum call_class class, struct described *ret)
{
	*ret = (struct described){.class = CLASS_OTHER};
	switch (subject->kind) {
	case SUBJECT_FD:
		describe_fd((int)subject->number, ret);
		break;
	case SUBJECT_PATH:
		/* Whether it is a directory isn't asked: looking at it again may block again. */
		ret->kind = class == CLASS_PROCESS ? "process" : "file";
		copy_string(ret->name, sizeof(ret->name), subject->pointer);
		break;
	case SUBJECT_ADDRESS:
		ret->kind = "socket";
		subject_address_name((int)subject->extra - 1, subject->pointer, subject->number,
				     ret->name, sizeof(ret->name));
		break;
	case SUBJECT_HOST:
		ret->kind = "host";
		copy_string(ret->name, sizeof(ret->name), subject->pointer);
		break;
	case SUBJECT_PROCESS:
		describe_process(subject->number, ret);
		break;
	case SUBJECT_NONE:
	case SUBJECT_LOCK:
	case SUBJECT_FUTEX:
		break;
	}
	if (class != CLASS_IO)
		ret->class = class;
}
