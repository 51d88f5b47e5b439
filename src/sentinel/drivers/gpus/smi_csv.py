"""Reads the CSV of `nvidia-smi --query-gpu=…` and `--query-compute-apps=…`. Pure: text to nouns.

Called by the `smi` driver with the fields that it asked for, and without them for text that carries a
header row (with units or without). Cells are not quoted and a process may be named "a, b", so surplus
cells belong to the name.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sentinel.core.gpu import Gpu, GpuProcess, ProcessKind, unnamed
from sentinel.drivers.gpus import smi_values as values
from sentinel.drivers.gpus.listing import merged, pci_address
from sentinel.drivers.gpus.smi_complaints import Unreachable, is_prose, unreachable
from sentinel.drivers.gpus.smi_sensors import sensors_in_row

# Asked for together; those an old driver does not know are dropped one by one.
GPU_FIELDS = (
    "index",
    "uuid",
    "name",
    "pci.bus_id",
    "memory.total",
    "memory.used",
    "memory.free",
    "utilization.gpu",
    "temperature.gpu",
    "power.draw",
    "enforced.power.limit",
    "power.limit",
    "fan.speed",
    "mig.mode.current",
    "driver_version",
    "count",
)
APP_FIELDS = ("gpu_uuid", "pid", "used_gpu_memory", "process_name")

_HEADING = re.compile(r"[A-Za-z][\w.]*(?: \[[^\]]*\])?")
_UNIT = re.compile(r"\s*\[[^\]]*\]$")
_GPU_ALIASES = {"gpu_name": "name", "gpu_uuid": "uuid", "gpu_bus_id": "pci.bus_id"}
_APP_ALIASES = {"used_memory": "used_gpu_memory", "name": "process_name"}
_VITAL = (
    "memory.total",
    "memory.used",
    "memory.free",
    "utilization.gpu",
    "temperature.gpu",
    "power.draw",
    "fan.speed",
)

Row = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuTable:
    """What `--query-gpu` said. `count` is how many cards the driver has, listed or not."""

    gpus: tuple[Gpu, ...]
    silent: tuple[Unreachable, ...] = ()
    count: int | None = None
    driver_version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AppTable:
    """What `--query-compute-apps` said: the compute processes by GPU UUID, None where unreadable.

    `readable` is False when the driver says that it can list no processes at all.
    """

    by_uuid: Mapping[str, tuple[GpuProcess, ...] | None]
    readable: bool = True

    def on(self, uuid: str) -> tuple[GpuProcess, ...] | None:
        """The processes on the GPU; () when it has none."""
        return self.by_uuid.get(uuid, ()) if self.readable else None


def parse_gpus(said: str, fields: Sequence[str] | None = None) -> GpuTable:
    """The cards in `said`; `fields` are its columns, None when its first row names them."""
    lines = _lines(said)
    rows = _rows(lines, fields, _GPU_ALIASES, glue="name")
    counts = [count for row in rows if (count := values.whole(row.get("count"))) is not None]
    versions = [found for row in rows if (found := values.text(row.get("driver_version")))]
    return GpuTable(
        gpus=tuple(_gpu(place, row) for place, row in enumerate(rows)),
        silent=unreachable(lines),
        count=max(counts, default=None),
        driver_version=versions[0] if versions else None,
    )


def parse_compute_apps(said: str, fields: Sequence[str] | None = None) -> AppTable:
    """The processes in `said` that hold a compute context; `fields` as in `parse_gpus`.

    The driver does not say here whether such a process draws as well, so its kind is COMPUTE.
    """
    lines = _lines(said)
    found: dict[str, list[GpuProcess] | None] = {}
    for row in _rows(lines, fields, _APP_ALIASES, glue="process_name"):
        uuid = values.text(row.get("gpu_uuid", "no such column"))
        if uuid is None:
            return AppTable(by_uuid={}, readable=False)
        pid = values.whole(row.get("pid"))
        listed = found.setdefault(uuid, [])
        if pid is None:
            # Somebody is there and cannot be named: the list is not known, rather than shorter.
            found[uuid] = None
        elif listed is not None:
            listed.append(_app(pid, row))
    refused = any(line.strip() and values.text(line) is None for line in lines)
    return AppTable(
        by_uuid={uuid: None if listed is None else merged(listed) for uuid, listed in found.items()},
        readable=not refused,
    )


def _app(pid: int, row: Row) -> GpuProcess:
    return GpuProcess(
        pid=pid,
        kind=ProcessKind.COMPUTE,
        memory_bytes=values.memory(row.get("used_gpu_memory")),
        name=values.text(row.get("process_name")),
    )


def _gpu(place: int, row: Row) -> Gpu:
    index = values.whole(row.get("index"))
    index = place if index is None else index
    address = pci_address(row.get("pci.bus_id", ""))
    limit = values.number(row.get("enforced.power.limit"), "W")
    troubles = [said for field in _VITAL if (said := values.trouble(field, row.get(field)))]
    return Gpu(
        index=index,
        uuid=values.text(row.get("uuid")) or unnamed(address or index),
        name=values.text(row.get("name")),
        pci_bus_id=address,
        memory_total_bytes=values.memory(row.get("memory.total")),
        memory_used_bytes=values.memory(row.get("memory.used")),
        memory_free_bytes=values.memory(row.get("memory.free")),
        utilization_percent=values.number(row.get("utilization.gpu"), "%"),
        temperature_celsius=values.number(row.get("temperature.gpu"), "C", negative=True),
        power_watts=values.number(row.get("power.draw"), "W"),
        power_limit_watts=values.number(row.get("power.limit"), "W") if limit is None else limit,
        fan_percent=values.number(row.get("fan.speed"), "%"),
        mig_enabled=values.flag(row.get("mig.mode.current")),
        error=troubles[0] if troubles else None,
        sensors=sensors_in_row(row),
    )


def _lines(said: str) -> list[str]:
    # Not splitlines(): a process may have a form feed or U+2028 in its name.
    return [line.rstrip("\r") for line in said.split("\n")]


def _rows(
    lines: Sequence[str], fields: Sequence[str] | None, aliases: Mapping[str, str], glue: str
) -> list[Row]:
    names = [aliases.get(field, field) for field in fields] if fields is not None else None
    rows: list[Row] = []
    for line in lines:
        if is_prose(line):
            continue
        if names is None:
            names = _heading(line, aliases)
            continue
        cells = _cells(line, names, glue)
        if cells is not None:
            rows.append(dict(zip(names, cells, strict=True)))
    return rows


def _heading(line: str, aliases: Mapping[str, str]) -> list[str] | None:
    cells = [cell.strip() for cell in line.split(",")]
    if not all(_HEADING.fullmatch(cell) for cell in cells):
        return None
    names = [_UNIT.sub("", cell) for cell in cells]
    return [aliases.get(name, name) for name in names]


def _cells(line: str, names: Sequence[str], glue: str) -> list[str] | None:
    """The cells of `line`, one for each name; None when it is no row of this table."""
    cells = line.split(",")
    surplus = len(cells) - len(names)
    if surplus > 0 and glue in names:
        at = names.index(glue)
        cells[at : at + surplus + 1] = [",".join(cells[at : at + surplus + 1])]
    return [cell.strip() for cell in cells] if len(cells) == len(names) else None
