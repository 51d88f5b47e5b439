"""A workload: what is *observed* running (or having run) on a machine, however it was started.

`inventory` makes them; the CLI, the metrics and later the API and the scheduler read them. None is unknown.
Times are seconds since the epoch, UTC. Wire format: `core.workload_json`.
"""

from dataclasses import dataclass
from enum import StrEnum

from sentinel.core.process import ProcessId


class Origin(StrEnum):
    """How it was started."""

    SENTINEL = "sentinel-managed"
    DS01 = "ds01-managed"
    COMPOSE = "docker-compose"
    DEVCONTAINER = "devcontainer"
    KUBERNETES = "kubernetes"
    SLURM = "slurm"
    PODMAN = "podman"
    DOCKER = "raw-docker"
    HOST = "host-process"
    SYSTEM = "system"
    UNKNOWN = "unknown"


class Category(StrEnum):
    """Origins in three drawers."""

    MANAGED = "managed"
    CONTAINER = "unmanaged-container"
    HOST = "host-process"


class WorkloadState(StrEnum):
    """How it stands. IDLE is running with GPU memory held and unused for long; UNKNOWN is not "gone"."""

    RUNNING = "running"
    IDLE = "idle"
    PAUSED = "paused"
    RESTARTING = "restarting"
    CREATED = "created"
    EXITED = "exited"
    UNKNOWN = "unknown"

    @property
    def stopped(self) -> bool:
        """Known to have no process now."""
        return self in (WorkloadState.CREATED, WorkloadState.EXITED)


class Trust(StrEnum):
    """Who vouches for a piece of evidence; the earlier, the harder to forge."""

    KERNEL = "kernel"  # cgroups, uids, the driver's process list, the arbiter's own records
    RUNTIME = "runtime"  # what the container engine enforces: mounts, devices
    DECLARED = "declared"  # labels and environment: whoever started it wrote what they liked


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One thing that was read and what it says.

    `source` names where: "process-uid", "login-uid", "cgroup", "label:ds01.user", "env:USER", …
    """

    value: str  # what it says: a user's name, an origin, "yes"
    source: str
    trust: Trust
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What a discovered workload is marked with: whose, since when, and where that is written."""

    user: str
    time: float
    namespace: str = "sentinel"
    written_to: str = "inventory"  # or "containerd", "kubernetes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """One container, one Slurm job or one host process. The first of `user_evidence` decided about `user`."""

    id: str  # a container's id; "slurm:JOB"; "process:PID:STARTED:BOOT"
    origin: Origin
    category: Category
    state: WorkloadState
    name: str
    user: str | None = None
    user_evidence: tuple[Evidence, ...] = ()
    origin_evidence: tuple[Evidence, ...] = ()
    gpu_access: bool | None = None  # may use a GPU (by configuration) or does
    gpu_evidence: tuple[Evidence, ...] = ()
    conflicts: tuple[str, ...] = ()  # sentences: evidence that contradicts what was chosen
    gpus: tuple[str, ...] | None = ()  # UUIDs it is seen on or was given; None: unknown which
    gpu_memory_bytes: int | None = None  # held now, by the driver's list
    gpu_utilization_percent: float | None = None  # the busiest of its GPUs' share that is its own
    cpu_percent: float | None = None  # of one core, since the last look
    memory_bytes: int | None = None
    image: str | None = None
    command: str | None = None  # with secrets blotted out
    pid: int | None = None  # its first process
    pids: tuple[int, ...] = ()  # its processes on GPUs
    process: ProcessId | None = None  # the first process, told apart from a later one with that pid
    runtime: str | None = None  # "docker", "podman", "containerd", "crio": by cgroup or by engine
    pod: str | None = None  # "namespace/name", else the pod's uid
    slurm_job: str | None = None
    created_at: float | None = None
    started_at: float | None = None
    first_seen_at: float | None = None
    last_seen_at: float | None = None
    transient: bool = False  # seen once only
    quiet_since: float | None = None  # since when its GPU memory lies unused, without a gap in observation
    idle_since: float | None = None  # the same, once that has lasted long enough to be called idle
    mark: Mark | None = None
    source: str | None = None  # who tells that it exists: an engine's name in SOURCES, or "gpus"
    seen_running: bool = False  # its present run was seen running and not seen to end

    @property
    def managed(self) -> bool:
        """Started under Sentinel's or DS01's rule."""
        return self.category is Category.MANAGED
