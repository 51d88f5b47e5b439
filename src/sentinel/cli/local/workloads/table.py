"""Workloads as a table for people. Pure: an inventory, what of it, the time and a width → lines.

Called by `sentinel workloads`. At 80 columns the name gives way, then the user; status, GPUs and type never.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from sentinel.cli.colour import Paint, painted
from sentinel.cli.columns import Column, aligned, joined, widths
from sentinel.cli.local.workloads.cells import (
    NONE,
    UNKNOWN,
    age_of,
    gpu_memory_text,
    gpus_text,
    name_text,
    percent_text,
    short_id,
    size_text,
    status_paint,
    status_text,
    user_text,
)
from sentinel.cli.local.workloads.selection import idle, indices
from sentinel.cli.text_width import cell
from sentinel.core.inventory import Inventory
from sentinel.core.units import show_size
from sentinel.core.workload import Workload

_TYPE = Column(title="TYPE")
_USER = Column(title="USER", least=6, most=16)
_GPUS = Column(title="GPU(S)")
_STATUS = Column(title="STATUS")
_AGE = Column(title="AGE", right=True)
_NAME = Column(title="NAME", least=6)
_NARROW = (_TYPE, _USER, _GPUS, _STATUS, _AGE, _NAME)
_WIDE = (
    Column(title="ID"),
    *_NARROW[:-1],
    Column(title="CPU%", right=True),
    Column(title="MEMORY", right=True),
    Column(title="GPU MEMORY", right=True),
    Column(title="IMAGE", least=12, most=40),
    Column(title="NAME", least=12),
)
_BY_USER = (
    _USER,
    Column(title="WORKLOADS", right=True),
    _GPUS,
    Column(title="GPU MEMORY", right=True),
    Column(title="IDLE", right=True),
)


def workload_lines(
    inventory: Inventory,
    workloads: Sequence[Workload],
    now: float,
    width: int | None,
    *,
    wide: bool = False,
    colours: bool = False,
) -> list[str]:
    """The table of these workloads, a heading first. `width` None: as wide as it needs."""
    index = indices(inventory)
    rows = [_wide(one, index, now) if wide else _narrow(one, index, now) for one in workloads]
    columns = _WIDE if wide else _NARROW
    sizes = widths(columns, rows, width)
    lines = [painted(_titles(columns, sizes), Paint.HEAD, on=colours)]
    place = columns.index(_STATUS)
    for workload, row in zip(workloads, rows, strict=True):
        cells = aligned(columns, row, sizes)
        cells[place] = painted(cells[place], status_paint(workload), on=colours)
        lines.append(joined(cells))
    return lines


def by_user_lines(
    inventory: Inventory, workloads: Iterable[Workload], width: int | None, *, colours: bool = False
) -> list[str]:
    """A line a user: how many workloads, which GPUs, how much of their memory, how many lie idle."""
    groups: dict[str | None, list[Workload]] = defaultdict(list)
    for workload in workloads:
        groups[workload.user or None].append(workload)
    index = indices(inventory)
    order = sorted(groups, key=lambda user: (user is None, -_known_memory(groups[user]), user or ""))
    rows = [_by_user(user, groups[user], index) for user in order]
    sizes = widths(_BY_USER, rows, width)
    heading = painted(_titles(_BY_USER, sizes), Paint.HEAD, on=colours)
    return [heading, *(joined(aligned(_BY_USER, row, sizes)) for row in rows)]


def _titles(columns: Sequence[Column], sizes: Sequence[int]) -> str:
    return joined(aligned(columns, [column.title for column in columns], sizes))


def _narrow(workload: Workload, index: Mapping[str, int], now: float) -> tuple[str, ...]:
    return (
        workload.origin.value,
        user_text(workload),
        gpus_text(workload.gpus, index),
        status_text(workload, now),
        age_of(workload, now),
        name_text(workload),
    )


def _wide(workload: Workload, index: Mapping[str, int], now: float) -> tuple[str, ...]:
    narrow = _narrow(workload, index, now)
    return (
        short_id(workload),
        *narrow[:-1],
        NONE if workload.state.stopped else percent_text(workload.cpu_percent),
        NONE if workload.state.stopped else size_text(workload.memory_bytes),
        gpu_memory_text(workload),
        cell(workload.image) if workload.image else NONE,
        narrow[-1],
    )


def _by_user(user: str | None, theirs: Sequence[Workload], index: Mapping[str, int]) -> tuple[str, ...]:
    uuids = {uuid for one in theirs for uuid in one.gpus or ()}
    gpus = gpus_text(uuids, index)
    if any(one.gpus is None for one in theirs):
        gpus = UNKNOWN if gpus == NONE else f"{gpus} + ?"
    return (
        cell(user) if user else UNKNOWN,
        str(len(theirs)),
        gpus,
        _memory(theirs),
        str(sum(map(idle, theirs))),
    )


def _memory(theirs: Sequence[Workload]) -> str:
    """The sum of what is known, and whether there is more that is not."""
    unsure = any(gpu_memory_text(one) == UNKNOWN for one in theirs)
    known = [one.gpu_memory_bytes for one in theirs if one.gpu_memory_bytes is not None]
    if not known:
        return UNKNOWN if unsure else NONE
    return f"{show_size(sum(known))}{' + ?' if unsure else ''}"


def _known_memory(theirs: Iterable[Workload]) -> int:
    return sum(one.gpu_memory_bytes or 0 for one in theirs)
