"""Hints from processes that start and end, by the kernel's process connector. The arbiter's wiring opens it.

It sees what inotify cannot: a container with device nodes of its own. A program that was just started
holds nothing on a GPU yet, so this hint is a weak one: look a little more often for a while.

What comes and goes, linux/netlink.h, connector.h and cn_proc.h, all in the machine's byte order:

    nlmsghdr    u32 length (from here on, unpadded)  u16 type  u16 flags  u32 seq  u32 port
    cn_msg      u32 idx = 1  u32 val = 1             u32 seq  u32 ack     u16 length of the rest  u16 flags
    event       u32 what  u32 cpu  u64 nanoseconds since boot, then by `what`
      0           u32 error                the answer to "listen"; errno or 0
      0x00000002  i32 pid   i32 tgid       a program was executed
      0x80000000  i32 pid   i32 tgid …     a thread has ended; the process's main one if they are equal

To listen we send a cn_msg around u32 1 (every event), and then one around u32 1, u32 mask: kernels from
6.6 on filter by the mask, older ones ignore what they do not know and send everything. There is nothing
for a process in another namespace than the first, and before 6.6 nothing without CAP_NET_ADMIN.
"""

import contextlib
import errno
import os
import socket
import struct
from collections.abc import Callable, Iterator

from sentinel.ports.wakeups import Hint, Unavailable

EXECUTED = 0x00000002
EXITED = 0x80000000
_ANSWER = 0

_CONNECTOR = 11
_PROCESSES = (1, 1)  # idx, val
_LISTEN, _IGNORE = 1, 2
_DONE = 3  # the type that the connector's messages have

_HEADERS = struct.Struct("=IHHII IIIIHH")
_RECORD = struct.Struct("=IHHII IIIIHH IIQ ii")
_ANSWERED = struct.Struct("=IHHII IIIIHH IIQ I")

MESSAGES_A_DRAIN = 4096
_QUEUE_BYTES = 2 * 1024 * 1024
"""Room in the kernel for about 2,000 events; its memory, not ours, and only while they wait."""

_FIRST_NAMESPACES = {"pid": 0xEFFFFFFC, "user": 0xEFFFFFFD}
"""Inode numbers that the kernel gives to the namespaces of the machine itself (linux/proc_ns.h)."""


def listen_to_processes(queue_bytes: int = _QUEUE_BYTES) -> "ProcessEvents | Unavailable":
    """Subscribes to executions and exits on this machine. `queue_bytes` is the room in the kernel."""
    try:
        for kind, inode in _FIRST_NAMESPACES.items():
            if os.stat(f"/proc/self/ns/{kind}").st_ino != inode:  # noqa: PTH116
                return _unavailable(f"this process is in a {kind} namespace of its own (a container?)")
        channel = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK, _CONNECTOR)
    except OSError as error:
        return _unavailable(_advice(error))
    try:
        refusal = _subscribe(channel, queue_bytes)
    except OSError as error:
        refusal = _advice(error)
    if refusal is not None:
        channel.close()
        return _unavailable(refusal)
    return ProcessEvents(channel)


class ProcessEvents:
    """Implements ports.wakeups.Wakeups over a subscribed socket. Made by `listen_to_processes`."""

    name = "netlink"

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._buffer = bytearray(8192)
        self._view = memoryview(self._buffer)

    @property
    def blind_spot(self) -> str | None:
        return None

    def fileno(self) -> int:
        return self._channel.fileno()

    def drain(self) -> Hint:
        found: dict[int, set[int]] = {EXECUTED: set(), EXITED: set()}
        overflowed = False
        for _ in range(MESSAGES_A_DRAIN):
            try:
                size, (port, _groups) = self._channel.recvfrom_into(self._buffer)
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    break  # BlockingIOError: it is empty; EBADF: it is closed
                overflowed = True  # the kernel dropped events; what it kept still comes
                continue
            if port == 0:  # from the kernel
                for what, pid in parse(self._view[:size]):
                    found[what].add(pid)
        return Hint(
            executed=frozenset(found[EXECUTED]), exited=frozenset(found[EXITED]), overflowed=overflowed
        )

    def close(self) -> None:
        if self._channel.fileno() >= 0:
            with contextlib.suppress(OSError):  # old kernels would go on making events for nobody
                self._channel.send(_request(struct.pack("=I", _IGNORE)))
            self._channel.close()


def parse(data: bytes | memoryview) -> Iterator[tuple[int, int]]:
    """(EXECUTED or EXITED, pid) of each message that says so. Anything else, or cut off, is left out."""
    at = 0
    while at + _RECORD.size <= len(data):
        length, _, _, _, _, idx, val, _, _, _, _, what, _, _, pid, group = _RECORD.unpack_from(data, at)
        if length < _HEADERS.size or at + length > len(data):
            return
        whole = length >= _RECORD.size and (idx, val) == _PROCESSES
        if whole and pid > 0 and (what == EXECUTED or (what == EXITED and pid == group)):
            yield what, group
        at += (length + 3) & ~3


def answer(data: bytes | memoryview) -> int | None:
    """The errno in the kernel's answer to "listen", 0 for yes; None when this is no such answer."""
    if len(data) < _ANSWERED.size:
        return None
    _, _, _, _, _, idx, val, _, _, _, _, what, _, _, error = _ANSWERED.unpack_from(data)
    return error if (idx, val) == _PROCESSES and what == _ANSWER else None


def _subscribe(channel: socket.socket, queue_bytes: int) -> str | None:
    """Why not; None when it worked. The kernel answers before `send` returns, so nothing waits here."""
    _size(channel, queue_bytes)
    channel.bind((0, _PROCESSES[0]))
    channel.send(_request(struct.pack("=I", _LISTEN)))
    error = _await_answer(channel.recv)
    if error:
        return _advice(OSError(error, ""))
    if error is None:
        return "the kernel does not answer (no process connector?)"
    channel.send(_request(struct.pack("=II", _LISTEN, EXECUTED | EXITED)))
    return None


def _await_answer(receive: Callable[[int], bytes]) -> int | None:
    for _ in range(MESSAGES_A_DRAIN):  # events of others may stand before it
        try:
            found = answer(receive(8192))
        except BlockingIOError:
            return None
        if found is not None:
            return found
    return None


def _size(channel: socket.socket, queue_bytes: int) -> None:
    """A queue of that size, or what we may have of it."""
    force = 33  # SO_RCVBUFFORCE: past net.core.rmem_max, for root
    for option in (force, socket.SO_RCVBUF):
        try:
            channel.setsockopt(socket.SOL_SOCKET, option, queue_bytes)
        except OSError:
            continue
        return


def _request(body: bytes) -> bytes:
    length = _HEADERS.size + len(body)
    return _HEADERS.pack(length, _DONE, 0, 0, 0, *_PROCESSES, 0, 0, len(body), 0) + body


def _unavailable(why: str) -> Unavailable:
    return Unavailable(source="netlink", why=f"process events: {why}")


def _advice(error: OSError) -> str:
    match error.errno:
        case errno.EPERM | errno.EACCES:
            return "not permitted; they need root (CAP_NET_ADMIN) or Linux 6.6"
        case errno.ECONNREFUSED:
            return "this process is in a net namespace of its own (a container?)"
        case errno.EPROTONOSUPPORT | errno.EAFNOSUPPORT:
            return "this kernel was built without them (CONFIG_PROC_EVENTS)"
        case number:
            return os.strerror(number or 0)
