"""One client's connection: bytes in, messages out, never blocking. Owned by the daemon's loop."""

import contextlib
import socket
from typing import Any

from sentinel.core.codec import MAX_REPLY, LineReader, decode, encode
from sentinel.core.errors import ProtocolError
from sentinel.core.process import Peer

FIRST_MESSAGE_SECONDS = 10.0
"""How long a client may take over a message it began, or over its first."""


class Connection:
    """Buffers around a non-blocking socket. `ended`: the client will send no more."""

    def __init__(self, sock: socket.socket, peer: Peer, pidfd: int, now: float) -> None:
        self.sock = sock
        self.peer = peer
        self.pidfd: int | None = pidfd
        """Handed over to the lease's tree when this client asks for one."""
        self.request_id: str | None = None
        self.watching = False
        self.told = ""
        """What its request was last said to wait for."""
        self.plain = False
        self.ended = False
        self.close_when_sent = False
        self.deadline: float | None = now + FIRST_MESSAGE_SECONDS
        self._in = LineReader()
        self._out = bytearray()

    def fileno(self) -> int:
        return self.sock.fileno()

    @property
    def wants_to_send(self) -> bool:
        return bool(self._out)

    def receive(self) -> bool:
        """Reads what is there. False when the connection is broken. ProtocolError when it is too much."""
        try:
            data = self.sock.recv(65536)
        except (BlockingIOError, InterruptedError):
            return True
        except OSError:
            return False
        if data:
            self._in.feed(data)
        else:
            self.ended = True
        return True

    def next_message(self, now: float) -> dict[str, Any] | None:
        """The next whole message, if there is one. ProtocolError when it is none of ours."""
        line = self._in.next_line()
        message = decode(line) if line is not None else self._in.guess(ended=self.ended)
        pending = message is None and self._in.pending
        self.deadline = (self.deadline or now + FIRST_MESSAGE_SECONDS) if pending else None
        if self.ended and message is None and pending:
            raise ProtocolError("the message ends half way")
        return message

    def send(self, message: dict[str, Any]) -> bool:
        """Sends, or keeps what the client will not take yet. False when it has let too much pile up."""
        self._out += encode(message)
        if len(self._out) > MAX_REPLY:
            return False
        return self.flush()

    def flush(self) -> bool:
        """Sends what is kept. False when the connection is broken."""
        try:
            while self._out:
                sent = self.sock.send(self._out)
                del self._out[:sent]
        except (BlockingIOError, InterruptedError):
            return True
        except OSError:
            return False
        return True

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.sock.close()
