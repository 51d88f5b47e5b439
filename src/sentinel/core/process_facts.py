"""What the kernel says about one process, for finding out whose it is and what it is part of."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sentinel.core.process import ProcessId


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessFacts:
    """A process as /proc shows it. None is unknown (not readable), which is not the same as unset."""

    process: ProcessId
    name: str
    command: tuple[str, ...] | None = None
    uid: int | None = None  # real uid
    login_uid: int | None = None  # the kernel's audit login uid; None too when nobody logged in for it
    cgroups: tuple[str, ...] | None = None  # lines of /proc/PID/cgroup, "ID:CONTROLLERS:PATH"
    started_at: float | None = None  # seconds since the epoch
    variables: Mapping[str, str] = field(default_factory=dict[str, str])  # of core.container.VARIABLES only
    in_host_user_namespace: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a process or a whole cgroup has used: processor time since its start, memory now."""

    cpu_seconds: float | None = None
    memory_bytes: int | None = None
