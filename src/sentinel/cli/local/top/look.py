"""What one look at the GPUs and their processes found, as `sentinel top` shows it. None is unknown.

Made by `owners`, drawn by `view`, written out by `as_json`.
"""

from dataclasses import dataclass

from sentinel.core.gpu import GpuReading, ProcessKind
from sentinel.core.workload import Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessRow:
    """A process on one GPU, with its owner. A process on two GPUs has two rows."""

    gpu_index: int
    gpu_uuid: str
    pid: int
    kind: ProcessKind
    mig_index: int | None = None
    user: str | None = None
    origin: Origin | None = None  # None: the inventory does not know it
    name: str | None = None  # of the container, job or pod; else of the process
    process_name: str | None = None
    workload_id: str | None = None
    gpu_memory_bytes: int | None = None
    sm_percent: float | None = None
    cpu_percent: float | None = None  # of one core, since the last look
    memory_bytes: int | None = None
    started_at: float | None = None  # epoch


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """`read_at` is on the boot clock, `wall` the same moment since the epoch.

    `notes` say what is wrong with the GPUs, and what is not known about owners. `rows` leaves out GPUs whose
    list could not be read.
    """

    node: str
    reading: GpuReading
    rows: tuple[ProcessRow, ...]
    read_at: float
    wall: float
    notes: tuple[str, ...] = ()
