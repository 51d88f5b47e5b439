"""Whom to stop so that a job of more right can start. Pure; called by placement for a job that finds no
place.

Who may be stopped: a job that said so (`preemptible`), for one of higher priority; and one whose owner or
group *borrows*, being above a soft limit, for one of at least its priority that is within its own. Those
with the least work to lose go first, and nothing is stopped that loses more than it gains: GPU-seconds of
work thrown away against GPU-seconds of waiting saved, which begin when those that are stopped are gone. A
job with a checkpoint command is thought to lose nothing. A gang is stopped whole or not at all.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf

from sentinel.core.account import Scope
from sentinel.core.job import WHOLE, Job, JobState
from sentinel.scheduling.accounts import Left as Allowance
from sentinel.scheduling.need import Need
from sentinel.scheduling.order import Kind
from sentinel.scheduling.seating import Positions
from sentinel.scheduling.site import OVERRUN, Site, Start, Stay
from sentinel.scheduling.snapshot import Snapshot
from sentinel.scheduling.verdict import Booking, Stop

_SPARE = 8
"""For a gang, how many more free nodes are looked at than it needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Victim:
    """What may be stopped as one: a job or a gang. `preemptible`: it said so; `borrowing`: it is above a soft
    limit. `sites`: the ids of its nodes. `grace`: seconds until it is gone."""

    id: str
    owner: str
    priority: int
    loses: float
    grace: float
    preemptible: bool
    borrowing: bool
    sites: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """Who is stopped, and what is kept for whom by it."""

    stops: tuple[Stop, ...]
    booking: Booking


class Victims:
    """Who could be stopped, worked out when it is asked for first. `spent`: stopped in this pass already."""

    def __init__(self, snapshot: Snapshot, now: float) -> None:
        self._snapshot, self.now = snapshot, now
        self._known: dict[str, Victim] | None = None
        self.spent: set[str] = set()

    def for_job(self, job: Job, kind: Kind, allowance: Allowance) -> dict[str, Victim]:
        """Those that `job` may stop, by id."""
        soft, priority = allowance.soft, job.spec.priority
        within = soft is None or kind.need.total_milli <= soft
        return {
            victim.id: victim
            for victim in self._all().values()
            if victim.id not in self.spent
            and (
                (victim.preemptible and victim.priority < priority)
                or (victim.borrowing and within and victim.priority <= priority)
            )
        }

    def free(self, need: Need) -> list[str]:
        """Ids of nodes where one part of it may fit though nobody is stopped: some more than it needs."""
        found: list[str] = []
        for bound, _, id in self._snapshot.soonest(need):
            if bound > self.now or len(found) >= need.nodes + _SPARE:
                break
            found.append(id)
        return found

    def has(self, id: str) -> bool:
        """Whether jobs may be placed on that node."""
        return id in self._snapshot.sites

    def _all(self) -> Mapping[str, Victim]:
        if self._known is None:
            said_so = _units(self._snapshot.preemptible.values())
            borrowing = self._borrowers()
            self._known = {
                id: self._victim(id, jobs, said_so=id in said_so, borrowing=id in borrowing)
                for id, jobs in {**said_so, **borrowing}.items()
                if not _goes_anyway(jobs) and all(job.state is not JobState.LOST for job in jobs)
            }
        return self._known

    def _victim(self, id: str, jobs: Sequence[Job], *, said_so: bool, borrowing: bool) -> Victim:
        return Victim(
            id=id,
            owner=jobs[0].owner,
            priority=jobs[0].spec.priority,
            loses=sum(self._loses(job) for job in jobs),
            grace=max(job.spec.grace for job in jobs),
            preemptible=said_so,
            borrowing=borrowing,
            sites=frozenset(job.placement.node for job in jobs if job.placement is not None),
        )

    def _loses(self, job: Job) -> float:
        if job.spec.checkpoint or job.started_at is None:
            return 0.0
        return max(0.0, self.now - job.started_at) * job.spec.total_milli / WHOLE

    def _borrowers(self) -> dict[str, list[Job]]:
        """Of each account above its soft limit: what was begun last, until the rest is within it."""
        found: dict[str, list[Job]] = {}
        for standing in self._snapshot.accounts.standings(self.now):
            soft = None if standing.limits is None else standing.limits.running_gpus_soft
            if soft is None or standing.running <= soft * WHOLE:
                continue
            units = _units(self._running(standing.scope, standing.name))
            over = sum(map(_milli, units.values())) - soft * WHOLE
            for id in sorted(units, key=lambda id: (not _goes_anyway(units[id]), -_began(units[id]), id)):
                if over <= 0:
                    break
                over -= _milli(units[id])
                found[id] = units[id]
        return found

    def _running(self, scope: Scope, name: str) -> Iterable[Job]:
        if scope is Scope.USER:
            return self._snapshot.placed_of(name)
        jobs = self._snapshot.jobs.values()
        return (job for job in jobs if job.placement is not None and job.account == name)


def make_room(
    victims: Victims,
    kind: Kind,
    job: Job,
    otherwise: float | None,
    allowance: Allowance,
    site_of: Callable[[str], Site],
    stays_on: Callable[[str], Sequence[Stay]],
) -> Room | None:
    """Whom `job` makes stop; None when nobody, because nobody may be stopped or it is not worth it.
    `otherwise`: when it would start without (epoch; None: not known)."""
    need, now = kind.need, victims.now
    if need.gpus == 0:
        return None
    may = victims.for_job(job, kind, allowance)
    if not may:
        return None
    lasts = inf if kind.limit is None else kind.limit
    # It starts when they are gone, so what is kept for others counts until then, too.
    end = now + max(victim.grace for victim in may.values()) + OVERRUN + lasts
    ids = {site for victim in may.values() for site in victim.sites if victims.has(site)}
    if need.nodes > 1:
        ids.update(victims.free(need))
    plans: list[tuple[float, str, tuple[str, ...], Site, Positions]] = []
    for id in ids:
        site = site_of(id)
        if need.node is None or need.node == site.name:
            plan = _on(site, kind, may, stays_on(id), now, end)
            if plan is not None:
                plans.append((sum(may[one].loses for one in plan[0]), site.name, plan[0], site, plan[1]))
    plans.sort(key=lambda plan: plan[:2])
    if len(plans) < need.nodes:
        return None
    used = plans[: need.nodes]
    stopped = sorted({one for plan in used for one in plan[2]})
    if not stopped:
        return None
    loses = sum(may[one].loses for one in stopped)
    gone = now + max(may[one].grace for one in stopped) + OVERRUN
    saved = inf if otherwise is None else otherwise - gone
    if saved <= 0 or loses > saved * need.total_milli / WHOLE:
        return None
    victims.spent.update(stopped)
    return Room(
        stops=tuple(
            Stop(job=one, makes_room_for=job.id, why=_why(job, may[one]), loses=may[one].loses)
            for one in stopped
        ),
        booking=Booking(
            job=job.id,
            starts=tuple(Start.on(site, gone, positions, gone + lasts) for *_, site, positions in used),
            at=gone,
        ),
    )


def _on(
    site: Site, kind: Kind, may: Mapping[str, Victim], stays: Sequence[Stay], now: float, end: float
) -> tuple[tuple[str, ...], Positions] | None:
    """Whom to stop on one node, and what the job gets there: those that lose least until it fits, without
    those it fits without."""
    units = {stay.job: unit for stay in site.held if (unit := _unit_of(stay.job, may)) is not None}
    order = sorted(set(units.values()), key=lambda one: (may[one].loses, one))
    gone: list[str] = []
    found = None
    for one in ("", *order):
        gone += [one] if one else []
        found = _without(site, units, gone).at(kind.need, now, end, stays, now)
        if found is not None:
            break
    if found is None:
        return None
    for one in sorted(gone, key=lambda one: (-may[one].loses, one)):
        fewer = [other for other in gone if other != one]
        better = _without(site, units, fewer).at(kind.need, now, end, stays, now)
        if better is not None:
            gone, found = fewer, better
    return tuple(gone), found[1]


def _without(site: Site, units: Mapping[str, str], gone: Sequence[str]) -> Site:
    return site.without(frozenset(job for job, unit in units.items() if unit in gone))


def _unit_of(job: str, may: Mapping[str, Victim]) -> str | None:
    if job in may:
        return job
    gang = job.rpartition(".")[0].rpartition(".")[0]  # a part is GANG.ATTEMPT.RANK
    return gang if gang in may else None


def _units(jobs: Iterable[Job]) -> dict[str, list[Job]]:
    """What is stopped as one: jobs, and the parts of each gang."""
    found: dict[str, list[Job]] = {}
    for job in jobs:
        found.setdefault(job.id if job.part is None else job.part.of, []).append(job)
    return found


def _goes_anyway(unit: Sequence[Job]) -> bool:
    return any(job.stop is not None for job in unit)


def _began(unit: Sequence[Job]) -> float:
    return min(inf if job.started_at is None else job.started_at for job in unit)


def _milli(unit: Sequence[Job]) -> int:
    return sum(job.spec.total_milli for job in unit)


def _why(job: Job, victim: Victim) -> str:
    if victim.preemptible and victim.priority < job.spec.priority:
        return f"makes room for job {job.id} ({job.owner}), of higher priority"
    return f"gives back borrowed GPUs to job {job.id} ({job.owner})"
