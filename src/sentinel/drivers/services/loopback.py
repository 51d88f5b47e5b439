"""One HTTP request to an inference server on this machine. Called by the drivers that speak its API.

The server is trusted with its own memory and with nothing of ours: only the loopback address is spoken
to, no proxy is honoured, no redirect is followed, and neither a long answer nor one that dribbles in can
hold us for longer than said.
"""

import contextlib
import http.client
import json
import socket
import threading
from collections.abc import Generator
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, cast
from urllib.parse import urlsplit

from sentinel.core.errors import ServiceError, UsageError
from sentinel.core.units import show_duration, show_size

ANSWER_SECONDS = 5.0
MOST_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`status` as in HTTP; `data` the body."""

    status: int
    data: bytes

    def json(self) -> dict[str, Any]:
        """The JSON object in it, {} when there is none."""
        try:
            value: Any = json.loads(self.data)
        except (ValueError, RecursionError):
            return {}
        return cast("dict[str, Any]", value) if isinstance(value, dict) else {}

    def words(self) -> str:
        """What it says, for an error message: the status and the beginning of the body."""
        text = " ".join(self.data[:2000].decode(errors="replace").split())[:200]
        return f"HTTP {self.status}" + (f", {text!r}" if text else "")


class Unreachable(ServiceError):
    """Nobody listens there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loopback:
    """A server's address on this machine."""

    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> "Loopback":
        """The address in `url`, like http://127.0.0.1:8000. UsageError when it is none on this machine."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port or 80
        except ValueError as error:
            raise UsageError(f"{url!r} is no address: {error}") from None
        if parts.scheme != "http" or parts.path.strip("/") or parts.query or parts.username is not None:
            raise UsageError(f"{url!r} is no address of a server; write it like http://127.0.0.1:8000")
        if host != "localhost" and not _is_loopback(host):
            raise UsageError(f"{url!r} is not on this machine's loopback address, like http://127.0.0.1:8000")
        return cls(host=host, port=port)

    def ask(self, method: str, path: str, body: object = None, *, seconds: float = ANSWER_SECONDS) -> Answer:
        """The answer to one request, `body` sent as JSON; blocks for at most `seconds`.

        Raises Unreachable when nobody listens, ServiceError when no whole answer comes in time.
        """
        what = f"{method} http://{self.host}:{self.port}{path}"
        late = threading.Event()
        connection = http.client.HTTPConnection(self.host, self.port, timeout=seconds)
        try:
            connection.connect()
            with _ended_after(seconds, connection.sock, late):
                data = None if body is None else json.dumps(body)
                kind = {} if body is None else {"Content-Type": "application/json"}
                connection.request(method, path, data, {"Connection": "close", **kind})
                answer = connection.getresponse()
                text = answer.read(MOST_BYTES + 1)
                if answer.length and len(text) <= MOST_BYTES:
                    raise http.client.IncompleteRead(text, answer.length)
        except ConnectionRefusedError:
            raise Unreachable(f"{what}: nobody listens there") from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            slow = late.is_set() or isinstance(error, TimeoutError)
            why = f"no answer within {show_duration(seconds)}" if slow else _reason(error)
            raise ServiceError(f"{what}: {why}") from error
        finally:
            connection.close()
        if late.is_set():
            raise ServiceError(f"{what}: no whole answer within {show_duration(seconds)}")
        if len(text) > MOST_BYTES:
            raise ServiceError(f"{what}: the answer is longer than {show_size(MOST_BYTES)}")
        return Answer(status=answer.status, data=text)


@contextlib.contextmanager
def _ended_after(seconds: float, sock: socket.socket, late: threading.Event) -> Generator[None]:
    """Hangs up after `seconds`: a timeout of the socket's would begin anew at every byte."""

    def hang_up() -> None:
        late.set()
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, hang_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return f"no HTTP ({type(error).__name__})" if isinstance(error, http.client.HTTPException) else str(error)
