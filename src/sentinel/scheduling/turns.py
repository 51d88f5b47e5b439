"""Whose turn it is in a pass. Pure; used by placement alone.

First those who have waited for longer than PATIENCE: of each user the oldest one, by age. Then by priority;
then those within their soft limits before those who borrow or come late; then by who has had least of their
part (groups, then users); then by age. What a job is given counts at once against those of its user and group
that come after it.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush

from sentinel.scheduling.accounts import Left
from sentinel.scheduling.order import PATIENCE, Kind, Line, Place, Who
from sentinel.scheduling.snapshot import Snapshot

Rank = tuple[int, int, float, str]  # priority, late, since when, id: sorts the jobs of one user
Key = tuple[int, int, float, float, float, str]  # the same of everybody: with what group and user have had


@dataclass(slots=True)
class _Walk:
    """One user's lines. `heads` from `at` on are still to come, and `more` in between; with `mixed`, as some
    may be within the soft limit and others not, all are in `more`."""

    who: Who
    heads: Line
    at: int
    share: tuple[float, float]
    allowance: Left
    mixed: bool
    more: list[Rank] = field(default_factory=list[Rank])
    fresh: bool = True


class Turns:
    """`next` says whose turn it is, until there is nobody; `placed` or `failed` what became of that one."""

    def __init__(self, snapshot: Snapshot, now: float, resting: Collection[str]) -> None:
        self._snapshot, self._now, self._resting = snapshot, now, resting
        self._lines = snapshot.lines
        self._over: set[Kind] = set()
        self._at: dict[Kind, int] = {}
        self._walks: dict[Who, _Walk] = {}
        self._served: set[str] = set()
        limit = now - PATIENCE
        waited = sorted(age for age in self._lines.oldest().values() if age[0] < limit)
        self._oldest = [job for _, job in reversed(waited)]
        self._heap: list[tuple[Key, Who]] = []
        for who, heads in self._lines.heads.items():
            walk = self._walks[who] = self._walk(who, heads)
            rank = self._peek(walk)
            if rank is not None:
                self._heap.append((_key(rank, walk), who))
        heapify(self._heap)

    def allowance(self, kind: Kind) -> Left:
        """What its owner may still take."""
        walk = self._walks[kind.owner, kind.account]
        self._freshen(walk)
        return walk.allowance

    def next(self) -> tuple[Kind, str] | None:
        """A kind and the id of its first job that has not been served."""
        while self._oldest:
            job = self._oldest.pop()
            kind = self._lines.kind(job)
            if job not in self._resting and kind not in self._over:
                self._served.add(job)
                return kind, job
        while self._heap:
            known, who = self._heap[0]
            walk = self._walks[who]
            self._freshen(walk)
            rank = self._peek(walk)
            if rank is None:
                heappop(self._heap)
                continue
            key = _key(rank, walk)
            if key != known:
                heappop(self._heap)
                heappush(self._heap, (key, who))
                continue
            self._skip(walk, rank)
            job = rank[3]
            return self._lines.kind(job), job
        return None

    def first_of_all(self, job: str) -> bool:
        """Whether its turn has come because it has waited for longer than PATIENCE."""
        return job in self._served

    def placed(self, kind: Kind, job: str) -> None:
        """The others of its line are served, too. Call it when accounts have been charged."""
        for walk in self._walks.values():
            if walk.who[0] == kind.owner or (kind.account is not None and walk.who[1] == kind.account):
                walk.fresh = False
        if job not in self._served:
            self._go_on(kind)

    def failed(self, kind: Kind) -> None:
        """Nobody else of its line is served."""
        self._over.add(kind)

    def drop(self, kind: Kind) -> None:
        """No more of its owner's jobs are served, but those that have waited for too long."""
        walk = self._walks[kind.owner, kind.account]
        walk.at, walk.more = len(walk.heads), []

    # ------------------------------------------------------------------ inside

    def _walk(self, who: Who, heads: Line) -> _Walk:
        accounts = self._snapshot.accounts
        allowance = accounts.left(*who, self._now)
        mixed = allowance.soft is not None
        walk = _Walk(
            who=who,
            heads=heads,
            at=len(heads) if mixed else 0,
            share=accounts.share(*who, self._now),
            allowance=allowance,
            mixed=mixed,
        )
        if mixed:
            walk.more = [self._rank(place, walk) for place in heads]
            heapify(walk.more)
        return walk

    def _freshen(self, walk: _Walk) -> None:
        if not walk.fresh:
            accounts = self._snapshot.accounts
            walk.allowance = accounts.left(*walk.who, self._now)
            walk.share = accounts.share(*walk.who, self._now)
            walk.fresh = True

    def _rank(self, place: Place, walk: _Walk) -> Rank:
        late, soft = walk.allowance.late, walk.allowance.soft
        if soft is not None and not late:
            late = self._lines.kind(place[2]).need.total_milli > soft
        return place[0], int(late), place[1], place[2]

    def _peek(self, walk: _Walk) -> Rank | None:
        """The first of a user's jobs whose turn can come; it stays where it is."""
        while True:
            first = self._rank(walk.heads[walk.at], walk) if walk.at < len(walk.heads) else None
            if walk.more and (first is None or walk.more[0] < first):
                first = walk.more[0]
                if walk.mixed and first[1] == 0:
                    rank = self._rank((first[0], first[2], first[3]), walk)
                    if rank != first:
                        heappop(walk.more)
                        heappush(walk.more, rank)
                        continue
            if first is None:
                return None
            kind = self._lines.kind(first[3])
            if kind in self._over:
                self._skip(walk, first)
            elif first[3] in self._resting or first[3] in self._served:
                self._skip(walk, first)
                self._go_on(kind)
            else:
                return first

    def _skip(self, walk: _Walk, rank: Rank) -> None:
        if walk.more and walk.more[0] == rank:
            heappop(walk.more)
        else:
            walk.at += 1

    def _go_on(self, kind: Kind) -> None:
        """Puts the next of a line where its turn can come."""
        line = self._lines.by_kind[kind]
        at = self._at[kind] = self._at.get(kind, 0) + 1
        while at < len(line) and (line[at][2] in self._resting or line[at][2] in self._served):
            at = self._at[kind] = at + 1
        if at < len(line):
            walk = self._walks[kind.owner, kind.account]
            heappush(walk.more, self._rank(line[at], walk))


def _key(rank: Rank, walk: _Walk) -> Key:
    return rank[0], rank[1], *walk.share, rank[2], rank[3]
