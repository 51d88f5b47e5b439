"""The formats that can be replayed: one table, and which of them a file is in.

Called by `sentinel simulate trace` and the benchmarks.
"""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sentinel.core.errors import UsageError
from sentinel.simulation.replay.reading import elasticflow, openb, ours, philly, sacct, sacct_json
from sentinel.simulation.replay.reading.rows import text_of
from sentinel.simulation.replay.trace import Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    name: str
    help: str
    read: Callable[[Path], Trace]


_TABLE = (
    Format(name="ours", help="`sentinel job list --all --json`", read=ours.read),
    Format(name="sacct", help="Slurm: `sacct -P`", read=sacct.read),
    Format(name="sacct-json", help="Slurm: `sacct --json`", read=sacct_json.read),
    Format(name="openb", help="Alibaba's pods of 2023", read=openb.read),
    Format(name="philly", help="Microsoft's jobs of 2017", read=philly.read),
    Format(name="elasticflow", help="jobs of the ElasticFlow artifact", read=elasticflow.read),
)
_LATEST = 1e11  # the year 5138; what is meant is milliseconds then
FORMATS = {format.name: format for format in _TABLE}


def read_trace(path: Path, format: str | None = None) -> Trace:
    """The jobs in a file. `format` None: found out. UsageError when it cannot be read, or holds no job."""
    name = _format_of(path) if format is None else format
    if name not in FORMATS:
        raise UsageError(f"no format is called {name}; there are {', '.join(FORMATS)}")
    trace = FORMATS[name].read(path)
    if not trace.jobs:
        why = ", ".join(f"{count} {reason}" for reason, count in trace.left_out.items())
        raise UsageError(f"{path}: there is no job in it that began and ended{f': {why}' if why else ''}")
    for job in trace.jobs:
        if not (0 <= job.submit < _LATEST and 0 <= job.run < _LATEST):
            raise UsageError(
                f"{path}: job {job.id} is said to be submitted at {job.submit:g} and to run {job.run:g} s;"
                " times are from 1970 on, and of this age"
            )
    return trace


def _format_of(path: Path) -> str:
    text = text_of(path, errors="replace").lstrip()
    head = text.partition("\n")[0].rstrip("\r")
    if text.startswith("["):
        return "ours"
    if text.startswith("{"):
        return "ours" if '"spec"' in head else "sacct-json"
    if "|" in head:
        return "sacct"
    names = {name.strip() for name in next(csv.reader([head]), list[str]())}
    for name, columns in (
        ("openb", openb.COLUMNS),
        ("philly", philly.COLUMNS),
        ("elasticflow", elasticflow.COLUMNS),
    ):
        if names.issuperset(columns):
            return name
    raise UsageError(
        f"{path}: in none of the formats {', '.join(FORMATS)}; where it is in one, name it with --format"
    )
