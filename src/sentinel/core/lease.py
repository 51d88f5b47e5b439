"""A lease: a right to certain GPUs that lasts as long as the process tree that holds it."""

from dataclasses import dataclass
from enum import StrEnum

from sentinel.core.process import Peer, ProcessId


class Sharing(StrEnum):
    """How a claim gets on with others on the same GPU."""

    SHARED = "shared"  # every GPU that nobody holds exclusively, side by side with other shared leases
    EXCLUSIVE = "exclusive"  # whole GPUs, nobody else's
    SLICE = "slice"  # a declared part of one GPU's memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What is asked for. `memory_bytes` must be measured free on each GPU before the grant.

    EXCLUSIVE has either `count` or `gpu_ids` (UUIDs or indices as text); SLICE has `memory_bytes`.
    """

    sharing: Sharing = Sharing.SHARED
    count: int | None = None
    gpu_ids: tuple[str, ...] = ()
    memory_bytes: int | None = None


class Binding(StrEnum):
    """What a lease lives and dies with."""

    TREE = "tree"  # the process that asked and what it started
    CONNECTION = "connection"  # the same, or the socket if that closes first


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A claim that waits. `asked_at` and `until` are boot-time seconds; `until` None waits for ever."""

    id: str
    peer: Peer
    claim: Claim
    asked_at: float
    until: float | None = None
    binding: Binding = Binding.TREE
    holder: str = ""  # what the client calls itself; shown, never trusted
    command: str = ""  # likewise


@dataclass(frozen=True, slots=True, kw_only=True)
class Survivor:
    """A process of a lease's tree that outlived the one that asked."""

    process: ProcessId
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A granted claim. `gpus` are UUIDs. `survivors` is filled once the asking process has ended."""

    id: str
    peer: Peer
    claim: Claim
    gpus: tuple[str, ...]
    since: float
    binding: Binding = Binding.TREE
    holder: str = ""
    command: str = ""
    survivors: tuple[Survivor, ...] = ()
    expires_at: float | None = None  # the limit on how long it may be held
    extended: float = 0.0  # seconds that its owner added to that
    idle_since: float | None = None  # since when its GPUs lie unused; None when in use or unknown
    warned: frozenset[str] = frozenset()  # what its owner has been told: "idle", "expiry"
    ending_since: float | None = None  # set when an admin asked for it to end
