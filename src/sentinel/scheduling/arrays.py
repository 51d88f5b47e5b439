"""Arrays: jobs that were submitted as one, alike but for an index. Called by desk and dependencies.

An array is no job: its tasks are, with the ids ARRAY_INDEX, and each lives its own life.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sentinel.core.job import ArrayTask, Job
from sentinel.ports.store import JobFilter, Page, Reader

_APART = 1e-6  # seconds between the tasks' times of submission, so that the lower index comes first
_PAGE = 1000


def in_turn(tasks: Sequence[Job]) -> list[Job]:
    """The tasks of a new array by index, and so that the scheduler takes them in that order."""
    ordered = sorted(tasks, key=lambda task: task_of(task).index)
    return [
        replace(task, submitted_at=task.submitted_at + place * _APART) for place, task in enumerate(ordered)
    ]


def task_environment(task: Job, environment: Mapping[str, str]) -> Mapping[str, str]:
    """What all tasks have, and which one it is."""
    array = task_of(task)
    return {
        **environment,
        "SENTINEL_ARRAY_ID": array.id,
        "SENTINEL_ARRAY_INDEX": str(array.index),
        "SENTINEL_ARRAY_SIZE": str(array.size),
    }


def tasks_of(reader: Reader, array: str) -> list[Job]:
    """All tasks of the array with this id, by index; none when there is no such array."""
    found: list[Job] = []
    after: str | None = None
    while True:
        some, after = reader.find_jobs(JobFilter(array=array), Page(limit=_PAGE, after=after))
        found.extend(some)
        if after is None:
            return sorted(found, key=lambda task: task_of(task).index)


def live_tasks(reader: Reader, array: str) -> int:
    """How many of its tasks have not ended."""
    counts = reader.count_jobs(JobFilter(array=array))
    return sum(count for state, count in counts.items() if not state.ended)


def task_of(job: Job) -> ArrayTask:
    """Which task it is."""
    assert job.array is not None, f"job {job.id} is in no array"
    return job.array
