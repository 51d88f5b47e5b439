"""What is kept for waiting jobs: conservative backfill. Pure; used by placement.

A job that finds no place books the GPUs that come free for it first, by the time limits of what runs: where
all parts of it can start together, from then on for as long as it may run. Where no such time is known it
keeps GPUs from now on: those of a node that are free already, and others beside them, so that what comes
free adds up until it is enough.

A booking with a time is a promise. It is taken into the next pass, and jobs that come after never move it to
a later time: whoever has a promise keeps clear of all the others; only a job that has none takes its turn
before those that come after it, as if they had none either. A promise that cannot be kept, because of a node
that is lost or a job over its time, is none.
"""

from bisect import insort
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from math import inf

from sentinel.core.job import WHOLE, Job
from sentinel.scheduling.fleet import Fleet
from sentinel.scheduling.need import Need
from sentinel.scheduling.order import Kind
from sentinel.scheduling.site import Site, Start, Stay, earliest
from sentinel.scheduling.snapshot import Snapshot
from sentinel.scheduling.verdict import Booking

_LOOKED_AT = 16
"""Nodes at which a start is worked out, at most, once one is known."""
_SPARE = 4
"""For a gang, how many times as many nodes as it needs are looked at together."""

Windows = Mapping[str, Sequence[Stay]]


class Bookings:
    """Those of one pass. `made`: by job id. What was booked before counts until its job's turn has come."""

    def __init__(
        self,
        snapshot: Snapshot,
        fleet: Fleet,
        now: float,
        before: Mapping[str, Booking],
        changed: Collection[str] | None,
    ) -> None:
        self._snapshot, self._fleet, self._now = snapshot, fleet, now
        self._before: dict[str, Booking] = {}
        self._changed = None if changed is None else set(changed)
        self._moved: set[str] = set()  # nodes where other things are booked than before
        self._kept: dict[str, list[Stay]] = {}
        self._soft: dict[str, list[Stay]] = {}
        self._windows: dict[tuple[str, str | None], dict[str, list[Stay]]] = {}
        self._promised: dict[str, Booking] = {}  # all that was, whether it still can be or not
        self._clear: set[str] = set()  # jobs that keep clear of what is promised to others
        self._standing: dict[str, Booking] = {}  # what was promised, and can still be
        self.made: dict[str, Booking] = {}
        for booking in before.values():
            if booking.job not in snapshot.lines:
                self._free(booking)
                continue
            self._before[booking.job] = booking = self._as_now(booking)
            if booking.at is not None:
                self._promised[booking.job] = booking
                self._note(self._soft, booking, snapshot.jobs[booking.job])

    # ------------------------------------------------------------------ what is asked

    def on(self, id: str, known: bool) -> bool:
        """Whether anything is booked on that node, for whom `stays` is asked likewise."""
        return id in self._kept or (known and id in self._soft)

    def stays(self, id: str, windows: Windows, known: bool) -> list[Stay]:
        """What is kept on a node from whoever's turn it is. `known`: they have a promise."""
        kept, soft = self._kept.get(id, ()), self._soft.get(id, ()) if known else ()
        return [*kept, *windows.get(id, ()), *soft]

    def windows(self, owner: str, account: str | None) -> Mapping[str, list[Stay]]:
        """The reservations that are not for `owner`, by node, as what holds all of it."""
        known = self._windows.get((owner, account))
        if known is None:
            known = self._windows[owner, account] = {}
            for reservation in self._snapshot.reservations.values():
                if reservation.end > self._now and not reservation.admits(owner, account):
                    for site in self._snapshot.sites.values():
                        if reservation.covers(site.name):
                            every = tuple(range(len(site.gpus)))
                            stay = Stay("", every, WHOLE, reservation.start, reservation.end)
                            known.setdefault(site.id, []).append(stay)
        return known

    # ------------------------------------------------------------------ what is done

    def take_up(self, kind: Kind, job: str, windows: Windows, *, first: bool) -> bool:
        """Its turn has come: what was booked for it is in nobody's way. Whether it keeps clear of what is
        promised to those that come after: something was promised to it, too, and still holds. `first`: it has
        waited for too long to be kept by any promise."""
        booking = self._before.get(job)
        if booking is None:
            return False
        for start in booking.starts:
            left = [stay for stay in self._soft.get(start.site, ()) if stay.job != job]
            if left:
                self._soft[start.site] = left
            else:
                self._soft.pop(start.site, None)
        if booking.at is None:
            return False
        untouched = not windows and self._untouched(booking)
        standing = booking if untouched else self._again(kind, windows, booking, known=not first)
        if standing is None:
            self._free(booking)
            del self._before[job]
            return False
        self._standing[job] = standing
        if not first:
            self._clear.add(job)
        return not first

    def leave(self, job: str) -> None:
        """It has found a place, and needs no booking."""
        if job in self._before:
            self._free(self._before[job])

    def make(self, booking: Booking, job: Job) -> None:
        """Keeps it from all whose turn comes later."""
        self.made[booking.job] = booking
        self._note(self._kept, booking, job)
        before = self._before.get(booking.job)
        if before != booking:
            self._moved.update(start.site for start in booking.starts)
            if before is not None:
                self._free(before)

    def given_up(self, placed: Collection[str]) -> bool:
        """Whether something that was promised before is free now, of which others kept clear."""
        return any(
            self.made.get(job) != promise and job not in placed for job, promise in self._promised.items()
        )

    def find(self, kind: Kind, job: Job, windows: Windows) -> Booking | None:
        """The best for a job that finds no place now; None when there is none at all. What was promised to it
        stays, unless it is sooner somewhere else, or cannot be."""
        before = self._before.get(job.id)
        found = self._search(kind, job, windows, before)
        standing = self._standing.get(job.id)
        if standing is None or standing.at is None:
            return found
        sooner = found is not None and found.at is not None and found.at < standing.at
        return found if sooner else standing

    def _search(self, kind: Kind, job: Job, windows: Windows, before: Booking | None) -> Booking | None:
        if before is None or self._changed is None or windows:
            return self._look(kind, job, windows, None)
        if before.at is not None and self._untouched(before):
            return self._improved(kind, job, windows, before)
        found = self._look(kind, job, windows, before)
        return found or (self._look(kind, job, windows, None) if before.at is None else None)

    def _improved(self, kind: Kind, job: Job, windows: Windows, before: Booking) -> Booking | None:
        """A sooner one than `before`, which is as good as it was, where something has changed."""
        assert self._changed is not None and before.at is not None
        soonest = self._snapshot.soonest_among(kind.need, self._changed)
        sooner = [one for one in soonest if one[0] < before.at]
        if not sooner:
            return None
        if kind.need.nodes > 1:
            return self._look(kind, job, windows, before)
        starts = self._starts(kind, windows, job.id in self._clear, sooner, before.at)
        return Booking(job=job.id, starts=tuple(starts), at=starts[0].at) if starts else None

    def _again(self, kind: Kind, windows: Windows, before: Booking, *, known: bool) -> Booking | None:
        """What was promised, at the same time on the same nodes, or now where that time has come; None when
        that can be no more."""
        at = max(self._now, inf if before.at is None else before.at)
        starts: list[Start] = []
        for start in before.starts:
            if start.site not in self._snapshot.sites:
                return None
            site = self._fleet.site(start.site)
            stays = self.stays(site.id, windows, known)
            again = site.again(kind.need, start, at, stays, self._now)
            if again is None:
                return None
            starts.append(again)
        return Booking(job=before.job, starts=tuple(starts), at=at)

    # ------------------------------------------------------------------ inside

    def _as_now(self, booking: Booking) -> Booking:
        """The same by the positions that GPUs have now; where one of them is gone, as it was."""
        sites = self._snapshot.sites
        starts = tuple(
            start if start.site not in sites else start.found_on(sites[start.site]) or start
            for start in booking.starts
        )
        return booking if starts == booking.starts else replace(booking, starts=starts)

    def _note(self, stays: dict[str, list[Stay]], booking: Booking, job: Job) -> None:
        for start in booking.starts:
            site = self._snapshot.sites.get(start.site)
            if site is not None and start.found_on(site) is not None:
                stay = Stay.of(job, start.positions, start.at, start.end)
                stays.setdefault(start.site, []).append(stay)

    def _free(self, booking: Booking) -> None:
        if self._changed is not None:
            self._changed.update(start.site for start in booking.starts)

    def _untouched(self, booking: Booking) -> bool:
        """Whether nothing has changed where it is, as far as is known."""
        if self._changed is None or (booking.at is not None and booking.at <= self._now):
            return False
        return all(
            start.site not in self._changed
            and start.site not in self._moved
            and start.site not in self._fleet.changed
            and start.site in self._snapshot.sites
            for start in booking.starts
        )

    def _look(self, kind: Kind, job: Job, windows: Windows, before: Booking | None) -> Booking | None:
        """`before`: only where that was, and where something has changed."""
        known = job.id in self._clear
        soonest: Iterable[tuple[float, str]]
        if before is None:
            soonest = ((bound, id) for bound, _, id in self._snapshot.soonest(kind.need))
        else:
            assert self._changed is not None
            ids = {start.site for start in before.starts} | self._changed
            soonest = self._snapshot.soonest_among(kind.need, ids)
        among = list(soonest) if before is not None else None
        starts = self._starts(kind, windows, known, soonest if among is None else among)
        if len(starts) == kind.need.nodes:
            return Booking(job=job.id, starts=tuple(starts), at=starts[0].at)
        ids = (
            (id for _, _, id in self._snapshot.soonest(kind.need))
            if among is None
            else (id for _, id in among)
        )
        kept = self._keep(kind.need, windows, ids)
        if len(kept) == kind.need.nodes:
            return Booking(job=job.id, starts=tuple(kept), at=None)
        return None

    def _starts(
        self,
        kind: Kind,
        windows: Windows,
        known: bool,
        soonest: Iterable[tuple[float, str]],
        before: float = inf,
    ) -> list[Start]:
        """The earliest time `before` which all its parts can start together, and where; empty: none known."""
        need, lasts = kind.need, inf if kind.limit is None else kind.limit
        starts: list[Start] = []
        for looked, (bound, id) in enumerate(soonest):
            full = len(starts) >= need.nodes
            by = starts[need.nodes - 1].at if full else before
            if bound == inf or (full and (bound >= by or looked >= _LOOKED_AT)):
                break
            stays = self.stays(id, windows, known)
            start = earliest(self._fleet.site(id), need, kind.limit, self._now, stays, by, bound)
            if start is not None and start.at < by:
                insort(starts, start, key=_by_time)
                del starts[need.nodes * _SPARE :]
        if need.nodes == 1 or len(starts) < need.nodes:
            return starts[:1] if need.nodes == 1 else []
        for at in sorted({start.at for start in starts[need.nodes - 1 :]}):
            found: list[Start] = []
            for start in starts:
                stays = self.stays(start.site, windows, known)
                site = self._fleet.site(start.site)
                seat = site.at(need, at, at + lasts, stays, self._now) if start.at <= at else None
                if seat is not None:
                    found.append(Start.on(site, at, seat[1], at + lasts))
                    if len(found) == need.nodes:
                        return found
        return []

    def _keep(self, need: Need, windows: Windows, ids: Iterable[str]) -> list[Start]:
        """GPUs to wait for where nobody knows until when: the nodes where most are free already."""
        best: list[tuple[int, str, Start]] = []
        for id in ids:
            site = self._fleet.site(id)
            enough = len(best) == need.nodes
            if id in windows or (
                enough and -best[-1][0] >= sum(milli >= need.milli for milli in site.left.gpus)
            ):
                continue
            found = self._keep_on(site, need)
            if found is not None:
                insort(best, (-found[0], site.name, found[1]), key=_by_free)
                del best[need.nodes :]
        return [start for _, _, start in best]

    def _keep_on(self, site: Site, need: Need) -> tuple[int, Start] | None:
        """How many of them are free, and which."""
        taken = {at for stay in self._kept.get(site.id, ()) if stay.end == inf for at in stay.positions}
        may = [at for at, gpu in enumerate(site.gpus) if at not in taken and need.suits(gpu)]
        if len(may) < need.gpus or (need.shared and not site.shares):
            return None
        may.sort(key=lambda at: (-site.left.gpus[at], site.gpus[at].index))
        chosen = tuple(sorted(may[: need.gpus]))
        free = sum(site.left.gpus[at] >= need.milli for at in chosen)
        return free, Start.on(site, self._now, chosen, inf)


def _by_time(start: Start) -> tuple[float, str]:
    return start.at, start.site


def _by_free(one: tuple[int, str, Start]) -> tuple[int, str]:
    return one[0], one[1]
