"""What can happen to a job, each with its own data: the inputs of `lifecycle.move`.

Made by the desk, the scheduler's loop, the watch over leases and whoever reads an agent's reports; to be had
from lifecycle, too. Those that come from a node carry the token of the attempt that they are about.
"""

from dataclasses import dataclass

from sentinel.core.job import After, Cancel, JobState, Placement


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocate:
    """The scheduler gives it these GPUs. The lease is taken in the same transaction.

    A gang has no placement; its parts, which are added then, have. `gpus`, a gang's alone, are for showing.
    """

    placement: Placement | None
    node_name: str
    gpus: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Its node did not begin it, and will not: the arbiter said no, the user has no account there, …

    `final`: no other attempt would end otherwise (its `cwd` does not exist), so it has failed.
    """

    token: str
    why: str
    final: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Starting:
    """Its node has the GPUs and launches it."""

    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """Its processes run."""

    token: str
    started_at: float | None = None  # epoch, by its node's clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Exited:
    """It has ended on its node. Both codes None: how it ended cannot be known, and `why` says why not.

    `stopped`: its node ended it, because it was told to (a cancel, or to make room), or for `why` (the time
    limit, say).
    """

    token: str
    exit_code: int | None
    signal: int | None
    why: str = ""
    stopped: bool = False
    started_at: float | None = None
    ended_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Its lease ran out: no beat of its node named it, so whether it runs there is not known."""

    token: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """It is proven to run no more and never to begin, and nobody saw it end: its node names what it has,
    and this is not among it; or it has fenced itself; or an admin says so."""

    token: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelAsked:
    """Somebody who may wants it to end."""

    cancel: Cancel


@dataclass(frozen=True, slots=True, kw_only=True)
class PreemptAsked:
    """It is to make room for others, and to be queued again. `cancel` says for whom."""

    cancel: Cancel


@dataclass(frozen=True, slots=True, kw_only=True)
class Satisfied:
    """A job that it waited for has ended as it should. `after`: what it waits for still."""

    after: tuple[After, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What the states of a gang's parts come to, for the gang."""

    state: JobState
    node: str | None
    gpus: tuple[str, ...]
    reason: str = ""
    exit_code: int | None = None
    signal: int | None = None
    started_at: float | None = None
    ended_at: float | None = None
    failures: int = 0
    refusals: int = 0
    preemptions: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """After a restore from a backup: its node has a later attempt than the store knows. The earlier one had
    ended, or there would be no later one. A gang has no placement, as in Allocate."""

    placement: Placement | None
    node_name: str
    attempt: int


NodeSays = Refused | Starting | Running | Exited | Silence | Gone
Input = Allocate | CancelAsked | PreemptAsked | Satisfied | Gathered | Found | NodeSays
