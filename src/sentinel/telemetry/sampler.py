"""Takes samples: one reading of the GPUs, and whose each process on them is.

Called by the agent's loop once a second, on a thread of its own since a sick driver may hang. Whose a
process is costs a look at several files, so it is remembered for as long as that process lives; that it
still is that process is checked in every sample, by `pinned`.
"""

from collections.abc import Callable

from sentinel.core import clock
from sentinel.core.errors import GpuReadError
from sentinel.core.gpu import GpuReading
from sentinel.core.process import ProcessId
from sentinel.ports.gpus import GpuSource
from sentinel.telemetry.pinned import Identify, PinnedProcesses
from sentinel.telemetry.sample import Owner, Sample, Watch

Owners = Callable[[ProcessId], Owner | None]
"""Whose a process is. May read files; None when that cannot be told (yet)."""

REMEMBER_SECONDS = 60.0
"""After this an owner is asked for again: a container may have been renamed, a label read meanwhile."""
UNKNOWN_SECONDS = 2.0
"""The same, where the owner or the workload was unknown: the inventory may know by then."""
GPUS = "gpus"


class Sampler:
    """Samples of one node. Used by one thread at a time, but `watch` may be read by any."""

    def __init__(
        self,
        gpus: GpuSource,
        owners: Owners,
        identify: Identify,
        *,
        node: str,
        now: Callable[[], float] = clock.boottime,
        today: Callable[[], float] = clock.wall,
    ) -> None:
        """`identify` is that of ports.process_facts; `now` is seconds since boot, `today` since the epoch."""
        self._gpus = gpus
        self._owners = owners
        self._pinned = PinnedProcesses(identify)
        self._now, self._today = now, today
        self._known: dict[ProcessId, tuple[float, Owner | None]] = {}
        self._watch = Watch(node=node, sources={GPUS: None})

    @property
    def watch(self) -> Watch:
        """How sampling stands. Replaced whole by each sample."""
        return self._watch

    def take(self) -> Sample:
        """One sample. Blocks for as long as the driver does; raises GpuReadError when it cannot be read.

        After a failure `watch` keeps the sample before, which gets no younger.
        """
        began, at = self._now(), self._today()
        try:
            reading = self._gpus.read()
        except GpuReadError:
            last = self._watch
            self._watch = Watch(
                node=last.node, sample=last.sample, sources={GPUS: False}, failures=last.failures + 1
            )
            raise
        sample = Sample(
            node=self._watch.node,
            at=at,
            boottime=began,
            reading=reading,
            owners=self._owned(reading, began),
            duration=self._now() - began,
        )
        self._watch = Watch(
            node=sample.node, sample=sample, sources={GPUS: True}, failures=self._watch.failures
        )
        return sample

    def close(self) -> None:
        """Lets go of the processes and of the driver."""
        self._pinned.close()
        self._gpus.close()

    def _owned(self, reading: GpuReading, now: float) -> dict[int, Owner]:
        pids = {process.pid for gpu in reading.gpus for process in gpu.processes or ()}
        here = self._pinned.who(pids)
        known: dict[ProcessId, tuple[float, Owner | None]] = {}
        owners: dict[int, Owner] = {}
        for pid, process in here.items():
            entry = self._known.get(process)
            if entry is None or now >= entry[0]:
                entry = self._asked(process, now)
            known[process] = entry
            if entry[1] is not None:
                owners[pid] = entry[1]
        self._known = known
        return owners

    def _asked(self, process: ProcessId, now: float) -> tuple[float, Owner | None]:
        owner = self._owners(process)
        # By its uid alone, as long as the inventory has not met it: its container or job comes in a moment.
        unknown = owner is None or owner.user is None or owner.workload_id is None
        # Not all in the same second.
        spread = 1 + process.pid % 16 / 16
        return now + (UNKNOWN_SECONDS if unknown else REMEMBER_SECONDS * spread), owner
