"""What we need of whoever tells of a GPU's errors as they happen. Driver: drivers/gpus/nvml_events."""

from dataclasses import dataclass
from typing import Protocol

from sentinel.core.finding import GpuRef


@dataclass(frozen=True, slots=True, kw_only=True)
class XidEvent:
    """The driver raised `code` on `gpu` at `at` (epoch seconds, when we were told)."""

    code: int
    gpu: GpuRef
    at: float


class XidSource(Protocol):
    """Used by one thread, which it blocks."""

    def wait(self, seconds: float) -> XidEvent | None:
        """The next Xid, or None when none came within `seconds` (at most 60).

        Raises GpuReadError when the driver is gone, or no card can tell: wait a moment before the next call.
        """
        ...

    def close(self) -> None:
        """Lets go of the driver. Idempotent; the next `wait` opens it again."""
        ...
