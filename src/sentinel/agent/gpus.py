"""GPUs that are opened when they are first read, and again until that works. Called by the wiring.

The agent starts at boot, before the driver perhaps, and must not die of it.
"""

from collections.abc import Callable

from sentinel.core.errors import GpuReadError, SourceAbsent
from sentinel.core.gpu import GpuReading
from sentinel.ports.gpus import GpuSource


class LazyGpus:
    """Implements ports.gpus.GpuSource over whatever `open_` gives once it does."""

    def __init__(self, open_: Callable[[], GpuSource]) -> None:
        self._open = open_
        self._source: GpuSource | None = None

    def read(self) -> GpuReading:
        if self._source is None:
            self._source = self._open()
        return self._source.read()

    def close(self) -> None:
        if self._source is not None:
            self._source.close()
            self._source = None


def absent_or_unknown(read: Callable[[], GpuReading], anything_here: Callable[[], bool]) -> GpuReading:
    """What `read` gives. Where it fails on a machine that has nothing to read: SourceAbsent."""
    try:
        return read()
    except GpuReadError:
        if anything_here():
            raise
        raise SourceAbsent("this machine has no NVIDIA GPU and no driver for one") from None
