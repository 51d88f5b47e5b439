"""An inference service: what can be done to make it step aside, and how it looks from outside."""

from dataclasses import dataclass
from enum import StrEnum


class Rung(StrEnum):
    """A rung of the eviction ladder, gentlest first."""

    DRAIN = "drain"  # wait for requests in flight
    UNLOAD = "unload"  # the server stays up, its models leave the GPU
    SLEEP = "sleep"  # weights leave the GPU, a context remains
    SUSPEND = "suspend"  # the whole process is checkpointed off the GPU
    STOP = "stop"  # the server ends


RUNGS_BY_API: dict[str | None, tuple[Rung, ...]] = {
    None: (Rung.SUSPEND, Rung.STOP),
    "ollama": (Rung.DRAIN, Rung.UNLOAD, Rung.SUSPEND, Rung.STOP),
    "vllm": (Rung.DRAIN, Rung.SLEEP, Rung.SUSPEND, Rung.STOP),
    "openai": (Rung.DRAIN, Rung.SUSPEND, Rung.STOP),
}
"""What can be done with a service, by the API that it speaks; None is one that speaks none we know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Up:
    """The service runs; `pids` are all of its processes, children included, in the host's numbers."""

    pids: frozenset[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Down:
    """The service does not run and no process of it is left. `failed` means it ended by itself, badly."""

    why: str
    failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseen:
    """Whether the service runs could not be found out."""

    why: str


Sight = Up | Down | Unseen
