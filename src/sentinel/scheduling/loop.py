"""The scheduler: a step looks at what changed, places what can be placed, and watches over leases and nodes.

The loops process owns one (`Scheduler(store, Mirror(store), …)`) and calls `step` when the bell rings, and no
later than the step before said. All that a step decides is written in one transaction, where each decision is
held against the store once more: what moved meanwhile is left for the next step. A step that raises
StoreUnavailable has changed nothing; call it again later.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sentinel.core.errors import StoreConflict, StoreUnavailable
from sentinel.core.job import Job, JobState, Placement
from sentinel.core.node import Node, NodeState
from sentinel.core.units import show_duration
from sentinel.ports.store import Beats, Store, Transaction
from sentinel.scheduling.backoff import Backoff
from sentinel.scheduling.leases import Finding, Judgement, Sightings, Terms, all_heard_of, judge, look
from sentinel.scheduling.lifecycle import Allocate, Fenced, move
from sentinel.scheduling.mirror import Mirror
from sentinel.scheduling.node_desk import end_hold, silence
from sentinel.scheduling.placement import Chosen, place
from sentinel.scheduling.writing import CONTROLLER, take_lease, write_move

MOST_AT_ONCE = 256  # jobs placed in one transaction: the store has others to serve
RETRY = 0.05  # seconds; after a decision that no longer held
HOLD_LOOK = 1.0  # seconds between looks at the beats while nodes are waited for

_TERMS = Terms()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What a step did. `placed`: ids of jobs; `moved`: how many jobs and nodes the watch moved. `again_in`:
    seconds until there is something to do without being rung for; None: never."""

    placed: tuple[str, ...] = ()
    moved: int = 0
    again_in: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What is to be written. `tokens`: one for each of `chosen`. `hold_over`: why placing begins again."""

    chosen: Sequence[Chosen]
    tokens: Sequence[str]
    judgement: Judgement
    hold_over: str

    def __bool__(self) -> bool:
        return bool(self.chosen or self.judgement or self.hold_over)


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
        if woken or changes.jobs or changes.nodes or changes.removed_nodes:
            self._stale = True
        judgement, hold_over = self._watch()
        passed = place(self._mirror, self._backoff.resting, self._most) if self._stale else None
        chosen = () if passed is None else passed.chosen
        plan = _Plan(
            chosen=chosen,
            tokens=[self._new_token() for _ in chosen],
            judgement=judgement,
            hold_over=hold_over,
        )
        placed, moved = self._write(plan) if plan else ((), 0)
        self._stale = len(placed) < len(chosen) or (passed is not None and passed.more) or bool(hold_over)
        return Step(placed=placed, moved=moved, again_in=self._again_in(len(placed) < len(chosen)))

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
        times = (self._backoff.next(), self._look_at if watches else None)
        waits = [max(0.0, at - now) for at in times if at is not None]
        return min([*waits, RETRY] if retry else waits, default=None)

    # ------------------------------------------------------------------ writing

    def _write(self, plan: _Plan) -> tuple[tuple[str, ...], int]:
        try:
            return self._store.write(lambda tx: self._apply(tx, plan, careful=self._careful))
        except StoreConflict:
            # Another lease has one of the GPUs. Who, is looked up from now on, until that is over.
            self._careful = True
        placed, moved = self._store.write(lambda tx: self._apply(tx, plan, careful=True))
        self._careful = len(placed) < len(plan.chosen)
        return placed, moved

    def _apply(self, tx: Transaction, plan: _Plan, *, careful: bool) -> tuple[tuple[str, ...], int]:
        today = self._today()
        moved = self._apply_judgement(tx, plan.judgement, today) if plan.judgement else 0
        if plan.hold_over:
            end_hold(tx, "controller", plan.hold_over, today)
        jobs = tx.jobs([chosen.job for chosen in plan.chosen]) if plan.chosen else {}
        nodes = {id: tx.node(id) for id in {chosen.node for chosen in plan.chosen}}
        taken = {id: _leased(tx, id) if careful else frozenset[str]() for id in nodes}
        placed: list[str] = []
        for chosen, token in zip(plan.chosen, plan.tokens, strict=True):
            job, node = jobs.get(chosen.job), nodes[chosen.node]
            if job is None or node is None or not _holds_still(chosen, job, node, taken[chosen.node]):
                continue
            placement = Placement(node=node.id, gpus=chosen.gpus, token=token)
            made = move(job, Allocate(placement=placement, node_name=node.name), today)
            assert made is not None, "an allocation always moves"
            take_lease(tx, write_move(tx, made, CONTROLLER, today), today)
            placed.append(job.id)
        return tuple(placed), moved

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


def _leased(tx: Transaction, node_id: str) -> frozenset[str]:
    return frozenset(gpu for lease in tx.leases(node=node_id) for gpu in lease.gpus)


def _holds_still(chosen: Chosen, job: Job, node: Node, taken: frozenset[str]) -> bool:
    """Whether what was decided from the mirror is right by the store, too."""
    if job.state is not JobState.QUEUED or job.cancel is not None:
        return False
    if node.state is not NodeState.UP or node.drained is not None or not taken.isdisjoint(chosen.gpus):
        return False
    free = {gpu.uuid for gpu in node.gpus or () if gpu.blocked is None}
    return free.issuperset(chosen.gpus)
