"""Jobs as a trace tells them, and as they are put to a cluster. Pure.

Readers make traces, `fitted` adapts one to a cluster, the engine replays what comes out.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from sentinel.core.errors import UsageError
from sentinel.core.job import WHOLE
from sentinel.simulation.replay.cluster import Cluster


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceJob:
    """`submit` is in seconds since the trace's own zero, `run` how long it really ran, `limit` the time that
    was asked for. `gpus` is on each of `nodes`; with `nodes` None it is in all, on as few as there need be.
    None elsewhere: any, or not told."""

    id: str
    owner: str
    submit: float
    run: float
    gpus: int
    nodes: int | None = None
    milli: int = WHOLE
    group: str | None = None
    limit: float | None = None
    priority: int = 0
    model: str | None = None
    gpu_memory_bytes: int | None = None
    cpus: int | None = None
    memory_bytes: int | None = None
    preemptible: bool = False
    checkpoints: bool = False

    @property
    def milli_total(self) -> int:
        """Thousandths of GPUs on all its nodes."""
        return self.gpus * self.milli * (self.nodes or 1)

    @property
    def work(self) -> float:
        """GPU-seconds."""
        return self.milli_total / WHOLE * self.run


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """`jobs` by time of submission. `left_out`: why → how many jobs are not among them. `notes`: what was
    changed about those that are."""

    jobs: tuple[TraceJob, ...]
    left_out: Mapping[str, int] = field(default_factory=dict[str, int])
    notes: tuple[str, ...] = ()


def trace_of(jobs: Sequence[TraceJob], left_out: Mapping[str, int]) -> Trace:
    """In order, each id once: a job that is there twice was queued again, and is another one then."""
    seen: Counter[str] = Counter()
    unlike: list[TraceJob] = []
    for job in sorted(jobs, key=lambda job: (job.submit, job.id)):
        seen[job.id] += 1
        again = seen[job.id]
        unlike.append(job if again == 1 else replace(job, id=f"{job.id}#{again}"))
    return Trace(jobs=tuple(unlike), left_out={why: count for why, count in left_out.items() if count})


class LimitRule(StrEnum):
    """Which time limits the scheduler is told."""

    NONE = "none"
    ASKED = "asked"  # those of the trace; none where it has none
    TRUE = "true"  # how long each job really runs, times a factor


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """`factor`, at least 1, is for TRUE."""

    rule: LimitRule = LimitRule.ASKED
    factor: float = 1.0

    def of(self, job: TraceJob) -> float | None:
        if self.rule is LimitRule.NONE:
            return None
        return job.limit if self.rule is LimitRule.ASKED else max(job.run, 1.0) * self.factor


def limits_from(text: str) -> Limits:
    """`none`, `asked`, `true` or a factor. UsageError when it is none of them."""
    if text in list(LimitRule):
        return Limits(rule=LimitRule(text))
    try:
        factor = float(text)
    except ValueError:
        factor = 0.0
    if not 1 <= factor < 1e6:
        raise UsageError(f"{text}: time limits are none, asked, true, or a factor of 1 or more: 1.5")
    return Limits(rule=LimitRule.TRUE, factor=factor)


def fitted(trace: Trace, cluster: Cluster, limits: Limits, *, any_gpu: bool = False) -> Trace:
    """The jobs as that cluster can be asked for them. What nobody told of its nodes, no job can ask for.
    `any_gpu`: whichever model, and however much memory, they asked for."""
    left_out, notes = Counter(trace.left_out), list(trace.notes)
    jobs: list[TraceJob] = []
    cut = 0
    for job in trace.jobs:
        if job.gpus == 0 and not cluster.knows_cpus:
            left_out["asked for no GPU"] += 1
            continue
        limit = limits.of(job)
        if limit is not None and job.run > limit:
            cut += 1
        nodes, gpus = _spread(job, cluster)
        jobs.append(
            replace(
                job,
                nodes=nodes,
                gpus=gpus,
                limit=limit,
                run=job.run if limit is None else min(job.run, limit),
                model=None if any_gpu else job.model,
                gpu_memory_bytes=None if any_gpu else job.gpu_memory_bytes,
                cpus=_per_node(job.cpus, job.nodes, nodes) if cluster.knows_cpus else None,
                memory_bytes=_per_node(job.memory_bytes, job.nodes, nodes) if cluster.knows_memory else None,
            )
        )
    for knows, what in ((cluster.knows_cpus, "CPUs"), (cluster.knows_memory, "memory")):
        asked = any((job.cpus if what == "CPUs" else job.memory_bytes) for job in trace.jobs)
        if asked and not knows:
            notes.append(f"{what} that jobs asked for are passed over: the cluster does not say what it has")
    if cut:
        notes.append(f"{cut} jobs are ended by their time limit before they are done")
    return Trace(jobs=tuple(jobs), left_out=dict(left_out), notes=tuple(notes))


def _spread(job: TraceJob, cluster: Cluster) -> tuple[int, int]:
    """Nodes, and GPUs on each: the same number everywhere, on as few nodes as possible."""
    if job.nodes is not None:
        return job.nodes, job.gpus
    most = cluster.most_gpus
    if job.gpus <= most or most == 0:
        return 1, job.gpus
    fewest = -(-job.gpus // most)
    nodes = next(count for count in range(fewest, job.gpus + 1) if job.gpus % count == 0)
    return nodes, job.gpus // nodes


def _per_node(amount: int | None, told: int | None, nodes: int) -> int | None:
    """What is told for all of a job whose nodes were not told is divided among them."""
    return amount if amount is None or told is not None else -(-amount // nodes)
