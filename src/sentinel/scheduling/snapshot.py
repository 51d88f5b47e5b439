"""The jobs that have not ended, the nodes and the rules, as of one revision, and what placement asks of
them. Pure.

Kept up to date by `take`, in whatever order changes come; each costs what it touches. Filled by Mirror, read
by placement, explain and leases. Used by one thread.
"""

from bisect import bisect_left, insort
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf

from sentinel.core.job import WHOLE, Job, JobState
from sentinel.core.node import Node, NodeGpu, NodeState, Sharing
from sentinel.core.reservation import Reservation
from sentinel.core.reservation_json import RESERVATION, reservation_from
from sentinel.scheduling.accounts import Accounts, Kept
from sentinel.scheduling.demand import Demand
from sentinel.scheduling.fragmentation import Mix
from sentinel.scheduling.need import Need, need_of
from sentinel.scheduling.order import Lines
from sentinel.scheduling.seating import Fit
from sentinel.scheduling.site import OVERRUN, Freed, Site, Stay, freed, freed_at, make_site

Named = tuple[str, str]  # a node's name and its id
Soon = tuple[float, str, str]  # when enough is free there at the soonest, name, id


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
    """`hold`: after a restore nothing is placed yet. `sites`: the nodes by id as placement sees them,
    `shapes` those that look alike, by name."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Knows nothing any more."""
        self.revision = 0
        self.hold = False
        self.jobs: dict[str, Job] = {}
        self.nodes: dict[str, Node] = {}
        self.sites: dict[str, Site] = {}
        self.shapes: dict[object, list[Named]] = {}
        self.lines = Lines()
        self.accounts = Accounts()
        self.reservations: dict[str, Reservation] = {}
        self.preemptible: dict[str, Job] = {}  # those that hold GPUs and said that they may be stopped
        self._placed: dict[str, dict[str, Job]] = {}  # node id → job id → job
        self._placed_of: dict[str, dict[str, Job]] = {}  # owner → job id → job
        self._holders: dict[str, dict[str, str]] = {}  # node id → GPU's UUID → a job's id
        self._in_array: dict[str, int] = {}  # array → how many of it hold GPUs
        self._named: dict[tuple[str, str], list[tuple[float, str]]] = {}  # (owner, name) → by age
        self._alike: dict[str, tuple[Alike, ...]] = {}  # node id → its GPUs by kind, where somebody asked
        self._could: dict[Need, int] = {}  # how many nodes could ever hold it
        self._machines: dict[object, dict[str, Node]] = {}  # what a node is → those that are that, by id
        self.changed: set[str] = set()  # ids of sites that are others than when somebody last emptied this
        self._queued: tuple[Job, ...] | None = None
        self._fits: dict[Need, dict[object, Fit | None]] = {}
        self._freed: dict[str, Freed] = {}  # of sites by id, where somebody asked
        self.demand = Demand()
        self._soon: dict[Need, tuple[list[Soon], dict[str, float]]] = {}

    # ------------------------------------------------------------------ what is asked

    def on_node(self, node_id: str) -> Iterable[Job]:
        """The jobs that hold GPUs there."""
        return self._placed.get(node_id, {}).values()

    def placed_of(self, owner: str) -> Iterable[Job]:
        """The jobs of a user that hold GPUs."""
        return self._placed_of.get(owner, {}).values()

    def holders(self, node_id: str) -> Mapping[str, str]:
        """GPU's UUID → id of the job that holds it, or of one of those that share it."""
        return self._holders.get(node_id, {})

    def in_array(self, array: str) -> int:
        """How many tasks of it have been placed."""
        return self._in_array.get(array, 0)

    def waits_for_namesake(self, job: Job) -> bool:
        """Whether `job`, a singleton, has to wait for an earlier job of its owner and name."""
        line = self._named.get((job.owner, job.spec.name), [])
        return bool(line) and line[0] < (job.submitted_at, job.id)

    def alike(self, node_id: str) -> tuple[Alike, ...]:
        """The GPUs of a node, those of a kind together."""
        known = self._alike.get(node_id)
        if known is None:
            known = self._alike[node_id] = count_alike(self.nodes[node_id], self.holders(node_id))
        return known

    def queued(self) -> Sequence[Job]:
        """The waiting jobs, those in line first, by priority and age."""
        if self._queued is None:
            rest = (j for j in self.jobs.values() if j.state is JobState.QUEUED and j.id not in self.lines)
            self._queued = (*(self.jobs[id] for id in self.lines), *sorted(rest, key=_age))
        return self._queued

    def could_ever_run(self, need: Need) -> bool:
        """Whether the nodes of the cluster are big enough."""
        known = self._could.get(need)
        if known is None:
            known = self._could[need] = self._count_who_could(need)
        return known >= need.nodes

    def _count_who_could(self, need: Need) -> int:
        if need.node is not None:
            return sum(map(need.could_run_on, self.nodes.values()))
        alike = self._machines.values()
        return sum(len(nodes) for nodes in alike if need.could_run_on(next(iter(nodes.values()))))

    def mix(self) -> Mix | None:
        """What the jobs there are ask for; None where there is none."""
        mix, another = self.demand.mix()
        if another:
            self._fits.clear()
        return mix

    def fits(self, need: Need) -> dict[object, Fit | None]:
        """How well `need` fits each shape that somebody asked about. Whoever asks about another adds it."""
        known = self._fits.get(need)
        if known is None:
            known = self._fits[need] = {}
        elif len(known) > 16 * len(self.shapes) + 1024:
            known.clear()
        return known

    def soonest(self, need: Need) -> Sequence[Soon]:
        """The sites that can hold one part of it, those first where enough is let go of first."""
        known = self._soon.get(need)
        if known is None:
            fits = self.fits(need)
            bounds: dict[str, float] = {}
            for id, site in self.sites.items():
                soon = (
                    -inf if fits.get(site.shape) is not None else freed_at(site, need, self._freed_of(site))
                )
                if soon is not None:
                    bounds[id] = soon
            ordered = sorted((at, self.sites[id].name, id) for id, at in bounds.items())
            known = self._soon[need] = ordered, bounds
        return known[0]

    def _freed_of(self, site: Site) -> Freed:
        known = self._freed.get(site.id)
        if known is None:
            known = self._freed[site.id] = freed(site)
        return known

    def soonest_among(self, need: Need, ids: Iterable[str]) -> list[tuple[float, str]]:
        """The same of these nodes alone: when, and which."""
        self.soonest(need)
        bounds = self._soon[need][1]
        return sorted((bounds[id], id) for id in ids if id in bounds)

    # ------------------------------------------------------------------ what has changed

    def take(
        self,
        *,
        jobs: Iterable[Job] = (),
        nodes: Iterable[Node] = (),
        removed: Iterable[str] = (),
        documents: Iterable[Kept] = (),
    ) -> None:
        """Jobs, nodes and documents as they are now; ids of nodes that are no more. Told twice: as told
        once."""
        touched: set[str] = set()
        for job in jobs:
            self._take_job(job, touched)
        for node in nodes:
            self._know_machine(self.nodes.get(node.id), node)
            self.nodes[node.id] = node
            touched.add(node.id)
        for id in removed:
            self._know_machine(self.nodes.pop(id, None), None)
            touched.add(id)
        if nodes or removed:
            alike = (next(iter(nodes.values())) for nodes in self._machines.values())
            self.demand.know({gpu.model for node in alike for gpu in node.gpus or ()})
        self._take_documents(list(documents))
        for id in touched:
            self._look_again(id)

    def _take_documents(self, documents: Sequence[Kept]) -> None:
        if not documents:
            return
        self.accounts.take(documents)
        for document in documents:
            if document.kind == RESERVATION:
                if document.data is None:
                    self.reservations.pop(document.key, None)
                else:
                    self.reservations[document.key] = reservation_from(document.data)

    def _take_job(self, job: Job, touched: set[str]) -> None:
        old = self.jobs.get(job.id)
        if old is not None:
            self._let_go(old, touched)
        if job.state.ended:
            if self.jobs.pop(job.id, None) is not None:
                self._forget_name(job)
                if job.part is None:
                    self.demand.add(need_of(job.spec), -1)
            return
        self.jobs[job.id] = job
        if old is None and job.part is None:
            self._note_name(job)
            self.demand.add(need_of(job.spec), 1)
        if job.state is JobState.QUEUED:
            self._queued = None
            if self._may_stand_in_line(job):
                self.lines.add(job)
        elif job.placement is not None:
            node = job.placement.node
            touched.add(node)
            self._placed.setdefault(node, {})[job.id] = job
            self._placed_of.setdefault(job.owner, {})[job.id] = job
            self._holders.setdefault(node, {}).update(dict.fromkeys(job.placement.gpus, job.id))
            self.accounts.charge(job.owner, job.account, job.spec.total_milli, job.allocated_at)
            if job.spec.preemptible:
                self.preemptible[job.id] = job
        if job.array is not None and _runs_as_task(job):
            self._in_array[job.array.id] = self._in_array.get(job.array.id, 0) + 1

    def _may_stand_in_line(self, job: Job) -> bool:
        return not job.after and not (job.spec.singleton and self.waits_for_namesake(job))

    def _note_name(self, job: Job) -> None:
        line = self._named.setdefault((job.owner, job.spec.name), [])
        insort(line, _age(job))
        if len(line) > 1 and line[0] == _age(job):
            # It is the first, and told of late: one that was thought to be waits from now on.
            second = self.jobs[line[1][1]]
            if second.spec.singleton and second.id in self.lines:
                self.lines.remove(second)

    def _forget_name(self, job: Job) -> None:
        name = job.owner, job.spec.name
        line = self._named.get(name)
        if line is None or job.part is not None:
            return
        at = bisect_left(line, _age(job))
        if at < len(line) and line[at] == _age(job):
            del line[at]
        if not line:
            del self._named[name]
        elif at == 0:
            following = self.jobs[line[0][1]]
            waits = following.state is JobState.QUEUED and following.id not in self.lines
            if waits and self._may_stand_in_line(following):
                self.lines.add(following)

    def _let_go(self, old: Job, touched: set[str]) -> None:
        if old.array is not None and _runs_as_task(old):
            self._in_array[old.array.id] -= 1
            if not self._in_array[old.array.id]:
                del self._in_array[old.array.id]
        if old.state is JobState.QUEUED:
            self._queued = None
            if old.id in self.lines:
                self.lines.remove(old)
        elif old.placement is not None:
            node = old.placement.node
            touched.add(node)
            self._placed[node].pop(old.id)
            self._placed_of[old.owner].pop(old.id)
            self.preemptible.pop(old.id, None)
            self.accounts.charge(old.owner, old.account, -old.spec.total_milli, old.allocated_at)
            holders = self._holders[node]
            for gpu in old.placement.gpus:
                if holders.get(gpu) == old.id:  # else its next holder was told of first
                    del holders[gpu]
                    other = next((j.id for j in self._placed[node].values() if _has(j, gpu)), None)
                    if other is not None:
                        holders[gpu] = other

    def _look_again(self, id: str) -> None:
        self._alike.pop(id, None)
        self._freed.pop(id, None)
        self.changed.add(id)
        before = self.sites.pop(id, None)
        if before is not None:
            alike = self.shapes[before.shape]
            del alike[bisect_left(alike, (before.name, id))]
            if not alike:
                del self.shapes[before.shape]
        node = self.nodes.get(id)
        if node is not None:
            site = self._site(node)
            if site is not None:
                self.sites[id] = site
                insort(self.shapes.setdefault(site.shape, []), (site.name, id))
        for need, (ordered, bounds) in self._soon.items():
            self._reorder(need, ordered, bounds, id, before)

    def _reorder(
        self, need: Need, ordered: list[Soon], bounds: dict[str, float], id: str, before: Site | None
    ) -> None:
        bound = bounds.pop(id, None)
        if bound is not None and before is not None:
            del ordered[bisect_left(ordered, (bound, before.name, id))]
        site = self.sites.get(id)
        soon = None if site is None else freed_at(site, need, self._freed_of(site))
        if site is not None and soon is not None:
            bounds[id] = soon
            insort(ordered, (soon, site.name, id))

    def _site(self, node: Node) -> Site | None:
        """None: nobody is placed there. GPUs that jobs of ours hold are in it, whatever their node says of
        them: those are what a waiting job waits for."""
        if node.state is not NodeState.UP or node.drained is not None:
            return None
        held = self.holders(node.id)
        gpus = [gpu for gpu in node.gpus or () if gpu.blocked is None or gpu.uuid in held]
        gpus.sort(key=_index)
        at = {gpu.uuid: position for position, gpu in enumerate(gpus)}
        stays = [_stay(job, at) for job in self.on_node(node.id)]
        blocked = {position for position, gpu in enumerate(gpus) if gpu.blocked is not None}
        # What has a part of such a GPU goes on; nobody else gets the rest of it.
        stays += [
            Stay("", tuple(blocked.intersection(stay.positions)), WHOLE, -inf, stay.end)
            for stay in stays
            if stay.milli < WHOLE and not blocked.isdisjoint(stay.positions)
        ]
        return make_site(
            id=node.id,
            name=node.name,
            gpus=gpus,
            open=True,
            shares=node.sharing is not Sharing.NO,
            cpus=node.cpus,
            memory=node.memory_bytes,
            held=stays,
        )

    def _know_machine(self, old: Node | None, new: Node | None) -> None:
        was, now = _machine(old), _machine(new)
        if was != now or (old is not None and new is not None and old.name != new.name):
            self._could.clear()
            if old is not None:
                alike = self._machines[was]
                del alike[old.id]
                if not alike:
                    del self._machines[was]
        if new is not None:
            self._machines.setdefault(now, {})[new.id] = new


def _index(gpu: NodeGpu) -> int:
    return gpu.index


def _age(job: Job) -> tuple[float, str]:
    return job.submitted_at, job.id


def _runs_as_task(job: Job) -> bool:
    """Whether it counts against its array's limit: a gang does, which itself holds nothing, and once."""
    return job.state.placed and job.part is None


def _has(job: Job, gpu: str) -> bool:
    return job.placement is not None and gpu in job.placement.gpus


def _stay(job: Job, at: Mapping[str, int]) -> Stay:
    placement = job.placement
    assert placement is not None
    return Stay.of(job, tuple(at[gpu] for gpu in placement.gpus if gpu in at), -inf, ends_at(job))


def ends_at(job: Job) -> float:
    """When a job that holds GPUs is thought to let go of them (epoch); inf: not known."""
    began = job.started_at if job.started_at is not None else job.allocated_at
    limit = job.spec.time_limit
    end = inf if began is None or limit is None else began + limit
    if job.stop is not None:
        end = min(end, job.stop.at + job.spec.grace + OVERRUN)
    return end


def _machine(node: Node | None) -> object:
    """What `Need.could_run_on` looks at."""
    if node is None:
        return None
    gpus = None if node.gpus is None else tuple((gpu.model, gpu.memory_total_bytes) for gpu in node.gpus)
    return gpus, node.cpus, node.memory_bytes, node.sharing


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
