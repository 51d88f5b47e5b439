"""Which waiting job gets which GPUs. Pure; called by the scheduler's loop, and by explain for what is ahead.

Jobs come in order. Each goes to one node, by best fit: where the fewest free GPUs that would suit it remain,
then onto the GPUs with the least memory, then by name; on a node it gets GPUs alike where it can, and
neighbours. One that could run, but finds no place now, *keeps* a node: the one with the most free GPUs that
suit it. Later jobs get nothing there in this pass, so what comes free there adds up until it is enough. A
node is kept only where jobs of ours alone are in the way. A job that must wait for something else (a workload
that nobody queued, a quarantine) or that fits no machine keeps nothing and blocks nobody.

A pass costs what it places and keeps, times the nodes with free GPUs; jobs that need the same as one that
found neither a place nor a node to keep are not looked at.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush

from sentinel.core.node import NodeGpu
from sentinel.scheduling.need import Need
from sentinel.scheduling.order import Line
from sentinel.scheduling.snapshot import Snapshot

_NO_LIMIT = 1 << 62


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """`job` is to have these GPUs of the node with this id."""

    job: str
    node: str
    gpus: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """What a pass decided. `kept`: node id → id of the job that waits for it. `more`: it stopped early, as
    it had placed as many as it was to."""

    chosen: tuple[Chosen, ...] = ()
    kept: Mapping[str, str] = field(default_factory=dict[str, str])
    more: bool = False


def place(snapshot: Snapshot, resting: Collection[str] = (), most: int = _NO_LIMIT) -> Pass:
    """One pass over the queue, at most `most` placed. `resting`: ids of jobs that wait after a refusal."""
    if not snapshot.rooms or snapshot.hold or not snapshot.lines.by_need:
        return Pass()
    return _Passing(snapshot, resting).run(most)


def pick(gpus: Sequence[NodeGpu], count: int) -> tuple[NodeGpu, ...] | None:
    """The best `count` of `gpus`, which all suit; None when they are too few."""
    if len(gpus) < count:
        return None
    alike: dict[tuple[float, str], list[NodeGpu]] = {}
    for gpu in gpus:
        alike.setdefault((_memory(gpu), gpu.model or ""), []).append(gpu)
    for kind in sorted(alike):
        if len(alike[kind]) >= count:
            return _neighbours(sorted(alike[kind], key=_index), count)
    return tuple(sorted(gpus, key=lambda gpu: (_memory(gpu), gpu.index))[:count])


def _neighbours(gpus: list[NodeGpu], count: int) -> tuple[NodeGpu, ...]:
    """Of all that follow each other, those that lie closest; the lowest of them."""
    if count == 0:
        return ()
    spans = ((gpus[at + count - 1].index - gpus[at].index, at) for at in range(len(gpus) - count + 1))
    at = min(spans)[1]
    return tuple(gpus[at : at + count])


def _memory(gpu: NodeGpu) -> float:
    """What is unknown counts as the most: it is left for last."""
    return float("inf") if gpu.memory_total_bytes is None else gpu.memory_total_bytes


def _index(gpu: NodeGpu) -> int:
    return gpu.index


Offer = tuple[int, float, str, int, str]  # GPUs that remain, memory taken, name, version of the room, node id


class _Passing:
    """The rooms as they are during one pass. `versions` tells offers of before a change from those after."""

    def __init__(self, snapshot: Snapshot, resting: Collection[str]) -> None:
        self.snapshot, self.resting = snapshot, resting
        self.rooms = dict(snapshot.rooms)
        self.versions = dict.fromkeys(self.rooms, 0)
        self.kept: dict[str, str] = {}
        self.offers: dict[Need, list[Offer]] = {}
        self.waits: dict[Need, list[str]] = {}  # node ids that a job of that need may keep, the best one last

    def run(self, most: int) -> Pass:
        chosen: list[Chosen] = []
        lines = self.snapshot.lines.by_need
        heads = [(line[0], at) for at, line in enumerate(lines.values())]
        needs = list(lines.items())
        passed = [0] * len(heads)
        heapify(heads)
        while heads and self.rooms:
            if len(chosen) >= most:
                return Pass(chosen=tuple(chosen), kept=self.kept, more=True)
            place, at = heappop(heads)
            need, line = needs[at]
            if place[2] not in self.resting:
                found = self._find(need, place[2])
                if found is not None:
                    chosen.append(found)
                elif not self._keep(need, place[2]):
                    continue
            passed[at] = self._awake(line, passed[at] + 1)
            if passed[at] < len(line):
                heappush(heads, (line[passed[at]], at))
        return Pass(chosen=tuple(chosen), kept=self.kept)

    def _awake(self, line: Line, at: int) -> int:
        resting = self.resting
        while resting and at < len(line) and line[at][2] in resting:
            at += 1
        return at

    # ------------------------------------------------------------------ a place

    def _find(self, need: Need, job: str) -> Chosen | None:
        offers = self.offers.get(need)
        if offers is None:
            offers = self.offers[need] = []
            if self.snapshot.could_ever_run(need):
                offers.extend(offer for id in self.rooms if (offer := self._offer(need, id)) is not None)
                heapify(offers)
        while offers:
            _, _, _, version, node = heappop(offers)
            if self.versions.get(node) == version:
                return self._take(need, job, node)
        return None

    def _offer(self, need: Need, id: str) -> Offer | None:
        suiting = self._suiting(need, id)
        picked = pick(suiting, need.gpus)
        if picked is None:
            return None
        memory = sum(map(_memory, picked))
        name = self.snapshot.nodes[id].name
        return len(suiting) - need.gpus, memory, name, self.versions[id], id

    def _suiting(self, need: Need, id: str) -> list[NodeGpu]:
        if need.node is not None and need.node != self.snapshot.nodes[id].name:
            return []
        return [gpu for gpu in self.rooms[id] if need.suits(gpu)]

    def _take(self, need: Need, job: str, node: str) -> Chosen:
        picked = pick(self._suiting(need, node), need.gpus)
        assert picked is not None, "the offer is of this version of the room"
        taken = {gpu.uuid for gpu in picked}
        left = tuple(gpu for gpu in self.rooms[node] if gpu.uuid not in taken)
        if left:
            self.rooms[node] = left
            self.versions[node] += 1
            for other, offers in self.offers.items():
                offer = self._offer(other, node)
                if offer is not None:
                    heappush(offers, offer)
        else:
            self._close(node)
        return Chosen(job=job, node=node, gpus=tuple(gpu.uuid for gpu in picked))

    def _close(self, node: str) -> None:
        del self.rooms[node], self.versions[node]

    # ------------------------------------------------------------------ a node to wait for

    def _keep(self, need: Need, job: str) -> bool:
        """Whether there was one."""
        waits = self.waits.get(need)
        if waits is None:
            waits = self.waits[need] = []
            if self.snapshot.could_ever_run(need):
                nodes = self.snapshot.nodes
                waits.extend(id for id in self.rooms if self.snapshot.may_come_free(need, id))
                waits.sort(key=lambda id: (-len(self._suiting(need, id)), nodes[id].name), reverse=True)
        while waits:
            node = waits.pop()
            if node in self.rooms:
                self.kept[node] = job
                self._close(node)
                return True
        return False
