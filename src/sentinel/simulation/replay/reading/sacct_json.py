"""Slurm's accounting as JSON: `sacct -a --json`, and what slurmrestd's `/slurmdb` answers. In the table of
`formats`.

Its shape changed from version to version: a number may be bare or {"set", "infinite", "number"}, a state a
word or a list of words.
"""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from sentinel.core.errors import UsageError
from sentinel.simulation.replay.reading.rows import text_of
from sentinel.simulation.replay.reading.tres import Tres, tres_of
from sentinel.simulation.replay.trace import Trace, TraceJob, trace_of

_MINUTE = 60.0


def read(path: Path) -> Trace:
    """UsageError when it is no such file."""
    try:
        found = json.loads(text_of(path))
        jobs = found["jobs"]
        assert isinstance(jobs, list)
    except (ValueError, KeyError, TypeError, AssertionError) as error:
        raise UsageError(
            f'{path}: no JSON as `sacct --json` prints it: an object with a list "jobs" is expected'
        ) from error
    left_out: Counter[str] = Counter()
    kept: list[TraceJob] = []
    for number, raw in enumerate(cast("list[Any]", jobs), 1):
        try:
            job = _job(raw)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
            raise UsageError(f"{path}, job {number}: no job as `sacct --json` prints it: {what}") from error
        if isinstance(job, str):
            left_out[job] += 1
        else:
            kept.append(job)
    return trace_of(kept, left_out)


def _job(found: Mapping[str, Any]) -> TraceJob | str:
    """The job, or why it is left out."""
    time = found["time"]
    began, ended = float(time["start"]), float(time["end"])
    if not began:
        return "never began"
    if not ended:
        return "had not ended"
    if ended < began:  # as Slurm writes of some that were canceled while they waited
        return "never began"
    tres = _tres(found["tres"].get("allocated") or found["tres"].get("requested") or [])
    nodes = tres.nodes or int(found.get("allocation_nodes") or 1)
    limit = _number(time.get("limit"))
    return TraceJob(
        id=_id(found),
        owner=found.get("user") or "unknown",
        group=found.get("account") or None,
        submit=float(time["submission"]),
        run=ended - began,
        gpus=-(-tres.gpus // nodes),
        nodes=nodes,
        limit=limit * _MINUTE if limit else None,
        model=tres.model,
        cpus=-(-tres.cpus // nodes) or None,
        memory_bytes=-(-tres.memory_bytes // nodes) or None,
    )


def _id(found: Mapping[str, Any]) -> str:
    array = cast("Mapping[str, Any]", found.get("array") or {})
    task = _number(array.get("task_id"))
    if array.get("job_id") and task is not None:
        return f"{array['job_id']}_{task:.0f}"
    return str(found["job_id"])


def _number(found: Any) -> float | None:
    """None: not set, or without end."""
    if isinstance(found, dict):
        told = cast("dict[str, Any]", found)
        return float(told["number"]) if told.get("set") and not told.get("infinite") else None
    return None if found is None else float(found)


def _tres(found: list[Mapping[str, Any]]) -> Tres:
    pairs: list[tuple[str, str]] = []
    for one in found:
        name = f"{one['type']}/{one['name']}" if one.get("name") else str(one["type"])
        count = int(one["count"])
        if count < 0 or one["type"] not in ("cpu", "mem", "node", "gres"):
            continue
        pairs.append((name, f"{count}M" if one["type"] == "mem" else str(count)))
    return tres_of(pairs)
