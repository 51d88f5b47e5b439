"""What became of each job, as JSON lines. Called by `sentinel simulate trace`.

    {"run": NAME, "id", "owner", "group": NAME | null, "gpus": N of each node, "share": thousandths of a GPU,
     "nodes": [NAME…], "devices": [NAME…], "submit": SECONDS, "began": SECONDS | null,
     "start": SECONDS | null, "end": SECONDS | null, "waited": SECONDS | null, "preemptions": N,
     "lost": GPU_SECONDS}

Times are the trace's: since the epoch where it has dates. `began` is of the first attempt, `start` of the
last; both are null for a job that never began.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sentinel.core.errors import UsageError
from sentinel.simulation.replay.life import Ran


def write_jobs(path: Path, runs: Sequence[tuple[str, Sequence[Ran]]]) -> None:
    """One line a job, run by run. UsageError when it cannot be written."""
    try:
        with path.open("w", encoding="utf-8") as file:
            for name, ran in runs:
                for one in ran:
                    print(json.dumps(_line(name, one), separators=(",", ":")), file=file)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror or error}") from error


def _line(name: str, one: Ran) -> dict[str, Any]:
    job = one.job
    return {
        "run": name,
        "id": job.id,
        "owner": job.owner,
        "group": job.group,
        "gpus": job.gpus,
        "share": job.milli,
        "nodes": list(one.nodes),
        "devices": list(one.gpus),
        "submit": job.submit,
        "began": one.first,
        "start": one.start,
        "end": one.end,
        "waited": None if one.first is None else one.first - job.submit,
        "preemptions": one.preemptions,
        "lost": one.lost,
    }
