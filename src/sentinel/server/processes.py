"""A parent that keeps its children running: what `sentinel server` and `sentinel up` are. Called by both.

Everything here happens in one thread, on signals, pipes and timers. A child that ends is started again, with
a growing pause while it does not stay. When the parent is killed the kernel kills the children (not what they
made independent), so whoever starts it next finds no port taken.
"""

import contextlib
import ctypes
import os
import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import sentinel
from sentinel.core.clock import boottime
from sentinel.core.notify import Journal

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
STAYED = 10.0  # seconds after which a child has proven itself
STOP_SECONDS = 6.0
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
_PROGRAM = """
import sys
sys.path[:0] = [path for path in sys.argv.pop(1).split("\\n") if path not in sys.path]
from {module} import main
sys.exit(main())
""".strip()


def python(module: str, *arguments: str) -> list[str]:
    """A command that runs `main` of one of our modules, wherever this is installed."""
    library = str(Path(sentinel.__file__).parents[1])
    paths = dict.fromkeys(path for path in (library, *sys.path) if path)
    isolated = ["-I"] if sys.flags.isolated else []
    return [sys.executable, *isolated, "-c", _PROGRAM.format(module=module), "\n".join(paths), *arguments]


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """How to start a child: `pass_fds` are ours, and open in it under the same numbers."""

    words: Sequence[str]
    pass_fds: tuple[int, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict[str, str])


class Child:
    """One process, started again and again. `command` is asked for each start; what it is given is the
    writing end of a pipe, for a child that says when it is ready, and `ready` hears of that."""

    def __init__(
        self,
        name: str,
        command: Callable[[int], Command],
        *,
        ready: Callable[[], None] | None = None,
        waits: bool = False,
    ) -> None:
        """`waits`: not started before `Parent.start` names it."""
        self.name, self.command, self.ready, self.waits = name, command, ready, waits
        self.process: subprocess.Popen[bytes] | None = None
        self.pipe = -1
        self.started_at = 0.0
        self.pause = FIRST_PAUSE
        self.again_at: float | None = None


class Parent:
    """Runs children until SIGTERM, SIGINT or SIGHUP."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._children: list[Child] = []
        self._selector = selectors.DefaultSelector()
        self._stopping = False

    def run(self, children: Sequence[Child]) -> None:
        """Returns when all have ended; they are ended in the reverse order."""
        self._children = list(children)
        ours, wakeups = socket.socketpair()
        for end in (ours, wakeups):
            end.setblocking(False)
        before = {number: signal.signal(number, self._signalled) for number in _SIGNALS}
        old_fd = signal.set_wakeup_fd(wakeups.fileno(), warn_on_full_buffer=False)
        self._selector.register(ours, selectors.EVENT_READ)
        try:
            for child in self._children:
                if not child.waits:
                    self._start(child)
            while not self._stopping:
                self._turn(ours)
        finally:
            self._stop()
            signal.set_wakeup_fd(old_fd)
            for number, handler in before.items():
                signal.signal(number, handler)
            self._selector.close()
            ours.close()
            wakeups.close()

    def start(self, name: str) -> None:
        """Starts a child that waited, once."""
        for child in self._children:
            if child.name == name and child.waits:
                child.waits = False
                self._start(child)

    # ------------------------------------------------------------------ inside

    def _signalled(self, number: int, _frame: object) -> None:
        if number != signal.SIGCHLD:
            self._stopping = True

    def _turn(self, ours: socket.socket) -> None:
        times = [child.again_at for child in self._children if child.again_at is not None]
        timeout = max(0.0, min(times) - boottime()) if times else None
        for key, _ in self._selector.select(timeout):
            if key.fileobj is ours:
                with contextlib.suppress(BlockingIOError):
                    ours.recv(4096)
            elif isinstance(key.data, Child):
                self._heard(key.data)
        for child in self._children:
            self._look_after(child)

    def _look_after(self, child: Child) -> None:
        if self._stopping:
            return
        now = boottime()
        if child.process is not None and (status := child.process.poll()) is not None:
            self._close_pipe(child)
            child.process = None
            if now - child.started_at >= STAYED:
                child.pause = FIRST_PAUSE
            child.again_at = now + child.pause
            self._journal.write(
                "warning", f"{child.name} {_ended(status)}; starting it again in {child.pause:.1f} s"
            )
            child.pause = min(LONGEST_PAUSE, child.pause * 2)
        if child.again_at is not None and now >= child.again_at:
            self._start(child)

    def _start(self, child: Child) -> None:
        reading, writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        child.again_at, child.started_at = None, boottime()
        try:
            command = child.command(writing)
            child.process = _spawn(command, (writing,) if child.ready is not None else ())
        except OSError as error:
            os.close(reading)
            child.again_at = boottime() + LONGEST_PAUSE
            self._journal.write("error", f"cannot start {child.name}: {error.strerror}; trying again")
            return
        finally:
            os.close(writing)
        child.pipe = reading
        self._selector.register(reading, selectors.EVENT_READ, child)

    def _heard(self, child: Child) -> None:
        said = b""
        with contextlib.suppress(OSError):
            said = os.read(child.pipe, 64)
        self._close_pipe(child)
        if said and child.ready is not None:
            child.ready()

    def _close_pipe(self, child: Child) -> None:
        if child.pipe >= 0:
            self._selector.unregister(child.pipe)
            os.close(child.pipe)
            child.pipe = -1

    def _stop(self) -> None:
        """One after the other, the last first; each gets some seconds to end by itself."""
        for child in reversed(self._children):
            process = child.process
            if process is not None:
                with contextlib.suppress(ProcessLookupError):
                    process.terminate()
                try:
                    process.wait(STOP_SECONDS)
                except subprocess.TimeoutExpired:
                    self._journal.write("warning", f"{child.name} does not end; killing it")
                    process.kill()
                    process.wait()
                child.process = None
            self._close_pipe(child)


def _spawn(command: Command, more_fds: tuple[int, ...]) -> subprocess.Popen[bytes]:
    """In a session of its own: a Ctrl-C is for the parent, which ends all in order."""
    parent = os.getpid()

    def die_with_parent() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    environment = {key: value for key, value in os.environ.items() if key not in _OUR_OWN}
    return subprocess.Popen(
        command.words,
        env={**environment, **command.environment},
        stdin=subprocess.DEVNULL,
        pass_fds=(*command.pass_fds, *more_fds),
        start_new_session=True,
        preexec_fn=die_with_parent,  # safe: this process has one thread
    )


_OUR_OWN = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID")


def _ended(status: int) -> str:
    return f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
