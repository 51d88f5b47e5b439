"""The jobs that have not ended and the nodes, as of one revision, and what placement asks of them. Pure.

Kept up to date by `take`, in whatever order changes come; each costs what it touches. Filled by Mirror, read
by placement, explain and leases. Used by one thread.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sentinel.core.job import Job, JobState
from sentinel.core.node import Node, NodeGpu, NodeState
from sentinel.scheduling.need import Need
from sentinel.scheduling.order import Lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """GPUs of a node of one kind; `sample` is one of them. A block on a GPU that a job of ours has is the job
    itself, or is over when the job is: it counts as unblocked."""

    sample: NodeGpu = field(compare=False)
    model: str | None
    memory_bytes: int | None
    total: int
    unblocked: int
    free: int


class Snapshot:
    """`hold`: after a restore nothing is placed yet. `rooms`: free GPUs by node id, where there are any."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Knows nothing any more."""
        self.revision = 0
        self.hold = False
        self.jobs: dict[str, Job] = {}
        self.nodes: dict[str, Node] = {}
        self.rooms: dict[str, tuple[NodeGpu, ...]] = {}
        self.lines = Lines()
        self._placed: dict[str, dict[str, Job]] = {}  # node id → job id → job
        self._holders: dict[str, dict[str, str]] = {}  # node id → GPU's UUID → job id
        self._alike: dict[str, tuple[Alike, ...]] = {}  # node id → its GPUs by kind, where somebody asked
        self._could: dict[Need, bool] = {}  # whether any node could ever hold it
        self._queued: tuple[Job, ...] | None = None

    # ------------------------------------------------------------------ what is asked

    def on_node(self, node_id: str) -> Iterable[Job]:
        """The jobs that hold GPUs there."""
        return self._placed.get(node_id, {}).values()

    def holders(self, node_id: str) -> Mapping[str, str]:
        """GPU's UUID → id of the job that holds it."""
        return self._holders.get(node_id, {})

    def alike(self, node_id: str) -> tuple[Alike, ...]:
        """The GPUs of a node, those of a kind together."""
        known = self._alike.get(node_id)
        if known is None:
            known = self._alike[node_id] = count_alike(self.nodes[node_id], self.holders(node_id))
        return known

    def queued(self) -> Sequence[Job]:
        """The waiting jobs, in scheduling order."""
        if self._queued is None:
            self._queued = tuple(self.jobs[id] for id in self.lines)
        return self._queued

    def could_ever_run(self, need: Need) -> bool:
        """Whether any node of the cluster is big enough."""
        known = self._could.get(need)
        if known is None:
            known = self._could[need] = any(map(need.could_run_on, self.nodes.values()))
        return known

    def may_come_free(self, need: Need, node_id: str) -> bool:
        """Whether nothing but jobs of ours can be in its way there. The GPU of one of those is blocked by it
        at most, whatever its node says."""
        node, held = self.nodes[node_id], self.holders(node_id)
        if node.gpus is None or (need.node is not None and need.node != node.name):
            return False
        suiting = sum((g.blocked is None or g.uuid in held) and need.suits(g) for g in node.gpus)
        return suiting >= need.gpus

    # ------------------------------------------------------------------ what has changed

    def take(
        self, *, jobs: Iterable[Job] = (), nodes: Iterable[Node] = (), removed: Iterable[str] = ()
    ) -> None:
        """Jobs and nodes as they are now; ids of nodes that are no more. Told twice: as told once."""
        touched: set[str] = set()
        for job in jobs:
            self._take_job(job, touched)
        for node in nodes:
            self._forget_what_could_run(self.nodes.get(node.id), node)
            self.nodes[node.id] = node
            touched.add(node.id)
        for id in removed:
            self._forget_what_could_run(self.nodes.pop(id, None), None)
            touched.add(id)
        for id in touched:
            self._look_for_room(id)

    def _take_job(self, job: Job, touched: set[str]) -> None:
        old = self.jobs.get(job.id)
        if old is not None:
            self._let_go(old, touched)
        if job.state.ended:
            self.jobs.pop(job.id, None)
            return
        self.jobs[job.id] = job
        if job.state is JobState.QUEUED:
            self.lines.add(job)
            self._queued = None
        elif job.placement is not None:
            node = job.placement.node
            touched.add(node)
            self._placed.setdefault(node, {})[job.id] = job
            self._holders.setdefault(node, {}).update(dict.fromkeys(job.placement.gpus, job.id))

    def _let_go(self, old: Job, touched: set[str]) -> None:
        if old.state is JobState.QUEUED:
            self.lines.remove(old)
            self._queued = None
        elif old.placement is not None:
            node = old.placement.node
            touched.add(node)
            self._placed[node].pop(old.id)
            holders = self._holders[node]
            for gpu in old.placement.gpus:
                if holders.get(gpu) == old.id:  # else its next holder was told of first
                    del holders[gpu]

    def _look_for_room(self, id: str) -> None:
        self._alike.pop(id, None)
        node = self.nodes.get(id)
        free: tuple[NodeGpu, ...] = ()
        if node is not None and node.state is NodeState.UP and node.drained is None:
            holders = self._holders.get(id, {})
            free = tuple(g for g in node.gpus or () if g.blocked is None and g.uuid not in holders)
        if free:
            self.rooms[id] = free
        else:
            self.rooms.pop(id, None)

    def _forget_what_could_run(self, old: Node | None, new: Node | None) -> None:
        if _machine(old) != _machine(new):
            self._could.clear()


def _machine(node: Node | None) -> object:
    """What `Need.could_run_on` looks at."""
    if node is None:
        return None
    gpus = None if node.gpus is None else [(gpu.model, gpu.memory_total_bytes) for gpu in node.gpus]
    return node.name, gpus


def count_alike(node: Node, held: Container[str]) -> tuple[Alike, ...]:
    """Its GPUs by kind, when those in `held` are taken."""
    kinds: dict[tuple[str | None, int | None], list[NodeGpu]] = {}
    for gpu in node.gpus or ():
        kinds.setdefault((gpu.model, gpu.memory_total_bytes), []).append(gpu)
    return tuple(
        Alike(
            sample=gpus[0],
            model=model,
            memory_bytes=memory,
            total=len(gpus),
            unblocked=sum(gpu.blocked is None or gpu.uuid in held for gpu in gpus),
            free=sum(gpu.blocked is None and gpu.uuid not in held for gpu in gpus),
        )
        for (model, memory), gpus in kinds.items()
    )
