"""What the arbiter's machine knows: the nouns of `machine.step`, all frozen.

Times are seconds of CLOCK_BOOTTIME, memory is bytes, GPUs are named by UUID. None is unknown.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sentinel.core.lease import Lease, Request
from sentinel.core.process import ProcessId
from sentinel.core.service import Rung, Sight

# ------------------------------------------------------------------ settings


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSettings:
    """One inference service. `gpus` are indices or UUIDs as the config gives them; () is all.

    `supervised`: the arbiter itself runs it, so it is wanted up whenever nothing else claims its GPUs.
    `may_keep_bytes`: what it may go on holding on a GPU while paused (a sleeping server's context).
    `settle_seconds`: how long after a rung the driver may need to show the memory as free before the
    next rung is taken.
    """

    name: str
    gpus: tuple[str, ...] = ()
    ladder: tuple[Rung, ...] = (Rung.STOP,)
    supervised: bool = False
    may_keep_bytes: int = 0
    settle_seconds: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one user may have. None is no limit. Root is under them too, except for extending.

    `idle_after`: a lease whose GPUs lie unused for so long is called idle and its owner is warned;
    `idle_reclaim`: after so long it is ended.
    """

    leases_per_user: int | None = None
    hold_seconds: float | None = None
    extension_seconds: float = 0.0
    idle_after: float | None = None
    idle_reclaim: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The part of the config that decisions depend on."""

    resume_delay: float = 5.0
    grant_timeout: float = 60.0
    grant_when_unknown: bool = False
    watchdog: bool = True
    watchdog_grace: float = 0.0
    evict_grace: float = 10.0
    services: tuple[ServiceSettings, ...] = ()
    limits: Limits = Limits()


# ------------------------------------------------------------------ what was read


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A process that the driver lists on a GPU, joined with what the kernel says about it.

    `process` has `started` 0 when the pid was gone by the time it was looked up. `service` names the
    inference service it belongs (or last belonged) to. `ignored`: on the system's ignore list, or
    graphics only.
    """

    process: ProcessId
    name: str
    user: str
    memory_bytes: int | None = None
    service: str | None = None
    lease: str | None = None  # the lease named in its environment
    ignored: bool = False

    @property
    def foreign(self) -> bool:
        """Neither inference nor system, and alive: what the watchdog is there for."""
        return self.service is None and not self.ignored and self.process.started != 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One GPU in one reading. `listed` None: its processes could not be read."""

    uuid: str
    index: int
    name: str | None = None
    total_bytes: int | None = None
    used_bytes: int | None = None
    free_bytes: int | None = None
    utilization_percent: float | None = None
    temperature_celsius: float | None = None
    power_watts: float | None = None
    listed: tuple[Listed, ...] | None = None
    devices: tuple[str, ...] = ()  # UUIDs to hand to CUDA: its MIG devices, else itself
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuView:
    """What is known of a GPU: its last readable sample, when that was begun, and since when not.

    `unknown_since` is set while reads fail; `last` is then the past, held but never trusted for a grant.
    """

    last: Sample
    read_at: float
    unknown_since: float | None = None
    unknown_why: str = ""

    @property
    def known(self) -> bool:
        return self.unknown_since is None


# ------------------------------------------------------------------ services


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsettled:
    """Not looked at since the arbiter started. `wanted`: the last arbiter left it running, or paused to
    come back. `rung`: how it had been paused, if it was."""

    since: float
    wanted: bool
    rung: Rung | None = None
    held: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    since: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Evicting:
    """On its way off the GPUs. `done_at`: when the current rung's driver call returned. `held`: GPU →
    bytes before it began; GPUs where that could not be read are left out."""

    since: float
    rung: Rung
    rung_since: float
    held: tuple[tuple[str, int], ...] = ()
    done_at: float | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused:
    """Off the GPUs. `took` seconds; `freed_bytes` None where memory could not be read; `held`: what it
    will need to come back."""

    since: float
    rung: Rung
    took: float = 0.0
    freed_bytes: int | None = None
    held: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Restoring:
    """On its way back from `rung`."""

    since: float
    rung: Rung


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """Would not come back from `rung`. Tried again at `retry_at`, later each time."""

    since: float
    rung: Rung
    why: str
    retry_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """Down, and not by us: left alone until someone starts it."""

    since: float
    why: str


Phase = Unsettled | Running | Evicting | Paused | Restoring | Failed | Stopped


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service as the machine sees it.

    `touched_at`: when a driver call on it last ended; only readings begun later can prove memory free.
    `quiet_since`: since when nothing claims its GPUs; None while something does.
    """

    settings: ServiceSettings
    phase: Phase
    sight: Sight | None = None
    touched_at: float = 0.0
    quiet_since: float | None = None
    failures: int = 0  # in a row; each makes the next try wait longer
    forced: bool = False  # an admin said: come back whatever the readings say
    note: str = ""


# ------------------------------------------------------------------ claims


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparing:
    """A request whose GPUs are set aside while inference leaves them."""

    request: Request
    gpus: tuple[str, ...]
    since: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds memory on a GPU, for a refusal or a status line."""

    gpu: str
    gpu_index: int
    what: str  # "service chat", "lease L1 of alice", "python3 of bob"
    pid: int | None = None
    memory_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminHold:
    """An admin's pause: inference stays away until `resume`."""

    by: str
    reason: str
    since: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Cordon:
    by: str
    reason: str
    since: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """Waiting requests: first come within a user, users in turn.

    `ring`: uids by whose turn is next. Who joins joins at the end; who is served goes to the end. So
    the k-th request of a user waits for at most k * U - 1 others, U being the users that wait with it.
    """

    ring: tuple[int, ...] = ()
    impatient: int = 0  # how many of them will not wait for ever
    waiting: Mapping[int, tuple[Request, ...]] = field(default_factory=dict[int, tuple[Request, ...]])


# ------------------------------------------------------------------ all of it


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Everything the machine decides from. `unread_why` says why nothing was ever read, until it is."""

    settings: Settings
    gpus: Mapping[str, GpuView] = field(default_factory=dict[str, GpuView])
    attempted_at: float = -1.0  # when the last finished reading, good or bad, was begun
    unread_since: float | None = None  # since when readings fail as a whole; None while they work
    unread_why: str = "not read yet"
    reading: bool = False  # one is under way
    next_reading_at: float = 0.0  # not sooner than this, however much is waited for
    services: Mapping[str, Service] = field(default_factory=dict[str, Service])
    leases: Mapping[str, Lease] = field(default_factory=dict[str, Lease])
    queue: Queue = field(default_factory=Queue)
    preparing: Mapping[str, Preparing] = field(default_factory=dict[str, Preparing])
    foreign_since: Mapping[ProcessId, float] = field(default_factory=dict[ProcessId, float])
    tolerated: frozenset[ProcessId] = frozenset()
    hold: AdminHold | None = None
    cordons: Mapping[str, Cordon] = field(default_factory=dict[str, Cordon])
    granted: int = 0
    stopping: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What the last arbiter left. Leases are still to be checked against living processes."""

    leases: tuple[Lease, ...] = ()
    services: Mapping[str, Unsettled] = field(default_factory=dict[str, Unsettled])
    hold: AdminHold | None = None
    cordons: Mapping[str, Cordon] = field(default_factory=dict[str, Cordon])
    granted: int = 0
