"""Running an engine's command line without waiting for it. Owned by the loop, called by `engines` and
`containers`.

What a tool prints goes into memory files, so nothing has to be read while it runs. It has an environment of
its own, never a job's: a job's owner must not say what a program of ours does.
"""

import contextlib
import os
import signal
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sentinel.core.clock import boottime
from sentinel.supervisor.endings import Endings
from sentinel.supervisor.members import signal_process

PATIENCE = 20.0
"""Seconds that a tool may take for what should take none."""
TOOL = "SENTINEL_TOOL"
"""Names, in its environment, the attempt that a tool works for."""
AT_ONCE = 8
_MOST_SAID = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Done:
    """`code`: its exit code, negative for a signal, None when it could not be run."""

    code: int | None
    out: str
    err: str

    @property
    def failure(self) -> str:
        """The last line of what it complained about, without what every complaint begins with."""
        lines = [
            text.strip() for text in self.err.splitlines() if text.strip() and not text.startswith("See '")
        ]
        last = lines[-1] if lines else f"it ended with {self.code} and said nothing"
        for start in ("docker: ", "Error response from daemon: ", "Error: "):
            last = last.removeprefix(start)
        return last.removesuffix(".")[:600]


@dataclass(slots=True, eq=False)
class Tool:
    """One that is to run, or runs: then `pid` is its process."""

    command: Sequence[str]
    token: str
    heard: Callable[[Done], None]
    patience: float | None
    pid: int = 0
    until: float | None = None
    files: tuple[int, int] = (-1, -1)


class Tools:
    """Runs at most AT_ONCE at a time."""

    def __init__(self, endings: Endings, environment: dict[str, str]) -> None:
        self._endings, self.environment = endings, environment
        self._null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        self._waiting: deque[Tool] = deque()
        self._running: list[Tool] = []

    def leading(self, mark: str, token: str) -> dict[str, str]:
        """The environment of one that lasts as long as a job does, or beside it; `mark` names the token."""
        return {**self.environment, mark: token}

    def run(
        self,
        command: Sequence[str],
        heard: Callable[[Done], None],
        *,
        token: str = "",
        patience: float | None = PATIENCE,
    ) -> Tool:
        """`heard` is called once it has ended, never before this returns. `patience` None: it may take
        long."""
        tool = Tool(command, token, heard, patience)
        self._waiting.append(tool)
        self._begin_some()
        return tool

    def drop(self, tool: Tool) -> None:
        """It is not wanted any more, and `heard` will not be called."""
        tool.heard = _nobody
        if tool.pid:
            signal_process(tool.pid, signal.SIGKILL)
        else:
            with contextlib.suppress(ValueError):
                self._waiting.remove(tool)

    @property
    def busy(self) -> bool:
        return bool(self._running or self._waiting)

    def next_deadline(self) -> float | None:
        if self._waiting and len(self._running) < AT_ONCE:
            return 0.0
        return min((tool.until for tool in self._running if tool.until is not None), default=None)

    def due(self, now: float) -> None:
        """Ends those that take too long, and begins those that waited."""
        for tool in self._running:
            if tool.until is not None and now >= tool.until:
                tool.until = None
                signal_process(tool.pid, signal.SIGKILL)
        self._begin_some()

    def _begin_some(self) -> None:
        while self._waiting and len(self._running) < AT_ONCE:
            self._begin(self._waiting.popleft())

    def _begin(self, tool: Tool) -> None:
        with contextlib.ExitStack() as opened:
            try:
                files: list[int] = []
                for _ in range(2):
                    files.append(os.memfd_create("said"))
                    opened.callback(os.close, files[-1])
                stdio = [(os.POSIX_SPAWN_DUP2, fd, n) for n, fd in enumerate((self._null, *files))]
                environment = {**self.environment, TOOL: tool.token}
                command = list(tool.command)
                tool.pid = os.posix_spawn(command[0], command, environment, file_actions=stdio, setsid=True)
            except (OSError, ValueError) as error:
                self._endings.later.append(_telling(tool, Done(None, "", f"{tool.command[0]}: {error}")))
                return
            opened.pop_all()
        tool.files = (files[0], files[1])
        tool.until = None if tool.patience is None else boottime() + tool.patience
        self._running.append(tool)
        self._endings.watched[tool.pid] = lambda status: self._ended(tool, status)

    def _ended(self, tool: Tool, status: int) -> None:
        self._running.remove(tool)
        out, err = (_all_of(fd) for fd in tool.files)
        self._begin_some()
        tool.heard(Done(os.waitstatus_to_exitcode(status), out, err))


def _telling(tool: Tool, done: Done) -> Callable[[], None]:
    return lambda: tool.heard(done)


def _nobody(_done: Done) -> None:
    pass


def _all_of(fd: int) -> str:
    try:
        return os.pread(fd, _MOST_SAID, 0).decode(errors="replace")
    finally:
        os.close(fd)
