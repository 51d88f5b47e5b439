"""The inventory of one machine: every workload, and how well each source of the knowledge answered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sentinel.core.workload import Workload


class SourceState(StrEnum):
    """How a source answered. ABSENT: there is none here. UNKNOWN: there is, and it did not answer."""

    OK = "ok"
    UNKNOWN = "unknown"
    ABSENT = "absent"


SOURCES = ("gpus", "processes", "docker", "podman", "containerd", "kubernetes", "arbiter")
"""The names in `Inventory.sources`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceReport:
    """`why` is a sentence for people when the source is not ok; `since` when that began (epoch)."""

    state: SourceState
    why: str = ""
    since: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenGpu:
    """A GPU as the inventory's tables need it: what `0` in their GPU column means."""

    index: int
    uuid: str
    name: str | None = None
    memory_total_bytes: int | None = None
    memory_used_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """What one scan knew, with what it remembered of earlier ones."""

    node: str  # the machine's name
    scanned_at: float  # epoch
    boot_id: str
    sources: Mapping[str, SourceReport] = field(default_factory=dict[str, SourceReport])
    gpus: tuple[SeenGpu, ...] = ()
    workloads: tuple[Workload, ...] = ()
