"""Keeping the inventory: one pass after another, each of which leaves it true on the disk.

Called by `sentinel scan` (one pass) and by the agent (for ever). One keeper a folder: a lock sees to it.

A pass: look (scan) → judge (attribute) → what changed (diff) → inventory.json, the events in its outbox → the
events into their log → marks. Killed anywhere, the next keeper tells what was not told, and nothing twice.
"""

import contextlib
import fcntl
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sentinel.core.errors import Refused, SentinelError
from sentinel.core.event import Event
from sentinel.core.inventory import Inventory
from sentinel.inventory import statefile
from sentinel.inventory.attribution.attribute import Memory, attribute, memory_from, memory_json
from sentinel.inventory.diff import diff
from sentinel.inventory.eventlog import EventLog
from sentinel.inventory.marking import Labels, with_marks
from sentinel.inventory.observation import Settings
from sentinel.inventory.scan import Scanner
from sentinel.inventory.statefile import NoInventory

LOCK = "inventory.lock"
LABEL_SECONDS = 5.0
_REMEMBERED_FOR = 60.0
"""Seconds between two writings of what is remembered: it only makes the next keeper's start quick."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """What one pass found, and told. `trouble`: it is all true, but something could not be written."""

    inventory: Inventory
    events: tuple[Event, ...]
    trouble: tuple[str, ...] = ()


class Keeper:
    """The one writer of a state folder. Used by one thread."""

    def __init__(
        self,
        scanner: Scanner,
        folder: Path,
        settings: Settings,
        *,
        log: EventLog,
        labels: Labels | None,
        namespace: str | None,
        started: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`namespace` None: nothing is marked. `started(text)` is told what a new keeper found amiss."""
        self._scanner, self._folder, self._settings = scanner, folder, settings
        self._log, self._labels, self._namespace = log, labels, namespace
        self._tell = started
        self._lock: int | None = None
        self._last: Inventory | None = None
        self._memory = Memory()
        self._remembered_at = -_REMEMBERED_FOR
        self._untold: tuple[Event, ...] = ()
        self._announced: tuple[Event, ...] = ()

    def open(self) -> None:
        """Takes the lock and up where the last keeper left off. Raises Refused when another one is at it."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self._folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise SentinelError(
                f"cannot write {self._folder}: {error.strerror}; "
                "run as root, or name another folder (--state-dir)"
            ) from None
        self._take_lock(self._lock)
        try:
            kept = statefile.load(self._folder)
        except NoInventory as error:
            if (self._folder / statefile.INVENTORY).exists():
                self._tell(error.message)
            return
        self._last, self._untold = kept.inventory, kept.outbox
        memory = statefile.load_memory(self._folder)
        if memory.get("boot_id") == self._scanner.boot_id:
            self._remember(memory)

    def keep(self) -> Pass:
        """One pass. Raises SentinelError when the inventory cannot be written: the old one stands then."""
        observation = self._scanner.observe(self._last)
        inventory, self._memory = attribute(observation, self._last, self._memory, self._settings)
        inventory = with_marks(inventory, self._namespace)
        events = (*diff(self._last, inventory), *self._announced)
        trouble: list[str] = []
        if self._last is None or self._untold:
            self._retell(trouble)
        outbox = (*self._untold, *events)
        statefile.save(self._folder, inventory, outbox)
        self._last, self._untold, self._announced = inventory, outbox, ()
        self._tell_events(events, trouble)
        self._write_labels(trouble)
        if observation.boottime - self._remembered_at >= _REMEMBERED_FOR:
            self._save_memory(trouble)
            self._remembered_at = observation.boottime
        return Pass(inventory=inventory, events=events, trouble=tuple(trouble))

    def announce(self, events: tuple[Event, ...]) -> None:
        """Somebody else's events about this node: told with the next pass, in the same log."""
        self._announced = (*self._announced, *events)

    def close(self) -> None:
        """Remembers, and lets go of the lock. Idempotent."""
        if self._lock is None:
            return
        try:
            if self._last is not None:
                self._save_memory([])
        finally:
            os.close(self._lock)
            self._lock = None

    # -------------------------------------------------------------- parts

    def _retell(self, trouble: list[str]) -> None:
        try:
            self._log.recover(self._untold)
            self._untold = ()
        except SentinelError as error:
            trouble.append(error.message)

    def _tell_events(self, events: tuple[Event, ...], trouble: list[str]) -> None:
        if trouble:
            return  # older ones wait: the log stays in order
        try:
            self._log.append(events)
            self._untold = ()
        except SentinelError as error:
            trouble.append(error.message)

    def _write_labels(self, trouble: list[str]) -> None:
        if self._labels is None or self._last is None:
            return
        labelled = self._labels.write(self._last, LABEL_SECONDS)
        if self._labels.trouble:
            trouble.append(self._labels.trouble)
        if labelled is not self._last:
            statefile.save(self._folder, labelled, self._untold)
            self._last = labelled

    def _save_memory(self, trouble: list[str]) -> None:
        found = {
            "boot_id": self._scanner.boot_id,
            "usage": memory_json(self._memory),
            "labelled": {} if self._labels is None else self._labels.done,
            **self._scanner.memory(),
        }
        try:
            statefile.save_memory(self._folder, found)
        except SentinelError as error:
            trouble.append(error.message)

    def _remember(self, memory: dict[str, object]) -> None:
        self._memory = memory_from(memory.get("usage"))
        self._scanner.remember(memory)
        labelled = memory.get("labelled")
        if self._labels is not None and isinstance(labelled, dict):
            self._labels.done = labelled

    def _take_lock(self, fd: int) -> None:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            other = os.pread(fd, 32, 0).decode(errors="replace").strip()
            who = f"process {other}" if other.isdigit() else "another process"
            raise Refused(
                f"{who} keeps the inventory in {self._folder} already (a scan, or the agent): nothing to do"
            ) from None
        with contextlib.suppress(OSError):  # a full disk: then who holds it has no name, and no more
            os.ftruncate(fd, 0)
            os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
