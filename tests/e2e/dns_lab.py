# SPDX-License-Identifier: MIT
"""Runs a command where the resolver asks a name server that takes its time.

    unshare --mount --net /usr/bin/python3 dns_lab.py DELAY_MS SCRATCH COMMAND...

Inside namespaces of its own: binds resolv.conf and nsswitch.conf over the system's, brings the
loopback interface up and answers every question for an address with 192.0.2.7, late.
"""

import ctypes
import fcntl
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
SIOCSIFFLAGS, IFF_UP = 0x8914, 1


def mount(source, target, flags):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(os.fsencode(source), os.fsencode(target), None, flags, None):
        raise OSError(ctypes.get_errno(), f"mount {target}")


def answer(question):
    end = question.index(b"\0", 12)
    kind = question[end + 1 : end + 3]
    records = 1 if kind == b"\0\1" else 0
    head = question[:2] + b"\x81\x80" + struct.pack(">4H", 1, records, 0, 0)
    record = b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4" + bytes([192, 0, 2, 7])
    return head + question[12 : end + 5] + record * records


def serve(server, delay):
    while True:
        question, peer = server.recvfrom(1500)
        timer = threading.Timer(delay, server.sendto, (answer(question), peer))
        timer.daemon = True
        timer.start()


def main():
    delay, scratch, command = float(sys.argv[1]) / 1000, Path(sys.argv[2]), sys.argv[3:]
    mount("none", "/", MS_REC | MS_PRIVATE)
    for name, text in (("resolv.conf", "nameserver 127.0.0.1\n"), ("nsswitch.conf", "hosts: dns\n")):
        (scratch / name).write_text(text)
        mount(scratch / name, Path("/etc", name).resolve(), MS_BIND)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP))
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 53))
    threading.Thread(target=serve, args=(server, delay), daemon=True).start()
    time.sleep(0.01)
    sys.exit(subprocess.run(command, check=False).returncode)


if __name__ == "__main__":
    main()
