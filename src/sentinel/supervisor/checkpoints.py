"""Checkpoint commands: what runs beside a job that is to make room, before it is told to end. Owned by the
loop.

It runs in the job's folder, as its user, with the environment that the job's process was executed with (so
with what its setup lines made of it), in the job's container where it has one. It outlives us; a successor
waits for the same one, or begins it if there is none. However it ends, the job is told next; the grace, which
counts from when the stop was asked for, is the end of both.
"""

import os
import selectors
import signal
from collections.abc import Callable
from dataclasses import dataclass

from sentinel.supervisor.adoption import marked_processes
from sentinel.supervisor.attempts import Attempt, Next, Step, Stopping
from sentinel.supervisor.book import Book
from sentinel.supervisor.containers import Containers
from sentinel.supervisor.endings import REST_GRACE, Endings
from sentinel.supervisor.environment import MARK, minimal
from sentinel.supervisor.launching import Launcher
from sentinel.supervisor.logs import Logs
from sentinel.supervisor.members import signal_group
from sentinel.supervisor.proc import environment_of_process, real_uid
from sentinel.supervisor.tools import Tools
from sentinel.supervisor.users import own_person, person_with

CHECKPOINT = "SENTINEL_CHECKPOINT"
"""Names the attempt's token in the environment of its checkpoint command."""
JOB_PID = "SENTINEL_JOB_PID"
INSIDE_PID = "1"
"""In a container, where what is sent to process 1 reaches the job."""


@dataclass(slots=True, eq=False)
class Running:
    """`pidfd`: of one that a predecessor began. `kill_at`: when it has to be gone, once the job has ended."""

    token: str
    pid: int
    pidfd: int | None = None
    kill_at: float | None = None


class Checkpoints:
    """`over(attempt)` is called when one has ended and its job still runs: it is to be told now."""

    def __init__(
        self,
        *,
        book: Book,
        endings: Endings,
        selector: selectors.BaseSelector,
        launcher: Launcher,
        containers: Containers,
        tools: Tools,
        logs: Logs,
        over: Callable[[Attempt], None],
    ) -> None:
        self._book, self._endings, self._selector = book, endings, selector
        self._launcher, self._containers, self._logs, self._over = launcher, containers, logs, over
        self._tools = tools
        self._all: dict[str, Running] = {}
        self._dropped: list[Running] = []

    def begin(self, attempt: Attempt) -> None:
        """Runs it for one that is Stopping. Asked twice, it is run once."""
        token = attempt.token
        if token in self._all:
            return
        self._book.write()  # that it was asked for: whoever comes after a kill looks for it
        log = -1
        try:
            log = self._logs.open(attempt.job, attempt.attempt, None)
            pid = self._run(attempt, log)
        except (OSError, ValueError) as error:
            self._say(attempt, f"could not be run: {error}")
            self._endings.later.append(lambda: self._go_on(token))
            return
        finally:
            if log >= 0:
                os.close(log)
        self._all[token] = running = Running(token, pid)
        self._book.move(token, Next(step=Step.CHECKPOINTING))
        self._endings.watched[pid] = lambda status: self._ended(running, os.waitstatus_to_exitcode(status))

    def _run(self, attempt: Attempt, log: int) -> int:
        manner, live = attempt.manner, attempt.live
        assert live is not None
        if attempt.container is not None:
            command = self._containers.exec_command(attempt, manner.checkpoint, {JOB_PID: INSIDE_PID})
            environment = self._tools.leading(CHECKPOINT, attempt.token)
            outside = own_person()
            return self._launcher.checkpoint("/", 0o022, outside, command, environment, log)
        person = person_with(manner.uid, manner.gid)
        environment: dict[str, str] = {}
        if real_uid(live.pid) == manner.uid:  # not that of a program that became another user's
            environment = environment_of_process(live.pid)
        if environment.get(MARK) != attempt.token:  # it has written over it
            environment = minimal(person, attempt)
        environment |= {JOB_PID: str(live.pid), CHECKPOINT: attempt.token}
        return self._launcher.checkpoint(
            manner.cwd, manner.umask, person, manner.checkpoint, environment, log
        )

    def take_over(self, attempt: Attempt) -> None:
        """One that is Stopping under a new supervisor, and was not told yet."""
        phase = attempt.phase
        if not isinstance(phase, Stopping) or phase.step is Step.TOLD:
            return
        token = attempt.token
        found = marked_processes([token], CHECKPOINT)[token]
        first = min(
            (one for one in found if one.session == one.pid), key=lambda one: one.started, default=None
        )
        if first is not None:
            try:
                pidfd = os.pidfd_open(first.pid)
            except OSError:
                first = None
            else:
                running = Running(token, first.pid, pidfd)
                self._all[token] = running

                def ready(_mask: int) -> None:
                    self._ended(running, None)

                self._selector.register(pidfd, selectors.EVENT_READ, ready)
        if first is None and phase.step is Step.CHECKPOINT:
            self.begin(attempt)
        elif first is None:
            self._endings.later.append(lambda: self._go_on(token))

    def drop(self, token: str, now: float) -> None:
        """It is not wanted any more: the job is told now, or has ended."""
        running = self._all.pop(token, None)
        if running is not None:
            running.kill_at = now + REST_GRACE
            self._dropped.append(running)
            signal_group(running.pid, signal.SIGTERM)

    def kill(self, token: str) -> None:
        """Its time is over."""
        running = self._all.get(token)
        if running is not None:
            signal_group(running.pid, signal.SIGKILL)

    def next_deadline(self) -> float | None:
        return min((one.kill_at for one in self._dropped if one.kill_at is not None), default=None)

    def due(self, now: float) -> None:
        """Kills those that were dropped and did not go."""
        for running in list(self._dropped):
            if running.kill_at is not None and now >= running.kill_at:
                self._dropped.remove(running)
                signal_group(running.pid, signal.SIGKILL)

    def _ended(self, running: Running, code: int | None) -> None:
        """`code` None: nobody can say."""
        if running.pidfd is not None:
            self._selector.unregister(running.pidfd)
            os.close(running.pidfd)
        if running in self._dropped:
            self._dropped.remove(running)
            return
        if self._all.get(running.token) is not running:
            return
        del self._all[running.token]
        attempt = self._book.attempts.get(running.token)
        if code and attempt is not None:
            how = f"ended with exit code {code}" if code > 0 else f"was ended by signal {-code}"
            self._say(attempt, how)
        self._go_on(running.token)

    def _go_on(self, token: str) -> None:
        attempt = self._book.attempts.get(token)
        if attempt is None or not isinstance(attempt.phase, Stopping) or attempt.phase.step is Step.TOLD:
            return
        self._over(self._book.move(token, Next(step=Step.TOLD)))

    def _say(self, attempt: Attempt, what: str) -> None:
        """Into the job's log."""
        try:
            log = self._logs.open(attempt.job, attempt.attempt, None)
        except OSError:
            return
        try:
            os.write(log, f"sentinel: its checkpoint command {what}\n".encode(errors="replace"))
        except OSError:
            pass  # a full disk
        finally:
            os.close(log)
