"""What Slurm says of its cluster, where one is watched.

What is older than three of the watch's intervals is not shown. `cluster` is null: Slurm's answers that are
read do not name it.
"""

import json
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from sentinel.api.answers import as_json, time_json
from sentinel.api.deps import Reader, State
from sentinel.api.described import answers
from sentinel.api.problems import Problem
from sentinel.api.slurm_kept import KEY, KIND, LOOKED
from sentinel.api.slurm_shapes import SlurmShape
from sentinel.ports.store import Reader as StoreReader

STALE_LOOKS = 3.0
SILENT = "the watch has not looked for a while; the log of `sentinel server` says why"
PARTS = ("version", "nodes", "cpus", "gpus", "queue", "scheduler")

router = APIRouter(prefix="/api/v1", tags=["slurm"])


@router.get(
    "/slurm",
    summary="Nodes, CPUs, GPUs and queue of a Slurm cluster",
    description="404 where no cluster is watched: see `[slurm]` in the controller's config file.",
    responses=answers(SlurmShape, 404),
)
async def show_slurm(state: State, _: Reader) -> Response:
    now = state.now()
    return as_json(await state.read(lambda reader: _shown(reader, now)))


def _shown(reader: StoreReader, now: float) -> dict[str, Any]:
    kept = reader.meta(LOOKED)
    if kept is None:
        raise Problem(
            404,
            "no Slurm cluster is watched",
            kind="no-slurm",
            hint="write `[slurm]` and `enabled = true` into the controller's config file, and restart it",
        )
    looked: dict[str, Any] = json.loads(kept)
    at: float | None = looked["at"]
    age = None if at is None else max(0.0, now - at)
    stale = age is None or age > STALE_LOOKS * looked["every"]
    document = None if stale else reader.document(KIND, KEY)
    data: Mapping[str, Any] = (document and document.data) or {}
    return {
        "cluster": None,
        "at": time_json(at),
        "age": None if age is None else round(age, 1),
        "stale": stale,
        "source": None if stale else ", ".join(looked["sources"]) or None,
        "error": looked["error"] or (SILENT if stale else None),
        **{part: data.get(part) for part in PARTS},
    }
