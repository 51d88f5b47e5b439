"""Reads `nvidia-smi pmon`. Pure: text to rows.

Called by the `smi` driver for what no other output has: how busy each process keeps the GPU. Columns
differ between drivers and options (`-s um` adds memory, `-o DT` date and time), so the header names
them; it comes again every so many lines. The command is last, cut to 15 characters, and may hold blanks.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from sentinel.core.gpu import Gpu, GpuProcess, ProcessKind
from sentinel.drivers.gpus import smi_values as values
from sentinel.drivers.gpus.listing import kind_of
from sentinel.drivers.gpus.smi_complaints import is_prose


@dataclass(frozen=True, slots=True, kw_only=True)
class PmonRow:
    """One process in one sample. Percentages are of the sampling period; in MIG mode all are None."""

    gpu_index: int
    pid: int
    kind: ProcessKind
    command: str | None = None
    sm_percent: float | None = None
    memory_percent: float | None = None  # of the memory's bandwidth
    encoder_percent: float | None = None
    decoder_percent: float | None = None
    memory_bytes: int | None = None  # only with `-s m`


def parse_pmon(said: str) -> tuple[PmonRow, ...]:
    """Every process of every sample in `said`, in order. A GPU without processes has no row."""
    names: list[str] = []
    rows: list[PmonRow] = []
    for line in said.split("\n"):
        if line.lstrip().startswith("#"):
            titles = line.replace("#", " ", 1).lower().split()
            names = titles if "pid" in titles else names
        elif names and not is_prose(line):
            cells = line.split(None, len(names) - 1)
            row = _row(dict(zip(names, cells, strict=True))) if len(cells) == len(names) else None
            rows += [row] if row else []
    return tuple(rows)


def with_utilization(gpus: Iterable[Gpu], rows: Iterable[PmonRow]) -> tuple[Gpu, ...]:
    """`gpus` with each process's SM share from the last sample that has it."""
    shares = {(row.gpu_index, row.pid): row.sm_percent for row in rows}
    return tuple(_busy(gpu, shares) for gpu in gpus)


def _busy(gpu: Gpu, shares: Mapping[tuple[int, int], float | None]) -> Gpu:
    if gpu.processes is None:
        return gpu
    processes: list[GpuProcess] = [
        replace(process, utilization_percent=shares.get((gpu.index, process.pid)))
        for process in gpu.processes
    ]
    return replace(gpu, processes=tuple(processes))


def _row(cells: Mapping[str, str]) -> PmonRow | None:
    index, pid = values.whole(cells.get("gpu")), values.whole(cells.get("pid"))
    if index is None or pid is None:
        return None
    return PmonRow(
        gpu_index=index,
        pid=pid,
        kind=kind_of(cells.get("type", "")),
        command=values.text(cells.get("command")),
        sm_percent=values.number(cells.get("sm"), "%"),
        memory_percent=values.number(cells.get("mem"), "%"),
        encoder_percent=values.number(cells.get("enc"), "%"),
        decoder_percent=values.number(cells.get("dec"), "%"),
        memory_bytes=values.memory(cells.get("fb")),
    )
