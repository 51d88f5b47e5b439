"""The nodes as an explanation sees them: how many GPUs of each kind are free, held or blocked. Pure.

Used by explain. GPUs alike are counted once for all, and nodes alike are looked at once, so that asking about
many different needs on thousands of nodes stays cheap.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sentinel.core.node import Block, BlockKind, Node, NodeGpu, NodeState
from sentinel.scheduling.need import Need
from sentinel.scheduling.snapshot import Alike, Snapshot, count_alike
from sentinel.scheduling.verdict import Pass

_BLOCKED = {
    BlockKind.UNMANAGED: (
        "is held by a workload that nobody queued",
        "are held by workloads that nobody queued",
    ),
    BlockKind.QUARANTINED: ("is quarantined", "are quarantined"),
    BlockKind.LEASED: ("is leased by sentinel-request", "are leased by sentinel-request"),
    BlockKind.UNKNOWN: ("is not known to be free", "are not known to be free"),
}
_FROM_BEST = ("nothing", "ahead", "gpus-busy", "blocked", "drained", "silent", "dead")
_NAMED = 3  # jobs that a sentence names, at most


def many(count: int, what: str) -> str:
    """ "1 GPU", "2 GPUs"."""
    return f"{count} {what}{'' if count == 1 else 's'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stance:
    """How a node stands to a need. `word`: one of explain.Blocking, or "dead". `several`: other nodes are big
    enough, too."""

    node: Node
    word: str
    free: int
    several: bool = False


@dataclass(slots=True, kw_only=True)
class _Site:
    """Nodes that stand alike: `node` is the first of them by name."""

    node: Node
    kinds: tuple[Alike, ...]
    members: int = 1


class Sites:
    """The nodes after `found`, a pass over `snapshot`."""

    def __init__(self, snapshot: Snapshot, found: Pass) -> None:
        self._snapshot = snapshot
        self.kept: dict[str, str] = {}  # node → the first job that something is booked for there
        for booking in found.bookings.values():
            for start in booking.starts:
                self.kept.setdefault(start.site, booking.job)
        self._taken: dict[str, dict[str, str]] = {}
        for chosen in found.chosen:
            for seat in chosen.seats:
                self._taken.setdefault(seat.node, {}).update(dict.fromkeys(seat.gpus, chosen.job))
        self._by_name = {node.name: node for node in snapshot.nodes.values()}
        self._sites: dict[object, _Site] = {}
        for node in snapshot.nodes.values():
            kinds = self._kinds(node)
            stands = (node.state, node.drained is None, node.id in self.kept, node.gpus is None, kinds)
            site = self._sites.get(stands)
            if site is None:
                self._sites[stands] = _Site(node=node, kinds=kinds)
            else:
                site.members += 1
                if node.name < site.node.name:
                    site.node = node

    def best(self, need: Need) -> Stance | None:
        """The node that could hold it and is nearest to it; None when none is big enough."""
        stances = [
            (_rank(need, counts), site.node.name, site, counts)
            for site in self._suitable(need)
            if (counts := self._counts(need, site.node, site.kinds))[1] >= need.gpus
        ]
        if not stances:
            return None
        _, _, site, counts = min(stances, key=lambda stance: stance[:2])
        node = site.node
        word = counts[0] if counts[0] != "blocked" else self._kind_of_blocks(need, node.id)
        several = sum(stance[2].members for stance in stances) > 1
        return Stance(node=node, word=word, free=counts[3], several=several)

    def ready(self, need: Need) -> int:
        """On how many nodes enough is free for one part of it, whatever is booked."""
        return sum(
            site.members
            for site in self._suitable(need)
            if self._counts(need, site.node, site.kinds)[0] in ("nothing", "ahead")
        )

    def unknown(self, need: Need) -> list[str]:
        """Names of nodes that could be big enough, as their GPUs are not known."""
        return sorted(
            name for name, node in self._by_name.items() if node.gpus is None and need.node in (None, name)
        )

    def largest(self, need: Need) -> tuple[str, int]:
        """The node with the most GPUs that suit, and how many."""
        counted = [
            (-sum(alike.total for alike in site.kinds if need.suits(alike.sample)), site.node.name)
            for site in self._suitable(need)
        ]
        count, name = min(counted)
        return name, -count

    def _suitable(self, need: Need) -> Iterable[_Site]:
        """Those that it may run on, by name."""
        if need.node is None:
            return self._sites.values()
        node = self._by_name.get(need.node)
        return () if node is None else (_Site(node=node, kinds=self._kinds(node)),)

    # ------------------------------------------------------------------ one node in detail

    def free(self, need: Need, id: str) -> list[NodeGpu]:
        """Its free GPUs that suit."""
        held = self._holders(id)
        return [gpu for gpu in self._suiting(need, id) if gpu.blocked is None and gpu.uuid not in held]

    def holders(self, need: Need, id: str) -> dict[str, list[str]]:
        """Job → the UUIDs of GPUs that suit and that it has there, with others or not, or is about to get."""
        suiting = [gpu.uuid for gpu in self._suiting(need, id)]
        had = {job.id: job.placement.gpus for job in self._snapshot.on_node(id) if job.placement is not None}
        for uuid, job in self._taken.get(id, {}).items():
            had[job] = (*had.get(job, ()), uuid)
        found: dict[str, list[str]] = {}
        for uuid in suiting:
            for job, gpus in had.items():
                if uuid in gpus:
                    found.setdefault(job, []).append(uuid)
        return found

    def blocks(self, need: Need, id: str) -> list[tuple[NodeGpu, Block]]:
        """Its blocked GPUs that would suit."""
        held = self._holders(id)
        return [
            (gpu, gpu.blocked)
            for gpu in self._suiting(need, id)
            if gpu.blocked is not None and gpu.uuid not in held
        ]

    def jobs_on(self, need: Need, id: str) -> str:
        """Who has its GPUs: "job a (alice), job b (bob) and 2 more jobs"."""
        jobs = self._snapshot.jobs
        ids = list(self.holders(need, id))
        named = [f"job {job} ({jobs[job].owner})" for job in ids[:_NAMED]]
        if len(ids) > _NAMED:
            named.append(f"{many(len(ids) - _NAMED, 'more job')}")
        return (
            named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}" if named else "jobs"
        )

    def blocks_on(self, need: Need, id: str) -> str:
        """What is in the way there that is no job."""
        kind = BlockKind(self._kind_of_blocks(need, id))
        blocks = [(gpu, block) for gpu, block in self.blocks(need, id) if block.kind is kind]
        singular, plural = _BLOCKED[kind]
        name = self._snapshot.nodes[id].name
        what = f"GPU {blocks[0][0].index}" if len(blocks) == 1 else f"{len(blocks)} GPUs"
        whys = list(dict.fromkeys(block.why for _, block in blocks if block.why))
        said = f": {'; '.join(whys[:_NAMED])}" if whys else ""
        return f"{what} of {name} {singular if len(blocks) == 1 else plural}{said}"

    # ------------------------------------------------------------------ inside

    def _holders(self, id: str) -> Mapping[str, str]:
        return {**self._snapshot.holders(id), **self._taken.get(id, {})}

    def _suiting(self, need: Need, id: str) -> Iterator[NodeGpu]:
        return (gpu for gpu in self._snapshot.nodes[id].gpus or () if need.suits(gpu))

    def _kinds(self, node: Node) -> tuple[Alike, ...]:
        if node.id in self._taken:
            return count_alike(node, self._holders(node.id))
        return self._snapshot.alike(node.id)

    def _counts(self, need: Need, node: Node, kinds: Sequence[Alike]) -> tuple[str, int, int, int]:
        """(word, GPUs that suit, those not blocked, those free)"""
        suiting = [alike for alike in kinds if need.suits(alike.sample)]
        total = sum(alike.total for alike in suiting)
        unblocked = sum(alike.unblocked for alike in suiting)
        free = sum(alike.free for alike in suiting)
        if node.state is not NodeState.UP:
            word = node.state.value
        elif node.drained is not None:
            word = "drained"
        elif free >= need.gpus:
            word = "ahead" if node.id in self.kept else "nothing"
        else:
            word = "gpus-busy" if unblocked >= need.gpus else "blocked"
        return word, total, unblocked, free

    def _kind_of_blocks(self, need: Need, id: str) -> str:
        kinds = [block.kind for _, block in self.blocks(need, id)]
        return max(sorted(set(kinds)), key=kinds.count).value


def _rank(need: Need, counts: tuple[str, int, int, int]) -> tuple[int, int]:
    word, _, unblocked, free = counts
    return _FROM_BEST.index(word), -min(unblocked if word == "blocked" else free, need.gpus)
