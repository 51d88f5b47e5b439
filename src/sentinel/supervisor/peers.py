"""Who is connected to the supervisor's socket: accepting, reading, answering, hanging up. Part of the loop.

Nothing here blocks, and no peer can make another wait: what one does not read piles up to a limit, then it
is hung up on.
"""

import contextlib
import os
import selectors
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from sentinel.core.errors import ProtocolError, SentinelError
from sentinel.core.socket_path import socket_path
from sentinel.supervisor.wire import MOST_LINE, Command, command_from, frames_in, line

MOST_OUT = 16 * 1024 * 1024
MOST_PEERS = 64
_PART = 256 * 1024


class Listener(Protocol):
    """What the loop does about peers."""

    def hear(self, peer: "Peer", command: Command) -> None: ...
    def framed(self, peer: "Peer", kind: bytes, data: bytes) -> None: ...
    def drained(self, peer: "Peer") -> None:
        """A peer that had let much pile up has read it."""
        ...

    def gone(self, peer: "Peer") -> None: ...


class Peer:
    """One connection. It says lines until `framed` is set, then frames. `paused`: it is not read from."""

    def __init__(self, sock: socket.socket, selector: selectors.BaseSelector, listener: Listener) -> None:
        self._sock, self._selector, self._listener = sock, selector, listener
        self._in = bytearray()
        self._out = bytearray()
        self._closing = False
        self._events = selectors.EVENT_READ
        self.framed = False
        self.paused = False
        selector.register(sock, self._events, self._ready)

    @property
    def closed(self) -> bool:
        return self._sock.fileno() < 0

    @property
    def unread(self) -> int:
        """Bytes that it has let pile up."""
        return len(self._out)

    # -------------------------------------------------------------- out

    def send(self, data: bytes) -> None:
        """Sends, or keeps what it does not take yet."""
        if self.closed or self._closing:
            return
        self._out += data
        if len(self._out) > MOST_OUT:
            self.close()
        elif self._flush():
            self._wait()

    def close_when_sent(self) -> None:
        """Hangs up once it has read all."""
        self._closing = True
        if self._out:
            self._wait()
        else:
            self.close()

    def refuse(self, why: str) -> None:
        """Says why, then hangs up."""
        self.send(line({"event": "error", "why": why}))
        self.close_when_sent()

    def pause(self, paused: bool) -> None:
        if self.paused != paused:
            self.paused = paused
            self._wait()

    def close(self) -> None:
        """Idempotent."""
        if self.closed:
            return
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(self._sock)
        self._sock.close()
        self._listener.gone(self)

    def _flush(self) -> bool:
        """False when the connection is broken, and closed by now."""
        try:
            while self._out:
                sent = self._sock.send(self._out)
                del self._out[:sent]
        except (BlockingIOError, InterruptedError):
            return True
        except OSError:
            self.close()
            return False
        return True

    def _wait(self) -> None:
        if self.closed:
            return
        events = selectors.EVENT_WRITE if self._out else 0
        if not self.paused and not self._closing:
            events |= selectors.EVENT_READ
        if events == self._events:
            return
        if self._events == 0:
            self._selector.register(self._sock, events, self._ready)
        elif events == 0:
            self._selector.unregister(self._sock)
        else:
            self._selector.modify(self._sock, events, self._ready)
        self._events = events

    # -------------------------------------------------------------- in

    def _ready(self, mask: int) -> None:
        if mask & selectors.EVENT_WRITE:
            if not self._flush():
                return
            if not self._out and self._closing:
                self.close()
                return
            self._wait()
            self._listener.drained(self)
        if mask & selectors.EVENT_READ and not self.closed:
            self._read()

    def _read(self) -> None:
        try:
            data = self._sock.recv(_PART)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        self._in += data
        try:
            if not self.framed:
                self._read_lines()
            if self.framed:
                for kind, payload in frames_in(self._in):
                    self._listener.framed(self, kind, payload)
        except ProtocolError as error:
            self.refuse(error.message)

    def _read_lines(self) -> None:
        *lines, rest = bytes(self._in).split(b"\n")
        self._in.clear()
        for number, text in enumerate(lines):
            if len(text) > MOST_LINE:
                raise ProtocolError(f"a message is at most {MOST_LINE} bytes")
            if not text.strip():
                continue
            self._listener.hear(self, command_from(text))
            if self.closed or self._closing:
                return
            if self.framed:
                rest = b"\n".join((*lines[number + 1 :], rest))
                break
        if len(rest) > MOST_LINE:
            raise ProtocolError(f"a message is at most {MOST_LINE} bytes")
        self._in += rest


class Door:
    """The listening socket. Only root and our own user are let in."""

    def __init__(self, path: Path, selector: selectors.BaseSelector, listener: Listener) -> None:
        self._path, self._selector, self._listener = path, selector, listener
        self._peers: set[Peer] = set()
        self._sock = _listen(path)
        selector.register(self._sock, selectors.EVENT_READ, self._accept)

    def forget(self, peer: Peer) -> None:
        self._peers.discard(peer)

    def close(self, *, also: Callable[[Peer], bool] = lambda _peer: True) -> None:
        """Takes the socket away and hangs up."""
        with contextlib.suppress(OSError):
            self._path.unlink()
        self._selector.unregister(self._sock)
        self._sock.close()
        for peer in [one for one in self._peers if also(one)]:
            peer.close()

    def _accept(self, _mask: int) -> None:
        try:
            sock, _ = self._sock.accept()
        except OSError:
            return  # nobody left to accept, or no descriptor for one
        sock.setblocking(False)
        _, uid, _ = struct.unpack("iII", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        if uid not in (0, os.geteuid()) or len(self._peers) >= MOST_PEERS:
            sock.close()
            return
        self._peers.add(Peer(sock, self._selector, self._listener))


def _listen(path: Path) -> socket.socket:
    with contextlib.suppress(FileNotFoundError):
        path.unlink()  # a predecessor's: we have the lock
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    mask = os.umask(0o177)
    try:
        with socket_path(path) as name:
            sock.bind(name)
    except OSError as error:
        sock.close()
        raise SentinelError(f"cannot listen on {path}: {error.strerror}") from None
    finally:
        os.umask(mask)
    sock.listen(128)
    return sock
