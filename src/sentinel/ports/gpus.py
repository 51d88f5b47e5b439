"""What we need of whatever reads GPUs. Drivers: nvml, smi, simulated."""

from typing import Protocol

from sentinel.core.gpu import GpuReading


class GpuSource(Protocol):
    """Reads the GPUs of this machine.

    A source is used by one thread at a time. Both calls may block (a sick driver can hang for
    minutes), so callers keep them off their main loop.
    """

    def read(self) -> GpuReading:
        """Every GPU with the processes on it. Idempotent, changes nothing.

        Raises GpuReadError when the GPUs as a whole cannot be read. One broken card among good ones
        is not an error: it comes back with `error` set and its unknown values None.
        """
        ...

    def close(self) -> None:
        """Lets go of the driver. Idempotent; `read` after it is undefined."""
        ...
