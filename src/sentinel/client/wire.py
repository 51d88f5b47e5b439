"""HTTP/1.1 answers, read from a socket. Called by `client.connection`.

`http.client` parses headers with the parser for mails, which costs as much as all the rest of a small
request, and sends a request's head and body apart. This knows
what an API needs: a length, chunks, or neither.
"""

import socket
from dataclasses import dataclass

_LONGEST_HEAD = 65536
_PIECE = 65536


class BadAnswer(Exception):
    """What came is no HTTP/1.1 answer."""


class Cut(Exception):
    """The other side closed. `begun`: some of the answer had come."""

    def __init__(self, *, begun: bool) -> None:
        super().__init__("the connection was closed")
        self.begun = begun


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Status and headers, names in lower case. `length` None: to the end of the connection, or in chunks."""

    status: int
    headers: dict[str, str]
    length: int | None
    chunked: bool
    keeps: bool  # the connection can be used again after the body


class Wire:
    """The reading side of one connection."""

    __slots__ = ("_buffer", "_sock")

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._buffer = b""

    def head(self, method: str) -> Head:
        """The head of the answer to a request of that method; 1xx are passed over."""
        while True:
            end = self._buffer.find(b"\r\n\r\n")
            while end < 0:
                if len(self._buffer) > _LONGEST_HEAD:
                    raise BadAnswer("its headers do not end")
                self._more(begun=bool(self._buffer))
                end = self._buffer.find(b"\r\n\r\n")
            raw, self._buffer = self._buffer[:end], self._buffer[end + 4 :]
            found = _head(raw.decode("latin-1"), method)
            if found.status >= 200:
                return found

    def exactly(self, count: int) -> bytes:
        """The next `count` bytes."""
        buffer = self._buffer
        if len(buffer) < count:
            parts, have = [buffer], len(buffer)
            while have < count:
                parts.append(self._received(begun=True))
                have += len(parts[-1])
            buffer = b"".join(parts)
        self._buffer = buffer[count:]
        return buffer[:count]

    def some(self, most: int) -> bytes:
        """What there is of the next `most` bytes, at least one; empty at the end of the connection."""
        if not self._buffer:
            try:
                self._more(begun=True)
            except Cut:
                return b""
        found, self._buffer = self._buffer[:most], self._buffer[most:]
        return found

    def line(self) -> bytes:
        """The next line, without its end."""
        while (end := self._buffer.find(b"\r\n")) < 0:
            if len(self._buffer) > _LONGEST_HEAD:
                raise BadAnswer("a line does not end")
            self._more(begun=True)
        found, self._buffer = self._buffer[:end], self._buffer[end + 2 :]
        return found

    def _more(self, *, begun: bool) -> None:
        self._buffer += self._received(begun=begun)

    def _received(self, *, begun: bool) -> bytes:
        data = self._sock.recv(_PIECE)
        if not data:
            raise Cut(begun=begun)
        return data


class Body:
    """The body of one answer, piece by piece. `done` once all of it was read."""

    __slots__ = ("_chunk", "_head", "_left", "_wire", "done")

    def __init__(self, wire: Wire, head: Head) -> None:
        self._wire, self._head = wire, head
        self._left = head.length
        self._chunk = 0
        self.done = head.length == 0

    def piece(self) -> bytes:
        """The next of it as soon as it comes; empty at its end. Cut when the connection ends before."""
        if self.done:
            return b""
        if self._head.chunked:
            return self._of_chunk()
        found = self._wire.some(_PIECE if self._left is None else self._left)
        if self._left is None:
            self.done = not found
            return found
        if not found:
            raise Cut(begun=True)
        self._left -= len(found)
        self.done = self._left == 0
        return found

    def whole(self, most: int) -> bytes:
        """All that is left of it. BadAnswer when that is more than `most` bytes."""
        if self._left is not None and self._left <= most:
            found = self._wire.exactly(self._left)
            self._left, self.done = 0, True
            return found
        parts, have = list[bytes](), 0
        while piece := self.piece():
            parts.append(piece)
            have += len(piece)
            if have > most:
                raise BadAnswer(f"it is longer than {most} bytes")
        return b"".join(parts)

    def _of_chunk(self) -> bytes:
        if self._chunk == 0:
            self._chunk = _chunk_size(self._wire.line())
            if self._chunk == 0:
                while self._wire.line():  # trailers
                    pass
                self.done = True
                return b""
        found = self._wire.some(self._chunk)
        if not found:
            raise Cut(begun=True)
        self._chunk -= len(found)
        if self._chunk == 0 and self._wire.line():
            raise BadAnswer("a chunk is longer than it says")
        return found


def _head(text: str, method: str) -> Head:
    lines = text.split("\r\n")
    version, _, rest = lines[0].partition(" ")
    code = rest[:3]
    if not version.startswith("HTTP/1.") or not (code.isascii() and code.isdigit() and len(code) == 3):
        raise BadAnswer("it does not begin like one")
    status = int(code)
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon:
            raise BadAnswer("one of its headers is none")
        name, value = name.lower(), value.strip()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    chunked = headers.get("transfer-encoding", "").lower() == "chunked"
    length = _length(headers, status, method, chunked=chunked)
    keeps = (
        version == "HTTP/1.1"
        and (chunked or length is not None)
        and "close" not in headers.get("connection", "").lower()
    )
    return Head(
        status=status, headers=headers, length=length, chunked=chunked and length is None, keeps=keeps
    )


def _length(headers: dict[str, str], status: int, method: str, *, chunked: bool) -> int | None:
    if method == "HEAD" or status in (204, 304) or status < 200:
        return 0
    if chunked or (said := headers.get("content-length")) is None:
        return None
    if not (said.isascii() and said.isdigit()):
        raise BadAnswer("its length is no number")
    return int(said)


def _chunk_size(line: bytes) -> int:
    digits = line.partition(b";")[0].strip()
    try:
        size = int(digits, 16)
    except ValueError:
        size = -1
    if size < 0 or len(digits) > 15:
        raise BadAnswer("a chunk does not say how long it is")
    return size
