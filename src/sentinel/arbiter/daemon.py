"""The arbiter's process: one selectors loop around `machine.step`. Started by __main__.

Everything that happens (bytes, signals, ended processes, answers of worker threads, time) becomes an
input; inputs are stepped one by one; then what must outlive us is stored; only then are actions
carried out, so that no client hears of a lease that a crash could forget.
"""

import collections
import contextlib
import os
import selectors
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, assert_never

from sentinel.arbiter import machine, view
from sentinel.arbiter.clients import Clients
from sentinel.arbiter.config import Config, ServiceConfig, load
from sentinel.arbiter.connection import Connection
from sentinel.arbiter.desk import Desk
from sentinel.arbiter.inputs import (
    Action,
    Grant,
    Input,
    Journal,
    Measure,
    Measured,
    Outlived,
    Refuse,
    Release,
    Reload,
    Restore,
    RunRung,
    Shutdown,
    Terminate,
    Tick,
    Unmeasured,
    Warn,
    Withdraw,
)
from sentinel.arbiter.lookout import Lookout
from sentinel.arbiter.staff import Staff, StandIn
from sentinel.arbiter.statefile import StateFile
from sentinel.arbiter.states import State
from sentinel.arbiter.trees import Trees
from sentinel.arbiter.workers import Reader
from sentinel.core.clock import boottime, monotonic, rfc3339, wall
from sentinel.core.errors import ConfigError, SentinelError
from sentinel.core.notify import Journal as JournalWriter
from sentinel.core.notify import Supervisor
from sentinel.core.units import show_duration
from sentinel.ports.gpus import GpuSource
from sentinel.ports.processes import ProcessTable
from sentinel.ports.services import ServiceDriver
from sentinel.ports.wakeups import Unavailable, Wakeups

STOP_PATIENCE = 25.0
"""Seconds that a stopping arbiter gives inference to come back."""
SURVEY_SPACING = 0.02
WATCH_SPACING = 0.2
"""Seconds between two status objects to one watcher, at the least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """What the daemon needs of the world; `wiring` fills it with drivers, tests with fakes."""

    processes: ProcessTable
    open_gpus: Callable[[Config, Callable[[], Mapping[str, ServiceDriver]]], GpuSource]
    make_service: Callable[[ServiceConfig, Config], ServiceDriver]
    start_page: Callable[[Config, str], Callable[[], None]] | None = None
    """Starts the status page's own process; answers what ends it."""
    start_placeholder: Callable[[ServiceConfig, Config, str], StandIn] | None = None
    """Starts who answers in a stopped service's place, given our socket; answers what ends it."""
    watch_gpus: Callable[[Config], Sequence[Wakeups | Unavailable]] = lambda _config: ()
    """Opens what tells that somebody is about to use a GPU."""


class Daemon:
    """Owns the state. `run` returns the exit code."""

    def __init__(self, config: Config, ports: Ports, listener: socket.socket, state_file: StateFile) -> None:
        self.config = config
        self.config_error: str | None = None
        self._ports = ports
        self.processes = ports.processes
        self._file = state_file
        self._file_error: str | None = None
        self._journal = JournalWriter()
        self._supervisor = Supervisor()
        self._selector = selectors.DefaultSelector()
        self.trees = Trees(ports.processes, self._selector)
        self._inbox: collections.deque[Input] = collections.deque()
        self._bell, self._bell_ring = _bell()
        self._asking: dict[str, Connection] = {}  # request id → who waits for its answer
        self._bound: dict[str, Connection] = {}  # lease id → the connection it may end with
        self._actions: list[Action] = []
        self._signals: list[int] = []
        self._wake_at: float | None = None
        self._next_poll = 0.0
        self._next_alive = 0.0
        self._next_survey = 0.0
        self._next_watch = 0.0
        self._late_reading: float | None = None
        self._stop_at: float | None = None
        self._shown: State | None = None
        self._end_page: Callable[[], None] | None = None
        self.started = boottime()
        self.desk = Desk(self)
        self.clients = Clients(listener, self._selector, ports.processes, self.desk.handle, self._gone)
        self.state = machine.begin(config.settings, self.started)
        self._staff = Staff(ports.make_service, self._fill_in, ports.processes, self.post)
        self._staff.hire(config)
        self._lookout = Lookout(ports.watch_gpus(config), self._selector, self._ask)
        self._reader = Reader(self._open_gpus, self._staff.drivers, self._staff.attribution, self.post)

    # -------------------------------------------------------------- life

    def run(self) -> int:
        """Serves until told to stop."""
        self._recover()
        self._register()
        if self._ports.start_page and self.config.web.enabled:
            self._end_page = self._ports.start_page(self.config, self.clients.path)
        self._ask()
        self._supervisor.tell("READY=1", "STATUS=reading the GPUs")
        self._journal.write("info", f"listening on {self.clients.path}, config {self.config.file}")
        try:
            while not self._finished():
                self._turn()
        finally:
            self._leave()
        return 0

    def post(self, happened: Input) -> None:
        """Enqueues an input; from any thread."""
        self._inbox.append(happened)
        self._bell_ring()

    def feed(self, happened: Input) -> None:
        """Steps the machine; what it wants done is done at the end of the turn."""
        self.state, actions = machine.step(self.state, happened, boottime())
        self._actions += actions

    def _turn(self) -> None:
        events_ = self._selector.select(self._patience(boottime()))
        self._lookout.tick(boottime(), self.state)
        for key, events in events_:
            if isinstance(key.data, Connection):
                self.clients.serve(key.data, events)
            else:
                key.data()
        self.clients.hear_on()
        self._take_signals()
        while self._inbox:
            happened = self._inbox.popleft()
            if isinstance(happened, Measured | Unmeasured):
                self._lookout.reads_by(self._reader.kind)
                self._lookout.read(happened, boottime())
            self.feed(happened)
        self._keep_time(boottime())
        self._commit()

    def _patience(self, now: float) -> float:
        if self.clients.unheard:
            return 0.0
        self._wake_at = machine.next_wake(self.state, now)
        times = [self._next_poll, *([self._wake_at] if self._wake_at is not None else [])]
        if (deadline := self.clients.next_deadline()) is not None:
            times.append(deadline)
        if (wanted := self._lookout.next_at(now)) is not None:
            times.append(wanted)
        if self.trees.due:
            times.append(self._next_survey)
        if self._stop_at is not None:
            times.append(self._stop_at)
        if self._supervisor.watchdog_seconds:
            times.append(self._next_alive)
        if self._asking or any(self.clients.watchers()):
            times.append(self._next_watch + (0.8 if self._shown is self.state else 0.0))
        return max(0.0, min(times) - now)

    def _keep_time(self, now: float) -> None:
        if now >= self._next_poll:
            self._next_poll = now + self.config.poll_interval
            self._ask()
        self._lookout.act(now)
        self._mind_the_reader(now)
        if self.trees.due and now >= self._next_survey:
            self._survey(now)
        if self._wake_at is not None and now >= self._wake_at:
            self.feed(Tick())
        self.clients.hang_up_on_the_slow(now)
        if self._supervisor.watchdog_seconds and now >= self._next_alive:
            self._next_alive = now + self._supervisor.watchdog_seconds / 3
            self._supervisor.tell("WATCHDOG=1")

    def _mind_the_reader(self, now: float) -> None:
        """A reading that does not come back is an unknown one, each time its patience runs out."""
        began = self._reader.began
        if began is None or now < max(began, self._late_reading or 0.0) + self.config.read_timeout:
            return
        self._late_reading = now
        waited = now - began
        # As good as one begun a read_timeout ago that failed: who asked before then need not wait on.
        tried = max(began, now - self.config.read_timeout)
        why = f"the GPU driver has not answered for {show_duration(waited)}"
        self.feed(Unmeasured(began=tried, why=why))

    # -------------------------------------------------------------- start and end

    def _recover(self) -> None:
        """Takes up what the last arbiter left: leases whose tree lives, services it had paused."""
        now = boottime()
        saved = self._file.load(now)
        if self._file.error:
            self._journal.write("error", self._file.error)
        self.state = machine.begin(self.config.settings, now, saved)
        for lease in saved.leases:
            self.trees.plant(lease.id, lease.peer.process, None, uid=lease.peer.uid)
        self._survey(now)
        for lease in self.state.leases.values():
            self._journal.write("info", f"took up {view.describe(lease)} again")

    def _register(self) -> None:
        self.clients.open()
        self._lookout.open()
        self._selector.register(self._bell, selectors.EVENT_READ, lambda: _silence(self._bell))
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._note_signal)
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)

    def _note_signal(self, number: int, _frame: object) -> None:
        self._signals.append(number)
        self._bell_ring()

    def _take_signals(self) -> None:
        while self._signals:
            if self._signals.pop(0) == signal.SIGHUP:
                self._supervisor.tell("RELOADING=1", f"MONOTONIC_USEC={int(monotonic() * 1e6)}")
                self.reload()
                self._supervisor.tell("READY=1")
            elif self._stop_at is None:
                self._stop()
            else:
                self._stop_at = boottime()  # asked twice: at once

    def _stop(self) -> None:
        self._stop_at = boottime() + STOP_PATIENCE
        self._supervisor.tell("STOPPING=1")
        self._survey(boottime())  # a lease whose last process has just ended holds nothing up
        self.clients.stop_accepting()
        paused = [n for n, s in self.state.services.items() if view.service_state(s) == "paused"]
        if self.state.leases and paused:
            who = ", ".join(view.describe(le) for le in self.state.leases.values())
            self._journal.write(
                "warning", f"stopping; {', '.join(paused)} stays paused for {who} until the next start"
            )
        self.feed(Shutdown())

    def _finished(self) -> bool:
        if self._stop_at is None:
            return False
        return machine.settled(self.state) or boottime() >= self._stop_at

    def _leave(self) -> None:
        self._file.save(self.state)
        self.clients.close()
        self._lookout.close()
        self._staff.close()
        if self._end_page:
            self._end_page()
        self._journal.write("info", "stopped")

    # -------------------------------------------------------------- config

    def reload(self) -> str | None:
        """Reads the config again. A mistake is answered, logged, and changes nothing."""
        try:
            fresh = load(self.config.file)
            part_with_the_rest = self._staff.hire(fresh)
        except (ConfigError, SentinelError) as error:
            self.config_error = error.message
            self._journal.write("error", f"config not taken over: {error.message}")
            return error.message
        self.config_error = None
        restart = [k for k in ("gpus", "state_file", "web") if getattr(fresh, k) != getattr(self.config, k)]
        self.config = replace(fresh, **{k: getattr(self.config, k) for k in restart})
        self.feed(Reload(settings=fresh.settings))
        part_with_the_rest()
        later = f"; {', '.join(restart)} at the next start" if restart else ""
        self._journal.write("info", f"config taken over{later}")
        return None

    def _fill_in(self, service: ServiceConfig) -> StandIn:
        if self._ports.start_placeholder is None:
            return lambda: None
        return self._ports.start_placeholder(service, self.config, self.clients.path)

    def _ask(self) -> None:
        self._lookout.asked(boottime())
        self._reader.ask()

    def _open_gpus(self) -> GpuSource:
        return self._ports.open_gpus(self.config, self._staff.drivers)

    # -------------------------------------------------------------- connections

    def _gone(self, connection: Connection) -> None:
        """A connection ended: with it what hung on it alone."""
        request_id = connection.request_id
        if request_id is not None and not connection.plain and self._asking.pop(request_id, None):
            self.trees.fell(request_id)
            self.feed(Withdraw(request_id=request_id))
        for lease_id in [name for name, c in self._bound.items() if c is connection]:
            del self._bound[lease_id]
            if self.trees.alive(lease_id):
                self.release(lease_id, "its connection closed")
            else:
                self.trees.ended(lease_id)

    # -------------------------------------------------------------- claims

    def expect(self, request_id: str, connection: Connection) -> None:
        """A request of this client is about to be fed: its answer goes there, its death is watched."""
        connection.request_id = request_id
        self._asking[request_id] = connection
        peer = connection.peer
        self.trees.plant(request_id, peer.process, connection.pidfd, uid=peer.uid)
        connection.pidfd = None

    def release(self, lease_id: str, why: str) -> None:
        self.trees.fell(lease_id)
        self._bound.pop(lease_id, None)
        self.feed(Release(lease_id=lease_id, why=why))

    def forget(self, lease_id: str) -> None:
        self.trees.fell(lease_id)

    def _survey(self, now: float) -> None:
        self._next_survey = now + SURVEY_SPACING
        for name, survivors in self.trees.survey().items():
            if name not in self.state.leases:
                self._withdrawn(name)
            elif survivors:
                self.feed(Outlived(lease_id=name, survivors=survivors))
            elif self.trees.alive(name):
                peer = self.state.leases[name].peer
                self.trees.plant(name, peer.process, None, uid=peer.uid)
            elif name not in self._bound:
                self.release(name, "its processes have ended")

    def _withdrawn(self, request_id: str) -> None:
        """Who asked has died waiting."""
        self.trees.fell(request_id)
        connection = self._asking.pop(request_id, None)
        self.feed(Withdraw(request_id=request_id))
        if connection:
            self.clients.end(connection)

    # -------------------------------------------------------------- carrying out

    def _commit(self) -> None:
        """Stores what must outlive us, then does what was decided. Doing may decide more."""
        while self._actions:
            actions, self._actions = self._actions, []
            self.store()
            for action in actions:
                self._carry_out(action)
        self.store()
        self._staff.fill_in(self.state)
        self._show(boottime())

    def store(self) -> None:
        """Writes what must outlive us, if it changed."""
        good = self._file.save(self.state)
        error = None if good else self._file.error
        if error != self._file_error:
            self._file_error = error
            if error:
                self._journal.write("error", f"{error}; going on from memory, trying again")
            else:
                self._journal.write("info", f"{self._file.path} is written again")

    def _carry_out(self, action: Action) -> None:
        match action:
            case Measure():
                self._ask()
            case RunRung(service=name, rung=rung, enough_bytes=enough):
                self._staff.evict(name, rung, enough)
            case Restore(service=name):
                self._staff.restore(name)
            case Warn(lease_id=lease_id, text=text):
                if lease := self.state.leases.get(lease_id):
                    self._ports.processes.write_to_terminal(lease.peer.process, lease.peer.uid, text)
            case Journal(level=level, text=text):
                self._journal.write(level, text)
            case Grant():
                self._granted(action)
            case Refuse(request_id=request_id):
                self.trees.fell(request_id)
                if connection := self._asking.pop(request_id, None):
                    connection.request_id = None
                    self.desk.refused(connection, action)
            case Terminate(lease_id=lease_id, kill=kill):
                number = signal.SIGKILL if kill else signal.SIGTERM
                self._ports.processes.signal(self.trees.members(lease_id), number)
            case _:
                assert_never(action)

    def _granted(self, action: Grant) -> None:
        connection = self._asking.pop(action.request_id, None)
        if connection is None:
            return  # a plain client that hung up: its process holds the lease all the same
        connection.request_id = None
        if action.lease.binding == "connection":
            self._bound[action.lease.id] = connection
        self.desk.granted(connection, action.lease)

    def _show(self, now: float) -> None:
        """Tells watchers and systemd what changed."""
        if now < self._next_watch or (self._shown is self.state and now < self._next_watch + 0.8):
            return
        self._next_watch = now + WATCH_SPACING
        if self._shown is not self.state:
            self._supervisor.tell(f"STATUS={view.summary(self.state, now)}")
        self._shown = self.state
        if self._asking:
            reasons = view.waiting_why(self.state, now)
            for request_id, connection in tuple(self._asking.items()):
                if request_id in reasons:
                    self.desk.tell_waiting(connection, reasons[request_id])
        watchers = tuple(self.clients.watchers())
        if watchers:
            message = {"v": 1, "ok": True, "status": self.status()}
            for connection in watchers:
                if not connection.wants_to_send:  # who is behind gets the next one
                    self.clients.say(connection, message)

    def status(self) -> dict[str, Any]:
        """The status object, with what only the shell knows."""
        now = boottime()
        offset = wall() - now
        shown = view.status(self.state, now, lambda at: rfc3339(at + offset))
        shown["watchdog"].update(self._lookout.report())
        return {
            **shown,
            "now": rfc3339(now + offset),
            "arbiter": {
                "pid": os.getpid(),
                "since": rfc3339(self.started + offset),
                "socket": self.clients.path,
                "config": self.config.file,
                "config_error": self.config_error,
                "state_file": str(self._file.path),
                "state_file_error": self._file.error,
                "gpus": self.config.gpus,
            },
        }


def _bell() -> tuple[int, Callable[[], None]]:
    """An eventfd, and what makes it readable from any thread or signal handler."""
    fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def ring() -> None:
        with contextlib.suppress(BlockingIOError):
            os.eventfd_write(fd, 1)

    return fd, ring


def _silence(fd: int) -> None:
    with contextlib.suppress(BlockingIOError):
        os.eventfd_read(fd)
