"""The process table of `sentinel top`: filtered, sorted, as rows or a line a user. Pure.

Called by `view`. "?" is unknown, and unknown comes last however the table is sorted.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sentinel.cli.columns import Column, aligned, joined, widths
from sentinel.cli.local.duration_text import age_text
from sentinel.cli.local.top.look import ProcessRow
from sentinel.cli.local.top.spans import Line, Span, Style, clipped, line
from sentinel.cli.local.top.state import SortBy, TopState
from sentinel.cli.local.workloads.cells import UNKNOWN, ranges, size_text
from sentinel.cli.text_width import cell
from sentinel.core.units import show_size
from sentinel.core.workload import Origin

_WIDE = 120  # from here on there is room for the process' own name, too

TYPES = {
    Origin.SENTINEL: "sentinel",
    Origin.DS01: "ds01",
    Origin.COMPOSE: "compose",
    Origin.DEVCONTAINER: "devcont",
    Origin.KUBERNETES: "k8s",
    Origin.SLURM: "slurm",
    Origin.PODMAN: "podman",
    Origin.DOCKER: "docker",
    Origin.HOST: "host",
    Origin.SYSTEM: "system",
    Origin.UNKNOWN: "unknown",
}

_COLUMNS = (
    Column(title="GPU"),
    Column(title="PID", right=True),
    Column(title="USER", least=6, most=16),
    Column(title="TYPE"),
    Column(title="GPU MEM", right=True),
    Column(title="SM%", right=True),
    Column(title="CPU%", right=True),
    Column(title="MEM", right=True),
    Column(title="AGE", right=True),
    Column(title="NAME", least=6),
)
_PROCESS = Column(title="PROCESS", least=8)
_GROUPED = (
    Column(title="USER", least=6),
    Column(title="PROCESSES", right=True),
    Column(title="GPU(S)"),
    Column(title="GPU MEM", right=True),
    Column(title="SM%", right=True),
    Column(title="CPU%", right=True),
    Column(title="MEM", right=True),
)
_GROUP_SORTS = (SortBy.USER, SortBy.GPU_MEMORY, SortBy.SM, SortBy.CPU, SortBy.MEMORY)

Key = Callable[[ProcessRow], Any]
_KEYS: dict[SortBy, Key] = {
    SortBy.GPU: lambda row: (row.gpu_index, -1 if row.mig_index is None else row.mig_index),
    SortBy.PID: lambda row: row.pid,
    SortBy.USER: lambda row: row.user,
    SortBy.TYPE: lambda row: row.origin and TYPES[row.origin],
    SortBy.GPU_MEMORY: lambda row: row.gpu_memory_bytes,
    SortBy.SM: lambda row: row.sm_percent,
    SortBy.CPU: lambda row: row.cpu_percent,
    SortBy.MEMORY: lambda row: row.memory_bytes,
    SortBy.AGE: lambda row: None if row.started_at is None else -row.started_at,
    SortBy.NAME: lambda row: row.name,
}


def filtered(rows: Iterable[ProcessRow], text: str) -> list[ProcessRow]:
    """Those of which user, name, type, process name or pid contain `text`, in any case."""
    wanted = text.strip().casefold()
    return [row for row in rows if not wanted or any(wanted in word for word in _words(row))]


def _words(row: ProcessRow) -> Iterable[str]:
    origin = (row.origin.value, TYPES[row.origin]) if row.origin else ()
    for word in (row.user, row.name, row.process_name, str(row.pid), *origin):
        yield (word or "").casefold()


def in_order(rows: Iterable[ProcessRow], by: SortBy, *, reverse: bool) -> list[ProcessRow]:
    """The rows sorted by that column; those of which it is unknown come last either way."""
    key = _KEYS[by]
    steady = sorted(rows, key=lambda row: (row.gpu_index, row.pid))
    known = [row for row in steady if key(row) is not None]
    unknown = [row for row in steady if key(row) is None]
    return sorted(known, key=key, reverse=by.falling is not reverse) + unknown


def process_lines(rows: Sequence[ProcessRow], state: TopState, now: float, width: int) -> list[Line]:
    """A heading and a line for each of `rows`, which are sorted already. `now`: epoch."""
    wide = width >= _WIDE
    columns = (*_COLUMNS, _PROCESS) if wide else _COLUMNS
    table = [_cells(row, now)[: len(columns)] for row in rows]
    return _laid_out(columns, table, state.sort, width)


def _cells(row: ProcessRow, now: float) -> tuple[str, ...]:
    return (
        str(row.gpu_index) if row.mig_index is None else f"{row.gpu_index}:{row.mig_index}",
        str(row.pid),
        cell(row.user) if row.user else UNKNOWN,
        TYPES[row.origin] if row.origin else UNKNOWN,
        size_text(row.gpu_memory_bytes),
        _share(row.sm_percent),
        _share(row.cpu_percent),
        size_text(row.memory_bytes),
        age_text(None if row.started_at is None else now - row.started_at),
        cell(row.name) if row.name else UNKNOWN,
        cell(row.process_name) if row.process_name else UNKNOWN,
    )


def group_lines(rows: Iterable[ProcessRow], state: TopState, width: int) -> list[Line]:
    """A heading and a line for each user."""
    groups: dict[str | None, list[ProcessRow]] = defaultdict(list)
    for row in rows:
        groups[row.user].append(row)
    by = state.sort if state.sort in _GROUP_SORTS else SortBy.GPU_MEMORY
    falling = by.falling is not state.reverse
    order = sorted(groups.items(), key=lambda one: one[0] or "")
    order.sort(key=lambda one: _group_key(one[0], one[1], by), reverse=falling)
    order.sort(key=lambda one: one[0] is None)  # whose user is unknown comes last
    table = [_group_cells(user, theirs) for user, theirs in order]
    return _laid_out(_GROUPED, table, by, width)


def _group_key(user: str | None, theirs: Sequence[ProcessRow], by: SortBy) -> Any:
    if by is SortBy.USER:
        return user or ""
    return sum(_KEYS[by](row) or 0 for row in _once(theirs, by))


def _once(theirs: Iterable[ProcessRow], by: SortBy) -> Iterable[ProcessRow]:
    """Each row, but a process on several GPUs only once where what counts is the process's own."""
    if by in (SortBy.CPU, SortBy.MEMORY):
        return {row.pid: row for row in theirs}.values()
    return theirs


def _group_cells(user: str | None, theirs: Sequence[ProcessRow]) -> tuple[str, ...]:
    once = list(_once(theirs, SortBy.CPU))
    return (
        cell(user) if user else UNKNOWN,
        str(len(once)),
        ranges(row.gpu_index for row in theirs),
        _sum([row.gpu_memory_bytes for row in theirs], show_size),
        _sum([row.sm_percent for row in theirs], _share),
        _sum([row.cpu_percent for row in once], _share),
        _sum([row.memory_bytes for row in once], show_size),
    )


def _sum(values: Sequence[Any], show: Callable[[Any], str]) -> str:
    """The sum of what is known; "+?" where there is more that is not."""
    known = [value for value in values if value is not None]
    if not known:
        return UNKNOWN
    return show(sum(known)) + ("+?" if len(known) < len(values) else "")


def _share(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.0f}"


def _laid_out(
    columns: Sequence[Column], table: Sequence[Sequence[str]], by: SortBy, width: int
) -> list[Line]:
    """A heading and the table. Columns stand two apart where nothing has to be cut for that, else one."""
    natural = widths(columns, table, None)
    gap = 2 if sum(natural) + 2 * (len(columns) - 1) <= width else 1
    sizes = widths(columns, table, width, gap)
    rows = [line(joined(aligned(columns, row, sizes), gap)) for row in table]
    return [clipped(one, width) for one in (_heading(columns, sizes, by, gap), *rows)]


def _heading(columns: Sequence[Column], sizes: Sequence[int], by: SortBy, gap: int) -> Line:
    titles = aligned(columns, [column.title for column in columns], sizes)
    spans: list[Span] = []
    for column, title in zip(columns, titles, strict=True):
        # Only the words are underlined: their padding would look like one long line.
        style = Style.SORTED if column.title == by.value else Style.HEAD
        blanks = len(title) - len(title.lstrip())
        spans += [
            Span(title[:blanks], Style.HEAD),
            Span(title.strip(), style),
            Span(title[blanks + len(title.strip()) :] + " " * gap, Style.HEAD),
        ]
    return tuple(span for span in spans if span.text)
