"""An inference service that is a plain command. The arbiter's wiring makes one per `driver = "process"`.

The command outlives a `kill -9` of the arbiter, and the next arbiter takes it over instead of starting
a second one. Two marks make that sure, each alone enough:

- a record in `run_dir` (boot id, pid, start time), written before the command may run (see launch.py);
- SENTINEL_SERVICE=<instance>/<name> in its environment, which reaches its children too, and which
  some servers wipe when they set their process title.

A process belongs to the service when it descends from the command, is in its session, or has the mark.
"""

import contextlib
import json
import os
import pwd
import select
import signal
import subprocess
import threading
import time
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from sentinel.core.clock import boot_id
from sentinel.core.errors import ServiceError, UsageError
from sentinel.core.process import ProcessId
from sentinel.core.service import Down, Rung, Sight, Unseen, Up
from sentinel.core.units import show_duration
from sentinel.drivers.services import proctree
from sentinel.drivers.services.launching import Command, Held

_MARK = "SENTINEL_SERVICE"
_SETTLE = 0.2  # a command that lives this long has started
_KILL_TIMEOUT = 10.0  # from SIGKILL to gone; longer means stuck in the kernel
_SWEEP_EVERY = 10.0  # how often a look reads all of /proc for children that left the family


class ProcessService:
    """One command as a ServiceDriver. Its only rung is STOP."""

    rungs: tuple[Rung, ...] = (Rung.STOP,)

    def __init__(
        self,
        *,
        name: str,
        command: Sequence[str],
        instance: str,
        run_dir: Path,
        user: str | None = None,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        stop_timeout: float = 10.0,
        start_timeout: float = 120.0,
        log_path: Path | None = None,
    ) -> None:
        """`instance` is unique to this arbiter's state file; `run_dir` is a folder that only it writes to.

        `user` is needed as root, and must be who we are otherwise. Output is appended to `log_path`, or
        goes where the arbiter's standard error goes. Timeouts in seconds. Raises UsageError.
        """
        if not command or not command[0]:
            raise UsageError(f"service {name}: `command` is empty")
        if os.geteuid() == 0 and not user:
            raise UsageError(f'service {name}: the arbiter is root, so say who runs it: user = "..."')
        self._name, self._user = name, user
        self._mark = f"{instance}/{name}"
        full_env = {**(env or {}), _MARK: self._mark}
        self._command = Command(argv=tuple(command), user=user, cwd=cwd, env=full_env, log_path=log_path)
        self._record = run_dir / f"service-{quote(name, safe='')}.json"
        self._stop_timeout, self._start_timeout = stop_timeout, start_timeout
        # Everything below is changed under the lock alone, which is never held across a wait.
        self._lock = threading.RLock()
        self._root: ProcessId | None = None  # the command itself; it leads its session
        self._known: frozenset[ProcessId] = frozenset()
        self._swept = float("-inf")
        self._child: subprocess.Popen[bytes] | None = None
        self._stopping = False
        self._why = Down(why="not started")

    def look(self) -> Sight:
        """Every living process of the command. Down says how it ended."""
        try:
            with self._lock:
                if living := self._living():
                    return Up(pids=frozenset(process.pid for process in living))
                self._reap()
                return self._why
        except OSError as error:
            return Unseen(why=f"/proc cannot be read: {error.strerror}")

    def evict(self, rung: Rung, enough_bytes: int | None = None) -> None:  # noqa: ARG002 - a stop frees all
        """SIGTERM to every process of it, SIGKILL to what is left after `stop_timeout`."""
        if rung is not Rung.STOP:
            raise ServiceError(f"{self._name}: a plain process can only be stopped, not made to {rung.value}")
        self._stopping = True
        try:
            gone = self._end(signal.SIGTERM, self._stop_timeout) or self._end(signal.SIGKILL, _KILL_TIMEOUT)
            if not gone:
                left = sorted(process.pid for process in self._living(sweep=True))
                waited = show_duration(_KILL_TIMEOUT)
                raise ServiceError(f"{self._name}: processes {left} are still there {waited} after SIGKILL")
            self._forget()
        finally:
            self._stopping = False

    def restore(self) -> None:
        """Starts the command unless it runs, and makes sure that it outlives the first moment."""
        self._living(sweep=True)  # takes over what an earlier arbiter started
        if self._root and proctree.lives(self._root):
            return
        self.evict(Rung.STOP)  # children that outlived their parent hold its port, and its GPU
        try:
            self._start()
        except ServiceError as error:
            with self._lock:
                self._why = Down(why=error.message, failed=True)
            raise ServiceError(f"{self._name}: {error.message}") from error
        except OSError as error:
            raise ServiceError(f"{self._name}: no process can be started: {error.strerror}") from error

    def close(self) -> None:
        """Ends it: what we started as a child does not outlive us."""
        with contextlib.suppress(ServiceError):  # stuck in the kernel: nothing more can be done
            self.evict(Rung.STOP)

    # ------------------------------------------------------------------ starting

    def _start(self) -> None:
        """Launches the command. On return it runs; ServiceError says why it does not."""
        held = Held(self._command)
        with self._lock:
            self._child = held.child
            stat = proctree.read_stat(held.child.pid)
            if stat:  # else someone killed it already, which release() finds out
                self._root, self._known = stat.process, frozenset((stat.process,))
                self._write_record(stat.process)
        trouble = held.release(self._start_timeout)
        if trouble is None:
            trouble = self._settle(held.child)
        if trouble:
            self._end(signal.SIGKILL, _KILL_TIMEOUT)
            self._forget()
            raise ServiceError(trouble)

    def _settle(self, child: subprocess.Popen[bytes]) -> str | None:
        """Why the command ended within its first moment; None when it did not."""
        try:
            status = child.wait(_SETTLE)
        except subprocess.TimeoutExpired:
            return None
        if status == 0 and self._living(sweep=True):
            return "it went to the background; start it so that it stays in the foreground"
        return f"it ended at once, {_ending(status)}{self._last_words()}"

    def _write_record(self, process: ProcessId) -> None:
        text = json.dumps({"boot_id": boot_id(), "pid": process.pid, "started": process.started})
        draft = self._record.with_suffix(".new")
        with contextlib.suppress(OSError):  # a full disk: the mark in the environment remains
            draft.write_text(text)
            draft.replace(self._record)

    def _recorded(self) -> ProcessId | None:
        """The root that the record names, if it lives."""
        try:
            record = json.loads(self._record.read_text())
            process = ProcessId(int(record["pid"]), int(record["started"]))
            return process if record["boot_id"] == boot_id() and proctree.lives(process) else None
        except (OSError, ValueError, KeyError, TypeError):
            return None  # none, or half of one: the mark in the environment remains

    def _last_words(self) -> str:
        """The last line of the log, for an error message."""
        if self._command.log_path is None:
            return ""
        try:
            with self._command.log_path.open("rb") as log:
                log.seek(-min(4096, log.seek(0, os.SEEK_END)), os.SEEK_END)
                lines = log.read().decode(errors="replace").splitlines()
        except OSError:
            return ""
        words = next((line.strip() for line in reversed(lines) if line.strip()), "")
        return f"; its last line: {words[:300]}" if words else ""

    # ------------------------------------------------------------------ finding

    def _living(self, *, sweep: bool = False) -> frozenset[ProcessId]:
        """Who belongs to the service now. Reads all of /proc when asked to, and every `_SWEEP_EVERY`."""
        with self._lock:
            self._root = self._root or self._recorded()
            known = set(self._known)
            if self._root and proctree.lives(self._root):
                known.update(proctree.family(self._root.pid))
            elif known:  # the root has just ended: who is left of it?
                sweep = True
            now = time.monotonic()
            if sweep or now - self._swept >= _SWEEP_EVERY:
                self._swept = now
                known.update(self._sweep())
            self._known = frozenset(process for process in known if proctree.lives(process))
            return self._known

    def _sweep(self) -> list[ProcessId]:
        """The service's processes in all of /proc; finds its root when no record named it."""
        mark = f"{_MARK}={self._mark}".encode()
        found = list(proctree.relatives(session=self._session(), mark=mark, owners=self._owners()))
        if self._root is None:
            leaders = [p for p in found if (stat := proctree.read_stat(p.pid)) and stat.session == p.pid]
            self._root = min(leaders, key=lambda process: process.started, default=None)
        return found

    def _session(self) -> int | None:
        """The session that the root leads or led; a pid stays taken as long as its session has members."""
        if self._root is None:
            return None
        now = proctree.read_stat(self._root.pid)
        return self._root.pid if now is None or now.process == self._root else None

    def _owners(self) -> frozenset[int]:
        """Whose processes may carry our mark. Root's: the launcher, before it switches."""
        try:
            return frozenset((0, pwd.getpwnam(self._user).pw_uid if self._user else os.geteuid()))
        except KeyError:
            return frozenset((0,))

    # ------------------------------------------------------------------ ending

    def _end(self, how: signal.Signals, timeout: float) -> bool:
        """Signals every process of it and waits at most `timeout` seconds; True when none is left."""
        deadline = time.monotonic() + timeout
        told: frozenset[ProcessId] = frozenset()
        while living := self._living(sweep=True):
            for process in living - told:
                self._send(process, how)
            told |= living
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                return False
            _await_one(living, remaining)
        return True

    def _send(self, process: ProcessId, how: signal.Signals) -> None:
        """Signals `process`, never another that got its number: the handle is taken before the check."""
        with _handle(process) as handle:
            if handle is None or not proctree.lives(process):
                return
            try:
                signal.pidfd_send_signal(handle, how)
            except ProcessLookupError:
                return
            except PermissionError as error:
                raise ServiceError(f"{self._name}: process {process.pid} cannot be ended by us") from error

    def _forget(self) -> None:
        """Nothing of it is left, and that is as it should be."""
        with self._lock:
            self._reap()
            self._root, self._known, self._why = None, frozenset(), Down(why="stopped")
        with contextlib.suppress(OSError):
            self._record.unlink(missing_ok=True)

    def _reap(self) -> None:
        """Nothing of it is left: takes our child's exit status, and remembers how it ended."""
        with self._lock:
            if self._root is None and self._child is None:
                return
            status = self._child.poll() if self._child else None
            how = "how is unknown, as an earlier arbiter started it" if status is None else _ending(status)
            self._root, self._child = None, None
            if self._stopping:
                self._why = Down(why="stopped")
            else:
                why = f"it ended by itself: {how}{self._last_words()}"
                self._why = Down(why=why, failed=status != 0)


def _ending(status: int) -> str:
    """A wait status as words."""
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"killed by signal {-status}"


@contextlib.contextmanager
def _handle(process: ProcessId) -> Generator[int | None]:
    """A pidfd of `process`, None when it is gone."""
    try:
        fd = os.pidfd_open(process.pid)
    except ProcessLookupError:
        yield None
        return
    try:
        yield fd
    finally:
        os.close(fd)


def _await_one(processes: frozenset[ProcessId], timeout: float) -> None:
    """Waits until one of `processes` has ended, at most `timeout` seconds, and 0.2 s for newcomers."""
    with contextlib.ExitStack() as stack:
        handles = [stack.enter_context(_handle(process)) for process in processes]
        poller = select.poll()
        for handle in handles:
            if handle is None:
                return
            poller.register(handle, select.POLLIN)
        poller.poll(min(timeout, 0.2) * 1000)
