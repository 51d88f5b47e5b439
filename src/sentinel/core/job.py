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


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """What was asked for. Environment values are not here: they are kept apart (see ports.store)."""

    command: tuple[str, ...]
    cwd: str  # absolute; must exist on the node
    gpus: int = 1
    priority: int = 0  # higher runs first
    name: str = ""
    time_limit: float | None = None  # seconds of running; None: as long as it takes
    gpu_model: str | None = None  # a part of the model's name, case ignored
    gpu_memory_bytes: int | None = None  # at least this much on each GPU
    node: str | None = None  # only on the node of this name
    if_lost: IfLost = IfLost.REQUEUE
    grace: float = 30.0  # seconds from SIGTERM to SIGKILL when it is stopped
    umask: int = 0o022
    limits: Mapping[str, int] = field(default_factory=dict[str, int])  # rlimits by name: {"nofile": 65536}
    pty: bool = False  # on a terminal of its own, for `sentinel run --pty`


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
    refusals: int = 0  # attempts in a row that did not begin: it waits longer after each
    cancel: Cancel | None = None
    node: str | None = None  # the name of the node of the last attempt, for showing
    gpus: tuple[str, ...] = ()  # UUIDs of the last attempt, for showing
    started_at: float | None = None
    ended_at: float | None = None
    exit_code: int | None = None  # 0 to 255; None too when it was ended by a signal or that is not known
    signal: int | None = None  # the signal that ended it
    revision: int = 0
