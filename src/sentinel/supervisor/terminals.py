"""Terminals of jobs that asked for one. Owned by the loop.

What a terminal shows goes into the job's log and to the connection that is attached, if one is. Detaching
leaves the job running. A connection that reads slowly makes the terminal wait, and nobody else.
"""

import contextlib
import errno
import fcntl
import json
import os
import selectors
import struct
import termios
from collections.abc import Callable
from dataclasses import dataclass, field

from sentinel.supervisor.attempts import Exited
from sentinel.supervisor.peers import Peer
from sentinel.supervisor.wire import MOST_FRAME, frame

SHOWN_AGAIN = 64 * 1024
"""Bytes of what was shown before that one who attaches is shown."""
_MOST_UNREAD = 256 * 1024
_MOST_TYPED = 256 * 1024


@dataclass(slots=True)
class Terminal:
    master: int
    log: int
    peer: Peer | None = None
    shown: bytearray = field(default_factory=bytearray)
    typed: bytearray = field(default_factory=bytearray)
    events: int = 0
    hung: bool = False
    """Nobody has its other side open: there is nothing to wait for, and epoll would say so without end."""


class Terminals:
    """By token."""

    def __init__(self, selector: selectors.BaseSelector) -> None:
        self._selector = selector
        self._all: dict[str, Terminal] = {}

    def __contains__(self, token: str) -> bool:
        return token in self._all

    def open(self, token: str, master: int, log: int) -> None:
        """Serves that terminal from now on. Takes both descriptors over."""
        terminal = Terminal(master, log)
        self._all[token] = terminal
        self._wait(terminal)

    def attach(self, token: str, peer: Peer) -> None:
        """`peer` sits at it now; who sat there before does not any more."""
        terminal = self._all[token]
        if terminal.peer is not None:
            terminal.peer.close_when_sent()
        terminal.peer, terminal.hung = peer, False
        for start in range(0, len(terminal.shown), MOST_FRAME):
            peer.send(frame(b"d", bytes(terminal.shown[start : start + MOST_FRAME])))
        self._wait(terminal)

    def typed(self, peer: Peer, kind: bytes, data: bytes) -> None:
        """A frame from who sits at it."""
        terminal = self._of(peer)
        if terminal is None:
            return
        if kind == b"d":
            terminal.typed += data
            self._type(terminal)
        elif kind == b"r" and len(data) == 4:
            rows, columns = struct.unpack("!HH", data)
            with contextlib.suppress(OSError):
                fcntl.ioctl(terminal.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def drained(self, peer: Peer) -> None:
        terminal = self._of(peer)
        if terminal is not None:
            self._wait(terminal)

    def left(self, peer: Peer) -> None:
        """Nobody sits at it any more."""
        terminal = self._of(peer)
        if terminal is not None:
            terminal.peer = None
            self._wait(terminal)

    def close(self, token: str, exited: Exited) -> None:
        """Its job has ended: shows the rest, says how it ended, hangs up. Nothing where there is none."""
        terminal = self._all.pop(token, None)
        if terminal is None:
            return
        while self._show(terminal):
            pass
        if terminal.events:
            self._selector.unregister(terminal.master)
        os.close(terminal.master)
        os.close(terminal.log)
        if terminal.peer is not None:
            codes = {"exit_code": exited.exit_code, "signal": exited.signal}
            terminal.peer.send(frame(b"x", json.dumps(codes).encode()))
            terminal.peer.close_when_sent()

    # -------------------------------------------------------------- between the two

    def _ready(self, terminal: Terminal, mask: int) -> None:
        if mask & selectors.EVENT_WRITE:
            self._type(terminal)
        if mask & selectors.EVENT_READ:
            self._show(terminal)
            self._wait(terminal)

    def _show(self, terminal: Terminal) -> bool:
        """Passes on what the job wrote. False when there is nothing now."""
        try:
            data = os.read(terminal.master, MOST_FRAME)
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            data = b""  # nobody has it open on the other side
        if not data:
            terminal.hung = True
            return False
        with contextlib.suppress(OSError):  # a full disk
            os.write(terminal.log, data)
        terminal.shown += data
        del terminal.shown[:-SHOWN_AGAIN]
        if terminal.peer is not None:
            terminal.peer.send(frame(b"d", data))
        return True

    def _type(self, terminal: Terminal) -> None:
        try:
            while terminal.typed:
                written = os.write(terminal.master, terminal.typed)
                del terminal.typed[:written]
        except BlockingIOError:
            pass
        except OSError:
            terminal.typed.clear()
        if terminal.peer is not None:
            terminal.peer.pause(len(terminal.typed) > _MOST_TYPED)
        self._wait(terminal)

    def _wait(self, terminal: Terminal) -> None:
        events = selectors.EVENT_WRITE if terminal.typed else 0
        if terminal.hung:
            events = 0
        elif terminal.peer is None or terminal.peer.unread < _MOST_UNREAD:
            events |= selectors.EVENT_READ
        if events == terminal.events:
            return
        ready: Callable[[int], None] = lambda mask: self._ready(terminal, mask)  # noqa: E731 - the selector's
        if terminal.events == 0:
            self._selector.register(terminal.master, events, ready)
        elif events == 0:
            self._selector.unregister(terminal.master)
        else:
            self._selector.modify(terminal.master, events, ready)
        terminal.events = events

    def _of(self, peer: Peer) -> Terminal | None:
        return next((one for one in self._all.values() if one.peer is peer), None)
