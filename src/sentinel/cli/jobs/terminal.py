"""A job's terminal in this one: `WS jobs/ID/attach`. Called by `sentinel run --pty` and `job attach`.

Binary frames are the terminal's bytes. Text frames are JSON: {"resize": [rows, columns]} to the job,
{"exit": CODE or null} from it. Whatever happens, this terminal is as it was afterwards.
"""

import json
import os
import select
import signal
import sys
import termios
import tty
from collections.abc import Generator
from contextlib import contextmanager, suppress
from threading import Thread
from types import FrameType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sentinel.cli.controller import note
from sentinel.cli.jobs.leaving import Leaving
from sentinel.cli.jobs.words import ENDED, status_of
from sentinel.client.calls import attach_path
from sentinel.client.sync import Client
from sentinel.core.errors import ApiError, ApiUnavailable, SentinelError, UsageError

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

_OPEN_SECONDS = 40.0  # the controller gives the node 20
_LINKED_SECONDS = 5.0


def needs_terminal(what: str) -> None:
    """UsageError unless a person sits in front of this."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            f"{what} needs a terminal, and stdin or stdout is none; without one: sentinel run -- COMMAND"
        )


def attach(client: Client, id: str) -> int:
    """This terminal becomes the job's until it ends or is left; the exit status."""
    socket = _connect(client, id)
    link = _Link(socket)
    try:
        link.run()
    finally:
        with suppress(Exception):
            socket.close()
    if link.left:
        note(f"job {id} goes on; get back: sentinel job attach {id}")
        return 0
    if link.ended and link.exit_code is not None:
        return link.exit_code
    return _status(client, id, link)


def _status(client: Client, id: str, link: "_Link") -> int:
    try:
        job = client.wait(id, timeout=_LINKED_SECONDS)[0] if link.ended else client.job(id)
    except TimeoutError:
        job = client.job(id)
    if job["state"] in ENDED:
        if job["state"] != "SUCCEEDED":
            note(f"job {id} {job['state']}: {job['reason']}")
        return status_of(job)
    why = f": {link.why}" if link.why else ""
    raise SentinelError(
        f"the connection to job {id} broke{why}; it goes on, get back: sentinel job attach {id}"
    )


def _connect(client: Client, id: str) -> "ClientConnection":
    try:
        from websockets.exceptions import InvalidHandshake, InvalidStatus
        from websockets.sync.client import connect
    except ModuleNotFoundError:
        raise SentinelError('a terminal needs websockets: pip install "sentinel-gpu[cli]"') from None
    settings = client.settings
    parts = urlsplit(settings.url)
    address = f"wss://{parts.netloc}{parts.path.rstrip('/')}{attach_path(id)}"
    try:
        return connect(
            address,
            ssl=client.tls,
            additional_headers={"Authorization": f"Bearer {settings.token}"},
            open_timeout=_OPEN_SECONDS,
            close_timeout=1,
            compression=None,
            max_size=None,
            proxy=None,
        )
    except InvalidStatus as error:
        raise _refused(
            error.response.status_code, error.response.headers, bytes(error.response.body or b"")
        ) from None
    except (OSError, TimeoutError, InvalidHandshake) as error:
        raise ApiUnavailable(f"no terminal from {settings.url}: {error}", hint="try again") from None


def _refused(status: int, headers: Any, body: bytes) -> ApiError:
    from sentinel.client.problem import error_from

    lower = {str(name).lower(): str(value) for name, value in headers.raw_items()}
    return error_from(status, lower, body, "GET", "attach")


class _Link:
    """Between this terminal and the socket. `ended`: the job said so."""

    def __init__(self, socket: "ClientConnection") -> None:
        self.socket = socket
        self.ended = self.left = False
        self.exit_code: int | None = None
        self.why = ""
        self._woken, self._wake = os.pipe()
        os.set_blocking(self._wake, False)

    def run(self) -> None:
        """Until one side ends."""
        receiver = Thread(target=self._receive, name="terminal", daemon=True)
        try:
            with _raw(sys.stdin.fileno()), self._resizing():
                receiver.start()
                self._send_size()
                self._send()
        finally:
            with suppress(Exception):
                self.socket.close()
            receiver.join(_LINKED_SECONDS)
            os.close(self._woken)
            wake, self._wake = self._wake, -1
            os.close(wake)

    def _receive(self) -> None:
        """What the job writes, onto the screen; on a thread of its own."""
        out = sys.stdout.fileno()
        try:
            for frame in self.socket:
                if isinstance(frame, str):
                    self._told(frame)
                else:
                    _write(out, frame)
        except Exception as error:  # noqa: BLE001 - whatever broke, the terminal is to be left in order
            self.why = str(error)
        self.why = self.socket.close_reason or self.why
        self._poke(b"x")

    def _told(self, text: str) -> None:
        found = json.loads(text)
        if isinstance(found, dict) and "exit" in found:
            code: Any = found["exit"]  # pyright: ignore[reportUnknownVariableType]
            self.ended = True
            self.exit_code = code if isinstance(code, int) else None

    def _send(self) -> None:
        """What is typed, to the job, until it ends or is left."""
        from websockets.exceptions import ConnectionClosed

        keys, leaving = sys.stdin.fileno(), Leaving()
        while True:
            ready, _, _ = select.select([keys, self._woken], [], [])
            try:
                if self._woken in ready:
                    words = os.read(self._woken, 4096)
                    if b"x" in words:
                        return
                    self._send_size()
                if keys in ready:
                    typed = os.read(keys, 65536)
                    if not typed:  # the window is gone
                        return
                    if passed := leaving.typed(typed):
                        self.socket.send(passed)
                    if leaving.left:
                        self.left = True
                        return
            except ConnectionClosed:
                return

    def _send_size(self) -> None:
        size = os.get_terminal_size(sys.stdout.fileno())
        if size.lines > 0 and size.columns > 0:
            self.socket.send(json.dumps({"resize": [size.lines, size.columns]}))

    def _poke(self, word: bytes) -> None:
        if self._wake >= 0:
            with suppress(OSError):
                os.write(self._wake, word)

    @contextmanager
    def _resizing(self) -> Generator[None]:
        def resized(_number: int, _frame: FrameType | None) -> None:
            self._poke(b"s")

        before = signal.signal(signal.SIGWINCH, resized)
        try:
            yield
        finally:
            signal.signal(signal.SIGWINCH, before)


@contextmanager
def _raw(keys: int) -> Generator[None]:
    """Every key goes to the job, Ctrl-C too. SIGTERM and SIGHUP leave through here, so all is put back."""
    before = termios.tcgetattr(keys)
    handlers = {number: signal.signal(number, _end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        tty.setraw(keys)
        yield
    finally:
        with suppress(termios.error):
            termios.tcsetattr(keys, termios.TCSADRAIN, before)
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _end(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _write(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
