"""Talking to the arbiter from a client's side: the socket, the messages, the words for what goes wrong.

For sentinel-request, sentinel-status, sentinel-admin and `sentinel.gpu()`. Start-up is part of every
research command's cost, so nothing is imported here that a bare request does not need.
"""

import os
import socket
import time

from sentinel.core.codec import DEFAULT_SOCKET, MAX_REPLY, SOCKET_VARIABLE, LineReader, decode, encode
from sentinel.core.errors import ArbiterUnavailable, ProtocolError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

RECONNECT_SECONDS = 15.0
"""How long a waiting client looks for an arbiter that went away: a restart takes less."""


def socket_path() -> str:
    """Where the arbiter listens: $SENTINEL_SOCKET, else /run/sentinel.sock."""
    return os.environ.get(SOCKET_VARIABLE) or DEFAULT_SOCKET


class Channel:
    """One connection. Use from one thread."""

    __slots__ = ("_reader", "path", "sock")

    def __init__(self, path: "str | None" = None, timeout: "float | None" = 10.0) -> None:
        """Connects. ArbiterUnavailable, saying what to do, when nobody is there."""
        self.path = path or socket_path()
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(timeout)
        self._reader = LineReader(MAX_REPLY)
        try:
            self.sock.connect(self.path)
        except OSError as error:
            self.sock.close()
            raise ArbiterUnavailable(_unavailable(self.path, error)) from None

    def send(self, message: "dict[str, Any]") -> None:
        try:
            self.sock.sendall(encode({"v": 1, **message}))
        except OSError as error:
            # It may have said why before it hung up (too many connections, say): that is what counts.
            if not isinstance(error, BrokenPipeError | ConnectionResetError):
                raise ArbiterUnavailable(f"the arbiter on {self.path} hung up: {error.strerror}") from None

    def receive(self) -> "dict[str, Any]":
        """The next message. ArbiterUnavailable when the arbiter is gone or does not answer in time."""
        try:
            return self._receive()
        except TimeoutError:
            raise ArbiterUnavailable(f"the arbiter on {self.path} does not answer") from None

    def receive_within(self, seconds: float) -> "dict[str, Any] | None":
        """The next message, or None when none comes within the time."""
        self.sock.settimeout(seconds)
        try:
            return self._receive()
        except TimeoutError:
            return None
        finally:
            self.sock.settimeout(None)

    def _receive(self) -> "dict[str, Any]":
        while (line := self._reader.next_line()) is None:
            try:
                data = self.sock.recv(65536)
            except TimeoutError:
                raise
            except OSError as error:
                raise ArbiterUnavailable(f"the arbiter on {self.path} hung up: {error.strerror}") from None
            if not data:
                raise ArbiterUnavailable(f"the arbiter on {self.path} hung up")
            self._reader.feed(data)
        return decode(line)

    def ask(self, message: "dict[str, Any]") -> "dict[str, Any]":
        """One message, one answer. ProtocolError with the arbiter's words when that is a no."""
        self.send(message)
        answer = self.receive()
        if answer.get("ok") is False:
            raise ProtocolError(str(answer.get("error", "refused without a reason")))
        return answer

    def close(self) -> None:
        self.sock.close()


PATIENCE = 1.0
"""Seconds of waiting that need no explanation."""


def acquire(
    message: "dict[str, Any]",
    waiting: "Callable[[str], None] | None" = None,
    path: "str | None" = None,
) -> "tuple[Channel, dict[str, Any]]":
    """Asks for a lease and waits for the last word: (channel, "granted" or "refused" message).

    `waiting(why)` is called once it takes longer than PATIENCE, and again at every new reason. Should
    the arbiter go away meanwhile, it is looked for and asked again; a lease that this process got
    without hearing of it is found again.
    """
    channel = Channel(path, timeout=None)
    why = told = ""
    explain_at = time.monotonic() + PATIENCE
    while True:
        try:
            channel.send({"cmd": "acquire", **message})
            while True:
                left = explain_at - time.monotonic()
                answer = channel.receive_within(left) if left > 0 else channel.receive()
                if answer is not None:
                    if _last_word(answer):
                        if answer.get("code") == "stopping":
                            raise ArbiterUnavailable(f"the arbiter on {channel.path} was stopped")
                        return channel, answer
                    why = str(answer.get("why", ""))
                if waiting and why != told and time.monotonic() >= explain_at:
                    told = why
                    waiting(why)
        except ArbiterUnavailable:
            channel.close()
            why = "the arbiter went away; looking for it"
            channel = _again(path)


def _last_word(answer: "dict[str, Any]") -> bool:
    if answer.get("ok") is False:
        answer.update(event="refused", message=str(answer.get("error")))
    return answer.get("event") in ("granted", "refused")


def _again(path: "str | None") -> Channel:
    end = time.monotonic() + RECONNECT_SECONDS
    while True:
        try:
            return Channel(path, timeout=None)
        except ArbiterUnavailable:
            if time.monotonic() > end:
                raise
        time.sleep(0.2)


def _unavailable(path: str, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        why = "there is no such socket"
    elif isinstance(error, ConnectionRefusedError):
        why = "nobody listens there"
    else:
        why = error.strerror or str(error)
    hint = "systemctl status sentinel" if path == DEFAULT_SOCKET else f"is {SOCKET_VARIABLE} right?"
    return f"no arbiter on {path}: {why} ({hint})"
