"""Replays jobs on a cluster: the scheduler's own snapshot and passes, and a clock that jumps from one thing
that happens to the next.

    replay(jobs, cluster, policy, accounts, progress) -> Replayed

Called by `sentinel simulate trace` and the benchmarks. At each moment at which something is submitted or
ends, or the scheduler said that it may decide otherwise, there is one pass, as in the scheduler's loop: it is
given the bookings of the pass before and the nodes that have changed. Nothing is random: the same jobs on the
same cluster give the same replay.
"""

from array import array
from bisect import bisect_left, insort
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from math import inf

from sentinel.core.account import WINDOW_DAYS, Account
from sentinel.core.errors import SentinelError
from sentinel.core.job import Job, JobState
from sentinel.scheduling.need import need_of
from sentinel.scheduling.placement import place
from sentinel.scheduling.snapshot import Snapshot
from sentinel.scheduling.verdict import Booking, Pass
from sentinel.simulation.replay.cluster import Cluster
from sentinel.simulation.replay.life import Life, Ran
from sentinel.simulation.replay.policies import POLICIES, Policy
from sentinel.simulation.replay.trace import TraceJob
from sentinel.simulation.replay.usage import UsageBook, account_documents

LOOK_ANEW = 60.0
"""Seconds after which all bookings are worked out anew, as in the scheduler's loop."""
STANDSTILL = (WINDOW_DAYS + 1) * 86400.0
"""When nothing has happened for so long, what still waits never begins: no limit is by a longer time."""
LATEST = 2e11
"""About the year 8300, in seconds: usage is kept by the day, and there are none after the year 9999."""
_TELL_EVERY = 500

Progress = Callable[[int, int], None]  # jobs that have ended, jobs in all
_Event = tuple[float, int, int]  # when, which job, which attempt of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """The cluster from moment to moment: what holds from `at[n]` until `at[n + 1]`. `used` and `first_asks`
    are thousandths of GPUs; `first_asks` is what the first in line waits for, 0 when nobody waits."""

    at: Sequence[float]
    waiting: Sequence[int]
    used: Sequence[int]
    first_asks: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """`too_large`: ids of jobs for which the cluster is not big enough; they are not in `ran`."""

    policy: Policy
    cluster: Cluster
    ran: tuple[Ran, ...]
    too_large: tuple[str, ...]
    series: Series
    passes: int


def replay(
    jobs: Sequence[TraceJob],
    cluster: Cluster,
    policy: Policy = POLICIES["sentinel"],
    accounts: Sequence[Account] = (),
    progress: Progress | None = None,
) -> Replayed:
    """One run. `jobs` by time of submission, as `fitted` made them, each with an id of its own.
    SentinelError when it would go on for thousands of years."""
    return _Replay(jobs, cluster, policy, accounts, progress).run()


class _Replay:
    def __init__(
        self,
        jobs: Sequence[TraceJob],
        cluster: Cluster,
        policy: Policy,
        accounts: Sequence[Account],
        progress: Progress | None,
    ) -> None:
        self.cluster, self.policy, self.progress = cluster, policy, progress
        self.snapshot = Snapshot()
        self.snapshot.take(nodes=cluster.nodes(), documents=account_documents(accounts))
        self.lives = [Life.of(job, by_user=policy.by_user) for job in jobs]
        self.too_large = {
            life.trace.id
            for life in self.lives
            if not self.snapshot.could_ever_run(need_of(life.queued.spec))
        }
        self.lives = [life for life in self.lives if life.trace.id not in self.too_large]
        self.number = {life.trace.id: number for number, life in enumerate(self.lives)}
        self.usage = UsageBook()
        self.events: list[_Event] = []  # ends of jobs, and of the grace of those that make room
        self.arrived = 0
        self.ended = 0
        self.used = 0
        self.running = 0
        self.happened = 0  # how often something was submitted, began or let go of its GPUs
        self.waiting: list[tuple[int, float, str]] = []
        self.first: tuple[int, float, str] | None = None  # in line, when it was noted last
        self.shown: Job | None = None  # one_by_one: the only one that the snapshot has in line
        self.bookings: Mapping[str, Booking] = {}
        self.anew_at = -inf
        self.again_at: float | None = None
        self.passes = 0
        self.at, self.queue = array("d"), array("q")
        self.gpus, self.asks = array("q"), array("q")

    def run(self) -> Replayed:
        last, seen = -inf, 0
        while (now := self._next()) is not None:
            if now > LATEST:
                raise SentinelError(
                    "the replay goes on for thousands of years; are the trace's times in seconds?"
                )
            changed = self._arrive(now) + self._end(now)
            if self.happened > seen:
                last, seen = now, self.happened
            elif now - last > STANDSTILL and not self.running and self.arrived == len(self.lives):
                break
            if self.again_at is not None and now >= self.again_at:
                self.anew_at = now
            self.snapshot.take(jobs=changed, documents=self.usage.changed() if self.policy.by_user else ())
            if self.policy.one_by_one:
                self._pass_one_by_one(now)
            else:
                self._carry_out(self._pass(now), now)
            self._note(now)
        return Replayed(
            policy=self.policy,
            cluster=self.cluster,
            ran=tuple(life.ran() for life in self.lives),
            too_large=tuple(sorted(self.too_large)),
            series=Series(at=self.at, waiting=self.queue, used=self.gpus, first_asks=self.asks),
            passes=self.passes,
        )

    # ------------------------------------------------------------------ what happens

    def _next(self) -> float | None:
        times: list[float] = []
        if self.arrived < len(self.lives):
            times.append(self.lives[self.arrived].trace.submit)
        if self.events:
            times.append(self.events[0][0])
        if self.waiting and self.again_at is not None:
            times.append(self.again_at)
        return min(times, default=None)

    def _arrive(self, now: float) -> list[Job]:
        arriving: list[Job] = []
        while self.arrived < len(self.lives) and self.lives[self.arrived].trace.submit <= now:
            life = self.lives[self.arrived]
            self.arrived += 1
            self.happened += 1
            arriving += self._queue(life)
        return arriving

    def _queue(self, life: Life) -> list[Job]:
        insort(self.waiting, life.order)
        return [] if self.policy.one_by_one else [life.queued]

    def _end(self, now: float) -> list[Job]:
        ending: list[Job] = []
        while self.events and self.events[0][0] <= now:
            _, number, attempt = heappop(self.events)
            life = self.lives[number]
            if attempt != life.attempt or not life.running:
                continue
            assert life.start is not None, "it runs"
            if self.policy.by_user:
                trace = life.trace
                if trace.milli_total:
                    seconds = now - life.start
                    self.usage.charge(trace.owner, trace.group, trace.milli_total, seconds, now)
            self.used -= life.trace.milli_total
            self.running -= 1
            self.happened += 1
            if now >= life.start + life.left:
                ending += life.finish(now)
                self.ended += 1
                if self.progress is not None and self.ended % _TELL_EVERY == 0:
                    self.progress(self.ended, len(self.lives))
                continue
            back = life.give_back(now)
            ending += back[:-1] + self._queue(life)
            if self.policy.one_by_one:
                ending.append(_out_of_sight(life.queued))
        return ending

    # ------------------------------------------------------------------ what is decided

    def _pass(self, now: float) -> Pass:
        snapshot = self.snapshot
        anew = now >= self.anew_at
        found = place(
            snapshot,
            now,
            self.bookings,
            changed=None if anew else frozenset(snapshot.changed),
            depth=self.policy.depth,
        )
        snapshot.changed.clear()
        if anew:
            self.anew_at = now + LOOK_ANEW
        self.bookings, self.again_at = found.bookings, found.again_at
        self.passes += 1
        return found

    def _pass_one_by_one(self, now: float) -> None:
        """The first in line alone, for as long as it finds a place."""
        while self.waiting:
            first = self.lives[self.number[self.waiting[0][2]]].queued
            if first is not self.shown:
                hidden = [] if self.shown is None else [_out_of_sight(self.shown)]
                self.snapshot.take(jobs=[*hidden, first])
                self.shown = first
            found = self._pass(now)
            self._carry_out(found, now)
            if not found.chosen:
                break
            self.shown = None

    def _carry_out(self, found: Pass, now: float) -> None:
        moved: list[Job] = []
        for chosen in found.chosen:
            number = self.number[chosen.job]
            life = self.lives[number]
            moved += life.begin(chosen.seats, now)
            self.used += life.trace.milli_total
            self.running += 1
            self.happened += 1
            del self.waiting[bisect_left(self.waiting, life.order)]
            heappush(self.events, (now + life.left, number, life.attempt))
        for stop in found.stops:
            number = self.number[stop.job]
            life = self.lives[number]
            if life.running and life.told is None:
                moved += life.make_room(now, stop.why)
                heappush(self.events, (now + life.queued.spec.grace, number, life.attempt))
        if moved:
            self.snapshot.take(jobs=moved)

    def _note(self, now: float) -> None:
        before = self.first
        self.first = self.waiting[0] if self.waiting else None
        alike = bool(self.at) and self.queue[-1] == len(self.waiting) and self.gpus[-1] == self.used
        if alike and self.first == before:
            return
        first = self.lives[self.number[self.waiting[0][2]]].trace.milli_total if self.waiting else 0
        self.at.append(now)
        self.queue.append(len(self.waiting))
        self.gpus.append(self.used)
        self.asks.append(first)


def _out_of_sight(job: Job) -> Job:
    """What makes the snapshot forget it."""
    return replace(job, state=JobState.CANCELED)
