"""The GPUs in `sentinel top`: a heading, a line each, below it what it is and what slows it down. Pure.

Called by `view`.
"""

from collections.abc import Iterable, Iterator, Sequence

from sentinel.cli.local.top.spans import Line, Span, Style, as_many_as_fit, bar, clipped, line
from sentinel.cli.local.top.state import Panel
from sentinel.cli.local.workloads.cells import percent_text
from sentinel.cli.text_width import cell, padded
from sentinel.core.gpu import Gpu, MigDevice
from sentinel.core.gpu_sensors import ThrottleReason

_GIB = 2**30
_FIXED = 55  # columns of a line apart from its two bars
_LEAST_BAR, _MOST_BAR = 6, 40
_SIZE = 14  # "39.9/80.0 GiB"

# In words for people; an idle GPU, and clocks that somebody set, are nothing to be warned of.
_SLOWED = {
    ThrottleReason.SW_POWER_CAP: "power limit",
    ThrottleReason.HW_SLOWDOWN: "hardware slowdown (heat or power)",
    ThrottleReason.SW_THERMAL_SLOWDOWN: "heat",
    ThrottleReason.HW_THERMAL_SLOWDOWN: "heat (hardware)",
    ThrottleReason.HW_POWER_BRAKE: "power brake of the machine",
}


def gpu_lines(gpus: Sequence[Gpu], panel: Panel, width: int, rows: int | None) -> list[Line]:
    """The GPUs in at most `rows` lines (None: as many as it takes): without detail where it does not fit."""
    if panel is Panel.HIDDEN or (rows is not None and rows < 2):
        return []
    heading = _heading(width)
    blocks = [_block(gpu, width, detail=panel is Panel.DETAIL) for gpu in gpus]
    if rows is None or 1 + sum(map(len, blocks)) <= rows:
        return [heading, *(one for block in blocks for one in block)]
    if panel is Panel.DETAIL:
        return gpu_lines(gpus, Panel.BRIEF, width, rows)
    return [heading, *_first(gpus, blocks, rows - 1)]


def _first(gpus: Sequence[Gpu], blocks: Sequence[list[Line]], rows: int) -> list[Line]:
    """As many GPUs as fit into `rows`, and how many are left out."""
    found: list[Line] = []
    for place, block in enumerate(blocks):
        # A block may need its last line for "N more".
        if len(found) + len(block) > rows - (place < len(blocks) - 1):
            left = len(gpus) - place
            return [*found, line(Span(f"... {left} more GPU{'s' if left > 1 else ''}", Style.DIM))]
        found += block
    return found


def _bar_width(width: int) -> int:
    return min(_MOST_BAR, max(_LEAST_BAR, (width - _FIXED) // 2))


def _heading(width: int) -> Line:
    bars = _bar_width(width)
    titles = as_many_as_fit(
        (
            line(padded("GPU", 4)),
            line(padded("UTIL", bars + 6)),
            line("  ", padded("MEMORY", bars + 1 + _SIZE)),
            line("  ", "TEMP".rjust(5)),
            line("  ", "POWER".rjust(9)),
            line("  ", "SM CLOCK".rjust(8)),
        ),
        width,
    )
    return line(Span("".join(span.text for span in titles), Style.HEAD))


def _block(gpu: Gpu, width: int, *, detail: bool) -> list[Line]:
    found = [_gpu_line(gpu, width)]
    if detail:
        found.append(clipped(line("    ", Span(", ".join(_details(gpu)), Style.DIM)), width))
        found += [_mig_line(device, width) for device in gpu.mig_devices]
    return found + [clipped(line("    ", Span(text, Style.WARN)), width) for text in _warnings(gpu)]


def _gpu_line(gpu: Gpu, width: int) -> Line:
    bars = _bar_width(width)
    share = None if gpu.utilization_percent is None else gpu.utilization_percent / 100
    return as_many_as_fit(
        (
            line(padded(str(gpu.index), 4)),
            (
                *bar(share, bars, Style.UTIL),
                Span(" " + percent_text(gpu.utilization_percent).rjust(5)),
            ),
            (
                Span("  "),
                *bar(_share(gpu.memory_used_bytes, gpu.memory_total_bytes), bars, Style.MEMORY),
                Span(" " + _memory(gpu.memory_used_bytes, gpu.memory_total_bytes).rjust(_SIZE)),
            ),
            line("  ", _number(gpu.temperature_celsius, "C").rjust(5)),
            line("  ", _power(gpu).rjust(9)),
            line("  ", _clock(gpu).rjust(8)),
        ),
        width,
    )


def _details(gpu: Gpu) -> Iterator[str]:
    yield cell(gpu.name or "name unknown")
    sensors = gpu.sensors
    if sensors is not None and sensors.memory_clock_hertz is not None:
        yield f"memory {_megahertz(sensors.memory_clock_hertz)}"
    if gpu.fan_percent is not None:
        yield f"fan {gpu.fan_percent:.0f} %"
    if sensors is not None and sensors.performance_state is not None:
        yield f"P{sensors.performance_state}"
    yield "processes unknown" if gpu.processes is None else _count(len(gpu.processes))
    if gpu.pci_bus_id:
        yield cell(gpu.pci_bus_id)


def _count(processes: int) -> str:
    return "1 process" if processes == 1 else f"{processes} processes"


def _mig_line(device: MigDevice, width: int) -> Line:
    used, total = device.memory_used_bytes, device.memory_total_bytes
    start = padded(f"    MIG {device.index}  {cell(device.name or '?')}", 27)
    return as_many_as_fit(
        (
            line(start),
            (Span("  "), *bar(_share(used, total), _bar_width(width), Style.MEMORY)),
            line(" ", _memory(used, total).rjust(_SIZE)),
        ),
        width,
    )


def _warnings(gpu: Gpu) -> Iterable[str]:
    if gpu.error:
        yield f"! {cell(gpu.error)}"
    reasons = None if gpu.sensors is None else gpu.sensors.throttle_reasons
    slowed = [words for reason, words in _SLOWED.items() if reason in (reasons or ())]
    if slowed:
        yield f"! slowed down: {', '.join(slowed)}"


def _share(used: int | None, total: int | None) -> float | None:
    return None if used is None or not total else used / total


def _memory(used: int | None, total: int | None) -> str:
    """Both in GiB, "?" for unknown; a small card's in MiB."""
    if total is not None and total < _GIB:
        return f"{'?' if used is None else used >> 20}/{total >> 20} MiB"
    return f"{_gib(used)}/{_gib(total)} GiB"


def _gib(count: int | None) -> str:
    if count is None:
        return "?"
    value = count / _GIB
    return f"{value:.0f}" if value >= 99.95 or value == 0 else f"{value:.1f}"


def _number(value: float | None, unit: str) -> str:
    return "?" if value is None else f"{value:.0f} {unit}"


def _power(gpu: Gpu) -> str:
    if gpu.power_watts is None and gpu.power_limit_watts is None:
        return "?"
    now, most = gpu.power_watts, gpu.power_limit_watts
    shown = "?" if now is None else f"{now:.0f}"
    return f"{shown} W" if most is None else f"{shown}/{most:.0f} W"


def _clock(gpu: Gpu) -> str:
    clock = None if gpu.sensors is None else gpu.sensors.sm_clock_hertz
    return "?" if clock is None else _megahertz(clock)


def _megahertz(hertz: float) -> str:
    return f"{hertz / 1e6:.0f} MHz"
