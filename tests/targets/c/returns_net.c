/* SPDX-License-Identifier: MIT */
/* Calls every wrapped socket and name function and shows what it returned. */
#include "preload/libc.h"
#include "show.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static char data[4096];
static struct sockaddr_in loopback = {.sin_family = AF_INET};
static struct sockaddr *const address = (struct sockaddr *)&loopback;
static const socklen_t length = sizeof(loopback);

static void connections(void)
{
	int listening = socket(AF_INET, SOCK_STREAM, 0), client, server;
	socklen_t size = length;
	struct sockaddr_in peer;

	loopback.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	SHOW(bind(listening, address, length));
	SHOW(getsockname(listening, address, &size));
	SHOW(listen(listening, 4));
	client = socket(AF_INET, SOCK_STREAM, 0);
	SHOW(connect(client, address, length));
	SHOW(connect(client, address, length));
	SHOW_GOOD(server = accept(listening, (struct sockaddr *)&peer, &size));
	SHOW(peer.sin_family);
	SHOW(send(client, "hello", 5, 0));
	SHOW(recv(server, data, 2, 0));
	SHOW(__recv_chk(server, data, 3, sizeof(data), 0));
	SHOW(recv(server, data, 2, MSG_DONTWAIT));
	close(client);
	SHOW(recv(server, data, 2, 0));
	close(server);
	client = socket(AF_INET, SOCK_STREAM, 0);
	SHOW(connect(client, address, length));
	SHOW_GOOD(close(accept4(listening, NULL, NULL, SOCK_CLOEXEC)) + 1);
	close(client);
	close(listening);
	client = socket(AF_INET, SOCK_STREAM, 0);
	SHOW(connect(client, address, length));
	SHOW(connect(99, address, length));
	SHOW(accept(client, NULL, NULL));
	close(client);
}

static void datagrams(void)
{
	int ends[2];
	struct iovec part = {data, 8};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	struct mmsghdr messages[2] = {{.msg_hdr = message}, {.msg_hdr = message}};
	struct sockaddr_storage from;
	socklen_t size = sizeof(from);

	SHOW(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends));
	SHOW(sendto(ends[0], "hello", 5, 0, NULL, 0));
	SHOW(recvfrom(ends[1], data, 9, 0, (struct sockaddr *)&from, &size));
	SHOW(sendmsg(ends[0], &message, 0));
	SHOW(__recvfrom_chk(ends[1], data, 9, sizeof(data), 0, NULL, NULL));
	SHOW(sendmmsg(ends[0], messages, 2, 0));
	SHOW(recvmsg(ends[1], &message, 0));
	SHOW(recvmmsg(ends[1], messages, 2, MSG_DONTWAIT, NULL));
	SHOW(recvmsg(ends[1], &message, MSG_DONTWAIT));
	SHOW(sendmsg(99, &message, 0));
	close(ends[0]);
	close(ends[1]);
}

static void readiness(void)
{
	struct pollfd fds[1] = {{.events = POLLIN}};
	struct epoll_event event = {.events = EPOLLIN, .data.u32 = 77};
	struct timespec none = {0, 0};
	struct timeval none_either = {0, 0};
	int ends[2], epoll;
	fd_set set;

	SHOW(pipe(ends));
	fds[0].fd = ends[0];
	SHOW(poll(fds, 1, 0));
	SHOW(write(ends[1], "x", 1));
	SHOW(poll(fds, 1, 1000));
	SHOW(fds[0].revents);
	SHOW(ppoll(fds, 1, &none, NULL));
	SHOW(__poll_chk(fds, 1, 0, sizeof(fds)));
	SHOW(__ppoll_chk(fds, 1, &none, NULL, sizeof(fds)));
	FD_ZERO(&set);
	FD_SET(ends[0], &set);
	SHOW(select(ends[0] + 1, &set, NULL, NULL, &none_either));
	SHOW(pselect(ends[0] + 1, &set, NULL, NULL, &none, NULL));
	SHOW(select(-1, NULL, NULL, NULL, &none_either));
	SHOW(epoll_create(0));
	SHOW_GOOD(close(epoll_create(1)) + 1);
	SHOW(epoll_create1(-1));
	SHOW_GOOD(epoll = epoll_create1(EPOLL_CLOEXEC));
	SHOW(epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event));
	event.data.u32 = 0;
	SHOW(epoll_wait(epoll, &event, 1, 0));
	SHOW(event.data.u32);
	SHOW(epoll_pwait(epoll, &event, 1, 0, NULL));
	SHOW(epoll_pwait2(epoll, &event, 1, &none, NULL));
	SHOW(epoll_wait(99, &event, 1, 0));
	SHOW_GOOD(eventfd(3, EFD_NONBLOCK));
	SHOW(eventfd(0, -1));
}

static void names(void)
{
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST}, *list;
	struct in_addr in = {htonl(INADDR_LOOPBACK)};
	struct hostent host, *found;
	int error;

	SHOW(getaddrinfo("127.0.0.1", "80", &hints, &list));
	freeaddrinfo(list);
	SHOW(getaddrinfo("not a number", "80", &hints, &list));
	SHOW(getnameinfo(address, length, data, 64, NULL, 0, NI_NUMERICHOST));
	printf("%s\n", data);
	SHOW(getnameinfo(address, 1, data, 64, NULL, 0, NI_NUMERICHOST));
	SHOW(gethostbyname("127.0.0.1")->h_length);
	SHOW(gethostbyname2("127.0.0.1", AF_INET)->h_length);
	SHOW(gethostbyaddr(&in, 3, AF_INET) == NULL);
	SHOW(gethostbyname_r("127.0.0.1", &host, data, sizeof(data), &found, &error));
	SHOW(gethostbyname_r("127.0.0.1", &host, data, 1, &found, &error));
	SHOW(gethostbyname2_r("127.0.0.1", AF_INET, &host, data, sizeof(data), &found, &error));
	SHOW(gethostbyaddr_r(&in, 3, AF_INET, &host, data, sizeof(data), &found, &error) != 0);
}

int main(void)
{
	connections();
	datagrams();
	readiness();
	names();
	return 0;
}
