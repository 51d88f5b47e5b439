"""Our own jobs, as they were. In the table of `formats`.

    sentinel job list --all --limit 1000000 --json > jobs.json

A list of jobs as in core.job_json, or one a line. A job ran from `started_at`, of its last attempt, to
`ended_at`. Those that never began or have not ended are left out, and so are the parts of gangs.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from sentinel.core.errors import UsageError
from sentinel.core.job import MOST_GPUS, MOST_PRIORITY, WHOLE, JobSpec
from sentinel.core.job_json import spec_from
from sentinel.core.timestamp import epoch
from sentinel.simulation.replay.reading.rows import text_of
from sentinel.simulation.replay.trace import Trace, TraceJob, trace_of

_WHOLE = (
    ("gpus", 0, MOST_GPUS),
    ("nodes", 1, MOST_GPUS),
    ("gpu_milli", 1, WHOLE),
    ("priority", -MOST_PRIORITY, MOST_PRIORITY),
)
_MOST = 1 << 60


def read(path: Path) -> Trace:
    """UsageError when it is no such file."""
    left_out: Counter[str] = Counter()
    jobs: list[TraceJob] = []
    for where, found in _objects(path):
        try:
            job = _job(found)
        except (KeyError, TypeError, ValueError) as error:
            what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
            raise UsageError(
                f"{path}, {where}: no job as `sentinel job list --all --json` prints it: {what}"
            ) from error
        if isinstance(job, str):
            left_out[job] += 1
        else:
            jobs.append(job)
    return trace_of(jobs, left_out)


def _objects(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each with where it is."""
    text = text_of(path)
    if text.lstrip().startswith("["):
        try:
            found = cast("list[Any]", json.loads(text))
        except ValueError as error:
            raise UsageError(f"{path}: not JSON: {error}") from error
        yield from ((f"job {number}", _object(path, one)) for number, one in enumerate(found, 1))
        return
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                one = json.loads(line)
            except ValueError as error:
                raise UsageError(f"{path}, line {number}: not JSON: {error}") from error
            yield f"line {number}", _object(path, one)


def _object(path: Path, found: Any) -> Mapping[str, Any]:
    if not isinstance(found, dict):
        raise UsageError(f"{path}: jobs are objects as `sentinel job list --all --json` prints them")
    return cast("Mapping[str, Any]", found)


def _job(found: Mapping[str, Any]) -> TraceJob | str:
    """The job, or why it is left out."""
    if found.get("part") is not None:
        return "were parts of a gang"
    if found["started_at"] is None:
        return "never began"
    if found["ended_at"] is None:
        return "had not ended"
    began, ended = _moment(found, "started_at"), _moment(found, "ended_at")
    if ended < began:
        raise ValueError("ended_at is before started_at")
    spec = spec_from(found["spec"])
    _check(spec, found["spec"].get("gpu_model"))
    return TraceJob(
        id=str(found["id"]),
        owner=str(found["owner"]),
        group=found.get("account"),
        submit=_moment(found, "submitted_at"),
        run=ended - began,
        gpus=spec.gpus,
        nodes=spec.nodes,
        milli=spec.gpu_milli,
        limit=spec.time_limit,
        priority=spec.priority,
        model=spec.gpu_model,
        gpu_memory_bytes=spec.gpu_memory_bytes,
        cpus=spec.cpus,
        memory_bytes=spec.memory_bytes,
        preemptible=spec.preemptible,
        checkpoints=bool(spec.checkpoint),
    )


def _check(spec: JobSpec, model: Any) -> None:
    """ValueError for what the controller would not have taken. `model`: the GPU's, as it was read."""
    for name, least, most in _WHOLE:
        value = getattr(spec, name)
        if not isinstance(value, int) or not least <= value <= most:
            raise ValueError(f"spec.{name}: a whole number from {least} to {most}, not {value!r}")
    for name in ("time_limit", "gpu_memory_bytes", "cpus", "memory_bytes"):
        value = getattr(spec, name)
        if value is not None and not (isinstance(value, int | float) and 0 < value < _MOST):
            raise ValueError(f"spec.{name}: a number above 0, or null, not {value!r}")
    if not isinstance(model, str | None):
        raise ValueError(f"spec.gpu_model: text, or null, not {model!r}")


def _moment(found: Mapping[str, Any], key: str) -> float:
    at = epoch(found[key])
    if at is None:
        raise ValueError(f"{key}: {found[key]!r} is no time")
    return at
