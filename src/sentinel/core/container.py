"""A container as its runtime describes it. What decides about it is in `inventory`; runtimes are drivers.

`None` is unknown. The environment is never kept whole: it holds secrets. Only the variables in VARIABLES are.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

VARIABLES = (
    "NVIDIA_VISIBLE_DEVICES",
    "CUDA_VISIBLE_DEVICES",
    "USER",
    "USERNAME",
    "LOGNAME",
    "NB_USER",
    "HOST_USER",
    "SLURM_JOB_ID",
    "SLURM_JOB_USER",
    "SLURM_JOB_UID",
)
"""Variables of a container's or process's environment that say whose it is or which GPU it may use."""


class ContainerState(StrEnum):
    """What a runtime says of a container, in Docker's words. Podman's other words are translated."""

    CREATED = "created"
    RUNNING = "running"
    PAUSED = "paused"
    RESTARTING = "restarting"
    REMOVING = "removing"
    EXITED = "exited"
    DEAD = "dead"
    UNKNOWN = "unknown"

    @property
    def alive(self) -> bool:
        """Whether it has processes now (paused ones are processes too)."""
        return self in (ContainerState.RUNNING, ContainerState.PAUSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRequest:
    """An entry of `HostConfig.DeviceRequests`. `count` -1 is all; `capabilities` is an OR of ANDs."""

    driver: str = ""
    count: int = 0
    device_ids: tuple[str, ...] = ()
    capabilities: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A device node given to a container: its path outside and inside."""

    host: str
    container: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A bind mount or volume. `source` is the path on the host."""

    kind: str  # "bind", "volume", "tmpfs", …
    source: str
    destination: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerSummary:
    """What listing the containers tells of one. Enough to see whether it has to be inspected again."""

    id: str  # 64 hexadecimal digits
    name: str
    image: str
    command: str
    state: ContainerState
    created_at: float  # seconds since the epoch
    labels: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """What inspecting a container tells. Times are seconds since the epoch, UTC."""

    id: str
    name: str
    image: str
    engine: str  # which source it came from: "docker", "podman", "containerd"
    state: ContainerState
    command: tuple[str, ...] = ()
    pid: int | None = None  # of its first process, in the host's numbers; None when it has none
    created_at: float | None = None
    started_at: float | None = None
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    oci_runtime: str | None = None  # "runc", "nvidia", …
    privileged: bool = False
    device_requests: tuple[DeviceRequest, ...] = ()
    devices: tuple[Device, ...] = ()
    device_rules: tuple[str, ...] = ()  # cgroup rules like "c 195:* rwm"
    mounts: tuple[Mount, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict[str, str])  # of VARIABLES only
    user: str = ""  # as configured: "", "1000:1000", "jovyan"
    user_is_image_default: bool | None = None  # the image brings that user; nobody chose it
    pod: str | None = None  # "namespace/name", where the runtime says so
    cgroup_parent: str | None = None
