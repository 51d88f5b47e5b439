"""Terminals of jobs that people sit at: for each session that the controller names, bytes are carried
between its web socket and the supervisor. Called by the link with each answer of the controller; a session
is a thread.
"""

import contextlib
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from sentinel.agent.link.attempt import Attempt, Phase
from sentinel.agent.link.commands import attach_command, encoded
from sentinel.agent.link.desired import Session
from sentinel.agent.link.line import SOCKET
from sentinel.agent.link.log_file import log_path, tail_of
from sentinel.agent.link.membership import Credentials
from sentinel.core.errors import ProtocolError, SentinelError
from sentinel.core.notify import Journal
from sentinel.core.socket_path import socket_path

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

MOST = 64
"""Sessions at the same time."""
_SECONDS = 10.0
_BEGINS_WITHIN = 15.0
_LOOK_AGAIN = 0.05
_MOST_FRAME = 64 * 1024
_FRAME = struct.Struct("!cI")
_SIZE = struct.Struct("!HH")


class Attaching:
    """`wanted` and `close` from any thread, one at a time."""

    def __init__(
        self,
        credentials: Credentials,
        folder: Path,
        attempts: Callable[[], Iterable[Attempt]],
        journal: Journal,
        now: Callable[[], float],
    ) -> None:
        """`attempts`: those that the supervisor has, then those that ended lately. `now` is boot time."""
        self._credentials, self._folder, self._attempts = credentials, folder, attempts
        self._journal, self._now = journal, now
        self._known: dict[str, threading.Thread] = {}
        self._stop = threading.Event()

    def wanted(self, sessions: Sequence[Session]) -> None:
        """These are wanted now; those that are no longer end by themselves, with their web sockets."""
        names = {one.id for one in sessions}
        self._known = {id: one for id, one in self._known.items() if id in names or one.is_alive()}
        for session in sessions:
            if session.id not in self._known and len(self._known) < MOST:
                thread = threading.Thread(target=self._run, args=(session,), name="link-attach", daemon=True)
                self._known[session.id] = thread
                thread.start()

    def close(self) -> None:
        """No session begins any more. Those that there are end with the process."""
        self._stop.set()

    # ------------------------------------------------------------------ one session

    def _run(self, session: Session) -> None:
        from websockets.exceptions import WebSocketException

        try:
            self._serve(session)
        except (OSError, SentinelError, WebSocketException) as error:
            why = error.message if isinstance(error, SentinelError) else str(error)
            self._journal.write("info", f"job {session.job}: a terminal ended: {why}")

    def _serve(self, session: Session) -> None:
        from websockets.sync.client import connect

        url = self._credentials.membership.url.replace("https://", "wss://", 1).rstrip("/")
        with connect(
            f"{url}/api/v1/agent/attach/{session.id}",
            ssl=self._credentials.context,
            proxy=None,
            compression=None,
            open_timeout=_SECONDS,
            close_timeout=2,
            max_size=2**20,
        ) as web:
            attempt = self._attempt(session)
            if attempt is None:
                web.close(1011, "the job does not run on its node")
                return
            if attempt.phase.over:  # it was quicker than whoever wanted to look
                if shown := tail_of(log_path(self._folder, attempt.job, attempt.attempt), _MOST_FRAME):
                    web.send(shown)
                web.send(json.dumps({"exit": attempt.exit_code}))
                return
            with Terminal(self._folder / SOCKET, attempt.token) as terminal:
                _carry(web, terminal)

    def _attempt(self, session: Session) -> Attempt | None:
        """The attempt, once it runs: whoever is quick asks before."""
        until = self._now() + _BEGINS_WITHIN
        while True:
            found = next(
                (
                    one
                    for one in self._attempts()
                    if one.job == session.job and one.attempt == session.attempt
                ),
                None,
            )
            if found is not None and (found.phase is Phase.RUNNING or found.phase.over):
                return found
            if self._now() > until or self._stop.wait(_LOOK_AGAIN):
                return None


class Terminal:
    """The supervisor's side: a connection that became the terminal of a job. See supervisor.wire for its
    frames."""

    def __init__(self, path: Path, token: str) -> None:
        """Connects. SentinelError with the supervisor's words when it will not; OSError when it is not
        there."""
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._buffer = bytearray()
        try:
            self._sock.settimeout(_SECONDS)
            with socket_path(path) as name:
                self._sock.connect(name)
            self._sock.sendall(encoded(attach_command(token)))
            self._begin()
            self._sock.settimeout(None)
        except BaseException:
            self._sock.close()
            raise

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_: object) -> None:
        self.hang_up()
        self._sock.close()

    def hang_up(self) -> None:
        """From any thread: whoever reads hears that it has ended."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def type(self, data: bytes) -> None:
        """What somebody typed."""
        for start in range(0, len(data), _MOST_FRAME):
            piece = data[start : start + _MOST_FRAME]
            self._sock.sendall(_FRAME.pack(b"d", len(piece)) + piece)

    def resize(self, rows: int, columns: int) -> None:
        self._sock.sendall(_FRAME.pack(b"r", _SIZE.size) + _SIZE.pack(rows, columns))

    def read(self) -> tuple[bytes, bytes] | None:
        """The next frame, its kind first; None at the end."""
        while True:
            if len(self._buffer) >= _FRAME.size:
                kind, length = _FRAME.unpack_from(self._buffer)
                if length > _MOST_FRAME:
                    raise ProtocolError("the supervisor sent a frame that is too long")
                end = _FRAME.size + length
                if len(self._buffer) >= end:
                    data = bytes(self._buffer[_FRAME.size : end])
                    del self._buffer[:end]
                    return kind, data
            received = self._sock.recv(_MOST_FRAME)
            if not received:
                return None
            self._buffer += received

    def _begin(self) -> None:
        while b"\n" not in self._buffer:
            received = self._sock.recv(4096)
            if not received or len(self._buffer) > _MOST_FRAME:
                raise ProtocolError("the supervisor closed the terminal")
            self._buffer += received
        line, _, rest = bytes(self._buffer).partition(b"\n")
        self._buffer = bytearray(rest)
        answer = _object(line)
        if answer.get("event") != "attached":
            raise ProtocolError(str(answer.get("why") or "the supervisor gives no terminal of that job"))


def _carry(web: "ClientConnection", terminal: Terminal) -> None:
    """Both ways, until one of them ends."""
    showing = threading.Thread(target=_show, args=(web, terminal), name="link-attach-show", daemon=True)
    showing.start()
    try:
        for message in web:
            if isinstance(message, bytes):
                terminal.type(message)
            elif (size := _size(message)) is not None:
                terminal.resize(*size)
    finally:
        terminal.hang_up()
        showing.join(_SECONDS)


def _show(web: "ClientConnection", terminal: Terminal) -> None:
    from websockets.exceptions import WebSocketException

    with contextlib.suppress(OSError, WebSocketException, ProtocolError):
        while (frame := terminal.read()) is not None:
            kind, data = frame
            if kind == b"d":
                web.send(data)
            elif kind == b"x":
                code = _object(data).get("exit_code")
                web.send(json.dumps({"exit": code if isinstance(code, int) else None}))
                break
        web.close()


def _size(text: str) -> tuple[int, int] | None:
    found: Any = _object(text.encode()).get("resize")
    if not isinstance(found, list):
        return None
    size = cast("list[Any]", found)
    if len(size) != 2 or not all(type(one) is int and 0 < one < 65536 for one in size):
        return None
    return size[0], size[1]


def _object(text: bytes) -> Mapping[str, Any]:
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}
