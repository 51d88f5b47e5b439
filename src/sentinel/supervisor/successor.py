"""A supervisor that begins takes over what the one before left. Called by the loop, once.

It reads the journal and looks at what became of everything in it; `adoption` judges.
"""

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass

from sentinel.core.clock import boottime, wall
from sentinel.supervisor.adoption import Contained, Ended, Lives, judge, marked_processes
from sentinel.supervisor.attempts import Attempt, Runs, Starting
from sentinel.supervisor.book import Book
from sentinel.supervisor.checkpoints import Checkpoints
from sentinel.supervisor.container_removal import Removal
from sentinel.supervisor.containers import LEADER, Containers
from sentinel.supervisor.endings import Endings
from sentinel.supervisor.journal import read_journal
from sentinel.supervisor.kernel import take_descriptor
from sentinel.supervisor.launching import KEPT
from sentinel.supervisor.logs import Logs
from sentinel.supervisor.members import signal_process
from sentinel.supervisor.proc import TICKS, look
from sentinel.supervisor.records import attempt_from
from sentinel.supervisor.terminals import Terminals
from sentinel.supervisor.tools import TOOL

_KILL = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Successor:
    """Everything there is to be taken over into."""

    boot_id: str
    book: Book
    endings: Endings
    containers: Containers
    removal: Removal
    checkpoints: Checkpoints
    logs: Logs
    terminals: Terminals
    note: Callable[[str], None]

    def take_over(self) -> None:
        """Leaves the book with all that is known, and every job that runs with somebody who watches it."""
        found = read_journal(self.book.journal.path)
        if found.unreadable:
            self.note(f"{found.unreadable} lines of the journal cannot be read and are left out")
        for token, event in found.gone.items():
            self.book.remember(token, _event_of_gone(event))
        attempts: list[Attempt] = []
        for fields in found.attempts.values():
            try:
                attempts.append(attempt_from(fields))
            except (KeyError, TypeError, ValueError) as error:
                self.note(f"an attempt in the journal is not whole and is left out: {error!r}")
        same_boot = found.boot_id == self.boot_id
        starting = [one for one in attempts if isinstance(one.phase, Starting)] if same_boot else []
        marked = dict(marked_processes(one.token for one in starting if one.container is None))
        in_containers = [one.token for one in starting if one.container is not None]
        self._end_tools(in_containers)
        marked |= marked_processes(in_containers, LEADER)
        now = boottime()
        for attempt in attempts:
            leader = look(attempt.live.pid) if attempt.live is not None else None
            carry = marked.get(attempt.token, ())
            what = judge(attempt, same_boot=same_boot, leader=leader, marked=carry, booted_at=wall() - now)
            match what:
                case None:
                    self.book.restore(attempt)
                    self._clear_away(attempt)
                case Ended():
                    self.book.restore(what.attempt)
                    if what.search is not None:
                        self.endings.clear_up(attempt, what.search, now)
                    self._clear_away(attempt)
                case Contained():
                    self._ask_about(what)
                case Lives():
                    self._adopt(what, now)
        self.removal.sweep(self.containers.names())
        if not self.book.settle():
            self.note(self.book.journal.error)
            with contextlib.suppress(OSError):  # then nothing is launched until there is room
                self.book.go_on()

    def _adopt(self, lives: Lives, now: float) -> None:
        pidfd = _watch(lives.pid)
        if pidfd is None:  # it ended just now
            running = lives.attempt.live
            what = judge(lives.attempt, same_boot=True, leader=None, marked=(), booted_at=0.0)
            assert isinstance(what, Ended)
            assert running is not None
            self.book.restore(what.attempt)
            self.endings.clear_up(lives.attempt, running, now)
            return
        self.book.restore(lives.attempt)
        self.endings.adopt(lives.attempt.token, pidfd)
        self._take_terminal(lives.attempt)
        self.checkpoints.take_over(lives.attempt)

    def _take_terminal(self, attempt: Attempt) -> None:
        """Its terminal, from the process that kept it open meanwhile."""
        if attempt.keeper is None:
            return
        pid, started = attempt.keeper
        seen = look(pid)
        if seen is None or seen.started != started:
            return
        with contextlib.suppress(OSError):
            pidfd = os.pidfd_open(pid)
            try:
                master = take_descriptor(pidfd, KEPT)
            finally:
                os.close(pidfd)
            if master is not None:
                log = self.logs.open(attempt.job, attempt.attempt, None)
                self.terminals.open(attempt.token, master, log)

    # -------------------------------------------------------------- containers

    def _ask_about(self, what: Contained) -> None:
        """Its engine is asked, in a while; what can be watched is watched."""
        attempt = what.attempt
        self.book.restore(attempt)
        pidfd = _watch(what.pid) if what.pid is not None else None
        leader = None
        if what.pid is not None and pidfd is not None and (seen := look(what.pid)) is not None:
            began = seen.started / TICKS
            leader = Runs(
                pid=seen.pid, began=began, by=began, started_at=round(wall() - boottime() + began, 3)
            )
            self.endings.adopt(attempt.token, pidfd)
            self._take_terminal(attempt)
        self.containers.take_over(attempt, leader)
        self.checkpoints.take_over(attempt)

    def _end_tools(self, tokens: list[str]) -> None:
        """What a predecessor had begun to make is not wanted: it would have had nobody to start it."""
        for seen in [one for found in marked_processes(tokens, TOOL).values() for one in found]:
            signal_process(seen.pid, _KILL)

    def _clear_away(self, attempt: Attempt) -> None:
        """Its container, should the predecessor not have come to it."""
        if attempt.container is not None:
            self.removal.clear_away(attempt.container.name, attempt.container)


def _watch(pid: int) -> int | None:
    """A pidfd of that process; None when it has ended."""
    try:
        pidfd = os.pidfd_open(pid)
    except OSError:
        return None
    seen = look(pid)
    if seen is None or seen.ended:
        os.close(pidfd)
        return None
    return pidfd


def _event_of_gone(found: dict[str, object]) -> dict[str, object]:
    """What is remembered of a forgotten one: its last event, or its last line made into one."""
    if "event" in found:
        return found
    keep = ("token", "exit_code", "signal", "why", "stopped", "started_at", "ended_at", "final")
    exited = found.get("phase") == "exited"
    fields = {
        key: found[key] for key in keep if key in found and (exited or key in ("token", "why", "final"))
    }
    return {"event": found.get("phase"), **fields}
