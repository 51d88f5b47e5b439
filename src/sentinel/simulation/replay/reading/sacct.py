"""Slurm's accounting as text. In the table of `formats`.

    sacct -a -X -P -S 2026-01-01 -o \\
      JobID,User,Account,Submit,Start,End,State,Timelimit,NNodes,AllocTRES > jobs.txt

Fields are divided by "|", or by "|#" where that was asked for; a name with a line break in it is put together
again. Steps are passed over. Slurm's priority is not taken: it is what its own fair share came to. Times
without an offset count as UTC: only what lies between two of them matters.
"""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from sentinel.core.errors import UsageError
from sentinel.simulation.replay.reading.rows import Row, text_of
from sentinel.simulation.replay.reading.tres import Tres, tres_from
from sentinel.simulation.replay.trace import Trace, TraceJob, trace_of

COLUMNS = ("JobID", "Submit", "Start", "End")
TRES = ("AllocTRES", "ReqTRES")
_NEVER = ("", "Unknown", "None")
_BROKEN = "had a broken line"
_LIMIT = re.compile(r"(?:(\d+)-)?(\d+)(?::(\d+))?(?::(\d+))?")
_NO_LIMIT = ("", "UNLIMITED", "Partition_Limit", "INVALID")


def read(path: Path) -> Trace:
    """UsageError when it is no such file."""
    left_out: Counter[str] = Counter()
    jobs: list[TraceJob] = []
    for row in _rows(path, left_out):
        job = _job(row)
        if isinstance(job, str):
            left_out[job] += 1
        elif job is not None:
            jobs.append(job)
    return trace_of(jobs, left_out)


def _rows(path: Path, left_out: Counter[str]) -> Iterator[Row]:
    # Names of jobs may hold any bytes; those of what is read here are plain.
    lines = text_of(path, errors="replace").split("\n")
    divider = "|#" if "|#" in lines[0] else "|"
    names = lines[0].rstrip("\r").split(divider)
    missing = [name for name in COLUMNS if name not in names]
    if not missing and not any(name in names for name in TRES):
        missing = [" or ".join(TRES)]
    if missing:
        raise UsageError(
            f"{path}, line 1: no column {', '.join(missing)}; export with "
            "`sacct -a -X -P -o JobID,User,Account,Submit,Start,End,State,Timelimit,NNodes,AllocTRES`"
        )
    held: list[str] = []  # of a line that is not whole yet
    for number, line in enumerate(map(_without_return, lines[1:]), 2):
        if not held and not line.strip():
            continue
        alone = line.split(divider)
        if held and len(alone) == len(names):
            left_out[_BROKEN] += 1
            held = []
        held.append(line)
        cells = " ".join(held).split(divider)
        if len(cells) > len(names):
            raise UsageError(
                f"{path}, line {number}: {len(cells)} fields where line 1 names {len(names)}; leave out "
                "JobName and SubmitLine, which may hold the divider"
            )
        if len(cells) == len(names):
            yield Row(path, number, dict(zip(names, map(str.strip, cells), strict=True)))
            held = []
    if held:
        left_out[_BROKEN] += 1


def _without_return(line: str) -> str:
    return line.removesuffix("\r")


def _job(row: Row) -> TraceJob | str | None:
    """The job, why it is left out, or None for a step of one."""
    id = row.text("JobID")
    if "." in id:
        return None
    if row.cells["Start"] in _NEVER:
        return "never began"
    if row.cells["End"] in _NEVER:
        return "had not ended"
    began, ended = _moment(row, "Start"), _moment(row, "End")
    if ended < began:  # as Slurm writes of some that were canceled while they waited
        return "never began"
    tres = _tres(row)
    nodes = tres.nodes or (row.whole("NNodes", least=1) if row.optional("NNodes") else 1)
    return TraceJob(
        id=id,
        owner=row.optional("User") or "unknown",
        group=row.optional("Account"),
        submit=_moment(row, "Submit"),
        run=ended - began,
        gpus=-(-tres.gpus // nodes),
        nodes=nodes,
        limit=_limit(row),
        model=tres.model,
        cpus=-(-tres.cpus // nodes) or None,
        memory_bytes=-(-tres.memory_bytes // nodes) or None,
    )


def _tres(row: Row) -> Tres:
    """What it got; where that is not told, what it asked for."""
    column = next((name for name in TRES if row.optional(name)), None)
    if column is None:
        return Tres()
    try:
        return tres_from(row.cells[column])
    except ValueError as error:
        raise row.wrong(column, str(error)) from None


def _moment(row: Row, column: str) -> float:
    try:
        found = datetime.fromisoformat(row.cells[column])
    except ValueError:
        raise row.wrong(column, "a time like 2026-01-31T12:00:00 is expected") from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _limit(row: Row) -> float | None:
    """Slurm writes it as [days-]hours:minutes:seconds, or minutes:seconds."""
    text = row.cells.get("Timelimit", "")
    if text in _NO_LIMIT:
        return None
    found = _LIMIT.fullmatch(text)
    if found is None:
        raise row.wrong("Timelimit", "a time limit like 1-12:00:00 is expected")
    days, *rest = found.groups()
    numbers = [int(number) for number in rest if number is not None]
    if days is not None:
        hours, minutes, seconds = [*numbers, 0, 0][:3]
    else:
        hours, minutes, seconds = (
            [*[0] * (3 - len(numbers)), *numbers] if len(numbers) > 1 else [0, *numbers, 0]
        )
    return int(days or 0) * 86400.0 + hours * 3600.0 + minutes * 60.0 + seconds
