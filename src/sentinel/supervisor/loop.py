"""The supervisor's loop: one thread, nothing in it waits but `select`. Made and run by __main__.

A turn: what happened, what has ended, what is to be launched, what is due; then the journal is flushed once,
and then the agent hears of all of it. It may be killed between any two lines: whoever comes after finds in
the journal all that it needs.
"""

import contextlib
import os
import selectors
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sentinel import __version__
from sentinel.core.clock import boottime, wall
from sentinel.supervisor.adoption import Ended, Lives, judge, marked_processes
from sentinel.supervisor.attempts import (
    Attempt,
    Exited,
    Refused,
    Starting,
    Stop,
    Stopping,
    Waiting,
    fenced,
    overdue,
)
from sentinel.supervisor.book import Book
from sentinel.supervisor.endings import Endings
from sentinel.supervisor.journal import Journal, read_journal
from sentinel.supervisor.kernel import take_descriptor
from sentinel.supervisor.launches import Launches
from sentinel.supervisor.launching import KEPT, Launcher
from sentinel.supervisor.logs import Logs
from sentinel.supervisor.peers import Door, Peer
from sentinel.supervisor.proc import look
from sentinel.supervisor.records import attempt_from
from sentinel.supervisor.scopes import Scopes
from sentinel.supervisor.terminals import Terminals
from sentinel.supervisor.users import Users
from sentinel.supervisor.wire import (
    Attach,
    Command,
    End,
    Forget,
    Hello,
    Launch,
    Renew,
    StopIt,
    Unusable,
    line,
)

TICK = 1.0
"""Seconds between two looks at the sizes of logs, and the longest that a suspended machine's deadlines are
late."""
SWEEP_SECONDS = 3600.0
ENDING = "the supervisor of this node is ending"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`folder`: DIR. `node`: its name, for messages. `lock`: what keeps a second supervisor out."""

    folder: Path
    node: str
    boot_id: str
    lock: int
    users: Users
    arbiter: str | None = None
    log_cap: int
    log_total: int
    scopes: bool = False


class Supervisor:
    """Takes over what a predecessor left when it is made; `run` serves until it is told to end."""

    def __init__(self, settings: Settings, note: Callable[[str], None]) -> None:
        self._boot_id, self._note = settings.boot_id, note
        self._selector = selectors.DefaultSelector()
        self._agent: Peer | None = None
        self._end: End | None = None
        self._next_tick = self._next_sweep = 0.0
        self._noted = ""
        self._wake = self._catch_signals()
        self._logs = Logs(settings.folder / "logs", cap=settings.log_cap, total=settings.log_total)
        self._terminals = Terminals(self._selector)
        self._book = Book(Journal(settings.folder / "journal", settings.boot_id))
        self._endings = Endings(self._book, self._selector, self._ended, note)
        self._scopes = Scopes(self._selector, note) if settings.scopes else None
        self._launches = Launches(
            book=self._book,
            endings=self._endings,
            selector=self._selector,
            launcher=Launcher(settings.node, settings.lock),
            users=settings.users,
            logs=self._logs,
            terminals=self._terminals,
            scopes=self._scopes,
            arbiter=settings.arbiter,
            node=settings.node,
            say=self._say,
        )
        self._take_over()
        self._door = Door(settings.folder / "supervisor.sock", self._selector, self)

    # -------------------------------------------------------------- taking over

    def _take_over(self) -> None:
        """Reads the journal and looks at what became of everything in it."""
        found = read_journal(self._book.journal.path)
        if found.unreadable:
            self._note(f"{found.unreadable} lines of the journal cannot be read and are left out")
        for token, event in found.gone.items():
            self._book.remember(token, _event_of_gone(event))
        attempts: list[Attempt] = []
        for fields in found.attempts.values():
            try:
                attempts.append(attempt_from(fields))
            except (KeyError, TypeError, ValueError) as error:
                self._note(f"an attempt in the journal is not whole and is left out: {error!r}")
        same_boot = found.boot_id == self._boot_id
        launching = [one.token for one in attempts if isinstance(one.phase, Starting)] if same_boot else []
        marked = marked_processes(launching)
        now = boottime()
        for attempt in attempts:
            leader = look(attempt.live.pid) if attempt.live is not None else None
            carry = marked.get(attempt.token, ())
            what = judge(attempt, same_boot=same_boot, leader=leader, marked=carry, booted_at=wall() - now)
            match what:
                case None:
                    self._book.restore(attempt)
                case Ended():
                    self._book.restore(what.attempt)
                    if what.search is not None:
                        self._endings.clear_up(attempt, what.search, now)
                case Lives():
                    self._adopt(what, now)
        if not self._book.settle():
            self._note(self._book.journal.error)
            with contextlib.suppress(OSError):  # then nothing is launched until there is room
                self._book.go_on()

    def _adopt(self, lives: Lives, now: float) -> None:
        try:
            pidfd = os.pidfd_open(lives.pid)
        except OSError:
            pidfd = -1
        again = look(lives.pid)
        if pidfd < 0 or again is None or again.ended:  # it ended just now
            if pidfd >= 0:
                os.close(pidfd)
            running = lives.attempt.live
            what = judge(lives.attempt, same_boot=True, leader=None, marked=(), booted_at=0.0)
            assert isinstance(what, Ended)
            assert running is not None
            self._book.restore(what.attempt)
            self._endings.clear_up(lives.attempt, running, now)
            return
        self._book.restore(lives.attempt)
        self._endings.adopt(lives.attempt.token, pidfd)
        self._take_terminal(lives.attempt)

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
                log = self._logs.open(attempt.job, attempt.attempt, None)
                self._terminals.open(attempt.token, master, log)

    # -------------------------------------------------------------- the loop

    def run(self) -> None:
        """Serves until told to end."""
        while not self._over():
            for key, mask in self._selector.select(self._patience()):
                now_there = self._selector.get_map().get(key.fd)
                if now_there is not None and now_there.data == key.data:  # nobody closed it just now
                    key.data(mask)
            now = boottime()
            self._endings.reap(now, self._launches.forked)
            if self._launches.pending:
                self._launches.turn(now)
            self._endings.due(now)
            if self._scopes is not None:
                self._scopes.due(now)
            self._enforce(now)
            if now >= self._next_tick:
                self._tick(now)
            self._flush()
        self._book.flush()
        self._door.close()

    def _patience(self) -> float | None:
        """Seconds until something is due. None: until something happens."""
        if self._launches.pending:
            return 0.0
        now = boottime()
        times = [self._book.next_deadline(), self._endings.next_deadline()]
        if self._scopes is not None:
            times.append(self._scopes.next_deadline())
        if self._runs_something() or self._book.journal.error:
            times.append(self._next_tick)
        first = min((at for at in times if at is not None), default=None)
        return None if first is None else min(max(0.0, first - now), TICK)

    def _runs_something(self) -> bool:
        return any(not attempt.over for attempt in self._book.attempts.values())

    def _over(self) -> bool:
        if self._end is None:
            return False
        return not self._end.jobs or (not self._runs_something() and self._endings.quiet)

    def _flush(self) -> None:
        told = self._book.flush()
        if told:
            self._say(b"".join(told))
        error = self._book.journal.error
        if error != self._noted:
            self._noted = error
            self._note(error or "the journal can be written again")

    def _tick(self, now: float) -> None:
        self._next_tick = now + TICK
        for attempt in self._book.attempts.values():
            if attempt.live is not None:
                self._logs.keep_small(attempt.job, attempt.attempt)
        if now >= self._next_sweep:
            self._next_sweep = now + SWEEP_SECONDS
            self._logs.sweep({(one.job, one.attempt) for one in self._book.attempts.values()}, wall())

    def _enforce(self, now: float) -> None:
        """What is over its time, or did not end when it was told to."""
        for attempt in self._book.due(now):
            why = overdue(attempt, now)
            match attempt.phase:
                case Waiting() if why:
                    self._launches.stop(attempt.token, why)
                case Stopping():
                    self._endings.kill(attempt)
                    self._book.expect_again(attempt.token, now + TICK)
                case _ if why:
                    self._stop(attempt, why, attempt.grace, now)
                case _:
                    pass

    def _stop(self, attempt: Attempt, why: str, grace: float, now: float) -> None:
        stop = Stop(why=why, kill_at=now + grace, fenced=fenced(attempt, now))
        new = self._book.move(attempt.token, stop)
        self._endings.terminate(new, terminal=attempt.token in self._terminals)

    def _ended(self, attempt: Attempt) -> None:
        """A job's leader has ended, and that is in the book."""
        self._logs.done(attempt.job, attempt.attempt)
        if attempt.token in self._terminals:
            assert isinstance(attempt.phase, Exited)
            self._terminals.close(attempt.token, attempt.phase)

    # -------------------------------------------------------------- what peers say

    def hear(self, peer: Peer, command: Command) -> None:
        """See peers.Listener."""
        if isinstance(command, Hello):
            self._welcome(peer)
        elif isinstance(command, Attach):
            self._attach(peer, command.token)
        elif isinstance(command, End):
            self._begin_end(command)
        elif peer is not self._agent:
            peer.refuse("say hello first: there is one agent at a time")
        else:
            self._obey(command)

    def _obey(self, command: Launch | Unusable | StopIt | Renew | Forget) -> None:
        match command:
            case Launch() | Unusable():
                self._launches.take(command)
            case StopIt():
                self._stop_asked(command)
            case Renew():
                self._book.renew(command.fences)
            case Forget():
                self._book.forget(command.tokens)

    def _stop_asked(self, command: StopIt) -> None:
        if self._launches.stop(command.token, command.why):
            return
        attempt = self._book.attempts.get(command.token)
        if attempt is not None and attempt.live is not None:
            self._stop(attempt, command.why, command.grace, boottime())
        elif not self._book.tell_again(command.token):
            # Never heard of, and now it never will be: a launch that comes late finds it refused.
            self._book.bury(command.token, Refused(why=command.why))

    def _welcome(self, peer: Peer) -> None:
        if self._agent is not None and self._agent is not peer:
            old, self._agent = self._agent, None
            old.close()
        self._flush()
        self._agent = peer
        jobs = self._book.records()
        hello = {"event": "hello", "v": 1, "version": __version__, "boot_id": self._boot_id}
        peer.send(line({**hello, "pid": os.getpid(), "jobs": jobs}))

    def _attach(self, peer: Peer, token: str) -> None:
        if token not in self._terminals or token not in self._book.attempts:
            peer.refuse("it has no terminal, or does not run")
            return
        peer.send(line({"event": "attached", "token": token}))
        peer.framed = True
        self._terminals.attach(token, peer)

    def _begin_end(self, command: End) -> None:
        if self._end is None or command.jobs:
            self._end = command
        self._launches.closed = ENDING
        if command.jobs:
            now = boottime()
            self._launches.stop_all(ENDING)
            for attempt in list(self._book.attempts.values()):
                if attempt.live is not None and not isinstance(attempt.phase, Stopping):
                    self._stop(attempt, "the supervisor was told to end, with its jobs", attempt.grace, now)

    def framed(self, peer: Peer, kind: bytes, data: bytes) -> None:
        """See peers.Listener."""
        self._terminals.typed(peer, kind, data)

    def drained(self, peer: Peer) -> None:
        """See peers.Listener."""
        self._terminals.drained(peer)

    def gone(self, peer: Peer) -> None:
        """See peers.Listener."""
        self._terminals.left(peer)
        self._door.forget(peer)
        if peer is self._agent:
            self._agent = None

    def _say(self, data: bytes) -> None:
        if self._agent is not None:
            self._agent.send(data)

    # -------------------------------------------------------------- signals

    def _catch_signals(self) -> socket.socket:
        """Signals wake the loop. None is ignored and none is blocked, so jobs inherit neither."""
        wake, wake_in = socket.socketpair()
        wake.setblocking(False)
        wake_in.setblocking(False)
        self._wake_in = wake_in
        signal.set_wakeup_fd(wake_in.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGCHLD, signal.SIGPIPE, signal.SIGHUP, signal.SIGXFSZ):
            signal.signal(number, _nothing)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._told_to_end)
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        self._selector.register(wake, selectors.EVENT_READ, self._woken)
        return wake

    def _told_to_end(self, *_: object) -> None:
        """SIGTERM: it ends, its jobs do not."""
        if self._end is None:
            self._end = End(jobs=False)

    def _woken(self, _mask: int) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._wake.recv(4096):
                pass


def _nothing(*_: object) -> None:
    """A handler is reset by exec, which SIG_IGN is not."""


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
