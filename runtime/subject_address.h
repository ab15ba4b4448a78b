/* SPDX-License-Identifier: MIT */
/*
 * Writes down socket addresses: "tcp 127.0.0.1:80", "udp [::1]:53", "unix /run/x".
 * Runs on: application threads, after a call that was slow anyway. Raw system calls only.
 */
#ifndef OVERSTAY_SUBJECT_ADDRESS_H
#define OVERSTAY_SUBJECT_ADDRESS_H

#include <stddef.h>

/*
 * The peer of a socket, or its own address when it has none or that is nameless. Leaves `name` as
 * it is when neither says more than that it is a socket.
 */
void subject_socket_name(int fd, char *name, size_t size);

/*
 * An address in the target's memory, which may be unreadable. `fd` is the socket that it was meant
 * for and gives the protocol; -1: not known, the protocol is left out.
 */
void subject_address_name(int fd, const void *address, long length, char *name, size_t size);

#endif
