"""Who is in line with whom, and who is first there. Kept in order while jobs come and go. Pure.

Waiting jobs that are alike to the scheduler stand in one line, for a Kind: where its first job finds no
place, the others need not be looked at. Within a line, and among the lines of a user, higher priority comes
first, then age. Which user is next, a pass decides (see placement).
"""

from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from heapq import merge

from sentinel.core.job import Job
from sentinel.scheduling.need import Need, need_of

Place = tuple[int, float, str]  # a job's key, ending with its id
Line = list[Place]
Age = tuple[float, str]
Who = tuple[str, str | None]  # a user and the group whose account it goes on

PATIENCE = 7 * 86400.0
"""Seconds after which a user's oldest waiting job comes before everybody else's: nobody starves. One that was
stopped to make room had its turn: it would take the room back at once, and be stopped again, and so on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What makes jobs alike. `account` is their owner's group, `limit` their time limit, `array` its id."""

    need: Need
    owner: str
    account: str | None = None
    limit: float | None = None
    array: str | None = None
    hashed: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        of = (self.need, self.owner, self.account, self.limit, self.array)
        object.__setattr__(self, "hashed", hash(of))  # once: see Need

    def __hash__(self) -> int:
        return self.hashed


def kind_of(job: Job) -> Kind:
    """The line that `job` stands in."""
    return Kind(
        need=need_of(job.spec),
        owner=job.owner,
        account=job.account,
        limit=job.spec.time_limit,
        array=None if job.array is None else job.array.id,
    )


def key(job: Job) -> Place:
    """Sorts jobs of a user: who comes first is least. The id makes the order the same everywhere."""
    return -job.spec.priority, job.submitted_at, job.id


class Lines:
    """The waiting jobs. `by_kind`: each line. `heads`: of each user, the first of each of their lines, in
    order. `limits`: of each need, how many lines there are by time limit. Adding and removing cost
    logarithms."""

    def __init__(self) -> None:
        self.by_kind: dict[Kind, Line] = {}
        self.heads: dict[Who, Line] = {}
        self.limits: dict[Need, dict[float | None, int]] = {}
        self._ages: dict[str, list[Age]] = {}  # owner → their jobs that were not preempted, the oldest first
        self._kinds: dict[str, Kind] = {}

    def add(self, job: Job) -> None:
        """Not idempotent: `job` must not be in line."""
        kind = self._kinds[job.id] = kind_of(job)
        place = key(job)
        line = self.by_kind.get(kind)
        if line is None:
            self.by_kind[kind] = [place]
            insort(self.heads.setdefault((kind.owner, kind.account), []), place)
            limits = self.limits.setdefault(kind.need, {})
            limits[kind.limit] = limits.get(kind.limit, 0) + 1
        else:
            if place < line[0]:
                self._change_head(kind, line[0], place)
            insort(line, place)
        if not job.preemptions:
            insort(self._ages.setdefault(job.owner, []), (job.submitted_at, job.id))

    def remove(self, job: Job) -> None:
        """`job` as it was added."""
        kind, place = self._kinds.pop(job.id), key(job)
        line = self.by_kind[kind]
        at = bisect_left(line, place)
        assert line[at] == place, f"job {job.id} is not in line"
        del line[at]
        if not line:
            self._end_line(kind, place)
        elif at == 0:
            self._change_head(kind, place, line[0])
        if job.preemptions:
            return
        ages = self._ages[job.owner]
        del ages[bisect_left(ages, (job.submitted_at, job.id))]
        if not ages:
            del self._ages[job.owner]

    def _change_head(self, kind: Kind, old: Place, new: Place) -> None:
        heads = self.heads[kind.owner, kind.account]
        del heads[bisect_left(heads, old)]
        insort(heads, new)

    def _end_line(self, kind: Kind, head: Place) -> None:
        del self.by_kind[kind]
        who = kind.owner, kind.account
        heads = self.heads[who]
        del heads[bisect_left(heads, head)]
        if not heads:
            del self.heads[who]
        limits = self.limits[kind.need]
        limits[kind.limit] -= 1
        if not limits[kind.limit]:
            del limits[kind.limit]
            if not limits:
                del self.limits[kind.need]

    def kind(self, job: str) -> Kind:
        """Of the waiting job with this id."""
        return self._kinds[job]

    def oldest(self) -> Mapping[str, Age]:
        """By owner: their oldest waiting job that was not stopped to make room, and since when it waits."""
        return {owner: ages[0] for owner, ages in self._ages.items()}

    def __contains__(self, job: str) -> bool:
        return job in self._kinds

    def __len__(self) -> int:
        return len(self._kinds)

    def __iter__(self) -> Iterator[str]:
        """Ids, by priority and age."""
        return (place[2] for place in merge(*self.by_kind.values()))
