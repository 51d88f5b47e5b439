"""When to read the GPUs sooner than the next poll does: what hints (ports.wakeups) are worth.

The daemon's loop feeds it whatever happens and asks `next_reading` how long it may sleep. Nothing is
decided here but the time of a reading; who has a GPU is decided by what the reading lists.

A CUDA program opens device nodes, among them the one of unified memory, and is listed by the driver
0.05 to 2 s later. A monitor opens nodes too, but not that one, and is never listed. Hence

    what happened                  what follows                                   paid by
    compute node opened            a reading at once (`PROMPT`), then a burst     compute budget
                                   of them until it should be listed (`BURST`)
    other node opened              a reading at once, then a few (`FOLLOW`)       other budget
    program executed               a reading now and then for some seconds        other budget
                                   (it may have device nodes that we can't watch)
    listed process ended           a few readings, until it is listed no more     other budget

Each budget is a bucket of tokens, a token a reading. The last ones are kept for readings at once, so a
storm of anything costs a bounded number of readings (`Pace.most_a_minute`), and what monitors do never
delays what CUDA programs deserve. Where every GPU is covered there is nothing to pause: no bursts.

Our own opens. A source that runs nvidia-smi opens nodes at each reading. The kernel does not say who
opened, so other nodes opened while we read are taken for ours. A compute node is not, unless the last
few readings each saw one (a driver whose own tools open it): then it is ours too. Either way a reading
never calls for the next one for ever.
"""

import math
from dataclasses import dataclass, field, replace
from enum import StrEnum

from sentinel.ports.wakeups import Hint

COMPUTE_NODE = "nvidia-uvm"
_OURS_AFTER = 3
"""Readings in a row that saw a compute node opened before that is taken for our own doing."""


class Reason(StrEnum):
    """Why a reading is wanted, in words for journal and status."""

    PROMPT = "a device was opened"
    BURST = "a CUDA program is starting"
    FOLLOW = "something may be starting"
    LEAVE = "a process on a GPU has ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A reading that is wanted, not before `at`."""

    at: float
    why: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """At most `capacity` readings in a row, refilled by `per_second`. The last `kept` are for prompt ones."""

    capacity: int
    per_second: float
    kept: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast, how long, how much. Seconds, from one reading's start to the next one's."""

    spacing: float
    compute: Budget
    other: Budget
    burst: float = 2.5
    follow: float = 1.5
    follow_spacing: float = 0.5
    executed: float = 4.0
    executed_spacing: float = 1.0
    leave: float = 1.0
    leave_spacing: float = 0.25

    @property
    def most_a_minute(self) -> int:
        """The most readings in any 60 seconds for the sake of hints; polls come on top."""
        budgets = (self.compute, self.other)
        return sum(b.capacity for b in budgets) + math.ceil(60 * sum(b.per_second for b in budgets))

    @property
    def sustained_a_minute(self) -> int:
        """The most a minute in the long run, whatever happens."""
        return math.ceil(60 * (self.compute.per_second + self.other.per_second))


IN_PROCESS = Pace(
    spacing=0.025,
    compute=Budget(capacity=300, per_second=1.0, kept=20),
    other=Budget(capacity=12, per_second=0.25, kept=4),
)
"""For a source that reads within our process, in milliseconds (NVML, simulated)."""

BY_COMMAND = Pace(
    spacing=0.04,
    compute=Budget(capacity=80, per_second=0.5, kept=10),
    other=Budget(capacity=8, per_second=0.1, kept=3),
)
"""For a source that runs nvidia-smi, which takes a tenth of a second of a core or more."""


class Alertness:
    """Owned by the daemon's loop; does nothing by itself. `now` is boottime and never goes back.

    `source_opens`: whether the source opens device nodes at each reading (smi yes; nvml only when it
    starts, which costs one more reading and ends there).
    """

    def __init__(self, pace: Pace, *, source_opens: bool) -> None:
        self._pace = pace
        self._source_opens = source_opens
        self._compute = _Bucket(pace.compute)
        self._other = _Bucket(pace.other)
        self._wishes: dict[str, _Wish] = {}
        self._asked: float | None = None  # when the last reading was asked for
        self._under_way = False
        self._covered = False
        self._listed: frozenset[int] = frozenset()
        self._leaving: frozenset[int] = frozenset()
        self._saw_compute = False  # during the reading under way
        self._saw_in_a_row = 0  # readings that saw a compute node opened

    # -------------------------------------------------------------- what happens

    def hinted(self, hint: Hint, now: float) -> None:
        """Whatever a `drain` answered. Drain *before* telling `reading_ended`, or our opens look foreign."""
        if COMPUTE_NODE in hint.opened or (hint.overflowed and hint.opens):
            self.device_opened(now, compute=True)  # of a flood of opens we don't know what got lost in it
        elif hint.opens or hint.rearranged:
            self.device_opened(now, compute=False)
        if hint.executed or (hint.overflowed and not hint.opens):
            self.program_executed(now)
        if hint.exited:
            self.processes_ended(hint.exited, now)

    def device_opened(self, now: float, *, compute: bool) -> None:
        """A device node was opened. `compute`: the one of unified memory."""
        if self._perhaps_ours(compute=compute):
            return
        if compute and not self._covered:
            self._wish("compute", _Wish(Reason.PROMPT, self._compute, 0, now, math.inf, self._pace.spacing))
            kept = self._pace.compute.kept
            until = now + self._pace.burst
            self._wish("burst", _Wish(Reason.BURST, self._compute, kept, now, until, self._pace.spacing))
        else:
            self._wish("other", _Wish(Reason.PROMPT, self._other, 0, now, math.inf, self._pace.spacing))
            self._follow("follow", now, now + self._pace.follow, self._pace.follow_spacing)

    def program_executed(self, now: float) -> None:
        """Some process began to run a program. It will hold no GPU for a while yet."""
        self._follow("executed", now, now + self._pace.executed, self._pace.executed_spacing)

    def processes_ended(self, pids: frozenset[int], now: float) -> None:
        """These have ended; those of them matter that the last reading listed."""
        if left := pids & self._listed:
            self._leaving = left
            kept, until = self._pace.other.kept, now + self._pace.leave
            wish = _Wish(Reason.LEAVE, self._other, kept, now, until, self._pace.leave_spacing)
            self._wish("leave", wish)

    def cover(self, covered: bool) -> None:
        """Whether no service is up that a process found on a GPU would have to pause."""
        self._covered = covered

    def reading_asked(self, now: float) -> None:
        """The daemon asked for a reading, for our sake or any other. It answers all that was wanted."""
        if (due := self._due(now)) is not None and due.at <= now:
            due.wish.bucket.take(now)
        self._asked, self._under_way = now, True
        self._wishes = {k: w for k, w in self._wishes.items() if now < w.until < math.inf}

    def reading_ended(self, began: float, listed: frozenset[int] | None) -> None:
        """A reading that began then has come back. `listed`: foreign processes on GPUs; None if it failed.

        Not for one that is merely late: the driver still works at it.
        """
        if listed is not None:
            self._listed = listed
            if not self._leaving & listed:
                self._leaving = frozenset()
                self._wishes.pop("leave", None)
        self._saw_in_a_row = self._saw_in_a_row + 1 if self._saw_compute else 0
        self._saw_compute = False
        # Asked again after this one had begun? Then the next is on its way already.
        self._under_way = self._asked is not None and self._asked > began

    # -------------------------------------------------------------- what to do

    def next_reading(self, now: float) -> Wanted | None:
        """The next reading to ask for, `at` ≥ `now`; None while there is nothing to ask for.

        Asked whenever something happened; `reading_asked` must be told when it is done.
        """
        due = self._due(now)
        return None if due is None else Wanted(at=due.at, why=due.wish.why)

    def next_reading_at(self, now: float) -> float | None:
        """The time alone."""
        due = self._due(now)
        return None if due is None else due.at

    # -------------------------------------------------------------- within

    def _due(self, now: float) -> "_Due | None":
        if self._under_way:
            return None
        found: _Due | None = None
        for wish in self._wishes.values():
            if self._covered and wish.why in (Reason.BURST, Reason.FOLLOW):
                continue
            earliest = wish.since if self._asked is None else max(wish.since, self._asked + wish.spacing)
            at = max(now, earliest, wish.bucket.time_of(wish.kept + 1, now))
            if at < wish.until and (found is None or at < found.at):
                found = _Due(at=at, wish=wish)
        return found

    def _perhaps_ours(self, *, compute: bool) -> bool:
        if not (self._under_way and self._source_opens):
            return False
        if not compute:
            return True
        self._saw_compute = True
        return self._saw_in_a_row >= _OURS_AFTER

    def _follow(self, key: str, now: float, until: float, spacing: float) -> None:
        since = now + spacing
        self._wish(key, _Wish(Reason.FOLLOW, self._other, self._pace.other.kept, since, until, spacing))

    def _wish(self, key: str, wish: "_Wish") -> None:
        """A wish that is there already keeps its turn and only lasts longer."""
        there = self._wishes.get(key)
        lasts = there is not None and wish.since < there.until
        self._wishes[key] = replace(wish, since=min(there.since, wish.since)) if there and lasts else wish


@dataclass(frozen=True, slots=True)
class _Wish:
    why: Reason
    bucket: "_Bucket"
    kept: int
    since: float
    until: float
    spacing: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Due:
    at: float
    wish: _Wish


@dataclass(slots=True)
class _Bucket:
    """Tokens that come back with time."""

    budget: Budget
    _level: float = field(init=False)
    _at: float = 0.0

    def __post_init__(self) -> None:
        self._level = float(self.budget.capacity)

    def time_of(self, tokens: int, now: float) -> float:
        """When there will be that many, if none is taken meanwhile; `now` when there are."""
        missing = tokens - self._filled(now)
        return now if missing <= 1e-9 else now + missing / self.budget.per_second

    def take(self, now: float) -> None:
        self._level, self._at = self._filled(now) - 1, now

    def _filled(self, now: float) -> float:
        gained = max(0.0, now - self._at) * self.budget.per_second
        return min(float(self.budget.capacity), self._level + gained)
