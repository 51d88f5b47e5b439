"""`sentinel report usage`. Called by the table in `cli.app`.

The JSON is {"by", "start": TIME, "end": TIME, "step": SECONDS, "rows": [{"key", "gpu_hours",
"idle_gpu_hours", "unknown_gpu_hours", "energy_kwh", "coverage"}…], "totals": {…}, "days": [{"start": TIME,
…}…]}; null is unknown.
"""

import csv
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from sentinel.cli.controller import connected, note, print_json
from sentinel.cli.history import options
from sentinel.cli.history.new_file import refuse_existing, write_new
from sentinel.cli.history.usage_table import usage_lines
from sentinel.cli.jobs.options import AsJson
from sentinel.cli.table import table_width
from sentinel.core.clock import wall

_FIELDS = ("gpu_hours", "idle_gpu_hours", "unknown_gpu_hours", "energy_kwh", "coverage")


class Grouping(StrEnum):
    """What the rows are."""

    USER = "user"
    GROUP = "group"
    NODE = "node"
    GPU = "gpu"
    MODEL = "model"
    ORIGIN = "origin"


def command(
    by: Annotated[Grouping, typer.Option("--by", help="What the rows are.")] = Grouping.USER,
    since: options.Since = "30d",
    until: options.Until = None,
    file: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Write the rows into a CSV file instead.")
    ] = None,
    force: options.Force = False,
    as_json: AsJson = False,
) -> None:
    """Show who held the GPUs, how long, and how much of it idle: queued or not, as measured.

    IDLE is while the GPU computed nothing, of the time in which that was known; UNKNOWN is the rest. What
    counts for who is next in the queue: sentinel usage
    """
    if file is not None:
        refuse_existing(file, force=force)
    now = wall()
    start, end = options.asked_moment("--since", since, now), options.asked_moment("--until", until, now)
    with connected() as client:
        found = client.usage_report(by.value, since=start, until=end)
    if file is not None:
        write_new(file, lambda path: _write(path, found), force=force)
    if as_json:
        print_json(found)
    elif file is not None:
        note(f"{file}: {len(found['rows'])} rows")
    else:
        print("\n".join(usage_lines(found, table_width())))


def _write(path: Path, found: Mapping[str, Any]) -> None:
    """As `sentinel history export` writes text: quoted, and as it is."""
    with path.open("x", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
        writer.writerow([found["by"], *_FIELDS])
        for row in found["rows"]:
            writer.writerow([row["key"], *("" if row[name] is None else row[name] for name in _FIELDS)])
