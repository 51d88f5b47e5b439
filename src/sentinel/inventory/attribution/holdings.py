"""What workloads hold on the GPUs, by the driver's lists of processes. Called by attribution."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sentinel.core.gpu import Gpu, GpuProcess, GpuReading
from sentinel.inventory.attribution.idle import Reading
from sentinel.inventory.evidence.gpu_access import Cards
from sentinel.inventory.observation import Answer, Seen

Use = tuple[Gpu, GpuProcess]


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What some processes hold together. `gpus` are those that they are on."""

    gpus: tuple[str, ...] = ()
    memory_bytes: int | None = None
    utilization_percent: float | None = None
    reading: Reading = Reading.UNKNOWN


_UNKNOWN = Held()
_NOTHING = Held(memory_bytes=0, utilization_percent=0.0, reading=Reading.BUSY)


class Holdings:
    """One reading of the GPUs, by process. Made anew for each look; never changed."""

    def __init__(self, gpus: Answer[GpuReading]) -> None:
        reading = gpus.value if isinstance(gpus, Seen) else None
        self.known = reading is not None
        self.gpus: tuple[Gpu, ...] = reading.gpus if reading else ()
        self.uses: dict[int, list[Use]] = {}
        for gpu in self.gpus:
            for process in gpu.processes or ():
                self.uses.setdefault(process.pid, []).append((gpu, process))
        self._listed = {gpu.uuid for gpu in self.gpus if gpu.processes is not None}
        self._whole = self.known and len(self._listed) == len(self.gpus)
        self._crowd = {gpu.uuid: len({one.pid for one in gpu.processes or ()}) for gpu in self.gpus}

    def tells(self, gpus: Sequence[str] | None) -> bool:
        """Whether it is known which processes are on these GPUs (None: any of them)."""
        if gpus is None:
            return self._whole
        return self.known and self._listed.issuperset(gpus)

    def held(self, pids: Iterable[int], possible: Sequence[str] | None) -> Held:
        """What these processes hold; `possible` are GPUs that they may be on."""
        uses = [use for pid in pids for use in self.uses.get(pid, ())]
        tells = self.tells(possible)
        if not uses:
            return _NOTHING if tells else _UNKNOWN
        memory = [process.memory_bytes for _, process in uses]
        whole = tells and None not in memory
        return Held(
            gpus=tuple(dict.fromkeys(gpu.uuid for gpu, _ in uses)),
            memory_bytes=sum(one or 0 for one in memory) if whole else None,
            utilization_percent=self._utilization(uses),
            reading=_reading(uses),
        )

    def cards(self) -> Cards:
        """The GPUs for finding them by name, MIG devices included."""
        mig = {one.uuid: gpu.uuid for gpu in self.gpus for one in gpu.mig_devices if one.uuid}
        return Cards(gpus=self.gpus, known=self.known, mig=mig)

    def _utilization(self, uses: Sequence[Use]) -> float | None:
        """The busiest GPU's share that is theirs; None when any share can't be told."""
        if len(uses) == 1 and uses[0][1].utilization_percent is not None:
            return uses[0][1].utilization_percent
        shares: dict[str, float] = {}
        own: dict[str, set[int]] = {}
        for gpu, process in uses:
            own.setdefault(gpu.uuid, set()).add(process.pid)
        for gpu, process in uses:
            share = process.utilization_percent
            if share is None and gpu.utilization_percent is not None:
                if gpu.utilization_percent == 0:
                    share = 0.0
                elif len(own[gpu.uuid]) == self._crowd[gpu.uuid]:
                    shares[gpu.uuid] = gpu.utilization_percent
                    continue
            if share is None:
                return None
            shares[gpu.uuid] = shares.get(gpu.uuid, 0.0) + share
        return min(100.0, max(shares.values()))


def _reading(uses: Sequence[Use]) -> Reading:
    """Whether memory is held and unused. A busy GPU that does not say whose work it does counts as used."""
    used = [
        gpu.utilization_percent if process.utilization_percent is None else process.utilization_percent
        for gpu, process in uses
    ]
    memory = [process.memory_bytes for _, process in uses]
    if any(used):
        return Reading.BUSY
    if not any(memory):
        return Reading.UNKNOWN if None in memory else Reading.BUSY
    return Reading.UNKNOWN if None in used else Reading.QUIET
