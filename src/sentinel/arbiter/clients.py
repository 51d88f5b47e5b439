"""Everyone who is connected to the arbiter: accepting, reading, answering, hanging up. Part of the
daemon's loop; nothing here blocks, and no client can make another wait.
"""

import contextlib
import os
import resource
import selectors
import socket
from collections.abc import Callable, Iterator
from typing import Any

from sentinel.arbiter.connection import Connection
from sentinel.arbiter.sockets import peer_of
from sentinel.core.clock import boottime
from sentinel.core.codec import encode
from sentinel.core.errors import ProtocolError
from sentinel.ports.processes import ProcessTable

MAX_PER_USER = 1024
ACCEPTS_PER_TURN = 64
MESSAGES_PER_TURN = 16
"""Messages of one client that are answered before everybody else has had a turn."""


class Clients:
    """Owns the listening socket and every connection.

    `handle` is called with each whole message, `gone` once with each connection that ends.
    """

    def __init__(
        self,
        listener: socket.socket,
        selector: selectors.BaseSelector,
        processes: ProcessTable,
        handle: Callable[[Connection, dict[str, Any]], None],
        gone: Callable[[Connection], None],
    ) -> None:
        self._listener = listener
        self._selector = selector
        self._processes = processes
        self._handle = handle
        self._gone = gone
        self._all: dict[int, Connection] = {}
        self.unheard: dict[int, Connection] = {}
        """Those with whole messages that wait for the next turn."""
        self._most = 64
        self.path = str(listener.getsockname())

    def open(self) -> None:
        """Starts to accept. As many connections as there are file descriptors for: each may come to
        need three (its socket, its process, a survivor of it)."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
        self._most = max(64, min(soft, 1 << 16) // 3)
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)

    def stop_accepting(self) -> None:
        self._selector.unregister(self._listener)

    def close(self) -> None:
        for connection in tuple(self._all.values()):
            connection.close()

    def watchers(self) -> Iterator[Connection]:
        return (c for c in tuple(self._all.values()) if c.watching)

    def next_deadline(self) -> float | None:
        """When the first client has taken too long over a message."""
        return min((c.deadline for c in self._all.values() if c.deadline is not None), default=None)

    def hang_up_on_the_slow(self, now: float) -> None:
        for connection in tuple(self._all.values()):
            if connection.deadline is not None and now >= connection.deadline:
                self.drop(connection, "bad-request", "no whole message within 10 s")

    # -------------------------------------------------------------- in

    def _accept(self) -> None:
        for _ in range(ACCEPTS_PER_TURN):
            try:
                sock, _address = self._listener.accept()
            except OSError:
                return  # nobody left to accept, or no descriptor for one: they wait in the backlog
            sock.setblocking(False)
            self._greet(sock)

    def _greet(self, sock: socket.socket) -> None:
        who = peer_of(sock, self._processes)
        if who is None:
            text = "who is asking cannot be seen from here (is it in another pid namespace?)"
            _last_words(sock, "identity", text)
            return
        peer, pidfd = who
        mine = sum(c.peer.uid == peer.uid for c in self._all.values())
        if len(self._all) >= self._most or (peer.uid != 0 and mine >= MAX_PER_USER):
            os.close(pidfd)
            _last_words(sock, "overloaded", "too many connections; try again")
            return
        connection = Connection(sock, peer, pidfd, boottime())
        self._all[sock.fileno()] = connection
        self._selector.register(sock, selectors.EVENT_READ, connection)

    def serve(self, connection: Connection, events: int) -> None:
        """What the selector says of a connection."""
        if events & selectors.EVENT_WRITE:
            self._sent(connection, connection.flush())
        if connection.fileno() < 0:
            return
        alive = True
        if events & selectors.EVENT_READ:
            try:
                alive = connection.receive()
            except ProtocolError as error:
                self.drop(connection, "bad-request", error.message)
                return
        if alive:
            self._hear(connection)
        else:
            self.end(connection)

    def hear_on(self) -> None:
        """Another turn for those who said much at once."""
        for connection in tuple(self.unheard.values()):
            self._hear(connection)

    def _hear(self, connection: Connection) -> None:
        """Answers what was said, a few messages at a time. Who takes no answers is not heard on."""
        self.unheard.pop(connection.fileno(), None)
        try:
            for _ in range(MESSAGES_PER_TURN):
                if connection.wants_to_send:
                    return
                message = connection.next_message(boottime())
                if message is None:
                    if connection.ended:
                        self._half_closed(connection)
                    return
                self._handle(connection, message)
                if connection.fileno() < 0:
                    return
        except ProtocolError as error:
            self.drop(connection, "bad-request", error.message)
            return
        self.unheard[connection.fileno()] = connection

    def _half_closed(self, connection: Connection) -> None:
        """The client sends no more. A plain one that waits for its answer keeps its place."""
        if connection.plain and connection.request_id is not None:
            self._wait_for(connection, 0)
        elif connection.wants_to_send:
            connection.close_when_sent = True
            self._wait_for(connection, selectors.EVENT_WRITE)
        else:
            self.end(connection)

    # -------------------------------------------------------------- out

    def say(self, connection: Connection, message: dict[str, Any]) -> None:
        """Sends a message, or as much of it as the client takes now. A plain client that had hung up
        on its side is done with its answer."""
        if connection.fileno() < 0:
            return
        connection.close_when_sent |= connection.ended
        self._sent(connection, connection.send(message))

    def _sent(self, connection: Connection, good: bool) -> None:
        if not good or (connection.close_when_sent and not connection.wants_to_send):
            self.end(connection)
            return
        if connection.wants_to_send:
            self._wait_for(connection, selectors.EVENT_WRITE)  # it may say more once it has listened
        else:
            self._wait_for(connection, 0 if connection.ended else selectors.EVENT_READ)

    def _wait_for(self, connection: Connection, events: int) -> None:
        known = connection.fileno() in self._selector.get_map()
        if known and events:
            self._selector.modify(connection.sock, events, connection)
        elif known:
            self._selector.unregister(connection.sock)
        elif events:
            self._selector.register(connection.sock, events, connection)

    def drop(self, connection: Connection, code: str, text: str) -> None:
        """Says why, then hangs up."""
        connection.send({"ok": False, "code": code, "error": text})
        self.end(connection)

    def end(self, connection: Connection) -> None:
        """Hangs up. Idempotent."""
        if connection.fileno() < 0:
            return
        self._wait_for(connection, 0)
        self._all.pop(connection.fileno(), None)
        self.unheard.pop(connection.fileno(), None)
        connection.close()
        if connection.pidfd is not None:
            os.close(connection.pidfd)
            connection.pidfd = None
        self._gone(connection)


def _last_words(sock: socket.socket, code: str, text: str) -> None:
    with contextlib.suppress(OSError):
        sock.send(encode({"ok": False, "code": code, "error": text}))
    sock.close()
