"""Which waiting job gets which GPUs. Pure; called by the scheduler's loop, the simulator, and explain.

    place(snapshot, now, before, resting) -> Pass

Jobs come in the order of `turns`. Each goes where it fits best (see seating), among nodes that fit as well
to the first by name. One that finds no place may stop others (see preempt), and *books* (see booking): later
jobs may run on what is booked only if they are over by then. Jobs of a kind are alike: where the first one
finds no place, the others are not looked at, and have no booking of their own.

A pass costs what it places, times the kinds of node there are; its bookings, times the nodes that changed
since the pass before; and a little for each kind of job, unless nothing is free.
"""

from collections.abc import Collection, Mapping, Sequence
from itertools import chain
from math import inf

from sentinel.core.job import Job
from sentinel.scheduling.booking import Bookings
from sentinel.scheduling.fleet import Fleet, Where
from sentinel.scheduling.need import Need
from sentinel.scheduling.order import PATIENCE, Kind
from sentinel.scheduling.preempt import Victims, make_room
from sentinel.scheduling.seating import Fit, Score
from sentinel.scheduling.site import Stay
from sentinel.scheduling.snapshot import Named, Snapshot
from sentinel.scheduling.turns import Turns
from sentinel.scheduling.verdict import Booking, Chosen, Pass, Seat, Stop, Verdict, Word

_NO_LIMIT = 1 << 62
DEPTH = 100
"""How many bookings a pass makes. Kinds that come after those are placed where they delay none of them."""
DEPTH_OF_USER = 4
"""How many of those for one user."""

__all__ = ["DEPTH", "Booking", "Chosen", "Pass", "Seat", "Stop", "place"]


def place(
    snapshot: Snapshot,
    now: float,
    before: Mapping[str, Booking] | None = None,
    resting: Collection[str] = (),
    *,
    changed: Collection[str] | None = None,
    most: int = _NO_LIMIT,
    depth: int = DEPTH,
) -> Pass:
    """One pass over the queue at `now` (epoch), at most `most` placed. `before`: the bookings of the pass
    before, and `changed`: the ids of all nodes that are others since then (None: it is not known which).
    `resting`: ids of jobs that wait after a refusal."""
    if snapshot.hold or not snapshot.lines.by_kind:
        return Pass()
    passing = _Passing(snapshot, now, before or {}, resting, changed, depth)
    try:
        return passing.run(most)
    finally:
        passing.undo()


class _Passing:
    """One pass. `nowhere`: needs that nothing has room for; `hopeless`: from which time limit on a need fits
    nowhere beside what is booked. `kept_clear`: somebody found no place, maybe for what is promised."""

    def __init__(
        self,
        snapshot: Snapshot,
        now: float,
        before: Mapping[str, Booking],
        resting: Collection[str],
        changed: Collection[str] | None,
        depth: int,
    ) -> None:
        self.snapshot, self.now, self.depth = snapshot, now, depth
        self.mix = snapshot.mix()
        self.fleet = Fleet(snapshot)
        self.bookings = Bookings(snapshot, self.fleet, now, before, changed)
        self.turns = Turns(snapshot, now, resting)
        self.victims = Victims(snapshot, now)
        self.charged: list[tuple[str, str | None, int]] = []
        self.in_array: dict[str, int] = {}
        self.nowhere: set[Need] = set()
        self.hopeless: dict[Need, float] = {}
        self.alive: dict[Need, float] | None = None
        self.booked: dict[str, int] = {}
        self.kept_clear = False
        self.chosen: list[Chosen] = []
        self.stops: list[Stop] = []
        self.verdicts: dict[Kind, Verdict] = {}

    def undo(self) -> None:
        """Takes back what was charged to accounts: the snapshot is as it was."""
        for owner, account, milli in self.charged:
            self.snapshot.accounts.charge(owner, account, -milli, self.now)

    def run(self, most: int) -> Pass:
        while (turn := self.turns.next()) is not None:
            if len(self.chosen) >= most:
                return self._done(more=True)
            kind, job = turn
            if self._serve(kind, self.snapshot.jobs[job]):
                self.turns.placed(kind, job)
            else:
                self.turns.failed(kind)
                if not self._may_book(kind) and not self._anything_fits():
                    if len(self.bookings.made) >= self.depth:
                        break
                    self.turns.drop(kind)
        return self._done(more=False)

    def _done(self, *, more: bool) -> Pass:
        return Pass(
            chosen=tuple(self.chosen),
            stops=tuple(self.stops),
            bookings=self.bookings.made,
            verdicts=self.verdicts,
            more=more,
            unsettled=self.kept_clear and self.bookings.given_up({one.job for one in self.chosen}),
            again_at=self._again_at(),
        )

    def _again_at(self) -> float | None:
        """When a reservation begins or ends, somebody's patience is over, or a limit is another."""
        snapshot, now = self.snapshot, self.now
        moments = chain(
            chain.from_iterable((r.start, r.end) for r in snapshot.reservations.values()),
            (since + PATIENCE for since, _ in snapshot.lines.oldest().values()),
        )
        accounts = snapshot.accounts.next_change(now)
        later = [at for at in moments if at > now]
        return min(later if accounts is None else [*later, accounts], default=None)

    def _anything_fits(self) -> bool:
        """Whether somebody's turn can still come to something, when there are no more bookings."""
        limits = self.snapshot.lines.limits
        if self.alive is None:
            shortest = {need: min(map(_lasts, limits[need])) for need in limits}
            self.alive = {
                need: lasts for need, lasts in shortest.items() if self._seats(need, lasts, {}, known=False)
            }
        while self.alive:
            need, lasts = next(iter(self.alive.items()))
            if not self._hopeless(need, lasts):
                return True
            del self.alive[need]
        return False

    # ------------------------------------------------------------------ one job

    def _serve(self, kind: Kind, job: Job) -> bool:
        """Whether it found a place; else there is a verdict."""
        refused = self._refusal(kind, job)
        if refused is not None:
            self.verdicts[kind] = refused
            return False
        first = self.turns.first_of_all(job.id)
        known = self.bookings.take_up(kind, job.id, self._windows(kind), first=first)
        found = self._find(kind, known)
        if found is not None:
            self._take(kind, job, found)
            return True
        self.kept_clear |= known
        self.verdicts[kind] = self._wait(kind, job)
        return False

    def _refusal(self, kind: Kind, job: Job) -> Verdict | None:
        array = job.array
        if array is not None and array.limit is not None:
            running = self.snapshot.in_array(array.id) + self.in_array.get(array.id, 0)
            if running >= array.limit:
                return Verdict(word=Word.ARRAY, job=job.id)
        allowance = self.turns.allowance(kind)
        if allowance.hard is not None and kind.need.total_milli > allowance.hard:
            return Verdict(word=Word.QUOTA, job=job.id, why=allowance.why)
        if not self.snapshot.could_ever_run(kind.need):
            return Verdict(word=Word.TOO_LARGE, job=job.id)
        return None

    def _take(self, kind: Kind, job: Job, found: Sequence[Where]) -> None:
        end = self.now + _lasts(kind.limit)
        seats: list[Seat] = []
        for site, positions in found:
            seats.append(Seat(node=site.id, gpus=tuple(site.gpus[at].uuid for at in positions)))
            self.fleet.change(site, site.with_stay(Stay.of(job, positions, -inf, end)))
        self.bookings.leave(job.id)
        self.chosen.append(Chosen(job=job.id, seats=tuple(seats)))
        milli = kind.need.total_milli
        if milli:
            self.snapshot.accounts.charge(kind.owner, kind.account, milli, self.now)
            self.charged.append((kind.owner, kind.account, milli))
        if job.array is not None:
            self.in_array[job.array.id] = self.in_array.get(job.array.id, 0) + 1

    # ------------------------------------------------------------------ a place now

    def _find(self, kind: Kind, known: bool) -> list[Where] | None:
        """Seats for all parts of it. `known`: it has a promise, and keeps clear of those of others."""
        return self._seats(kind.need, _lasts(kind.limit), self._windows(kind), known)

    def _seats(
        self, need: Need, lasts: float, windows: Mapping[str, list[Stay]], known: bool
    ) -> list[Where] | None:
        if self._hopeless(need, lasts):
            return None
        found, later = self._free(need, windows, known)
        if len(found) == need.nodes:
            return found
        squeezed: list[tuple[Fit, str, Where]] = []
        for name, id in later:
            site = self.fleet.site(id)
            stays = self.bookings.stays(id, windows, known)
            seat = site.at(need, self.now, self.now + lasts, stays, self.now)
            if seat is not None:
                squeezed.append((seat[0], name, (site, seat[1])))
        squeezed.sort(key=_by_fit)
        found += [where for _, _, where in squeezed[: need.nodes - len(found)]]
        if len(found) == need.nodes:
            return found
        if not windows and not known:
            self.hopeless[need] = lasts
        return None

    def _hopeless(self, need: Need, lasts: float) -> bool:
        """Whether it is known already to fit nowhere for so long."""
        return need in self.nowhere or (need in self.hopeless and self.hopeless[need] <= lasts)

    def _free(
        self, need: Need, windows: Mapping[str, list[Stay]], known: bool
    ) -> tuple[list[Where], list[Named]]:
        """Seats where nothing is booked, the best first, as many as it needs; and, where those are too few,
        the nodes where it fits if what is booked allows it."""
        if need.node is not None:
            return [], [self.fleet.named(need.node)] if self.fleet.has(need.node) else []
        found: list[Where] = []
        later: list[Named] = []
        for alike in self._fitting(need):
            for name, id in alike:
                if id in windows or self.bookings.on(id, known):
                    later.append((name, id))
                    continue
                site = self.fleet.site(id)
                seat = site.now(need, self._score(need))
                assert seat is not None, "sites of a shape are alike"
                found.append((site, seat[1]))
                if len(found) == need.nodes:
                    return found, later
        if not later and not found:
            self.nowhere.add(need)
        return found, later

    def _fitting(self, need: Need) -> list[list[Named]]:
        """The nodes where it fits by what is held, by shape; the best shape first."""
        fits = self.snapshot.fits(need)
        found: list[tuple[Fit, Named, list[Named]]] = []
        for shape, alike in self.fleet.shapes.items():
            if shape not in fits:
                seat = self.fleet.site(alike[0][1]).now(need, self._score(need))
                fits[shape] = None if seat is None else seat[0]
            fit = fits[shape]
            if fit is not None:
                found.append((fit, alike[0], alike))
        if len(found) > 1:
            found.sort(key=_by_shape)
        return [alike for _, _, alike in found]

    def _score(self, need: Need) -> Score | None:
        return None if self.mix is None else Score(self.mix, self.snapshot.demand.ask(need))

    def _windows(self, kind: Kind) -> Mapping[str, list[Stay]]:
        """The reservations that are not for this kind's owner, by node."""
        if not self.snapshot.reservations:
            return {}
        return self.bookings.windows(kind.owner, kind.account)

    # ------------------------------------------------------------------ a place later

    def _may_book(self, kind: Kind) -> bool:
        return len(self.bookings.made) < self.depth and self.booked.get(kind.owner, 0) < DEPTH_OF_USER

    def _wait(self, kind: Kind, job: Job) -> Verdict:
        if not self._may_book(kind):
            return Verdict(word=Word.BUSY, job=job.id)
        windows = self._windows(kind)
        booking = self.bookings.find(kind, job, windows)
        room = make_room(
            self.victims,
            kind,
            job,
            None if booking is None else booking.at,
            self.turns.allowance(kind),
            self.fleet.site,
            lambda id: self.bookings.stays(id, windows, known=False),
        )
        if room is not None:
            self.stops += room.stops
            booking = room.booking
        if booking is not None:
            self.bookings.make(booking, job)
            self.booked[kind.owner] = self.booked.get(kind.owner, 0) + 1
        return Verdict(word=Word.BUSY, job=job.id, booking=booking)


def _lasts(limit: float | None) -> float:
    return inf if limit is None else limit


def _by_fit(one: tuple[Fit, str, Where]) -> tuple[Fit, str]:
    return one[0], one[1]


def _by_shape(one: tuple[Fit, Named, list[Named]]) -> tuple[Fit, Named]:
    return one[0], one[1]
