"""HTTP/1.1 GET over a Unix socket, with keep-alive. Called by `docker`, which speaks an engine's API with it.

The engine is trusted to run containers and with nothing of ours: an answer has one time limit from the
first byte sent to the last byte read, and one limit on its size. Standard library alone, since it runs as
root: decision 009.
"""

import contextlib
import http.client
import json
import socket
import threading
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sentinel.core.clock import boottime
from sentinel.core.units import show_size

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MOST_BYTES = 64 * 1024 * 1024
LONGEST_LINE = 1024 * 1024
_HUNG_UP = (BrokenPipeError, ConnectionResetError)  # http.client.RemoteDisconnected is one of the latter


class BadAnswer(Exception):
    """What came is no HTTP, no JSON, or too long. The text says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`status` as in HTTP; `data` the body."""

    status: int
    data: bytes

    def json(self) -> Any:
        """The JSON value in it. Raises BadAnswer when there is none."""
        try:
            return json.loads(self.data)
        except (ValueError, RecursionError) as error:
            raise BadAnswer(f"it answers no JSON: {error}") from None


class UnixHttp:
    """A server behind the socket `path`. Used by one thread at a time, except `close` and `lines`.

    Every call raises OSError (TimeoutError after `timeout` seconds in all) and BadAnswer.
    """

    def __init__(self, path: str, *, timeout: float) -> None:
        self.path = path
        self._timeout = timeout
        self._kept = _Connection(path)
        self._asking = threading.Lock()
        self._streams: set[_Connection] = set()
        self._closed = False

    def get(self, path: str) -> Answer:
        """The whole answer. A kept connection that was closed meanwhile is opened anew, once."""
        deadline = boottime() + self._timeout
        with self._asking:
            if self._kept.is_open:
                with contextlib.suppress(*_HUNG_UP):
                    return self._ask(path, deadline)
            return self._ask(path, deadline)

    def lines(self, path: str) -> Iterator[bytes]:
        """The lines of an answer that goes on, on a connection of its own; ends when that does.

        The time limit is for the beginning of the answer. A status other than 200 is BadAnswer.
        """
        connection = _Connection(self.path)
        self._streams.add(connection)
        try:
            connection.set_deadline(boottime() + self._timeout)
            connection.request("GET", path)
            if self._closed:  # before there was a connection to hang up on
                return
            with _translated():
                answer = connection.getresponse()
            connection.set_deadline(None)
            if answer.status != http.client.OK:
                raise BadAnswer(f"it answers HTTP {answer.status}")
            with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
                while line := answer.readline(LONGEST_LINE):
                    yield line
        except (OSError, BadAnswer):
            if not self._closed:
                raise
        finally:
            self._streams.discard(connection)
            connection.close()

    def close(self) -> None:
        """Lets go; a thread in `get` or `lines` comes back. For good, and idempotent."""
        self._closed = True
        for stream in tuple(self._streams):
            stream.hang_up()
        self._kept.hang_up()
        with self._asking:
            self._kept.close()

    def _ask(self, path: str, deadline: float) -> Answer:
        if self._closed:
            raise OSError("it has been closed")
        connection = self._kept
        connection.set_deadline(deadline)
        try:
            with _translated():
                connection.request("GET", path)
                answer = connection.getresponse()
                data = answer.read(MOST_BYTES + 1)
                if len(data) > MOST_BYTES:
                    raise BadAnswer(f"its answer is longer than {show_size(MOST_BYTES)}")
                if answer.length:
                    raise http.client.IncompleteRead(data, answer.length)
        except BaseException:
            connection.close()  # whatever is left in it belongs to no later question
            raise
        return Answer(status=answer.status, data=data)


@contextlib.contextmanager
def _translated() -> Generator[None]:
    try:
        yield
    except OSError:
        raise
    except http.client.IncompleteRead:
        raise ConnectionResetError("the connection ended in mid-answer") from None
    except (http.client.HTTPException, ValueError) as error:
        raise BadAnswer(f"it answers no HTTP ({type(error).__name__})") from error


class _Connection(http.client.HTTPConnection):
    """One connection. Its deadline (boottime) is for all that is read and written until the next is set."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost")
        self._path = path
        self._socket: _Timed | None = None
        self._deadline: float | None = None

    def set_deadline(self, deadline: float | None) -> None:
        """None is no limit."""
        self._deadline = deadline
        if self._socket is not None:
            self._socket.deadline = deadline

    @property
    def is_open(self) -> bool:
        return self._socket is not None

    def connect(self) -> None:
        sock = _Timed(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.deadline = self._deadline
        try:
            sock.apply_deadline()
            sock.connect(self._path)
        except BaseException:
            sock.close()
            raise
        self.sock = self._socket = sock

    def close(self) -> None:
        self._socket = None
        super().close()

    def hang_up(self) -> None:
        """Ends it under whoever reads from it, who then closes it."""
        sock = self._socket
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


class _Timed(socket.socket):
    """A socket whose time limit does not begin anew at every byte."""

    deadline: float | None = None

    def apply_deadline(self) -> None:
        """Raises TimeoutError when it has passed."""
        left = None if self.deadline is None else self.deadline - boottime()
        if left is not None and left <= 0:
            raise TimeoutError
        self.settimeout(left)

    def sendall(self, data: Any, flags: int = 0) -> None:
        self.apply_deadline()
        super().sendall(data, flags)

    def recv_into(self, buffer: "WriteableBuffer", nbytes: int = 0, flags: int = 0) -> int:
        self.apply_deadline()
        return super().recv_into(buffer, nbytes, flags)
