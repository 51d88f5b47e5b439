"""The arbiter's wire format, for the arbiter and all of its clients.

A Unix stream socket (default /run/sentinel.sock, else $SENTINEL_SOCKET). Messages are JSON objects in
UTF-8, one a line, at most MAX_REQUEST bytes up and MAX_REPLY bytes down. Who is asking is read from
the socket (SO_PEERCRED), never from the message. Unknown fields are refused.

The plain protocol, as first clients speak it: one object a connection, the newline optional.

    {"cmd": "acquire", "holder": "NAME"}   -> {"ok": true, "state": …, "lease": ID, "gpus": [UUID…]}
                                              answered once the memory is measured free;
                                              the lease is bound to the asking process and `holder`
    {"cmd": "release", "holder": "NAME"}   -> {"ok": true, "state": …}
    {"cmd": "status"}                      -> the status object, with "ok": true
    anything that fails                    -> {"ok": false, "error": TEXT, "code": CODE}

Version 1: the same with "v": 1; many messages a connection, each answered in order.

    acquire   sharing "shared" | "exclusive" | "slice", count, gpu_ids [TEXT…], memory_bytes,
              wait_seconds (null: for ever, 0: not at all), parent (the lease named by the
              environment, for a nested request), binding "tree" | "connection", holder, command
              -> {"v": 1, "event": "waiting", "why": TEXT}      zero or more times, then one of
                 {"v": 1, "event": "granted", "lease": ID, "gpus": [{"uuid", "index", "devices"}…],
                  "inherited": BOOL}                            devices: UUIDs for CUDA (MIG ones too)
                 {"v": 1, "event": "refused", "code": CODE, "message": TEXT, "holders": […]}
    release   lease                          -> {"v": 1, "ok": true}
    status                                   -> {"v": 1, "ok": true, "status": {…}}
    watch                                    -> the same again at every change (and every second)
    extend    lease, seconds                 its owner, within the limit; admins
    pause     reason                         admins: takes the GPUs from inference
    resume                                   admins: ends that, and overrides unknown readings
    reload                                   admins: reads the config again
    evict     lease, keep_running            admins: ends a lease (TERM, then KILL, unless keep_running)
    cordon    gpu, reason; uncordon gpu      admins: no new lease there
              -> {"v": 1, "ok": true, "message": TEXT} | {"v": 1, "ok": false, "code", "error"}

CODE is one of the CODES below. "refused" closes nothing: the connection may ask again.
"""

import json

from sentinel.core.errors import ProtocolError

TYPE_CHECKING = False  # `typing` itself would cost the clients a quarter of their start-up
if TYPE_CHECKING:
    from typing import Any

MAX_REQUEST = 64 * 1024
MAX_REPLY = 16 * 1024 * 1024
DEFAULT_SOCKET = "/run/sentinel.sock"
LEASE_VARIABLE = "SENTINEL_LEASE"  # marks a lease's process tree in the environment
SOCKET_VARIABLE = "SENTINEL_SOCKET"

CODES = {
    "busy": "not now: others hold what is asked for",
    "timeout": "not within the time given",
    "not-freed": "inference did not give the memory back in time",
    "unknown": "the GPUs cannot be read",
    "impossible": "this machine could never grant it",
    "limit": "over a limit per user",
    "identity": "who is asking could not be established",
    "forbidden": "not allowed for this user",
    "not-found": "no such lease or GPU",
    "bad-request": "not a message of this protocol",
    "overloaded": "too many connections",
    "stopping": "the arbiter is shutting down",
    "failed": "it was tried and did not work",
}


def encode(message: "dict[str, Any]") -> bytes:
    """`message` as one line of bytes, newline included."""
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def decode(line: bytes) -> "dict[str, Any]":
    """The object in `line`. ProtocolError when there is none."""
    try:
        message: Any = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"not JSON: {str(error)[:120]}") from None
    if not isinstance(message, dict):
        raise ProtocolError('a message is a JSON object, like {"cmd": "status"}')
    return message  # pyright: ignore[reportUnknownVariableType]


class LineReader:
    """Cuts a stream into messages. The first may come without its newline (plain protocol).

    Such a guess costs a parse, so only a few are made per connection: a client that dribbles bytes
    pays with a newline, not with our time.
    """

    __slots__ = ("_buffer", "_guesses", "_scanned", "limit")

    def __init__(self, limit: int = MAX_REQUEST) -> None:
        self.limit = limit
        self._buffer = bytearray()
        self._guesses = 8
        self._scanned = 0

    def feed(self, data: bytes) -> None:
        """Adds what came. ProtocolError when a message outgrows the limit."""
        self._buffer += data
        if len(self._buffer) > self.limit and b"\n" not in self._buffer[: self.limit + 1]:
            raise self._too_long()

    def _too_long(self) -> ProtocolError:
        return ProtocolError(f"a message is at most {self.limit} bytes")

    @property
    def pending(self) -> bool:
        """Whether part of a message is waiting for the rest."""
        return bool(self._buffer.strip())

    def next_line(self) -> bytes | None:
        """The next whole line, without its newline; None when there is none yet. ProtocolError when it
        outgrows the limit."""
        while (end := self._buffer.find(b"\n", self._scanned)) >= 0:
            if end > self.limit:
                raise self._too_long()
            line = bytes(self._buffer[:end])
            del self._buffer[: end + 1]
            self._scanned = 0
            if line.strip():
                return line
        if len(self._buffer) > self.limit:
            raise self._too_long()
        self._scanned = len(self._buffer)
        return None

    def guess(self, *, ended: bool) -> "dict[str, Any] | None":
        """The message so far if it is whole although no newline came. `ended`: nothing more will come."""
        text = bytes(self._buffer).strip()
        if not text or not (ended or (text.endswith(b"}") and self._guesses > 0)):
            return None
        self._guesses -= 1
        try:
            message = decode(text)
        except ProtocolError:
            if ended:
                raise
            return None
        self._buffer.clear()
        self._scanned = 0
        return message
