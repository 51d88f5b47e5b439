"""The scheduler: a step looks at what changed, places what can be placed, has those stopped that make room,
and watches over leases and nodes.

The loops process owns one (`Scheduler(store, Mirror(store), …)`) and calls `step` when the bell rings, and no
later than the step before said. All that a step decides is written in one transaction, where each decision is
held against the store once more: what moved meanwhile is left for the next step. A step that raises
StoreUnavailable has changed nothing; call it again later.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sentinel.core.account_json import ACCOUNT, USAGE
from sentinel.core.errors import StoreConflict, StoreUnavailable
from sentinel.core.job import WHOLE, Cancel, Job, JobState, Placement
from sentinel.core.node import Node, NodeState
from sentinel.core.reservation_json import RESERVATION
from sentinel.core.units import show_duration
from sentinel.ports.store import Beats, Store, Transaction
from sentinel.scheduling.backoff import Backoff
from sentinel.scheduling.leases import Finding, Judgement, Sightings, Terms, all_heard_of, judge, look
from sentinel.scheduling.lifecycle import Allocate, Fenced, Illegal, PreemptAsked, move
from sentinel.scheduling.mirror import Mirror
from sentinel.scheduling.node_desk import end_hold, silence
from sentinel.scheduling.placement import place
from sentinel.scheduling.verdict import Booking, Chosen, Pass, Seat, Stop
from sentinel.scheduling.writing import CONTROLLER, place_gang, take_lease, write_move

MOST_AT_ONCE = 256  # jobs placed in one transaction: the store has others to serve
RETRY = 0.05  # seconds; after a decision that no longer held
LOOK_ANEW = 60.0  # seconds after which all bookings are worked out anew, whatever has changed
HOLD_LOOK = 1.0  # seconds between looks at the beats while nodes are waited for

DECISIVE = frozenset((ACCOUNT, USAGE, RESERVATION))
"""The kinds of documents that decide what may be placed."""

_TERMS = Terms()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What a step did. `placed`: ids of jobs, and `stopped` those that were told to make room; `moved`: how
    many jobs and nodes the watch moved. `again_in`: seconds until there is something to do without being rung
    for; None: never."""

    placed: tuple[str, ...] = ()
    stopped: tuple[str, ...] = ()
    moved: int = 0
    again_in: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What is to be written. `tokens`: for each of `chosen`, one a seat. `hold_over`: why placing begins
    again."""

    chosen: Sequence[Chosen]
    tokens: Sequence[Sequence[str]]
    stops: Sequence[Stop]
    judgement: Judgement
    hold_over: str

    def __bool__(self) -> bool:
        return bool(self.chosen or self.stops or self.judgement or self.hold_over)


@dataclass(frozen=True, slots=True)
class _Written:
    placed: tuple[str, ...] = ()
    stopped: tuple[str, ...] = ()
    moved: int = 0


class Scheduler:
    """For one thread."""

    def __init__(
        self,
        store: Store,
        mirror: Mirror,
        *,
        now: Callable[[], float],
        today: Callable[[], float],
        new_token: Callable[[], str],
        terms: Terms = _TERMS,
        most: int = MOST_AT_ONCE,
    ) -> None:
        """`now` is CLOCK_BOOTTIME, by which is measured; `today` the epoch's time, for showing."""
        self._store, self._mirror = store, mirror
        self._now, self._today, self._new_token = now, today, new_token
        self._terms, self._most = terms, most
        self._backoff = Backoff()
        self._seen = Sightings()
        self._began = now()
        self._look_at = self._began
        self._stale = True  # something may be placed that could not be before
        self._bookings: Mapping[str, Booking] = {}
        self._anew_at: float | None = self._began  # when all bookings are worked out anew
        self._again_at: float | None = None  # epoch; see Pass
        self._careful = False

    def step(self) -> Step:
        """One pass. Blocks for as long as the store does."""
        try:
            return self._step()
        except StoreUnavailable:
            # Beats could not be counted either: that they stood still meanwhile says nothing.
            self._seen = Sightings()
            raise

    def _step(self) -> Step:
        held = self._mirror.hold
        changes = self._mirror.refresh()
        now = self._now()
        self._backoff.see(changes.jobs, now)
        woken = self._backoff.wake(now) or held != self._mirror.hold
        decisive = any(one.kind in DECISIVE for one in changes.documents)
        if woken or changes.jobs or changes.nodes or changes.removed_nodes or decisive:
            self._stale = True
        if self._again_at is not None and self._today() >= self._again_at:
            self._stale, self._anew_at = True, now
        if any(document.kind == RESERVATION for document in changes.documents):
            self._anew_at = now  # it may free, or take, what is on any node
        judgement, hold_over = self._watch()
        passed = self._pass(now) if self._stale else Pass()
        plan = _Plan(
            chosen=passed.chosen,
            tokens=[[self._new_token() for _ in chosen.seats] for chosen in passed.chosen],
            stops=passed.stops,
            judgement=judgement,
            hold_over=hold_over,
        )
        written = self._write(plan) if plan else _Written()
        missed = len(written.placed) < len(passed.chosen)
        self._stale = missed or passed.more or passed.unsettled or bool(hold_over)
        return Step(
            placed=written.placed,
            stopped=written.stopped,
            moved=written.moved,
            again_in=self._again_in(missed),
        )

    def _pass(self, now: float) -> Pass:
        """One pass; what it booked is for the next one."""
        mirror, today = self._mirror, self._today()
        anew = self._anew_at is None or now >= self._anew_at
        passed = place(
            mirror,
            today,
            self._bookings,
            self._backoff.resting,
            changed=None if anew else frozenset(mirror.changed),
            most=self._most,
        )
        mirror.changed.clear()
        if anew:
            self._anew_at = now + LOOK_ANEW
        self._bookings = _carried(self._bookings, passed) if passed.more else passed.bookings
        self._again_at = passed.again_at
        return passed

    # ------------------------------------------------------------------ the watch

    def _watch(self) -> tuple[Judgement, str]:
        """What has run out, and why a hold is over; nothing when it is not time to look yet."""
        mirror = self._mirror
        if self._now() < self._look_at or not (mirror.nodes or mirror.hold):
            return Judgement(), ""
        with self._store.read() as reader:
            beats = reader.beats()
        now = self._now()  # after the read: what it showed happened before
        self._seen = look(self._seen, mirror, beats.nodes, beats.leases, now)
        self._look_at = now + (HOLD_LOOK if mirror.hold else self._terms.look_every)
        return judge(mirror, self._seen, now, self._terms), self._hold_over(now)

    def _hold_over(self, now: float) -> str:
        if not self._mirror.hold:
            return ""
        if all_heard_of(self._mirror, self._seen):
            return "every node has been heard of since the restore"
        if now - self._began >= self._terms.hold:
            return f"nodes were waited for {show_duration(self._terms.hold)} after the restore"
        return ""

    def _again_in(self, retry: bool) -> float | None:
        if self._stale and not retry:
            return 0.0
        now = self._now()
        watches = self._mirror.nodes or self._mirror.hold
        times = (self._backoff.next(), self._look_at if watches else None, self._reservation_at(now))
        waits = [max(0.0, at - now) for at in times if at is not None]
        return min([*waits, RETRY] if retry else waits, default=None)

    def _reservation_at(self, now: float) -> float | None:
        """`_again_at` by our own clock."""
        return None if self._again_at is None else now + max(0.0, self._again_at - self._today())

    # ------------------------------------------------------------------ writing

    def _write(self, plan: _Plan) -> _Written:
        try:
            return self._store.write(lambda tx: self._apply(tx, plan, careful=self._careful))
        except StoreConflict:
            # Another lease has one of the GPUs. Who, is looked up from now on, until that is over.
            self._careful = True
        written = self._store.write(lambda tx: self._apply(tx, plan, careful=True))
        self._careful = len(written.placed) < len(plan.chosen)
        return written

    def _apply(self, tx: Transaction, plan: _Plan, *, careful: bool) -> _Written:
        today = self._today()
        moved = self._apply_judgement(tx, plan.judgement, today) if plan.judgement else 0
        if plan.hold_over:
            end_hold(tx, "controller", plan.hold_over, today)
        jobs = tx.jobs([chosen.job for chosen in plan.chosen]) if plan.chosen else {}
        ids = {seat.node for chosen in plan.chosen for seat in chosen.seats}
        nodes = {id: node for id in ids if (node := tx.node(id)) is not None}
        taken = {id: _leased(tx, id) for id in ids} if careful else {}
        placed: list[str] = []
        for chosen, tokens in zip(plan.chosen, plan.tokens, strict=True):
            job = jobs.get(chosen.job)
            if job is None or job.state is not JobState.QUEUED or job.cancel is not None or job.after:
                continue
            if all(_holds_still(seat, job.spec.gpu_milli, nodes, taken) for seat in chosen.seats):
                self._allocate(
                    tx, job, [(nodes[seat.node], seat.gpus) for seat in chosen.seats], tokens, today
                )
                placed.append(job.id)
                for seat in chosen.seats if careful else ():
                    for gpu in seat.gpus:
                        taken[seat.node][gpu] = taken[seat.node].get(gpu, 0) + job.spec.gpu_milli
        stopped = self._stop(tx, plan.stops, today) if plan.stops else ()
        return _Written(tuple(placed), stopped, moved)

    @staticmethod
    def _allocate(
        tx: Transaction,
        job: Job,
        seats: Sequence[tuple[Node, tuple[str, ...]]],
        tokens: Sequence[str],
        today: float,
    ) -> None:
        if job.spec.nodes > 1:
            place_gang(tx, job, seats, tokens, today)
            return
        ((node, gpus),), (token,) = seats, tokens
        placement = Placement(node=node.id, gpus=gpus, token=token)
        made = move(job, Allocate(placement=placement, node_name=node.name), today)
        assert made is not None, "an allocation always moves"
        take_lease(tx, write_move(tx, made, CONTROLLER, today), today)

    def _stop(self, tx: Transaction, stops: Sequence[Stop], today: float) -> tuple[str, ...]:
        """Tells jobs to make room; the ids of those that do."""
        jobs = tx.jobs([stop.job for stop in stops])
        stopped: list[str] = []
        for stop in stops:
            job, known = jobs.get(stop.job), self._mirror.jobs.get(stop.job)
            if job is None or known is None or job.attempt != known.attempt or not job.state.placed:
                continue
            try:
                made = move(job, PreemptAsked(cancel=Cancel(by="controller", at=today, why=stop.why)), today)
            except Illegal:
                continue
            if made is not None:
                write_move(tx, made, CONTROLLER, today)
                stopped.append(job.id)
        return tuple(stopped)

    def _apply_judgement(self, tx: Transaction, judgement: Judgement, today: float) -> int:
        beats = tx.beats()
        moved = 0
        for id, count in judgement.silent.items():
            if beats.nodes.get(id, 0) == count:
                why = f"no beat for {show_duration(self._terms.silent_after)}"
                moved += silence(tx, id, why, today)
        ids = [finding.job for finding in judgement.findings]
        jobs = tx.jobs(ids) if ids else {}
        return moved + sum(
            self._apply_finding(tx, finding, jobs, beats, today) for finding in judgement.findings
        )

    def _apply_finding(
        self, tx: Transaction, finding: Finding, jobs: Mapping[str, Job], beats: Beats, today: float
    ) -> bool:
        job, known = jobs.get(finding.job), self._mirror.jobs.get(finding.job)
        still = job is not None and known is not None and job.revision == known.revision
        if job is None or not still or beats.leases.get(finding.what.token) != finding.count:
            return False  # it was heard of since
        try:
            made = move(job, finding.what, today)
        except Fenced:
            return False
        if made is not None:
            write_move(tx, made, CONTROLLER, today)
        return made is not None


def _carried(before: Mapping[str, Booking], passed: Pass) -> Mapping[str, Booking]:
    """A pass that stopped early has not come to all: what it has not come to stays booked, unless something
    was booked or placed on the same node meanwhile, which may be in its way."""
    now = [start.site for booking in passed.bookings.values() for start in booking.starts]
    taken = {*now, *(seat.node for chosen in passed.chosen for seat in chosen.seats)}
    kept = {
        id: booking
        for id, booking in before.items()
        if id not in passed.bookings and all(start.site not in taken for start in booking.starts)
    }
    return {**passed.bookings, **kept}


def _leased(tx: Transaction, node_id: str) -> dict[str, int]:
    """GPU's UUID → thousandths of it that are leased."""
    taken: dict[str, int] = {}
    for lease in tx.leases(node=node_id):
        for gpu in lease.gpus:
            taken[gpu] = taken.get(gpu, 0) + lease.milli
    return taken


def _holds_still(
    seat: Seat, milli: int, nodes: Mapping[str, Node], taken: Mapping[str, Mapping[str, int]]
) -> bool:
    """Whether what was decided from the mirror is right by the store, too."""
    node = nodes.get(seat.node)
    if node is None or node.state is not NodeState.UP or node.drained is not None:
        return False
    leased = taken.get(seat.node, {})
    if any(leased.get(gpu, 0) + milli > WHOLE for gpu in seat.gpus):
        return False
    free = {gpu.uuid for gpu in node.gpus or () if gpu.blocked is None}
    return free.issuperset(seat.gpus)
