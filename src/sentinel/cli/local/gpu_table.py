"""GPUs as a table for people: plain text, units on every number, "unknown" where that is the truth.

Called by `sentinel gpus`. Fits in the width it is given, 80 columns at least.
"""

import shutil
from collections.abc import Iterable

from sentinel.cli.plain import one_line, shortened
from sentinel.core.gpu import Gpu, GpuProcess, GpuReading, MigDevice, ProcessKind
from sentinel.core.gpu_json import runs_on
from sentinel.core.units import show_size

_NARROW = 80
_COLUMNS = ("GPU", "NAME", "MEMORY", "UTIL", "TEMP", "POWER")
_KINDS = {
    ProcessKind.COMPUTE: "compute",
    ProcessKind.GRAPHICS: "graphics",
    ProcessKind.BOTH: "compute+graphics",
    ProcessKind.MPS: "mps-client",
    ProcessKind.UNKNOWN: "kind unknown",
}


def width_here() -> int:
    """The terminal's width (or $COLUMNS); 80 when the output goes elsewhere."""
    return max(_NARROW, shutil.get_terminal_size((_NARROW, 24)).columns)


def show_reading(reading: GpuReading, width: int) -> str:
    """The whole table, without a newline at its end."""
    if not reading.gpus:
        return f"no GPUs\n{_footer(reading)}"
    rows = [_COLUMNS, *(_row(gpu) for gpu in reading.gpus)]
    sizes = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    # What the numbers leave is the name's.
    sizes[1] = min(sizes[1], width - sum(sizes) + sizes[1] - 2 * (len(sizes) - 1))
    lines = [_line(rows[0], sizes)]
    for gpu, row in zip(reading.gpus, rows[1:], strict=True):
        lines += [_line(row, sizes), *_below(gpu, width)]
    return "\n".join([*lines, _footer(reading)])


def _row(gpu: Gpu) -> tuple[str, ...]:
    return (
        str(gpu.index),
        one_line(gpu.name or "unknown"),
        f"{show_size(gpu.memory_used_bytes)} / {show_size(gpu.memory_total_bytes)}",
        _number(gpu.utilization_percent, "%"),
        _number(gpu.temperature_celsius, "C"),
        _number(gpu.power_watts, "W"),
    )


def _line(cells: tuple[str, ...], sizes: list[int]) -> str:
    index, name, *numbers = cells
    padded = [index.ljust(sizes[0]), name[: sizes[1]].ljust(sizes[1])]
    padded += [number.rjust(size) for number, size in zip(numbers, sizes[2:], strict=True)]
    return "  ".join(padded).rstrip()


def _below(gpu: Gpu, width: int) -> Iterable[str]:
    if gpu.error:
        yield f"     ! {one_line(gpu.error)}"[:width]
    if gpu.processes is None:
        yield "     processes unknown"
    placed: list[GpuProcess] = []
    for device in gpu.mig_devices:
        yield shortened(_mig_line(device), width)
        here = [one for one in gpu.processes or () if runs_on(one, device)]
        placed += here
        yield from (_process_line(one, width, indent=7) for one in here)
    yield from (_process_line(one, width, indent=5) for one in gpu.processes or () if one not in placed)


def _mig_line(device: MigDevice) -> str:
    memory = f"{show_size(device.memory_used_bytes)} / {show_size(device.memory_total_bytes)}"
    name = one_line(device.name or "name unknown")
    return f"     MIG {device.index}  {name}  {memory}"


def _process_line(process: GpuProcess, width: int, indent: int) -> str:
    busy = process.utilization_percent
    share = "" if busy is None else f"  {busy:.0f} %"
    start = (
        f"{' ' * indent}{process.pid:>8}  {_KINDS[process.kind]:<8}  "
        f"{show_size(process.memory_bytes):>8}{share}  "
    )
    return start + shortened(one_line(process.name or "name unknown"), width - len(start))


def _footer(reading: GpuReading) -> str:
    parts = [f"source {reading.source}"]
    if reading.driver_version:
        parts.append(f"driver {one_line(reading.driver_version)}")
    if reading.cuda_version:
        parts.append(f"CUDA up to {one_line(reading.cuda_version)}")
    return ", ".join(parts)


def _number(value: float | None, unit: str) -> str:
    return "unknown" if value is None else f"{value:.0f} {unit}"
