"""One job of a trace while it is replayed: from the queue to GPUs and back. Used by the engine alone."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from sentinel.core.job import WHOLE, Cancel, Job, JobSpec, JobState, Placement, Rank
from sentinel.scheduling.verdict import Seat
from sentinel.simulation.replay.trace import TraceJob

EVERYBODY = "everybody"  # whose all jobs are where turns do not go by user


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What became of a job. Times are the trace's, in seconds. `first`: when it began first, `start` when its
    last attempt did, both None when it never did; `end` None: it has not ended. `lost`: GPU-seconds of work
    that preemption threw away. `nodes`: names, and `gpus`: UUIDs, of the last attempt."""

    job: TraceJob
    first: float | None
    start: float | None
    end: float | None
    held: float  # GPU-seconds for which it had GPUs
    lost: float
    preemptions: int
    nodes: tuple[str, ...]
    gpus: tuple[str, ...]


@lru_cache(maxsize=65536)
def _spec(
    gpus: int,
    nodes: int,
    milli: int,
    priority: int,
    limit: float | None,
    model: str | None,
    gpu_memory: int | None,
    cpus: int | None,
    memory: int | None,
    preemptible: bool,
    checkpoints: bool,
) -> JobSpec:
    return JobSpec(
        command=("run",),
        cwd="/",
        gpus=gpus,
        nodes=nodes,
        gpu_milli=milli,
        priority=priority,
        time_limit=limit,
        gpu_model=model,
        gpu_memory_bytes=gpu_memory,
        cpus=cpus,
        memory_bytes=memory,
        preemptible=preemptible,
        checkpoint=("save",) if checkpoints else (),
    )


def spec_of(job: TraceJob) -> JobSpec:
    """What the scheduler is asked for. The same object for jobs that ask for the same."""
    return _spec(
        job.gpus,
        job.nodes or 1,
        job.milli,
        job.priority,
        job.limit,
        job.model,
        job.gpu_memory_bytes,
        job.cpus,
        job.memory_bytes,
        job.preemptible,
        job.checkpoints,
    )


@dataclass(slots=True, kw_only=True)
class Life:
    """`queued`: the job as it waits. `running`: what holds GPUs of it, its parts where it is a gang."""

    trace: TraceJob
    queued: Job
    left: float  # seconds that it still has to run
    attempt: int = 0
    running: list[Job] = field(default_factory=list[Job])
    first: float | None = None
    start: float | None = None
    end: float | None = None
    told: float | None = None  # when it was told to make room, in this attempt
    held: float = 0.0
    lost: float = 0.0
    preemptions: int = 0
    nodes: tuple[str, ...] = ()
    gpus: tuple[str, ...] = ()

    @classmethod
    def of(cls, job: TraceJob, *, by_user: bool) -> "Life":
        queued = Job(
            id=job.id,
            owner=job.owner if by_user else EVERYBODY,
            account=job.group if by_user else None,
            spec=spec_of(job),
            submitted_at=job.submit,
        )
        return cls(trace=job, queued=queued, left=job.run)

    @property
    def order(self) -> tuple[int, float, str]:
        """Who is first in line, users aside."""
        return -self.trace.priority, self.trace.submit, self.trace.id

    def begin(self, seats: Sequence[Seat], now: float) -> list[Job]:
        """What changes for the scheduler: the job, or the gang and its parts, hold these GPUs."""
        self.attempt += 1
        self.start, self.told = now, None
        self.first = now if self.first is None else self.first
        self.nodes = tuple(seat.node for seat in seats)
        self.gpus = tuple(gpu for seat in seats for gpu in seat.gpus)
        gang = len(seats) > 1
        spec = replace(self.queued.spec, nodes=1) if gang else self.queued.spec
        self.running = [
            replace(
                self.queued,
                id=f"{self.trace.id}.{self.attempt}.{rank}" if gang else self.trace.id,
                spec=spec,
                state=JobState.RUNNING,
                attempt=1 if gang else self.attempt,
                placement=Placement(node=seat.node, gpus=seat.gpus, token=f"{self.attempt}.{rank}"),
                started_at=now,
                allocated_at=now,
                part=Rank(of=self.trace.id, rank=rank, size=len(seats)) if gang else None,
            )
            for rank, seat in enumerate(seats)
        ]
        whole = replace(self.queued, state=JobState.RUNNING, attempt=self.attempt)
        return [whole, *self.running] if gang else list(self.running)

    def make_room(self, now: float, why: str) -> list[Job]:
        """What changes when it is told to stop: it still holds its GPUs."""
        self.told = now
        preempt = Cancel(by="controller", at=now, why=why)
        self.running = [replace(job, preempt=preempt) for job in self.running]
        return list(self.running)

    def finish(self, now: float) -> list[Job]:
        """What changes when it has ended."""
        self.end = now
        self.left = 0.0
        return [*self._let_go(now), replace(self.queued, state=JobState.SUCCEEDED)]

    def give_back(self, now: float) -> list[Job]:
        """What changes when it has made room: it is queued again. Its work since it was told is lost, and all
        of it without a checkpoint."""
        assert self.start is not None and self.told is not None, "it was told to"
        kept = self.told - self.start if self.trace.checkpoints else 0.0
        self.left -= kept
        self.lost += (now - self.start - kept) * self.trace.milli_total / WHOLE
        self.preemptions += 1
        self.queued = replace(self.queued, attempt=self.attempt, preemptions=self.preemptions)
        return [*self._let_go(now), self.queued]

    def _let_go(self, now: float) -> list[Job]:
        assert self.start is not None, "it runs"
        self.held += (now - self.start) * self.trace.milli_total / WHOLE
        gone = [
            replace(job, state=JobState.FAILED, placement=None)
            for job in self.running
            if job.part is not None
        ]
        self.running = []
        return gone

    def ran(self) -> Ran:
        return Ran(
            job=self.trace,
            first=self.first,
            start=self.start,
            end=self.end,
            held=self.held,
            lost=self.lost,
            preemptions=self.preemptions,
            nodes=self.nodes,
            gpus=self.gpus,
        )
