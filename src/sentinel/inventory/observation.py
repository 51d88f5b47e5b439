"""What one scan saw, handed to attribution whole. `scan` and the agent's loop make it; it decides nothing.

A source that was asked answers one of three ways: Seen, Unknown (it exists and did not answer) or Absent
(there is none here). What is missing from a mapping was not read: unknown, which is not the same as nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeAlias, TypeVar

from sentinel.core.container import Container, ContainerSummary
from sentinel.core.gpu import GpuReading
from sentinel.core.process_facts import ProcessFacts, Usage

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Seen(Generic[T_co]):
    """It answered."""

    value: T_co


@dataclass(frozen=True, slots=True)
class Unknown:
    """It did not answer, or not rightly. `why` is a sentence for people."""

    why: str


@dataclass(frozen=True, slots=True)
class Absent:
    """There is no such source here. `switched_off`: there may be, and the configuration says not to ask."""

    why: str = ""
    switched_off: bool = False


Answer: TypeAlias = Seen[T_co] | Unknown | Absent


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """The containers of one engine. A detail may come from the caller's cache, as long as it still holds:

    no change of state since, which is what its pid and its start hang on. Without one, the container is
    listed with what its summary says and what was known of it before.
    """

    summaries: tuple[ContainerSummary, ...]
    details: Mapping[str, Container] = field(default_factory=dict[str, Container])


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """A pod on this node: "namespace/name", and the GPUs that the kubelet gave it, MIG devices included."""

    name: str
    uid: str | None = None
    gpus: tuple[str, ...] = ()  # UUIDs


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """A process that runs under a lease of the arbiter."""

    lease: str
    user: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Leases:
    """What the arbiter of this machine knows about pids."""

    covered: Mapping[int, Covered] = field(default_factory=dict[int, Covered])
    services: Mapping[int, str] = field(default_factory=dict[int, str])  # of inference services: their name


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One look at the machine. `at` is epoch seconds, `boottime` seconds since boot; only that one measures.

    `processes` should hold what `joining.wanted_pids` names; one that is missing has ended, or is hidden
    from us. `blind` says why processes of others are hidden from us, when they are.
    """

    at: float
    boottime: float
    boot_id: str
    node: str
    gpus: Answer[GpuReading]
    processes: Mapping[int, ProcessFacts] = field(default_factory=dict[int, ProcessFacts])
    process_usage: Mapping[int, Usage] = field(default_factory=dict[int, Usage])
    engines: Mapping[str, Answer[Engine]] = field(default_factory=dict[str, "Answer[Engine]"])
    group_usage: Mapping[str, Usage] = field(default_factory=dict[str, Usage])  # by workload id
    users: Mapping[int, str] = field(default_factory=dict[int, str])
    path_owners: Mapping[str, int] = field(default_factory=dict[str, int])  # folder → uid
    pods: Answer[tuple[Pod, ...]] = Absent(switched_off=True)
    leases: Answer[Leases] = Absent(switched_off=True)
    blind: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the configuration says. Times in seconds.

    `people` are the first and the last uid of people. Above what systemd gives out (65,535) an account
    that has a name is a person's too: that is where directory services put them.
    """

    idle_after: float = 600.0
    longest_gap: float = 300.0  # between two looks, for them to say something about the time between
    people: tuple[int, int] = (1000, 60000)
    home_roots: tuple[str, ...] = ("/home",)
