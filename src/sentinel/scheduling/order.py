"""Who is first: priority, then age. Kept in order while jobs come and go. Pure.

Waiting jobs stand in one line for each Need: where its first job finds no place, the others of the line need
not be looked at.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator
from heapq import merge

from sentinel.core.job import Job
from sentinel.scheduling.need import Need, need_of

Place = tuple[int, float, str]  # a job's key, ending with its id
Line = list[Place]


def key(job: Job) -> Place:
    """Sorts jobs: who comes first is least. The id makes the order the same everywhere."""
    return -job.spec.priority, job.submitted_at, job.id


class Lines:
    """The waiting jobs, by what they need. Adding and removing cost the logarithm of a line's length."""

    def __init__(self) -> None:
        self.by_need: dict[Need, Line] = {}

    def add(self, job: Job) -> None:
        """Not idempotent: `job` must not be in line."""
        insort(self.by_need.setdefault(need_of(job.spec), []), key(job))

    def remove(self, job: Job) -> None:
        """`job` as it was added."""
        need, place = need_of(job.spec), key(job)
        line = self.by_need[need]
        at = bisect_left(line, place)
        assert line[at] == place, f"job {job.id} is not in line"
        del line[at]
        if not line:
            del self.by_need[need]

    def ahead_of(self, job: Job) -> int:
        """How many are before it."""
        place = key(job)
        return sum(bisect_left(line, place) for line in self.by_need.values())

    def __len__(self) -> int:
        return sum(map(len, self.by_need.values()))

    def __iter__(self) -> Iterator[str]:
        """Ids, the first one first."""
        return (place[2] for place in merge(*self.by_need.values()))
