"""How many requests a server on this machine is working on, judged from outside by its TCP connections.

Called to drain servers that count nothing themselves (Ollama, llama.cpp). The kernel tells of each
connection when data last came and last went (sock_diag, what `ss -i` shows). A request is in flight when

- bytes wait in a queue, either way;
- the client spoke last: the server thinks, or answers in one piece at the end (the kernel's clock ticks
  every few milliseconds; both within one tick counts as the client, as it may have been);
- the server spoke last, but less than `quiet_seconds` ago: it streams.

So a kept-alive connection between two requests does not count. What cannot be told: a stream that pauses
for longer than `quiet_seconds` looks idle; several requests on one connection (HTTP/2) count as one; what
goes on in another network namespace (a container without host networking) is not seen; behind a proxy on
this machine it is the proxy's connections that count. Where sock_diag is refused, each established
connection counts, the idle ones too.
"""

import contextlib
import errno
import os
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sentinel.core.errors import ServiceError

QUIET_SECONDS = 2.0

# From linux/netlink.h, linux/sock_diag.h, linux/inet_diag.h and linux/tcp.h.
_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY, _NLMSG_ERROR, _NLMSG_DONE = 20, 2, 3
_REQUEST_DUMP = 0x301
_INET_DIAG_INFO = 2
_ESTABLISHED = 1
_HEADER = struct.Struct("=IHHII")
_QUESTION = struct.Struct("=BBBxI48x")  # family, protocol, what to tell, states, id
# family, state, timer, retransmits, id, expires, received and not read, sent and not acknowledged, uid, inode
_ROW = struct.Struct("=BBBB48xIIIII")
_ATTRIBUTE = struct.Struct("=HH")
_LAST_SENT, _LAST_RECEIVED, _BYTES_RECEIVED, _SEGMENTS_SENT = 44, 52, 128, 156  # in struct tcp_info


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """One client's connection, from the server's side. Ages in seconds; None where the kernel says none."""

    queued_bytes: int
    received_bytes: int | None = None
    answered: bool | None = None
    sent_ago: float | None = None
    received_ago: float | None = None


def requests_in_flight(port: int, *, quiet_seconds: float = QUIET_SECONDS) -> int:
    """How many connections to the local TCP `port` a server works on now. ServiceError if nothing tells."""
    return sum(is_busy(connection, quiet_seconds) for connection in connections_to(port))


def is_busy(connection: Connection, quiet_seconds: float) -> bool:
    """Whether a request is in flight there; see the module's rules. Not known counts as busy."""
    if connection.queued_bytes:
        return True
    sent, received = connection.sent_ago, connection.received_ago
    if connection.received_bytes is None or sent is None or received is None:
        return True
    if connection.received_bytes == 0:
        return False  # opened ahead of need
    return not connection.answered or received <= sent or sent < quiet_seconds


def connections_to(port: int) -> list[Connection]:
    """Every established connection to `port` of this machine. ServiceError when they cannot be read."""
    try:
        return [*_ask_kernel(socket.AF_INET, port), *_ask_kernel(socket.AF_INET6, port)]
    except (OSError, struct.error):
        return list(_from_proc(port))


# ------------------------------------------------------------------ sock_diag


def _ask_kernel(family: int, port: int) -> Iterator[Connection]:
    question = _QUESTION.pack(family, socket.IPPROTO_TCP, 1 << (_INET_DIAG_INFO - 1), 1 << _ESTABLISHED)
    question = question[:8] + struct.pack(">H", port) + question[10:]  # the id begins with the local port
    header = _HEADER.pack(_HEADER.size + len(question), _SOCK_DIAG_BY_FAMILY, _REQUEST_DUMP, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, _NETLINK_SOCK_DIAG) as kernel:
        kernel.settimeout(2.0)
        kernel.sendto(header + question, (0, 0))
        while True:
            data = kernel.recv(1 << 17)
            while data:
                length, kind, *_ = _HEADER.unpack_from(data)
                if kind == _NLMSG_DONE:
                    return
                if kind == _NLMSG_ERROR:
                    code = -struct.unpack_from("=i", data, _HEADER.size)[0]
                    raise OSError(code or errno.EPROTO, os.strerror(code or errno.EPROTO))
                yield _connection(data[_HEADER.size : length])
                data = data[_aligned(length) :]


def _connection(row: bytes) -> Connection:
    *_, received, sent, _uid, _inode = _ROW.unpack_from(row)
    queued = received + sent
    at = _ROW.size
    while at + _ATTRIBUTE.size <= len(row):
        length, kind = _ATTRIBUTE.unpack_from(row, at)
        if kind == _INET_DIAG_INFO and length >= _ATTRIBUTE.size + _SEGMENTS_SENT + 4:
            info = row[at + _ATTRIBUTE.size : at + length]
            return Connection(
                queued_bytes=queued,
                received_bytes=struct.unpack_from("=Q", info, _BYTES_RECEIVED)[0],
                answered=struct.unpack_from("=I", info, _SEGMENTS_SENT)[0] > 0,
                sent_ago=struct.unpack_from("=I", info, _LAST_SENT)[0] / 1000,
                received_ago=struct.unpack_from("=I", info, _LAST_RECEIVED)[0] / 1000,
            )
        at += max(_ATTRIBUTE.size, _aligned(length))
    return Connection(queued_bytes=queued)


def _aligned(length: int) -> int:
    return length + 3 & ~3


# ------------------------------------------------------------------ /proc


def _from_proc(port: int) -> Iterator[Connection]:
    seen = False
    for name in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            lines = (Path("/proc/net") / name).read_text().splitlines()[1:]
            seen = True
            for line in lines:
                _, local, _, state, queues, *_ = line.split()
                if int(state, 16) == _ESTABLISHED and int(local.rpartition(":")[2], 16) == port:
                    sent, _, received = queues.partition(":")
                    yield Connection(queued_bytes=int(sent, 16) + int(received, 16))
    if not seen:
        raise ServiceError(f"the connections to port {port} cannot be seen: /proc/net/tcp is not readable")
