"""What is wanted here against what the supervisor has: the one place that tells the supervisor what to do.

The polling thread brings what is wanted, the supervisor's line what happens, the reporter what the controller
said to that. One lock, held for as long as a decision takes; what follows is sent under it, so that commands
are in order with what was known when they were decided.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, assert_never

from sentinel.agent.link.attempt import Attempt, Phase, after
from sentinel.agent.link.commands import (
    MOST_LINE,
    encoded,
    forget_command,
    launch_command,
    renew_command,
    stop_command,
)
from sentinel.agent.link.desired import Desired, Wanted
from sentinel.agent.link.outbox import Outbox
from sentinel.agent.link.reconcile import Action, HoldOff, Launch, Say, Stop, reconcile
from sentinel.agent.link.report import Report, Verdict, refused, report_of, reports_of
from sentinel.agent.link.spent import Spent
from sentinel.core.errors import ProtocolError
from sentinel.core.notify import Journal

Send = Callable[[Sequence[bytes]], None]
"""Takes lines to the supervisor. OSError when it is not there any more."""

_MOST_LATE_LOGS = 500
"""Ended attempts that are remembered for their logs alone; more are forgotten with their logs unsent."""
_ENDED_KEPT = 1000


class Logs(Protocol):
    """Who ships the output."""

    def began(self, attempt: Attempt, *, new: bool) -> None:
        """It may write from now on. `new`: none of it has been shipped by anybody."""
        ...

    def ended(self, token: str) -> bool:
        """It writes no more. True when all there is has been shipped, or there was nothing."""
        ...


class Executor:
    """Thread-safe."""

    def __init__(
        self,
        outbox: Outbox,
        logs: Logs,
        journal: Journal,
        now: Callable[[], float],
        *,
        adds: Callable[[Wanted], Mapping[str, str]] = lambda _: {},
    ) -> None:
        """`now` is boot time. `adds` says what this node adds to a job's environment when it is launched."""
        self._outbox, self._logs, self._journal, self._now = outbox, logs, journal, now
        self._adds = adds
        self._lock = threading.RLock()
        self._send: Send | None = None
        self._attempts: dict[str, Attempt] = {}
        self._desired: Desired | None = None
        self._held_off = False
        self._spent = Spent(now)
        self._fences: set[str] = set()
        self._acknowledged: dict[str, None] = {}  # ended, known to the controller, their logs not shipped yet
        self._shipped: set[str] = set()  # the other way round
        self._said_unknown: set[str] = set()
        self._ended: deque[Attempt] = deque(maxlen=_ENDED_KEPT)
        self._lease_seconds: float | None = None  # until the controller has said how long a lease is
        self._seen = 0

    # ------------------------------------------------------------------ the polling thread

    def wanted(self, desired: Desired) -> None:
        """A new answer of the controller."""
        with self._lock:
            self._desired = desired
            self._fences = {one.token for one in desired.jobs if one.fence}
            self._act()
            # Only now: from here on, whoever asks the supervisor hears of what was launched for it.
            self._seen = desired.revision

    @property
    def seen(self) -> int:
        """The revision of the last answer that has been acted upon."""
        return self._seen

    # ------------------------------------------------------------------ the supervisor's line

    def connected(self, attempts: Iterable[Attempt], send: Send) -> None:
        """A supervisor answers, and has these."""
        with self._lock:
            known, self._attempts = self._attempts, {one.token: one for one in attempts}
            for token in known.keys() & self._attempts.keys():  # a supervisor's records do not say it
                self._attempts[token] = replace(self._attempts[token], milli=known[token].milli)
            for token, old in known.items():
                # A supervisor writes down what it begins; of what waited its successor has never heard. That
                # may be told again, and nothing else.
                if token not in self._attempts and old.phase not in (Phase.TOLD, Phase.WAITING):
                    self._spent.add(token)
            self._acknowledged = {t: None for t in self._acknowledged if t in self._attempts}
            self._send = send
            self._outbox.put(reports_of(self._attempts.values()))
            for one in self._attempts.values():
                self._follow_log(one, new=False)
            self._act()

    def lost(self) -> None:
        """The supervisor is gone, or silent."""
        with self._lock:
            self._send = None

    def heard(self, events: Sequence[Mapping[str, Any]]) -> None:
        """What happened, in order."""
        with self._lock:
            reports: list[Report] = []
            freed = False
            for event in events:
                before = self._attempts.get(str(event.get("token")))
                if before is None:
                    continue  # forgotten, or another agent's
                try:
                    now = after(before, event)
                except ProtocolError as error:
                    self._journal.write("warning", error.message)
                    continue
                self._attempts[now.token] = now
                reports.append(report_of(now))
                self._follow_log(now, new=True)
                freed = freed or now.phase.over
            self._outbox.put(reports)
            if freed and self._held_off:
                self._act()

    @property
    def attempts(self) -> dict[str, Attempt]:
        """All of them now, by token."""
        with self._lock:
            return dict(self._attempts)

    @property
    def ended(self) -> list[Attempt]:
        """Those that ended lately and are forgotten by the supervisor, the oldest first."""
        with self._lock:
            return list(self._ended)

    # ------------------------------------------------------------------ the reporter, the beats, the logs

    def settled(self, answers: Sequence[tuple[Report, Verdict]]) -> None:
        """What the controller said to reports."""
        settled: list[Report] = []
        strays: list[Report] = []
        with self._lock:
            over: list[str] = []
            strange = False
            for report, verdict in answers:
                if verdict is Verdict.UNKNOWN and report.kind.moves:
                    strays.append(report)
                    self._say_unknown(report)
                    strange = self._note_unknown(report.token, unknown=True) or strange
                    continue
                settled.append(report)
                self._said_unknown.discard(report.token)
                self._note_unknown(report.token, unknown=False)
                if verdict is Verdict.FENCED and report.kind.moves:
                    self._fenced(report.token)
                if report.kind.last:
                    self._spent.add(report.token)
                    over.append(report.token)
            self._forget(over)
            if strange and self._held_off:
                self._act()  # who waits behind it waits for nothing
        self._outbox.settle(settled, strays)

    def beaten(self, at: float, lease_seconds: float, held: Sequence[str], unknown: Iterable[str]) -> None:
        """A beat that was sent at `at` (boot time) and named `held` was answered."""
        strange = set(unknown)
        with self._lock:
            self._lease_seconds = lease_seconds
            fences = {
                token: at + lease_seconds
                for token in held
                if token in self._fences and token not in strange and not self._over(token)
            }
            if fences:
                self._tell([encoded(renew_command(fences))])
            # No lease of the controller's, and nothing happens: what it says to a report tells us why.
            silent = [
                one
                for token in strange
                if (one := self._attempts.get(token)) is not None
                and token not in self._acknowledged
                and not self._outbox.pending(token)
            ]
            self._outbox.put(reports_of(silent))

    def shipped(self, token: str) -> None:
        """All of its output is with the controller, or cannot be had there."""
        with self._lock:
            if token in self._acknowledged:
                del self._acknowledged[token]
                self._let_go([token])
            elif token in self._attempts:
                self._shipped.add(token)

    def remark(self, reports: Iterable[Report]) -> None:
        """Something to tell that is no move of an attempt."""
        self._outbox.put(reports)

    # ------------------------------------------------------------------ inside, under the lock

    def _act(self) -> None:
        if self._send is None or self._desired is None:
            return
        actions = reconcile(self._desired, self._attempts, self._spent, self._now())
        self._held_off = any(isinstance(one, HoldOff) for one in actions)
        lines = [line for one in actions if (line := self._line(one)) is not None]
        if lines:
            self._tell(lines)

    def _line(self, action: Action) -> bytes | None:
        """What an action has the supervisor told."""
        match action:
            case Launch(wanted=wanted, begin_by=begin_by):
                fence_at = self._fence_at(wanted, begin_by)
                line = encoded(launch_command(wanted, begin_by, fence_at, self._adds(wanted)))
                if len(line) > MOST_LINE:
                    self._outbox.put(
                        [refused(wanted, "its command and environment are too long", final=True)]
                    )
                    return None
                self._attempts[wanted.token] = Attempt(
                    token=wanted.token,
                    job=wanted.job,
                    attempt=wanted.attempt,
                    gpus=wanted.gpus,
                    phase=Phase.TOLD,
                    milli=wanted.milli,
                )
                return line
            case Stop(token=token, why=why, grace=grace, preempt=preempt):
                self._note_stop(token)
                return encoded(stop_command(token, why, grace, preempt=preempt))
            case Say(report=report):
                self._outbox.put([report])
                return None
            case HoldOff():
                return None
            case _:
                assert_never(action)

    def _fence_at(self, wanted: Wanted, begin_by: float) -> float | None:
        """When its first lease is over. No lease is shorter than the time to begin it."""
        if not wanted.fence:
            return None
        if self._lease_seconds is None or self._desired is None:
            return begin_by
        return self._desired.asked_at + self._lease_seconds

    def _tell(self, lines: Sequence[bytes]) -> None:
        if self._send is None:
            return
        try:
            self._send(lines)
        except OSError:
            self._send = None  # its line notices as well, and connects again

    def _follow_log(self, attempt: Attempt, *, new: bool) -> None:
        if attempt.phase in (Phase.STARTING, Phase.RUNNING) or not new:
            self._logs.began(attempt, new=new)
        if attempt.phase.over and self._logs.ended(attempt.token):
            self._shipped.add(attempt.token)

    def _fenced(self, token: str) -> None:
        attempt = self._attempts.get(token)
        if attempt is None or attempt.phase.over or attempt.stop_told:
            return
        self._journal.write(
            "warning", f"job {attempt.job}: attempt {attempt.attempt} is no longer wanted here; ending it"
        )
        self._note_stop(token)
        self._tell([encoded(stop_command(token, "it is no longer wanted on this node", None))])

    def _note_stop(self, token: str) -> None:
        attempt = self._attempts.get(token)
        if attempt is not None:
            self._attempts[token] = replace(attempt, stop_told=True)

    def _note_unknown(self, token: str, *, unknown: bool) -> bool:
        """Whether that is new."""
        attempt = self._attempts.get(token)
        if attempt is None or attempt.unknown == unknown:
            return False
        self._attempts[token] = replace(attempt, unknown=unknown)
        return True

    def _say_unknown(self, report: Report) -> None:
        if report.token not in self._said_unknown:
            self._said_unknown.add(report.token)
            self._journal.write(
                "warning",
                f"job {report.body['job']}: the controller has no such job (a restored backup?); "
                "what runs of it is left alone",
            )

    def _forget(self, tokens: Iterable[str]) -> None:
        """These are over and the controller knows."""
        ready: list[str] = []
        for token in tokens:
            attempt = self._attempts.get(token)
            if attempt is None or not attempt.phase.over:
                continue
            if token in self._shipped:
                ready.append(token)
            else:
                self._acknowledged[token] = None
        while len(self._acknowledged) > _MOST_LATE_LOGS:
            late = next(iter(self._acknowledged))
            del self._acknowledged[late]
            ready.append(late)
        if ready:
            self._let_go(ready)

    def _let_go(self, tokens: Sequence[str]) -> None:
        for token in tokens:
            self._shipped.discard(token)
            if (attempt := self._attempts.pop(token, None)) is not None:
                self._ended.append(attempt)
        self._tell([encoded(forget_command(tokens))])

    def _over(self, token: str) -> bool:
        attempt = self._attempts.get(token)
        return attempt is None or attempt.phase.over
