"""When a waiting job is thought to start, and what that rests on. Pure; used by explain.

The first of its kind has a booking, whose time is the answer. For the others the queue is played forward on
a copy of the snapshot, by the scheduler's own passes: what runs ends when its time limit is over, and
nothing new is submitted. Where what is in the way has no time limit, nobody knows, and that is said.
"""

from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from math import inf

from sentinel.core.job import Job, JobState, Placement, Rank
from sentinel.core.units import show_duration
from sentinel.scheduling.order import kind_of
from sentinel.scheduling.placement import place
from sentinel.scheduling.snapshot import Snapshot, ends_at
from sentinel.scheduling.verdict import Booking, Pass, Seat, Word

MOST_JOBS = 2000
"""Queues longer than this are not played forward: that would take longer than whoever asks wants to wait."""
MOST_STEPS = 200

Patience = Callable[[], bool]
"""Whether there is time to work out more. Asked now and then by what takes long on a busy cluster."""


def always() -> bool:
    """There is."""
    return True


_BY_LIMITS = "the time limits of what holds the GPUs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """`at` (epoch) None: not known, and `basis` says why."""

    at: float | None
    basis: str


def foresee(snapshot: Snapshot, job: Job, found: Pass, now: float, patience: Patience = always) -> Outlook:
    """When `job`, which waits in line, starts. `found`: the pass over `snapshot` at `now`. `patience`:
    whether one step more may be played, each of which takes a pass."""
    booking = found.bookings.get(job.id)
    stopped = [stop for stop in found.stops if stop.makes_room_for == job.id]
    if booking is not None and stopped:
        names = ", ".join(stop.job for stop in stopped)
        return Outlook(at=booking.at, basis=f"job {names} makes room, within its grace")
    if booking is not None and booking.at is not None:
        return Outlook(at=max(booking.at, now), basis=_BY_LIMITS)
    if booking is not None:
        return Outlook(at=None, basis=_endless(snapshot, booking))
    if len(snapshot.jobs) > MOST_JOBS:
        return Outlook(at=None, basis="the queue is long: only what is first of its kind is worked out")
    at, seen = _played_forward(snapshot, job, now, patience)
    if at is not None:
        ahead = "jobs that are ahead are thought to take all of their time limits"
        return Outlook(at=at, basis=f"the queue played forward for {show_duration(at - now)}: {ahead}")
    if seen is not None:
        ahead = show_duration(seen - now)
        return Outlook(at=None, basis=f"not within {ahead}; what is further ahead takes too long to work out")
    verdict = found.verdicts.get(kind_of(job))
    if verdict is not None and verdict.word is Word.QUOTA:
        return Outlook(at=None, basis="what counts against the quota has no time limit")
    return Outlook(at=None, basis="jobs that run, or are ahead, have no time limit")


def _endless(snapshot: Snapshot, booking: Booking) -> str:
    for start in booking.starts:
        site = snapshot.sites.get(start.site)
        for stay in () if site is None else site.held:
            if stay.end == inf and not set(stay.positions).isdisjoint(start.positions):
                job = snapshot.jobs.get(stay.job)
                who = "" if job is None else f" ({job.owner})"
                return f"job {stay.job}{who} has no time limit"
    return "jobs that are ahead have no time limit"


def _played_forward(
    snapshot: Snapshot, job: Job, now: float, patience: Patience
) -> tuple[float | None, float | None]:
    """When `job` starts if nothing ends before its time; None when that cannot be told. And until when it
    was looked at, where it would have taken too long."""
    copy = _copy(snapshot)
    clock, bookings = now, dict[str, Booking]()
    for _ in range(MOST_STEPS):
        if not patience():
            break
        found = place(copy, clock, bookings)
        if any(chosen.job == job.id for chosen in found.chosen):
            return clock, None
        for chosen in found.chosen:
            copy.take(jobs=_begun(copy.jobs[chosen.job], chosen.seats, clock))
        bookings = dict(found.bookings)
        if found.unsettled:
            continue
        running = [(ends_at(one), one) for one in copy.jobs.values() if one.placement is not None]
        ends = [max(end, clock) for end, _ in running]
        following = min((end for end in ends if end < inf), default=None)
        again = found.again_at
        if following is None and again is None:
            return None, None
        clock = min(at for at in (following, again) if at is not None and at >= clock)
        over = [one for end, one in running if max(end, now) <= clock]
        copy.take(jobs=_ended(over))
        gangs = {one.part.of for one in over if one.part is not None}
        gangs -= {one.part.of for one in copy.jobs.values() if one.part is not None}
        copy.take(jobs=_ended(copy.jobs[id] for id in gangs if id in copy.jobs))
    return None, clock


def _ended(jobs: Iterable[Job]) -> list[Job]:
    return [replace(job, state=JobState.SUCCEEDED, placement=None) for job in jobs]


def _begun(job: Job, seats: Sequence[Seat], clock: float) -> list[Job]:
    """`job`, or the parts of a gang, as it runs."""
    running: list[Job] = []
    for rank, seat in enumerate(seats):
        placement = Placement(node=seat.node, gpus=seat.gpus, token=f"{job.id}.{rank}")
        runs = replace(job, state=JobState.RUNNING, placement=placement, started_at=clock, allocated_at=clock)
        if len(seats) > 1:
            runs = replace(
                runs,
                id=f"{job.id}.0.{rank}",
                spec=replace(job.spec, nodes=1),
                part=Rank(of=job.id, rank=rank, size=len(seats)),
                array=None,
            )
        running.append(runs)
    if len(seats) > 1:
        running.append(replace(job, state=JobState.RUNNING))
    return running


def _copy(snapshot: Snapshot) -> Snapshot:
    copy = Snapshot()
    copy.take(nodes=snapshot.nodes.values(), jobs=snapshot.jobs.values())
    copy.accounts = deepcopy(snapshot.accounts)  # in which these jobs are charged
    copy.reservations = dict(snapshot.reservations)
    return copy
