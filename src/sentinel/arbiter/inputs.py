"""What can happen to the arbiter (inputs) and what it can do about it (actions).

The shell turns sockets, signals, threads and timers into inputs, and carries actions out.
"""

from dataclasses import dataclass

from sentinel.arbiter.states import Holder, Sample, Settings
from sentinel.core.lease import Lease, Request, Survivor
from sentinel.core.service import Rung, Sight

# ------------------------------------------------------------------ inputs


@dataclass(frozen=True, slots=True, kw_only=True)
class Acquire:
    request: Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdraw:
    """The client of a waiting request went away or gave up."""

    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A lease ends: its holder says so, or nothing of its tree is left."""

    lease_id: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlived:
    """The process that asked has ended; these of its tree go on."""

    lease_id: str
    survivors: tuple[Survivor, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A reading, begun at `began`."""

    began: float
    samples: tuple[Sample, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmeasured:
    """A reading that failed, or that has not come back for too long."""

    began: float
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """How a service stood at `began`."""

    service: str
    began: float
    sight: Sight


@dataclass(frozen=True, slots=True, kw_only=True)
class RungDone:
    """The driver's call returned at `at`."""

    service: str
    rung: Rung
    at: float
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreDone:
    """The driver's call returned at `at`."""

    service: str
    at: float
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EvictLease:
    lease_id: str
    by: str
    keep_running: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Extend:
    """A lease may be held for longer. `owner`: its owner asks, which counts towards their limit."""

    lease_id: str
    seconds: float
    owner: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SetCordon:
    gpu: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LiftCordon:
    gpu: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reload:
    settings: Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Shutdown:
    """The arbiter is to end: without leases inference comes back first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """Time has passed."""


Input = (
    Acquire
    | Withdraw
    | Release
    | Outlived
    | Measured
    | Unmeasured
    | Looked
    | RungDone
    | RestoreDone
    | Pause
    | Resume
    | EvictLease
    | Extend
    | SetCordon
    | LiftCordon
    | Reload
    | Shutdown
    | Tick
)

# ------------------------------------------------------------------ actions


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Tell the client. The lease is in the state already, and is stored before this is sent."""

    request_id: str
    lease: Lease


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse:
    request_id: str
    code: str
    message: str
    holders: tuple[Holder, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRung:
    """Take a rung. `enough_bytes`: how much must come free, where a part is enough."""

    service: str
    rung: Rung
    enough_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Restore:
    service: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """Read the GPUs now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminate:
    """End a lease's process tree: TERM, or KILL when `kill`."""

    lease_id: str
    kill: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Warn:
    """Tell the owner of a lease, where they sit."""

    lease_id: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """Something worth a line in the journal. `level` is info, warning or error."""

    level: str
    text: str


Action = Grant | Refuse | RunRung | Restore | Measure | Terminate | Warn | Journal
