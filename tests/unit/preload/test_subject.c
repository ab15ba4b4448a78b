/* SPDX-License-Identifier: MIT */
/* Unit tests of runtime/subject.h: what each kind of descriptor, path and address is called. */
#include "runtime/subject.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

static struct described describe(struct subject subject, enum call_class class)
{
	struct described described;

	memset(&described, 0x5a, sizeof(described));
	errno = EXDEV;
	subject_describe(&subject, class, &described);
	cr_assert_eq(errno, EXDEV, "errno was changed");
	return described;
}

static void expect(struct described got, enum call_class class, const char *kind, const char *name)
{
	cr_expect_eq(got.class, class, "class %d, not %d", got.class, class);
	if (kind)
		cr_expect_str_eq(got.kind ? got.kind : "(null)", kind);
	else
		cr_expect_null(got.kind);
	if (name)
		cr_expect_str_eq(got.name, name);
}

static void expect_fd(int fd, enum call_class class, const char *kind, const char *name)
{
	cr_assert_geq(fd, 0);
	expect(describe(subject_fd(fd), CLASS_IO), class, kind, name);
	close(fd);
}

Test(subject, names_files_and_directories_by_their_path)
{
	char path[] = "/tmp/subject-XXXXXX";
	int fd = mkstemp(path);

	expect_fd(fd, CLASS_FILE, "file", path);
	unlink(path);
	expect_fd(open("/", O_RDONLY | O_DIRECTORY), CLASS_FILE, "dir", "/");
}

Test(subject, tells_pipes_from_files)
{
	char path[] = "/tmp/subject-XXXXXX";
	int ends[2];

	cr_assert_eq(pipe(ends), 0);
	expect_fd(ends[0], CLASS_PIPE, "pipe", NULL);
	expect_fd(ends[1], CLASS_PIPE, "pipe", NULL);

	close(mkstemp(path));
	unlink(path);
	cr_assert_eq(mkfifo(path, 0600), 0);
	expect_fd(open(path, O_RDWR), CLASS_PIPE, "pipe", path);
	unlink(path);
}

Test(subject, tells_terminals_from_other_devices)
{
	int terminal, other;
	char name[64];

	expect_fd(open("/dev/null", O_RDWR), CLASS_OTHER, "device", "/dev/null");
	if (openpty(&terminal, &other, name, NULL, NULL))
		cr_skip_test("no pseudo terminals here");
	expect_fd(other, CLASS_TTY, "tty", name);
}

Test(subject, knows_what_readiness_descriptors_are)
{
	sigset_t none;

	sigemptyset(&none);
	expect_fd(eventfd(0, 0), CLASS_WAIT, "eventfd", NULL);
	expect_fd(epoll_create1(0), CLASS_WAIT, "epoll", NULL);
	expect_fd(timerfd_create(CLOCK_MONOTONIC, 0), CLASS_WAIT, "timerfd", NULL);
	expect_fd(signalfd(-1, &none, 0), CLASS_WAIT, "anon", NULL);
	expect_fd(inotify_init1(0), CLASS_WAIT, "anon", NULL);
}

Test(subject, keeps_the_class_that_the_table_gave)
{
	int fd = open("/dev/null", O_RDWR);

	expect(describe(subject_fd(fd), CLASS_NET), CLASS_NET, "device", "/dev/null");
	close(fd);
	expect(describe(subject_none(), CLASS_SLEEP), CLASS_SLEEP, NULL, "");
	expect(describe(subject_lock(&fd), CLASS_LOCK), CLASS_LOCK, NULL, "");
	expect(describe(subject_futex(&fd, 0, 1), CLASS_LOCK), CLASS_LOCK, NULL, "");
	expect(describe(subject_none(), CLASS_IO), CLASS_OTHER, NULL, "");
}

Test(subject, says_nothing_of_a_descriptor_that_is_not_open)
{
	expect(describe(subject_fd(-1), CLASS_IO), CLASS_OTHER, NULL, "");
	expect(describe(subject_fd(9999), CLASS_IO), CLASS_OTHER, NULL, "");
	expect(describe(subject_fd(INT32_MAX), CLASS_NET), CLASS_NET, NULL, "");
}

static int bound_socket(int type, char *ret_name, size_t size, struct sockaddr_in *ret_address)
{
	int fd = socket(AF_INET, type, 0);
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t length = sizeof(in);

	cr_assert_eq(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)&in, &length), 0);
	snprintf(ret_name, size, "%s 127.0.0.1:%d", type == SOCK_STREAM ? "tcp" : "udp",
		 ntohs(in.sin_port));
	*ret_address = in;
	return fd;
}

Test(subject, names_a_socket_by_its_peer_else_by_itself)
{
	struct sockaddr_in in;
	char name[64];
	int listening = bound_socket(SOCK_STREAM, name, sizeof(name), &in), client;

	cr_assert_eq(listen(listening, 1), 0);
	client = socket(AF_INET, SOCK_STREAM, 0);
	cr_assert_eq(connect(client, (struct sockaddr *)&in, sizeof(in)), 0);
	expect_fd(client, CLASS_NET, "socket", name);
	expect_fd(listening, CLASS_NET, "socket", name);
	expect_fd(bound_socket(SOCK_DGRAM, name, sizeof(name), &in), CLASS_NET, "socket", NULL);
	expect_fd(bound_socket(SOCK_DGRAM, name, sizeof(name), &in), CLASS_NET, "socket", name);
}

Test(subject, names_unix_sockets)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "/tmp/subject-test.sock"};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	unlink(un.sun_path);
	cr_assert_eq(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	expect_fd(fd, CLASS_NET, "socket", "unix /tmp/subject-test.sock");
	unlink(un.sun_path);

	memcpy(un.sun_path, "\0subject", 8);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	cr_assert_eq(bind(fd, (struct sockaddr *)&un, offsetof(struct sockaddr_un, sun_path) + 8),
		     0);
	expect_fd(fd, CLASS_NET, "socket", "unix @subject");
}

Test(subject, writes_every_form_of_ipv6_address)
{
	static const struct {
		const char *address, *name;
	} cases[] = {
		{"::", "[::]:53"},
		{"::1", "[::1]:53"},
		{"fe80::1", "[fe80::1]:53"},
		{"2001:db8::", "[2001:db8::]:53"},
		{"2001:db8:0:1:1:1:1:1", "[2001:db8:0:1:1:1:1:1]:53"},
		{"2001:0:0:1::1", "[2001:0:0:1::1]:53"},
		{"1:2:3:4:5:6:7:8", "[1:2:3:4:5:6:7:8]:53"},
		{"::ffff:10.1.2.3", "[::ffff:10.1.2.3]:53"},
	};
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);
	char with_protocol[64];

	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(53)};

		cr_assert_eq(inet_pton(AF_INET6, cases[i].address, &in6.sin6_addr), 1);
		expect(describe(subject_address(-1, &in6, sizeof(in6)), CLASS_NET), CLASS_NET,
		       "socket", cases[i].name);
		if (fd < 0)
			continue;
		snprintf(with_protocol, sizeof(with_protocol), "udp %s", cases[i].name);
		expect(describe(subject_address(fd, &in6, sizeof(in6)), CLASS_NET), CLASS_NET,
		       "socket", with_protocol);
	}
}

Test(subject, does_not_believe_a_wrong_length_or_pointer)
{
	struct sockaddr_in in = {.sin_family = AF_INET};

	expect(describe(subject_address(-1, &in, 4), CLASS_NET), CLASS_NET, "socket", "");
	expect(describe(subject_address(-1, &in, 0), CLASS_NET), CLASS_NET, "socket", "");
	expect(describe(subject_address(-1, NULL, 16), CLASS_NET), CLASS_NET, "socket", "");
	expect(describe(subject_address(-1, (void *)16, 16), CLASS_NET), CLASS_NET, "socket", "");
	expect(describe(subject_path((void *)16), CLASS_FILE), CLASS_FILE, "file", "");
	expect(describe(subject_path(NULL), CLASS_FILE), CLASS_FILE, "file", "");
	expect(describe(subject_host(NULL), CLASS_DNS), CLASS_DNS, "host", "");
}

Test(subject, reads_a_string_that_ends_at_the_edge_of_memory)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *memory =
		mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *at = memory + page - sizeof("/etc/x");

	cr_assert_neq(memory, MAP_FAILED);
	memcpy(at, "/etc/x", sizeof("/etc/x"));
	munmap(memory + page, page);
	expect(describe(subject_path(at), CLASS_FILE), CLASS_FILE, "file", "/etc/x");

	/* Not terminated before the memory ends: what is there is kept. */
	at[sizeof("/etc/x") - 1] = 'y';
	expect(describe(subject_path(at), CLASS_FILE), CLASS_FILE, "file", "/etc/xy");
}

Test(subject, reads_a_string_across_a_page_boundary_and_cuts_a_long_one)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *memory =
		mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct described got;

	cr_assert_neq(memory, MAP_FAILED);
	memset(memory, 'a', 2 * page - 1);
	got = describe(subject_path(memory + page - 5), CLASS_FILE);
	cr_expect_eq(strlen(got.name), sizeof(got.name) - 1);
	memory[page + 5] = '\0';
	expect(describe(subject_path(memory + page - 5), CLASS_FILE), CLASS_FILE, "file",
	       "aaaaaaaaaa");
}

Test(subject, names_hosts_and_processes)
{
	expect(describe(subject_host("example.org"), CLASS_DNS), CLASS_DNS, "host", "example.org");
	expect(describe(subject_process(4711), CLASS_PROCESS), CLASS_PROCESS, "process", "4711");
	expect(describe(subject_process(-1), CLASS_PROCESS), CLASS_PROCESS, "process", "");
	expect(describe(subject_path("/bin/true"), CLASS_PROCESS), CLASS_PROCESS, "process",
	       "/bin/true");
}
