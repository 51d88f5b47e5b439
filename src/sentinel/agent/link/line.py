"""The line to this node's supervisor: one connection to its socket, kept up for as long as the agent runs.

Started by the link. What the supervisor says goes to the executor as it comes; when there is no supervisor
one is started, and when it does not answer the line is made anew. While it is down, what runs is unknown.
"""

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from sentinel.agent.link.attempt import attempt_from
from sentinel.agent.link.backoff import Backoff
from sentinel.agent.link.commands import encoded, hello_command
from sentinel.agent.link.executor import Executor
from sentinel.core.errors import ProtocolError, SentinelError
from sentinel.core.notify import Journal
from sentinel.core.socket_path import socket_path

SOCKET = "supervisor.sock"
_PIECE = 256 * 1024
_LONGEST = 16 * 1024 * 1024
_HELLO_SECONDS = 10.0
_SENDING_SECONDS = 10.0
_LOOK_AGAIN = 0.02
"""Seconds between looks for the socket of a supervisor that was just started."""
_COMES_UP = 5.0
_PEACE = 5.0
"""A line that lasted this long was a good one: when it ends the next is tried at once."""


class Line:
    """See this module's docstring."""

    def __init__(
        self,
        folder: Path,
        executor: Executor,
        start: Callable[[], None] | None,
        changed: Callable[[], None],
        journal: Journal,
        now: Callable[[], float],
        backoff: Backoff | None = None,
    ) -> None:
        """`start` starts a supervisor, raising SentinelError when it cannot; None: somebody else does.
        `changed` is called whenever the line comes up or goes down. `now` is boot time."""
        self._path = folder / SOCKET
        self._executor, self._start, self._changed = executor, start, changed
        self._journal, self._now = journal, now
        self._backoff = backoff or Backoff(0.05, 2.0)
        self._stop = threading.Event()
        self._condition = threading.Condition()
        self._sock: socket.socket | None = None
        self._asked = self._answered = 0
        self._held: tuple[str, ...] = ()
        self._sending = threading.Lock()
        self._said = ""
        self.pid: int | None = None
        """The supervisor's; None while there is none."""
        self._thread = threading.Thread(target=self._run, name="link-supervisor", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Lets go of the supervisor, which goes on with its jobs."""
        self._stop.set()
        if (sock := self._sock) is not None:
            _hang_up(sock)
        with self._condition:
            self._condition.notify_all()
        if self._thread.is_alive():
            self._thread.join(1.0)

    def held(self, seconds: float) -> tuple[str, ...] | None:
        """Tokens of every attempt that the supervisor has now; None when it does not say so in time."""
        with self._condition:
            self._condition.wait_for(lambda: self._sock is not None or self._stop.is_set(), seconds)
            sock = self._sock
            if sock is None:
                return None
            self._asked += 1
            number = self._asked
        try:
            self._write(sock, [encoded(hello_command())])
        except OSError:
            return None
        with self._condition:
            self._condition.wait_for(lambda: self._sock is not sock or self._answered >= number, seconds)
            if self._sock is sock and self._answered >= number:
                return self._held
        # It is there and does not answer: the line is made anew, in case it is the line.
        _hang_up(sock)
        return None

    def send(self, lines: Sequence[bytes]) -> None:
        """Commands, in order. OSError when the line is down. From any thread."""
        sock = self._sock
        if sock is None:
            raise ConnectionError
        self._write(sock, lines)

    def _write(self, sock: socket.socket, lines: Sequence[bytes]) -> None:
        with self._sending:
            try:
                sock.sendall(b"".join(lines))
            except OSError:
                _hang_up(sock)  # part of a line may be out: nothing may follow it
                raise

    # ------------------------------------------------------------------ the thread

    def _run(self) -> None:
        while not self._stop.is_set():
            began = self._now()
            try:
                sock = self._connected()
                with sock:
                    self._serve(sock)
                why = "the supervisor closed the connection"
            except (OSError, SentinelError) as error:
                why = error.message if isinstance(error, SentinelError) else str(error.strerror or error)
            self._down()
            if self._stop.is_set():
                break
            self._say(f"no line to the supervisor of jobs: {why}; what runs goes on, and it is tried again")
            if self._now() - began > _PEACE:
                self._backoff.reset()
            self._stop.wait(self._backoff.failed())

    def _connected(self) -> socket.socket:
        try:
            return self._connect()
        except (FileNotFoundError, ConnectionRefusedError):
            if self._start is None:
                raise SentinelError(
                    f"nobody listens on {self._path}: systemctl status sentinel-supervisor"
                ) from None
        self._start()
        until = self._now() + _COMES_UP
        while True:
            try:
                return self._connect()
            except (FileNotFoundError, ConnectionRefusedError):
                if self._now() > until or self._stop.wait(_LOOK_AGAIN):
                    raise SentinelError(
                        f"the supervisor was started and does not listen on {self._path}; "
                        f"see {self._path.parent / 'supervisor.log'}"
                    ) from None

    def _connect(self) -> socket.socket:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.settimeout(_SENDING_SECONDS)
            with socket_path(self._path) as name:
                sock.connect(name)
        except BaseException:
            sock.close()
            raise
        return sock

    def _serve(self, sock: socket.socket) -> None:
        sock.sendall(encoded(hello_command()))
        buffer = bytearray()
        hello_by = self._now() + _HELLO_SECONDS
        while not self._stop.is_set():
            try:
                data = sock.recv(_PIECE)
            except TimeoutError:
                # Silence is no news, but for one that has not even said hello.
                if self._sock is None and self._now() > hello_by:
                    raise SentinelError("it does not answer") from None
                continue
            if not data:
                return
            buffer += data
            end = buffer.rfind(b"\n")
            if end < 0:
                if len(buffer) > _LONGEST:
                    raise ProtocolError("the supervisor's line does not end")
                continue
            lines = bytes(buffer[:end]).split(b"\n")
            del buffer[: end + 1]
            self._hear(sock, [_message(line) for line in lines if line])

    def _hear(self, sock: socket.socket, messages: Sequence[Mapping[str, Any]]) -> None:
        events: list[Mapping[str, Any]] = []
        for message in messages:
            match message.get("event"):
                case "hello":
                    self._flush(events)
                    self._hello(sock, message)
                case "error":
                    raise SentinelError(f"it says: {message.get('why')}")
                case _:
                    events.append(message)
        self._flush(events)

    def _flush(self, events: list[Mapping[str, Any]]) -> None:
        if events:
            self._executor.heard(events)
            events.clear()

    def _hello(self, sock: socket.socket, message: Mapping[str, Any]) -> None:
        jobs: Any = message.get("jobs")
        if not isinstance(jobs, list):
            raise ProtocolError("the supervisor's hello names no jobs")
        attempts = [attempt_from(one) for one in cast("list[Any]", jobs)]
        first = self._sock is None
        if first:
            pid = message.get("pid")
            self.pid = pid if isinstance(pid, int) else None
            with self._condition:
                self._asked = self._answered = 0
                self._sock = sock
            self._executor.connected(attempts, self.send)
        with self._condition:
            self._held = tuple(one.token for one in attempts)
            if not first:
                self._answered += 1
            self._condition.notify_all()
        if first:
            self._say("")
            self._changed()

    def _down(self) -> None:
        with self._condition:
            was, self._sock, self.pid = self._sock is not None, None, None
            self._condition.notify_all()
        self._executor.lost()
        if was:
            self._changed()

    def _say(self, text: str) -> None:
        """In the journal, once."""
        if text and text != self._said:
            self._journal.write("warning", text)
        elif not text and self._said:
            self._journal.write("info", "the supervisor of jobs answers again")
        self._said = text


def _hang_up(sock: socket.socket) -> None:
    """Whoever reads from it hears that it has ended."""
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def _message(line: bytes) -> Mapping[str, Any]:
    try:
        found: Any = json.loads(line)
    except (ValueError, RecursionError):
        raise ProtocolError("the supervisor said something that is no JSON") from None
    if not isinstance(found, dict):
        raise ProtocolError("the supervisor said something that is no message")
    return cast("dict[str, Any]", found)
