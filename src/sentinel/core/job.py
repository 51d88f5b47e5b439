"""A job: what somebody asked to run on GPUs, and what became of it.

The API and the scheduler decide about jobs, the store keeps them, the agent runs them. Moves from state to
state are in `scheduling.lifecycle` alone. Times are seconds since the epoch, UTC, and are for showing: every
duration that decides something is measured on CLOCK_BOOTTIME by whoever decides. None is unknown or not yet.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

DEFAULT_TENANT = "default"
MOST_GPUS = 4096
MOST_PRIORITY = 1000  # and its negative is the least
WHOLE = 1000  # thousandths of a GPU


class JobState(StrEnum):
    """QUEUED → ALLOCATED → STARTING → RUNNING → one of the three ends. LOST: whether it runs is not known."""

    QUEUED = "QUEUED"
    ALLOCATED = "ALLOCATED"  # GPUs are leased to it; its node has not begun
    STARTING = "STARTING"  # its node has the GPUs and launches it
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELED = "CANCELED"
    LOST = "LOST"

    @property
    def ended(self) -> bool:
        """It runs nowhere and never will again."""
        return self in (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELED)

    @property
    def placed(self) -> bool:
        """It holds a lease: its GPUs are nobody else's."""
        return self in (JobState.ALLOCATED, JobState.STARTING, JobState.RUNNING, JobState.LOST)


class IfLost(StrEnum):
    """What to do with a job whose node went silent."""

    REQUEUE = "requeue"  # queue it again, once it is proven not to run there any more
    KEEP = "keep"  # never run it again by itself
    FENCE = "fence"  # its node ends it when the lease runs out unrenewed; it is queued again after that


class AfterKind(StrEnum):
    """When a job that waits for another one may begin."""

    OK = "ok"  # the other one has SUCCEEDED
    ANY = "any"  # it has ended, however
    NOT_OK = "notok"  # it has FAILED or was CANCELED


@dataclass(frozen=True, slots=True, kw_only=True)
class After:
    """That a job waits for the job with this id."""

    job: str
    kind: AfterKind = AfterKind.OK


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayTask:
    """One of an array: jobs alike but for `index`. `limit`: how many of them hold GPUs at once; None: any."""

    id: str  # the array's; its jobs are ID_INDEX
    index: int
    size: int
    limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rank:
    """Which part of a gang's attempt a job is. The gang itself is the job `of`, which holds no lease."""

    of: str
    rank: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """What was asked for. Environment values are not here: they are kept apart (see ports.store).

    With `nodes` above 1 it is a gang: `gpus` on each of so many nodes, all at once or not at all, one process
    a node. `gpu_milli` below WHOLE is a share of one GPU's memory, where `gpus` is 1.
    """

    command: tuple[str, ...]
    cwd: str  # absolute; must exist on the node
    gpus: int = 1
    nodes: int = 1
    gpu_milli: int = WHOLE
    priority: int = 0  # higher runs first
    name: str = ""
    time_limit: float | None = None  # seconds of running; None: as long as it takes
    gpu_model: str | None = None  # parts of models' names, case ignored, "h100,a100": the first is liked best
    gpu_memory_bytes: int | None = None  # at least this much on each GPU
    cpus: int | None = None  # reserved on its node; None: none
    memory_bytes: int | None = None  # likewise
    node: str | None = None  # only on the node of this name
    preemptible: bool = False  # may be stopped, and queued again, for jobs of higher priority
    checkpoint: tuple[str, ...] = ()  # run beside it before it is preempted, within its grace
    stop_signal: str = "TERM"  # what it is told to end by, without SIG
    retries: int = 0  # how often it is queued again after it failed by itself
    retry_codes: tuple[int, ...] = ()  # only after these exit codes; (): after any
    singleton: bool = False  # only when no earlier job of its owner and name is left
    image: str | None = None  # runs in a container of this image
    engine: str | None = None  # "docker" or "podman"; None: what its node has
    mounts: tuple[str, ...] = ()  # "/host/path[:/path[:ro]]" beside its cwd
    setup: tuple[str, ...] = ()  # lines of shell that come before its command: "module load cuda"
    if_lost: IfLost = IfLost.REQUEUE
    grace: float = 30.0  # seconds from the stop signal to SIGKILL when it is stopped
    umask: int = 0o022
    limits: Mapping[str, int] = field(default_factory=dict[str, int])  # rlimits by name: {"nofile": 65536}
    pty: bool = False  # on a terminal of its own, for `sentinel run --pty`
    notify: tuple[str, ...] = ()  # who is told, and when: "mail:end" (see core.job_notify)

    @property
    def total_milli(self) -> int:
        """Thousandths of GPUs, on all its nodes."""
        return self.gpus * self.gpu_milli * self.nodes


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where an attempt runs. `token` names its lease and fences it: no two attempts have the same."""

    node: str  # the node's id
    gpus: tuple[str, ...]  # UUIDs
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """That its end was asked for. `by` is a user's name."""

    by: str
    at: float
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """`revision` is the store's number of its last change; 0 before it was kept."""

    id: str
    owner: str  # a user's name
    spec: JobSpec
    submitted_at: float
    tenant: str = DEFAULT_TENANT
    state: JobState = JobState.QUEUED
    reason: str = ""  # a sentence: why it is in this state, where that needs saying
    attempt: int = 0  # how many times it was given GPUs
    placement: Placement | None = None  # of the present attempt, while it holds a lease
    allocated_at: float | None = None  # when it was given that lease, by the controller's clock
    refusals: int = 0  # attempts in a row that did not begin: it waits longer after each
    cancel: Cancel | None = None
    node: str | None = None  # the name of the node of the last attempt, for showing
    gpus: tuple[str, ...] = ()  # UUIDs of the last attempt, for showing
    started_at: float | None = None
    ended_at: float | None = None
    exit_code: int | None = None  # 0 to 255; None too when it was ended by a signal or that is not known
    signal: int | None = None  # the signal that ended it
    account: str | None = None  # the group that its owner was in when it was submitted
    after: tuple[After, ...] = ()  # what it still waits for
    awaited: bool = False  # a job was told to wait for it
    array: ArrayTask | None = None
    part: Rank | None = None  # of a gang
    preempt: Cancel | None = None  # that it is to make room, and to be queued again
    preemptions: int = 0
    failures: int = 0  # ends of its own that it was queued again after
    again: bool = False  # a gang's part whose end says nothing against trying the gang again
    revision: int = 0

    @property
    def stop(self) -> "Cancel | None":
        """Why its node is to end it, if it is."""
        return self.cancel or self.preempt
