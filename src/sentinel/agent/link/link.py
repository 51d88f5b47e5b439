"""The whole link of one node, put together. Made by `assembly`, run by the agent."""

import fcntl
import os
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sentinel.agent.link.attach import Attaching
from sentinel.agent.link.attempt import Attempt
from sentinel.agent.link.beats import Beats
from sentinel.agent.link.controller import Controller
from sentinel.agent.link.desired import Desired
from sentinel.agent.link.executor import Executor
from sentinel.agent.link.joining import Keys
from sentinel.agent.link.leases import Leases
from sentinel.agent.link.line import Line
from sentinel.agent.link.logs import LogShipper
from sentinel.agent.link.membership import Credentials, Membership
from sentinel.agent.link.node_watch import NodeWatch, Sources
from sentinel.agent.link.outbox import Outbox
from sentinel.agent.link.polling import Polling
from sentinel.agent.link.reach import Reach
from sentinel.agent.link.renewal import Renewal
from sentinel.agent.link.reporter import Reporter
from sentinel.agent.link.validity import amiss
from sentinel.core.clock import boot_id, boottime, wall
from sentinel.core.errors import Refused, SentinelError
from sentinel.core.finding import Finding
from sentinel.core.inventory import Inventory
from sentinel.core.notify import Journal
from sentinel.telemetry.holding import Lent

LOCK = "agent.lock"
_FIRST_LOOK = 1.0
"""Seconds that the first beat waits for a first look at the GPUs."""
_SWITCH = 0.0005
"""Seconds after which a thread that computes lets another go on: an end of a job is not to wait for a
scan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkParts:
    """What a link needs of the world. `supervisor` starts one; None: somebody else does."""

    folder: Path
    membership: Membership
    version: str
    keys: Callable[[], Keys]
    supervisor: Callable[[], None] | None
    sources: Callable[[Callable[[], int | None]], Sources]  # given what tells the supervisor's pid
    quarantine: bool


class Link:
    """Its threads. Nothing of it starts before `start`."""

    def __init__(self, parts: LinkParts, journal: Journal) -> None:
        """SentinelError when the node's files cannot be used."""
        self._parts, self._journal = parts, journal
        self._lock: int | None = None
        folder, now = parts.folder, boottime
        credentials = Credentials(folder, parts.membership)
        reach = Reach(parts.membership.url, journal, lambda: amiss(folder, parts.keys(), wall()))
        outbox = Outbox(now)
        self._logs = LogShipper(folder, Controller(credentials), reach, journal, now)
        self._executor = Executor(
            outbox, self._logs, journal, now, adds=lambda wanted: self._watch.adds(wanted)
        )
        self._logs.shipped = self._executor.shipped
        self._leases = Leases(lambda: self._executor.attempts, lambda: self._watch.pids)
        self._line = Line(folder, self._executor, parts.supervisor, self._line_moved, journal, now)
        self._attaching = Attaching(credentials, folder, self._all_attempts, journal, now)
        self._polling = Polling(Controller(credentials), self._heard, reach, now)
        self._reporter = Reporter(Controller(credentials), outbox, self._executor.settled, reach, journal)
        self._watch = NodeWatch(
            parts.sources(lambda: self._line.pid),
            self._executor,
            self._poke_beats,
            now,
            journal,
            boot_id=boot_id(),
            version=parts.version,
            quarantine=parts.quarantine,
        )
        renewal = Renewal(credentials, parts.keys, journal, now, wall)
        self._beats = Beats(
            Controller(credentials),
            self._watch,
            self._held,
            self._executor,
            reach,
            now,
            renew=renewal.look,
        )

    def start(self) -> None:
        """Takes the node's folder, and begins. Refused when another agent has it."""
        self._take_lock()
        sys.setswitchinterval(_SWITCH)
        self._line.start()
        self._watch.start()
        self._polling.start()
        self._reporter.start()
        self._logs.start()
        self._beats.start()

    def look(self, inventory: Inventory, findings: Iterable[Finding]) -> None:
        """What the last pass found."""
        self._watch.look(inventory, findings)

    def poke(self) -> None:
        """Other processes are on the GPUs than before."""
        self._watch.poke()

    def close(self) -> None:
        """Ends the threads. Jobs go on under the supervisor."""
        self._attaching.close()
        for part in (self._beats, self._polling, self._reporter, self._logs, self._watch, self._line):
            part.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def lent(self) -> tuple[Lent, ...] | None:
        """What the queue has given out here; None: unknown, until the supervisor has said what runs."""
        return self._leases.lent()

    @property
    def line_pid(self) -> int | None:
        """The supervisor's pid; None while there is no line to it."""
        return self._line.pid

    # ------------------------------------------------------------------ between the parts

    def _line_moved(self) -> None:
        if self._line.pid is not None:
            self._leases.known()
        self._poke_beats()

    def _heard(self, desired: Desired) -> None:
        self._leases.heard(desired)
        self._executor.wanted(desired)
        self._logs.follow(desired.follow)
        self._attaching.wanted(desired.attach)

    def _held(self, seconds: float) -> tuple[str, ...] | None:
        self._watch.wait(_FIRST_LOOK)
        return self._line.held(seconds)

    def _all_attempts(self) -> list[Attempt]:
        return [*self._executor.attempts.values(), *reversed(self._executor.ended)]

    def _poke_beats(self) -> None:
        self._beats.poke()

    def _take_lock(self) -> None:
        path = self._parts.folder / LOCK
        try:
            self._lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise SentinelError(
                f"cannot write {path}: {error.strerror}; run as root, or name another folder (--node-dir)"
            ) from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            folder = self._parts.folder
            raise Refused(f"another agent is at work for the node in {folder}: nothing to do") from None
        with suppress(OSError):  # a full disk: then who holds it has no name, and no more
            os.ftruncate(self._lock, 0)
            os.pwrite(self._lock, f"{os.getpid()}\n".encode(), 0)
