/* SPDX-License-Identifier: MIT */
/*
 * Writes down socket addresses: "tcp 127.0.0.1:80", "udp [::1]:53", "unix /run/x".
 * Runs on: application threads, after a call that was slow anyway. Raw system calls only.
 */
#include "runtime/subject_address.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <linux/vm_sockets.h> /* needs sys/socket.h before it */

#include "runtime/sys.h"
#include "runtime/text.h"

/* What the kernel accepts: the scope came later. */
#define IN6_SIZE_WITHOUT_SCOPE offsetof(struct sockaddr_in6, sin6_scope_id)

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_un un;
	struct sockaddr_vm vm;
	struct sockaddr_storage storage;
};

static const char *protocol_name(int fd)
{
	int protocol = 0;
	socklen_t size = sizeof(protocol);

	if (fd < 0 || sys_call(SYS_getsockopt, fd, SOL_SOCKET, SO_PROTOCOL, (long)&protocol,
			       (long)&size, 0) < 0)
		return "";
	switch (protocol) {
	case IPPROTO_TCP:
		return "tcp ";
	case IPPROTO_UDP:
		return "udp ";
	case IPPROTO_SCTP:
		return "sctp ";
	case IPPROTO_MPTCP:
		return "mptcp ";
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return "icmp ";
	}
	return "";
}

/* The port is in network order. */
static void add_port(struct text *text, in_port_t port)
{
	const unsigned char *bytes = (const unsigned char *)&port;

	text_add_char(text, ':');
	text_add_u64(text, (uint64_t)bytes[0] << 8 | bytes[1]);
}

static void add_in(struct text *text, const unsigned char *bytes)
{
	for (int i = 0; i < 4; i++) {
		if (i)
			text_add_char(text, '.');
		text_add_u64(text, bytes[i]);
	}
}

/* The first of the longest runs of at least two zero groups, which is written as "::". */
static int longest_zeros(const uint16_t *groups, int *ret_length)
{
	int best = -1, best_length = 1;

	for (int i = 0, length; i < 8; i += length + 1) {
		for (length = 0; i + length < 8 && !groups[i + length]; length++)
			;
		if (length > best_length) {
			best = i;
			best_length = length;
		}
	}
	*ret_length = best_length;
	return best;
}

static void add_in6(struct text *text, const unsigned char *bytes)
{
	static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
	uint16_t groups[8];
	int zeros, length;

	if (!memcmp(bytes, mapped, sizeof(mapped))) {
		text_add(text, "::ffff:");
		add_in(text, bytes + 12);
		return;
	}
	for (int i = 0; i < 8; i++)
		groups[i] = (uint16_t)(bytes[2 * i] << 8 | bytes[2 * i + 1]);
	zeros = longest_zeros(groups, &length);
	for (int i = 0; i < 8; i++) {
		if (i == zeros) {
			text_add(text, "::");
			i += length - 1;
			continue;
		}
		if (i && i != zeros + length)
			text_add_char(text, ':');
		text_add_hex(text, groups[i]);
	}
}

/* An abstract name starts with a NUL byte and need not end with one. */
static void add_un(struct text *text, const struct sockaddr_un *un, size_t length)
{
	size_t room = length - offsetof(struct sockaddr_un, sun_path);

	if (room > sizeof(un->sun_path))
		room = sizeof(un->sun_path);
	if (un->sun_path[0]) {
		text_add_bytes(text, un->sun_path, strnlen(un->sun_path, room));
		return;
	}
	text_add_char(text, '@');
	for (size_t i = 1; i < room; i++)
		text_add_char(text, un->sun_path[i] ? un->sun_path[i] : '@');
}

/* False when the address says nothing; `name` is then left as it was. */
static bool write_address(const union address *address, size_t length, int fd, char *name,
			  size_t size)
{
	struct text text;

	text_init(&text, name, size);
	if (address->any.sa_family == AF_INET && length >= sizeof(address->in)) {
		text_add(&text, protocol_name(fd));
		add_in(&text, (const unsigned char *)&address->in.sin_addr);
		add_port(&text, address->in.sin_port);
	} else if (address->any.sa_family == AF_INET6 && length >= IN6_SIZE_WITHOUT_SCOPE) {
		text_add(&text, protocol_name(fd));
		text_add_char(&text, '[');
		add_in6(&text, address->in6.sin6_addr.s6_addr);
		text_add_char(&text, ']');
		add_port(&text, address->in6.sin6_port);
	} else if (address->any.sa_family == AF_UNIX &&
		   length > offsetof(struct sockaddr_un, sun_path)) {
		text_add(&text, "unix ");
		add_un(&text, &address->un, length);
	} else if (address->any.sa_family == AF_VSOCK && length >= sizeof(address->vm)) {
		text_add(&text, "vsock ");
		text_add_u64(&text, address->vm.svm_cid);
		text_add_char(&text, ':');
		text_add_u64(&text, address->vm.svm_port);
	} else if (address->any.sa_family == AF_NETLINK) {
		text_add(&text, "netlink");
	} else {
		return false;
	}
	text_end(&text);
	return true;
}

static bool write_end(long number, int fd, char *name, size_t size)
{
	union address address = {.any.sa_family = AF_UNSPEC};
	socklen_t length = sizeof(address);

	return sys_call3(number, fd, &address, &length) == 0 &&
	       write_address(&address, length, fd, name, size);
}

void subject_socket_name(int fd, char *name, size_t size)
{
	if (!write_end(SYS_getpeername, fd, name, size))
		write_end(SYS_getsockname, fd, name, size);
}

void subject_address_name(int fd, const void *address, long length, char *name, size_t size)
{
	union address copy = {.any.sa_family = AF_UNSPEC};

	if (!address || length < (long)sizeof(copy.any.sa_family))
		return;
	if (length > (long)sizeof(copy))
		length = sizeof(copy);
	if (sys_read_memory(&copy, address, (size_t)length) == length)
		write_address(&copy, (size_t)length, fd, name, size);
}
