"""Arrays: the jobs that one is made of, and how it is shown. Used by routes.jobs and routes.job_control.

shown      {"id", "array": {"id", "size", "limit"}, "name", "owner", "submitted_at": TIME,
                "states": {STATE: N}}
submitted  {"id", "array": {"id", "size", "limit"}, "jobs": [ID…]}
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sentinel.api.finding import Array
from sentinel.core.array_indices import parse_array
from sentinel.core.clock import rfc3339
from sentinel.core.job import ArrayTask, Job, JobState


def tasks_of(job: Job, array: str) -> list[Job]:
    """What `array` ("0-9%2") makes of `job`, whose id becomes the array's. UsageError as parse_array."""
    indices, limit = parse_array(array)
    return [
        replace(
            job,
            id=f"{job.id}_{index}",
            array=ArrayTask(id=job.id, index=index, size=len(indices), limit=limit),
        )
        for index in indices
    ]


def array_json(array: Array, counts: Mapping[JobState, int]) -> dict[str, Any]:
    """As in this module's docstring. `counts`: how many of its tasks are in each state."""
    return {
        "id": array.id,
        "array": _size(array.shape),
        "name": array.task.spec.name,
        "owner": array.task.owner,
        "submitted_at": rfc3339(array.task.submitted_at),
        "states": {state.value: counts[state] for state in JobState if counts.get(state)},
    }


def submitted_json(tasks: Sequence[Job]) -> dict[str, Any]:
    """As in this module's docstring."""
    shape = tasks[0].array
    assert shape is not None, "tasks have been made by `tasks_of`"
    return {"id": shape.id, "array": _size(shape), "jobs": [task.id for task in tasks]}


def _size(shape: ArrayTask) -> dict[str, Any]:
    return {"id": shape.id, "size": shape.size, "limit": shape.limit}
