"""Sends this user's browser to an address that nobody else may read. Called by `sentinel dashboard --open`.

Everybody on a machine sees the command lines of everybody's browsers, and an address with a code in it is as
good as a password until it is used. So the browser is started with an address of this process, which answers
it with the real one; and it answers browsers of the same Unix user alone. Whose a connection within the
machine is, the kernel says in /proc/net/tcp.
"""

import contextlib
import os
import secrets
import socket
import sys
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from threading import Thread

from sentinel.core.clock import boottime

SECONDS = 60.0
"""How long the browser may take: as long as the code is good."""
CONNECTIONS = Path("/proc/net/tcp")
MOST_BYTES = 16384
_LOOK_EVERY, _PATIENCE = 0.2, 5.0
_HOST = "127.0.0.1"

Peer = tuple[str, int]


def send_on(address: str, open_page: Callable[[str], bool], *, seconds: float = SECONDS) -> bool:
    """Whether a browser came for it. `open_page` starts one, and says whether it could."""
    with socket.create_server((_HOST, 0)) as door:
        here: Peer = (_HOST, door.getsockname()[1])
        path = f"/{secrets.token_urlsafe(16)}"
        opened = _in_a_thread(lambda: open_page(f"http://{_HOST}:{here[1]}{path}"))
        door.settimeout(_LOOK_EVERY)
        until = boottime() + seconds
        while boottime() < until and not (opened.done() and not opened.result()):
            with contextlib.suppress(OSError):  # nobody came yet, or hung up
                visitor, peer = door.accept()
                with visitor:
                    if _answered(visitor, peer, here, path, address):
                        return True
    return False


def owner_of(peer: Peer, here: Peer, connections: str) -> int | None:
    """The user id that has the other end of a connection; None: it is not told.

    `connections`: what /proc/net/tcp says."""
    wanted = [_written(peer), _written(here)]
    for line in connections.splitlines()[1:]:
        words = line.split()
        if words[1:3] == wanted:
            return int(words[7])
    return None


def _written(one: Peer) -> str:
    """As the kernel does: the address's bytes as one number of this machine."""
    return f"{int.from_bytes(socket.inet_aton(one[0]), sys.byteorder):08X}:{one[1]:04X}"


def _answered(visitor: socket.socket, peer: Peer, here: Peer, path: str, address: str) -> bool:
    if owner_of(peer, here, CONNECTIONS.read_text()) != os.geteuid():
        return False
    visitor.settimeout(_PATIENCE)
    asked = b""
    while b"\r\n\r\n" not in asked and len(asked) < MOST_BYTES:
        if not (more := visitor.recv(4096)):
            return False
        asked += more
    if not asked.startswith(f"GET {path} ".encode()):
        visitor.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        return False
    lines = (
        "HTTP/1.1 302 Found",
        f"Location: {address}",
        "Cache-Control: no-store",
        "Content-Length: 0",
        "Connection: close",
    )
    visitor.sendall("\r\n".join((*lines, "", "")).encode("ascii", "replace"))
    return True


def _in_a_thread(work: Callable[[], bool]) -> "Future[bool]":
    """Some browsers are started in a way that waits for them to have been here."""
    done: Future[bool] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except Exception:  # noqa: BLE001 - whatever the starter of a browser raises
            done.set_result(False)

    Thread(target=run, daemon=True).start()
    return done
