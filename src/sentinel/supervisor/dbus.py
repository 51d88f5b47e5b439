"""Just enough of D-Bus to ask systemd for something, without waiting. Called by `scopes`.

Speaks to systemd itself on its private socket, as systemctl does for root: no bus daemon is needed. The
format is that of the D-Bus specification: little-endian messages, each value aligned to its size. A value is
written as (signature, value), as in ("as", ["a", "b"]) or ("v", ("u", 5)).
"""

import os
import selectors
import socket
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

PRIVATE = "/run/systemd/private"
_CALL, _RETURN, _ERROR, _SIGNAL = 1, 2, 3, 4
_MOST = 128 * 1024 * 1024
_ALIGN = {"y": 1, "b": 4, "u": 4, "t": 8, "s": 4, "o": 4, "g": 1, "a": 4, "(": 8, "v": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One that came. `values`: its body, where it is made of texts, object paths and numbers alone."""

    kind: int
    reply_to: int
    member: str
    error: str
    values: tuple[Any, ...]

    @property
    def is_signal(self) -> bool:
        return self.kind == _SIGNAL


class Bus:
    """A connection. `hear` is called with every message, `lost` once when it is gone. OSError when there is
    none."""

    def __init__(
        self,
        selector: selectors.BaseSelector,
        hear: Callable[[Message], None],
        lost: Callable[[str], None],
        path: str = PRIVATE,
    ) -> None:
        self._selector, self._hear, self._lost = selector, hear, lost
        self._in = bytearray()
        self._greeted = False
        self._serial = 0
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            self._sock.connect(path)
            self._sock.setblocking(False)
            uid = str(os.geteuid()).encode().hex()
            self._sock.send(f"\0AUTH EXTERNAL {uid}\r\nBEGIN\r\n".encode())
        except OSError:
            self._sock.close()
            raise
        selector.register(self._sock, selectors.EVENT_READ, self._ready)

    def call(self, path: str, interface: str, member: str, *arguments: tuple[str, Any]) -> int:
        """Asks for something. The number that its answer will reply to. OSError when it cannot be sent."""
        self._serial += 1
        data = message(self._serial, path, interface, member, arguments)
        if self._sock.send(data) < len(data):
            raise BlockingIOError("systemd takes no more")
        return self._serial

    def close(self) -> None:
        if self._sock.fileno() >= 0:
            self._selector.unregister(self._sock)
            self._sock.close()

    def _ready(self, _mask: int) -> None:
        try:
            data = self._sock.recv(65536)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            self._lost("systemd hung up")
            return
        self._in += data
        try:
            self._read()
        except (ValueError, struct.error, IndexError, UnicodeDecodeError) as error:
            self.close()
            self._lost(f"systemd cannot be understood: {error}")

    def _read(self) -> None:
        if not self._greeted:
            end = self._in.find(b"\r\n")
            if end < 0:
                return
            if not self._in.startswith(b"OK "):
                raise ValueError(f"it does not let us in: {bytes(self._in[:end])!r}")
            del self._in[: end + 2]
            self._greeted = True
        while (found := read_message(self._in)) is not None:
            self._hear(found)


# ------------------------------------------------------------------ writing


def message(
    serial: int, path: str, interface: str, member: str, arguments: Sequence[tuple[str, Any]]
) -> bytes:
    """A method call to systemd."""
    body = bytearray()
    for signature, value in arguments:
        _write(body, signature, value)
    fields: list[tuple[int, tuple[str, Any]]] = [
        (1, ("o", path)),
        (2, ("s", interface)),
        (3, ("s", member)),
        (6, ("s", "org.freedesktop.systemd1")),
    ]
    if arguments:
        fields.append((8, ("g", "".join(signature for signature, _ in arguments))))
    head = bytearray(struct.pack("<cBBBII", b"l", _CALL, 0, 1, len(body), serial))
    _write(head, "a(yv)", fields)
    _pad(head, 8)
    return bytes(head + body)


def _pad(out: bytearray, to: int) -> None:
    out += b"\0" * (-len(out) % to)


def _write(out: bytearray, signature: str, value: Any) -> None:
    kind = signature[0]
    _pad(out, _ALIGN[kind])
    if kind == "y":
        out.append(value)
    elif kind in "bu":
        out += struct.pack("<I", value)
    elif kind == "t":
        out += struct.pack("<Q", value)
    elif kind in "so":
        data = value.encode()
        out += struct.pack("<I", len(data)) + data + b"\0"
    elif kind == "g":
        out += bytes([len(value)]) + value.encode() + b"\0"
    elif kind == "v":
        inner, content = value
        _write(out, "g", inner)
        _write(out, inner, content)
    elif kind == "(":
        for part, content in zip(_parts(signature[1:-1]), value, strict=True):
            _write(out, part, content)
    else:  # an array: its length does not count what aligns its first element
        at = len(out)
        out += b"\0\0\0\0"
        _pad(out, _ALIGN[signature[1]])
        start = len(out)
        for content in value:
            _write(out, signature[1:], content)
        struct.pack_into("<I", out, at, len(out) - start)


def _parts(signature: str) -> list[str]:
    """The single types that a signature is made of."""
    found: list[str] = []
    while signature:
        end = _end(signature)
        found.append(signature[:end])
        signature = signature[end:]
    return found


def _end(signature: str) -> int:
    if signature[0] == "a":
        return 1 + _end(signature[1:])
    if signature[0] != "(":
        return 1
    depth = 0
    for at, kind in enumerate(signature):
        depth += {"(": 1, ")": -1}.get(kind, 0)
        if depth == 0:
            return at + 1
    raise ValueError(f"no signature: {signature}")


# ------------------------------------------------------------------ reading


def read_message(buffer: bytearray) -> Message | None:
    """Takes the next whole message out of `buffer`. ValueError and the like when it is none."""
    if len(buffer) < 16:
        return None
    endian, kind, _, _, length, _, fields_length = struct.unpack_from("<cBBBIII", buffer)
    if endian != b"l" or length > _MOST or fields_length > _MOST:
        raise ValueError("no message of D-Bus as it is spoken here")
    head = 16 + fields_length + -fields_length % 8
    if len(buffer) < head + length:
        return None
    data = bytes(buffer[: head + length])
    del buffer[: head + length]
    reply_to, member, error, signature = 0, "", "", ""
    at = 16
    while at < 16 + fields_length:
        at += -at % 8
        code = data[at]
        inner, at = _read(data, at + 1, "g")
        value, at = _read(data, at, inner)
        if code == 5:
            reply_to = value
        elif code == 3:
            member = value
        elif code == 4:
            error = value
        elif code == 8:
            signature = value
    values: list[Any] = []
    at = head
    for part in _parts(signature) if set(signature) <= set("sou") else ():
        value, at = _read(data, at, part)
        values.append(value)
    if kind != _ERROR:
        error = ""
    return Message(kind=kind, reply_to=reply_to, member=member, error=error, values=tuple(values))


def _read(data: bytes, at: int, signature: str) -> tuple[Any, int]:
    if signature not in ("u", "s", "o", "g"):
        raise ValueError(f"a field of type {signature}")
    at += -at % _ALIGN[signature]
    if signature == "u":
        return struct.unpack_from("<I", data, at)[0], at + 4
    if signature == "g":
        length, at = data[at], at + 1
    else:
        length, at = struct.unpack_from("<I", data, at)[0], at + 4
    return data[at : at + length].decode(), at + length + 1
