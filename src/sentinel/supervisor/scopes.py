"""A systemd scope for each job, where systemd runs and we are root. Owned by the loop.

In its scope (sentinel-job-JOB-ATTEMPT.scope) a job is accounted for, stays when the supervisor's own unit is
stopped, and can be ended whole, whatever its processes did to their sessions and environments. The job's
child waits at its gate until systemd has put it there. A job that systemd gives no scope runs without one.
"""

import os
import selectors
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sentinel.core.clock import boottime
from sentinel.supervisor.cgroups import cgroup_of
from sentinel.supervisor.dbus import PRIVATE, Bus, Message

PATIENCE = 5.0
"""Seconds that systemd may take over a scope."""
_MANAGER = ("/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager")


def can_make_scopes() -> bool:
    """Whether systemd is this machine's init, and listens to us."""
    if os.geteuid() != 0 or not Path("/run/systemd/system").is_dir():
        return False
    try:
        return stat.S_ISSOCK(Path(PRIVATE).stat().st_mode)
    except OSError:
        return False


@dataclass(slots=True)
class Entering:
    """A child on its way. `job`: systemd's name for the work, once it has one."""

    name: str
    pid: int
    until: float
    entered: Callable[[str], None]
    job: str = ""


class Scopes:
    """Asks systemd. `note` is told, once, when it would not."""

    def __init__(
        self, selector: selectors.BaseSelector, note: Callable[[str], None], path: str = PRIVATE
    ) -> None:
        self._selector, self._note, self._path = selector, note, path
        self._bus: Bus | None = None
        self._waiting: dict[int, Entering] = {}
        self._noted = ""

    def enter(self, job: str, attempt: int, pid: int, entered: Callable[[str], None]) -> None:
        """Has process `pid` put into a scope of its own. `entered(path)` is called once it is there, with its
        cgroup's folder; with "" when it is not and will not be."""
        new = Entering(f"sentinel-job-{job}-{attempt}.scope", pid, boottime() + PATIENCE, entered)
        try:
            number = self._start(new)
        except OSError as error:
            self._drop_bus()
            self._failed(new, error.strerror or str(error))
            return
        self._waiting[number] = new

    def next_deadline(self) -> float | None:
        return min((one.until for one in self._waiting.values()), default=None)

    def due(self, now: float) -> None:
        """Those that systemd took too long over go on without."""
        for number, one in list(self._waiting.items()):
            if now >= one.until:
                del self._waiting[number]
                self._failed(one, "systemd does not answer")

    def _start(self, new: Entering) -> int:
        if self._bus is None:
            self._bus = Bus(self._selector, self._heard, self._lost, self._path)
            self._bus.call(*_MANAGER, "Subscribe")
        properties: list[tuple[str, tuple[str, Any]]] = [
            ("Description", ("s", "a job of the Sentinel queue")),
            ("PIDs", ("au", [new.pid])),
            ("CollectMode", ("s", "inactive-or-failed")),
            ("CPUAccounting", ("b", True)),
            ("MemoryAccounting", ("b", True)),
            ("TasksAccounting", ("b", True)),
        ]
        arguments: tuple[tuple[str, Any], ...] = (
            ("s", new.name),
            ("s", "fail"),
            ("a(sv)", properties),
            ("a(sa(sv))", []),
        )
        return self._bus.call(*_MANAGER, "StartTransientUnit", *arguments)

    def _heard(self, message: Message) -> None:
        if message.is_signal:
            if message.member == "JobRemoved" and len(message.values) == 4:
                self._done(str(message.values[1]), str(message.values[3]))
            return
        one = self._waiting.get(message.reply_to)
        if one is None:
            return
        if message.error:
            del self._waiting[message.reply_to]
            self._failed(one, " ".join(map(str, (message.error, *message.values))))
        elif message.values:
            one.job = str(message.values[0])

    def _done(self, job: str, result: str) -> None:
        for number, one in list(self._waiting.items()):
            if one.job != job:
                continue
            del self._waiting[number]
            folder = cgroup_of(one.pid)
            if result == "done" and folder is not None and folder.endswith(f"/{one.name}"):
                one.entered(folder)
            else:
                self._failed(one, f"{result}, and it is in {folder}")

    def _lost(self, why: str) -> None:
        self._bus = None
        waiting, self._waiting = self._waiting, {}
        for one in waiting.values():
            self._failed(one, why)

    def _drop_bus(self) -> None:
        if self._bus is not None:
            self._bus.close()
            self._bus = None

    def _failed(self, one: Entering, why: str) -> None:
        if why != self._noted:
            self._noted = why
            self._note(f"{one.name} cannot be made, its job runs without: {why}")
        one.entered("")
