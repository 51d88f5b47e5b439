"""The cards of the last minutes, for what only shows over time: growing counters, stragglers.

Kept by whoever runs rounds, and handed to each as `HealthView.earlier` and `.known`. A value: `after` gives
the next one. Memory is bounded: at most `WINDOW / APART` looks a card.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sentinel.core.finding import GpuRef
from sentinel.core.gpu import GpuReading
from sentinel.health.view import Seen, ref

WINDOW = 600.0
"""Seconds: long enough for a rate, short enough that a mended card is soon seen as such."""

APART = 10.0
"""Seconds between looks that are kept: the NVML driver reads counters anew no more often than that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """See the fields of the same names in HealthView."""

    earlier: Mapping[str, tuple[Seen, ...]] = field(default_factory=dict[str, tuple[Seen, ...]])
    known: tuple[GpuRef, ...] = ()

    def after(self, at: float, reading: GpuReading) -> "History":
        """With `reading` of `at` (epoch seconds), to be called after the round that looked at it."""
        earlier = {uuid: _recent(seen, at) for uuid, seen in self.earlier.items()}
        earlier = {uuid: seen for uuid, seen in earlier.items() if seen}
        known = {one.uuid: one for one in self.known}
        for gpu in reading.gpus:
            past = earlier.get(gpu.uuid, ())
            if not past or at - past[-1].at >= APART:
                earlier[gpu.uuid] = (*past, Seen(at=at, gpu=gpu))
            if gpu.named:
                known[gpu.uuid] = ref(gpu)
        return History(earlier=earlier, known=tuple(known.values()))

    def without(self, uuid: str) -> "History":
        """Forgets a card that was taken out on purpose, which would otherwise stay lost until a reboot."""
        earlier = {key: seen for key, seen in self.earlier.items() if key != uuid}
        return History(earlier=earlier, known=tuple(one for one in self.known if one.uuid != uuid))


def _recent(seen: tuple[Seen, ...], at: float) -> tuple[Seen, ...]:
    """What is not too old, and not of the future (the clock was set back)."""
    return tuple(one for one in seen if 0 <= at - one.at <= WINDOW)
