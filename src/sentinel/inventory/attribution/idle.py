"""Since when a workload holds GPU memory and leaves it unused. Called by attribution for each one.

Only looks close enough to each other say something about the time between them: a longer gap starts the
count anew. A look that could not tell neither counts nor starts anew. Durations are of boot time.
"""

from dataclasses import dataclass
from enum import StrEnum

from sentinel.inventory.observation import Settings


class Reading(StrEnum):
    """What one look says about the use of the GPU memory that a workload holds."""

    QUIET = "quiet"  # memory is held, and all the GPUs it is on are known to be unused
    BUSY = "busy"  # it is used, or none is held
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """`since` and `idle_since` in epoch seconds; in boot time `begun`, and `looked` for the last proof."""

    since: float | None = None
    idle_since: float | None = None
    begun: float | None = None
    looked: float | None = None


NOT_QUIET = Quiet()


def quiet(reading: Reading, before: Quiet, at: float, boottime: float, settings: Settings) -> Quiet:
    """How it stands after this look, at `at` (epoch) and `boottime` (seconds since boot)."""
    if reading is Reading.BUSY:
        return NOT_QUIET
    close = before.looked is not None and 0 <= boottime - before.looked <= settings.longest_gap
    if reading is Reading.UNKNOWN:
        return before if close else NOT_QUIET
    if not close or before.since is None or before.begun is None:
        before = Quiet(since=at, begun=boottime)
    begun = boottime if before.begun is None else before.begun
    idle = boottime - begun >= settings.idle_after
    return Quiet(since=before.since, idle_since=before.since if idle else None, begun=begun, looked=boottime)
