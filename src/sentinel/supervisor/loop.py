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
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from sentinel import __version__
from sentinel.core.clock import boottime, wall
from sentinel.supervisor.attempts import (
    Attempt,
    Ends,
    Exited,
    Refused,
    Step,
    Stop,
    Stopping,
    Waiting,
    fenced,
    overdue,
)
from sentinel.supervisor.book import Book
from sentinel.supervisor.checkpoints import Checkpoints
from sentinel.supervisor.container_making import ContainerMaking
from sentinel.supervisor.container_removal import Removal
from sentinel.supervisor.containers import Containers
from sentinel.supervisor.endings import Endings
from sentinel.supervisor.engines import Engines, tool_environment
from sentinel.supervisor.journal import Journal
from sentinel.supervisor.launches import Launches
from sentinel.supervisor.launching import Launcher
from sentinel.supervisor.logs import Logs
from sentinel.supervisor.peers import Door, Peer
from sentinel.supervisor.scopes import Scopes
from sentinel.supervisor.setup_lines import why_it_failed
from sentinel.supervisor.successor import Successor
from sentinel.supervisor.terminals import Terminals
from sentinel.supervisor.tools import Tools
from sentinel.supervisor.users import Users, own_person
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
    """`folder`: DIR. `node`: its name, for messages. `lock`: what keeps a second supervisor out. `engines`:
    programs of container engines by name, where they are not in the usual places."""

    folder: Path
    node: str
    boot_id: str
    lock: int
    users: Users
    arbiter: str | None = None
    log_cap: int
    log_total: int
    scopes: bool = False
    engines: Mapping[str, str] = field(default_factory=dict[str, str])


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
        self._endings = Endings(
            self._book, self._selector, self._ended, note, self._explain, self._leader_ended
        )
        self._scopes = Scopes(self._selector, note) if settings.scopes else None
        launcher = Launcher(settings.node, settings.lock)
        self._tools = Tools(self._endings, tool_environment(own_person()))
        engines, folder = (
            Engines(self._tools, settings.engines, settings.node),
            settings.folder / "containers",
        )
        self._removal = Removal(
            endings=self._endings, tools=self._tools, engines=engines, folder=folder, note=note
        )
        self._making = ContainerMaking(
            book=self._book,
            tools=self._tools,
            engines=engines,
            removal=self._removal,
            folder=folder,
            node=settings.node,
        )
        self._containers = Containers(
            book=self._book,
            endings=self._endings,
            logs=self._logs,
            tools=self._tools,
            engines=engines,
            removal=self._removal,
            node=settings.node,
            runs=self._container_runs,
            ended=self._ended,
            explain=self._explain,
        )
        self._checkpoints = Checkpoints(
            book=self._book,
            endings=self._endings,
            selector=self._selector,
            launcher=launcher,
            containers=self._containers,
            tools=self._tools,
            logs=self._logs,
            over=self._tell,
        )
        self._launches = Launches(
            book=self._book,
            endings=self._endings,
            selector=self._selector,
            launcher=launcher,
            users=settings.users,
            logs=self._logs,
            terminals=self._terminals,
            making=self._making,
            containers=self._containers,
            removal=self._removal,
            tools=self._tools,
            scopes=self._scopes,
            arbiter=settings.arbiter,
            node=settings.node,
            say=self._say,
        )
        Successor(
            boot_id=settings.boot_id,
            book=self._book,
            endings=self._endings,
            containers=self._containers,
            removal=self._removal,
            checkpoints=self._checkpoints,
            logs=self._logs,
            terminals=self._terminals,
            note=note,
        ).take_over()
        self._door = Door(settings.folder / "supervisor.sock", self._selector, self)

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
            self._tools.due(now)
            self._containers.due(now)
            self._removal.due(now)
            self._checkpoints.due(now)
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
        times = [self._book.next_deadline(), self._endings.next_deadline(), self._tools.next_deadline()]
        times += [one.next_deadline() for one in (self._containers, self._removal, self._checkpoints)]
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
        quiet = self._endings.quiet and self._making.quiet and self._removal.quiet
        return not self._end.jobs or (not self._runs_something() and quiet)

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
                    self._checkpoints.kill(attempt.token)
                    self._kill(attempt)
                    self._book.expect_again(attempt.token, now + TICK)
                case _ if why:
                    self._stop(attempt, why, attempt.grace, now)
                case _:
                    pass

    def _stop(self, attempt: Attempt, why: str, grace: float, now: float, *, preempt: bool = False) -> None:
        checkpoint = preempt and bool(attempt.manner.checkpoint)
        stop = Stop(why=why, kill_at=now + grace, fenced=fenced(attempt, now), checkpoint=checkpoint)
        new = self._book.move(attempt.token, stop)
        assert isinstance(new.phase, Stopping)
        if new.phase.step is Step.TOLD:
            self._checkpoints.drop(attempt.token, now)
            self._tell(new)
        else:
            self._checkpoints.begin(new)

    def _tell(self, attempt: Attempt) -> None:
        """Tells it to end."""
        if attempt.container is not None:
            self._containers.signal(attempt, attempt.manner.stop_signal)
        else:
            self._endings.terminate(attempt, terminal=attempt.token in self._terminals)

    def _kill(self, attempt: Attempt) -> None:
        if attempt.container is not None:
            self._containers.kill(attempt)
        else:
            self._endings.kill(attempt)

    def _leader_ended(self, token: str) -> None:
        self._containers.leader_ended(token)

    def _container_runs(self, attempt: Attempt, stop: Stop | None) -> None:
        """A job in a container is known to run. `stop`: what was asked for before that."""
        if stop is not None:
            self._tell(self._book.move(attempt.token, stop))
        elif isinstance(attempt.phase, Stopping) and attempt.phase.step is Step.TOLD:
            self._tell(attempt)  # a predecessor may not have come to it

    def _explain(self, attempt: Attempt, ends: Ends) -> Ends:
        """What there is to say of an end besides its code."""
        if not attempt.manner.setup or ends.exit_code in (None, 0):
            return ends
        why = why_it_failed(self._logs.tail(attempt.job, attempt.attempt))
        return replace(ends, why=why or ends.why)

    def _ended(self, attempt: Attempt) -> None:
        """A job's leader has ended, and that is in the book."""
        self._logs.done(attempt.job, attempt.attempt)
        self._checkpoints.drop(attempt.token, boottime())
        if attempt.token in self._terminals:
            exited = attempt.phase if isinstance(attempt.phase, Exited) else Exited()
            self._terminals.close(attempt.token, exited)

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
        now = boottime()
        if attempt is not None and attempt.live is not None:
            self._stop(attempt, command.why, command.grace, now, preempt=command.preempt)
        elif self._containers.stop_starting(
            command.token, Stop(why=command.why, kill_at=now + command.grace)
        ):
            return
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
            why = "the supervisor was told to end, with its jobs"
            for attempt in list(self._book.attempts.values()):
                if attempt.live is not None and not isinstance(attempt.phase, Stopping):
                    self._stop(attempt, why, attempt.grace, now)
                else:
                    self._containers.stop_starting(attempt.token, Stop(why=why, kill_at=now + attempt.grace))

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
