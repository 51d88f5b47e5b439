"""A sample: what the GPUs of a node showed at one moment, and whose the processes on them are. Pure.

The sampler makes them; `exposition`, `dcgm` and the terminal view read them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sentinel.core.finding import Finding
from sentinel.core.gpu import Gpu, GpuReading
from sentinel.core.workload import Origin

ProcessKey = int
"""A process within one sample: its pid, as the driver reports it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whose a process is and what it is part of. None: unknown, or part of no such thing."""

    user: str | None = None
    container: str | None = None
    pod: str | None = None
    job: str | None = None
    workload_id: str | None = None
    origin: Origin = Origin.UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """`at` is seconds since the epoch, `boottime` since boot (for ages), `duration` how long it took.

    `owners` has the processes that could be told apart and found; the others' owner is unknown.
    """

    node: str
    at: float
    boottime: float
    reading: GpuReading
    owners: Mapping[ProcessKey, Owner] = field(default_factory=dict[ProcessKey, Owner])
    duration: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """How sampling stands: the newest sample, if there is any, and what became of each source.

    `sources`: by name, whether it answered when it was last asked; None while that is not known.
    """

    node: str
    sample: Sample | None = None
    sources: Mapping[str, bool | None] = field(default_factory=dict[str, bool | None])
    failures: int = 0  # samples that could not be taken, so far
    findings: tuple[Finding, ...] | None = None  # what stands by the rules of health; None: nobody looked

    def age(self, now: float) -> float | None:
        """Seconds since the sample was taken; `now` since boot. None when there is none."""
        return None if self.sample is None else max(0.0, now - self.sample.boottime)

    def fresh(self, now: float, limit: float) -> Sample | None:
        """The sample, unless it is older than `limit` seconds."""
        age = self.age(now)
        return self.sample if age is not None and age <= limit else None


def sole_owner(gpu: Gpu, owners: Mapping[ProcessKey, Owner]) -> Owner | None:
    """Who holds the GPU, when that is exactly one workload.

    None when nobody computes on it, when several do, and when the owner of anybody there is unknown.
    """
    computing = [process.pid for process in gpu.processes or () if process.kind.computes]
    found = list(dict.fromkeys(owners.get(pid) for pid in computing))
    if not found or found[0] is None:
        return None
    workload = found[0].workload_id
    if len(found) > 1 and (
        workload is None or any(one is None or one.workload_id != workload for one in found)
    ):
        return None
    return found[0]
