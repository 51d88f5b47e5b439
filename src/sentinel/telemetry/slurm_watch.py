"""How the reading of Slurm stands. Pure.

The exporter's sampler replaces it whole with each look; `slurm_metrics` reads it.
"""

from dataclasses import dataclass

from sentinel.core.slurm import SlurmReading


@dataclass(frozen=True, slots=True, kw_only=True)
class SlurmWatch:
    """The newest look, whatever came of it. `taken` is seconds since boot, `duration` how long it took.

    `failures` counts the looks at which nothing answered; `taken` None: there was none yet.
    """

    reading: SlurmReading | None = None
    taken: float | None = None
    duration: float | None = None
    failures: int = 0

    def age(self, now: float) -> float | None:
        """Seconds since that look began; None before the first."""
        return None if self.taken is None else max(0.0, now - self.taken)

    def fresh(self, now: float, stale_after: float) -> SlurmReading | None:
        """What was read, unless it is too old."""
        age = self.age(now)
        return None if age is None or age > stale_after else self.reading
