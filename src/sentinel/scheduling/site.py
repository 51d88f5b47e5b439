"""A node as placement sees it: which GPUs there are, who holds what until when, and what is left. Pure.

A Site never changes: what is taken makes another one. Sites that look alike have the same `shape`, and are
looked at once. `held` and `kept` are stays: what holds GPUs now, and what is to hold them later.
"""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field, replace
from math import inf

from sentinel.core.job import WHOLE, Job
from sentinel.core.node import NodeGpu
from sentinel.scheduling.need import Need
from sentinel.scheduling.seating import Fit, Left, Positions, Score, seat

OVERRUN = 60.0
"""Seconds within which a job that is over its time, or was told to end, is thought to have ended."""


@dataclass(frozen=True, slots=True)
class Stay:
    """That a job has `milli` of each of the GPUs at `positions`, from `start` until before `end` (epoch; inf:
    not known). `job` empty: a reservation."""

    job: str
    positions: Positions
    milli: int
    start: float
    end: float
    cpus: int = 0
    memory: int = 0

    @classmethod
    def of(cls, job: Job, positions: Positions, start: float, end: float) -> "Stay":
        """What `job` holds, or is to hold, of one node."""
        spec = job.spec
        return cls(job.id, positions, spec.gpu_milli, start, end, spec.cpus or 0, spec.memory_bytes or 0)

    def overlaps(self, start: float, end: float) -> bool:
        return self.start < end and start < self.end


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """`gpus`: those that nothing but jobs of ours holds, by index. `cpus` and `memory`: the machine's.
    `open`: jobs may come here."""

    id: str
    name: str
    gpus: tuple[NodeGpu, ...]
    open: bool
    shares: bool = True
    cpus: int | None = None
    memory: int | None = None
    held: tuple[Stay, ...] = ()
    left: Left
    shape: object = field(compare=False)

    def now(self, need: Need, score: Score | None = None) -> tuple[Fit, Positions] | None:
        """Where one part of `need` fits, for as long as nothing is kept for anybody here."""
        if need.shared and not self.shares:
            return None
        return seat(need, self.gpus, self.left, score)

    def at(
        self, need: Need, start: float, end: float, kept: Sequence[Stay], now: float
    ) -> tuple[Fit, Positions] | None:
        """Where it fits all the time from `start` until `end`, beside what is held and kept then."""
        if need.shared and not self.shares:
            return None
        if need.gpus == 0 and any(not stay.job and stay.overlaps(start, end) for stay in kept):
            return None
        left = _left(self.gpus, self.cpus, self.memory, self.held, kept, start, end, now)
        return seat(need, self.gpus, left)

    def again(
        self, need: Need, start: "Start", at: float, kept: Sequence[Stay], now: float
    ) -> "Start | None":
        """The same from `at` on, for as long: on the same GPUs where that can be; None: not on this node."""
        end = start.end if at == start.at else at + (start.end - start.at)
        found = self.at(need, at, end, kept, now)
        if found is None:
            return None
        left = _left(self.gpus, self.cpus, self.memory, self.held, kept, at, end, now)
        same = start.found_on(self)
        if same is not None and all(left.gpus[one] >= need.milli for one in same.positions):
            return replace(same, at=at, end=end)
        return Start.on(self, at, found[1], end)

    def with_stay(self, stay: Stay) -> "Site":
        """The same with one more that holds GPUs now."""
        gpus = list(self.left.gpus)
        for at in stay.positions:
            gpus[at] = max(0, gpus[at] - stay.milli)
        left = Left(
            tuple(gpus),
            None if self.left.cpus is None else self.left.cpus - stay.cpus,
            None if self.left.memory is None else self.left.memory - stay.memory,
        )
        return replace(
            self, held=(*self.held, stay), left=left, shape=_shape(self.gpus, left, self.open, self.shares)
        )

    def without(self, jobs: Container[str]) -> "Site":
        """As it would be without what these jobs hold."""
        held = tuple(stay for stay in self.held if stay.job not in jobs)
        if len(held) == len(self.held):
            return self
        left = _left(self.gpus, self.cpus, self.memory, held, (), -inf, inf, -inf)
        return replace(self, held=held, left=left)


def make_site(
    *,
    id: str,
    name: str,
    gpus: Sequence[NodeGpu],
    open: bool,
    shares: bool,
    cpus: int | None,
    memory: int | None,
    held: Sequence[Stay],
) -> Site:
    """A site whose `held` all hold it now, whatever their `end`."""
    gpus = tuple(gpus)
    left = _left(gpus, cpus, memory, held, (), -inf, inf, -inf)
    return Site(
        id=id,
        name=name,
        gpus=gpus,
        open=open,
        shares=shares,
        cpus=cpus,
        memory=memory,
        held=tuple(held),
        left=left,
        shape=_shape(gpus, left, open, shares),
    )


def _left(
    gpus: Sequence[NodeGpu],
    cpus: int | None,
    memory: int | None,
    held: Iterable[Stay],
    kept: Iterable[Stay],
    start: float,
    end: float,
    now: float,
) -> Left:
    free = [WHOLE] * len(gpus)
    for stays in (held, kept):
        for stay in stays:
            until = stay.end
            if until <= now and stays is held:
                until = now + OVERRUN  # it is there still, whatever it was to be
            if stay.start < end and start < until:
                for at in stay.positions:
                    free[at] = max(0, free[at] - stay.milli)
                if cpus is not None:
                    cpus -= stay.cpus
                if memory is not None:
                    memory -= stay.memory
    return Left(tuple(free), cpus, memory)


def _shape(gpus: Sequence[NodeGpu], left: Left, open: bool, shares: bool) -> object:
    """What `Site.now` looks at, whichever GPU is which among those alike."""
    kinds: dict[tuple[object, ...], list[int]] = {}
    for gpu, milli in zip(gpus, left.gpus, strict=True):
        kinds.setdefault((gpu.model, gpu.memory_total_bytes, gpu.island, gpu.numa), []).append(milli)
    looks = tuple((kind, tuple(sorted(some))) for kind, some in kinds.items())
    return looks, left.cpus, left.memory, open, shares


@dataclass(frozen=True, slots=True)
class Start:
    """When and where one part of a job can start, until when it stays at most (inf: not known). `gpus`: the
    UUIDs of those at `positions`, which are others once GPUs of the node are blocked or free again."""

    at: float
    site: str
    positions: Positions
    gpus: tuple[str, ...]
    end: float

    @classmethod
    def on(cls, site: Site, at: float, positions: Positions, end: float) -> "Start":
        return cls(at, site.id, positions, tuple(site.gpus[one].uuid for one in positions), end)

    def found_on(self, site: Site) -> "Start | None":
        """The same by the positions that its GPUs have now; None when one of them is not there."""
        gpus, count = site.gpus, len(site.gpus)
        if all(
            at < count and gpus[at].uuid == uuid for at, uuid in zip(self.positions, self.gpus, strict=True)
        ):
            return self
        where = {gpu.uuid: at for at, gpu in enumerate(gpus)}
        if not where.keys() >= set(self.gpus):
            return None
        return replace(self, positions=tuple(where[uuid] for uuid in self.gpus))


def earliest(
    site: Site,
    need: Need,
    limit: float | None,
    now: float,
    kept: Sequence[Stay],
    by: float = inf,
    bound: float = -inf,
) -> Start | None:
    """The first time before `by`, from `now` on, at which one part of `need` fits here for as long as `limit`
    says; None when there is none that is known. Before `bound` it is known not to (see `freed_at`)."""
    lasts = inf if limit is None else limit
    ends = {_until(stay, now) for stay in site.held}
    ends.update(stay.end for stay in kept)
    times = sorted(end for end in ends if now < end < by and bound <= end)
    for at in (now, *times) if bound <= now else times:
        found = site.at(need, at, at + lasts, kept, now)
        if found is not None:
            return Start.on(site, at, found[1], at + lasts)
    return None


def _until(stay: Stay, now: float) -> float:
    """When what holds GPUs is thought to end; one that is over its time, soon."""
    return stay.end if stay.end > now else now + OVERRUN


@dataclass(frozen=True, slots=True)
class Freed:
    """Of a site: when each of its GPUs is let go of, sorted; `of`: one of them, where all are alike."""

    ends: tuple[float, ...]
    of: NodeGpu | None


def freed(site: Site) -> Freed:
    """What `freed_at` needs of a site, for whoever asks for many needs."""
    ends = [-inf if milli == WHOLE else inf for milli in site.left.gpus]
    known = [-inf] * len(ends)
    for stay in site.held:
        for at in stay.positions:
            known[at] = max(known[at], stay.end)
    kinds = {(gpu.model, gpu.memory_total_bytes) for gpu in site.gpus}
    return Freed(
        tuple(sorted(known[at] if end == inf else end for at, end in enumerate(ends))),
        site.gpus[0] if len(kinds) == 1 else None,
    )


def freed_at(site: Site, need: Need, known: Freed | None = None) -> float | None:
    """A lower bound of `earliest`: when enough GPUs that suit have been let go of, whatever is kept; -inf
    when they are free, inf when that is not known. None: there are never enough. `known`: `freed(site)`."""
    if need.shared and not site.shares:
        return None
    if need.node is not None and need.node != site.name:
        return None
    if known is not None and known.of is not None and not need.shared:
        if not need.suits(known.of) or len(known.ends) < need.gpus:
            return None
        return known.ends[need.gpus - 1] if need.gpus else -inf
    busy = [-inf if milli >= need.milli else inf for milli in site.left.gpus]
    soonest = [-inf] * len(busy)
    for stay in site.held:
        for at in stay.positions:
            if busy[at] == inf:
                whole = max(soonest[at], stay.end)
                part = stay.end if soonest[at] == -inf else min(soonest[at], stay.end)
                soonest[at] = part if need.shared else whole
    ends = [free if free == -inf else end for free, end in zip(busy, soonest, strict=True)]
    suiting = sorted(end for end, gpu in zip(ends, site.gpus, strict=True) if need.suits(gpu))
    if len(suiting) < need.gpus:
        return None
    return suiting[need.gpus - 1] if need.gpus else -inf
